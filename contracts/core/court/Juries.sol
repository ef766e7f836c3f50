// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ICourt} from "../../interfaces/ICourt.sol";
import {IStaking} from "../../interfaces/IStaking.sol";
import {Roles} from "../../libraries/Roles.sol";
import {Purse} from "./Purse.sol";

/// @title Juries
/// @author Shoal
/// @notice Draws juries, takes their votes, counts and pays them. Knows no states: {Court} says when.
abstract contract Juries is Purse {
    using SafeCast for uint256;

    /// @notice Most draws in one call.
    uint256 public constant MAX_TRIES = 256;

    /// @notice How often a later block takes the place of one whose hash was missed.
    uint256 public constant MAX_REARMS = 3;

    /// @notice What a draw has to know of its dispute.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param votesAt Second at which votes count.
    /// @param validators How many of the list of validators take part.
    /// @param weightCap Votes beyond this give no more chances.
    /// @param jurorBond Base units a juror locks.
    struct Draw {
        uint256 disputeId;
        uint256 round;
        uint256 votesAt;
        uint256 validators;
        uint256 weightCap;
        uint256 jurorBond;
    }

    mapping(uint256 disputeId => Jury[2] juries) private _juries;
    mapping(uint256 disputeId => mapping(address juror => uint256 numberAndRound)) private _seatOf;

    /// @inheritdoc ICourt
    function juryOf(uint256 disputeId, uint256 round) external view override returns (Jury memory jury) {
        return _juries[disputeId][round];
    }

    /// @inheritdoc ICourt
    function commitmentOf(
        uint256 disputeId,
        uint256 round,
        address juror,
        Vote vote,
        bytes32 salt
    ) public pure override returns (bytes32 commitment) {
        return keccak256(abi.encode(disputeId, round, juror, vote, salt));
    }

    /// @notice Prepares the draw of a jury from the hash of a block to come.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param size Seats.
    /// @param drawDelay Blocks from now.
    function _arm(uint256 disputeId, uint256 round, uint256 size, uint256 drawDelay) internal {
        Jury storage jury = _juries[disputeId][round];
        jury.size = size.toUint8();
        _armBlock(disputeId, round, jury, drawDelay);
    }

    /// @notice Reads the randomness of a draw, once it is there.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param drawDelay Blocks from now to the one that takes the place of one that was missed.
    /// @return ready Whether jurors can be drawn.
    /// @return failed Whether the hash was missed once too often.
    function _readSeed(uint256 disputeId, uint256 round, uint256 drawDelay) internal returns (bool ready, bool failed) {
        Jury storage jury = _juries[disputeId][round];
        if (jury.seed != bytes32(0)) return (true, false);
        uint256 drawBlock = jury.drawBlock;
        if (block.number <= drawBlock) revert DrawNotReady(drawBlock);
        bytes32 hash = Blockhash.blockHash(drawBlock);
        if (hash != bytes32(0)) {
            jury.seed = keccak256(abi.encode(hash, disputeId, round));
            return (true, false);
        }
        uint256 rearms = jury.rearms;
        if (rearms == MAX_REARMS) return (false, true);
        jury.rearms = (rearms + 1).toUint8();
        _armBlock(disputeId, round, jury, drawDelay);
    }

    /// @notice Draws until the jury is complete or the tries are used up. A try picks a place in the list of
    /// validators, all with the same chance, and takes who is there with a chance of its votes over the cap
    /// (rejection sampling): seats fall in proportion to capped votes.
    /// @dev The sequence is fixed by the seed. A validator that makes itself ineligible once it knows the seed gives its
    /// seat to the next in the sequence: nobody gets more seats for its own wallets like this.
    /// @param context The dispute.
    /// @param maxTries Draws to make at most.
    /// @return seated Whether the jury is complete.
    function _fill(Draw memory context, uint256 maxTries) internal returns (bool seated) {
        Jury storage jury = _juries[context.disputeId][context.round];
        bytes32 seed = jury.seed;
        uint256 size = jury.size;
        uint256 from = jury.tries;
        uint256 to = from + maxTries;
        uint256 count = jury.seats.length;
        uint256 i = from;
        for (; i < to && count < size; ++i) {
            address juror = _pick(context, keccak256(abi.encode(seed, i)));
            // Less is locked than is there only when this court is out of office; nobody can serve then.
            if (juror == address(0) || _lock(juror, context.jurorBond) < context.jurorBond) continue;
            ++count;
            _seatOf[context.disputeId][juror] = 2 * count + context.round;
            jury.seats.push(Seat({juror: juror, vote: Vote.None, commitment: bytes32(0)}));
            emit JurorDrawn(context.disputeId, context.round, juror);
        }
        jury.tries = i.toUint64();
        return count == size;
    }

    /// @notice Records what the caller committed to.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param commitment Not zero.
    function _recordCommitment(uint256 disputeId, uint256 round, bytes32 commitment) internal {
        if (commitment == bytes32(0)) revert ZeroCommitment();
        Seat storage seat = _seatOfCaller(disputeId, round);
        if (seat.commitment == bytes32(0)) ++_juries[disputeId][round].commitments;
        seat.commitment = commitment;
        emit VoteCommitted(disputeId, round, msg.sender, commitment);
    }

    /// @notice Records the caller's vote.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param vote What it committed to.
    /// @param salt What it committed to.
    function _recordVote(uint256 disputeId, uint256 round, Vote vote, bytes32 salt) internal {
        Seat storage seat = _seatOfCaller(disputeId, round);
        bool matches = seat.commitment == commitmentOf(disputeId, round, msg.sender, vote, salt);
        if (!matches || vote == Vote.None || seat.vote != Vote.None) revert WrongReveal();
        seat.vote = vote;
        Jury storage jury = _juries[disputeId][round];
        if (vote == Vote.Guilty) ++jury.guilty;
        else if (vote == Vote.Innocent) ++jury.innocent;
        else ++jury.abstained;
        emit VoteRevealed(disputeId, round, msg.sender, vote);
    }

    /// @notice Counts the votes, burns the bonds of who did not reveal and lets the others go.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param jurorBond What each has locked.
    /// @return outcome `Guilty` or `Innocent` with two thirds of the seats, else `NoVerdict`.
    function _count(uint256 disputeId, uint256 round, uint256 jurorBond) internal returns (Outcome outcome) {
        Jury storage jury = _juries[disputeId][round];
        uint256 neededUp = Math.ceilDiv(2 * uint256(jury.size), 3);
        if (jury.guilty >= neededUp) outcome = Outcome.Guilty;
        else if (jury.innocent >= neededUp) outcome = Outcome.Innocent;
        else outcome = Outcome.NoVerdict;
        emit JuryDecided(disputeId, round, outcome);
        uint256 count = jury.seats.length;
        for (uint256 i = 0; i < count; ++i) {
            Seat storage seat = jury.seats[i];
            address juror = seat.juror;
            if (seat.vote == Vote.None) {
                (uint256 burned, ) = _slash(juror, jurorBond, 0);
                emit JurorPunished(disputeId, round, juror, burned);
            }
            _unlock(juror, jurorBond);
        }
    }

    /// @notice Lets go of the jurors of a jury that was never complete.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param jurorBond What each has locked.
    function _dismiss(uint256 disputeId, uint256 round, uint256 jurorBond) internal {
        Seat[] storage seats = _juries[disputeId][round].seats;
        uint256 count = seats.length;
        emit JuryFailed(disputeId, round);
        for (uint256 i = 0; i < count; ++i) _unlock(seats[i].juror, jurorBond);
    }

    /// @notice Credits the jurors of all rounds who voted as was decided.
    /// @param disputeId The dispute.
    /// @param vote What was decided.
    /// @param fee Base units for each at most.
    /// @param pool Base units there are; less each when it is not enough.
    /// @return paid Base units credited.
    function _payMajority(uint256 disputeId, Vote vote, uint256 fee, uint256 pool) internal returns (uint256 paid) {
        Jury[2] storage juries = _juries[disputeId];
        uint256 count =
            vote == Vote.Guilty
                ? uint256(juries[0].guilty) + juries[1].guilty
                : uint256(juries[0].innocent) + juries[1].innocent;
        uint256 eachDown = Math.min(fee, pool / count);
        paid = _paySeats(juries[0].seats, vote, eachDown) + _paySeats(juries[1].seats, vote, eachDown);
    }

    /// @notice Credits the jurors of a round who revealed.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param each Base units for each.
    /// @return paid Base units credited.
    function _payRevealed(uint256 disputeId, uint256 round, uint256 each) internal returns (uint256 paid) {
        return _paySeats(_juries[disputeId][round].seats, Vote.None, each);
    }

    /// @notice Whether nobody can reveal any more who has not: all who committed have.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return done Whether the vote can be counted before its time.
    function _allRevealed(uint256 disputeId, uint256 round) internal view returns (bool done) {
        Jury storage jury = _juries[disputeId][round];
        return uint256(jury.guilty) + jury.innocent + jury.abstained == jury.commitments;
    }

    /// @notice Whether a wallet must not be a juror in a dispute.
    /// @param disputeId The dispute.
    /// @param wallet The wallet.
    /// @return party Whether it is a party.
    function _isParty(uint256 disputeId, address wallet) internal view virtual returns (bool party);

    /// @notice Sets the block whose hash draws.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param jury The round's jury.
    /// @param drawDelay Blocks from now.
    function _armBlock(uint256 disputeId, uint256 round, Jury storage jury, uint256 drawDelay) private {
        uint256 drawBlock = block.number + drawDelay;
        jury.drawBlock = drawBlock.toUint64();
        emit DrawArmed(disputeId, round, drawBlock);
    }

    /// @notice Credits seats.
    /// @param seats Of a jury.
    /// @param vote Who voted like this; with `None`, who voted at all.
    /// @param each Base units for each.
    /// @return paid Base units credited.
    function _paySeats(Seat[] storage seats, Vote vote, uint256 each) private returns (uint256 paid) {
        uint256 count = seats.length;
        for (uint256 i = 0; i < count; ++i) {
            Vote cast = seats[i].vote;
            if (cast == Vote.None || (vote != Vote.None && cast != vote)) continue;
            _credit(seats[i].juror, each);
            paid += each;
        }
    }

    /// @notice One try.
    /// @param context The dispute.
    /// @param random 256 random bits.
    /// @return juror Who is drawn; zero for nobody.
    function _pick(Draw memory context, bytes32 random) private view returns (address juror) {
        IStaking staking_ = IStaking(staking);
        address candidate = staking_.validatorAt(uint256(random) % context.validators);
        uint256 weight = staking_.getPastVotes(candidate, context.votesAt);
        // The bias of the remainder is below 2^-96.
        if (uint256(keccak256(abi.encode(random))) % context.weightCap >= weight) return address(0);
        if (_seatOf[context.disputeId][candidate] != 0 || _isParty(context.disputeId, candidate)) return address(0);
        if (!staking_.isActive(candidate, Roles.VALIDATOR)) return address(0);
        uint256 free = _stakeOf(candidate) - staking_.lockedOf(candidate);
        return free < context.jurorBond ? address(0) : candidate;
    }

    /// @notice The caller's seat.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return seat The seat.
    function _seatOfCaller(uint256 disputeId, uint256 round) private view returns (Seat storage seat) {
        uint256 numberAndRound = _seatOf[disputeId][msg.sender];
        if (numberAndRound == 0 || numberAndRound % 2 != round) revert NotJuror();
        return _juries[disputeId][round].seats[numberAndRound / 2 - 1];
    }
}
