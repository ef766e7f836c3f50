// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Settlement} from "../../../contracts/core/Settlement.sol";
import {IChannels} from "../../../contracts/interfaces/IChannels.sol";
import {ITickets} from "../../../contracts/interfaces/ITickets.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {BurnableToken} from "./support/BurnableToken.sol";
import {Test} from "./support/Test.sol";
import {TicketsFixture} from "./support/TicketsFixture.sol";
import {MoodyWallet} from "./support/Wallets.sol";

/// @notice Two payers, one with a key as its signer and one with a contract, four payees of whom three have stakes, and books of what was funded,
/// signed, won and drawn, kept apart from the contract's.
contract TicketsHandler is TicketsFixture {
    uint256 private constant FIRST_ACTOR = 0xac7000;
    uint256 private constant MAX_FACE_VALUE = 1e6;

    MoodyWallet private immutable wallet;
    address[6] public actors;
    bytes32[2] public deposits;
    bytes32[] public channels;
    ITickets.SignedTicket[] private redeemed;

    /// @notice Base units that came in by funding.
    mapping(bytes32 id => uint256 amount) public funded;
    /// @notice Base units that went back to the payer.
    mapping(bytes32 id => uint256 amount) public refunded;
    /// @notice Face values of what was signed for a payee and won.
    mapping(bytes32 id => mapping(address payee => uint256 amount)) public won;
    /// @notice Base units a payee's balance grew by.
    mapping(bytes32 id => mapping(address payee => uint256 amount)) public paid;
    /// @notice Base units a payee drew from the reserve in a round, and what it could draw.
    mapping(bytes32 id => mapping(uint256 round => mapping(address payee => uint256 amount))) public drawn;
    mapping(bytes32 id => mapping(uint256 round => uint256 share)) public shares;
    mapping(string what => uint256 count) public done;

    constructor() {
        deploy();
        wallet = new MoodyWallet();
        for (uint160 index = 0; index < 6; ++index) {
            address account = address(uint160(FIRST_ACTOR) + index);
            actors[index] = account;
            token.mint(account, 1e24);
            vm.startPrank(account);
            token.approve(address(settlement), type(uint256).max);
            settlement.deposit(account, 1e20);
            vm.stopPrank();
            if (index >= 2 && index < 5) makeProvider(account);
        }
        for (uint256 index = 0; index < 2; ++index) {
            deposits[index] = settlement.ticketDepositIdOf(payerOf(index), signerOf(index));
        }
    }

    function fund(uint256 pick, uint256 deposit, uint256 reserve, uint256 max, uint256 how) external {
        pick %= 2;
        if (settlement.ticketDepositOf(deposits[pick]).unlocksAt != 0) return;
        // Little, so that deposits are short and the reserve is drawn from.
        deposit = bound(deposit, 0, MAX_FACE_VALUE / 8);
        reserve = bound(reserve, 0, MAX_FACE_VALUE);
        if (deposit + reserve == 0) return;
        if (how % 3 == 0 && settlement.ticketDepositOf(deposits[pick]).signer != address(0)) {
            // By somebody else.
            vm.prank(actors[5]);
            settlement.fundTicketsFor(deposits[pick], deposit, reserve);
            ++done["fundFor"];
        } else {
            max = bound(max, 1, MAX_FACE_VALUE);
            vm.prank(payerOf(pick));
            if (how % 3 == 1) settlement.fundTickets(signerOf(pick), max, deposit, reserve);
            else settlement.depositAndFundTickets(signerOf(pick), max, deposit, reserve);
            ++done["fund"];
        }
        funded[deposits[pick]] += deposit + reserve;
    }

    function redeem(uint256 pick, uint256 to, uint256 faceValue, bool certain, uint256 order) external {
        play(pick, to, faceValue, certain, order);
    }

    /// @notice One payee comes three times in a row, which a share has to stand.
    function redeemThrice(uint256 pick, uint256 to, uint256 faceValue) external {
        for (uint256 times = 0; times < 3; ++times) play(pick, to, faceValue, true, times);
    }

    /// @notice A batch of one that may win, one that somebody else signed, and one that was redeemed before.
    function play(uint256 pick, uint256 to, uint256 faceValue, bool certain, uint256 order) private {
        pick %= 2;
        bytes32 id = deposits[pick];
        ITickets.TicketDeposit memory before = settlement.ticketDepositOf(id);
        if (before.maxFaceValue == 0) return;
        address payee = actors[2 + (to % 4)];
        faceValue = bound(faceValue, 1, before.maxFaceValue);
        order %= 3;
        ITickets.SignedTicket[] memory batch = new ITickets.SignedTicket[](3);
        batch[order] = sign(newTicket(id, payee, faceValue, certain ? CERTAIN : CERTAIN / 2), SESSION_KEY);
        batch[(order + 1) % 3] = sign(newTicket(deposits[0], payee, faceValue, CERTAIN), FIRST_ACTOR);
        if (redeemed.length != 0) batch[(order + 2) % 3] = redeemed[faceValue % redeemed.length];

        bytes32 digest = settlement.ticketDigest(batch[order].ticket);
        bool wins = uint256(keccak256(abi.encode(digest, batch[order].random))) < batch[order].ticket.winThreshold;
        if (signerOf(pick) == address(wallet) && wallet.refuses()) wins = false;
        uint256 share = expectedShare(before);
        uint256 had = settlement.balanceOf(payee);
        (uint256 total, ITickets.TicketOutcome[] memory outcomes) = settlement.redeemMany(batch);
        assertTrue((outcomes[order] == ITickets.TicketOutcome.Redeemed) == wins, "outcome");
        assertTrue(outcomes[(order + 1) % 3] != ITickets.TicketOutcome.Redeemed, "forged");
        assertTrue(outcomes[(order + 2) % 3] != ITickets.TicketOutcome.Redeemed, "twice");
        assertEq(settlement.balanceOf(payee) - had, total, "paid");
        if (!wins) return;
        redeemed.push(batch[order]);
        won[id][payee] += faceValue;
        paid[id][payee] += total;
        noteDraw(id, payee, before, share);
        ++done["redeem"];
        if (total < faceValue) ++done["arrears"];
    }

    function collect(uint256 pick, uint256 to) external {
        bytes32 id = deposits[pick % 2];
        address payee = actors[2 + (to % 4)];
        ITickets.TicketDeposit memory before = settlement.ticketDepositOf(id);
        if (settlement.arrearsOwed(id, payee) == 0) return;
        if (before.deposit == 0 && settlement.reserveShareOf(id, payee) == 0) return;
        uint256 share = expectedShare(before);
        uint256 had = settlement.balanceOf(payee);
        uint256 amount = settlement.collectArrears(id, payee);
        assertEq(settlement.balanceOf(payee) - had, amount, "collected");
        paid[id][payee] += amount;
        noteDraw(id, payee, before, share);
        ++done["collect"];
    }

    function startUnlock(uint256 pick) external {
        pick %= 2;
        ITickets.TicketDeposit memory stored = settlement.ticketDepositOf(deposits[pick]);
        if (stored.signer == address(0) || stored.unlocksAt != 0) return;
        vm.prank(payerOf(pick));
        settlement.startTicketsUnlock(signerOf(pick));
        ++done["startUnlock"];
    }

    function cancelUnlock(uint256 pick) external {
        pick %= 2;
        if (settlement.ticketDepositOf(deposits[pick]).unlocksAt == 0) return;
        vm.prank(payerOf(pick));
        settlement.cancelTicketsUnlock(signerOf(pick));
        ++done["cancelUnlock"];
    }

    function withdraw(uint256 pick) external {
        pick %= 2;
        bytes32 id = deposits[pick];
        ITickets.TicketDeposit memory before = settlement.ticketDepositOf(id);
        if (before.unlocksAt == 0) return;
        if (vm.getBlockTimestamp() < before.unlocksAt) vm.warp(before.unlocksAt);
        vm.prank(payerOf(pick));
        uint256 amount = settlement.withdrawTickets(signerOf(pick));
        uint256 held = uint256(before.deposit) + before.reserve;
        assertEq(settlement.ticketDepositOf(id).deposit, Math.min(held, before.arrears), "kept for arrears");
        refunded[id] += amount;
        ++done["withdraw"];
    }

    /// @notice Providers come and go.
    function setRoles(uint256 pick, bool provides) external {
        vm.prank(actors[2 + (pick % 3)]);
        staking.setRoles(provides ? Roles.PROVIDER_STORAGE : 0);
        ++done["setRoles"];
    }

    function setMood(bool refuses) external {
        wallet.setRefuses(refuses);
    }

    function payOut(uint256 from, uint256 amount) external {
        address account = actors[from % 6];
        uint256 available = settlement.balanceOf(account);
        if (available == 0) return;
        vm.prank(account);
        settlement.withdraw(account, bound(amount, 1, Math.min(available, 1e6)));
        ++done["payOut"];
    }

    /// @notice A channel beside the tickets, with a voucher settled.
    function useChannel(uint256 from, uint256 to, uint256 amount, uint256 claim) external {
        address payer = actors[from % 6];
        amount = bound(amount, 1, 1e6);
        if (channels.length == 12 || settlement.balanceOf(payer) < amount) return;
        address session = vm.addr(SESSION_KEY);
        bytes32 salt = bytes32(channels.length);
        vm.prank(payer);
        bytes32 id = settlement.open(actors[to % 6], session, salt, uint48(vm.getBlockTimestamp() + 1 days), amount);
        channels.push(id);
        claim = bound(claim, 0, 2 * amount);
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](1);
        batch[0] = IChannels.SignedVoucher(id, claim, signed(SESSION_KEY, settlement.voucherDigest(id, claim)));
        settlement.settleMany(batch);
        ++done["channel"];
    }

    function wait(uint256 seconds_) external {
        skipTime(bound(seconds_, 1, 1 days));
    }

    function contracts() external view returns (Settlement, BurnableToken) {
        return (settlement, token);
    }

    function channelCount() external view returns (uint256) {
        return channels.length;
    }

    function payerOf(uint256 pick) public view returns (address) {
        return actors[pick];
    }

    function signerOf(uint256 pick) public view returns (address) {
        return pick == 0 ? vm.addr(SESSION_KEY) : address(wallet);
    }

    /// @notice What one payee could draw in all if a round began now.
    function expectedShare(ITickets.TicketDeposit memory stored) private view returns (uint256) {
        uint256 providers = staking.activeProviders();
        return providers == 0 ? 0 : stored.reserve / providers;
    }

    function noteDraw(bytes32 id, address payee, ITickets.TicketDeposit memory before, uint256 shareThen) private {
        ITickets.TicketDeposit memory stored = settlement.ticketDepositOf(id);
        if (stored.reserveRound != before.reserveRound) {
            assertEq(stored.reserveRound, uint256(before.reserveRound) + 1, "round");
            assertGe(vm.getBlockTimestamp(), before.reserveRoundEndsAt, "round ended");
            shares[id][stored.reserveRound] = shareThen;
        }
        uint256 amount = before.reserve - stored.reserve;
        drawn[id][stored.reserveRound][payee] += amount;
        if (amount != 0) {
            assertTrue(staking.isActive(payee, Roles.PROVIDER), "drawn by a provider");
            ++done["draw"];
        }
    }
}

