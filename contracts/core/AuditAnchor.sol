// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {AuditLeaves} from "../libraries/AuditLeaves.sol";

/// @title AuditAnchor
/// @author Shoal
/// @notice See {IAuditAnchor}.
contract AuditAnchor is IAuditAnchor {
    /// @notice How far a node's log is anchored. One slot.
    /// @param count Number of anchors.
    /// @param lastSequence Last sequence anchored.
    struct Head {
        uint64 count;
        uint64 lastSequence;
    }

    mapping(address node => Head head) private _heads;
    mapping(address node => mapping(uint256 index => bytes32 commitment)) private _commitments;

    /// @inheritdoc IAuditAnchor
    function anchor(bytes32 root, uint64 firstSequence, uint64 lastSequence) external override returns (uint256 index) {
        if (root == bytes32(0)) revert ZeroRoot();
        Head memory head = _heads[msg.sender];
        uint64 expected = head.lastSequence + 1;
        if (firstSequence != expected) revert UnexpectedSequence(expected, firstSequence);
        if (lastSequence < firstSequence) revert EmptyRange(firstSequence, lastSequence);
        index = head.count;
        _heads[msg.sender] = Head({count: head.count + 1, lastSequence: lastSequence});
        _commitments[msg.sender][index] = AuditLeaves.commitment(root, firstSequence, lastSequence);
        emit Anchored(msg.sender, index, root, firstSequence, lastSequence);
    }

    /// @inheritdoc IAuditAnchor
    function anchorCount(address node) external view override returns (uint256 count) {
        return _heads[node].count;
    }

    /// @inheritdoc IAuditAnchor
    function nextSequence(address node) external view override returns (uint64 sequence) {
        return _heads[node].lastSequence + 1;
    }

    /// @inheritdoc IAuditAnchor
    function anchorAt(address node, uint256 index) external view override returns (bytes32 commitment) {
        commitment = _commitments[node][index];
        if (commitment == bytes32(0)) revert UnknownAnchor(node, index);
    }

    /// @inheritdoc IAuditAnchor
    function verify(address node, InclusionProof calldata inclusion) external view override returns (bool included) {
        if (inclusion.eventHash.length != AuditLeaves.EVENT_HASH_BYTES) return false;
        if (inclusion.sequence < inclusion.firstSequence || inclusion.sequence > inclusion.lastSequence) return false;
        bytes32 leaf = AuditLeaves.leaf(inclusion.sequence, inclusion.eventHash);
        bytes32 root = MerkleProof.processProofCalldata(inclusion.proof, leaf);
        return
            _commitments[node][inclusion.index] ==
            AuditLeaves.commitment(root, inclusion.firstSequence, inclusion.lastSequence);
    }
}
