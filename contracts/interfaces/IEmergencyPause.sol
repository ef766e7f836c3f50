// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IEmergencyPause
/// @author Shoal
/// @notice One switch for the deposits of all contracts that name it as their pauser. A guardian, who need not wait for
/// a vote, can stop new money from coming in, for 14 days at most and then not for 14 days; nothing else can be done
/// from here. Governance, which owns this contract, names the guardian and can do all that it can.
interface IEmergencyPause {
    /// @notice The guardian changed.
    /// @param guardian The new one; zero for none.
    /// @param previousGuardian The one before.
    event GuardianSet(address indexed guardian, address indexed previousGuardian);

    /// @notice A contract's deposits can be paused from here.
    /// @param target The contract.
    event TargetAdded(address indexed target);

    /// @notice A contract's deposits were paused.
    /// @param target The contract.
    /// @param by Who paused.
    event TargetPaused(address indexed target, address indexed by);

    /// @notice A contract's deposits were resumed.
    /// @param target The contract.
    /// @param by Who resumed.
    event TargetResumed(address indexed target, address indexed by);

    /// @notice A contract refused to be paused or resumed; the others were not held up by it.
    /// @param target The contract.
    /// @param reason What it reverted with.
    event TargetSkipped(address indexed target, bytes reason);

    /// @notice Only the guardian or the owner can do this.
    error OnlyGuardian();

    /// @notice The contract does not name this one as its pauser.
    /// @param target The contract.
    /// @param pauser Whom it names.
    error NotItsPauser(address target, address pauser);

    /// @notice The contract is a target already.
    /// @param target The contract.
    error TargetExists(address target);

    /// @notice There is no place for another target.
    /// @param most Most targets.
    error TooManyTargets(uint256 most);

    /// @notice There is no target, or all of them refused.
    error NothingPaused();

    /// @notice Pauses the deposits of all targets for 14 days; one that refuses, since its last pause was less than 14
    /// days ago, is skipped. Only the guardian or the owner.
    /// @return count Targets that were paused.
    /// @dev Reverts with `OnlyGuardian`, `NothingPaused`.
    function pause() external returns (uint256 count);

    /// @notice Resumes the deposits of all targets before their time. Only the guardian or the owner.
    /// @dev Reverts with `OnlyGuardian`.
    function resume() external;

    /// @notice Names the guardian. Only the owner.
    /// @param newGuardian The account; zero for none.
    /// @dev Reverts with `OwnableUnauthorizedAccount`.
    function setGuardian(address newGuardian) external;

    /// @notice Adds a contract, for good. Only the owner.
    /// @param target One that names this contract as its pauser.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `TooManyTargets`, `TargetExists`, `NotItsPauser`.
    function addTarget(address target) external;

    /// @notice Who can pause and resume beside the owner.
    /// @return account Zero for nobody.
    function guardian() external view returns (address account);

    /// @notice The contracts whose deposits are paused from here.
    /// @return list In the order they were added.
    function targets() external view returns (address[] memory list);
}
