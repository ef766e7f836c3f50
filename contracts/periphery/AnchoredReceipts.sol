// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {Receipt, Receipts} from "../libraries/Receipts.sol";

/// @notice Where in its node's anchored audit log a receipt stands. `shoal audit verify --event <n> --json` prints all
/// of it, as `proof`.
/// @param ref The anchor that covers the event.
/// @param sequence Place of the receipt's event in the log.
/// @param eventHash SHA3-512 of the event, 64 bytes. What it hides stays hidden: only the claim beside it is opened.
/// @param siblings On the way from the event's leaf to the root.
struct ReceiptProof {
    IAuditAnchor.AnchorRef ref;
    uint64 sequence;
    bytes eventHash;
    bytes32[] siblings;
}

/// @title AnchoredReceipts
/// @author Shoal
/// @notice For contracts that act on what a node says it did: whether a receipt is in a node's anchored audit log.
///
/// Such a receipt is a statement of that node, made at `proof.ref.anchoredAt` at the latest, which it can neither take
/// back nor replace by another at the same place. It is no proof that the statement is true: who needs that waits until
/// the time to challenge it is over, or asks several providers.
library AnchoredReceipts {
    /// @notice Whether a node has stated a receipt.
    /// @param auditAnchor The contract the node anchors its log in.
    /// @param node The node's wallet: the payee's for the provider's word, the payer's for the requester's. The caller
    /// compares it, and all members of the receipt it cares for, with what it expects.
    /// @param receipt What the receipt says.
    /// @param proof Where it stands.
    /// @return stated False when anything does not fit.
    function isStatedBy(
        IAuditAnchor auditAnchor,
        address node,
        Receipt memory receipt,
        ReceiptProof calldata proof
    ) internal view returns (bool stated) {
        IAuditAnchor.Leaf memory leaf = IAuditAnchor.Leaf({
            sequence: proof.sequence,
            eventHash: proof.eventHash,
            claim: Receipts.hash(receipt)
        });
        return auditAnchor.verify(node, proof.ref, leaf, proof.siblings);
    }
}
