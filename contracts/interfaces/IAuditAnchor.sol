// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IAuditAnchor
/// @author Shoal
/// @notice Each node's wallet anchors the Merkle roots of its audit log, in order and without gaps: a root covers the
/// sequences that follow those of the root before it, the first one begins at 1, and nothing is ever changed. A node
/// therefore cannot show two histories for one sequence.
///
/// A tree is the `StandardMerkleTree` of OpenZeppelin's npm package merkle-tree over the values
/// `[sequence, eventHash]` of the types `['uint64', 'bytes']`; `eventHash` is the SHA3-512 of the event, 64 bytes. Its
/// leaf is keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash))), and an inner node is the keccak256 of
/// its two children, the smaller first.
interface IAuditAnchor {
    /// @notice All that shows that a node's log has a certain event at a certain place.
    /// @param index Number of the anchor among the node's; the first is 0.
    /// @param firstSequence First sequence the anchor covers.
    /// @param lastSequence Last sequence the anchor covers.
    /// @param sequence Place of the event in the log.
    /// @param eventHash SHA3-512 of the event, 64 bytes.
    /// @param proof Siblings on the way from the leaf to the root.
    struct InclusionProof {
        uint256 index;
        uint64 firstSequence;
        uint64 lastSequence;
        uint64 sequence;
        bytes eventHash;
        bytes32[] proof;
    }

    /// @notice A node anchored a root.
    /// @param node The node's wallet.
    /// @param index Number of this anchor among the node's; the first is 0.
    /// @param root Merkle root.
    /// @param firstSequence First sequence covered.
    /// @param lastSequence Last sequence covered.
    event Anchored(
        address indexed node,
        uint256 indexed index,
        bytes32 root,
        uint64 firstSequence,
        uint64 lastSequence
    );

    /// @notice The range does not begin where the last one ended. An anchor that is sent again fails like this, with
    /// `expected` one more than the `lastSequence` it had.
    /// @param expected What `firstSequence` has to be.
    /// @param given What it was.
    error UnexpectedSequence(uint64 expected, uint64 given);

    /// @notice The range ends before it begins.
    /// @param firstSequence First sequence given.
    /// @param lastSequence Last sequence given.
    error EmptyRange(uint64 firstSequence, uint64 lastSequence);

    /// @notice Zero is no Merkle root.
    error ZeroRoot();

    /// @notice The node has fewer anchors.
    /// @param node The node's wallet.
    /// @param index Number asked for.
    error UnknownAnchor(address node, uint256 index);

    /// @notice Anchors the next root of the caller's log.
    /// @param root Merkle root over the leaves of the range, not zero.
    /// @param firstSequence One more than the last sequence anchored; 1 the first time.
    /// @param lastSequence Last sequence covered, at least `firstSequence`.
    /// @return index Number of this anchor among the caller's.
    /// @dev Reverts with `ZeroRoot`, `UnexpectedSequence`, `EmptyRange`.
    function anchor(bytes32 root, uint64 firstSequence, uint64 lastSequence) external returns (uint256 index);

    /// @notice How many roots a node has anchored.
    /// @param node The node's wallet.
    /// @return count Number of anchors.
    function anchorCount(address node) external view returns (uint256 count);

    /// @notice What `firstSequence` of a node's next anchor has to be.
    /// @param node The node's wallet.
    /// @return sequence One more than the last sequence anchored; 1 when there is none.
    function nextSequence(address node) external view returns (uint64 sequence);

    /// @notice What is stored of an anchor: keccak256(abi.encode(bytes32 root, uint64 firstSequence,
    /// uint64 lastSequence)). Root and range themselves are in the `Anchored` event and in the node's log.
    /// @param node The node's wallet.
    /// @param index Number of the anchor among the node's.
    /// @return commitment Root and range, hashed together.
    /// @dev Reverts with `UnknownAnchor`.
    function anchorAt(address node, uint256 index) external view returns (bytes32 commitment);

    /// @notice Whether an event is at its place in a node's anchored log.
    /// @param node The node's wallet.
    /// @param inclusion Event, place, range and proof.
    /// @return included False when anything does not fit; nothing reverts.
    function verify(address node, InclusionProof calldata inclusion) external view returns (bool included);
}
