// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Staking} from "../../../contracts/core/Staking.sol";
import {IDepositPause} from "../../../contracts/interfaces/IDepositPause.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {BurnableToken} from "./support/BurnableToken.sol";
import {IHook} from "./support/HookedToken.sol";
import {Test} from "./support/Test.sol";
import {Vm} from "./support/Vm.sol";

uint256 constant CREDIT = 1e18;
uint256 constant MIN_DELAY = 2 days;
uint256 constant DELAY = 3 days;

function defaultMinimums() pure returns (IStaking.MinimumStakes memory minimums) {
    return
        IStaking.MinimumStakes({
            validator: uint80(10_000 * CREDIT),
            provider: uint80(10_000 * CREDIT),
            orchestrator: uint80(5_000 * CREDIT)
        });
}

/// @notice The runner's look at which slots are read.
interface StorageWatch {
    function record() external;
    function accesses(address target) external returns (bytes32[] memory reads, bytes32[] memory writes);
}

/// @notice Staking with a token anyone can mint; this contract is owner and pauser.
abstract contract StakingFixture is Test {
    BurnableToken internal token;
    Staking internal staking;
    address internal constant COURT = address(0xC0);
    address internal constant ALICE = address(0xA1);
    address internal constant BOB = address(0xB0);

    function deploy(BurnableToken token_) internal {
        vm.warp(1_800_000_000);
        token = token_;
        staking = new Staking({
            creditToken_: address(token_),
            owner_: address(this),
            pauser_: address(this),
            minUnbondingDelay_: MIN_DELAY,
            unbondingDelay_: DELAY,
            minimums: defaultMinimums()
        });
        staking.announceCourt(COURT);
    }

    function stakeAs(address wallet, uint256 amount) internal {
        token.mint(wallet, amount);
        vm.startPrank(wallet);
        token.approve(address(staking), amount);
        staking.stake(amount);
        vm.stopPrank();
    }

    function totalOf(address wallet) internal view returns (uint256) {
        (uint256 unbonding, ) = staking.unbondingOf(wallet);
        return staking.stakeOf(wallet) + unbonding;
    }
}

