// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IJury
/// @author Shoal
/// @notice Draws juries for the court, takes the jurors' votes and counts them. It holds no money and can not touch
/// stake: its court locks the jurors' bonds, pays and punishes them.
///
/// Only the court that made this contract has juries drawn; jurors commit and reveal here.
///
/// **The draw.** A jury's seed is the hash of a block after the dispute was opened. From the seed follows a sequence of
/// tries; each picks a place in the list of validators, all with the same chance, and takes who is there with a chance
/// of its capped votes over the cap (rejection sampling), so that seats fall in proportion to capped votes. Votes are
/// those of one second before the dispute was opened and the list is as long as it was then, so nobody who knows the
/// seed can add to either. Skipped are parties, wallets that had a seat in the dispute, wallets that are no active
/// validator any more, and those whose stake is locked for other disputes. Whoever makes itself ineligible once it
/// knows the seed gives its seat to the next in the sequence; nobody gets more seats for its own wallets like this.
///
/// **The vote.** A commitment names dispute, round and juror, so that it is worth nothing to anybody who copies it. It
/// can be replaced until commitments end; only then can votes be revealed.
interface IJury {
    /// @notice A juror's vote. `Abstain`: it can not be decided, such as when the data was withheld.
    enum Vote {
        None,
        Guilty,
        Innocent,
        Abstain
    }

    /// @notice How far a draw is. `Failed`: the seed's block was missed once too often.
    enum Progress {
        Drawing,
        Seated,
        Failed
    }

    /// @notice A juror's seat.
    /// @param juror Who sits there.
    /// @param vote What it revealed.
    /// @param commitment What it committed to.
    struct Seat {
        address juror;
        Vote vote;
        bytes32 commitment;
    }

    /// @notice A jury, without its seats. Three slots.
    /// @param seed Where its seats are drawn from; zero until the block's hash was read.
    /// @param drawBlock Block whose hash is read.
    /// @param tries Draws made so far.
    /// @param rearms How often the hash was missed.
    /// @param size Seats to fill.
    /// @param commitments Jurors that have committed.
    /// @param guilty Revealed votes.
    /// @param innocent Revealed votes.
    /// @param abstained Revealed votes.
    /// @param commitUntil When commitments end and votes can be revealed, in seconds since the Unix epoch; 0 until the
    /// jury is complete.
    /// @param revealUntil When the vote ends.
    struct Panel {
        bytes32 seed;
        uint64 drawBlock;
        uint64 tries;
        uint8 rearms;
        uint8 size;
        uint8 commitments;
        uint8 guilty;
        uint8 innocent;
        uint8 abstained;
        uint48 commitUntil;
        uint48 revealUntil;
    }

    /// @notice What a draw has to know of its dispute.
    /// @param disputeId The dispute.
    /// @param parties Wallets that must not be jurors.
    /// @param votesAt Second at which votes count.
    /// @param validators How many of the list of validators take part.
    /// @param weightCap Votes beyond this give no more chances.
    /// @param jurorBond Base units of stake, not locked, that a juror has to have.
    /// @param drawDelay Blocks from now to the one that takes the place of one that was missed.
    /// @param commitPeriod Seconds in which jurors commit, once the jury is complete.
    /// @param revealPeriod Seconds after that in which they reveal.
    struct Draw {
        uint256 disputeId;
        address[3] parties;
        uint256 votesAt;
        uint256 validators;
        uint256 weightCap;
        uint256 jurorBond;
        uint256 drawDelay;
        uint256 commitPeriod;
        uint256 revealPeriod;
    }

    /// @notice A jury will be drawn.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param drawBlock Block whose hash draws it.
    event DrawArmed(uint256 indexed disputeId, uint256 indexed round, uint256 drawBlock);

    /// @notice A juror was drawn.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param juror Who serves.
    event JurorDrawn(uint256 indexed disputeId, uint256 indexed round, address indexed juror);

    /// @notice A jury is complete and its vote begins.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param commitUntil When commitments end, in seconds since the Unix epoch.
    /// @param revealUntil When the vote ends.
    event JurySeated(uint256 indexed disputeId, uint256 indexed round, uint256 commitUntil, uint256 revealUntil);

    /// @notice A juror committed, or changed what it had committed to.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param juror Who.
    /// @param commitment To what.
    event VoteCommitted(uint256 indexed disputeId, uint256 indexed round, address indexed juror, bytes32 commitment);

