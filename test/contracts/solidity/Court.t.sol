// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {ICourtParameters} from "../../../contracts/interfaces/ICourtParameters.sol";
import {IJury} from "../../../contracts/interfaces/IJury.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {CourtWorld} from "./support/CourtWorld.sol";

/// @notice What EIP-2935's contract answers, from a table.
contract BlockHashHistory {
    mapping(uint256 number => bytes32 hash) public hashes;

    function set(uint256 number, bytes32 hash) external {
        hashes[number] = hash;
    }

    fallback(bytes calldata question) external returns (bytes memory) {
        bytes32 hash = hashes[abi.decode(question, (uint256))];
        require(hash != bytes32(0), "not kept");
        return abi.encode(hash);
    }
}

contract CourtTest is CourtWorld {
    address private constant PROVIDER = address(0xB0);
    address private constant REQUESTER = address(0xA1);
    address private constant CHALLENGER = address(0xCA);
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function setUp() public {
        build();
        join(PROVIDER, 100_000 * CREDIT, Roles.PROVIDER_COMPUTE);
        join(CHALLENGER, 0, 0);
    }

    function validator(uint256 index) private pure returns (address) {
        return address(uint160(0x1000 + index));
    }

    function joinValidators(uint256 count, uint256 stake) private {
        for (uint256 i = 0; i < count; ++i) join(validator(i), stake, Roles.VALIDATOR);
        skipTime(1 days);
    }

    /// @notice How often each of five validators gets the first seat, against its share of the capped stake. By
    /// Hoeffding's inequality a count of n draws misses its expectation by more than n * t with a probability below
    /// 2 * exp(-2 * n * t^2); for n = 2,000 and t = 0.0767 and all five below 1e-9 together.
    function test_seatsFallInProportionToCappedStake() public {
        uint256[5] memory stakes = [uint256(10_000), 20_000, 40_000, 80_000, 500_000];
        for (uint256 i = 0; i < 5; ++i) join(validator(i), stakes[i] * CREDIT, Roles.VALIDATOR);
        skipTime(1 days);
        uint256 id = accuse(CHALLENGER, REQUESTER, PROVIDER);
        uint256 n = 2_000;
        uint256[5] memory counts;
        uint256 drawBlock = jury.panelOf(id, 0).drawBlock;
        vm.roll(drawBlock + 1);
        uint256 state = vm.snapshotState();
        for (uint256 i = 0; i < n; ++i) {
            vm.setBlockhash(drawBlock, keccak256(abi.encode("draw", i)));
            do court.draw(id, 4); while (jury.seatsOf(id, 0).length == 0);
            ++counts[uint160(jury.seatsOf(id, 0)[0].juror) - 0x1000];
            vm.revertToState(state);
            state = vm.snapshotState();
        }
        uint256 all = 230_000;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 expected = (n * Math.min(stakes[i], 80_000)) / all;
            uint256 miss = counts[i] > expected ? counts[i] - expected : expected - counts[i];
            assertLt(miss, (n * 767) / 10_000, "share of the first seats");
        }
    }

    /// @notice Whoever are the parties, none of them is a juror, nobody is one twice, and all stood in the list.
    function testFuzz_juriesAreOfDifferentStrangers(bytes32 hash, uint256 pick, uint256 late) public {
        joinValidators(12, 40_000 * CREDIT);
        address challenger = validator(pick % 12);
        address payer = validator((pick / 12) % 12);
        address provider = validator((pick / 144) % 12);
        vm.assume(challenger != provider);
        uint256 id = accuse(challenger, payer, provider);
        join(validator(12), bound(late, 10_000 * CREDIT, 1e27), Roles.VALIDATOR);
        seat(id, hash | bytes32(uint256(1)));
        IJury.Seat[] memory seats = jury.seatsOf(id, 0);
        assertEq(seats.length, 5);
        for (uint256 i = 0; i < 5; ++i) {
            address juror = seats[i].juror;
            assertTrue(juror != challenger && juror != payer && juror != provider, "a party");
            assertTrue(juror != validator(12), "joined too late");
            for (uint256 j = 0; j < i; ++j) assertNotEq(juror, seats[j].juror);
            assertEq(staking.lockedOf(juror), 1_000 * CREDIT + (juror == provider ? 4_000 * CREDIT : 0));
        }
    }

    /// @notice The first round's outcome is what two thirds of all seats say, and only that; every unit of money is
    /// somebody's or burned; only who was convicted or silent loses stake.
    function testFuzz_firstRound(uint256 ballots, bool seven, uint96 fee, uint16 bountyBps) public {
        joinValidators(9, 40_000 * CREDIT);
        ICourtParameters.Parameters memory terms = parameters();
        terms.jurySize = seven ? 7 : 5;
        terms.bountyBps = uint16(bound(bountyBps, 0, 5_000));
        terms.jurorFee = uint96(bound(fee, 0, terms.bond / (2 * terms.jurySize)));
        courtParameters.setParameters(terms);
        uint256 id = accuse(CHALLENGER, REQUESTER, PROVIDER);
        seat(id, keccak256(abi.encode(ballots)));
        IJury.Vote[] memory votes = new IJury.Vote[](terms.jurySize);
        uint256[4] memory counts;
        for (uint256 i = 0; i < votes.length; ++i) {
            votes[i] = IJury.Vote((ballots >> (8 * i)) % 4);
            ++counts[uint256(votes[i])];
        }
        commitAll(id, votes);
        skipTime(terms.commitPeriod);
        revealAll(id, votes);
        uint256 supply = token.totalSupply();
        court.advance(id);
        uint256 needed = seven ? 5 : 4;
        ICourt.Outcome expected =
            counts[1] >= needed
                ? ICourt.Outcome.Guilty
                : counts[2] >= needed
                    ? ICourt.Outcome.Innocent
                    : ICourt.Outcome.NoVerdict;
        assertEq(uint256(court.disputeOf(id).outcome), uint256(expected), "outcome");
        if (expected != ICourt.Outcome.NoVerdict) {
            skipTime(terms.appealWindow);
            court.advance(id);
        }
        uint256 lost = expected == ICourt.Outcome.Guilty ? 10_000 * CREDIT : 0;
        assertEq(100_000 * CREDIT - totalOf(PROVIDER), lost, "respondent");
        IJury.Seat[] memory seats = jury.seatsOf(id, 0);
        uint256 owed = court.owedTo(PROVIDER) + court.owedTo(CHALLENGER);
        for (uint256 i = 0; i < seats.length; ++i) {
            bool silent = votes[i] == IJury.Vote.None;
            assertEq(40_000 * CREDIT - totalOf(seats[i].juror), silent ? terms.jurorBond : 0, "juror");
            assertEq(staking.lockedOf(seats[i].juror), 0);
            owed += court.owedTo(seats[i].juror);
        }
        assertEq(staking.lockedOf(PROVIDER), 0);
        assertEq(token.balanceOf(address(court)), owed, "all money is owed");
        uint256 burned = supply - token.totalSupply();
        assertEq(owed + burned, terms.bond + lost + counts[0] * terms.jurorBond, "money in is money out");
        if (expected == ICourt.Outcome.Guilty) {
            assertLe(owed - terms.bond, lost / 2, "at most half of a penalty comes back");
            assertGe(court.owedTo(CHALLENGER), terms.bond);
        }
    }

    /// @notice A commitment is worth nothing to another juror, in another dispute, or with another vote or salt.
    function testFuzz_commitmentsBind(uint256 other, uint8 vote, bytes32 salt) public {
        joinValidators(6, 40_000 * CREDIT);
        uint256 id = accuse(CHALLENGER, REQUESTER, PROVIDER);
        seat(id, SALT);
        IJury.Seat[] memory seats = jury.seatsOf(id, 0);
        IJury.Vote cast = IJury.Vote(bound(vote, 1, 3));
        vm.assume(other != id);
        bytes32[3] memory commitments = [
            jury.commitmentOf(other, 0, seats[0].juror, cast, salt),
            jury.commitmentOf(id, 0, seats[0].juror, cast, salt),
            jury.commitmentOf(id, 0, seats[2].juror, cast, salt)
        ];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(seats[i].juror);
            jury.commit(id, commitments[i]);
        }
        skipTime(1 days);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(seats[i].juror);
            vm.expectRevert(IJury.WrongReveal.selector);
            jury.reveal(id, cast, salt);
        }
        vm.prank(seats[2].juror);
        vm.expectRevert(IJury.WrongReveal.selector);
        jury.reveal(id, cast == IJury.Vote.Guilty ? IJury.Vote.Innocent : IJury.Vote.Guilty, salt);
        vm.prank(seats[2].juror);
        vm.expectRevert(IJury.WrongReveal.selector);
        jury.reveal(id, cast, ~salt);
        vm.prank(seats[2].juror);
        jury.reveal(id, cast, salt);
    }

    function test_readsOldHashesWhereTheChainKeepsThem() public {
        joinValidators(6, 40_000 * CREDIT);
        uint256 id = accuse(CHALLENGER, REQUESTER, PROVIDER);
        uint256 drawBlock = jury.panelOf(id, 0).drawBlock;
        vm.etch(HISTORY, address(new BlockHashHistory()).code);
        vm.roll(drawBlock + 5_000);
        uint256 state = vm.snapshotState();
        court.draw(id, 1);
        assertEq(jury.panelOf(id, 0).rearms, 1, "a call that reverts is no hash");
        assertEq(jury.panelOf(id, 0).seed, bytes32(0));
        vm.revertToState(state);
        BlockHashHistory(HISTORY).set(drawBlock, SALT);
        court.draw(id, 1);
        assertEq(jury.panelOf(id, 0).seed, keccak256(abi.encode(SALT, id, uint256(0))));
    }

    function test_takesNoOtherAnswerForAHash() public {
        joinValidators(6, 40_000 * CREDIT);
        uint256 id = accuse(CHALLENGER, REQUESTER, PROVIDER);
        vm.roll(jury.panelOf(id, 0).drawBlock + 5_000);
        // Returns 64 bytes of ones.
        vm.etch(HISTORY, hex"5f195f525f1960205260405ff3");
        court.draw(id, 1);
        assertEq(jury.panelOf(id, 0).rearms, 1);
    }
}