contract StakingTest is StakingFixture {
    function setUp() public {
        deploy(new BurnableToken());
    }

    function testFuzz_UnbondingPaysAfterTheDelayAndNotBefore(uint96 staked, uint96 amount, uint32 early) public {
        staked = uint96(bound(staked, 1, type(uint96).max));
        amount = uint96(bound(amount, 1, staked));
        early = uint32(bound(early, 1, DELAY));
        stakeAs(ALICE, staked);
        vm.startPrank(ALICE);
        staking.startUnbonding(amount);
        uint256 date = block.timestamp + DELAY;
        vm.warp(date - early);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StillUnbonding.selector, date));
        staking.withdrawUnbonded();
        vm.warp(date);
        assertEq(staking.withdrawUnbonded(), amount);
        assertEq(token.balanceOf(ALICE), amount);
        assertEq(staking.stakeOf(ALICE), staked - amount);
    }

    function testFuzz_AddingToWhatUnbondsBeginsTheDelayAnew(uint96 first, uint96 second, uint32 between) public {
        first = uint96(bound(first, 1, type(uint96).max / 2));
        second = uint96(bound(second, 1, type(uint96).max / 2));
        between = uint32(bound(between, 0, 10 * DELAY));
        stakeAs(ALICE, uint256(first) + second);
        vm.startPrank(ALICE);
        staking.startUnbonding(first);
        skipTime(between);
        staking.startUnbonding(second);
        (uint256 amount, uint256 date) = staking.unbondingOf(ALICE);
        assertEq(amount, uint256(first) + second);
        assertEq(date, vm.getBlockTimestamp() + DELAY);
    }

    function testFuzz_StakeAndWhatUnbondsFitTogether(uint96 first, uint96 unbonding, uint256 more) public {
        first = uint96(bound(first, 1, type(uint96).max));
        unbonding = uint96(bound(unbonding, 1, first));
        stakeAs(ALICE, first);
        vm.prank(ALICE);
        staking.startUnbonding(unbonding);
        uint256 room = type(uint96).max - first;
        more = bound(more, 1, type(uint128).max);
        token.mint(ALICE, more);
        vm.startPrank(ALICE);
        token.approve(address(staking), more);
        if (more > room) vm.expectRevert();
        staking.stake(more);
        // What is there can always come back.
        staking.cancelUnbonding();
        assertEq(staking.stakeOf(ALICE), more > room ? first : first + more);
    }

    function testFuzz_SlashTakesFromStakeThenUnbondingNeverMoreThanAsked(
        uint96 staked,
        uint96 unbonding,
        uint256 amount,
        uint256 bountyMax
    ) public {
        staked = uint96(bound(staked, 1, type(uint96).max / 2));
        unbonding = uint96(bound(unbonding, 0, staked));
        uint256 other = 77 * CREDIT;
        stakeAs(ALICE, staked);
        stakeAs(BOB, other);
        if (unbonding > 0) {
            vm.prank(ALICE);
            staking.startUnbonding(unbonding);
        }
        vm.prank(COURT);
        (uint256 taken, uint256 bounty) = staking.slash(ALICE, amount, BOB, bountyMax);

        uint256 left = staked - unbonding;
        assertEq(taken, Math.min(amount, staked), "taken");
        assertEq(bounty, Math.min(bountyMax, taken), "bounty");
        assertEq(staking.bountyOf(BOB), bounty);
        assertEq(staking.stakeOf(ALICE), Math.saturatingSub(left, taken), "staked");
        (uint256 stillUnbonding, uint256 date) = staking.unbondingOf(ALICE);
        assertEq(stillUnbonding, unbonding - Math.saturatingSub(taken, left), "unbonding");
        assertEq(date == 0, stillUnbonding == 0, "date");
        assertEq(staking.stakeOf(BOB), other, "another's stake");
        assertEq(staking.getVotes(ALICE), staking.stakeOf(ALICE), "votes");
        assertEq(token.totalSupply(), staked + other - (taken - bounty), "burned");
        assertEq(token.balanceOf(address(staking)), staked + other - (taken - bounty), "held");
        assertEq(staking.lastSlashedAt(ALICE), block.timestamp);
        assertEq(staking.slashedTotalOf(ALICE), taken);
    }

    function testFuzz_LockedStakeCannotLeave(uint96 staked, uint96 unbonding, uint256 wanted, uint256 released) public {
        staked = uint96(bound(staked, 1, type(uint96).max));
        unbonding = uint96(bound(unbonding, 1, staked));
        stakeAs(ALICE, staked);
        vm.prank(COURT);
        uint256 locked = staking.lock(ALICE, wanted);
        assertEq(locked, Math.min(wanted, staked));
        vm.prank(ALICE);
        staking.startUnbonding(unbonding);
        skipTime(DELAY);
        uint256 free = Math.min(unbonding, staked - locked);
        vm.prank(ALICE);
        if (free == 0) {
            vm.expectRevert(abi.encodeWithSelector(IStaking.WithdrawalLocked.selector, locked));
            staking.withdrawUnbonded();
        } else {
            assertEq(staking.withdrawUnbonded(), free);
        }
        assertLe(locked, totalOf(ALICE));

        released = bound(released, 0, locked);
        vm.prank(COURT);
        assertEq(staking.unlock(ALICE, released), released);
        uint256 freed = Math.min(unbonding - free, totalOf(ALICE) - (locked - released));
        if (freed > 0) {
            vm.prank(ALICE);
            assertEq(staking.withdrawUnbonded(), freed);
        }
        assertEq(token.balanceOf(ALICE), free + freed);
    }

    function testFuzz_ASlashUsesUpTheLockItWasMadeFor(
        uint96 staked,
        uint96 first,
        uint96 second,
        uint96 slashed
    ) public {
        staked = uint96(bound(staked, 2, type(uint96).max));
        first = uint96(bound(first, 1, staked - 1));
        second = uint96(bound(second, 1, staked - first));
        slashed = uint96(bound(slashed, 1, first));
        stakeAs(ALICE, staked);
        vm.startPrank(COURT);
        staking.lock(ALICE, first);
        staking.lock(ALICE, second);
        staking.slash(ALICE, slashed, address(0), 0);
        staking.unlock(ALICE, first - slashed);
        // The other dispute's lock is whole.
        assertEq(staking.lockedOf(ALICE), second);
        assertLe(second, totalOf(ALICE));
    }

    function testFuzz_VotesOfThePastAreStakeOfThePast(uint96 first, uint96 second, uint32 later) public {
        first = uint96(bound(first, 1, type(uint96).max / 2));
        second = uint96(bound(second, 1, first));
        later = uint32(bound(later, 1, 1 << 30));
        stakeAs(ALICE, first);
        stakeAs(BOB, 5);
        uint256 before = vm.getBlockTimestamp();
        skipTime(later);
        vm.prank(ALICE);
        staking.startUnbonding(second);
        skipTime(1);
        assertEq(staking.getPastVotes(ALICE, before - 1), 0);
        assertEq(staking.getPastVotes(ALICE, before), first);
        assertEq(staking.getPastVotes(ALICE, before + later), first - second);
        assertEq(staking.getPastTotalSupply(before), uint256(first) + 5);
        assertEq(staking.getPastTotalSupply(before + later), uint256(first) + 5 - second);
    }

    /// @notice Stake that comes and goes in one second was never there.
    function testFuzz_StakeOfAMomentHasNoVotes(uint96 amount) public {
        amount = uint96(bound(amount, 1, type(uint96).max));
        stakeAs(ALICE, amount);
        vm.prank(ALICE);
        staking.startUnbonding(amount);
        uint256 date = vm.getBlockTimestamp();
        skipTime(1);
        assertEq(staking.getPastVotes(ALICE, date), 0);
        assertEq(staking.getPastTotalSupply(date), 0);
    }

    function testFuzz_EveryoneIsTheirOwnDelegate(address account, address other, uint256 word) public {
        assertEq(staking.delegates(account), account);
        vm.startPrank(account);
        vm.expectRevert(IStaking.DelegationNotSupported.selector);
        staking.delegate(other);
        vm.expectRevert(IStaking.DelegationNotSupported.selector);
        staking.delegateBySig(other, word, word, uint8(word), bytes32(word), bytes32(word));
    }

    function testFuzz_RolesAskForTheirMinimumsTogether(uint8 roles, uint96 staked) public {
        uint256 required;
        if (roles & 2 != 0) required += 10_000 * CREDIT;
        if (roles & 28 != 0) required += 10_000 * CREDIT;
        if (roles & 1 != 0) required += 5_000 * CREDIT;
        assertEq(staking.requiredStake(roles), required);
        staked = uint96(bound(staked, 1, 30_000 * CREDIT));
        stakeAs(ALICE, staked);
        vm.prank(ALICE);
        if (roles > 31) {
            vm.expectRevert(abi.encodeWithSelector(IStaking.UnknownRoles.selector, roles));
        } else if (staked < required) {
            vm.expectRevert(abi.encodeWithSelector(IStaking.InsufficientStake.selector, required, staked));
        }
        staking.setRoles(roles);
        bool granted = roles < 32 && (staked >= required);
        assertEq(staking.rolesOf(ALICE), granted ? roles : 0);
        for (uint256 bit = 1; bit < 256; bit <<= 1) {
            assertEq(staking.isActive(ALICE, uint8(bit)), granted && roles & bit != 0);
        }
        assertEq(staking.activeProviders(), granted && roles & 28 != 0 ? 1 : 0);
        assertEq(staking.validatorCount(), granted && roles & 2 != 0 ? 1 : 0);
    }

    function testFuzz_OnlyTheCourtLocksAndSlashes(address caller) public {
        vm.assume(caller != COURT);
        stakeAs(ALICE, 10);
        vm.startPrank(caller);
        vm.expectRevert(IStaking.OnlyCourt.selector);
        staking.lock(ALICE, 1);
        vm.expectRevert(IStaking.OnlyCourt.selector);
        staking.unlock(ALICE, 1);
        vm.expectRevert(IStaking.OnlyCourt.selector);
        staking.slash(ALICE, 1, caller, 1);
    }

    /// @notice Whoever begins to unbond when a court is announced is out before it can do anything.
    function testFuzz_OneCanLeaveBeforeANewCourt(uint32 delay, uint32 hesitation) public {
        delay = uint32(bound(delay, MIN_DELAY, 60 days));
        hesitation = uint32(bound(hesitation, 0, 1 days - 1));
        staking.setUnbondingDelay(delay);
        stakeAs(ALICE, 10);
        address next = address(0xC1);
        staking.announceCourt(next);
        vm.expectRevert(IStaking.CourtPending.selector);
        staking.setUnbondingDelay(60 days);
        skipTime(hesitation);
        vm.prank(ALICE);
        staking.startUnbonding(10);
        skipTime(delay);
        vm.expectRevert(); // CourtTooEarly
        staking.applyCourt();
        vm.prank(ALICE);
        assertEq(staking.withdrawUnbonded(), 10);
        skipTime(1 days - hesitation);
        staking.applyCourt();
        assertEq(staking.court(), next);
    }

    function test_AFormerCourtChangesNothingAndItsLocksLapse() public {
        stakeAs(ALICE, 10);
        vm.prank(COURT);
        staking.lock(ALICE, 8);
        staking.announceCourt(address(0xC1));
        skipTime(DELAY + 1 days);
        staking.applyCourt();
        assertEq(staking.lockedOf(ALICE), 0);
        vm.startPrank(COURT);
        assertEq(staking.lock(ALICE, 5), 0);
        assertEq(staking.unlock(ALICE, 5), 0);
        (uint256 taken, uint256 bounty) = staking.slash(ALICE, 5, COURT, 5);
        assertEq(taken, 0);
        assertEq(bounty, 0);
        vm.stopPrank();
        assertEq(staking.stakeOf(ALICE), 10);
        assertEq(staking.lastSlashedAt(ALICE), 0);
        vm.prank(address(0xC1));
        assertEq(staking.lock(ALICE, 3), 3);
        vm.prank(COURT);
        assertEq(staking.unlock(ALICE, 3), 0);
        assertEq(staking.lockedOf(ALICE), 3);
    }

    function testFuzz_MinimumsStayInTheirRange(uint80 validator, uint80 provider, uint80 orchestrator) public {
        IStaking.MinimumStakes memory minimums = IStaking.MinimumStakes(validator, provider, orchestrator);
        bool allowed = inRange(validator, 10_000) && inRange(provider, 10_000) && inRange(orchestrator, 5_000);
        if (!allowed) vm.expectRevert();
        staking.setMinimumStakes(minimums);
        assertEq(staking.requiredStake(2), allowed ? validator : 10_000 * CREDIT);
    }

    function testFuzz_MinimumsWithinTheirRangeAreSet(uint80 validator, uint80 provider, uint80 orchestrator) public {
        validator = uint80(bound(validator, 1_000 * CREDIT, 100_000 * CREDIT));
        provider = uint80(bound(provider, 1_000 * CREDIT, 100_000 * CREDIT));
        orchestrator = uint80(bound(orchestrator, 500 * CREDIT, 50_000 * CREDIT));
        staking.setMinimumStakes(IStaking.MinimumStakes(validator, provider, orchestrator));
        assertEq(staking.requiredStake(31), uint256(validator) + provider + orchestrator);
    }

    function inRange(uint256 minimum, uint256 credits) private pure returns (bool) {
        return minimum >= (credits * CREDIT) / 10 && minimum <= credits * CREDIT * 10;
    }

    function test_TheBeginningIsInTheLog() public {
        vm.recordLogs();
        new Staking(address(token), address(this), address(this), MIN_DELAY, DELAY, defaultMinimums());
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3); // the first is of Ownable
        assertEq(logs[1].topics[0], IStaking.MinimumStakesSet.selector);
        assertEq(logs[1].data, abi.encode(defaultMinimums()));
        assertEq(logs[2].topics[0], IStaking.UnbondingDelaySet.selector);
        assertEq(logs[2].data, abi.encode(DELAY));
    }

    /// @notice What Settlement pays for when it asks whether a payee is active.
    function test_IsActiveReadsTwoSlots() public {
        stakeAs(ALICE, 30_000 * CREDIT);
        vm.prank(ALICE);
        staking.setRoles(Roles.ALL);
        StorageWatch watch = StorageWatch(address(vm));
        watch.record();
        assertTrue(staking.isActive(ALICE, Roles.PROVIDER));
        (bytes32[] memory reads, bytes32[] memory writes) = watch.accesses(address(staking));
        assertEq(writes.length, 0);
        uint256 slots;
        for (uint256 i = 0; i < reads.length; ++i) {
            bool seen;
            for (uint256 j = 0; j < i; ++j) seen = seen || reads[j] == reads[i];
            if (!seen) ++slots;
        }
        assertEq(slots, 2, "slots read");
    }
}

