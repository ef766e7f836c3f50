// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {HookedToken} from "./HookedToken.sol";

/// @notice The hooked token with the credit token's burning; harmless until it has a hook.
contract BurnableToken is HookedToken {
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }
}
