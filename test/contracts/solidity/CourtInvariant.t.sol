// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IAuditAnchor} from "../../../contracts/interfaces/IAuditAnchor.sol";
import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {ICourtParameters} from "../../../contracts/interfaces/ICourtParameters.sol";
import {IJury} from "../../../contracts/interfaces/IJury.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {CourtWorld} from "./support/CourtWorld.sol";

/// @notice Three providers, two challengers and eighteen validators who accuse, judge, appeal, stay away and leave.
/// Some validators are parties, too.
contract CourtHandler is CourtWorld {
    uint256 private constant MAX_DISPUTES = 10;
    uint256 private constant FIRST_KEY = 0xc0047;

    address private immutable owner = msg.sender;

    address[] public wallets;
    mapping(string what => uint256 count) public done;
    /// @notice What a wallet had when the disputes of the last call had been moved on.
    mapping(address wallet => uint256 amount) private _before;

    constructor() {
        build();
        for (uint256 i = 0; i < 18; ++i) add(vm.addr(FIRST_KEY + i), (1 + (i % 4)) * 20_000, Roles.VALIDATOR);
        for (uint256 i = 0; i < 3; ++i) add(vm.addr(FIRST_KEY + 18 + i), 100_000, Roles.PROVIDER_COMPUTE);
        for (uint256 i = 0; i < 2; ++i) add(address(uint160(0x3000 + i)), 0, 0);
        skipTime(1 days);
    }

    function accuseSomebody(uint256 challenger, uint256 payer, uint256 provider, bool ofValidator) external {
        address accused = ofValidator ? wallets[provider % 18] : wallets[18 + (provider % 3)];
        address accuser = wallets[challenger % wallets.length];
        if (court.disputeCount() > MAX_DISPUTES || accused == accuser || totalOf(accused) == 0) return;
        if (staking.court() != address(court)) return;
        accuse(accuser, wallets[payer % wallets.length], accused);
        ++done["accuse"];
    }

    /// @notice A wallet contradicts itself, and is convicted of it.
    function equivocate(uint256 who, uint256 challenger) external {
        address node = wallets[who % 21];
        if (totalOf(node) == 0 || done["equivocate"] == 3) return;
        (, ICourt.Inclusion memory first) = stated(node, node);
        ICourt.Statement memory second;
        uint64 sequence = first.leaf.sequence;
        second.range = IAuditAnchor.Range(~first.statement.range.root, sequence, sequence);
        second.signature = signed(FIRST_KEY + (who % 21), auditAnchor.rootDigest(node, second.range));
        for (uint256 i = 0; i < wallets.length; ++i) _before[wallets[i]] = totalOf(wallets[i]);
        vm.prank(wallets[21 + (challenger % 2)]);
        uint256 id = court.challengeRoots(node, first.statement, second);
        for (uint256 i = 0; i < wallets.length; ++i) {
            uint256 most = wallets[i] == node ? court.disputeOf(id).penalty : 0;
            assertEq(_before[wallets[i]] - totalOf(wallets[i]), most, "equivocation");
        }
        ++done["equivocate"];
    }

    function drawSome(uint256 pick, bytes32 hash, uint256 tries) external {
        uint256 id = open(pick, ICourt.State.Draw);
        if (id == 0 || vm.getBlockTimestamp() >= court.disputeOf(id).deadline) return;
        passDrawBlock(id, hash | bytes32(uint256(1)));
        court.draw(id, bound(tries, 20, 256));
        ++done["draw"];
    }

    function missDraw(uint256 pick, uint256 blocks) external {
        uint256 id = open(pick, ICourt.State.Draw);
        if (id == 0 || vm.getBlockTimestamp() >= court.disputeOf(id).deadline) return;
        IJury.Panel memory panel = jury.panelOf(id, court.disputeOf(id).round);
        if (panel.seed != bytes32(0)) return;
        vm.roll(vm.getBlockNumber() + bound(blocks, 300, 10_000) + panel.drawBlock);
        court.draw(id, 1);
        ++done["miss"];
    }

    /// @notice A whole vote, most of it in one direction.
    function vote(uint256 pick, uint256 ballots, uint256 tendency) external {
        uint256 id = open(pick, ICourt.State.Vote);
        if (id == 0) return;
        uint256 round = court.disputeOf(id).round;
        IJury.Panel memory panel = jury.panelOf(id, round);
        if (vm.getBlockTimestamp() >= panel.commitUntil) return;
        IJury.Vote[] memory votes = new IJury.Vote[](panel.size);
        for (uint256 i = 0; i < votes.length; ++i) {
            uint256 ballot = (ballots >> (8 * i)) % 16;
            votes[i] = IJury.Vote(ballot < 4 ? ballot : 1 + (tendency % 2));
        }
        commitAll(id, votes);
        vm.warp(panel.commitUntil);
        revealAll(id, votes);
        ++done["vote"];
    }

    function appealSomething(uint256 pick) external {
        uint256 id = open(pick, ICourt.State.Appealable);
        if (id == 0) return;
        ICourt.Dispute memory dispute = court.disputeOf(id);
        // A jury of 7 and one of 15 need more validators than there are.
        if (courtParameters.parametersAt(dispute.version).jurySize == 7) return;
        if (vm.getBlockTimestamp() >= dispute.deadline) return;
        vm.prank(dispute.outcome == ICourt.Outcome.Guilty ? dispute.respondent : dispute.challenger);
        court.appeal(id);
        ++done["appeal"];
    }

    /// @notice Moves one dispute on and holds every wallet's stake against what that dispute may take.
    function advance(uint256 pick) external {
        uint256 count = court.disputeCount();
        if (count == 0) return;
        uint256 id = 1 + (pick % count);
        ICourt.Dispute memory dispute = court.disputeOf(id);
        uint256 jurorBond = courtParameters.parametersAt(dispute.version).jurorBond;
        for (uint256 i = 0; i < wallets.length; ++i) _before[wallets[i]] = totalOf(wallets[i]);
        try court.advance(id) {} catch {
            return;
        }
        bool convicted =
            court.disputeOf(id).state == ICourt.State.Closed && court.disputeOf(id).outcome == ICourt.Outcome.Guilty;
        for (uint256 i = 0; i < wallets.length; ++i) {
            address wallet = wallets[i];
            uint256 taken = _before[wallet] - totalOf(wallet);
            uint256 most = convicted && wallet == dispute.respondent ? dispute.penalty : 0;
            if (dispute.state == ICourt.State.Vote && silent(id, dispute.round, wallet)) most += jurorBond;
            assertLe(taken, most, "stake taken from who did nothing");
        }
        ++done["advance"];
        if (convicted) ++done["convict"];
    }

    function leave(uint256 who) external {
        address wallet = wallets[who % 21];
        uint256 amount = staking.stakeOf(wallet);
        if (amount == 0 || done["leave"] == 6) return;
        vm.startPrank(wallet);
        staking.setRoles(0);
        staking.startUnbonding(amount);
        vm.stopPrank();
        ++done["leave"];
    }

    function withdraw(uint256 who) external {
        address wallet = wallets[who % wallets.length];
        if (court.owedTo(wallet) == 0) return;
        vm.prank(wallet);
        court.withdraw();
        ++done["withdraw"];
    }

    function changeParameters(uint256 seed) external {
        ICourtParameters.Parameters memory terms = parameters();
        terms.bond = uint96(bound(seed, 1, 1_000) * CREDIT);
        terms.jurySize = seed % 2 == 0 ? 5 : 7;
        terms.jurorFee = terms.bond / (2 * terms.jurySize);
        terms.bountyBps = uint16(seed % 5_001);
        terms.jurorBond = uint96(bound(seed, 1, 10_000) * CREDIT);
        courtParameters.setParameters(terms);
    }

    function wait(uint256 duration) external {
        skipTime(bound(duration, 1 hours, 30 hours));
    }

    /// @notice Lets time pass and moves everything on, as anybody can.
    function endEverything() external {
        if (msg.sender != owner) return;
        for (uint256 i = 0; i < 5; ++i) {
            skipTime(2 days);
            for (uint256 id = 1; id <= court.disputeCount(); ++id) {
                if (court.disputeOf(id).state != ICourt.State.Closed) court.advance(id);
            }
        }
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            assertEq(uint256(court.disputeOf(id).state), uint256(ICourt.State.Closed), "still open");
        }
        for (uint256 i = 0; i < wallets.length; ++i) assertEq(staking.lockedOf(wallets[i]), 0, "still locked");
        checkMoney();
    }

    /// @notice The court has what it owes and the bonds of what is open.
    function checkMoney() public view {
        uint256 expected;
        for (uint256 i = 0; i < wallets.length; ++i) expected += court.owedTo(wallets[i]);
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            ICourt.Dispute memory dispute = court.disputeOf(id);
            if (dispute.state != ICourt.State.Closed) expected += uint256(dispute.bond) + dispute.appealBond;
        }
        assertEq(token.balanceOf(address(court)), expected, "money of the court");
    }

    /// @notice What is locked is what open disputes want, as far as it is there.
    function checkLocks() public view {
        for (uint256 i = 0; i < wallets.length; ++i) {
            address wallet = wallets[i];
            uint256 wanted;
            for (uint256 id = 1; id <= court.disputeCount(); ++id) {
                ICourt.Dispute memory dispute = court.disputeOf(id);
                if (dispute.state == ICourt.State.Closed) continue;
                if (dispute.respondent == wallet) wanted += dispute.locked;
                if (dispute.state != ICourt.State.Draw && dispute.state != ICourt.State.Vote) continue;
                if (!seated(id, dispute.round, wallet)) continue;
                wanted += courtParameters.parametersAt(dispute.version).jurorBond;
            }
            uint256 there = totalOf(wallet);
            assertEq(staking.lockedOf(wallet), wanted < there ? wanted : there, "locked");
        }
    }

    /// @notice No juror is a party or sits twice, over both rounds.
    function checkJuries() public view {
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            ICourt.Dispute memory dispute = court.disputeOf(id);
            for (uint256 i = 0; i < wallets.length; ++i) {
                address wallet = wallets[i];
                uint256 seats = seatsOf(id, 0, wallet) + seatsOf(id, 1, wallet);
                bool party = wallet == dispute.respondent || wallet == dispute.challenger || wallet == dispute.payer;
                assertLe(seats, party ? 0 : 1, "seats");
            }
        }
    }

    function add(address wallet, uint256 credits, uint8 roles) private {
        join(wallet, credits * CREDIT, roles);
        wallets.push(wallet);
    }

    /// @notice A dispute in this state, the first from a place on; 0 when there is none.
    function open(uint256 pick, ICourt.State state) private view returns (uint256) {
        uint256 count = court.disputeCount();
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (((pick % count) + i) % count);
            if (court.disputeOf(id).state == state) return id;
        }
        return 0;
    }

    function seatsOf(uint256 id, uint256 round, address wallet) private view returns (uint256 count) {
        IJury.Seat[] memory seats = jury.seatsOf(id, round);
        for (uint256 i = 0; i < seats.length; ++i) if (seats[i].juror == wallet) ++count;
    }

    function seated(uint256 id, uint256 round, address wallet) private view returns (bool) {
        return seatsOf(id, round, wallet) != 0;
    }

    function silent(uint256 id, uint256 round, address wallet) private view returns (bool) {
        IJury.Seat[] memory seats = jury.seatsOf(id, round);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].juror == wallet) return seats[i].vote == IJury.Vote.None;
        }
        return false;
    }
}

contract CourtInvariantTest is CourtWorld {
    CourtHandler private handler;

    function setUp() public {
        handler = new CourtHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice In every state that calls can reach: the court has its money, locks are what they should be, juries are
    /// of strangers, and anybody can bring everything to an end.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_moneyLocksJuriesAndAnEnd() public {
        handler.checkMoney();
        handler.checkLocks();
        handler.checkJuries();
        uint256 state = vm.snapshotState();
        handler.endEverything();
        vm.revertToState(state);
    }
}
