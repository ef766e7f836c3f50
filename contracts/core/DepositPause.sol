// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDepositPause} from "../interfaces/IDepositPause.sol";

/// @title DepositPause
/// @author Shoal
/// @notice See {IDepositPause}.
/// @dev The contract that inherits it calls `_requireDepositsOpen` wherever it pulls tokens in, and nowhere else.
abstract contract DepositPause is IDepositPause {
    using SafeCast for uint256;

    /// @notice Longest pause, and shortest time between two, in seconds.
    uint256 public constant MAX_PAUSE = 14 days;

    /// @inheritdoc IDepositPause
    address public immutable override pauser;

    /// @inheritdoc IDepositPause
    uint48 public override depositsPausedUntil;

    /// @notice Fixes who can pause.
    /// @param pauser_ The account; zero for nobody, ever.
    constructor(address pauser_) {
        pauser = pauser_;
    }

    /// @inheritdoc IDepositPause
    function pauseDeposits() external override {
        _requirePauser();
        uint256 last = depositsPausedUntil;
        // Before the first pause there is none to wait for, even on a chain whose time begins at zero.
        uint256 earliest = last == 0 ? 0 : last + MAX_PAUSE;
        if (block.timestamp < earliest) revert PauseTooSoon(earliest);
        _setPausedUntil(block.timestamp + MAX_PAUSE);
    }

    /// @inheritdoc IDepositPause
    function resumeDeposits() external override {
        _requirePauser();
        // An end in the past stays where it is: moving it would put off the next pause.
        if (block.timestamp < depositsPausedUntil) _setPausedUntil(block.timestamp);
    }

    /// @notice Reverts while deposits are paused.
    function _requireDepositsOpen() internal view {
        uint256 until = depositsPausedUntil;
        if (block.timestamp < until) revert DepositsPaused(until);
    }

    /// @notice Moves the end of the pause.
    /// @param until Seconds since the Unix epoch.
    function _setPausedUntil(uint256 until) private {
        depositsPausedUntil = until.toUint48();
        emit DepositsPausedUntil(until);
    }

    /// @notice Reverts unless the caller is the pauser.
    function _requirePauser() private view {
        if (msg.sender != pauser) revert OnlyPauser(pauser);
    }
}
