// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {Receipt, Receipts} from "../libraries/Receipts.sol";
import {AnchoredReceipts, ReceiptProof} from "./AnchoredReceipts.sol";
import {IReceiptVerifier} from "./IReceiptVerifier.sol";

/// @title ReceiptVerifier
/// @author Shoal
/// @notice See {IReceiptVerifier}.
contract ReceiptVerifier is IReceiptVerifier {
    /// @inheritdoc IReceiptVerifier
    IAuditAnchor public immutable override auditAnchor;

    /// @notice Fixes where logs are anchored, for ever.
    /// @param auditAnchor_ AuditAnchor.
    constructor(IAuditAnchor auditAnchor_) {
        if (address(auditAnchor_) == address(0)) revert ZeroAddress();
        auditAnchor = auditAnchor_;
    }

    /// @inheritdoc IReceiptVerifier
    function isStatedBy(
        address node,
        Receipt calldata receipt,
        ReceiptProof calldata proof
    ) external view override returns (bool stated) {
        return AnchoredReceipts.isStatedBy(auditAnchor, node, receipt, proof);
    }

    /// @inheritdoc IReceiptVerifier
    function claimOf(Receipt calldata receipt) external pure override returns (bytes32 claim) {
        return Receipts.hash(receipt);
    }
}
