// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {ICreditToken} from "../interfaces/ICreditToken.sol";

/// @title CreditToken
/// @author Shoal
/// @notice See {ICreditToken}.
contract CreditToken is ERC20, ERC20Permit, Ownable2Step, ICreditToken {
    /// @notice Length of an epoch, in seconds.
    uint256 public constant EPOCH_SECONDS = 30 days;

    /// @inheritdoc ICreditToken
    uint256 public immutable override epochSupply;

    /// @inheritdoc ICreditToken
    uint256 public immutable override genesisTime;

    /// @inheritdoc ICreditToken
    mapping(uint256 epoch => uint256 amount) public override mintedInEpoch;

    /// @notice Begins epoch 0.
    /// @param owner_ Account that may mint; ownership passes in two steps.
    /// @param epochSupply_ Base units that can be minted in one epoch, not zero.
    constructor(
        address owner_,
        uint256 epochSupply_
    ) ERC20("Shoal Credit", "SHC") ERC20Permit("Shoal Credit") Ownable(owner_) {
        if (epochSupply_ == 0) revert ZeroEpochSupply();
        epochSupply = epochSupply_;
        genesisTime = block.timestamp;
    }

    /// @inheritdoc ICreditToken
    function mint(address to, uint256 amount) external override onlyOwner {
        uint256 available = mintable();
        if (amount > available) revert EpochSupplyExceeded(amount, available);
        uint256 epoch = currentEpoch();
        mintedInEpoch[epoch] += amount;
        emit CreditsMinted(epoch, to, amount);
        _mint(to, amount);
    }

    /// @inheritdoc ICreditToken
    function currentEpoch() public view override returns (uint256 epoch) {
        return (block.timestamp - genesisTime) / EPOCH_SECONDS;
    }

    /// @inheritdoc ICreditToken
    function mintable() public view override returns (uint256 amount) {
        return epochSupply - mintedInEpoch[currentEpoch()];
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner_) public view override(ERC20Permit, IERC20Permit) returns (uint256 nonce) {
        return super.nonces(owner_);
    }
}
