// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice An ERC-2612 approval of the called contract by the caller.
/// @param value Allowance the signature sets, in base units; may be larger than what the call spends.
/// @param deadline Last second, since the Unix epoch, at which the signature is valid.
/// @param v Recovery id, 27 or 28.
/// @param r First half of the signature.
/// @param s Second half of the signature.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title Permits
/// @author Shoal
/// @notice Uses a permit without letting others block the call that carries it.
library Permits {
    /// @notice Submits the permit and goes on whatever its outcome.
    /// @dev Anyone who sees a permit in the mempool can submit it first, which makes a second submission revert
    /// although the allowance is there. What decides is the transfer that follows: without an allowance it reverts
    /// with the token's own error.
    /// @param token ERC-20 token with ERC-2612 permits.
    /// @param owner Account whose tokens the permit releases.
    /// @param permit Signature and what it covers.
    function tryPermit(IERC20 token, address owner, Permit calldata permit) internal {
        // solhint-disable no-empty-blocks
        try
            IERC20Permit(address(token)).permit({
                owner: owner,
                spender: address(this),
                value: permit.value,
                deadline: permit.deadline,
                v: permit.v,
                r: permit.r,
                s: permit.s
            })
        {} catch {}
        // solhint-enable no-empty-blocks
    }
}
