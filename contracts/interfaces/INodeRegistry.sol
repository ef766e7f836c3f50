// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../libraries/Permits.sol";

/// @title INodeRegistry
/// @author Shoal
/// @notice Each wallet says which node key is its own, and bonds a stake.
///
/// A binding is one half of a pair. It can be looked up from wallet to node key only, because anyone can declare
/// any key: a lookup from key to wallet would let a stranger occupy somebody else's key. Peers believe a pair only
/// when the node key has also signed the wallet's address, off chain; then neither side can claim the other alone.
interface INodeRegistry {
    /// @notice A wallet declared its node key.
    /// @param wallet The wallet.
    /// @param nodeKey Its node key from now on.
    /// @param previousNodeKey What it was before; zero the first time.
    event NodeKeyBound(address indexed wallet, bytes32 indexed nodeKey, bytes32 previousNodeKey);

    /// @notice A wallet added to its stake.
    /// @param wallet The wallet.
    /// @param amount Base units added.
    /// @param total Its stake now, without what is unbonding.
    event Staked(address indexed wallet, uint256 amount, uint256 total);

    /// @notice A wallet began to take stake out.
    /// @param wallet The wallet.
    /// @param amount Base units that left the stake.
    /// @param total All that is unbonding now.
    /// @param withdrawableAt When all of it can be withdrawn, in seconds since the Unix epoch.
    event UnbondingStarted(address indexed wallet, uint256 amount, uint256 total, uint256 withdrawableAt);

    /// @notice A wallet put everything that was unbonding back into its stake.
    /// @param wallet The wallet.
    /// @param amount Base units put back.
    event UnbondingCancelled(address indexed wallet, uint256 amount);

    /// @notice A wallet was paid what it had unbonded.
    /// @param wallet The wallet.
    /// @param amount Base units paid.
    event UnbondedWithdrawn(address indexed wallet, uint256 amount);

    /// @notice Zero is no node key.
    error ZeroNodeKey();

    /// @notice The token must be a contract's address.
    error ZeroToken();

    /// @notice The amount must not be zero.
    error ZeroAmount();

    /// @notice The stake is smaller than what was asked to leave it.
    /// @param requested Base units asked for.
    /// @param available Base units at stake.
    error InsufficientStake(uint256 requested, uint256 available);

    /// @notice Nothing is unbonding.
    error NothingUnbonding();

    /// @notice The unbonding delay has not passed.
    /// @param withdrawableAt When it will have, in seconds since the Unix epoch.
    error StillUnbonding(uint256 withdrawableAt);

    /// @notice Declares the caller's node key, in place of any before: this is also how a lost or leaked key is
    /// replaced. Binding the same key again changes nothing.
    /// @param nodeKey Ed25519 public key, 32 bytes, not zero.
    /// @dev Reverts with `ZeroNodeKey`.
    function bind(bytes32 nodeKey) external;

    /// @notice Adds to the caller's stake; the credits must have been approved.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAmount` and the token's errors.
    function stake(uint256 amount) external;

    /// @notice Adds to the caller's stake with an approval in the same transaction.
    /// @param amount Base units, more than zero.
    /// @param permit The caller's approval of this contract.
    /// @dev Reverts like `stake`. A permit that somebody else has already submitted does no harm.
    function stakeWithPermit(uint256 amount, Permit calldata permit) external;

    /// @notice Begins to take stake out. It joins what is already unbonding, and the delay begins anew for all of it.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAmount`, `InsufficientStake`.
    function startUnbonding(uint256 amount) external;

    /// @notice Puts everything that is unbonding back into the stake.
    /// @dev Reverts with `NothingUnbonding`.
    function cancelUnbonding() external;

    /// @notice Pays the caller what it unbonded, once the delay has passed.
    /// @return amount Base units paid.
    /// @dev Reverts with `NothingUnbonding`, `StillUnbonding`.
    function withdrawUnbonded() external returns (uint256 amount);

    /// @notice The token that is staked.
    /// @return token Address of the credit token.
    function creditToken() external view returns (address token);

    /// @notice How long stake stays at risk after it began to unbond. Never changes.
    /// @return delay Seconds.
    function unbondingDelay() external view returns (uint256 delay);

    /// @notice The node key a wallet declared.
    /// @param wallet Any wallet.
    /// @return nodeKey Ed25519 public key; zero when it declared none.
    function nodeKeyOf(address wallet) external view returns (bytes32 nodeKey);

    /// @notice A wallet's stake, without what is unbonding.
    /// @param wallet Any wallet.
    /// @return amount Base units.
    function stakeOf(address wallet) external view returns (uint256 amount);

    /// @notice What a wallet is taking out.
    /// @param wallet Any wallet.
    /// @return amount Base units.
    /// @return withdrawableAt When it can be withdrawn, in seconds since the Unix epoch; 0 when nothing is unbonding.
    function unbondingOf(address wallet) external view returns (uint256 amount, uint256 withdrawableAt);
}
