// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBalances} from "./IBalances.sol";
import {IChannels} from "./IChannels.sol";
import {ITickets} from "./ITickets.sol";

/// @title ISettlement
/// @author Shoal
/// @notice Holds credits as internal balances, and locks parts of them in channels and in deposits for tickets.
///
/// Nobody owns this contract; there is no way to change it or to take what it holds. One account can pause deposits
/// for a while, and nothing else.
interface ISettlement is IBalances, IChannels, ITickets {
    // solhint-disable-previous-line no-empty-blocks
}
