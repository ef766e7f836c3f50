// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Settlement} from "../../../contracts/core/Settlement.sol";
import {ITickets} from "../../../contracts/interfaces/ITickets.sol";
import {Signatures} from "../../../contracts/libraries/Signatures.sol";
import {TicketsFixture} from "./support/TicketsFixture.sol";
import {
    BurningWallet,
    DirtyWallet,
    LongRevertWallet,
    LongWallet,
    LoopingWallet,
    MoodyWallet,
    OwnedWallet,
    ReentrantWallet,
    RevertingWallet,
    ShortWallet,
    SilentWallet,
    WrongEndWallet
} from "./support/Wallets.sol";

contract TicketsTest is TicketsFixture {
    address private constant PAYER = address(0xa11ce);
    address private constant BOB = address(0xb0b);
    address private constant CAROL = address(0xca401);
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    address private session;

    function setUp() public {
        deploy();
        session = vm.addr(SESSION_KEY);
    }

    /// @notice Deposit, then reserve, then arrears: what is paid and what is owed is the face value, always.
    function testFuzz_everyWinnerIsPaidOrOwed(uint96 deposit, uint96 reserve, uint96 faceValue, uint8 others) public {
        faceValue = uint96(bound(faceValue, 1, type(uint96).max));
        if (deposit == 0 && reserve == 0) deposit = 1;
        uint256 providers = 1 + (others % 4);
        makeProvider(BOB);
        for (uint160 index = 1; index < providers; ++index) makeProvider(address(0xc0de00 + index));
        bytes32 id = fund(PAYER, session, type(uint96).max, deposit, reserve);
        uint256 share = settlement.reserveShareOf(id, BOB);
        assertEq(share, reserve / providers, "share");
        (uint256 paid, ) = redeem(winner(id, BOB, faceValue));
        uint256 fromDeposit = Math.min(faceValue, deposit);
        uint256 fromReserve = Math.min(faceValue - fromDeposit, share);
        assertEq(paid, fromDeposit + fromReserve, "paid");
        assertEq(settlement.balanceOf(BOB), paid, "balance");
        assertEq(settlement.arrearsOwed(id, BOB), faceValue - paid, "owed");
        assertEq(settlement.arrearsOf(id), faceValue - paid, "arrears");
        ITickets.TicketDeposit memory left = settlement.ticketDepositOf(id);
        assertEq(uint256(left.deposit) + left.reserve, uint256(deposit) + reserve - paid, "left");
        assertEq(token.balanceOf(address(settlement)), paid + left.deposit + left.reserve, "tokens");
    }

    /// @notice However often a payee comes, and by tickets or arrears, in a round it draws its share and no more.
    function testFuzz_drawsOfARoundStopAtTheShare(uint96 reserve, uint96[6] memory faceValues, uint8 others) public {
        reserve = uint96(bound(reserve, 1, type(uint96).max));
        uint256 providers = 1 + (others % 4);
        makeProvider(BOB);
        for (uint160 index = 1; index < providers; ++index) makeProvider(address(0xc0de00 + index));
        bytes32 id = fund(PAYER, session, type(uint96).max, 0, reserve);
        uint256 signedFor;
        uint256 share = reserve / providers;
        for (uint256 index = 0; index < faceValues.length; ++index) {
            uint256 faceValue = bound(faceValues[index], 1, type(uint96).max / 8);
            signedFor += faceValue;
            redeem(winner(id, BOB, faceValue));
            assertEq(settlement.balanceOf(BOB), Math.min(signedFor, share), "drawn");
            assertEq(settlement.reserveShareOf(id, BOB), share - Math.min(signedFor, share), "left");
        }
        skipTime(settlement.RESERVE_ROUND_LENGTH());
        uint256 next = (reserve - Math.min(signedFor, share)) / providers;
        assertEq(settlement.reserveShareOf(id, BOB), next, "next share");
        uint256 owed = Math.saturatingSub(signedFor, share);
        if (owed == 0 || next == 0) return;
        assertEq(settlement.collectArrears(id, BOB), Math.min(owed, next), "collected");
        assertEq(settlement.arrearsOf(id), owed - Math.min(owed, next), "arrears");
        if (owed <= next) return;
        vm.expectRevert(abi.encodeWithSelector(ITickets.NothingToCollect.selector, owed - next));
        settlement.collectArrears(id, BOB);
    }

    function testFuzz_theLotteryIsTheHashAndNothingElse(uint256 winThreshold, uint256 salt) public {
        bytes32 id = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        ITickets.SignedTicket memory one = newTicket(id, BOB, CREDIT, winThreshold);
        one.ticket.nonce = salt;
        sign(one, SESSION_KEY);
        bytes32 digest = settlement.ticketDigest(one.ticket);
        bool wins = uint256(keccak256(abi.encode(digest, one.random))) < winThreshold;
        assertOutcome(one, wins ? ITickets.TicketOutcome.Redeemed : ITickets.TicketOutcome.NotWinning);
        assertEq(settlement.isTicketRedeemed(digest), wins);
        assertEq(settlement.balanceOf(BOB), wins ? CREDIT : 0);
    }

    function testFuzz_onlyTheSignersSignatureCounts(bytes memory garbage, uint256 otherKey, uint8 flipped) public {
        bytes32 id = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        ITickets.SignedTicket memory one = winner(id, BOB, CREDIT);
        bytes memory good = one.signature;
        if (keccak256(garbage) != keccak256(good)) {
            one.signature = garbage;
            assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        }
        otherKey = bound(otherKey, 1, CURVE_ORDER - 1);
        if (otherKey != SESSION_KEY) assertOutcome(sign(one, otherKey), ITickets.TicketOutcome.BadSignature);
        bytes memory changed = bytes.concat(good);
        changed[flipped % 65] ^= bytes1(uint8(1 << (flipped / 65)));
        one.signature = changed;
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        one.signature = good;
        assertOutcome(one, ITickets.TicketOutcome.Redeemed);
    }

    function testFuzz_aMalleatedSignatureIsNone(uint256 faceValue) public {
        bytes32 id = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        ITickets.SignedTicket memory one = newTicket(id, BOB, bound(faceValue, 1, CREDIT), CERTAIN);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SESSION_KEY, settlement.ticketDigest(one.ticket));
        one.signature = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? 28 : 27);
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        // Compact signatures (ERC-2098) are another form of the same: refused as well.
        (bytes32 compactR, bytes32 vs) = vm.signCompact(SESSION_KEY, settlement.ticketDigest(one.ticket));
        one.signature = abi.encodePacked(compactR, vs);
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        assertOutcome(sign(one, SESSION_KEY), ITickets.TicketOutcome.Redeemed);
        assertOutcome(one, ITickets.TicketOutcome.AlreadyRedeemed);
    }

    function testFuzz_aTicketCountsOnOneChainOnly(uint64 chainId) public {
        bytes32 id = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        chainId = uint64(bound(chainId, 1, type(uint64).max));
        if (chainId == HOME_CHAIN) ++chainId;
        vm.chainId(chainId);
        ITickets.SignedTicket memory one = winner(id, BOB, CREDIT);
        vm.chainId(HOME_CHAIN);
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
    }

    function test_aTicketCountsInOneContractOnly() public {
        fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        Settlement first = settlement;
        settlement = new Settlement(address(token), address(staking), address(this), CLOSE_DELAY);
        bytes32 other = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        ITickets.SignedTicket memory one = winner(other, BOB, CREDIT);
        settlement = first;
        assertOutcome(one, ITickets.TicketOutcome.UnknownDeposit);
        // And not under the first one's deposit either.
        one.ticket.depositId = first.ticketDepositIdOf(PAYER, session);
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
    }

    /// @notice Once the commitment's random is known, the payer can choose nonces that lose; and a payee that can guess
    /// nonces can choose a random that wins. This is why neither may be.
    function test_whoKnowsBothHalvesChoosesTheOutcome() public {
        bytes32 id = fund(PAYER, session, CREDIT, 10 * CREDIT, 0);
        ITickets.SignedTicket memory one = newTicket(id, BOB, CREDIT, type(uint256).max / 4);
        one.ticket.nonce = 0;
        while (uint256(keccak256(abi.encode(settlement.ticketDigest(one.ticket), one.random))) < CERTAIN / 4) {
            ++one.ticket.nonce;
        }
        assertOutcome(sign(one, SESSION_KEY), ITickets.TicketOutcome.NotWinning);
        one.ticket.nonce = 1;
        uint256 tried;
        do {
            one.random = bytes32(++tried);
            one.ticket.commitment = keccak256(abi.encode(one.random));
        } while (uint256(keccak256(abi.encode(settlement.ticketDigest(one.ticket), one.random))) >= CERTAIN / 4);
        assertOutcome(sign(one, SESSION_KEY), ITickets.TicketOutcome.Redeemed);
    }

    function testFuzz_nothingIsTakenBeforeTheUnlock(uint96 deposit, uint96 reserve, uint32 early) public {
        if (deposit == 0 && reserve == 0) reserve = 1;
        bytes32 id = fund(PAYER, session, 1, deposit, reserve);
        vm.prank(PAYER);
        vm.expectRevert(abi.encodeWithSelector(ITickets.TicketsLocked.selector, id));
        settlement.withdrawTickets(session);
        vm.prank(PAYER);
        settlement.startTicketsUnlock(session);
        uint256 unlocksAt = vm.getBlockTimestamp() + CLOSE_DELAY;
        skipTime(CLOSE_DELAY - bound(early, 1, CLOSE_DELAY));
        vm.prank(PAYER);
        vm.expectRevert(abi.encodeWithSelector(ITickets.UnlockTooEarly.selector, unlocksAt));
        settlement.withdrawTickets(session);
        vm.warp(unlocksAt);
        vm.prank(PAYER);
        assertEq(settlement.withdrawTickets(session), uint256(deposit) + reserve);
        assertEq(settlement.balanceOf(PAYER), uint256(deposit) + reserve);
    }

    function testFuzz_aWithdrawalLeavesArrearsBehind(uint96 deposit, uint96 reserve, uint96 faceValue) public {
        deposit = uint96(bound(deposit, 1, type(uint96).max));
        faceValue = uint96(bound(faceValue, 1, type(uint96).max));
        bytes32 id = fund(PAYER, session, type(uint96).max, deposit, reserve);
        (uint256 paid, ) = redeem(winner(id, BOB, faceValue));
        uint256 owed = faceValue - paid;
        vm.startPrank(PAYER);
        settlement.startTicketsUnlock(session);
        skipTime(CLOSE_DELAY);
        uint256 refunded = settlement.withdrawTickets(session);
        vm.stopPrank();
        uint256 held = uint256(deposit) + reserve - paid;
        assertEq(refunded, Math.saturatingSub(held, owed), "refunded");
        uint256 kept = held - refunded;
        if (kept != 0) {
            assertEq(settlement.collectArrears(id, BOB), kept, "kept");
            assertEq(settlement.balanceOf(BOB), paid + kept, "balance");
        }
        assertEq(settlement.arrearsOf(id), owed - kept, "arrears");
    }

    function test_noMaliciousSignerStopsABatch() public {
        address[9] memory signers = [
            address(new BurningWallet()),
            address(new LoopingWallet()),
            address(new LongRevertWallet()),
            address(new RevertingWallet()),
            address(new ShortWallet()),
            address(new SilentWallet()),
            address(new DirtyWallet()),
            address(new WrongEndWallet()),
            address(new OwnedWallet(BOB))
        ];
        ITickets.SignedTicket[] memory batch = new ITickets.SignedTicket[](signers.length + 1);
        for (uint256 index = 0; index < signers.length; ++index) {
            bytes32 id = fund(PAYER, signers[index], CREDIT, CREDIT, 0);
            batch[index] = winner(id, BOB, CREDIT);
        }
        batch[signers.length] = winner(fund(PAYER, session, CREDIT, CREDIT, 0), BOB, CREDIT);
        (uint256 total, ITickets.TicketOutcome[] memory outcomes) = settlement.redeemMany(batch);
        assertEq(total, CREDIT);
        for (uint256 index = 0; index < signers.length; ++index) {
            assertEq(uint256(outcomes[index]), uint256(ITickets.TicketOutcome.BadSignature), vm.toString(index));
        }
        assertEq(uint256(outcomes[signers.length]), uint256(ITickets.TicketOutcome.Redeemed), "the good one");
    }

    function test_contractsCanSign() public {
        address wallet = address(new OwnedWallet(session));
        assertOutcome(winner(fund(PAYER, wallet, CREDIT, CREDIT, 0), BOB, CREDIT), ITickets.TicketOutcome.Redeemed);
        address long = address(new LongWallet());
        assertOutcome(winner(fund(PAYER, long, CREDIT, CREDIT, 0), BOB, CREDIT), ITickets.TicketOutcome.Redeemed);
    }

    function test_aMoodySignersTicketIsKeptForLater() public {
        MoodyWallet wallet = new MoodyWallet();
        ITickets.SignedTicket memory one = winner(fund(PAYER, address(wallet), CREDIT, CREDIT, 0), BOB, CREDIT);
        wallet.setRefuses(true);
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        wallet.setRefuses(false);
        assertOutcome(one, ITickets.TicketOutcome.Redeemed);
        // Any signature would do for it, and still the ticket pays once.
        one.signature = "another";
        assertOutcome(one, ITickets.TicketOutcome.AlreadyRedeemed);
    }

    function test_aSignerCanNotReenter() public {
        ReentrantWallet wallet = new ReentrantWallet();
        bytes32 id = fund(PAYER, address(wallet), CREDIT, 5 * CREDIT, 0);
        ITickets.SignedTicket memory one = winner(id, BOB, CREDIT);
        ITickets.SignedTicket[] memory batch = new ITickets.SignedTicket[](1);
        batch[0] = one;
        wallet.set(address(settlement), abi.encodeCall(ITickets.redeemMany, (batch)));
        assertOutcome(one, ITickets.TicketOutcome.BadSignature);
        assertEq(settlement.balanceOf(BOB), 0);
        // Reading is no harm.
        wallet.set(address(settlement), abi.encodeCall(ITickets.arrearsOf, (id)));
        assertOutcome(one, ITickets.TicketOutcome.Redeemed);
        assertEq(settlement.balanceOf(BOB), CREDIT);
    }

    function test_tooLittleGasMakesNoGoodSignatureLookBad() public {
        address wallet = address(new OwnedWallet(session));
        ITickets.SignedTicket[] memory batch = new ITickets.SignedTicket[](1);
        batch[0] = winner(fund(PAYER, wallet, CREDIT, CREDIT, 0), BOB, CREDIT);
        vm.expectRevert(Signatures.InsufficientGas.selector);
        settlement.redeemMany{gas: 160_000}(batch);
        (uint256 total, ) = settlement.redeemMany{gas: 350_000}(batch);
        assertEq(total, CREDIT);
    }

    /// @notice A token that calls back while it is pulled finds books that are already written, and takes nothing.
    function test_aMaliciousTokenGainsNothing() public {
        bytes32 id = fund(PAYER, session, CREDIT, 5 * CREDIT, 0);
        hooked = winner(id, address(this), CREDIT);
        uint256 others = token.balanceOf(address(settlement));
        token.setHook(address(this));
        token.mint(PAYER, CREDIT);
        vm.prank(PAYER);
        settlement.depositAndFundTickets(session, 0, CREDIT, 0);
        token.setHook(address(0));
        assertEq(calls, 1, "called back");
        // It was paid its one winner, once, and could not have it out twice.
        assertEq(token.balanceOf(address(this)), CREDIT, "tokens");
        assertEq(settlement.balanceOf(address(this)), 0, "balance");
        assertEq(settlement.ticketDepositOf(id).deposit, 5 * CREDIT, "deposit");
        assertEq(token.balanceOf(address(settlement)), others, "held");
    }

    ITickets.SignedTicket private hooked;
    uint256 private calls;

    /// @notice Redeems, and withdraws as long as there is something.
    function onMove() external {
        if (token.balanceOf(address(this)) != 0 || settlement.balanceOf(address(this)) != 0) return;
        if (calls != 0 || settlement.ticketDepositOf(hooked.ticket.depositId).deposit != 6 * CREDIT) return;
        ++calls;
        redeem(hooked);
        redeem(hooked);
        settlement.withdraw(address(this), CREDIT);
        try settlement.withdraw(address(this), CREDIT) {
            revert("withdrew twice");
        } catch {}
    }

    function testFuzz_arrearsStopAtTheirWidthAndAddUp(uint96 first, uint96 second, uint96 third) public {
        first = uint96(bound(first, 1, type(uint96).max));
        second = uint96(bound(second, 1, type(uint96).max));
        third = uint96(bound(third, 1, type(uint96).max));
        bytes32 id = fund(PAYER, session, type(uint96).max, 1, 0);
        redeem(winner(id, BOB, first));
        redeem(winner(id, CAROL, second));
        redeem(winner(id, BOB, third));
        uint256 sum = uint256(first) + second + third - 1;
        assertEq(settlement.arrearsOf(id), Math.min(sum, type(uint96).max));
        assertEq(settlement.arrearsOwed(id, BOB) + settlement.arrearsOwed(id, CAROL), settlement.arrearsOf(id), "sum");
    }

    /// @notice The vectors that protocol/ is held to, on the chains and at the address they are for.
    function test_vectors() public {
        string memory json = vm.readFile(string.concat(vm.projectRoot(), "/test/vectors/ticket.json"));
        uint256 count;
        for (; vm.keyExistsJson(json, field(count, "")); ++count) checkVector(json, count);
        assertGt(count, 3, "vectors");
    }

    function checkVector(string memory json, uint256 index) private {
        string memory name = vm.parseJsonString(json, field(index, ".name"));
        vm.chainId(vm.parseJsonUint(json, field(index, ".domain.chainId")));
        Settlement there = Settlement(vm.parseJsonAddress(json, field(index, ".domain.verifyingContract")));
        vm.etch(address(there), address(settlement).code);
        address signer = vm.parseJsonAddress(json, field(index, ".signer"));
        ITickets.SignedTicket memory one = ITickets.SignedTicket({
            ticket: ITickets.Ticket({
                depositId: vm.parseJsonBytes32(json, field(index, ".ticket.depositId")),
                payee: vm.parseJsonAddress(json, field(index, ".ticket.payee")),
                faceValue: vm.parseJsonUint(json, field(index, ".ticket.faceValue")),
                winThreshold: vm.parseJsonUint(json, field(index, ".ticket.winThreshold")),
                commitment: vm.parseJsonBytes32(json, field(index, ".ticket.commitment")),
                nonce: vm.parseJsonUint(json, field(index, ".ticket.nonce")),
                expiresAt: vm.parseJsonUint(json, field(index, ".ticket.expiresAt"))
            }),
            random: vm.parseJsonBytes32(json, field(index, ".random")),
            signature: vm.parseJsonBytes(json, field(index, ".signature"))
        });
        address payer = vm.parseJsonAddress(json, field(index, ".payer"));
        assertEq(there.ticketDepositIdOf(payer, signer), one.ticket.depositId, name);
        assertEq(there.ticketDigest(one.ticket), vm.parseJsonBytes32(json, field(index, ".digest")), name);
        Settlement before = settlement;
        settlement = there;
        fund(payer, signer, type(uint96).max, 100 * CREDIT, 0);
        bool payable_ = one.ticket.faceValue <= type(uint96).max;
        bool wins = vm.parseJsonBool(json, field(index, ".wins"));
        (uint256 paid, ITickets.TicketOutcome outcome) = redeem(one);
        ITickets.TicketOutcome expected =
            !payable_
                ? ITickets.TicketOutcome.FaceValueTooHigh
                : wins
                    ? ITickets.TicketOutcome.Redeemed
                    : ITickets.TicketOutcome.NotWinning;
        assertEq(uint256(outcome), uint256(expected), name);
        assertEq(paid, wins && payable_ ? one.ticket.faceValue : 0, name);
        settlement = before;
    }

    function field(uint256 index, string memory path) private pure returns (string memory) {
        return string.concat("$[", vm.toString(index), "]", path);
    }
}
