// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBalances} from "../interfaces/IBalances.sol";
import {IChannels} from "../interfaces/IChannels.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {ICourtParameters} from "../interfaces/ICourtParameters.sol";
import {IJury} from "../interfaces/IJury.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {ITickets} from "../interfaces/ITickets.sol";
import {Receipt} from "../libraries/Receipts.sol";
import {Evidence} from "./court/Evidence.sol";
import {Jurors} from "./court/Jurors.sol";
import {Purse} from "./court/Purse.sol";

/// @title Court
/// @author Shoal
/// @notice See {ICourt}. This contract has the states of a dispute; {Evidence} reads, {Jurors} binds, dismisses and
/// pays jurors, {Purse} holds the money.
/// @dev Checks, then effects, then interactions: a state is left before anything is locked, slashed, paid or pulled.
/// What is called that can change anything is the token and Staking, neither of which calls back; wallets that
/// are asked for signatures are asked by static calls.
contract Court is ICourt, Evidence, Jurors {
    using SafeCast for uint256;

    /// @notice What became of the disputes about one thing.
    /// @param latest Number of the latest; 0 without any.
    /// @param closedAt When the latest ended, in seconds since the Unix epoch.
    /// @param undecided How many a jury did not decide.
    struct Trials {
        uint64 latest;
        uint48 closedAt;
        uint8 undecided;
    }

    /// @notice How often a jury can be asked about one receipt without deciding.
    uint256 public constant MAX_TRIALS = 2;

    /// @notice What an appeal costs, in bonds of a challenge. Its jury has less than three times as many jurors, so a
    /// bond that pays the first jury's fees lets this one pay the second's.
    uint256 public constant APPEAL_BOND_MULTIPLE = 3;

    /// @inheritdoc ICourt
    address public immutable override parameters;

    /// @inheritdoc ICourt
    uint256 public override disputeCount;

    /// @inheritdoc ICourt
    mapping(address wallet => uint256 count) public override convictionsOf;

    mapping(uint256 disputeId => Dispute dispute) private _disputes;
    mapping(bytes32 key => Trials trials) private _trials;
    /// @dev Statements that were part of a conviction, with the dispute.
    mapping(bytes32 statementKey => uint256 disputeId) private _convictedBy;

    /// @notice Fixes the contracts; Staking is that of the parameters.
    /// @param parameters_ The CourtParameters contract.
    /// @param settlement_ The Settlement contract; with the same token.
    /// @param auditAnchor_ The AuditAnchor contract.
    constructor(
        address parameters_,
        address settlement_,
        address auditAnchor_
    ) Purse(ICourtParameters(parameters_).staking()) Evidence(settlement_, auditAnchor_) {
        if (IBalances(settlement_).creditToken() != creditToken) revert TokensDiffer();
        parameters = parameters_;
    }

    /// @inheritdoc ICourt
    function challengeRoots(
        address node,
        Statement calldata first,
        Statement calldata second
    ) external override returns (uint256 disputeId) {
        _requireRootsContradict(first.range, second.range);
        _requireStated(node, first);
        _requireStated(node, second);
        return _convict(node, _statementKey(node, first.range), _statementKey(node, second.range));
    }

    /// @inheritdoc ICourt
    function challengeLeaves(
        address node,
        Inclusion calldata first,
        Inclusion calldata second
    ) external override returns (uint256 disputeId) {
        _requireLeavesContradict(first.leaf, second.leaf);
        _requireIncluded(node, first);
        _requireIncluded(node, second);
        bytes32 firstKey = _statementKey(node, first.statement.range);
        return _convict(node, firstKey, _statementKey(node, second.statement.range));
    }

    /// @inheritdoc ICourt
    function challengeVoucher(
        bytes32 channelId,
        uint256 cumulativeAmount,
        bytes calldata signature
    ) external override returns (uint256 disputeId) {
        if (!IChannels(settlement).isVoucherValid(channelId, cumulativeAmount, signature)) revert InvalidVoucher();
        address payer = _channel(channelId).payer;
        return _openProvable(ICourtParameters.Fault.OverIssuedVoucher, payer, channelId, cumulativeAmount);
    }

    /// @inheritdoc ICourt
    function challengeTickets(bytes32 depositId) external override returns (uint256 disputeId) {
        address payer = ITickets(settlement).ticketDepositOf(depositId).payer;
        return _openProvable(ICourtParameters.Fault.OverIssuedTickets, payer, depositId, 0);
    }

    /// @inheritdoc ICourt
    function challengeUnpaid(
        Receipt calldata receipt,
        Inclusion calldata inclusion
    ) external override returns (uint256 disputeId) {
        if (msg.sender != receipt.payee) revert OnlyPayee(receipt.payee);
        _requireReceipt(receipt.payer, receipt, inclusion);
        IChannels.Channel memory channel = _channel(receipt.channelId);
        if (channel.payer != receipt.payer || channel.payee != receipt.payee) revert ForeignReceipt();
        return _openProvable(ICourtParameters.Fault.Unpaid, receipt.payer, receipt.channelId, receipt.cumulativeAmount);
    }

    /// @inheritdoc ICourt
    function challengeOutput(
        Receipt calldata receipt,
        Inclusion calldata inclusion
    ) external override returns (uint256 disputeId) {
        bytes32 claim = _requireReceipt(receipt.payee, receipt, inclusion);
        if (!inclusion.statement.anchored) revert NotAnchored();
        uint256 version = _version();
        ICourtParameters.Parameters memory terms = _parametersAt(version);
        uint256 since = Math.max(
            inclusion.statement.anchoredAt,
            _trials[_trialKey(ICourtParameters.Fault.WrongOutput, claim)].closedAt
        );
        uint256 until = since + terms.challengeWindow;
        if (block.timestamp > until) revert TooOld(until);
        Dispute memory opened = _dispute(ICourtParameters.Fault.WrongOutput, receipt.payee, claim);
        opened.state = State.Draw;
        opened.payer = receipt.payer;
        opened.bond = terms.bond;
        opened.deadline = _after(terms.drawPeriod);
        uint256 validators = IStaking(staking).validatorCount();
        opened.validators = validators.toUint32();
        _requireValidators(validators, terms.jurySize);
        disputeId = _open(opened);
        emit OutputChallenged(disputeId, receipt);
        IJury(jury).summon(disputeId, 0, terms.jurySize, terms.drawDelay);
        _pull(opened.bond);
    }

    /// @inheritdoc ICourt
    function draw(uint256 disputeId, uint256 maxTries) external override returns (State state) {
        Dispute storage dispute = _inState(disputeId, State.Draw);
        _requireBefore(dispute.deadline);
        _requireOffice();
        ICourtParameters.Parameters memory terms = _parametersAt(dispute.version);
        (IJury.Progress progress, address[] memory jurors) = IJury(jury).draw(
            IJury.Draw({
                disputeId: disputeId,
                parties: [dispute.respondent, dispute.challenger, dispute.payer],
                votesAt: uint256(dispute.openedAt) - 1,
                validators: dispute.validators,
                weightCap: terms.weightCap,
                jurorBond: terms.jurorBond,
                drawDelay: terms.drawDelay,
                commitPeriod: terms.commitPeriod,
                revealPeriod: terms.revealPeriod
            }),
            maxTries
        );
        _bindJurors(jurors, terms.jurorBond);
        if (progress == IJury.Progress.Failed) {
            _failDraw(disputeId, dispute, terms);
        } else if (progress == IJury.Progress.Seated) {
            dispute.state = State.Vote;
            dispute.deadline = _after(uint256(terms.commitPeriod) + terms.revealPeriod);
        }
        return dispute.state;
    }

    /// @inheritdoc ICourt
    function advance(uint256 disputeId) external override returns (State state) {
        Dispute storage dispute = _disputes[disputeId];
        state = dispute.state;
        if (state == State.None || state == State.Closed) revert WrongState(state);
        ICourtParameters.Parameters memory terms = _parametersAt(dispute.version);
        if (state == State.Response) {
            bool stands = _faultStands(dispute.fault, dispute.subject, dispute.amount);
            if (stands) _requireFrom(dispute.deadline);
            _closeProvable(disputeId, dispute, stands ? Outcome.Guilty : Outcome.Cured);
        } else if (state == State.Draw) {
            _requireFrom(dispute.deadline);
            _failDraw(disputeId, dispute, terms);
        } else if (state == State.Vote) {
            _endVote(disputeId, dispute, terms);
        } else {
            _requireFrom(dispute.deadline);
            _closeJudged(disputeId, dispute, terms, dispute.outcome);
        }
        return dispute.state;
    }

    /// @inheritdoc ICourt
    function appeal(uint256 disputeId) external override {
        Dispute storage dispute = _inState(disputeId, State.Appealable);
        _requireBefore(dispute.deadline);
        address loser = _loserOf(dispute);
        if (msg.sender != loser) revert OnlyLoser(loser);
        ICourtParameters.Parameters memory terms = _parametersAt(dispute.version);
        uint256 size = 2 * uint256(terms.jurySize) + 1;
        // The first jury's members are not drawn again.
        _requireValidators(dispute.validators, size + terms.jurySize);
        uint256 bond = APPEAL_BOND_MULTIPLE * terms.bond;
        uint48 deadline = _after(terms.drawPeriod);
        dispute.state = State.Draw;
        dispute.round = 1;
        dispute.appealBond = bond.toUint96();
        dispute.deadline = deadline;
        emit Appealed(disputeId, loser, bond, deadline);
        IJury(jury).summon(disputeId, 1, size, terms.drawDelay);
        _pull(bond);
    }

    /// @inheritdoc ICourt
    function payDebt(uint256 disputeId) external override returns (uint256 amount) {
        Dispute storage dispute = _inState(disputeId, State.Response);
        bytes32 channelId = dispute.subject;
        if (!_isClosed(channelId)) revert ChannelStillOpen();
        IChannels.Channel memory channel = _channel(channelId);
        uint256 owed = dispute.amount;
        if (channel.claimed > owed - 1) revert NoFault();
        amount = owed - channel.claimed;
        emit DebtPaid(disputeId, channel.payee, amount);
        _credit(channel.payee, amount);
        _closeProvable(disputeId, dispute, Outcome.Cured);
        _pull(amount);
    }

    /// @inheritdoc ICourt
    function disputeOf(uint256 disputeId) external view override returns (Dispute memory dispute) {
        return _disputes[disputeId];
    }

    /// @notice Convicts of an equivocation at once.
    /// @param node Who.
    /// @param first Key of one statement.
    /// @param second Key of the other.
    /// @return disputeId Number of the dispute, closed.
    function _convict(address node, bytes32 first, bytes32 second) private returns (uint256 disputeId) {
        uint256 earlier = _convictedBy[second];
        if (earlier != 0 && _convictedBy[first] != 0) revert AlreadyTried(earlier);
        Dispute memory opened = _dispute(ICourtParameters.Fault.Equivocation, node, earlier == 0 ? second : first);
        opened.deadline = _after(0);
        disputeId = _open(opened);
        _convictedBy[first] = disputeId;
        _convictedBy[second] = disputeId;
        _closeProvable(disputeId, _disputes[disputeId], Outcome.Guilty);
    }

    /// @notice Opens a dispute that the respondent can cure.
    /// @param fault Kind of fault.
    /// @param respondent Who is accused.
    /// @param subject The channel or ticket deposit.
    /// @param amount Base units that have to be paid or covered on the channel.
    /// @return disputeId Number of the dispute.
    function _openProvable(
        ICourtParameters.Fault fault,
        address respondent,
        bytes32 subject,
        uint256 amount
    ) private returns (uint256 disputeId) {
        if (!_faultStands(fault, subject, amount)) revert NoFault();
        ICourtParameters.Parameters memory terms = _parametersAt(_version());
        Dispute memory opened = _dispute(fault, respondent, subject);
        opened.state = State.Response;
        opened.amount = amount;
        opened.bond = terms.bond;
        opened.deadline = _after(terms.responseWindow);
        disputeId = _open(opened);
        _pull(opened.bond);
    }

    /// @notice Stores a new dispute and locks the respondent's stake.
    /// @param opened All but what is locked.
    /// @return disputeId Its number.
    function _open(Dispute memory opened) private returns (uint256 disputeId) {
        Trials storage trials = _trials[_trialKey(opened.fault, opened.subject)];
        _requireUntried(trials);
        disputeId = ++disputeCount;
        trials.latest = disputeId.toUint64();
        opened.locked = _lock(opened.respondent, opened.penalty).toUint96();
        _disputes[disputeId] = opened;
        emit DisputeOpened({
            disputeId: disputeId,
            fault: opened.fault,
            respondent: opened.respondent,
            challenger: opened.challenger,
            subject: opened.subject,
            amount: opened.amount,
            penalty: opened.penalty,
            deadline: opened.deadline
        });
    }

    /// @notice Ends a draw that found no jury.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param terms What it is tried under.
    function _failDraw(uint256 disputeId, Dispute storage dispute, ICourtParameters.Parameters memory terms) private {
        uint256 round = dispute.round;
        emit JuryFailed(disputeId, round);
        if (round == 1) {
            // Without a second jury there was no appeal. If its failure undid the verdict, whoever lost could
            // escape wherever validators are few.
            address appellant = _loserOf(dispute);
            uint256 bond = dispute.appealBond;
            dispute.appealBond = 0;
            _closeJudged(disputeId, dispute, terms, dispute.outcome);
            _credit(appellant, bond);
        } else {
            _closeJudged(disputeId, dispute, terms, Outcome.Void);
        }
        _dismissJurors(disputeId, round, terms.jurorBond, false);
    }

    /// @notice Counts the votes of a round and goes on from there.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param terms What it is tried under.
    function _endVote(uint256 disputeId, Dispute storage dispute, ICourtParameters.Parameters memory terms) private {
        uint256 round = dispute.round;
        _requireFrom(IJury(jury).countableFrom(disputeId, round));
        IJury.Vote finding = IJury(jury).findingOf(disputeId, round);
        Outcome outcome = Outcome.NoVerdict;
        if (finding == IJury.Vote.Guilty) outcome = Outcome.Guilty;
        else if (finding == IJury.Vote.Innocent) outcome = Outcome.Innocent;
        emit JuryDecided(disputeId, round, outcome);
        _dismissJurors(disputeId, round, terms.jurorBond, true);
        if (round == 1 || outcome == Outcome.NoVerdict) {
            _closeJudged(disputeId, dispute, terms, outcome);
        } else {
            dispute.state = State.Appealable;
            dispute.outcome = outcome;
            dispute.deadline = _after(terms.appealWindow);
        }
    }

    /// @notice Closes what the contract alone decides.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param outcome `Guilty` or `Cured`.
    function _closeProvable(uint256 disputeId, Dispute storage dispute, Outcome outcome) private {
        _close(dispute, outcome);
        uint256 taken;
        uint256 bounty;
        if (outcome == Outcome.Guilty) (taken, bounty) = _punish(dispute);
        emit DisputeClosed(disputeId, dispute.respondent, outcome, taken, bounty);
        _credit(dispute.challenger, dispute.bond + bounty);
        _unlock(dispute.respondent, dispute.locked);
    }

    /// @notice Closes what a jury was asked, and shares the money out as the table in {ICourt} says.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param terms What it is tried under.
    /// @param outcome Final.
    function _closeJudged(
        uint256 disputeId,
        Dispute storage dispute,
        ICourtParameters.Parameters memory terms,
        Outcome outcome
    ) private {
        // While it is appealed this is who lost the first round.
        bool byRespondent = dispute.outcome == Outcome.Guilty;
        _close(dispute, outcome);
        uint256 taken;
        uint256 bounty;
        if (outcome == Outcome.Guilty) {
            (taken, bounty) = _punish(dispute);
            _shareGuilty(disputeId, dispute, terms.jurorFee, bounty, byRespondent);
        } else if (outcome == Outcome.Innocent) {
            _shareInnocent(disputeId, dispute, terms.jurorFee, byRespondent);
        } else {
            _shareUndecided(disputeId, dispute, terms.jurorFee, byRespondent);
        }
        emit DisputeClosed(disputeId, dispute.respondent, outcome, taken, bounty);
        _unlock(dispute.respondent, dispute.locked);
    }

    /// @notice Shares bonds and bounty out after a conviction.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param fee Base units for each juror at most.
    /// @param bounty Base units.
    /// @param byRespondent Whether an appeal was the respondent's, who has lost it then.
    function _shareGuilty(
        uint256 disputeId,
        Dispute storage dispute,
        uint256 fee,
        uint256 bounty,
        bool byRespondent
    ) private {
        uint256 appealBond = dispute.appealBond;
        uint256 pool = bounty / 2;
        uint256 forChallenger = dispute.bond + bounty - pool + appealBond;
        if (byRespondent) {
            uint256 forJurors = appealBond / 2;
            pool += forJurors;
            forChallenger -= forJurors;
        }
        _credit(dispute.challenger, forChallenger);
        _burn(pool - _payMajority(disputeId, IJury.Vote.Guilty, fee, pool));
    }

    /// @notice Shares bonds out after an acquittal.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param fee Base units for each juror at most.
    /// @param byRespondent Whether an appeal was the respondent's, who has won it then.
    function _shareInnocent(uint256 disputeId, Dispute storage dispute, uint256 fee, bool byRespondent) private {
        uint256 appealBond = dispute.appealBond;
        uint256 lost = dispute.bond + (byRespondent ? 0 : appealBond);
        uint256 pool = lost / 2;
        _credit(dispute.respondent, dispute.bond + appealBond - pool);
        _burn(pool - _payMajority(disputeId, IJury.Vote.Innocent, fee, pool));
    }

    /// @notice Gives bonds back, less half a fee for each juror who revealed.
    /// @dev Half a fee for each is at most a quarter of the bond it comes out of, by the bounds of the fee.
    /// @param disputeId The dispute.
    /// @param dispute The dispute.
    /// @param fee Base units for each juror who is paid in full.
    /// @param byRespondent Whether an appeal was the respondent's.
    function _shareUndecided(uint256 disputeId, Dispute storage dispute, uint256 fee, bool byRespondent) private {
        uint256 eachDown = fee / 2;
        _credit(dispute.challenger, dispute.bond - _payRevealed(disputeId, 0, eachDown));
        if (dispute.appealBond == 0) return;
        address appellant = byRespondent ? dispute.respondent : dispute.challenger;
        _credit(appellant, dispute.appealBond - _payRevealed(disputeId, 1, eachDown));
    }

    /// @notice Slashes the respondent.
    /// @param dispute Closed with `Guilty`.
    /// @return taken Base units taken.
    /// @return bounty Base units of them that the court received.
    function _punish(Dispute storage dispute) private returns (uint256 taken, uint256 bounty) {
        return _slash(dispute.respondent, dispute.penalty, _parametersAt(dispute.version).bountyBps);
    }

    /// @notice Leaves the last state: from here on nothing can be done with the dispute again.
    /// @param dispute The dispute.
    /// @param outcome Final.
    function _close(Dispute storage dispute, Outcome outcome) private {
        dispute.state = State.Closed;
        dispute.outcome = outcome;
        dispute.deadline = 0;
        if (outcome == Outcome.Guilty) ++convictionsOf[dispute.respondent];
        Trials storage trials = _trials[_trialKey(dispute.fault, dispute.subject)];
        trials.closedAt = _after(0);
        if (outcome == Outcome.NoVerdict || outcome == Outcome.Void) ++trials.undecided;
    }

    /// @notice Begins a new dispute by the caller, after checking that there is something to be had.
    /// @param fault Kind of fault.
    /// @param respondent Who is accused.
    /// @param subject What it is about.
    /// @return dispute In memory, without a state.
    function _dispute(
        ICourtParameters.Fault fault,
        address respondent,
        bytes32 subject
    ) private view returns (Dispute memory dispute) {
        if (msg.sender == respondent) revert OwnFault();
        _requireOffice();
        uint256 stake = _stakeOf(respondent);
        if (stake == 0) revert NothingAtStake(respondent);
        dispute.respondent = respondent;
        dispute.fault = fault;
        dispute.openedAt = _after(0);
        dispute.challenger = msg.sender;
        dispute.penalty = ICourtParameters(parameters).penaltyDown(fault, convictionsOf[respondent], stake).toUint96();
        dispute.version = _version().toUint32();
        dispute.subject = subject;
    }

    /// @notice Reverts when the same thing is being tried, or can not be tried again.
    /// @param trials What became of the disputes about it.
    function _requireUntried(Trials storage trials) private view {
        uint256 latest = trials.latest;
        if (latest == 0) return;
        Dispute storage dispute = _disputes[latest];
        if (dispute.state != State.Closed) revert AlreadyOpen(latest);
        bool judged = dispute.outcome == Outcome.Guilty || dispute.outcome == Outcome.Innocent;
        if (judged || trials.undecided == MAX_TRIALS) revert AlreadyTried(latest);
    }

    /// @notice A dispute that has to be in a state.
    /// @param disputeId Its number.
    /// @param state The state.
    /// @return dispute The dispute.
    function _inState(uint256 disputeId, State state) private view returns (Dispute storage dispute) {
        dispute = _disputes[disputeId];
        if (dispute.state != state) revert WrongState(dispute.state);
    }

    /// @notice Parameters that a dispute is tried under.
    /// @param version Of the parameters.
    /// @return terms All of them.
    function _parametersAt(uint256 version) private view returns (ICourtParameters.Parameters memory terms) {
        return ICourtParameters(parameters).parametersAt(version);
    }

    /// @notice Parameters for new disputes.
    /// @return version Their version.
    function _version() private view returns (uint256 version) {
        return ICourtParameters(parameters).parametersVersion();
    }

    /// @notice Who can appeal, or has.
    /// @param dispute With the first jury's outcome.
    /// @return loser The respondent when that is `Guilty`, else the challenger.
    function _loserOf(Dispute storage dispute) private view returns (address loser) {
        return dispute.outcome == Outcome.Guilty ? dispute.respondent : dispute.challenger;
    }

    /// @notice Reverts when Staking does not listen to this court.
    function _requireOffice() private view {
        if (IStaking(staking).court() != address(this)) revert NotInOffice();
    }

    /// @notice A time from now.
    /// @param period Seconds.
    /// @return timestamp Seconds since the Unix epoch.
    function _after(uint256 period) private view returns (uint48 timestamp) {
        return (block.timestamp + period).toUint48();
    }

    /// @notice Reverts from a deadline on.
    /// @param deadline Seconds since the Unix epoch.
    function _requireBefore(uint256 deadline) private view {
        if (block.timestamp > deadline - 1) revert TooLate(deadline);
    }

    /// @notice Reverts before a time.
    /// @param from Seconds since the Unix epoch.
    function _requireFrom(uint256 from) private view {
        if (block.timestamp < from) revert TooEarly(from);
    }

    /// @notice Reverts when a jury can not possibly be drawn.
    /// @param validators How many take part in the draw.
    /// @param seats How many different ones are needed.
    function _requireValidators(uint256 validators, uint256 seats) private pure {
        if (validators < seats) revert TooFewValidators(validators, seats);
    }

    /// @notice Names what is tried once.
    /// @param fault Kind of fault.
    /// @param subject What it is about.
    /// @return key keccak256(abi.encode(fault, subject)).
    function _trialKey(ICourtParameters.Fault fault, bytes32 subject) private pure returns (bytes32 key) {
        return keccak256(abi.encode(fault, subject));
    }
}
