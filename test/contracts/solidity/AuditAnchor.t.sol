// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AuditAnchor} from "../../../contracts/core/AuditAnchor.sol";
import {IAuditAnchor} from "../../../contracts/interfaces/IAuditAnchor.sol";
import {Signatures} from "../../../contracts/libraries/Signatures.sol";
import {Test} from "./support/Test.sol";
import {Trees} from "./support/Trees.sol";
import {
    BurningWallet,
    DirtyWallet,
    LongRevertWallet,
    LongWallet,
    LoopingWallet,
    MegabyteWallet,
    MoodyWallet,
    OwnedWallet,
    ReentrantWallet,
    RevertingWallet,
    ShortWallet,
    SilentWallet,
    WrongEndWallet
} from "./support/Wallets.sol";

// Order of secp256k1.
uint256 constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

/// @notice Logs whose events follow from a seed, and their trees.
abstract contract Logs is Test {
    function leafOf(bytes32 seed, uint256 sequence) internal pure returns (IAuditAnchor.Leaf memory) {
        bytes32 first = keccak256(abi.encode(seed, sequence));
        bytes memory eventHash = abi.encode(first, keccak256(abi.encode(first)));
        bytes32 claim = sequence % 3 == 0 ? keccak256(abi.encode(first, "claim")) : bytes32(0);
        return IAuditAnchor.Leaf({sequence: uint64(sequence), eventHash: eventHash, claim: claim});
    }

    function hashOf(IAuditAnchor.Leaf memory leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(leaf.sequence, leaf.eventHash, leaf.claim))));
    }

    function treeOf(bytes32 seed, uint256 first, uint256 count) internal pure returns (bytes32[] memory) {
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) hashes[i] = hashOf(leafOf(seed, first + i));
        return Trees.make(hashes);
    }
}

