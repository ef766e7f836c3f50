// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Vm} from "./Vm.sol";

/// @notice What Solidity tests share: the cheat codes, assertions that say both values, and bounds for fuzzed inputs.
/// Its functions are internal, so that a handler of an invariant may inherit it and still offer only its own actions.
abstract contract Test {
    /// @notice An assertion failed: what was found, and what it was held against.
    error NotEqual(string what, string found, string expected);
    error NotInOrder(string what, string lower, string upper);
    error NotTrue(string what);

    /// @notice The chain a test begins on. Kept in the code: a compiler may read `block.chainid` later than it is written,
    /// since it cannot change but by a cheat code.
    uint256 internal immutable HOME_CHAIN = block.chainid;

    /// @notice Where the runner answers cheat codes.
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assertTrue(bool condition) internal pure {
        assertTrue(condition, "");
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertFalse(bool condition) internal pure {
        assertTrue(!condition, "");
    }

    function assertFalse(bool condition, string memory what) internal pure {
        assertTrue(!condition, what);
    }

    function assertEq(uint256 found, uint256 expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(uint256 found, uint256 expected, string memory what) internal pure {
        if (found != expected) revert NotEqual(what, Strings.toString(found), Strings.toString(expected));
    }

    function assertEq(address found, address expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(address found, address expected, string memory what) internal pure {
        if (found != expected) revert NotEqual(what, Strings.toHexString(found), Strings.toHexString(expected));
    }

    function assertEq(bytes32 found, bytes32 expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(bytes32 found, bytes32 expected, string memory what) internal pure {
        if (found != expected) {
            revert NotEqual(what, Strings.toHexString(uint256(found), 32), Strings.toHexString(uint256(expected), 32));
        }
    }

    function assertEq(bool found, bool expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(bool found, bool expected, string memory what) internal pure {
        if (found != expected) revert NotEqual(what, found ? "true" : "false", expected ? "true" : "false");
    }

    function assertEq(string memory found, string memory expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(string memory found, string memory expected, string memory what) internal pure {
        if (keccak256(bytes(found)) != keccak256(bytes(expected))) revert NotEqual(what, found, expected);
    }

    function assertEq(bytes memory found, bytes memory expected) internal pure {
        assertEq(found, expected, "");
    }

    function assertEq(bytes memory found, bytes memory expected, string memory what) internal pure {
        if (keccak256(found) != keccak256(expected)) revert NotEqual(what, vm.toString(found), vm.toString(expected));
    }

    function assertNotEq(uint256 found, uint256 unwanted) internal pure {
        assertTrue(found != unwanted, "two equal numbers");
    }

    function assertNotEq(address found, address unwanted) internal pure {
        assertTrue(found != unwanted, "two equal addresses");
    }

    function assertNotEq(bytes32 found, bytes32 unwanted) internal pure {
        assertTrue(found != unwanted, "two equal words");
    }

    function assertLt(uint256 lower, uint256 upper) internal pure {
        assertLt(lower, upper, "");
    }

    function assertLt(uint256 lower, uint256 upper, string memory what) internal pure {
        if (lower >= upper) revert NotInOrder(what, Strings.toString(lower), Strings.toString(upper));
    }

    function assertLe(uint256 lower, uint256 upper) internal pure {
        assertLe(lower, upper, "");
    }

    function assertLe(uint256 lower, uint256 upper, string memory what) internal pure {
        if (lower > upper) revert NotInOrder(what, Strings.toString(lower), Strings.toString(upper));
    }

    function assertGt(uint256 upper, uint256 lower) internal pure {
        assertLt(lower, upper, "");
    }

    function assertGt(uint256 upper, uint256 lower, string memory what) internal pure {
        assertLt(lower, upper, what);
    }

    function assertGe(uint256 upper, uint256 lower) internal pure {
        assertLe(lower, upper, "");
    }

    function assertGe(uint256 upper, uint256 lower, string memory what) internal pure {
        assertLe(lower, upper, what);
    }

    /// @notice Brings a fuzzed number into `[min, max]`; a number already there stays, so that edges are met.
    function bound(uint256 value, uint256 min, uint256 max) internal pure returns (uint256) {
        assertLe(min, max, "bounds");
        if (value >= min && value <= max) return value;
        uint256 size;
        unchecked {
            size = max - min + 1;
        }
        // Numbers near the type's end stand for the upper edge, which a remainder would seldom meet.
        if (type(uint256).max - value < Math.min(size, 4)) return max - (type(uint256).max - value);
        return min + (value % size);
    }

    /// @notice A 65-byte signature, as contracts take it.
    function signed(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @notice Moves the time on.
    function skipTime(uint256 seconds_) internal {
        vm.warp(vm.getBlockTimestamp() + seconds_);
    }
}
