// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IAuditAnchor
/// @author Shoal
/// @notice Each node's wallet anchors the Merkle roots of its audit log, in order and without gaps: a root covers the
/// sequences that follow those of the root before it, the first one begins at 1, and nothing is ever changed. There is
/// no owner. A node therefore cannot show two histories for one sequence, or date one back.
///
/// A tree is the `StandardMerkleTree` of OpenZeppelin's npm package merkle-tree over the values
/// `[sequence, eventHash, claim]` of the types `['uint64', 'bytes', 'bytes32']`, in the order of the log
/// (`sortLeaves: false`): `eventHash` is the SHA3-512 of the event, 64 bytes; `claim` is what contracts can read of it,
/// the {Receipts} hash of a receipt's event, and zero for all others. A leaf is
/// keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash, bytes32 claim))), and an inner node is the
/// keccak256 of its two children, the smaller first.
///
/// The contract proves that a node said something, and since when; not that it is true. The chain sees no events, so a
/// root can be of anything: a false leaf is the node's own statement against it.
interface IAuditAnchor {
    /// @notice What became of one root of a batch.
    enum Outcome {
        /// @notice It is anchored.
        Anchored,
        /// @notice The root is zero.
        ZeroRoot,
        /// @notice The range does not begin where the node's last one ended; it may have been anchored already.
        UnexpectedSequence,
        /// @notice The range ends before it begins.
        EmptyRange,
        /// @notice It is not signed by the node's wallet.
        BadSignature
    }

    /// @notice A root and the sequences it covers.
    /// @param root Merkle root.
    /// @param firstSequence First sequence covered.
    /// @param lastSequence Last sequence covered.
    struct Range {
        bytes32 root;
        uint64 firstSequence;
        uint64 lastSequence;
    }

    /// @notice A range that a node's wallet signed, for others to anchor.
    /// @param node The node's wallet.
    /// @param range Root and the sequences it covers.
    /// @param signature By the node's wallet, of `rootDigest`: 65 bytes r, s, v, or what its ERC-1271 contract takes.
    struct SignedRange {
        address node;
        Range range;
        bytes signature;
    }

    /// @notice All that names an anchor; as in its `Anchored` event.
    /// @param index Number of the anchor among the node's; the first is 0.
    /// @param range Root and the sequences it covers.
    /// @param anchoredAt When it was anchored, in seconds since the Unix epoch.
    struct AnchorRef {
        uint256 index;
        Range range;
        uint48 anchoredAt;
    }

    /// @notice One event as it is in a tree.
    /// @param sequence Place of the event in the log; the first is 1.
    /// @param eventHash SHA3-512 of the event, 64 bytes.
    /// @param claim {Receipts} hash of the receipt the event is about; zero for other events.
    struct Leaf {
        uint64 sequence;
        bytes eventHash;
        bytes32 claim;
    }

    /// @notice A root of a node was anchored.
    /// @param node The node's wallet.
    /// @param index Number of this anchor among the node's; the first is 0.
    /// @param root Merkle root.
    /// @param firstSequence First sequence covered.
    /// @param lastSequence Last sequence covered.
    /// @param anchoredAt The block's time, in seconds since the Unix epoch; part of what proofs bring along.
    event Anchored(
        address indexed node,
        uint256 indexed index,
        bytes32 root,
        uint64 firstSequence,
        uint64 lastSequence,
        uint48 anchoredAt
    );

    /// @notice A root of a batch was left out; the others are as if it had not been there.
    /// @param node The wallet it was said to be of.
    /// @param position Place in the batch; the first is 0.
    /// @param outcome Why.
    event AnchorSkipped(address indexed node, uint256 indexed position, Outcome outcome);

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

    /// @notice More entries than one call takes.
    /// @param given How many there were.
    /// @param max How many one call takes.
    error TooManyEntries(uint256 given, uint256 max);

    /// @notice Anchors the next root of the caller's log.
    /// @param root Merkle root over the leaves of the range, not zero.
    /// @param firstSequence One more than the last sequence anchored; 1 the first time.
    /// @param lastSequence Last sequence covered, at least `firstSequence`.
    /// @return index Number of this anchor among the caller's.
    /// @dev Reverts with `ZeroRoot`, `UnexpectedSequence`, `EmptyRange`. Emits `Anchored`.
    function anchor(bytes32 root, uint64 firstSequence, uint64 lastSequence) external returns (uint256 index);

