// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {AuditLeaves} from "../libraries/AuditLeaves.sol";
import {Signatures} from "../libraries/Signatures.sol";

/// @title AuditAnchor
/// @author Shoal
/// @notice See {IAuditAnchor}.
/// @dev Holds no money and has no owner. The only code of others it calls is that of ERC-1271 wallets, by `staticcall`
/// and before it writes.
contract AuditAnchor is IAuditAnchor, EIP712 {
    /// @notice How far a node's log is anchored. One slot.
    /// @param count Number of anchors.
    /// @param lastSequence Last sequence anchored.
    struct Head {
        uint64 count;
        uint64 lastSequence;
    }

    /// @notice Entries `anchorMany` takes.
    uint256 public constant MAX_BATCH = 256;

    /// @notice Leaves `verifyRange` takes.
    uint256 public constant MAX_LEAVES = 1024;

    mapping(address node => Head head) private _heads;
    mapping(address node => mapping(uint256 index => bytes32 commitment)) private _commitments;

    /// @notice Deploys the contract; it never changes.
    constructor() EIP712("Shoal AuditAnchor", "1") {}

    /// @inheritdoc IAuditAnchor
    function anchor(bytes32 root, uint64 firstSequence, uint64 lastSequence) external override returns (uint256 index) {
        Head memory head = _heads[msg.sender];
        Range memory range = Range({root: root, firstSequence: firstSequence, lastSequence: lastSequence});
        Outcome outcome = _check(head, range);
        if (outcome == Outcome.ZeroRoot) revert ZeroRoot();
        if (outcome == Outcome.UnexpectedSequence) revert UnexpectedSequence(_next(head), firstSequence);
        if (outcome == Outcome.EmptyRange) revert EmptyRange(firstSequence, lastSequence);
        return _anchor(msg.sender, head, range);
    }

    /// @inheritdoc IAuditAnchor
    function anchorMany(SignedRange[] calldata signedRanges) external override returns (Outcome[] memory outcomes) {
        uint256 length = signedRanges.length;
        if (length > MAX_BATCH) revert TooManyEntries(length, MAX_BATCH);
        outcomes = new Outcome[](length);
        for (uint256 i = 0; i < length; ++i) {
            SignedRange calldata signed = signedRanges[i];
            Head memory head = _heads[signed.node];
            Outcome outcome = _check(head, signed.range);
            if (outcome == Outcome.Anchored && !isRootSigned(signed.node, signed.range, signed.signature)) {
                outcome = Outcome.BadSignature;
            }
            if (outcome == Outcome.Anchored) _anchor(signed.node, head, signed.range);
            else emit AnchorSkipped(signed.node, i, outcome);
            outcomes[i] = outcome;
        }
    }

    /// @inheritdoc IAuditAnchor
    function anchorCount(address node) external view override returns (uint256 count) {
        return _heads[node].count;
    }

    /// @inheritdoc IAuditAnchor
    function nextSequence(address node) external view override returns (uint64 sequence) {
        return _next(_heads[node]);
    }

    /// @inheritdoc IAuditAnchor
    function anchorAt(address node, uint256 index) external view override returns (bytes32 commitment) {
        commitment = _commitments[node][index];
        if (commitment == bytes32(0)) revert UnknownAnchor(node, index);
    }

    /// @inheritdoc IAuditAnchor
    function verify(
        address node,
        AnchorRef calldata ref,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external view override returns (bool included) {
        return AuditLeaves.fitsIn(leaf, ref.range) && isIncluded(ref.range.root, leaf, proof) && isAnchored(node, ref);
    }

    /// @inheritdoc IAuditAnchor
    function verifyRange(
        address node,
        AnchorRef calldata ref,
        Leaf[] calldata leaves,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external view override returns (bool included) {
        uint256 length = leaves.length;
        if (length > MAX_LEAVES) revert TooManyEntries(length, MAX_LEAVES);
        if (!_isWellFormed(length, proof.length, proofFlags)) return false;
        bytes32[] memory hashes = new bytes32[](length);
        uint256 first = leaves[0].sequence;
        for (uint256 i = 0; i < length; ++i) {
            if (leaves[i].sequence != first + i || !AuditLeaves.fitsIn(leaves[i], ref.range)) return false;
            hashes[i] = AuditLeaves.leaf(leaves[i]);
        }
        return MerkleProof.multiProofVerifyCalldata(proof, proofFlags, ref.range.root, hashes) && isAnchored(node, ref);
    }

    /// @inheritdoc IAuditAnchor
    function isAnchored(address node, AnchorRef calldata ref) public view override returns (bool anchored) {
        return _commitments[node][ref.index] == AuditLeaves.commitment(ref.range, ref.anchoredAt);
    }

    /// @inheritdoc IAuditAnchor
    function isRootSigned(
        address node,
        Range calldata range,
        bytes calldata signature
    ) public view override returns (bool signed) {
        return Signatures.isValid(node, rootDigest(node, range), signature);
    }

    /// @inheritdoc IAuditAnchor
    function rootDigest(address node, Range calldata range) public view override returns (bytes32 digest) {
        return _hashTypedDataV4(AuditLeaves.rootHash(node, range));
    }

    /// @inheritdoc IAuditAnchor
    function isIncluded(
        bytes32 root,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) public pure override returns (bool included) {
        return
            leaf.eventHash.length == AuditLeaves.EVENT_HASH_BYTES &&
            MerkleProof.verifyCalldata(proof, root, AuditLeaves.leaf(leaf));
    }

    /// @notice Writes a range that has been checked.
    /// @param node The node's wallet.
    /// @param head How far its log was anchored.
    /// @param range Root and the sequences it covers.
    /// @return index Number of this anchor among the node's.
    function _anchor(address node, Head memory head, Range memory range) private returns (uint256 index) {
        index = head.count;
        uint48 anchoredAt = uint48(block.timestamp);
        _heads[node] = Head({count: head.count + 1, lastSequence: range.lastSequence});
        _commitments[node][index] = AuditLeaves.commitment(range, anchoredAt);
        emit Anchored({
            node: node,
            index: index,
            root: range.root,
            firstSequence: range.firstSequence,
            lastSequence: range.lastSequence,
            anchoredAt: anchoredAt
        });
    }

    /// @notice What keeps a range from being the next of a log.
    /// @dev A log whose last sequence is the greatest there is has no next one: nothing is one more than it.
    /// @param head How far the log is anchored.
    /// @param range Root and the sequences it covers.
    /// @return outcome `Anchored` when nothing does.
    function _check(Head memory head, Range memory range) private pure returns (Outcome outcome) {
        if (range.root == bytes32(0)) return Outcome.ZeroRoot;
        if (range.firstSequence != uint256(head.lastSequence) + 1) return Outcome.UnexpectedSequence;
        if (range.lastSequence < range.firstSequence) return Outcome.EmptyRange;
        return Outcome.Anchored;
    }

    /// @notice What the next range has to begin with.
    /// @param head How far the log is anchored.
    /// @return sequence One more than the last sequence; 0 after the greatest.
    function _next(Head memory head) private pure returns (uint64 sequence) {
        unchecked {
            return head.lastSequence + 1;
        }
    }

    /// @notice Whether a multiproof uses up exactly what it brings, so that OpenZeppelin's code does not revert. One
    /// without leaves, by which that code takes any hash for proven, never does: it would need fewer steps than none.
    /// @param leaves Number of leaves.
    /// @param siblings Number of siblings in the proof.
    /// @param proofFlags Which steps take their second child from the proof (false).
    /// @return wellFormed False when the numbers do not fit.
    function _isWellFormed(
        uint256 leaves,
        uint256 siblings,
        bool[] calldata proofFlags
    ) private pure returns (bool wellFormed) {
        uint256 steps = proofFlags.length;
        if (leaves + siblings != steps + 1) return false;
        uint256 fromProof = 0;
        for (uint256 i = 0; i < steps; ++i) if (!proofFlags[i]) ++fromProof;
        return fromProof == siblings;
    }
}
