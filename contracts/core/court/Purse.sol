// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourt} from "../../interfaces/ICourt.sol";
import {IStaking} from "../../interfaces/IStaking.sol";

/// @title Purse
/// @author Shoal
/// @notice The court's money and its hold on stakes: bonds in, credits out, locks and slashes.
/// @dev The token and Staking are the only contracts that are changed from here, and neither calls back. A court that
/// is out of office gets zeros from Staking: nothing here reverts then, so disputes still end. That is why no call is
/// caught: a caught call could be made to fail by whoever gives it too little gas.
abstract contract Purse is ICourt {
    using SafeERC20 for IERC20;

    uint256 private constant _BPS = 10_000;

    /// @inheritdoc ICourt
    address public immutable override creditToken;

    /// @inheritdoc ICourt
    address public immutable override staking;

    /// @inheritdoc ICourt
    mapping(address account => uint256 amount) public override owedTo;

    /// @dev What open disputes want locked of a wallet, together. Slashes can leave Staking with less than this.
    mapping(address wallet => uint256 amount) private _held;

    /// @notice Fixes Staking and the token it uses.
    /// @param staking_ The Staking contract.
    constructor(address staking_) {
        staking = staking_;
        creditToken = IStaking(staking_).creditToken();
    }

    /// @inheritdoc ICourt
    /// @dev The debt is cleared before the token is called.
    function withdraw() external override returns (uint256 amount) {
        amount = owedTo[msg.sender];
        if (amount == 0) revert NothingOwed();
        owedTo[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        IERC20(creditToken).safeTransfer(msg.sender, amount);
    }

    /// @notice Takes tokens from the caller.
    /// @param amount Base units.
    function _pull(uint256 amount) internal {
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Owes an account more.
    /// @param account Who.
    /// @param amount Base units.
    function _credit(address account, uint256 amount) internal {
        if (amount == 0) return;
        owedTo[account] += amount;
        emit Credited(account, amount);
    }

    /// @notice Burns tokens of the court's that nobody is owed.
    /// @param amount Base units.
    function _burn(uint256 amount) internal {
        if (amount != 0) ERC20Burnable(creditToken).burn(amount);
    }

    /// @notice Locks stake for a dispute.
    /// @param wallet Whose.
    /// @param amount Base units wanted.
    /// @return locked Base units locked, to be given to `_unlock` once.
    function _lock(address wallet, uint256 amount) internal returns (uint256 locked) {
        locked = IStaking(staking).lock(wallet, amount);
        _held[wallet] += locked;
    }

    /// @notice Ends a dispute's lock, and sees that what the wallet's other disputes want locked is, as far as there is
    /// stake left: a slash takes from all locks of a wallet, not only from that of its dispute.
    /// @param wallet Whose.
    /// @param locked What `_lock` gave.
    function _unlock(address wallet, uint256 locked) internal {
        uint256 held = _held[wallet] - locked;
        _held[wallet] = held;
        uint256 all = IStaking(staking).lockedOf(wallet);
        if (all > held) IStaking(staking).unlock(wallet, all - held);
        if (all < held) IStaking(staking).lock(wallet, held - all);
    }

    /// @notice Slashes. The bounty is part of the court's balance afterwards.
    /// @dev The bounty is a share of what is there to be taken, not of what was asked for: if it were, somebody whose
    /// stake has shrunk could get all of what is taken back through a challenger of its own.
    /// @param wallet Whose.
    /// @param amount Base units; all there is when there is less.
    /// @param bountyBps Share of what is taken that is not burned, in basis points.
    /// @return taken Base units taken.
    /// @return bounty Base units the court received.
    function _slash(
        address wallet,
        uint256 amount,
        uint256 bountyBps
    ) internal returns (uint256 taken, uint256 bounty) {
        uint256 available = _stakeOf(wallet);
        if (amount > available) amount = available;
        uint256 bountyDown = (amount * bountyBps) / _BPS;
        address bountyTo = bountyDown == 0 ? address(0) : address(this);
        (taken, bounty) = IStaking(staking).slash(wallet, amount, bountyTo, bountyDown);
        if (bounty != 0) IStaking(staking).withdrawBounty();
    }

    /// @notice What can be taken from a wallet.
    /// @param wallet Whose.
    /// @return amount Base units at stake, unbonding included.
    function _stakeOf(address wallet) internal view returns (uint256 amount) {
        (uint256 unbonding, ) = IStaking(staking).unbondingOf(wallet);
        return IStaking(staking).stakeOf(wallet) + unbonding;
    }
}
