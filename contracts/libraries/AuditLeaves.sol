// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";

/// @title AuditLeaves
/// @author Shoal
/// @notice The hash formulas of an anchored audit log.
library AuditLeaves {
    /// @notice Length of an event hash (SHA3-512), in bytes.
    uint256 internal constant EVENT_HASH_BYTES = 64;

    /// @notice keccak256 of the EIP-712 encoding of a signed root's type.
    bytes32 internal constant ROOT_TYPE_HASH = keccak256(
        "Root(address node,bytes32 root,uint64 firstSequence,uint64 lastSequence)"
    );

    /// @notice Leaf of one event.
    /// @dev What the `StandardMerkleTree` of OpenZeppelin's npm package merkle-tree makes of the value
    /// `[sequence, eventHash, claim]` with the types `['uint64', 'bytes', 'bytes32']`. Hashing twice keeps an inner
    /// node from being passed off as a leaf.
    /// @param event_ Place, hash and claim of the event.
    /// @return leafHash keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash, bytes32 claim))).
    function leaf(IAuditAnchor.Leaf calldata event_) internal pure returns (bytes32 leafHash) {
        return keccak256(bytes.concat(keccak256(abi.encode(event_.sequence, event_.eventHash, event_.claim))));
    }

    /// @notice Whether a leaf can stand in a range: its hash has the length of a SHA3-512, its sequence is covered.
    /// @param event_ Place, hash and claim of the event.
    /// @param range Root and the sequences it covers.
    /// @return fits False when length or sequence is wrong.
    function fitsIn(
        IAuditAnchor.Leaf calldata event_,
        IAuditAnchor.Range calldata range
    ) internal pure returns (bool fits) {
        if (event_.sequence < range.firstSequence || event_.sequence > range.lastSequence) return false;
        return event_.eventHash.length == EVENT_HASH_BYTES;
    }

    /// @notice What an anchor stores: the root bound to the sequences it covers and to when it was anchored.
    /// @dev One slot instead of three makes an anchor cost half; whoever verifies brings the parts along.
    /// @param range Root and the sequences it covers.
    /// @param anchoredAt When it was anchored, in seconds since the Unix epoch.
    /// @return boundRoot keccak256(abi.encode(root, firstSequence, lastSequence, anchoredAt)).
    function commitment(IAuditAnchor.Range memory range, uint256 anchoredAt) internal pure returns (bytes32 boundRoot) {
        return keccak256(abi.encode(range.root, range.firstSequence, range.lastSequence, anchoredAt));
    }

    /// @notice EIP-712 `hashStruct` of a root that a node's wallet signs.
    /// @param node The node's wallet.
    /// @param range Root and the sequences it covers.
    /// @return structHash keccak256(ROOT_TYPE_HASH . node . root . firstSequence . lastSequence), 32 bytes each.
    function rootHash(address node, IAuditAnchor.Range calldata range) internal pure returns (bytes32 structHash) {
        return keccak256(abi.encode(ROOT_TYPE_HASH, node, range.root, range.firstSequence, range.lastSequence));
    }
}
