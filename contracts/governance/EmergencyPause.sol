// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {IDepositPause} from "../interfaces/IDepositPause.sol";
import {IEmergencyPause} from "../interfaces/IEmergencyPause.sol";

/// @title EmergencyPause
/// @author Shoal
/// @notice See {IEmergencyPause}.
/// @dev Holds nothing and keeps no state that a call from a target could find half written.
contract EmergencyPause is Ownable, IEmergencyPause {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice Most targets: what a pause costs is bounded by it.
    uint256 public constant MAX_TARGETS = 16;

    /// @inheritdoc IEmergencyPause
    address public override guardian;

    EnumerableSet.AddressSet private _targets;

    /// @notice Begins without targets.
    /// @param owner_ Who names the guardian and adds targets: the deployer until it hands over to the timelock.
    /// @param guardian_ The guardian; zero for none.
    constructor(address owner_, address guardian_) Ownable(owner_) {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IEmergencyPause
    function pause() external override returns (uint256 count) {
        _requireGuardian();
        uint256 length = _targets.length();
        for (uint256 index = 0; index < length; ++index) {
            address target = _targets.at(index);
            try IDepositPause(target).pauseDeposits() {
                ++count;
                emit TargetPaused(target, msg.sender);
            } catch (bytes memory reason) {
                emit TargetSkipped(target, reason);
            }
        }
        if (count == 0) revert NothingPaused();
    }

    /// @inheritdoc IEmergencyPause
    function resume() external override {
        _requireGuardian();
        uint256 length = _targets.length();
        for (uint256 index = 0; index < length; ++index) {
            address target = _targets.at(index);
            try IDepositPause(target).resumeDeposits() {
                emit TargetResumed(target, msg.sender);
            } catch (bytes memory reason) {
                emit TargetSkipped(target, reason);
            }
        }
    }

    /// @inheritdoc IEmergencyPause
    function setGuardian(address newGuardian) external override onlyOwner {
        _setGuardian(newGuardian);
    }

    /// @inheritdoc IEmergencyPause
    function addTarget(address target) external override onlyOwner {
        if (_targets.length() == MAX_TARGETS) revert TooManyTargets(MAX_TARGETS);
        if (!_targets.add(target)) revert TargetExists(target);
        address pauser = IDepositPause(target).pauser();
        if (pauser != address(this)) revert NotItsPauser(target, pauser);
        emit TargetAdded(target);
    }

    /// @inheritdoc IEmergencyPause
    function targets() external view override returns (address[] memory list) {
        return _targets.values();
    }

    /// @notice Names the guardian.
    /// @param newGuardian The account; zero for none.
    function _setGuardian(address newGuardian) private {
        emit GuardianSet(newGuardian, guardian);
        guardian = newGuardian;
    }

    /// @notice Reverts unless the caller is the guardian or the owner.
    function _requireGuardian() private view {
        if (msg.sender != guardian && msg.sender != owner()) revert OnlyGuardian();
    }
}