/// @notice A wallet that uses every moment in which a token calls it to take what it can.
contract ThievingWallet is Test, IHook {
    Staking private immutable staking;
    uint8 private immutable action;
    bool private busy;

    constructor(Staking staking_, BurnableToken token, uint8 action_) {
        staking = staking_;
        action = action_;
        token.approve(address(staking_), type(uint256).max);
    }

    function stake(uint256 amount) external {
        staking.stake(amount);
    }

    function startUnbonding(uint256 amount) external {
        staking.startUnbonding(amount);
    }

    function withdrawUnbonded() external {
        staking.withdrawUnbonded();
    }

    function withdrawBounty() external {
        staking.withdrawBounty();
    }

    function onMove() external {
        if (busy) return;
        busy = true;
        if (action == 0) try staking.withdrawUnbonded() {} catch {}
        if (action == 1) try staking.withdrawBounty() {} catch {}
        if (action == 2) try staking.cancelUnbonding() {} catch {}
        if (action == 3) try staking.stake(1) {} catch {}
        if (action == 4) try staking.startUnbonding(1) {} catch {}
        if (action == 5) staking.poke(address(this));
        if (action == 6) try staking.setRoles(Roles.PROVIDER) {} catch {}
        busy = false;
    }
}

contract StakingReentrancyTest is StakingFixture {
    function setUp() public {
        deploy(new BurnableToken());
    }

    function testFuzz_ATokenThatCallsBackStealsNothing(uint8 action, uint96 staked, uint96 slashed) public {
        action = uint8(bound(action, 0, 6));
        staked = uint96(bound(staked, 4, 1e30));
        slashed = uint96(bound(slashed, 1, staked / 2));
        stakeAs(ALICE, 1_000 * CREDIT);
        ThievingWallet thief = new ThievingWallet(staking, token, action);
        token.mint(address(thief), uint256(staked) + 10);
        uint256 own = uint256(staked) + 10;
        token.setHook(address(thief));

        thief.stake(staked);
        check(thief, own);
        thief.startUnbonding(staked / 2);
        vm.prank(COURT);
        (uint256 taken, uint256 bounty) = staking.slash(address(thief), slashed, address(thief), slashed / 2);
        own -= taken - bounty;
        check(thief, own);
        if (staking.bountyOf(address(thief)) > 0) thief.withdrawBounty();
        check(thief, own);
        skipTime(DELAY);
        (uint256 unbonding, ) = staking.unbondingOf(address(thief));
        if (unbonding > 0) thief.withdrawUnbonded();
        check(thief, own);
    }

    /// @notice The thief has, in all places together, what it brought less what was burned; Alice has hers.
    function check(ThievingWallet thief, uint256 own) private view {
        uint256 inside = totalOf(address(thief)) + staking.bountyOf(address(thief));
        assertEq(inside + token.balanceOf(address(thief)), own, "the thief's");
        assertEq(staking.stakeOf(ALICE), 1_000 * CREDIT, "another's");
        assertEq(token.balanceOf(address(staking)), 1_000 * CREDIT + inside, "held");
        assertEq(staking.getVotes(address(thief)), staking.stakeOf(address(thief)), "votes");
    }
}

