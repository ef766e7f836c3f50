// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IJury} from "../interfaces/IJury.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Roles} from "../libraries/Roles.sol";

/// @title Jury
/// @author Shoal
/// @notice See {IJury}.
/// @dev Calls nothing but views of Staking.
contract Jury is IJury {
    using SafeCast for uint256;

    /// @notice Most draws in one call.
    uint256 public constant MAX_TRIES = 256;

    /// @notice How often a later block takes the place of one whose hash was missed.
    uint256 public constant MAX_REARMS = 3;

    /// @inheritdoc IJury
    address public immutable override court;

    /// @inheritdoc IJury
    address public immutable override staking;

    mapping(uint256 disputeId => Panel[2] panels) private _panels;
    mapping(uint256 disputeId => Seat[][2] seats) private _seats;
    /// @dev The round that was summoned last.
    mapping(uint256 disputeId => uint256 round) private _roundOf;
    /// @dev Twice the seat's number, from 1, plus the round.
    mapping(uint256 disputeId => mapping(address juror => uint256 numberAndRound)) private _seatOf;

    /// @notice Fixes the caller as the court.
    /// @param staking_ The Staking contract.
    constructor(address staking_) {
        court = msg.sender;
        staking = staking_;
    }

    /// @inheritdoc IJury
    function summon(uint256 disputeId, uint256 round, uint256 size, uint256 drawDelay) external override {
        _requireCourt();
        Panel storage panel = _panels[disputeId][round];
        panel.size = size.toUint8();
        _roundOf[disputeId] = round;
        _arm(disputeId, round, panel, drawDelay);
    }

    /// @inheritdoc IJury
    function draw(
        Draw calldata request,
        uint256 maxTries
    ) external override returns (Progress progress, address[] memory jurors) {
        _requireCourt();
        if (maxTries == 0 || maxTries > MAX_TRIES) revert InvalidTries(maxTries);
        uint256 round = _roundOf[request.disputeId];
        Panel storage panel = _panels[request.disputeId][round];
        if (panel.seed == bytes32(0)) {
            progress = _readSeed(request, round, panel);
            if (panel.seed == bytes32(0)) return (progress, jurors);
        }
        jurors = _fill(request, round, panel, maxTries);
        if (_seats[request.disputeId][round].length == panel.size) {
            progress = Progress.Seated;
            uint256 commitUntil = block.timestamp + request.commitPeriod;
            uint256 revealUntil = commitUntil + request.revealPeriod;
            panel.commitUntil = commitUntil.toUint48();
            panel.revealUntil = revealUntil.toUint48();
            emit JurySeated(request.disputeId, round, commitUntil, revealUntil);
        }
    }

    /// @inheritdoc IJury
    function commit(uint256 disputeId, bytes32 commitment) external override {
        (uint256 round, Seat storage seat, Panel storage panel) = _seatOfCaller(disputeId);
        _requireBefore(panel.commitUntil);
        if (commitment == bytes32(0)) revert ZeroCommitment();
        if (seat.commitment == bytes32(0)) ++panel.commitments;
        seat.commitment = commitment;
        emit VoteCommitted(disputeId, round, msg.sender, commitment);
    }

    /// @inheritdoc IJury
    function reveal(uint256 disputeId, Vote vote, bytes32 salt) external override {
        (uint256 round, Seat storage seat, Panel storage panel) = _seatOfCaller(disputeId);
        uint256 commitUntil = panel.commitUntil;
        if (block.timestamp < commitUntil) revert RevealTooEarly(commitUntil);
        _requireBefore(panel.revealUntil);
        bool matches = seat.commitment == _commitmentOf(disputeId, round, vote, salt);
        if (!matches || vote == Vote.None || seat.vote != Vote.None) revert WrongReveal();
        seat.vote = vote;
        if (vote == Vote.Guilty) ++panel.guilty;
        else if (vote == Vote.Innocent) ++panel.innocent;
        else ++panel.abstained;
        emit VoteRevealed(disputeId, round, msg.sender, vote);
    }

    /// @inheritdoc IJury
    function panelOf(uint256 disputeId, uint256 round) external view override returns (Panel memory panel) {
        return _panels[disputeId][round];
    }

    /// @inheritdoc IJury
    function seatsOf(uint256 disputeId, uint256 round) external view override returns (Seat[] memory seats) {
        return _seats[disputeId][round];
    }

    /// @inheritdoc IJury
    function countableFrom(uint256 disputeId, uint256 round) external view override returns (uint256 timestamp) {
        Panel storage panel = _panels[disputeId][round];
        uint256 revealed = uint256(panel.guilty) + panel.innocent + panel.abstained;
        return revealed == panel.commitments ? panel.commitUntil : panel.revealUntil;
    }

    /// @inheritdoc IJury
    function findingOf(uint256 disputeId, uint256 round) external view override returns (Vote finding) {
        Panel storage panel = _panels[disputeId][round];
        uint256 missingUp = Math.ceilDiv(2 * uint256(panel.size), 3) - 1;
        if (panel.guilty > missingUp) return Vote.Guilty;
        if (panel.innocent > missingUp) return Vote.Innocent;
        return Vote.None;
    }

    /// @inheritdoc IJury
    function commitmentOf(
        uint256 disputeId,
        uint256 round,
        address juror,
        Vote vote,
        bytes32 salt
    ) external pure override returns (bytes32 commitment) {
        return keccak256(abi.encode(disputeId, round, juror, vote, salt));
    }

    /// @notice Reads the hash that draws, or arms a later block when it is gone.
    /// @param request The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param panel The round's jury.
    /// @return progress `Drawing`, or `Failed` when the hash was missed once too often.
    function _readSeed(Draw calldata request, uint256 round, Panel storage panel) private returns (Progress progress) {
        uint256 drawBlock = panel.drawBlock;
        if (block.number < drawBlock + 1) revert DrawNotReady(drawBlock);
        bytes32 hash = _hashOf(drawBlock);
        if (hash != bytes32(0)) {
            panel.seed = keccak256(abi.encode(hash, request.disputeId, round));
            return Progress.Drawing;
        }
        if (panel.rearms == MAX_REARMS) return Progress.Failed;
        ++panel.rearms;
        _arm(request.disputeId, round, panel, request.drawDelay);
        return Progress.Drawing;
    }

    /// @notice Draws until the jury is complete or the tries are used up.
    /// @param request The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param panel The round's jury, with a seed.
    /// @param maxTries Draws to make at most.
    /// @return jurors Who was drawn.
    function _fill(
        Draw calldata request,
        uint256 round,
        Panel storage panel,
        uint256 maxTries
    ) private returns (address[] memory jurors) {
        Seat[] storage seats = _seats[request.disputeId][round];
        uint256 filled = seats.length;
        uint256 size = panel.size;
        jurors = new address[](size - filled);
        uint256 drawn = 0;
        uint256 next = panel.tries;
        for (uint256 end = next + maxTries; next < end && filled < size; ++next) {
            address juror = _pick(request, keccak256(abi.encode(panel.seed, next)));
            if (juror == address(0)) continue;
            jurors[drawn] = juror;
            ++drawn;
            ++filled;
            _seatOf[request.disputeId][juror] = 2 * filled + round;
            seats.push(Seat({juror: juror, vote: Vote.None, commitment: bytes32(0)}));
            emit JurorDrawn(request.disputeId, round, juror);
        }
        panel.tries = next.toUint64();
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            // Shortens the list to those drawn.
            mstore(jurors, drawn)
        }
    }

    /// @notice Sets the block whose hash draws.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param panel The round's jury.
    /// @param drawDelay Blocks from now.
    function _arm(uint256 disputeId, uint256 round, Panel storage panel, uint256 drawDelay) private {
        uint256 drawBlock = block.number + drawDelay;
        panel.drawBlock = drawBlock.toUint64();
        emit DrawArmed(disputeId, round, drawBlock);
    }

    /// @notice One try.
    /// @param request The dispute.
    /// @param random 256 random bits.
    /// @return juror Who is drawn; zero for nobody.
    function _pick(Draw calldata request, bytes32 random) private view returns (address juror) {
        IStaking staking_ = IStaking(staking);
        address candidate = staking_.validatorAt(uint256(random) % request.validators);
        uint256 votes = staking_.getPastVotes(candidate, request.votesAt);
        // A second hash, so that who is picked says nothing about the chance. Remainders bias by less than 2^-128.
        bool accepted = uint256(keccak256(abi.encode(random))) % request.weightCap < votes;
        if (!accepted || _seatOf[request.disputeId][candidate] != 0) return address(0);
        for (uint256 i = 0; i < 3; ++i) {
            if (candidate == request.parties[i]) return address(0);
        }
        if (!staking_.isActive(candidate, Roles.VALIDATOR)) return address(0);
        (uint256 unbonding, ) = staking_.unbondingOf(candidate);
        uint256 free = staking_.stakeOf(candidate) + unbonding - staking_.lockedOf(candidate);
        return free < request.jurorBond ? address(0) : candidate;
    }

    /// @notice Hash of a block among the latest 256, or 8,191 where the chain keeps as many (EIP-2935).
    /// @dev OpenZeppelin's `Blockhash` takes for a hash what a call that reverts leaves; on a chain whose contract at
    /// this address reverts with a message that would be the same seed for every jury.
    /// @param number The block's number.
    /// @return hash Zero when it is not kept any more.
    function _hashOf(uint256 number) private view returns (bytes32 hash) {
        hash = blockhash(number);
        if (hash != bytes32(0)) return hash;
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory answer) = Blockhash.HISTORY_STORAGE_ADDRESS.staticcall(abi.encode(number));
        return success && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }

    /// @notice The caller's seat in the present round.
    /// @param disputeId The dispute.
    /// @return round 0, or 1 for an appeal.
    /// @return seat The seat.
    /// @return panel The round's jury, complete.
    function _seatOfCaller(
        uint256 disputeId
    ) private view returns (uint256 round, Seat storage seat, Panel storage panel) {
        uint256 numberAndRound = _seatOf[disputeId][msg.sender];
        round = _roundOf[disputeId];
        if (numberAndRound == 0 || numberAndRound % 2 != round) revert NotJuror();
        seat = _seats[disputeId][round][numberAndRound / 2 - 1];
        panel = _panels[disputeId][round];
        if (panel.commitUntil == 0) revert NotSeated();
    }

    /// @notice What the caller had to commit to.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param vote How it votes.
    /// @param salt What it chose.
    /// @return commitment As in `commitmentOf`.
    function _commitmentOf(
        uint256 disputeId,
        uint256 round,
        Vote vote,
        bytes32 salt
    ) private view returns (bytes32 commitment) {
        return keccak256(abi.encode(disputeId, round, msg.sender, vote, salt));
    }

    /// @notice Reverts unless the court calls.
    function _requireCourt() private view {
        if (msg.sender != court) revert OnlyCourt();
    }

    /// @notice Reverts from a deadline on.
    /// @param deadline Seconds since the Unix epoch.
    function _requireBefore(uint256 deadline) private view {
        if (block.timestamp > deadline - 1) revert VoteTooLate(deadline);
    }
}
