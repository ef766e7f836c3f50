// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice Hears of every movement of the token, in its middle.
interface IHook {
    function onMove() external;
}

/// @notice A token that anyone can mint, and that can call somebody before and after each movement, as a malicious one
/// would.
contract HookedToken is ERC20, ERC20Permit {
    address private hook;

    constructor() ERC20("Token", "T") ERC20Permit("Token") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setHook(address hook_) external {
        hook = hook_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (hook != address(0)) IHook(hook).onMove();
        super._update(from, to, amount);
        if (hook != address(0)) IHook(hook).onMove();
    }
}
