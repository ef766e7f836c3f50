// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Settlement} from "../../../contracts/core/Settlement.sol";
import {IChannels} from "../../../contracts/interfaces/IChannels.sol";
import {Permit} from "../../../contracts/libraries/Permits.sol";
import {Signatures} from "../../../contracts/libraries/Signatures.sol";
import {HookedToken, IHook} from "./support/HookedToken.sol";
import {Test} from "./support/Test.sol";
import {
    BurningWallet,
    DirtyWallet,
    ExactGasWallet,
    LongRevertWallet,
    LongWallet,
    LoopingWallet,
    MegabyteWallet,
    MoodyWallet,
    OwnedWallet,
    ReentrantWallet,
    RevertingWallet,
    ShortWallet,
    SilentWallet
} from "./support/Wallets.sol";

uint256 constant CLOSE_DELAY = 1 hours;

/// @notice A Settlement with a payer who has credits in it, and a payee.
abstract contract ChannelsFixture is Test {
    uint256 internal constant SESSION_KEY = 0x5e5510;
    uint256 internal constant PAYEE_KEY = 0xb0b;
    uint256 internal constant FUNDS = 1 << 100;

    address internal immutable payer = address(0xa11ce);
    address internal immutable payee = vm.addr(PAYEE_KEY);
    address internal immutable session = vm.addr(SESSION_KEY);
    address internal immutable pauser = address(0x9a05e);

    HookedToken internal token;
    Settlement internal settlement;

    function deploy() internal {
        token = new HookedToken();
        settlement = new Settlement(address(token), address(1), pauser, CLOSE_DELAY);
        token.mint(payer, FUNDS);
        vm.startPrank(payer);
        token.approve(address(settlement), type(uint256).max);
        settlement.deposit(payer, FUNDS / 2);
        vm.stopPrank();
    }

    function opened(uint256 salt, uint256 amount) internal returns (bytes32) {
        return opened(payee, session, salt, amount);
    }

    function opened(address to, address signer, uint256 salt, uint256 amount) internal returns (bytes32) {
        vm.prank(payer);
        return settlement.open(to, signer, bytes32(salt), uint48(vm.getBlockTimestamp() + 30 days), amount);
    }

    function voucher(bytes32 channelId, uint256 amount) internal view returns (IChannels.SignedVoucher memory) {
        bytes memory signature = signed(SESSION_KEY, settlement.voucherDigest(channelId, amount));
        return IChannels.SignedVoucher(channelId, amount, signature);
    }

    function settle(
        IChannels.SignedVoucher memory one
    ) internal returns (uint256 total, IChannels.VoucherOutcome outcome) {
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](1);
        batch[0] = one;
        IChannels.VoucherOutcome[] memory outcomes;
        (total, outcomes) = settlement.settleMany(batch);
        outcome = outcomes[0];
    }

    function settled(bytes32 channelId, uint256 amount) internal returns (uint256 total) {
        (total, ) = settle(voucher(channelId, amount));
    }

    function locked(bytes32 channelId) internal view returns (uint256) {
        if (settlement.statusOf(channelId) == IChannels.ChannelStatus.Closed) return 0;
        IChannels.Channel memory channel = settlement.channelOf(channelId);
        return channel.deposit - channel.claimed;
    }
}

