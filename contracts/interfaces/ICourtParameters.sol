// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ICourtParameters
/// @author Shoal
/// @notice What governance can set of the court, and the bounds it can not leave.
///
/// Parameters come in versions that are never changed: a dispute is tried to its end under the version it was opened
/// under, and its penalty is fixed when it is opened. Setting parameters therefore touches no running dispute.
interface ICourtParameters {
    /// @notice Kinds of fault.
    /// - `Equivocation`: two statements of one node contradict each other: two roots for one range, or two different
    ///   events at one place of its log. Decided at once.
    /// - `OverIssuedVoucher`: a voucher claims more than its channel holds. Decided after the response window.
    /// - `OverIssuedTickets`: winning tickets were not covered by the deposit. Decided after the response window.
    /// - `Unpaid`: a receipt in the payer's own log says that it owes more than it has paid. Decided after the response
    ///   window.
    /// - `WrongOutput`: a receipt in the provider's own log states an output that the model does not give. Judged by a
    ///   jury.
    enum Fault {
        Equivocation,
        OverIssuedVoucher,
        OverIssuedTickets,
        Unpaid,
        WrongOutput
    }

    /// @notice A version of the parameters. Three slots.
    /// @param bond Base units a challenger puts up; an appeal costs `APPEAL_BOND_MULTIPLE` times as much.
    /// @param jurorBond Base units of a juror's stake that are locked while it serves, and lost when it does not vote.
    /// @param drawDelay Blocks from the challenge to the one whose hash draws the jury.
    /// @param bountyBps Share of what is slashed that goes to challenger and jurors, in basis points; the rest is
    /// burned.
    /// @param jurySize Jurors of the first round, 5 or 7; an appeal has twice as many and one.
    /// @param jurorFee Base units for a juror who voted as was decided.
    /// @param weightCap Votes beyond this, in base units, give no more chances of a seat.
    /// @param challengeWindow Seconds after a root was anchored in which its receipts can be challenged before a jury.
    /// @param responseWindow Seconds a respondent has to make good what the contract alone decides.
    /// @param drawPeriod Seconds in which the jury has to be drawn.
    /// @param commitPeriod Seconds in which jurors commit to their votes.
    /// @param revealPeriod Seconds in which jurors reveal their votes.
    /// @param appealWindow Seconds the loser has to appeal.
    struct Parameters {
        uint96 bond;
        uint96 jurorBond;
        uint16 drawDelay;
        uint16 bountyBps;
        uint8 jurySize;
        uint96 jurorFee;
        uint96 weightCap;
        uint32 challengeWindow;
        uint32 responseWindow;
        uint32 drawPeriod;
        uint32 commitPeriod;
        uint32 revealPeriod;
        uint32 appealWindow;
    }

    /// @notice Penalties of a kind of fault, in basis points of the stake (unbonding included) that the respondent had
    /// when it was challenged; each at least the one before. One slot.
    /// @param first Without an earlier conviction.
    /// @param second With one.
    /// @param further With more.
    struct Penalties {
        uint16 first;
        uint16 second;
        uint16 further;
    }

    /// @notice Parameters for the disputes from now on.
    /// @param version Their version; the first is 0.
    /// @param parameters All of them.
    event ParametersSet(uint256 indexed version, Parameters parameters);

    /// @notice Penalties for the disputes from now on.
    /// @param fault Kind of fault.
    /// @param penalties In basis points.
    event PenaltiesSet(Fault indexed fault, Penalties penalties);

    /// @notice The Staking contract must not be the zero address.
    error ZeroStaking();

    /// @notice A parameter is out of its bounds.
    /// @param name Its name.
    /// @param given What was asked for.
    /// @param lowest Least that is possible.
    /// @param highest Most that is possible.
    error ParameterOutOfBounds(bytes32 name, uint256 given, uint256 lowest, uint256 highest);

    /// @notice A jury has 5 or 7 seats.
    /// @param jurySize What was asked for.
    error InvalidJurySize(uint256 jurySize);

    /// @notice Stake could be withdrawn before the longest dispute about it is over.
    /// @param longest Seconds from the anchor to the end of the longest dispute.
    /// @param limit Seconds it must stay below: the least unbonding delay of Staking.
    error CourseTooLong(uint256 longest, uint256 limit);

    /// @notice A later offence must not cost less than an earlier one.
    error PenaltiesNotGraded();

    /// @notice Sets the parameters for disputes opened from now on.
    /// @param parameters All of them.
    /// @dev Only for the owner. Reverts with `InvalidJurySize`, `ParameterOutOfBounds`, `CourseTooLong`.
    function setParameters(Parameters calldata parameters) external;

    /// @notice Sets a kind of fault's penalties for disputes opened from now on.
    /// @param fault Kind of fault.
    /// @param penalties In basis points: at most 10,000; the first at most `MAX_FIRST_PENALTY_BPS`, except for
    /// `Equivocation`, which does not happen by mistake.
    /// @dev Only for the owner. Reverts with `PenaltiesNotGraded`, `ParameterOutOfBounds`.
    function setPenalties(Fault fault, Penalties calldata penalties) external;

    /// @notice Whose stakes bound the parameters.
    /// @return contract_ Address of Staking.
    function staking() external view returns (address contract_);

    /// @notice Version that disputes opened now are tried under.
    /// @return version From 0.
    function parametersVersion() external view returns (uint256 version);

    /// @notice A version of the parameters.
    /// @param version From 0 to `parametersVersion`.
    /// @return parameters All of them.
    function parametersAt(uint256 version) external view returns (Parameters memory parameters);

    /// @notice Penalties of a kind of fault.
    /// @param fault Kind of fault.
    /// @return penalties In basis points.
    function penaltiesOf(Fault fault) external view returns (Penalties memory penalties);

    /// @notice What a wallet challenged now would lose when guilty, rounded down.
    /// @param fault Kind of fault.
    /// @param earlier Its convictions so far.
    /// @param stake Base units it has at stake, unbonding included.
    /// @return penalty Base units; at most `stake`.
    function penaltyDown(Fault fault, uint256 earlier, uint256 stake) external view returns (uint256 penalty);
}
