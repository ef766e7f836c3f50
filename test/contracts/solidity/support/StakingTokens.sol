// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";

/// @notice A token that anybody can have, with the credit token's burning.
contract FreeToken is ERC20Burnable {
    constructor() ERC20("Free", "FREE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice What a contract called by a token in the middle of its transfers does.
interface ITokenHook {
    function onTokenMoved() external;
}

/// @notice A token that calls one contract whenever tokens move, before the balances have changed, as ERC-777 did.
contract HookToken is FreeToken {
    ITokenHook private _hook;
    bool private _calling;

    function setHook(ITokenHook hook) external {
        _hook = hook;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (address(_hook) != address(0) && !_calling) {
            _calling = true;
            _hook.onTokenMoved();
            _calling = false;
        }
        super._update(from, to, value);
    }
}