/// @notice Does what wallets, the courts, the owner and the pauser may do, and keeps books of its own.
contract StakingHandler is Test {
    struct Book {
        uint256 staked;
        uint256 unbonding;
        uint256 locked;
        uint256 bounty;
        uint256 slashed;
        uint256 withdrawn;
        uint256 paidIn;
        uint256 earliest;
        bool validator;
    }

    struct Snapshot {
        uint256 date;
        address wallet;
        uint256 votes;
        uint256 total;
    }

    BurnableToken public immutable token;
    Staking public immutable staking;
    address public court = address(0xC0);
    address[] public formerCourts;
    address[] public wallets;
    address[] public listed;
    Snapshot[] public snapshots;
    uint256 public totalStaked;
    uint256 public minimumChanged;
    mapping(address => Book) public books;
    mapping(address => bool) public stale;

    constructor(BurnableToken token_, Staking staking_) {
        token = token_;
        staking = staking_;
        for (uint160 i = 0; i < 5; ++i) wallets.push(address(0xFA00 + i));
        for (uint256 i = 0; i < 5; ++i) {
            vm.prank(wallets[i]);
            token.approve(address(staking), type(uint256).max);
        }
    }

    function count() external view returns (uint256) {
        return wallets.length;
    }

    function listedCount() external view returns (uint256) {
        return listed.length;
    }

    function snapshotCount() external view returns (uint256) {
        return snapshots.length;
    }

    function book(address wallet) external view returns (Book memory) {
        return books[wallet];
    }

    function pick(uint256 seed) private view returns (address) {
        return wallets[seed % wallets.length];
    }

    function stake(uint256 seed, uint256 amount) external {
        address wallet = pick(seed);
        amount = bound(amount, 1, 40_000 * CREDIT);
        token.mint(wallet, amount);
        bool paused = vm.getBlockTimestamp() < staking.depositsPausedUntil();
        vm.prank(wallet);
        if (paused) vm.expectPartialRevert(IDepositPause.DepositsPaused.selector);
        staking.stake(amount);
        if (paused) return;
        books[wallet].staked += amount;
        books[wallet].paidIn += amount;
        totalStaked += amount;
        stale[wallet] = false;
    }

    function setRoles(uint256 seed, uint8 roles) external {
        address wallet = pick(seed);
        roles &= Roles.ALL;
        uint256 required = staking.requiredStake(roles);
        bool adds = roles & ~staking.rolesOf(wallet) != 0;
        bool refused = adds && books[wallet].staked < required;
        vm.prank(wallet);
        if (refused) vm.expectPartialRevert(IStaking.InsufficientStake.selector);
        staking.setRoles(roles);
        if (refused) return;
        stale[wallet] = false;
        if (roles & Roles.VALIDATOR != 0 && !books[wallet].validator) {
            books[wallet].validator = true;
            listed.push(wallet);
        }
    }

    function startUnbonding(uint256 seed, uint256 amount) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        if (own.staked == 0) return;
        amount = bound(amount, 1, own.staked);
        bool refused = own.staked - amount < staking.requiredStake(staking.rolesOf(wallet));
        vm.prank(wallet);
        if (refused) vm.expectPartialRevert(IStaking.BelowRequiredStake.selector);
        staking.startUnbonding(amount);
        if (refused) return;
        own.staked -= amount;
        own.unbonding += amount;
        own.earliest = vm.getBlockTimestamp() + staking.unbondingDelay();
        totalStaked -= amount;
        stale[wallet] = false;
    }

    function cancelUnbonding(uint256 seed) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        if (own.unbonding == 0) return;
        vm.prank(wallet);
        staking.cancelUnbonding();
        own.staked += own.unbonding;
        totalStaked += own.unbonding;
        own.unbonding = 0;
        stale[wallet] = false;
    }

    function withdrawUnbonded(uint256 seed) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        if (own.unbonding == 0) return;
        uint256 free = Math.min(own.unbonding, own.staked + own.unbonding - own.locked);
        bool early = vm.getBlockTimestamp() < own.earliest;
        vm.prank(wallet);
        if (early) vm.expectPartialRevert(IStaking.StillUnbonding.selector);
        else if (free == 0) vm.expectPartialRevert(IStaking.WithdrawalLocked.selector);
        uint256 amount = staking.withdrawUnbonded();
        if (early || free == 0) return;
        assertEq(amount, free, "withdrawn");
        own.unbonding -= amount;
        own.withdrawn += amount;
    }

    function withdrawBounty(uint256 seed) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        if (own.bounty == 0) return;
        vm.prank(wallet);
        assertEq(staking.withdrawBounty(), own.bounty);
        own.withdrawn += own.bounty;
        own.bounty = 0;
    }

    function lock(uint256 seed, uint256 amount) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        amount = bound(amount, 0, 30_000 * CREDIT);
        vm.prank(court);
        uint256 locked = staking.lock(wallet, amount);
        assertLe(locked, amount, "locked more than asked");
        own.locked += locked;
    }

    function unlock(uint256 seed, uint256 amount) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        amount = bound(amount, 0, 30_000 * CREDIT);
        vm.prank(court);
        own.locked -= staking.unlock(wallet, amount);
    }

    function slash(uint256 seed, uint256 amount, uint256 toSeed, uint256 bountyMax) external {
        address wallet = pick(seed);
        Book storage own = books[wallet];
        amount = bound(amount, 0, 30_000 * CREDIT);
        bountyMax = bound(bountyMax, 0, amount);
        address to = toSeed % 6 == 5 ? address(0) : wallets[toSeed % 6];
        vm.prank(court);
        (uint256 taken, uint256 bounty) = staking.slash(wallet, amount, to, bountyMax);
        assertLe(taken, amount, "slashed more than asked");
        uint256 fromStaked = Math.min(taken, own.staked);
        own.staked -= fromStaked;
        own.unbonding -= taken - fromStaked;
        own.locked = Math.saturatingSub(own.locked, taken);
        own.slashed += taken;
        totalStaked -= fromStaked;
        if (to != address(0)) books[to].bounty += bounty;
        stale[wallet] = false;
    }

    function meddle(uint256 courtSeed, uint256 seed, uint256 amount) external {
        if (formerCourts.length == 0) return;
        address former = formerCourts[courtSeed % formerCourts.length];
        vm.startPrank(former);
        staking.lock(pick(seed), amount);
        staking.unlock(pick(seed), amount);
        staking.slash(pick(seed), amount, former, amount);
        vm.stopPrank();
    }

    function changeCourt(uint8 chance) external {
        if (chance % 4 != 0) return;
        address next = address(uint160(0xC100 + formerCourts.length));
        staking.announceCourt(next);
        skipTime(staking.unbondingDelay() + 1 days);
        staking.applyCourt();
        formerCourts.push(court);
        court = next;
        for (uint256 i = 0; i < wallets.length; ++i) books[wallets[i]].locked = 0;
    }

    function setMinimums(uint80 validator, uint80 provider, uint80 orchestrator) external {
        validator = uint80(bound(validator, 1_000 * CREDIT, 100_000 * CREDIT));
        provider = uint80(bound(provider, 1_000 * CREDIT, 100_000 * CREDIT));
        orchestrator = uint80(bound(orchestrator, 500 * CREDIT, 50_000 * CREDIT));
        staking.setMinimumStakes(IStaking.MinimumStakes(validator, provider, orchestrator));
        for (uint256 i = 0; i < wallets.length; ++i) stale[wallets[i]] = true;
    }

    function setUnbondingDelay(uint256 delay) external {
        staking.setUnbondingDelay(bound(delay, MIN_DELAY, 60 days));
    }

    function poke(uint256 seed) external {
        staking.poke(pick(seed));
        stale[pick(seed)] = false;
    }

    function pause() external {
        uint256 until = staking.depositsPausedUntil();
        if (until == 0 || vm.getBlockTimestamp() >= until + 14 days) staking.pauseDeposits();
    }

    function snapshot(uint256 seed) external {
        address wallet = pick(seed);
        snapshots.push(Snapshot(vm.getBlockTimestamp(), wallet, books[wallet].staked, totalStaked));
        skipTime(1);
    }

    function wait(uint256 duration) external {
        skipTime(bound(duration, 1, 10 days));
    }
}

