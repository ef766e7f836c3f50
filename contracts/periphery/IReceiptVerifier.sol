// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {Receipt} from "../libraries/Receipts.sol";
import {ReceiptProof} from "./AnchoredReceipts.sol";

/// @title IReceiptVerifier
/// @author Shoal
/// @notice {AnchoredReceipts} as a contract: for whoever is off chain, and for contracts that would rather ask than
/// hash. It keeps nothing and can do nothing.
interface IReceiptVerifier {
    /// @notice An address must not be zero.
    error ZeroAddress();

    /// @notice Where nodes anchor their logs.
    /// @return contractAddress AuditAnchor.
    function auditAnchor() external view returns (IAuditAnchor contractAddress);

    /// @notice Whether a receipt is in a node's anchored audit log.
    /// @param node The node's wallet: the payee's for the provider's word, the payer's for the requester's.
    /// @param receipt What the receipt says.
    /// @param proof Where it stands.
    /// @return stated False when anything does not fit; nothing reverts.
    function isStatedBy(
        address node,
        Receipt calldata receipt,
        ReceiptProof calldata proof
    ) external view returns (bool stated);

    /// @notice What stands for a receipt in the leaf of an audit log.
    /// @param receipt What the receipt says.
    /// @return claim EIP-712 `hashStruct` of it, without a domain.
    function claimOf(Receipt calldata receipt) external pure returns (bytes32 claim);
}
