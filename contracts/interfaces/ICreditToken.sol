// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ITransferAuthorizations} from "./ITransferAuthorizations.sol";

/// @title ICreditToken
/// @author Shoal
/// @notice "Shoal Credit" (SHC): an ERC-20 with permit, authorised transfers and burning, 18 decimals, whose supply
/// follows a schedule that nobody can change: a genesis supply, minted at deployment, and from then on at most a fixed
/// supply for each epoch of 30 days, minted by one contract after the epoch is over.
///
/// It has no owner. The deployer names the emission contract once, and has no power afterwards. That contract can
/// never be replaced: whoever could replace it could mint, so that the schedule would be only as good as its keeper.
/// What changes from time to time - to whom an epoch's supply goes - is inside the emission contract; that contract
/// can give too little, never too much, and if it should fail, the supply ends and no credit that exists is lost.
///
/// Epochs are counted from the block of deployment.
interface ICreditToken is IERC20, IERC20Permit, ITransferAuthorizations {
    /// @notice The deployer named the emission contract, for ever.
    /// @param emission The only account that mints from now on.
    event EmissionSet(address indexed emission);

    /// @notice Credits of an epoch were minted.
    /// @param epoch Epoch whose supply they are part of.
    /// @param to Account that received them.
    /// @param amount Base units minted.
    event CreditsMinted(uint256 indexed epoch, address indexed to, uint256 amount);

    /// @notice Only the emission contract mints.
    /// @param emission The emission contract; zero while it has not been named.
    error OnlyEmission(address emission);

    /// @notice Only the account that deployed the token names the emission contract.
    /// @param deployer That account.
    error OnlyDeployer(address deployer);

    /// @notice The emission contract has been named and stays.
    /// @param emission The emission contract.
    error EmissionAlreadySet(address emission);

    /// @notice There is no code at the address that was to be the emission contract.
    /// @param account The address.
    error NotAContract(address account);

    /// @notice An epoch's supply is minted when the epoch is over, not before.
    /// @param epoch Epoch asked for.
    /// @param current The running epoch.
    error EpochNotOver(uint256 epoch, uint256 current);

    /// @notice A mint would pass the supply of its epoch.
    /// @param requested Base units asked for.
    /// @param available Base units that can still be minted of this epoch.
    error EpochSupplyExceeded(uint256 requested, uint256 available);

    /// @notice The supply per epoch must not be zero.
    error ZeroEpochSupply();

    /// @notice The supply per epoch and the genesis supply must fit 96 bits, as the books of all other contracts do.
    /// @param supply Base units asked for.
    /// @param maximum The greatest that is allowed.
    error SupplyTooLarge(uint256 supply, uint256 maximum);

    /// @notice Names the emission contract. Only the deployer, and only once.
    /// @param emission_ A contract; it can mint the supply of every epoch that is over, so look at it well.
    /// @dev Reverts with `OnlyDeployer`, `EmissionAlreadySet`, `NotAContract`.
    function setEmission(address emission_) external;

    /// @notice Mints of an epoch that is over, within its supply. Only the emission contract.
    /// @param to Account to receive the credits.
    /// @param epoch Epoch whose supply they are part of.
    /// @param amount Base units.
    /// @dev Reverts with `OnlyEmission`, `EpochNotOver`, `EpochSupplyExceeded`, `ERC20InvalidReceiver`.
    function mint(address to, uint256 epoch, uint256 amount) external;

    /// @notice Destroys credits of the caller. They are not minted anew: the epochs' supplies do not grow by it.
    /// @param amount Base units.
    /// @dev Reverts with `ERC20InsufficientBalance`.
    function burn(uint256 amount) external;

    /// @notice Destroys credits of an account that approved the caller for them.
    /// @param account Whose credits.
    /// @param amount Base units.
    /// @dev Reverts with `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`.
    function burnFrom(address account, uint256 amount) external;

    /// @notice Base units that can be minted for one epoch. Never changes.
    /// @return supply Base units.
    function epochSupply() external view returns (uint256 supply);

    /// @notice Base units that were minted at deployment.
    /// @return supply Base units.
    function genesisSupply() external view returns (uint256 supply);

    /// @notice When epoch 0 began: the time of the block of deployment.
    /// @return timestamp Seconds since the Unix epoch.
    function genesisTime() external view returns (uint256 timestamp);

    /// @notice The account that created the token: not a factory's user, but the factory, where one is used. It can
    /// name the emission contract, and nothing else.
    /// @return account Address.
    function deployer() external view returns (address account);

    /// @notice The only account that mints.
    /// @return account Address; zero until the deployer has named it.
    function emission() external view returns (address account);

    /// @notice Number of the running epoch; the first is 0.
    /// @return epoch (block time - genesis time) / 30 days, rounded down.
    function currentEpoch() external view returns (uint256 epoch);

    /// @notice What has been minted of an epoch's supply.
    /// @param epoch Any epoch; 0 for the running one and those to come.
    /// @return amount Base units.
    function mintedInEpoch(uint256 epoch) external view returns (uint256 amount);

    /// @notice What can still be minted of an epoch's supply now.
    /// @param epoch Any epoch.
    /// @return amount Base units; 0 for the running epoch and those to come.
    function mintable(uint256 epoch) external view returns (uint256 amount);
}