contract ChannelsTest is ChannelsFixture {
    function setUp() external {
        deploy();
    }

    // Amounts

    function testFuzz_vouchersPayTheLargestAndNeverMoreThanTheDeposit(
        uint96 amount,
        uint256[8] memory claims
    ) external {
        amount = uint96(bound(amount, 1, type(uint96).max));
        bytes32 id = opened(1, amount);
        uint256 largest;
        for (uint256 index = 0; index < claims.length; ++index) {
            // Half of them around the deposit, the others anywhere.
            uint256 claim = index % 2 == 0 ? bound(claims[index], 0, uint256(amount) + 10) : claims[index];
            uint256 before = largest;
            if (claim > largest) largest = claim > amount ? amount : claim;
            (uint256 total, IChannels.VoucherOutcome outcome) = settle(voucher(id, claim));
            assertEq(total, largest - before, "paid");
            assertEq(outcome == IChannels.VoucherOutcome.Settled, largest > before, "settled");
            if (largest == before) {
                assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.NothingNew), "outcome");
            }
            assertEq(settlement.balanceOf(payee), largest, "balance");
            assertEq(settlement.channelOf(id).claimed, largest, "claimed");
        }
    }

    function testFuzz_topUpsLetAVoucherPayTheRest(uint96 first, uint96 more, uint256 claim) external {
        first = uint96(bound(first, 1, type(uint96).max - 1));
        more = uint96(bound(more, 1, type(uint96).max - first));
        bytes32 id = opened(1, first);
        uint256 paid = settled(id, claim);
        vm.prank(payer);
        settlement.topUp(id, more);
        paid += settled(id, claim);
        uint256 total = uint256(first) + more;
        assertEq(paid, claim > total ? total : claim);
        assertEq(settlement.balanceOf(payer), FUNDS / 2 - total, "payer");
    }

    function test_aDepositFitsItsSlotOrIsRefused() external {
        uint256 most = type(uint96).max;
        bytes32 id = opened(1, most);
        vm.prank(payer);
        vm.expectRevert();
        settlement.topUp(id, 1);
        assertEq(settlement.channelOf(id).deposit, most);
        assertEq(settled(id, type(uint256).max), most);
    }

    function testFuzz_severalChannelsOfAPairAreApart(uint256[4] memory salts, uint96[4] memory claims) external {
        bytes32[4] memory ids;
        for (uint256 index = 0; index < 4; ++index) {
            salts[index] = (salts[index] << 2) | index;
            claims[index] = uint96(bound(claims[index], 1, 1_000_000));
            ids[index] = opened(salts[index], 1_000_000);
            assertEq(settlement.channelIdOf(payer, payee, bytes32(salts[index])), ids[index], "id");
        }
        uint256 sum;
        for (uint256 index = 0; index < 4; ++index) {
            // A voucher of one channel is none of another.
            IChannels.SignedVoucher memory stray = voucher(ids[(index + 1) % 4], claims[index]);
            stray.channelId = ids[index];
            (, IChannels.VoucherOutcome outcome) = settle(stray);
            assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.BadSignature), "stray");
            assertEq(settled(ids[index], claims[index]), claims[index], "paid");
            sum += claims[index];
        }
        assertEq(settlement.balanceOf(payee), sum);
        // Closing one leaves the others.
        vm.prank(payee);
        assertEq(settlement.closeByPayee(ids[0]), 1_000_000 - claims[0], "refunded");
        assertEq(settled(ids[0], 1_000_000), 0, "closed");
        assertEq(settled(ids[1], 1_000_000), 1_000_000 - claims[1], "open");
    }

    /// @dev No honest token can bring a balance there; a dishonest one must not bring it to wrap.
    function test_aBalanceDoesNotWrap() external {
        vm.mockCall(address(token), abi.encodeWithSelector(token.transferFrom.selector), abi.encode(true));
        address account = address(0xcafe);
        settlement.deposit(account, type(uint256).max);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        settlement.deposit(account, 1);
        assertEq(settlement.balanceOf(account), type(uint256).max);
    }

    // Times

    function testFuzz_thePayeeHasItsTime(uint256 lifetime, uint256 startsAfter, uint256 looksAfter) external {
        uint256 start = vm.getBlockTimestamp();
        lifetime = bound(lifetime, CLOSE_DELAY, 365 days);
        startsAfter = bound(startsAfter, 0, 400 days);
        looksAfter = bound(looksAfter, 0, 2 * CLOSE_DELAY);
        vm.prank(payer);
        bytes32 id = settlement.open(payee, session, 0, uint48(start + lifetime), 100);
        vm.warp(start + startsAfter);
        vm.prank(payer);
        settlement.startClose(id);
        uint256 expected = start + lifetime;
        if (startsAfter + CLOSE_DELAY < lifetime) expected = start + startsAfter + CLOSE_DELAY;
        assertEq(settlement.closableAt(id), expected, "closable");
        vm.warp(start + startsAfter + looksAfter);
        if (start + startsAfter + looksAfter < expected) {
            vm.expectRevert(abi.encodeWithSelector(IChannels.CloseTooEarly.selector, expected));
            vm.prank(payer);
            settlement.finishClose(id);
        }
        assertEq(settled(id, 30), 30, "still paid");
        if (vm.getBlockTimestamp() < expected) vm.warp(expected);
        vm.prank(payer);
        assertEq(settlement.finishClose(id), 70, "refunded");
        assertEq(settled(id, 40), 0, "closed");
    }

    function testFuzz_noChannelIsShorterThanTheDelay(uint48 expiresAt) external {
        uint256 earliest = vm.getBlockTimestamp() + CLOSE_DELAY;
        if (expiresAt < earliest) {
            vm.expectRevert(abi.encodeWithSelector(IChannels.ExpiryTooEarly.selector, earliest, expiresAt));
        }
        vm.prank(payer);
        settlement.open(payee, session, 0, expiresAt, 1);
    }

    // Closing by agreement

    function testFuzz_anAgreedCloseIsExact(uint96 amount, uint256 claimed, uint256 last, bool byPayer) external {
        amount = uint96(bound(amount, 1, type(uint96).max));
        claimed = bound(claimed, 0, amount);
        last = bound(last, claimed, amount);
        bytes32 id = opened(1, amount);
        uint256 before = settlement.balanceOf(payer);
        settled(id, claimed);
        uint256 deadline = vm.getBlockTimestamp();
        bytes memory offer = signed(PAYEE_KEY, settlement.closeDigest(id, last, deadline));
        bytes memory claim = byPayer ? bytes("") : voucher(id, last).signature;
        if (byPayer) vm.prank(payer);
        assertEq(settlement.closeCooperatively(id, last, deadline, offer, claim), amount - last, "refunded");
        assertEq(settlement.balanceOf(payee), last, "payee");
        assertEq(settlement.balanceOf(payer), before + amount - last, "payer");
        assertEq(uint256(settlement.statusOf(id)), uint256(IChannels.ChannelStatus.Closed), "status");
    }

    function testFuzz_nothingElseThanAgreedCloses(
        uint256 last,
        uint256 deadline,
        uint256 otherLast,
        uint256 otherDeadline
    ) external {
        bytes32 id = opened(1, 1_000);
        last = bound(last, 0, 1_000);
        otherLast = bound(otherLast, 0, 1_000);
        deadline = bound(deadline, vm.getBlockTimestamp(), type(uint256).max);
        otherDeadline = bound(otherDeadline, vm.getBlockTimestamp(), type(uint256).max);
        vm.assume(last != otherLast || deadline != otherDeadline);
        bytes memory offer = signed(PAYEE_KEY, settlement.closeDigest(id, otherLast, otherDeadline));
        vm.expectRevert(IChannels.NotSignedByPayee.selector);
        vm.prank(payer);
        settlement.closeCooperatively(id, last, deadline, offer, "");
    }

    function test_anOfferCountsOnItsChainOnly() external {
        bytes32 id = opened(1, 1_000);
        bytes memory offer = signed(PAYEE_KEY, settlement.closeDigest(id, 1, type(uint256).max));
        vm.chainId(block.chainid + 1);
        vm.expectRevert(IChannels.NotSignedByPayee.selector);
        vm.prank(payer);
        settlement.closeCooperatively(id, 1, type(uint256).max, offer, "");
    }

    // Replay

    function testFuzz_aVoucherCountsOnItsChainAndContractOnly(uint64 otherChain, uint96 claim) external {
        vm.assume(otherChain != HOME_CHAIN);
        claim = uint96(bound(claim, 1, 1_000));
        bytes32 id = opened(1, 1_000);
        IChannels.SignedVoucher memory good = voucher(id, claim);

        // A fork: the same contract and channel, with another chain id.
        vm.chainId(otherChain);
        assertFalse(settlement.isVoucherValid(id, claim, good.signature), "fork");
        (, IChannels.VoucherOutcome outcome) = settle(good);
        assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.BadSignature), "fork");
        assertTrue(settlement.channelIdOf(payer, payee, bytes32(uint256(1))) != id, "id on the fork");
        vm.chainId(HOME_CHAIN);

        // Another Settlement with a channel of the same parties, salt and signer.
        Settlement first = settlement;
        deploy();
        bytes32 otherId = opened(1, 1_000);
        assertTrue(otherId != id, "id in another contract");
        good.channelId = otherId;
        (, outcome) = settle(good);
        assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.BadSignature), "other contract");

        settlement = first;
        good.channelId = id;
        (, outcome) = settle(good);
        assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.Settled), "at home");
        (, outcome) = settle(good);
        assertEq(uint256(outcome), uint256(IChannels.VoucherOutcome.NothingNew), "twice");
    }

    function test_aClosedChannelIsNeverOpenedAgain() external {
        bytes32 id = opened(1, 100);
        vm.prank(payee);
        settlement.closeByPayee(id);
        vm.expectRevert(abi.encodeWithSelector(IChannels.ChannelExists.selector, id));
        opened(1, 100);
    }

    /// @dev The vectors that wallets and nodes in other languages are checked with.
    function test_voucherVectors() external {
        string memory json = vm.readFile("test/vectors/voucher.json");
        uint256 count;
        for (; vm.keyExistsJson(json, keyOf(count, "")); ++count) {
            bytes32 channelId = vm.parseJsonBytes32(json, keyOf(count, ".message.channelId"));
            uint256 amount = vm.parseJsonUint(json, keyOf(count, ".message.cumulativeAmount"));
            address signer = vm.parseJsonAddress(json, keyOf(count, ".signer"));
            bytes memory signature = vm.parseJsonBytes(json, keyOf(count, ".signature"));
            Settlement there = Settlement(vm.parseJsonAddress(json, keyOf(count, ".domain.verifyingContract")));
            vm.etch(address(there), address(settlement).code);
            vm.chainId(vm.parseJsonUint(json, keyOf(count, ".domain.chainId")));
            address from = vm.parseJsonAddress(json, keyOf(count, ".payer"));
            address to = vm.parseJsonAddress(json, keyOf(count, ".payee"));
            bytes32 salt = vm.parseJsonBytes32(json, keyOf(count, ".salt"));
            assertEq(there.channelIdOf(from, to, salt), channelId, "channel id");
            bytes32 digest = vm.parseJsonBytes32(json, keyOf(count, ".digest"));
            assertEq(there.voucherDigest(channelId, amount), digest, "digest");

            token.mint(from, 1);
            vm.startPrank(from);
            token.approve(address(there), 1);
            there.depositAndOpen(to, signer, salt, uint48(vm.getBlockTimestamp() + CLOSE_DELAY), 1);
            vm.stopPrank();
            assertTrue(there.isVoucherValid(channelId, amount, signature), "signature");
            assertFalse(there.isVoucherValid(channelId, amount ^ 1, signature), "another amount");
        }
        assertEq(count, 5, "vectors");
    }

    function keyOf(uint256 index, string memory key) private pure returns (string memory) {
        return string.concat("$[", vm.toString(index), "]", key);
    }

    // Contracts that sign

    function test_badContractsNeverHoldUpTheGoodVouchers() external {
        MoodyWallet moody = new MoodyWallet();
        ReentrantWallet reentrant = new ReentrantWallet();
        address[10] memory wallets = [
            address(new BurningWallet()),
            address(new LoopingWallet()),
            address(new MegabyteWallet()),
            address(new LongRevertWallet()),
            address(new RevertingWallet()),
            address(new ShortWallet()),
            address(new DirtyWallet()),
            address(new SilentWallet()),
            address(moody),
            address(reentrant)
        ];
        bytes32 good = opened(1, 1_000);
        bytes32 owned = opened(payee, address(new OwnedWallet(session)), 2, 1_000);
        bytes32 long = opened(payee, address(new LongWallet()), 3, 1_000);
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](2 * wallets.length + 2);
        for (uint256 index = 0; index < wallets.length; ++index) {
            bytes32 id = opened(payee, wallets[index], 100 + index, 1_000);
            batch[2 * index] = voucher(id, 5);
            batch[2 * index + 1] = voucher(good, index + 1);
        }
        batch[batch.length - 2] = voucher(owned, 7);
        batch[batch.length - 1] = voucher(long, 9);
        // It confirmed when it was asked before, and then changes its mind.
        IChannels.SignedVoucher memory changing = batch[2 * 8];
        assertTrue(settlement.isVoucherValid(changing.channelId, 5, changing.signature), "first mood");
        moody.setRefuses(true);
        // It settles the same voucher while it is asked about it.
        IChannels.SignedVoucher[] memory again = new IChannels.SignedVoucher[](1);
        again[0] = batch[2 * 9];
        reentrant.set(address(settlement), abi.encodeCall(IChannels.settleMany, (again)));

        uint256 before = gasleft();
        (uint256 total, IChannels.VoucherOutcome[] memory outcomes) = settlement.settleMany(batch);
        assertLt(before - gasleft(), 2_200_000, "gas");
        for (uint256 index = 0; index < wallets.length; ++index) {
            IChannels.VoucherOutcome bad = outcomes[2 * index];
            assertEq(uint256(bad), uint256(IChannels.VoucherOutcome.BadSignature), vm.toString(index));
            assertEq(uint256(outcomes[2 * index + 1]), uint256(IChannels.VoucherOutcome.Settled), "good");
        }
        assertEq(uint256(outcomes[batch.length - 2]), uint256(IChannels.VoucherOutcome.Settled), "owned");
        assertEq(uint256(outcomes[batch.length - 1]), uint256(IChannels.VoucherOutcome.Settled), "long");
        assertEq(total, 10 + 7 + 9);
        assertEq(settlement.balanceOf(payee), 10 + 7 + 9);

        moody.setRefuses(false);
        (total, ) = settle(changing);
        assertEq(total, 5, "another mood");
    }

    /// @dev Whatever gas a relayer brings: the voucher is paid or everything reverts, it is never called bad.
    function testFuzz_littleGasNeverMakesAGoodVoucherBad(uint256 limit) external {
        address wallet = address(0xa11e7);
        vm.etch(wallet, ExactGasWallet.code(150_000));
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](2);
        batch[0] = voucher(opened(payee, wallet, 1, 100), 10);
        batch[1] = voucher(opened(payee, wallet, 2, 100), 10);
        limit = bound(limit, 100_000, 500_000);
        bytes memory call = abi.encodeCall(IChannels.settleMany, (batch));
        (bool success, bytes memory answer) = address(settlement).call{gas: limit}(call);
        assertEq(settlement.balanceOf(payee), success ? 20 : 0, "all or nothing");
        if (success) {
            (uint256 total, ) = abi.decode(answer, (uint256, IChannels.VoucherOutcome[]));
            assertEq(total, 20);
        } else if (answer.length != 0) {
            assertEq(bytes32(answer), bytes32(Signatures.InsufficientGas.selector));
        }
    }

    function test_gasThatIsNotEnoughIsSaid() external {
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](1);
        batch[0] = voucher(opened(payee, address(new MoodyWallet()), 1, 100), 10);
        vm.expectRevert(Signatures.InsufficientGas.selector);
        settlement.settleMany{gas: 150_000}(batch);
        vm.expectRevert(Signatures.InsufficientGas.selector);
        settlement.isVoucherValid{gas: 150_000}(batch[0].channelId, 10, batch[0].signature);
        bytes32 id = opened(address(new MoodyWallet()), session, 1, 100);
        vm.expectRevert(Signatures.InsufficientGas.selector);
        settlement.closeCooperatively{gas: 150_000}(id, 10, vm.getBlockTimestamp(), "", "");
    }

    function test_contractsAgreeToClose() external {
        bytes32 id = opened(address(new OwnedWallet(payee)), address(new OwnedWallet(session)), 1, 100);
        uint256 deadline = vm.getBlockTimestamp();
        bytes memory offer = signed(PAYEE_KEY, settlement.closeDigest(id, 10, deadline));
        bytes memory claim = voucher(id, 10).signature;
        vm.expectRevert(IChannels.NotSignedBySigner.selector);
        settlement.closeCooperatively(id, 10, deadline, offer, offer);
        vm.expectRevert(IChannels.NotSignedByPayee.selector);
        settlement.closeCooperatively(id, 10, deadline, claim, claim);
        assertEq(settlement.closeCooperatively(id, 10, deadline, offer, claim), 90);
    }

    function test_anAccountThatGotCodeStillSigns() external {
        bytes32 id = opened(1, 100);
        IChannels.SignedVoucher memory good = voucher(id, 10);
        vm.etch(session, abi.encodePacked(hex"ef0100", address(new BurningWallet())));
        (uint256 total, ) = settle(good);
        assertEq(total, 10);
    }
}