    /// @notice A juror revealed its vote.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param juror Who.
    /// @param vote How it voted.
    event VoteRevealed(uint256 indexed disputeId, uint256 indexed round, address indexed juror, Vote vote);

    /// @notice Only the court can do this.
    error OnlyCourt();

    /// @notice The block whose hash draws the jury is not over.
    /// @param drawBlock Its number.
    error DrawNotReady(uint256 drawBlock);

    /// @notice A call draws between 1 and `MAX_TRIES` times.
    /// @param tries What was asked for.
    error InvalidTries(uint256 tries);

    /// @notice The caller has no seat in the jury of the dispute's present round.
    error NotJuror();

    /// @notice The jury is not complete.
    error NotSeated();

    /// @notice It is too early to reveal: others could copy the vote.
    /// @param from When it can be revealed, in seconds since the Unix epoch.
    error RevealTooEarly(uint256 from);

    /// @notice It is too late for this vote.
    /// @param until When it could last have been done, in seconds since the Unix epoch.
    error VoteTooLate(uint256 until);

    /// @notice Zero is no commitment.
    error ZeroCommitment();

    /// @notice The vote is not what the juror committed to, or it has revealed already.
    error WrongReveal();

    /// @notice Prepares the draw of a dispute's next jury from the hash of a block to come.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param size Seats.
    /// @param drawDelay Blocks from now.
    /// @dev Only for the court; reverts with `OnlyCourt`.
    function summon(uint256 disputeId, uint256 round, uint256 size, uint256 drawDelay) external;

    /// @notice Draws jurors. When the block's hash can not be read any more a later block takes its place, `MAX_REARMS`
    /// times; the next miss is the end of it.
    /// @param request The dispute.
    /// @param maxTries Draws to make at most, 1 to `MAX_TRIES`; each finds somebody or nobody.
    /// @return progress How far the draw is.
    /// @return jurors Who was drawn by this call.
    /// @dev Only for the court. Reverts with `OnlyCourt`, `InvalidTries`, `DrawNotReady`.
    function draw(
        Draw calldata request,
        uint256 maxTries
    ) external returns (Progress progress, address[] memory jurors);

    /// @notice Commits the caller, a juror, to a vote; again to change it.
    /// @param disputeId The dispute.
    /// @param commitment As `commitmentOf` gives it, not zero.
    /// @dev Reverts with `NotJuror`, `NotSeated`, `VoteTooLate`, `ZeroCommitment`.
    function commit(uint256 disputeId, bytes32 commitment) external;

    /// @notice Reveals the caller's vote.
    /// @param disputeId The dispute.
    /// @param vote What the caller committed to; not `None`.
    /// @param salt What the caller committed to.
    /// @dev Reverts with `NotJuror`, `NotSeated`, `RevealTooEarly`, `VoteTooLate`, `WrongReveal`.
    function reveal(uint256 disputeId, Vote vote, bytes32 salt) external;

    /// @notice Who has juries drawn here.
    /// @return account The court.
    function court() external view returns (address account);

    /// @notice Where validators are looked up.
    /// @return contract_ Address of Staking.
    function staking() external view returns (address contract_);

    /// @notice A dispute's jury.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return panel All zero when there is none.
    function panelOf(uint256 disputeId, uint256 round) external view returns (Panel memory panel);

    /// @notice The jurors drawn so far.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return seats In the order in which they were drawn.
    function seatsOf(uint256 disputeId, uint256 round) external view returns (Seat[] memory seats);

    /// @notice When a vote can be counted: at its end, or once everybody who committed has revealed.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal, of a complete jury.
    /// @return timestamp Seconds since the Unix epoch.
    function countableFrom(uint256 disputeId, uint256 round) external view returns (uint256 timestamp);

    /// @notice What a jury has found: what two thirds of its seats (rounded up) voted for.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return finding `Guilty` or `Innocent`; `None` when neither has as many.
    function findingOf(uint256 disputeId, uint256 round) external view returns (Vote finding);

    /// @notice What a juror commits to.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param juror Who votes.
    /// @param vote How.
    /// @param salt 32 random bytes: votes are few, so a guessable salt shows the vote.
    /// @return commitment keccak256(abi.encode(disputeId, round, juror, vote, salt)).
    function commitmentOf(
        uint256 disputeId,
        uint256 round,
        address juror,
        Vote vote,
        bytes32 salt
    ) external pure returns (bytes32 commitment);
}
