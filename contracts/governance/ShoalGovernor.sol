// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title ShoalGovernor
/// @author Shoal
/// @notice OpenZeppelin's Governor over stake. Who staked votes with what it staked when the vote began; stake on its
/// way out does not vote. A proposal passes when the votes for it are at least two thirds of all stake: who abstains or
/// stays away does not help it. What passed waits in the timelock, which owns the contracts that have parameters.
///
/// The quorum never changes. It has a floor, so that while little is staked a few early wallets decide nothing. The
/// other settings stay within bounds that follow from what they began with.
contract ShoalGovernor is Governor, GovernorSettings, GovernorCountingSimple, GovernorVotes, GovernorTimelockControl {
    /// @notice Upper part of the quorum's share of all stake.
    uint256 public constant QUORUM_NUMERATOR = 2;

    /// @notice Lower part of the quorum's share of all stake.
    uint256 public constant QUORUM_DENOMINATOR = 3;

    /// @notice Most that the voting delay and the voting period can be, in seconds.
    uint256 public constant MAX_VOTING_SECONDS = 30 days;

    /// @notice The threshold of a proposal can be raised to what it began with times this.
    uint256 public constant THRESHOLD_RANGE = 10;

    /// @notice Least voting delay, in seconds: half of what it began with, rounded up.
    uint256 public immutable minVotingDelay;

    /// @notice Least voting period, in seconds: half of what it began with, rounded up.
    uint256 public immutable minVotingPeriod;

    /// @notice Highest threshold of a proposal, in base units of stake.
    uint256 public immutable maxProposalThreshold;

    /// @notice Votes for a proposal that it needs whatever is staked, in base units.
    uint256 public immutable minQuorum;

    /// @notice A setting is out of its bounds.
    /// @param value What was given.
    /// @param lowest Least it can be.
    /// @param highest Most it can be.
    error SettingOutOfBounds(uint256 value, uint256 lowest, uint256 highest);

    /// @notice Fixes whose stake votes, and what it rules.
    /// @param staking Where votes are read.
    /// @param timelock_ What carries decisions out.
    /// @param votingDelay_ Seconds from a proposal to its vote.
    /// @param votingPeriod_ Seconds a vote lasts, more than zero.
    /// @param proposalThreshold_ Base units of stake it takes to propose.
    /// @param minQuorum_ Votes for a proposal that it needs whatever is staked, in base units.
    constructor(
        IVotes staking,
        TimelockController timelock_,
        uint48 votingDelay_,
        uint32 votingPeriod_,
        uint256 proposalThreshold_,
        uint256 minQuorum_
    )
        Governor("Shoal Governor")
        GovernorSettings(votingDelay_, votingPeriod_, proposalThreshold_)
        GovernorVotes(staking)
        GovernorTimelockControl(timelock_)
    {
        _requireWithin(votingDelay_, 0, MAX_VOTING_SECONDS);
        _requireWithin(votingPeriod_, 1, MAX_VOTING_SECONDS);
        minVotingDelay = votingDelay_ - votingDelay_ / 2;
        minVotingPeriod = votingPeriod_ - votingPeriod_ / 2;
        maxProposalThreshold = proposalThreshold_ * THRESHOLD_RANGE;
        minQuorum = minQuorum_;
    }

    /// @notice Sets the voting delay of proposals to come. Only by a decision.
    /// @param newVotingDelay Seconds, at least `minVotingDelay` and at most `MAX_VOTING_SECONDS`.
    /// @dev Reverts with `SettingOutOfBounds`, `GovernorOnlyExecutor`.
    function setVotingDelay(uint48 newVotingDelay) public override {
        _requireWithin(newVotingDelay, minVotingDelay, MAX_VOTING_SECONDS);
        super.setVotingDelay(newVotingDelay);
    }

    /// @notice Sets the voting period of proposals to come. Only by a decision.
    /// @param newVotingPeriod Seconds, at least `minVotingPeriod` and at most `MAX_VOTING_SECONDS`.
    /// @dev Reverts with `SettingOutOfBounds`, `GovernorOnlyExecutor`.
    function setVotingPeriod(uint32 newVotingPeriod) public override {
        _requireWithin(newVotingPeriod, minVotingPeriod, MAX_VOTING_SECONDS);
        super.setVotingPeriod(newVotingPeriod);
    }

    /// @notice Sets the stake it takes to propose. Only by a decision.
    /// @param newProposalThreshold Base units, at most `maxProposalThreshold`.
    /// @dev Reverts with `SettingOutOfBounds`, `GovernorOnlyExecutor`.
    function setProposalThreshold(uint256 newProposalThreshold) public override {
        _requireWithin(newProposalThreshold, 0, maxProposalThreshold);
        super.setProposalThreshold(newProposalThreshold);
    }

    /// @notice Votes for a proposal that it needs at least.
    /// @param timepoint When its vote began, in seconds since the Unix epoch.
    /// @return votes Two thirds of all stake at that time, rounded up, but not less than `minQuorum`; base units.
    function quorum(uint256 timepoint) public view override returns (uint256 votes) {
        uint256 staked = token().getPastTotalSupply(timepoint);
        uint256 shareUp = Math.mulDiv(staked, QUORUM_NUMERATOR, QUORUM_DENOMINATOR, Math.Rounding.Ceil);
        return Math.max(shareUp, minQuorum);
    }

    /// @inheritdoc IGovernor
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256 threshold) {
        return super.proposalThreshold();
    }

    /// @inheritdoc IGovernor
    function state(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockControl) returns (ProposalState current) {
        return super.state(proposalId);
    }

    /// @inheritdoc IGovernor
    function proposalNeedsQueuing(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockControl) returns (bool needed) {
        return super.proposalNeedsQueuing(proposalId);
    }

    /* solhint-disable func-name-mixedcase */
    /// @notice How votes are counted, in the form that wallets read.
    /// @return mode Against, for and abstain; only those for count towards the quorum.
    function COUNTING_MODE() public pure override(GovernorCountingSimple, IGovernor) returns (string memory mode) {
        return "support=bravo&quorum=for";
    }
    /* solhint-enable func-name-mixedcase */

    /// @notice Schedules what was decided in the timelock.
    /// @param proposalId The proposal.
    /// @param targets Contracts to call.
    /// @param values Wei to send with each call.
    /// @param calldatas What to call them with.
    /// @param descriptionHash keccak256 of the proposal's text.
    /// @return eta When it can be executed, in seconds since the Unix epoch.
    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48 eta) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    /// @notice Executes what was decided through the timelock.
    /// @param proposalId The proposal.
    /// @param targets Contracts to call.
    /// @param values Wei to send with each call.
    /// @param calldatas What to call them with.
    /// @param descriptionHash keccak256 of the proposal's text.
    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    /// @notice Cancels a proposal here and in the timelock.
    /// @param targets Contracts to call.
    /// @param values Wei to send with each call.
    /// @param calldatas What to call them with.
    /// @param descriptionHash keccak256 of the proposal's text.
    /// @return proposalId The proposal.
    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256 proposalId) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    /// @notice Whether the votes for a proposal alone make the quorum.
    /// @param proposalId The proposal.
    /// @return reached True from the quorum on.
    function _quorumReached(
        uint256 proposalId
    ) internal view override(Governor, GovernorCountingSimple) returns (bool reached) {
        (, uint256 forVotes, ) = proposalVotes(proposalId);
        return !(forVotes < quorum(proposalSnapshot(proposalId)));
    }

    /// @notice Whom decisions are carried out by.
    /// @return executor The timelock.
    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address executor) {
        return super._executor();
    }

    /// @notice Reverts when a setting is out of its bounds.
    /// @param value What was given.
    /// @param lowest Least it can be.
    /// @param highest Most it can be.
    function _requireWithin(uint256 value, uint256 lowest, uint256 highest) private pure {
        if (value < lowest || value > highest) revert SettingOutOfBounds(value, lowest, highest);
    }
}
