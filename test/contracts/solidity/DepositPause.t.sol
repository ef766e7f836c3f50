// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {DepositPause} from "../../../contracts/core/DepositPause.sol";
import {EmergencyPause} from "../../../contracts/governance/EmergencyPause.sol";
import {IDepositPause} from "../../../contracts/interfaces/IDepositPause.sol";
import {IEmergencyPause} from "../../../contracts/interfaces/IEmergencyPause.sol";
import {Test} from "./support/Test.sol";

/// @notice A box with a door that can be paused and one that can not.
contract Box is DepositPause {
    uint256 public inside;

    constructor(address pauser_) DepositPause(pauser_) {}

    function put(uint256 amount) external {
        _requireDepositsOpen();
        inside += amount;
    }

    function take(uint256 amount) external {
        inside -= amount;
    }
}

/// @notice Refuses to be paused or resumed, and burns what gas it gets.
contract Stubborn {
    address public immutable pauser;

    constructor(address pauser_) {
        pauser = pauser_;
    }

    function pauseDeposits() external pure {
        assembly {
            invalid()
        }
    }

    function resumeDeposits() external pure {
        revert("no");
    }
}

/// @notice Pauses and resumes when the fuzzer says so, and writes down each span in which deposits were closed.
contract Pauser is Test {
    struct Span {
        uint256 from;
        uint256 to;
    }

    Box public immutable box = new Box(address(this));
    Span[] public spans;

    function pause(uint256 wait) external {
        skipTime(bound(wait, 0, 40 days));
        uint256 time = vm.getBlockTimestamp();
        try box.pauseDeposits() {
            if (spans.length != 0 && spans[spans.length - 1].to > time) spans[spans.length - 1].to = time;
            spans.push(Span(time, box.depositsPausedUntil()));
        } catch {}
    }

    function resume(uint256 wait) external {
        skipTime(bound(wait, 0, 20 days));
        box.resumeDeposits();
        if (spans.length != 0) spans[spans.length - 1].to = box.depositsPausedUntil();
    }

    function spanCount() external view returns (uint256) {
        return spans.length;
    }
}

contract DepositPauseTest is Test {
    Pauser private pauser;

    function setUp() external {
        vm.warp(1_800_000_000);
        pauser = new Pauser();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(pauser);
    }

    /// @notice Of any 28 days, deposits are closed for 14 at most. The worst window begins with a span.
    function invariant_neverMoreThanHalfTheTime() external view {
        uint256 count = pauser.spanCount();
        for (uint256 first = 0; first < count; ++first) {
            (uint256 start, ) = pauser.spans(first);
            uint256 end = start + 28 days;
            uint256 closed = 0;
            for (uint256 index = first; index < count; ++index) {
                (uint256 from, uint256 to) = pauser.spans(index);
                if (from >= end) break;
                closed += (to < end ? to : end) - from;
            }
            assertLe(closed, 14 days, "closed within 28 days");
        }
    }

    /// @notice The end that is stored is the end of the last span: nothing moves it but pause and resume.
    function invariant_theEndIsTheLastSpans() external view {
        uint256 count = pauser.spanCount();
        if (count == 0) return;
        (, uint256 to) = pauser.spans(count - 1);
        assertEq(pauser.box().depositsPausedUntil(), to);
    }

    function testFuzz_closedFor14Days(uint256 time, uint256 wait) external {
        Box box = new Box(address(this));
        vm.warp(bound(time, 1, type(uint40).max));
        box.pauseDeposits();
        box.resumeDeposits();
        skipTime(14 days);
        box.pauseDeposits();
        uint256 until = vm.getBlockTimestamp() + 14 days;
        skipTime(bound(wait, 0, 28 days));
        if (vm.getBlockTimestamp() < until) {
            vm.expectRevert(abi.encodeWithSelector(IDepositPause.DepositsPaused.selector, until));
        }
        box.put(1);
    }

    function testFuzz_refusedBefore14DaysOfOpenDeposits(uint256 resumeAfter, uint256 wait) external {
        Box box = new Box(address(this));
        box.pauseDeposits();
        skipTime(bound(resumeAfter, 0, 20 days));
        box.resumeDeposits();
        uint256 earliest = uint256(box.depositsPausedUntil()) + 14 days;
        skipTime(bound(wait, 0, 30 days));
        if (vm.getBlockTimestamp() < earliest) {
            vm.expectRevert(abi.encodeWithSelector(IDepositPause.PauseTooSoon.selector, earliest));
        }
        box.pauseDeposits();
    }

    function testFuzz_neverHoldsUpWhatIsInside(uint256 wait) external {
        Box box = new Box(address(this));
        box.put(5);
        box.pauseDeposits();
        skipTime(bound(wait, 0, 14 days));
        box.take(5);
        assertEq(box.inside(), 0);
    }

    function testFuzz_refusedToOthers(address other) external {
        vm.assume(other != address(this));
        Box box = new Box(address(this));
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IDepositPause.OnlyPauser.selector, address(this)));
        box.pauseDeposits();
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IDepositPause.OnlyPauser.selector, address(this)));
        box.resumeDeposits();
    }

    function test_theFirstPauseNeedsNoWait() external {
        vm.warp(1);
        Box box = new Box(address(this));
        box.pauseDeposits();
        assertEq(box.depositsPausedUntil(), 14 days + 1);
    }

    function test_withoutAPauserNobodyCanPause() external {
        Box box = new Box(address(0));
        vm.expectRevert(abi.encodeWithSelector(IDepositPause.OnlyPauser.selector, address(0)));
        box.pauseDeposits();
    }

    function test_stubbornTargetsHoldUpNobody() external {
        EmergencyPause emergency = new EmergencyPause(address(this), address(0));
        Stubborn stubborn = new Stubborn(address(emergency));
        emergency.addTarget(address(stubborn));
        vm.expectRevert(IEmergencyPause.NothingPaused.selector);
        emergency.pause{gas: 1_000_000}();
        Box box = new Box(address(emergency));
        emergency.addTarget(address(box));
        assertEq(emergency.pause{gas: 10_000_000}(), 1);
        vm.expectEmit(address(emergency));
        emit IEmergencyPause.TargetSkipped(address(stubborn), abi.encodeWithSignature("Error(string)", "no"));
        vm.expectEmit(address(emergency));
        emit IEmergencyPause.TargetResumed(address(box), address(this));
        emergency.resume();
        box.put(1);
    }
}