contract AuditAnchorTest is Logs {
    AuditAnchor private auditAnchor;
    uint256 private constant KEY = 0xa11ce;
    address private immutable node = vm.addr(KEY);

    function setUp() public {
        vm.warp(1_800_000_000);
        auditAnchor = new AuditAnchor();
    }

    function _anchor(bytes32[] memory tree, uint64 last) private returns (IAuditAnchor.AnchorRef memory) {
        IAuditAnchor.Range memory range = IAuditAnchor.Range({root: tree[0], firstSequence: 1, lastSequence: last});
        vm.prank(node);
        uint256 index = auditAnchor.anchor(range.root, range.firstSequence, range.lastSequence);
        return IAuditAnchor.AnchorRef({index: index, range: range, anchoredAt: uint48(vm.getBlockTimestamp())});
    }

    function _range(bytes32 root, uint64 first, uint64 last) private pure returns (IAuditAnchor.Range memory) {
        return IAuditAnchor.Range({root: root, firstSequence: first, lastSequence: last});
    }

    function testFuzz_anEventIsFoundAsItIsAndNotOtherwise(
        bytes32 seed,
        uint256 count,
        uint256 place,
        uint8 bit
    ) public {
        count = bound(count, 1, 40);
        place = bound(place, 0, count - 1);
        bytes32[] memory tree = treeOf(seed, 1, count);
        IAuditAnchor.AnchorRef memory ref = _anchor(tree, uint64(count));
        IAuditAnchor.Leaf memory leaf = leafOf(seed, place + 1);
        bytes32[] memory proof = Trees.proof(tree, place);
        assertTrue(auditAnchor.verify(node, ref, leaf, proof), "it is there");
        assertTrue(auditAnchor.isIncluded(tree[0], leaf, proof), "it is in the tree");

        uint48 anchoredAt = ref.anchoredAt;
        ref.anchoredAt = anchoredAt ^ uint48(1 << (bit % 48));
        assertFalse(auditAnchor.verify(node, ref, leaf, proof), "another time");
        ref.anchoredAt = anchoredAt;
        leaf.claim ^= bytes32(uint256(1) << bit);
        assertFalse(auditAnchor.verify(node, ref, leaf, proof), "another claim");
        leaf.claim ^= bytes32(uint256(1) << bit);
        leaf.eventHash[bit % 64] ^= bytes1(uint8(1) << (bit % 8));
        assertFalse(auditAnchor.verify(node, ref, leaf, proof), "another event");
        leaf.eventHash[bit % 64] ^= bytes1(uint8(1) << (bit % 8));
        leaf.sequence ^= uint64(1) << (bit % 64);
        assertFalse(auditAnchor.verify(node, ref, leaf, proof), "another place");
        leaf.sequence ^= uint64(1) << (bit % 64);
        assertFalse(auditAnchor.verify(address(this), ref, leaf, proof), "another node");
        if (proof.length > 0) {
            proof[bit % proof.length] ^= bytes32(uint256(1) << bit);
            assertFalse(auditAnchor.verify(node, ref, leaf, proof), "another sibling");
        }
    }

    function testFuzz_aRunOfEventsIsFoundWholeAndInOrder(
        bytes32 seed,
        uint256 count,
        uint256 from,
        uint256 to,
        uint256 spoil
    ) public {
        count = bound(count, 1, 24);
        from = bound(from, 0, count - 1);
        to = bound(to, from, count - 1);
        bytes32[] memory tree = treeOf(seed, 1, count);
        IAuditAnchor.AnchorRef memory ref = _anchor(tree, uint64(count));
        (bytes32[] memory proof, bool[] memory flags) = Trees.multiProof(tree, from, to);
        IAuditAnchor.Leaf[] memory leaves = new IAuditAnchor.Leaf[](to - from + 1);
        for (uint256 i = 0; i < leaves.length; i++) leaves[i] = leafOf(seed, from + 1 + i);
        assertTrue(auditAnchor.verifyRange(node, ref, leaves, proof, flags), "it is there");
        assertFalse(auditAnchor.verifyRange(address(this), ref, leaves, proof, flags), "another node");

        uint256 place = spoil % leaves.length;
        IAuditAnchor.Leaf memory good = leaves[place];
        leaves[place] = leafOf(~seed, from + 1 + place);
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags), "another event");
        leaves[place] = good;
        if (leaves.length == 1) return;
        uint256 next = (place + 1) % leaves.length;
        (leaves[place], leaves[next]) = (leaves[next], leaves[place]);
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags), "swapped");
        (leaves[place], leaves[next]) = (leaves[next], leaves[place]);
        leaves[next] = leaves[place];
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags), "doubled");
        leaves[next] = leafOf(seed, from + 1 + next);
        assembly ("memory-safe") {
            mstore(leaves, sub(mload(leaves), 1))
        }
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags), "one is missing");
    }

    /// @dev Whatever is given, it answers; and says yes to nothing that is made up.
    function testFuzz_anIllFormedProofIsRefusedAndNeverReverts(
        bytes32 seed,
        uint256 count,
        uint256 length,
        bytes32[] memory proof,
        bool[] memory flags
    ) public {
        count = bound(count, 2, 12);
        length = bound(length, 0, 6);
        bytes32[] memory tree = treeOf(seed, 1, count);
        IAuditAnchor.AnchorRef memory ref = _anchor(tree, uint64(count));
        IAuditAnchor.Leaf[] memory leaves = new IAuditAnchor.Leaf[](length);
        for (uint256 i = 0; i < length; i++) leaves[i] = leafOf(~seed, 1 + i);
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags));
        // Numbers that fit, flags that need not.
        uint256 siblings = flags.length + 1 > length ? flags.length + 1 - length : 0;
        proof = new bytes32[](siblings);
        for (uint256 i = 0; i < siblings; i++) proof[i] = tree[i % tree.length];
        assertFalse(auditAnchor.verifyRange(node, ref, leaves, proof, flags));
    }

    function testFuzz_anInnerNodeIsNoLeaf(bytes32 seed, uint256 count, uint256 place, bytes32 claim) public {
        count = bound(count, 2, 40);
        bytes32[] memory tree = treeOf(seed, 1, count);
        IAuditAnchor.AnchorRef memory ref = _anchor(tree, uint64(count));
        place = bound(place, 0, count - 2);
        (bytes32 a, bytes32 b) = (tree[2 * place + 1], tree[2 * place + 2]);
        if (a > b) (a, b) = (b, a);
        // The way up from the inner node itself.
        bytes32[] memory proof = Trees.proof(tree, tree.length - 1 - place);
        IAuditAnchor.Leaf memory leaf = IAuditAnchor.Leaf({sequence: 1, eventHash: abi.encode(a, b), claim: claim});
        assertFalse(auditAnchor.verify(node, ref, leaf, proof));
        leaf.eventHash = abi.encode(b, a);
        assertFalse(auditAnchor.verify(node, ref, leaf, proof));
        leaf.claim = tree[place];
        assertFalse(auditAnchor.isIncluded(tree[0], leaf, proof));
    }

    function testFuzz_aSignatureCountsOnceAndNowhereElse(bytes32 root, uint64 last, uint64 otherChain) public {
        vm.assume(root != 0);
        last = uint64(bound(last, 1, type(uint64).max - 1));
        IAuditAnchor.Range memory range = _range(root, 1, last);
        bytes memory signature = signed(KEY, auditAnchor.rootDigest(node, range));
        IAuditAnchor.SignedRange[] memory batch = new IAuditAnchor.SignedRange[](1);
        batch[0] = IAuditAnchor.SignedRange({node: node, range: range, signature: signature});

        AuditAnchor elsewhere = new AuditAnchor();
        _expect(elsewhere, batch, IAuditAnchor.Outcome.BadSignature);
        vm.assume(otherChain != HOME_CHAIN && otherChain != 0);
        vm.chainId(otherChain);
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.BadSignature);
        vm.chainId(HOME_CHAIN);
        batch[0].node = vm.addr(0xb0b);
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.BadSignature);
        batch[0].node = node;
        batch[0].range.lastSequence = last + 1;
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.BadSignature);
        batch[0].range.lastSequence = last;
        batch[0].range.root = ~root;
        if (~root != 0) _expect(auditAnchor, batch, IAuditAnchor.Outcome.BadSignature);
        batch[0].range.root = root;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, auditAnchor.rootDigest(node, range));
        batch[0].signature = abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.BadSignature);
        batch[0].signature = signature;
        assertEq(auditAnchor.anchorCount(node), 0, "none of them anchored");

        _expect(auditAnchor, batch, IAuditAnchor.Outcome.Anchored);
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.UnexpectedSequence);
        assertEq(auditAnchor.anchorCount(node), 1, "once");
        assertEq(auditAnchor.anchorCount(address(this)), 0, "the relayer's log is its own");
    }

    function _expect(
        AuditAnchor where,
        IAuditAnchor.SignedRange[] memory batch,
        IAuditAnchor.Outcome expected
    ) private {
        IAuditAnchor.Outcome[] memory outcomes = where.anchorMany(batch);
        assertEq(uint256(outcomes[0]), uint256(expected));
    }

    /// @dev Contracts that answer badly stand between honest nodes, who do not notice.
    function test_maliciousWalletsKeepNobodyOut() public {
        IAuditAnchor.Range memory range = _range(keccak256("root"), 1, 9);
        ReentrantWallet reentrant = new ReentrantWallet();
        address[10] memory bad = [
            address(new ShortWallet()),
            address(new WrongEndWallet()),
            address(new DirtyWallet()),
            address(new SilentWallet()),
            address(new RevertingWallet()),
            address(new BurningWallet()),
            address(new LoopingWallet()),
            address(new MegabyteWallet()),
            address(new LongRevertWallet()),
            address(reentrant)
        ];
        reentrant.set(address(auditAnchor), abi.encodeCall(IAuditAnchor.anchor, (range.root, 1, 9)));
        uint256 honest = bad.length + 1;
        IAuditAnchor.SignedRange[] memory batch = new IAuditAnchor.SignedRange[](bad.length + honest);
        for (uint256 i = 0; i < batch.length; i++) {
            uint256 key = 1000 + i;
            address who = i % 2 == 1 ? bad[i / 2] : vm.addr(key);
            batch[i] = IAuditAnchor.SignedRange({
                node: who,
                range: range,
                signature: signed(key, auditAnchor.rootDigest(who, range))
            });
        }
        IAuditAnchor.Outcome[] memory outcomes = auditAnchor.anchorMany(batch);
        for (uint256 i = 0; i < batch.length; i++) {
            bool isBad = i % 2 == 1;
            assertEq(
                uint256(outcomes[i]),
                uint256(isBad ? IAuditAnchor.Outcome.BadSignature : IAuditAnchor.Outcome.Anchored)
            );
            assertEq(auditAnchor.anchorCount(batch[i].node), isBad ? 0 : 1);
        }
    }

    function test_smartAccountsAnchorByErc1271() public {
        IAuditAnchor.Range memory range = _range(keccak256("root"), 1, 9);
        address wallet = address(new OwnedWallet(node));
        IAuditAnchor.SignedRange[] memory batch = new IAuditAnchor.SignedRange[](1);
        bytes memory signature = signed(KEY, auditAnchor.rootDigest(wallet, range));
        batch[0] = IAuditAnchor.SignedRange({node: wallet, range: range, signature: signature});
        assertTrue(auditAnchor.isRootSigned(wallet, range, signature));
        assertFalse(auditAnchor.isRootSigned(node, range, signature), "the owner's log is another");
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.Anchored);

        MoodyWallet moody = new MoodyWallet();
        assertTrue(auditAnchor.isRootSigned(address(moody), range, ""));
        batch[0].node = address(moody);
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.Anchored);
        moody.setRefuses(true);
        assertFalse(auditAnchor.isRootSigned(address(moody), range, ""));
        assertEq(auditAnchor.anchorCount(address(moody)), 1, "what is anchored stays");
        assertTrue(auditAnchor.isRootSigned(address(new LongWallet()), range, ""));
    }

    /// @dev Else a relayer could have a good range skipped.
    function test_tooLittleGasRevertsAndSkipsNothing() public {
        IAuditAnchor.Range memory range = _range(keccak256("root"), 1, 9);
        IAuditAnchor.SignedRange[] memory batch = new IAuditAnchor.SignedRange[](1);
        batch[0] = IAuditAnchor.SignedRange({node: address(new MoodyWallet()), range: range, signature: ""});
        vm.expectRevert(Signatures.InsufficientGas.selector);
        auditAnchor.anchorMany{gas: 150_000}(batch);
        _expect(auditAnchor, batch, IAuditAnchor.Outcome.Anchored);
    }

    function testFuzz_aLogHasNoGaps(uint64 first, uint64 last, bytes32 root) public {
        vm.prank(node);
        auditAnchor.anchor(bytes32(uint256(1)), 1, 7);
        bool isNext = root != 0 && first == 8 && last >= 8;
        vm.prank(node);
        try auditAnchor.anchor(root, first, last) {
            assertTrue(isNext, "only the next range is taken");
        } catch {
            assertFalse(isNext, "the next range is taken");
        }
    }
}

