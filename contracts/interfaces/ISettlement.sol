// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBalances} from "./IBalances.sol";
import {IChannels} from "./IChannels.sol";

/// @title ISettlement
/// @author Shoal
/// @notice Holds credits as internal balances, and locks parts of them in channels.
///
/// Nobody owns this contract; there is no way to change it or to take what it holds. One account can pause deposits
/// for a while, and nothing else.
interface ISettlement is IBalances, IChannels {
    /// @notice Where it is asked who is an active Provider.
    /// @return contractAddress Address of the Staking contract.
    function staking() external view returns (address contractAddress);
}
