// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title ICreditToken
/// @author Shoal
/// @notice "Shoal Credit" (SHC): an ERC-20 with permit, 18 decimals, and a fixed supply per epoch of 30 days.
/// Epochs are counted from the block of deployment. What is not minted in its epoch is never minted.
interface ICreditToken is IERC20, IERC20Permit {
    /// @notice The owner minted credits.
    /// @param epoch Epoch whose supply they are part of.
    /// @param to Account that received them.
    /// @param amount Base units minted.
    event CreditsMinted(uint256 indexed epoch, address indexed to, uint256 amount);

    /// @notice A mint would pass the supply of the running epoch.
    /// @param requested Base units asked for.
    /// @param available Base units that can still be minted in this epoch.
    error EpochSupplyExceeded(uint256 requested, uint256 available);

    /// @notice The supply per epoch must not be zero.
    error ZeroEpochSupply();

    /// @notice Mints within the supply of the running epoch. Only the owner.
    /// @param to Account to receive the credits.
    /// @param amount Base units.
    /// @dev Reverts with `EpochSupplyExceeded`, `OwnableUnauthorizedAccount`, `ERC20InvalidReceiver`.
    function mint(address to, uint256 amount) external;

    /// @notice Base units that can be minted in one epoch. Never changes.
    /// @return supply Base units.
    function epochSupply() external view returns (uint256 supply);

    /// @notice When epoch 0 began: the time of the block of deployment.
    /// @return timestamp Seconds since the Unix epoch.
    function genesisTime() external view returns (uint256 timestamp);

    /// @notice Number of the running epoch; the first is 0.
    /// @return epoch (block time - genesis time) / 30 days, rounded down.
    function currentEpoch() external view returns (uint256 epoch);

    /// @notice What has been minted of an epoch's supply.
    /// @param epoch Any epoch; 0 for those to come.
    /// @return amount Base units.
    function mintedInEpoch(uint256 epoch) external view returns (uint256 amount);

    /// @notice What can still be minted in the running epoch.
    /// @return amount Base units.
    function mintable() external view returns (uint256 amount);
}