contract TicketsInvariantTest is Test {
    TicketsHandler private handler;
    Settlement private settlement;
    BurnableToken private token;

    function setUp() external {
        handler = new TicketsHandler();
        (settlement, token) = handler.contracts();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice Money in = money out + balances, to the wei, with channels beside.
    function invariant_whatIsHeldIsOwed() external view {
        uint256 books;
        for (uint256 index = 0; index < 6; ++index) books += settlement.balanceOf(handler.actors(index));
        for (uint256 index = 0; index < 2; ++index) {
            ITickets.TicketDeposit memory stored = settlement.ticketDepositOf(handler.deposits(index));
            books += uint256(stored.deposit) + stored.reserve;
        }
        for (uint256 index = 0; index < handler.channelCount(); ++index) {
            IChannels.Channel memory channel = settlement.channelOf(handler.channels(index));
            books += channel.deposit - channel.claimed;
        }
        assertEq(token.balanceOf(address(settlement)), books);
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice A payee is paid what was signed and won, or owed the rest: never more, never less.
    function invariant_paidAndOwedIsWhatWon() external view {
        for (uint256 index = 0; index < 2; ++index) {
            bytes32 id = handler.deposits(index);
            uint256 arrears;
            for (uint256 place = 2; place < 6; ++place) {
                address payee = handler.actors(place);
                uint256 owed = settlement.arrearsOwed(id, payee);
                assertEq(handler.paid(id, payee) + owed, handler.won(id, payee), "payee");
                arrears += owed;
            }
            assertEq(settlement.arrearsOf(id), arrears, "arrears");
        }
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice What a payer put in is there, came back, or paid for tickets it signed and that won.
    function invariant_noPayerLosesMoreThanSigned() external view {
        for (uint256 index = 0; index < 2; ++index) {
            bytes32 id = handler.deposits(index);
            ITickets.TicketDeposit memory stored = settlement.ticketDepositOf(id);
            uint256 paid;
            for (uint256 place = 2; place < 6; ++place) paid += handler.paid(id, handler.actors(place));
            assertEq(handler.funded(id), uint256(stored.deposit) + stored.reserve + handler.refunded(id) + paid);
        }
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice In no round does a payee draw more than its share.
    function invariant_drawsStayWithinShares() external view {
        for (uint256 index = 0; index < 2; ++index) {
            bytes32 id = handler.deposits(index);
            uint256 rounds = settlement.ticketDepositOf(id).reserveRound;
            for (uint256 round = 1; round <= rounds; ++round) {
                for (uint256 place = 2; place < 6; ++place) {
                    uint256 drawn = handler.drawn(id, round, handler.actors(place));
                    assertLe(drawn, handler.shares(id, round), "share");
                }
            }
        }
    }
}

/// @notice The handler is worth nothing if its actions never come about.
contract TicketsHandlerTest is Test {
    function test_everyActionComesAbout() external {
        TicketsHandler handler = new TicketsHandler();
        handler.fund(0, 100, 300, 1_000, 1);
        handler.fund(0, 100, 0, 1_000, 0);
        handler.fund(1, 100, 100, 500, 2);
        handler.redeem(0, 0, 150, true, 0);
        handler.redeem(0, 0, 1_000, true, 1);
        handler.redeem(1, 3, 500, true, 2);
        handler.setMood(true);
        handler.redeem(1, 3, 500, true, 2);
        handler.setRoles(1, false);
        handler.wait(1 days);
        handler.collect(0, 0);
        handler.startUnlock(0);
        handler.cancelUnlock(0);
        handler.startUnlock(0);
        handler.withdraw(0);
        handler.payOut(2, 10);
        handler.useChannel(0, 1, 100, 50);
        string[12] memory names = [
            "fund",
            "fundFor",
            "redeem",
            "arrears",
            "draw",
            "collect",
            "startUnlock",
            "cancelUnlock",
            "withdraw",
            "setRoles",
            "payOut",
            "channel"
        ];
        for (uint256 index = 0; index < names.length; ++index) assertGt(handler.done(names[index]), 0, names[index]);
        assertEq(handler.done("redeem"), 3);
    }
}