/// @notice What everybody does to one AuditAnchor, with a record of who agreed to what.
contract AuditAnchorHandler is Logs {
    struct Entry {
        address node;
        IAuditAnchor.AnchorRef ref;
        bytes32 seed;
        /// @dev Place of the same node's entry before; of no meaning in its first.
        uint256 before;
    }

    AuditAnchor public immutable auditAnchor;
    uint256 public constant NODES = 4;
    Entry[] private _entries;
    /// @dev What follows from the nodes' consent alone.
    mapping(address node => uint64) public next;
    mapping(address node => uint256) public count;
    mapping(address node => uint256) private _last;
    address private immutable wallet;

    constructor(AuditAnchor auditAnchor_) {
        auditAnchor = auditAnchor_;
        wallet = address(new OwnedWallet(vm.addr(_key(NODES - 1))));
    }

    /// @notice The last node is a smart account.
    function nodeAt(uint256 i) public view returns (address) {
        return i == NODES - 1 ? wallet : vm.addr(_key(i));
    }

    function entryCount() external view returns (uint256) {
        return _entries.length;
    }

    function entryAt(uint256 i) external view returns (Entry memory) {
        return _entries[i];
    }

    function anchorOwn(uint256 who, bytes32 seed, uint256 size) external {
        address node = nodeAt(who % NODES);
        size = bound(size, 1, 6);
        uint64 first = next[node] + 1;
        bytes32 root = treeOf(seed, first, size)[0];
        vm.prank(node);
        auditAnchor.anchor(root, first, first + uint64(size) - 1);
        _note(node, root, first, size, seed);
    }

    /// @notice A range that does not follow, tried by its own node.
    function anchorBadly(uint256 who, uint64 first, uint64 last, bytes32 root) external {
        address node = nodeAt(who % NODES);
        if (first == next[node] + 1) root = 0;
        vm.prank(node);
        try auditAnchor.anchor(root, first, last) {
            revert("took a bad range");
        } catch {}
    }

    /// @notice A batch by a stranger in which some entries are good, some bad.
    function anchorForOthers(uint256 choices, bytes32 seed) external {
        uint256 size = 1 + (choices & 7);
        IAuditAnchor.SignedRange[] memory batch = new IAuditAnchor.SignedRange[](size);
        bool[] memory isGood = new bool[](size);
        uint64[] memory ahead = new uint64[](NODES);
        for (uint256 i = 0; i < size; i++) {
            uint256 choice = uint256(keccak256(abi.encode(choices, i)));
            uint256 who = choice % NODES;
            uint64 events = 1 + uint64((choice >> 8) % 5);
            uint64 first = next[nodeAt(who)] + ahead[who] + 1;
            bytes32 root = treeOf(keccak256(abi.encode(seed, i)), first, events)[0];
            batch[i] = _signedRange(who, root, first, first + events - 1);
            uint256 fault = (choice >> 16) % 8;
            if (fault == 1) batch[i].signature = signed(_key((who + 1) % NODES), keccak256("else"));
            else if (fault == 2) batch[i].range.lastSequence++;
            else if (fault == 3) batch[i].node = nodeAt((who + 1) % NODES);
            else if (fault == 4) batch[i] = _signedRange(who, root, first + 1, first + events);
            else if (fault == 5) batch[i] = _signedRange(who, 0, first, first + events - 1);
            else if (fault == 6) batch[i] = _signedRange(who, root, first, first - 1);
            else {
                isGood[i] = true;
                ahead[who] += events;
            }
        }
        IAuditAnchor.Outcome[] memory outcomes = auditAnchor.anchorMany(batch);
        for (uint256 i = 0; i < size; i++) {
            assertEq(outcomes[i] == IAuditAnchor.Outcome.Anchored, isGood[i], "good ones and no others");
            if (!isGood[i]) continue;
            IAuditAnchor.Range memory range = batch[i].range;
            uint256 events = range.lastSequence - range.firstSequence + 1;
            _note(batch[i].node, range.root, range.firstSequence, events, keccak256(abi.encode(seed, i)));
        }
    }

    function wait(uint32 time) external {
        skipTime(time % 30 days);
    }

    function _signedRange(
        uint256 who,
        bytes32 root,
        uint64 first,
        uint64 last
    ) private view returns (IAuditAnchor.SignedRange memory) {
        IAuditAnchor.Range memory range = IAuditAnchor.Range({root: root, firstSequence: first, lastSequence: last});
        address node = nodeAt(who);
        bytes memory signature = signed(_key(who), auditAnchor.rootDigest(node, range));
        return IAuditAnchor.SignedRange({node: node, range: range, signature: signature});
    }

    function _note(address node, bytes32 root, uint64 first, uint256 size, bytes32 seed) private {
        IAuditAnchor.Range memory range = IAuditAnchor.Range({
            root: root,
            firstSequence: first,
            lastSequence: first + uint64(size) - 1
        });
        _entries.push(
            Entry({
                node: node,
                ref: IAuditAnchor.AnchorRef({
                    index: count[node]++,
                    range: range,
                    anchoredAt: uint48(vm.getBlockTimestamp())
                }),
                seed: seed,
                before: _last[node]
            })
        );
        _last[node] = _entries.length - 1;
        next[node] = range.lastSequence;
    }

    function _key(uint256 who) private pure returns (uint256) {
        return 0xa0d17 + who;
    }
}

