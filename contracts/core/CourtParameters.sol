// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourtParameters} from "../interfaces/ICourtParameters.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Roles} from "../libraries/Roles.sol";

/// @title CourtParameters
/// @author Shoal
/// @notice See {ICourtParameters}.
contract CourtParameters is ICourtParameters, Ownable {
    /// @notice Most of what is slashed that can go to challenger and jurors, in basis points. Whoever convicts itself
    /// through another wallet to be there first loses at least the other half.
    uint256 public constant MAX_BOUNTY_BPS = 5_000;

    /// @notice Highest penalty for a first offence that can be a mistake, in basis points.
    uint256 public constant MAX_FIRST_PENALTY_BPS = 1_000;

    /// @notice The whole, in basis points.
    uint256 public constant BPS = 10_000;

    /// @notice Smallest bond of a challenger or a juror, in base units.
    uint256 public constant MIN_BOND = 1e18;

    /// @notice Largest bond of a challenger, in base units.
    uint256 public constant MAX_BOND = 100_000e18;

    /// @notice Most blocks from a challenge to its randomness. Block hashes are kept for at least 256.
    uint256 public constant MAX_DRAW_DELAY = 256;

    /// @notice Shortest window or period, in seconds.
    uint256 public constant MIN_PERIOD = 10 minutes;

    /// @notice The weight cap is at most as many least stakes of a validator, so that a try seats a validator with
    /// this chance in one or better.
    uint256 public constant MAX_WEIGHT_MULTIPLE = 20;

    /// @inheritdoc ICourtParameters
    address public immutable override staking;

    Parameters[] private _versions;
    mapping(Fault fault => Penalties penalties) private _penalties;

    /// @notice Fixes Staking and sets the first parameters.
    /// @param owner_ Governance.
    /// @param staking_ The Staking contract.
    /// @param parameters The first version.
    /// @param penalties For each kind of fault, in their order.
    constructor(
        address owner_,
        address staking_,
        Parameters memory parameters,
        Penalties[5] memory penalties
    ) Ownable(owner_) {
        if (staking_ == address(0)) revert ZeroStaking();
        staking = staking_;
        _setParameters(parameters);
        for (uint8 i = 0; i < 5; ++i) _setPenalties(Fault(i), penalties[i]);
    }

    /// @inheritdoc ICourtParameters
    function setParameters(Parameters calldata parameters) external override onlyOwner {
        _setParameters(parameters);
    }

    /// @inheritdoc ICourtParameters
    function setPenalties(Fault fault, Penalties calldata penalties) external override onlyOwner {
        _setPenalties(fault, penalties);
    }

    /// @inheritdoc ICourtParameters
    function parametersAt(uint256 version) external view override returns (Parameters memory parameters) {
        return _versions[version];
    }

    /// @inheritdoc ICourtParameters
    function penaltiesOf(Fault fault) external view override returns (Penalties memory penalties) {
        return _penalties[fault];
    }

    /// @inheritdoc ICourtParameters
    function penaltyDown(Fault fault, uint256 earlier, uint256 stake) external view override returns (uint256 penalty) {
        Penalties storage penalties = _penalties[fault];
        uint256 bps =
            earlier == 0
                ? penalties.first
                : earlier == 1
                    ? penalties.second
                    : penalties.further;
        return (stake * bps) / BPS;
    }

    /// @inheritdoc ICourtParameters
    function parametersVersion() external view override returns (uint256 version) {
        return _versions.length - 1;
    }

    /// @notice Appends a version after checking all of it.
    /// @param parameters All of them.
    function _setParameters(Parameters memory parameters) private {
        uint256 size = parameters.jurySize;
        if (size != 5 && size != 7) revert InvalidJurySize(size);
        IStaking staking_ = IStaking(staking);
        uint256 validatorStake = staking_.requiredStake(Roles.VALIDATOR);
        _requireWithin("bond", parameters.bond, MIN_BOND, MAX_BOND);
        _requireWithin("jurorBond", parameters.jurorBond, MIN_BOND, validatorStake);
        _requireWithin("drawDelay", parameters.drawDelay, 1, MAX_DRAW_DELAY);
        _requireWithin("bountyBps", parameters.bountyBps, 0, MAX_BOUNTY_BPS);
        _requireWithin("jurorFee", parameters.jurorFee, 0, parameters.bond / (2 * size));
        _requireWithin("weightCap", parameters.weightCap, 1, validatorStake * MAX_WEIGHT_MULTIPLE);
        _requirePeriod("challengeWindow", parameters.challengeWindow);
        _requirePeriod("responseWindow", parameters.responseWindow);
        _requirePeriod("drawPeriod", parameters.drawPeriod);
        _requirePeriod("commitPeriod", parameters.commitPeriod);
        _requirePeriod("revealPeriod", parameters.revealPeriod);
        _requirePeriod("appealWindow", parameters.appealWindow);
        uint256 round = uint256(parameters.drawPeriod) + parameters.commitPeriod + parameters.revealPeriod;
        uint256 course = Math.max(2 * round + parameters.appealWindow, parameters.responseWindow);
        uint256 longest = parameters.challengeWindow + course;
        uint256 limit = staking_.minUnbondingDelay();
        if (longest > limit - 1) revert CourseTooLong(longest, limit);
        emit ParametersSet(_versions.length, parameters);
        _versions.push(parameters);
    }

    /// @notice Sets penalties after checking them.
    /// @param fault Kind of fault.
    /// @param penalties In basis points.
    function _setPenalties(Fault fault, Penalties memory penalties) private {
        uint256 first = penalties.first;
        if (first > penalties.second || penalties.second > penalties.further) revert PenaltiesNotGraded();
        _requireWithin("first", first, 0, fault == Fault.Equivocation ? BPS : MAX_FIRST_PENALTY_BPS);
        _requireWithin("further", penalties.further, 0, BPS);
        _penalties[fault] = penalties;
        emit PenaltiesSet(fault, penalties);
    }

    /// @notice Checks a length of time; its upper bound is in the sum of all.
    /// @param name For the error.
    /// @param given Seconds.
    function _requirePeriod(bytes32 name, uint256 given) private pure {
        _requireWithin(name, given, MIN_PERIOD, type(uint32).max);
    }

    /// @notice Checks bounds.
    /// @param name For the error.
    /// @param given What was asked for.
    /// @param lowest Least that is possible.
    /// @param highest Most that is possible.
    function _requireWithin(bytes32 name, uint256 given, uint256 lowest, uint256 highest) private pure {
        if (given < lowest || given > highest) revert ParameterOutOfBounds(name, given, lowest, highest);
    }
}
