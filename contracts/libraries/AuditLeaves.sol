// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AuditLeaves
/// @author Shoal
/// @notice The two hash formulas of an anchored audit log.
library AuditLeaves {
    /// @notice Length of an event hash (SHA3-512), in bytes.
    uint256 internal constant EVENT_HASH_BYTES = 64;

    /// @notice Leaf of one event.
    /// @dev What the `StandardMerkleTree` of OpenZeppelin's npm package merkle-tree makes of the value
    /// `[sequence, eventHash]` with the types `['uint64', 'bytes']`. Hashing twice keeps a leaf from being
    /// passed off as an inner node.
    /// @param sequence Place of the event in the log; the first is 1.
    /// @param eventHash SHA3-512 of the event, 64 bytes.
    /// @return leafHash keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash))).
    function leaf(uint64 sequence, bytes calldata eventHash) internal pure returns (bytes32 leafHash) {
        return keccak256(bytes.concat(keccak256(abi.encode(sequence, eventHash))));
    }

    /// @notice What an anchor stores: the root bound to the range of sequences it covers.
    /// @dev One slot instead of two makes an anchor cost a third less; whoever verifies brings the range along.
    /// @param root Merkle root over the leaves of the range.
    /// @param firstSequence First sequence covered.
    /// @param lastSequence Last sequence covered.
    /// @return boundRoot keccak256(abi.encode(root, firstSequence, lastSequence)).
    function commitment(
        bytes32 root,
        uint64 firstSequence,
        uint64 lastSequence
    ) internal pure returns (bytes32 boundRoot) {
        return keccak256(abi.encode(root, firstSequence, lastSequence));
    }
}