contract AuditAnchorInvariantTest is Logs {
    /// @dev Entries looked at each time.
    uint256 private constant SAMPLES = 8;
    AuditAnchor private auditAnchor;
    AuditAnchorHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        auditAnchor = new AuditAnchor();
        handler = new AuditAnchorHandler(auditAnchor);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice What was anchored once stays so, with every one of its events.
    function invariant_whatIsAnchoredStaysVerifiable() external view {
        uint256 count = handler.entryCount();
        uint256 step = count / SAMPLES + 1;
        // Another part of them each time.
        for (uint256 i = uint256(keccak256(abi.encode(count))) % step; i < count; i += step) {
            AuditAnchorHandler.Entry memory entry = handler.entryAt(i);
            assertTrue(auditAnchor.isAnchored(entry.node, entry.ref), "anchored");
            IAuditAnchor.Range memory range = entry.ref.range;
            uint256 size = range.lastSequence - range.firstSequence + 1;
            bytes32[] memory tree = treeOf(entry.seed, range.firstSequence, size);
            uint256 place = i % size;
            IAuditAnchor.Leaf memory leaf = leafOf(entry.seed, range.firstSequence + place);
            assertTrue(auditAnchor.verify(entry.node, entry.ref, leaf, Trees.proof(tree, place)), "verifiable");
        }
    }

    /// @notice No sequence is left out or covered twice.
    function invariant_sequencesHaveNoGaps() external view {
        uint256 count = handler.entryCount();
        uint256 step = count / SAMPLES + 1;
        for (uint256 i = uint256(keccak256(abi.encode(count))) % step; i < count; i += step) {
            AuditAnchorHandler.Entry memory entry = handler.entryAt(i);
            if (entry.ref.index == 0) {
                assertEq(entry.ref.range.firstSequence, 1, "the first begins at 1");
                continue;
            }
            AuditAnchorHandler.Entry memory before = handler.entryAt(entry.before);
            assertEq(before.node, entry.node, "the same node");
            assertEq(entry.ref.index, before.ref.index + 1, "index");
            assertEq(entry.ref.range.firstSequence, before.ref.range.lastSequence + 1, "first");
        }
        for (uint256 i = 0; i < handler.NODES(); i++) {
            address node = handler.nodeAt(i);
            assertEq(auditAnchor.nextSequence(node), handler.next(node) + 1, "next");
        }
    }

    /// @notice Nobody's log grows by what it neither sent nor signed.
    function invariant_nobodyAnchorsForAnotherWithoutItsSignature() external view {
        for (uint256 i = 0; i < handler.NODES(); i++) {
            address node = handler.nodeAt(i);
            assertEq(auditAnchor.anchorCount(node), handler.count(node));
        }
        assertEq(auditAnchor.anchorCount(address(handler)), 0, "nor the relayer's");
    }
}

/// @notice The handler does what its name says: an invariant over nothing would hold.
contract AuditAnchorHandlerTest is Test {
    function test_everyActionHasAnEffect() external {
        vm.warp(1_800_000_000);
        AuditAnchor auditAnchor = new AuditAnchor();
        AuditAnchorHandler handler = new AuditAnchorHandler(auditAnchor);
        handler.anchorOwn(0, keccak256("seed"), 3);
        assertEq(auditAnchor.nextSequence(handler.nodeAt(0)), 4);
        handler.anchorBadly(0, 4, 9, keccak256("root"));
        for (uint256 i = 0; i < 20; i++) handler.anchorForOthers(uint256(keccak256(abi.encode(i))), bytes32(i));
        for (uint256 i = 0; i < handler.NODES(); i++) assertGt(auditAnchor.anchorCount(handler.nodeAt(i)), 0);
    }
}
