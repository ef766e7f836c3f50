// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IDepositPause
/// @author Shoal
/// @notice A contract whose deposits one account can hold up for a while. What is already in it is never held up: only
/// tokens coming in are.
///
/// A pause ends by itself after 14 days, and the next one can begin 14 days after the end of the last: of any 28 days
/// in a row, deposits are open for at least 14.
interface IDepositPause {
    /// @notice Deposits were paused or resumed.
    /// @param until When they are open again, in seconds since the Unix epoch; the block's time when they are now.
    event DepositsPausedUntil(uint256 until);

    /// @notice No tokens are taken in for now.
    /// @param until When deposits are open again, in seconds since the Unix epoch.
    error DepositsPaused(uint256 until);

    /// @notice Only the pauser can do this.
    /// @param pauser The pauser.
    error OnlyPauser(address pauser);

    /// @notice The last pause ended less than 14 days ago, or has not ended.
    /// @param earliest When deposits can be paused again, in seconds since the Unix epoch.
    error PauseTooSoon(uint256 earliest);

    /// @notice Stops deposits for 14 days. Only the pauser.
    /// @dev Reverts with `OnlyPauser`, `PauseTooSoon`.
    function pauseDeposits() external;

    /// @notice Opens deposits again before their time. Does nothing while they are open. Only the pauser.
    /// @dev Reverts with `OnlyPauser`.
    function resumeDeposits() external;

    /// @notice The account that can pause deposits. Never changes; zero when nobody can.
    /// @return account The pauser.
    function pauser() external view returns (address account);

    /// @notice When deposits are open again, or have been since the last pause.
    /// @return until Seconds since the Unix epoch; 0 when they were never paused.
    function depositsPausedUntil() external view returns (uint48 until);
}
