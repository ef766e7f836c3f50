// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditAnchor} from "../../interfaces/IAuditAnchor.sol";
import {IChannels} from "../../interfaces/IChannels.sol";
import {ICourt} from "../../interfaces/ICourt.sol";
import {ICourtParameters} from "../../interfaces/ICourtParameters.sol";
import {ITickets} from "../../interfaces/ITickets.sol";
import {Receipt, Receipts} from "../../libraries/Receipts.sol";

/// @title Evidence
/// @author Shoal
/// @notice What the contracts can see for themselves: statements, events, receipts, channels and ticket deposits.
/// Everything here only reads.
abstract contract Evidence is ICourt {
    /// @inheritdoc ICourt
    address public immutable override settlement;

    /// @inheritdoc ICourt
    address public immutable override auditAnchor;

    /// @notice Fixes what is looked at.
    /// @param settlement_ The Settlement contract.
    /// @param auditAnchor_ The AuditAnchor contract.
    constructor(address settlement_, address auditAnchor_) {
        if (settlement_ == address(0) || auditAnchor_ == address(0)) revert ZeroAddress();
        settlement = settlement_;
        auditAnchor = auditAnchor_;
    }

    /// @notice Reverts unless a node anchored or signed a root.
    /// @param node The node's wallet.
    /// @param statement The root, and where it is anchored or its signature.
    function _requireStated(address node, Statement calldata statement) internal view {
        IAuditAnchor anchors = IAuditAnchor(auditAnchor);
        bool stated =
            statement.anchored
                ? anchors.isAnchored(
                    node,
                    IAuditAnchor.AnchorRef({
                        index: statement.index,
                        range: statement.range,
                        anchoredAt: statement.anchoredAt
                    })
                )
                : anchors.isRootSigned(node, statement.range, statement.signature);
        if (!stated) revert NotStated();
    }

    /// @notice Reverts unless a node stated an event.
    /// @param node The node's wallet.
    /// @param inclusion The event and the statement it is under.
    function _requireIncluded(address node, Inclusion calldata inclusion) internal view {
        IAuditAnchor.Range calldata range = inclusion.statement.range;
        _requireStated(node, inclusion.statement);
        uint64 sequence = inclusion.leaf.sequence;
        bool outside = sequence < range.firstSequence || sequence > range.lastSequence;
        if (outside || !IAuditAnchor(auditAnchor).isIncluded(range.root, inclusion.leaf, inclusion.proof)) {
            revert NotIncluded();
        }
    }

    /// @notice Reverts unless a node stated a receipt of this chain and Settlement.
    /// @param node The node's wallet.
    /// @param receipt The receipt.
    /// @param inclusion Its event in the node's log.
    /// @return claim What names the receipt.
    function _requireReceipt(
        address node,
        Receipt calldata receipt,
        Inclusion calldata inclusion
    ) internal view returns (bytes32 claim) {
        if (receipt.chainId != block.chainid || receipt.settlement != settlement) revert ForeignReceipt();
        claim = Receipts.hash(receipt);
        if (inclusion.leaf.claim != claim) revert WrongClaim();
        _requireIncluded(node, inclusion);
    }

    /// @notice Whether what the contract alone decides is (still) at fault.
    /// @dev On a closed channel nothing can be covered any more: there a voucher has to be paid like a receipt.
    /// @param fault Kind of fault.
    /// @param subject The channel or ticket deposit.
    /// @param amount Base units that have to be paid or covered on the channel.
    /// @return stands Whether it is not.
    function _faultStands(
        ICourtParameters.Fault fault,
        bytes32 subject,
        uint256 amount
    ) internal view returns (bool stands) {
        if (fault == ICourtParameters.Fault.OverIssuedTickets) return ITickets(settlement).arrearsOf(subject) != 0;
        IChannels.Channel memory channel = _channel(subject);
        bool coverable = fault == ICourtParameters.Fault.OverIssuedVoucher && !_isClosed(subject);
        return (coverable ? channel.deposit : channel.claimed) < amount;
    }

    /// @notice A channel.
    /// @param channelId Its id.
    /// @return channel All zero when there is none.
    function _channel(bytes32 channelId) internal view returns (IChannels.Channel memory channel) {
        return IChannels(settlement).channelOf(channelId);
    }

    /// @notice Whether a channel can pay nothing any more.
    /// @param channelId The channel.
    /// @return closed Whether it is closed for good.
    function _isClosed(bytes32 channelId) internal view returns (bool closed) {
        return IChannels(settlement).statusOf(channelId) == IChannels.ChannelStatus.Closed;
    }

    /// @notice Reverts unless two statements are of the same sequences with different roots.
    /// @param first One.
    /// @param second The other.
    function _requireRootsContradict(
        IAuditAnchor.Range calldata first,
        IAuditAnchor.Range calldata second
    ) internal pure {
        bool sameRange = first.firstSequence == second.firstSequence && first.lastSequence == second.lastSequence;
        if (!sameRange || first.root == second.root) revert NoContradiction();
    }

    /// @notice Reverts unless two events are different and at one place.
    /// @param first One.
    /// @param second The other.
    function _requireLeavesContradict(
        IAuditAnchor.Leaf calldata first,
        IAuditAnchor.Leaf calldata second
    ) internal pure {
        bool same = first.claim == second.claim && keccak256(first.eventHash) == keccak256(second.eventHash);
        if (first.sequence != second.sequence || same) revert NoContradiction();
    }

    /// @notice Names a node's statement, however it was made.
    /// @param node The node's wallet.
    /// @param range Root and the sequences it covers.
    /// @return key keccak256(abi.encode(node, root, firstSequence, lastSequence)).
    function _statementKey(address node, IAuditAnchor.Range calldata range) internal pure returns (bytes32 key) {
        return keccak256(abi.encode(node, range));
    }
}
