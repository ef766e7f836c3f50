// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {ICreditToken} from "../interfaces/ICreditToken.sol";
import {TransferAuthorizations} from "./token/TransferAuthorizations.sol";

/// @title CreditToken
/// @author Shoal
/// @notice See {ICreditToken}.
/// @dev Calls no other contract, but for the question whether a contract signed. At all times the total supply is
/// `genesisSupply`, plus `mintedInEpoch` of all epochs, minus what was burned, and `mintedInEpoch` of no epoch is more
/// than `epochSupply`.
contract CreditToken is ERC20, ERC20Burnable, ERC20Permit, TransferAuthorizations, ICreditToken {
    /// @notice Length of an epoch, in seconds.
    uint256 public constant EPOCH_SECONDS = 30 days;

    /// @notice Greatest supply of an epoch, and greatest genesis supply, in base units.
    uint256 public constant MAX_SUPPLY = type(uint96).max;

    /// @inheritdoc ICreditToken
    uint256 public immutable override epochSupply;

    /// @inheritdoc ICreditToken
    uint256 public immutable override genesisSupply;

    /// @inheritdoc ICreditToken
    uint256 public immutable override genesisTime;

    /// @inheritdoc ICreditToken
    address public immutable override deployer;

    /// @inheritdoc ICreditToken
    address public override emission;

    /// @inheritdoc ICreditToken
    mapping(uint256 epoch => uint256 amount) public override mintedInEpoch;

    /// @notice Begins epoch 0 and mints the genesis supply.
    /// @param epochSupply_ Base units that can be minted for one epoch, not zero.
    /// @param genesisRecipient Account to receive the genesis supply; ignored when that is zero.
    /// @param genesisSupply_ Base units; may be zero.
    constructor(
        uint256 epochSupply_,
        address genesisRecipient,
        uint256 genesisSupply_
    ) ERC20("Shoal Credit", "SHC") ERC20Permit("Shoal Credit") {
        if (epochSupply_ == 0) revert ZeroEpochSupply();
        if (epochSupply_ > MAX_SUPPLY) revert SupplyTooLarge(epochSupply_, MAX_SUPPLY);
        if (genesisSupply_ > MAX_SUPPLY) revert SupplyTooLarge(genesisSupply_, MAX_SUPPLY);
        epochSupply = epochSupply_;
        genesisSupply = genesisSupply_;
        genesisTime = block.timestamp;
        deployer = msg.sender;
        if (genesisSupply_ != 0) _mint(genesisRecipient, genesisSupply_);
    }

    /// @inheritdoc ICreditToken
    function setEmission(address emission_) external override {
        if (msg.sender != deployer) revert OnlyDeployer(deployer);
        if (emission != address(0)) revert EmissionAlreadySet(emission);
        if (emission_.code.length == 0) revert NotAContract(emission_);
        emission = emission_;
        emit EmissionSet(emission_);
    }

    /// @inheritdoc ICreditToken
    function mint(address to, uint256 epoch, uint256 amount) external override {
        if (msg.sender != emission) revert OnlyEmission(emission);
        uint256 current = currentEpoch();
        if (!(epoch < current)) revert EpochNotOver(epoch, current);
        uint256 minted = mintedInEpoch[epoch];
        uint256 available = epochSupply - minted;
        if (amount > available) revert EpochSupplyExceeded(amount, available);
        mintedInEpoch[epoch] = minted + amount;
        emit CreditsMinted(epoch, to, amount);
        _mint(to, amount);
    }

    /// @inheritdoc ICreditToken
    function mintable(uint256 epoch) external view override returns (uint256 amount) {
        return epoch < currentEpoch() ? epochSupply - mintedInEpoch[epoch] : 0;
    }

    /// @inheritdoc ICreditToken
    function burn(uint256 amount) public override(ERC20Burnable, ICreditToken) {
        super.burn(amount);
    }

    /// @inheritdoc ICreditToken
    function burnFrom(address account, uint256 amount) public override(ERC20Burnable, ICreditToken) {
        super.burnFrom(account, amount);
    }

    /// @inheritdoc ICreditToken
    function currentEpoch() public view override returns (uint256 epoch) {
        return (block.timestamp - genesisTime) / EPOCH_SECONDS;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner_) public view override(ERC20Permit, IERC20Permit) returns (uint256 nonce) {
        return super.nonces(owner_);
    }
}
