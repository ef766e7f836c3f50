// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Test} from "./support/Test.sol";

/// @notice The tests' own tools: a check that cannot fail would be none.
contract SupportTest is Test {
    uint256 private immutable startedAt = block.timestamp;

    function testFuzz_boundStaysInside(uint256 value, uint256 min, uint256 max) external pure {
        vm.assume(min <= max);
        uint256 result = bound(value, min, max);
        assertLe(min, result, "below");
        assertLe(result, max, "above");
        if (value >= min && value <= max) assertEq(result, value, "moved without need");
    }

    function test_boundMeetsTheUpperEdge() external pure {
        assertEq(bound(type(uint256).max, 3, 9), 9);
        assertEq(bound(type(uint256).max, 5, 5), 5);
        assertEq(bound(10, 0, 9), 0);
    }

    function test_assertionsFail() external {
        vm.expectRevert(abi.encodeWithSelector(NotTrue.selector, "why"));
        this.check(false);
        vm.expectRevert(abi.encodeWithSelector(NotEqual.selector, "sum", "1", "2"));
        this.equal(1, 2);
        vm.expectRevert(abi.encodeWithSelector(NotInOrder.selector, "", "3", "2"));
        this.inOrder(3, 2);
    }

    function test_signedRecovers() external pure {
        bytes32 digest = keccak256("digest");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(7, digest);
        assertEq(signed(7, digest), abi.encodePacked(r, s, v));
        assertEq(ecrecover(digest, v, r, s), vm.addr(7));
    }

    function test_skipTime() external {
        skipTime(1 days);
        skipTime(1 days);
        assertEq(block.timestamp, startedAt + 2 days);
    }

    function test_cheatCodes() external {
        vm.roll(500);
        assertEq(vm.getBlockNumber(), 500);
        vm.setBlockhash(499, keccak256("hash"));
        assertEq(blockhash(499), keccak256("hash"));
        uint256 snapshot = vm.snapshotState();
        vm.deal(address(1), 5);
        assertEq(address(1).balance, 5);
        assertTrue(vm.revertToState(snapshot));
        vm.recordLogs();
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function check(bool condition) external pure {
        assertTrue(condition, "why");
    }

    function equal(uint256 found, uint256 expected) external pure {
        assertEq(found, expected, "sum");
    }

    function inOrder(uint256 lower, uint256 upper) external pure {
        assertLe(lower, upper);
    }
}
