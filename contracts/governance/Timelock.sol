// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @author Shoal
/// @notice OpenZeppelin's timelock, the owner of every contract that has one: what governance decides waits here before
/// it is done. Its own delay stays within bounds, so that no decision can take the wait away.
contract Timelock is TimelockController {
    /// @notice Most that the delay can be set to, in seconds.
    uint256 public constant MAX_DELAY = 30 days;

    /// @notice Least that the delay can be set to, in seconds: half of what it began with, rounded up.
    uint256 public immutable minimumDelay;

    /// @notice The delay is out of its bounds.
    /// @param delay Seconds asked for.
    /// @param lowest Least seconds.
    /// @param highest Most seconds.
    error DelayOutOfBounds(uint256 delay, uint256 lowest, uint256 highest);

    /// @notice Begins with nobody who can propose, execute or cancel: the admin gives these roles to the governor, and
    /// its own up as the last step of the deployment.
    /// @param delay Seconds from a decision to when it can be done.
    /// @param admin Account that gives out the roles.
    constructor(uint256 delay, address admin) TimelockController(delay, new address[](0), new address[](0), admin) {
        if (delay == 0 || delay > MAX_DELAY) revert DelayOutOfBounds(delay, 1, MAX_DELAY);
        minimumDelay = delay - delay / 2;
    }

    /// @notice Sets the delay of decisions to come. Only the timelock itself, by a decision.
    /// @param newDelay Seconds, at least `minimumDelay` and at most `MAX_DELAY`.
    /// @dev Reverts with `DelayOutOfBounds`, `TimelockUnauthorizedCaller`.
    function updateDelay(uint256 newDelay) public override {
        if (newDelay < minimumDelay || newDelay > MAX_DELAY) {
            revert DelayOutOfBounds(newDelay, minimumDelay, MAX_DELAY);
        }
        super.updateDelay(newDelay);
    }
}