    /// @notice Anchors roots of many nodes, or several of one in order, in one transaction. Anyone may call: what
    /// counts is the node's signature. A bad entry is skipped and said so, and never keeps the others out.
    /// @param signedRanges Up to 256 (`MAX_BATCH`) signed ranges. A node's must come in the order of its log.
    /// @return outcomes What became of each, in the same order.
    /// @dev Reverts with `TooManyEntries`, and with `Signatures.InsufficientGas` when what is left of the gas could
    /// make a smart account's good signature look bad. Emits `Anchored` or `AnchorSkipped` for each entry. A signed
    /// range has no deadline: until the node anchors something else at that place, whoever has the signature can bring
    /// it; afterwards it fits nowhere.
    function anchorMany(SignedRange[] calldata signedRanges) external returns (Outcome[] memory outcomes);

    /// @notice How many roots a node has anchored.
    /// @param node The node's wallet.
    /// @return count Number of anchors.
    function anchorCount(address node) external view returns (uint256 count);

    /// @notice What `firstSequence` of a node's next anchor has to be.
    /// @param node The node's wallet.
    /// @return sequence One more than the last sequence anchored; 1 when there is none; 0 when it was the greatest
    /// a uint64 holds, and the log is full.
    function nextSequence(address node) external view returns (uint64 sequence);

    /// @notice What is stored of an anchor: keccak256(abi.encode(bytes32 root, uint64 firstSequence,
    /// uint64 lastSequence, uint48 anchoredAt)). The parts are in the `Anchored` event and in the node's log.
    /// @param node The node's wallet.
    /// @param index Number of the anchor among the node's.
    /// @return commitment Root, range and time, hashed together.
    /// @dev Reverts with `UnknownAnchor`.
    function anchorAt(address node, uint256 index) external view returns (bytes32 commitment);

    /// @notice Whether a node has anchored exactly this, at this time.
    /// @param node The node's wallet.
    /// @param ref Index, root, range and time.
    /// @return anchored False when any part is wrong; nothing reverts.
    function isAnchored(address node, AnchorRef calldata ref) external view returns (bool anchored);

    /// @notice Whether an event is at its place in a node's anchored log.
    /// @param node The node's wallet.
    /// @param ref The anchor that covers the event.
    /// @param leaf The event.
    /// @param proof Siblings on the way from the leaf to the root.
    /// @return included False when anything does not fit; nothing reverts.
    function verify(
        address node,
        AnchorRef calldata ref,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external view returns (bool included);

    /// @notice Whether events that follow one another are at their places in a node's anchored log: nothing between
    /// the first and the last of them is left out.
    /// @param node The node's wallet.
    /// @param ref The anchor that covers the events.
    /// @param leaves 1 to 1,024 (`MAX_LEAVES`) events of consecutive sequences.
    /// @param proof Siblings; as `getMultiProof` of OpenZeppelin's npm package merkle-tree gives them.
    /// @param proofFlags Which steps take their second child from `proof` (false) rather than from what is known.
    /// @return included False when anything does not fit, an ill-formed proof too.
    /// @dev Reverts with `TooManyEntries` alone.
    function verifyRange(
        address node,
        AnchorRef calldata ref,
        Leaf[] calldata leaves,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external view returns (bool included);

    /// @notice What a node's wallet signs so that others can anchor a range for it: EIP-712 digest, in this
    /// contract's domain, of Root(address node,bytes32 root,uint64 firstSequence,uint64 lastSequence).
    /// @param node The node's wallet.
    /// @param range Root and the sequences it covers.
    /// @return digest 32 bytes to sign.
    function rootDigest(address node, Range calldata range) external view returns (bytes32 digest);

    /// @notice Whether a node's wallet signed a range; such a range is the node's statement, anchored or not.
    /// @param node The node's wallet; a contract is asked as ERC-1271 says, and may change its mind later.
    /// @param range Root and the sequences it covers.
    /// @param signature 65 bytes r, s, v with a low s, or what the node's ERC-1271 contract takes.
    /// @return signed False when it is not, or the signature is ill-formed.
    /// @dev Reverts with `Signatures.InsufficientGas` alone.
    function isRootSigned(
        address node,
        Range calldata range,
        bytes calldata signature
    ) external view returns (bool signed);

    /// @notice Whether an event is in the tree of a root, whoever's it is: for roots that are signed and not anchored.
    /// @dev Knows no range: the caller compares the leaf's sequence with the range the root was signed for.
    /// @param root Merkle root.
    /// @param leaf The event.
    /// @param proof Siblings on the way from the leaf to the root.
    /// @return included False when anything does not fit; nothing reverts.
    function isIncluded(
        bytes32 root,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external pure returns (bool included);
}