contract StakingInvariants is StakingFixture {
    StakingHandler private handler;

    function setUp() public {
        deploy(new BurnableToken());
        // The handler acts for the owner and the pauser, too.
        vm.warp(1_800_000_000);
        staking = new Staking({
            creditToken_: address(token),
            owner_: address(this),
            pauser_: vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1),
            minUnbondingDelay_: MIN_DELAY,
            unbondingDelay_: DELAY,
            minimums: defaultMinimums()
        });
        handler = new StakingHandler(token, staking);
        staking.announceCourt(COURT);
        staking.transferOwnership(address(handler));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Money in is money out and the books, to the base unit.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_HoldsExactlyWhatItOwes() public view {
        uint256 owed;
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            owed += totalOf(wallet) + staking.bountyOf(wallet);
        }
        assertEq(token.balanceOf(address(staking)), owed);
    }

    /// @notice Nobody's stake moves but by their own acts and slashes of their own.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_EveryWalletHasWhatItsOwnBooksSay() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            StakingHandler.Book memory own = handler.book(wallet);
            assertEq(staking.stakeOf(wallet), own.staked, "staked");
            (uint256 unbonding, uint256 date) = staking.unbondingOf(wallet);
            assertEq(unbonding, own.unbonding, "unbonding");
            assertEq(date, own.unbonding == 0 ? 0 : own.earliest, "date");
            assertEq(staking.lockedOf(wallet), own.locked, "locked");
            assertLe(own.locked, own.staked + own.unbonding, "locked is there");
            assertEq(staking.bountyOf(wallet), own.bounty, "bounty");
            assertEq(staking.slashedTotalOf(wallet), own.slashed, "slashed");
        }
    }

    /// hardhat-config: invariant.failOnRevert = true
    function invariant_VotesAreStake() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            assertEq(staking.getVotes(wallet), staking.stakeOf(wallet));
        }
        for (uint256 i = 0; i < handler.snapshotCount(); ++i) {
            (uint256 date, address wallet, uint256 votes, uint256 total) = handler.snapshots(i);
            assertEq(staking.getPastVotes(wallet, date), votes, "past votes");
            assertEq(staking.getPastTotalSupply(date), total, "past total");
        }
    }

    /// @notice The count is a recount, once everyone was counted after the last change of the minimums.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_ActiveProvidersIsARecount() public {
        uint256 active;
        bool stale;
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            if (staking.isActive(wallet, Roles.PROVIDER)) ++active;
            if (handler.stale(wallet)) stale = true;
        }
        if (!stale) assertEq(staking.activeProviders(), active, "before poking");
        for (uint256 i = 0; i < handler.count(); ++i) staking.poke(handler.wallets(i));
        assertEq(staking.activeProviders(), active, "after poking");
    }

    /// hardhat-config: invariant.failOnRevert = true
    function invariant_ValidatorsAreListedOnceAndStay() public view {
        assertEq(staking.validatorCount(), handler.listedCount());
        for (uint256 i = 0; i < handler.listedCount(); ++i) {
            assertEq(staking.validatorAt(i), handler.listed(i));
        }
    }
}