/// @notice Is called by the token in the middle of every movement and uses the moment.
contract Reenterer is IHook {
    Settlement private immutable settlement;
    bytes private data;
    bool private entered;
    uint256 public successes;

    constructor(Settlement settlement_, HookedToken token) {
        settlement = settlement_;
        token.approve(address(settlement_), type(uint256).max);
    }

    function arm(bytes calldata data_) external {
        data = data_;
        entered = false;
    }

    function onMove() external {
        if (entered) return;
        entered = true;
        (bool success, ) = address(settlement).call(data);
        if (success) ++successes;
        entered = false;
        // Once before the token has moved and once after, at each of which it may succeed.
    }

    function act(bytes calldata data_) external returns (bool success) {
        (success, ) = address(settlement).call(data_);
    }
}

contract ReentrancyTest is ChannelsFixture {
    Reenterer private attacker;
    bytes32[4] private ids;
    bytes32[] private all;

    function setUp() external {
        deploy();
    }

    /// @dev Every entry point that moves tokens, and in the middle of it every entry point there is.
    function test_noWayInWhileTheTokenIsCalled() external {
        uint256 count = prepare();
        uint256 successes;
        uint256 outers;
        for (uint256 outer = 0; outer < 8; ++outer) {
            for (uint256 inner = 0; inner < count; ++inner) {
                uint256 snapshot = vm.snapshotState();
                attacker.arm(entry(inner));
                uint256 wealthBefore = wealth();
                if (attacker.act(entry(outer))) ++outers;
                assertEq(wealth(), wealthBefore, string.concat(vm.toString(outer), " ", vm.toString(inner)));
                assertEq(token.balanceOf(address(settlement)), owed(), "solvency");
                successes += attacker.successes();
                assertTrue(vm.revertToState(snapshot));
            }
        }
        // The test would prove nothing if the calls within failed all.
        assertGt(successes, 40, "calls within that passed");
        assertGt(outers, 40, "calls around that passed");
    }

    function prepare() private returns (uint256 count) {
        attacker = new Reenterer(settlement, token);
        token.mint(address(attacker), 1_000);
        attacker.act(abi.encodeCall(settlement.deposit, (address(attacker), 400)));
        for (uint256 salt = 0; salt < 4; ++salt) {
            bytes memory open = abi.encodeCall(
                settlement.open,
                (address(attacker), session, bytes32(salt), uint48(vm.getBlockTimestamp() + 1 days), 50)
            );
            attacker.act(open);
            ids[salt] = settlement.channelIdOf(address(attacker), address(attacker), bytes32(salt));
            all.push(ids[salt]);
        }
        for (uint256 salt = 100; salt < 104; ++salt) {
            all.push(settlement.channelIdOf(address(attacker), address(attacker), bytes32(salt)));
        }
        attacker.act(abi.encodeCall(settlement.startClose, (ids[1])));
        skipTime(CLOSE_DELAY);
        token.setHook(address(attacker));
        count = 15;
    }

    function entry(uint256 index) private view returns (bytes memory) {
        address self = address(attacker);
        Permit memory permit;
        uint48 expiresAt = uint48(vm.getBlockTimestamp() + 1 days);
        if (index == 0) return abi.encodeCall(settlement.withdraw, (self, 150));
        if (index == 1) return abi.encodeCall(settlement.deposit, (self, 100));
        if (index == 2) return abi.encodeCall(settlement.depositWithPermit, (self, 100, permit));
        if (index == 3)
            return abi.encodeCall(settlement.depositAndOpen, (self, session, bytes32(uint256(100)), expiresAt, 250));
        if (index == 4) {
            return
                abi.encodeCall(
                    settlement.depositWithPermitAndOpen,
                    (self, session, bytes32(uint256(101)), expiresAt, 250, permit)
                );
        }
        if (index == 5) return abi.encodeCall(settlement.depositAndTopUp, (ids[0], 250));
        if (index == 6) return abi.encodeCall(settlement.withdraw, (self, 200));
        if (index == 7) return abi.encodeCall(settlement.depositAndTopUp, (ids[2], 30));
        if (index == 8) return abi.encodeCall(settlement.open, (self, session, bytes32(uint256(102)), expiresAt, 150));
        if (index == 9) return abi.encodeCall(settlement.topUp, (ids[0], 150));
        if (index == 10) {
            IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](2);
            batch[0] = voucher(ids[0], 40);
            batch[1] = voucher(ids[2], 60);
            return abi.encodeCall(settlement.settleMany, (batch));
        }
        if (index == 11) return abi.encodeCall(settlement.startClose, (ids[0]));
        if (index == 12) return abi.encodeCall(settlement.finishClose, (ids[1]));
        if (index == 13) return abi.encodeCall(settlement.closeByPayee, (ids[0]));
        return abi.encodeCall(settlement.closeCooperatively, (ids[2], 30, expiresAt, "", ""));
    }

    /// @dev What the attacker has, wherever it lies; it is payer and payee of all its channels.
    function wealth() private view returns (uint256 sum) {
        sum = token.balanceOf(address(attacker)) + settlement.balanceOf(address(attacker));
        for (uint256 index = 0; index < all.length; ++index) sum += locked(all[index]);
    }

    function owed() private view returns (uint256 sum) {
        sum = settlement.balanceOf(address(attacker)) + settlement.balanceOf(payer);
        for (uint256 index = 0; index < all.length; ++index) sum += locked(all[index]);
    }
}
