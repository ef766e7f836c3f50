// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IBalances} from "../../interfaces/IBalances.sol";
import {ITransferAuthorizations} from "../../interfaces/ITransferAuthorizations.sol";
import {Authorization} from "../../libraries/Authorizations.sol";
import {Permit, Permits} from "../../libraries/Permits.sol";
import {DepositPause} from "../DepositPause.sol";

/// @title Balances
/// @author Shoal
/// @notice See {IBalances}.
/// @dev The only code of Settlement that calls the token. Contracts that inherit it move money by `_credit`, `_debit`
/// and `_debitOrPull`, and call `_debitOrPull` last: the transfer in it is the interaction.
abstract contract Balances is IBalances, DepositPause {
    using SafeERC20 for IERC20;

    /// @notice Longest `closeDelay` a deployment can choose, in seconds.
    uint256 public constant MAX_CLOSE_DELAY = 30 days;

    /// @inheritdoc IBalances
    address public immutable override creditToken;

    /// @inheritdoc IBalances
    uint256 public immutable override closeDelay;

    /// @inheritdoc IBalances
    mapping(address account => uint256 amount) public override balanceOf;

    /// @notice Fixes the token and the delay.
    /// @param creditToken_ The token held here.
    /// @param closeDelay_ Seconds a payee can claim after its payer announced that it takes locked money back.
    constructor(address creditToken_, uint256 closeDelay_) {
        if (creditToken_ == address(0)) revert ZeroAddress();
        if (closeDelay_ == 0 || closeDelay_ > MAX_CLOSE_DELAY)
            revert CloseDelayOutOfRange(closeDelay_, MAX_CLOSE_DELAY);
        creditToken = creditToken_;
        closeDelay = closeDelay_;
    }

    /// @inheritdoc IBalances
    function deposit(address account, uint256 amount) external override {
        _deposit(account, amount);
    }

    /// @inheritdoc IBalances
    function depositWithPermit(address account, uint256 amount, Permit calldata permit) external override {
        _usePermit(permit);
        _deposit(account, amount);
    }

    /// @inheritdoc IBalances
    function withdraw(address to, uint256 amount) external override {
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _debit(amount);
        emit Withdrawn(msg.sender, to, amount);
        IERC20(creditToken).safeTransfer(to, amount);
    }

    /// @notice Adds to an internal balance what was locked or debited before.
    /// @param account Whose balance grows.
    /// @param amount Base units.
    function _credit(address account, uint256 amount) internal {
        balanceOf[account] += amount;
    }

    /// @notice Takes from the caller's internal balance.
    /// @param amount Base units.
    function _debit(uint256 amount) internal {
        uint256 available = balanceOf[msg.sender];
        if (amount > available) revert InsufficientBalance(amount, available);
        unchecked {
            balanceOf[msg.sender] = available - amount;
        }
    }

    /// @notice Takes from the caller's internal balance, and what it lacks from the caller's tokens.
    /// @param amount Base units.
    /// @dev Called last: the transfer is the interaction. Only what is pulled asks whether deposits are paused.
    function _debitOrPull(uint256 amount) internal {
        uint256 available = balanceOf[msg.sender];
        if (amount > available) {
            if (available != 0) balanceOf[msg.sender] = 0;
            _pull(msg.sender, amount - available);
        } else {
            _debit(amount);
        }
    }

    /// @notice Takes tokens of who signed for them; the books are the callers' part.
    /// @param from Who signed, and whose deposit it is.
    /// @param amount Base units.
    /// @param nonce Of the authorisation.
    /// @param authorization When it counts, and the signature.
    /// @dev Called last, as `_debitOrPull`.
    function _pullAuthorized(
        address from,
        uint256 amount,
        bytes32 nonce,
        Authorization calldata authorization
    ) internal {
        _requireDepositsOpen();
        emit Deposited(from, from, amount);
        ITransferAuthorizations(creditToken).receiveWithAuthorization({
            from: from,
            to: address(this),
            value: amount,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            nonce: nonce,
            signature: authorization.signature
        });
    }

    /// @notice Uses the caller's permit, if it is still to be used.
    /// @param permit The caller's approval of this contract.
    function _usePermit(Permit calldata permit) internal {
        Permits.tryPermit(IERC20(creditToken), msg.sender, permit);
    }

    /// @notice Credits an account and takes the amount from the caller.
    /// @param account Whose balance grows.
    /// @param amount Base units.
    function _deposit(address account, uint256 amount) private {
        if (account == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _credit(account, amount);
        _pull(account, amount);
    }

    /// @notice Takes tokens from the caller; the books are the callers' part.
    /// @param account Whose deposit it is.
    /// @param amount Base units.
    function _pull(address account, uint256 amount) private {
        _requireDepositsOpen();
        emit Deposited(account, msg.sender, amount);
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), amount);
    }
}
