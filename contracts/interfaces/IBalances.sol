// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../libraries/Permits.sol";
import {IDepositPause} from "./IDepositPause.sol";

/// @title IBalances
/// @author Shoal
/// @notice Holds credits as internal balances: what an account deposited or earned and has not locked or withdrawn.
///
/// A pause of deposits, fourteen days at most, stops tokens from being pulled in and nothing else.
interface IBalances is IDepositPause {
    /// @notice Credits came in.
    /// @param account Whose internal balance grew.
    /// @param from Who paid.
    /// @param amount Base units.
    event Deposited(address indexed account, address indexed from, uint256 amount);

    /// @notice Credits went out.
    /// @param account Whose internal balance shrank.
    /// @param to Who received them.
    /// @param amount Base units.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice An address must not be zero.
    error ZeroAddress();

    /// @notice An amount must not be zero.
    error ZeroAmount();

    /// @notice The internal balance is too small.
    /// @param requested Base units asked for.
    /// @param available Base units there.
    error InsufficientBalance(uint256 requested, uint256 available);

    /// @notice A deployment chose a delay that gives payees no time, or locks payers' money for too long.
    /// @param given Seconds chosen.
    /// @param longest Longest that can be chosen.
    error CloseDelayOutOfRange(uint256 given, uint256 longest);

    /// @notice Moves the caller's credits into an internal balance; they must have been approved.
    /// @param account Whose balance grows; not zero.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAddress`, `ZeroAmount`, `DepositsPaused` and the token's errors.
    function deposit(address account, uint256 amount) external;

    /// @notice Deposits with an approval in the same transaction.
    /// @param account Whose balance grows; not zero.
    /// @param amount Base units, more than zero.
    /// @param permit The caller's approval of this contract.
    /// @dev Reverts like `deposit`. A permit that somebody else has already submitted does no harm.
    function depositWithPermit(address account, uint256 amount, Permit calldata permit) external;

    /// @notice Pays out of the caller's internal balance.
    /// @param to Who receives the credits; not zero.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAddress`, `ZeroAmount`, `InsufficientBalance`.
    function withdraw(address to, uint256 amount) external;

    /// @notice The token held here.
    /// @return token Address of the credit token.
    function creditToken() external view returns (address token);

    /// @notice How long a payee can claim after its payer announced that it takes locked money back. Never changes.
    /// @return delay Seconds.
    function closeDelay() external view returns (uint256 delay);

    /// @notice Credits of an account that are not locked.
    /// @param account Any account.
    /// @return amount Base units.
    function balanceOf(address account) external view returns (uint256 amount);
}
