// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ISettlement} from "../interfaces/ISettlement.sol";
import {DepositPause} from "./DepositPause.sol";
import {Balances} from "./settlement/Balances.sol";
import {Channels} from "./settlement/Channels.sol";
import {Tickets} from "./settlement/Tickets.sol";

/// @title Settlement
/// @author Shoal
/// @notice See {ISettlement}.
/// @dev Checks, then effects, then interactions in every function: the books are written before the token moves. A
/// permit is used first of all, when nothing has been read yet. Besides the token only Staking, and signers and payees
/// that are contracts, are called, by `staticcall`, while what they signed is checked. At all times the token balance
/// of this contract is at least the sum of the internal balances, of `deposit - claimed` over the channels that are not
/// closed, and of `deposit + reserve` over the ticket deposits; it is more only by what somebody sent here without a
/// deposit, which stays. A token that takes a fee on transfers would break this.
contract Settlement is ISettlement, Channels, Tickets {
    /// @notice Fixes what Settlement depends on, for ever.
    /// @param creditToken_ The token held here.
    /// @param staking_ Says who is an active Provider.
    /// @param pauser_ Who can pause deposits; zero for nobody.
    /// @param closeDelay_ Seconds a payee can claim after its payer announced that it takes locked money back.
    constructor(
        address creditToken_,
        address staking_,
        address pauser_,
        uint256 closeDelay_
    ) EIP712("Shoal Settlement", "1") DepositPause(pauser_) Balances(creditToken_, closeDelay_) Tickets(staking_) {}
}
