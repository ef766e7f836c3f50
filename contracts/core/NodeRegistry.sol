// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {Permit, Permits} from "../libraries/Permits.sol";

/// @title NodeRegistry
/// @author Shoal
/// @notice See {INodeRegistry}.
/// @dev Checks, then effects, then interactions in every function: a token that called back would find the books
/// already written. The token is the credit token; one that takes a fee on transfers would break the books.
contract NodeRegistry is INodeRegistry {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice What a wallet has here. One slot.
    /// @param staked Base units at stake.
    /// @param unbonding Base units on the way out.
    /// @param withdrawableAt When they can be withdrawn, in seconds since the Unix epoch; 0 when there are none.
    struct Stake {
        uint96 staked;
        uint96 unbonding;
        uint48 withdrawableAt;
    }

    /// @inheritdoc INodeRegistry
    address public immutable override creditToken;

    /// @inheritdoc INodeRegistry
    uint256 public immutable override unbondingDelay;

    /// @inheritdoc INodeRegistry
    mapping(address wallet => bytes32 nodeKey) public override nodeKeyOf;

    mapping(address wallet => Stake stake) private _stakes;

    /// @notice Fixes the token and the delay.
    /// @param creditToken_ The token that is staked.
    /// @param unbondingDelay_ Seconds that stake stays at risk after it began to unbond.
    constructor(address creditToken_, uint256 unbondingDelay_) {
        if (creditToken_ == address(0)) revert ZeroToken();
        creditToken = creditToken_;
        unbondingDelay = unbondingDelay_;
    }

    /// @inheritdoc INodeRegistry
    function bind(bytes32 nodeKey) external override {
        if (nodeKey == bytes32(0)) revert ZeroNodeKey();
        bytes32 previous = nodeKeyOf[msg.sender];
        nodeKeyOf[msg.sender] = nodeKey;
        emit NodeKeyBound(msg.sender, nodeKey, previous);
    }

    /// @inheritdoc INodeRegistry
    function stake(uint256 amount) external override {
        _stake(amount);
    }

    /// @inheritdoc INodeRegistry
    function stakeWithPermit(uint256 amount, Permit calldata permit) external override {
        Permits.tryPermit(IERC20(creditToken), msg.sender, permit);
        _stake(amount);
    }

    /// @inheritdoc INodeRegistry
    function startUnbonding(uint256 amount) external override {
        if (amount == 0) revert ZeroAmount();
        Stake storage own = _stakes[msg.sender];
        uint256 staked = own.staked;
        if (amount > staked) revert InsufficientStake(amount, staked);
        uint256 total = own.unbonding + amount;
        uint256 withdrawableAt = block.timestamp + unbondingDelay;
        own.staked = (staked - amount).toUint96();
        own.unbonding = total.toUint96();
        own.withdrawableAt = withdrawableAt.toUint48();
        emit UnbondingStarted(msg.sender, amount, total, withdrawableAt);
    }

    /// @inheritdoc INodeRegistry
    function cancelUnbonding() external override {
        Stake storage own = _stakes[msg.sender];
        uint96 amount = own.unbonding;
        if (amount == 0) revert NothingUnbonding();
        own.staked += amount;
        own.unbonding = 0;
        own.withdrawableAt = 0;
        emit UnbondingCancelled(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function withdrawUnbonded() external override returns (uint256 amount) {
        Stake storage own = _stakes[msg.sender];
        amount = own.unbonding;
        uint256 withdrawableAt = own.withdrawableAt;
        if (amount == 0) revert NothingUnbonding();
        if (block.timestamp < withdrawableAt) revert StillUnbonding(withdrawableAt);
        own.unbonding = 0;
        own.withdrawableAt = 0;
        emit UnbondedWithdrawn(msg.sender, amount);
        IERC20(creditToken).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function stakeOf(address wallet) external view override returns (uint256 amount) {
        return _stakes[wallet].staked;
    }

    /// @inheritdoc INodeRegistry
    function unbondingOf(address wallet) external view override returns (uint256 amount, uint256 withdrawableAt) {
        Stake storage own = _stakes[wallet];
        return (own.unbonding, own.withdrawableAt);
    }

    /// @notice Adds to the caller's stake.
    /// @param amount Base units, more than zero.
    function _stake(uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        Stake storage own = _stakes[msg.sender];
        uint256 total = own.staked + amount;
        own.staked = total.toUint96();
        emit Staked(msg.sender, amount, total);
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), amount);
    }
}
