// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ICreditToken} from "../interfaces/ICreditToken.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Permit, Permits} from "../libraries/Permits.sol";
import {Roles} from "../libraries/Roles.sol";
import {DepositPause} from "./DepositPause.sol";

/// @title Staking
/// @author Shoal
/// @notice See {IStaking}.
/// @dev Checks, then effects, then interactions in every function: a token that called back would find the books
/// already written. (A permit is handed to the token before anything else, when nothing has been read.) The token is
/// the credit token; one that takes a fee on transfers would break the books.
///
/// The books: the tokens held here are at least the sum over all wallets of `staked`, `unbonding` and `bountyOf`, and
/// exactly that unless somebody sent tokens here without staking them. A wallet's `locked` is never more than its
/// `staked` and `unbonding` together. Its votes are `staked`, in the same transaction. Nothing is ever divided but the
/// lower bound of the minimums.
contract Staking is IStaking, DepositPause, Ownable, Votes {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice What a wallet has here and does. One slot: all that `isActive` needs of a wallet.
    /// @param staked Base units at stake.
    /// @param unbonding Base units on the way out.
    /// @param withdrawableAt When they can be withdrawn, in seconds since the Unix epoch; 0 when there are none.
    /// @param roles Bits of the library `Roles`.
    /// @param counted Whether it is part of `activeProviders`.
    struct Stake {
        uint96 staked;
        uint96 unbonding;
        uint48 withdrawableAt;
        uint8 roles;
        bool counted;
    }

    /// @notice What the court did with a wallet. One slot.
    /// @param locked Base units locked by the court of `term`; void in any other term.
    /// @param lastSlashedAt Seconds since the Unix epoch; 0 for never.
    /// @param term The court's, when `locked` was last written.
    /// @param listed Whether it is in the list of validators.
    struct Record {
        uint96 locked;
        uint48 lastSlashedAt;
        uint32 term;
        bool listed;
    }

    /// @notice A court that was announced. One slot.
    /// @param account The court; zero when there is none.
    /// @param applicableAt When it can take office, in seconds since the Unix epoch.
    struct Announcement {
        address account;
        uint48 applicableAt;
    }

    /// @notice Most that the unbonding delay can be set to, in seconds.
    uint256 public constant MAX_UNBONDING_DELAY = 60 days;

    /// @notice What a court's announcement takes longer than unbonding, in seconds: the time to notice it.
    uint256 public constant COURT_NOTICE_MARGIN = 1 days;

    /// @notice A minimum stake can be set from its default divided by this to its default times this.
    uint256 public constant MINIMUM_STAKE_RANGE = 10;

    /// @inheritdoc IStaking
    address public immutable override creditToken;

    /// @inheritdoc IStaking
    uint256 public immutable override minUnbondingDelay;

    /// @inheritdoc IStaking
    address public override court;

    uint32 private _term;

    uint48 private _unbondingDelay;

    Announcement private _announcement;

    MinimumStakes private _minimums;

    MinimumStakes private _defaultMinimums;

    /// @inheritdoc IStaking
    uint256 public override activeProviders;

    mapping(address wallet => Stake stake) private _stakes;

    mapping(address wallet => Record record) private _records;

    /// @inheritdoc IStaking
    mapping(address wallet => uint256 amount) public override slashedTotalOf;

    /// @inheritdoc IStaking
    mapping(address account => uint256 amount) public override bountyOf;

    mapping(address account => bool used) private _usedCourts;

    address[] private _validators;

    /// @notice Fixes the token, the pauser and the bounds.
    /// @param creditToken_ The token that is staked.
    /// @param owner_ Who sets the parameters and announces the court: the governance's timelock.
    /// @param pauser_ Who can pause deposits.
    /// @param minUnbondingDelay_ Lower bound of the unbonding delay, in seconds: longer than every window of the court.
    /// @param unbondingDelay_ The unbonding delay at the start, in seconds.
    /// @param minimums Least stakes at the start, each at least `MINIMUM_STAKE_RANGE` base units, so that none can be
    /// set to nothing.
    constructor(
        address creditToken_,
        address owner_,
        address pauser_,
        uint256 minUnbondingDelay_,
        uint256 unbondingDelay_,
        MinimumStakes memory minimums
    ) DepositPause(pauser_) Ownable(owner_) EIP712("Shoal Staking", "1") {
        if (creditToken_ == address(0)) revert ZeroToken();
        if (minUnbondingDelay_ == 0) revert DelayOutOfBounds(0, 1, MAX_UNBONDING_DELAY);
        _requireDefault(minimums.validator);
        _requireDefault(minimums.provider);
        _requireDefault(minimums.orchestrator);
        creditToken = creditToken_;
        minUnbondingDelay = minUnbondingDelay_;
        _defaultMinimums = minimums;
        _minimums = minimums;
        emit MinimumStakesSet(minimums);
        _setUnbondingDelay(unbondingDelay_);
    }

    /// @inheritdoc IStaking
    function stake(uint256 amount) external override {
        _stake(amount);
    }

    /// @inheritdoc IStaking
    function stakeWithPermit(uint256 amount, Permit calldata permit) external override {
        Permits.tryPermit(IERC20(creditToken), msg.sender, permit);
        _stake(amount);
    }

    /// @inheritdoc IStaking
    function setRoles(uint8 roles) external override {
        if (roles & ~Roles.ALL != 0) revert UnknownRoles(roles);
        Stake storage own = _stakes[msg.sender];
        uint8 previous = own.roles;
        uint8 added = roles & ~previous;
        if (added != 0) {
            uint256 required = requiredStake(roles);
            if (own.staked < required) revert InsufficientStake(required, own.staked);
        }
        own.roles = roles;
        emit RolesSet(msg.sender, roles, previous);
        if (added & Roles.VALIDATOR != 0) _listValidator(msg.sender);
        _recount(msg.sender, own);
    }

    /// @inheritdoc IStaking
    function startUnbonding(uint256 amount) external override {
        if (amount == 0) revert ZeroAmount();
        Stake storage own = _stakes[msg.sender];
        uint256 staked = own.staked;
        if (amount > staked) revert InsufficientStake(amount, staked);
        uint256 remaining = staked - amount;
        uint256 required = requiredStake(own.roles);
        if (remaining < required) revert BelowRequiredStake(remaining, required);
        uint256 total = own.unbonding + amount;
        uint256 withdrawableAt = block.timestamp + _unbondingDelay;
        own.staked = remaining.toUint96();
        own.unbonding = total.toUint96();
        own.withdrawableAt = withdrawableAt.toUint48();
        emit UnbondingStarted(msg.sender, amount, total, withdrawableAt);
        _transferVotingUnits(msg.sender, address(0), amount);
        _recount(msg.sender, own);
    }

    /// @inheritdoc IStaking
    function cancelUnbonding() external override {
        Stake storage own = _stakes[msg.sender];
        uint96 amount = own.unbonding;
        if (amount == 0) revert NothingUnbonding();
        own.staked += amount;
        own.unbonding = 0;
        own.withdrawableAt = 0;
        emit UnbondingCancelled(msg.sender, amount);
        _transferVotingUnits(address(0), msg.sender, amount);
        _recount(msg.sender, own);
    }

    /// @inheritdoc IStaking
    function withdrawUnbonded() external override returns (uint256 amount) {
        Stake storage own = _stakes[msg.sender];
        uint256 unbonding = own.unbonding;
        uint256 withdrawableAt = own.withdrawableAt;
        if (unbonding == 0) revert NothingUnbonding();
        if (block.timestamp < withdrawableAt) revert StillUnbonding(withdrawableAt);
        uint256 locked = _lockedOf(_records[msg.sender]);
        amount = Math.min(unbonding, own.staked + unbonding - locked);
        if (amount == 0) revert WithdrawalLocked(locked);
        _setUnbonding(own, unbonding - amount);
        emit UnbondedWithdrawn(msg.sender, amount);
        IERC20(creditToken).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function withdrawBounty() external override returns (uint256 amount) {
        amount = bountyOf[msg.sender];
        if (amount == 0) revert NoBounty();
        bountyOf[msg.sender] = 0;
        emit BountyWithdrawn(msg.sender, amount);
        IERC20(creditToken).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function poke(address wallet) external override {
        _recount(wallet, _stakes[wallet]);
    }

    /// @inheritdoc IStaking
    function lock(address wallet, uint256 amount) external override returns (uint256 locked) {
        if (!_isCourtInOffice()) return 0;
        Stake storage own = _stakes[wallet];
        Record storage record = _records[wallet];
        uint256 before = _lockedOf(record);
        locked = Math.min(amount, uint256(own.staked) + own.unbonding - before);
        _setLocked(record, before + locked);
        emit StakeLocked(wallet, locked, before + locked);
    }

    /// @inheritdoc IStaking
    function unlock(address wallet, uint256 amount) external override returns (uint256 unlocked) {
        if (!_isCourtInOffice()) return 0;
        Record storage record = _records[wallet];
        uint256 before = _lockedOf(record);
        unlocked = Math.min(amount, before);
        _setLocked(record, before - unlocked);
        emit StakeUnlocked(wallet, unlocked, before - unlocked);
    }

    /// @inheritdoc IStaking
    function slash(
        address wallet,
        uint256 amount,
        address bountyTo,
        uint256 bountyMax
    ) external override returns (uint256 taken, uint256 bounty) {
        if (!_isCourtInOffice()) return (0, 0);
        Stake storage own = _stakes[wallet];
        Record storage record = _records[wallet];
        uint256 staked = own.staked;
        uint256 unbonding = own.unbonding;
        taken = Math.min(amount, staked + unbonding);
        if (bountyTo != address(0)) bounty = Math.min(bountyMax, taken);

        uint256 fromStaked = Math.min(taken, staked);
        own.staked = (staked - fromStaked).toUint96();
        _setUnbonding(own, unbonding - (taken - fromStaked));
        _setLocked(record, Math.saturatingSub(_lockedOf(record), taken));
        record.lastSlashedAt = clock();
        slashedTotalOf[wallet] += taken;
        bountyOf[bountyTo] += bounty;
        emit Slashed(wallet, taken, bountyTo, bounty);
        _transferVotingUnits(wallet, address(0), fromStaked);
        _recount(wallet, own);
        ICreditToken(creditToken).burn(taken - bounty);
    }

    /// @inheritdoc IStaking
    function announceCourt(address newCourt) external override onlyOwner {
        if (newCourt == address(0)) revert ZeroCourt();
        if (_usedCourts[newCourt]) revert CourtAlreadyUsed(newCourt);
        if (court == address(0)) {
            _setCourt(newCourt);
            return;
        }
        uint256 applicableAt = block.timestamp + _unbondingDelay + COURT_NOTICE_MARGIN;
        _announcement = Announcement({account: newCourt, applicableAt: applicableAt.toUint48()});
        emit CourtAnnounced(newCourt, applicableAt);
    }

    /// @inheritdoc IStaking
    function cancelCourt() external override onlyOwner {
        address announced = _announcement.account;
        if (announced == address(0)) revert NoCourtAnnounced();
        delete _announcement;
        emit CourtCancelled(announced);
    }

    /// @inheritdoc IStaking
    function applyCourt() external override {
        Announcement memory announcement = _announcement;
        if (announcement.account == address(0)) revert NoCourtAnnounced();
        if (block.timestamp < announcement.applicableAt) revert CourtTooEarly(announcement.applicableAt);
        delete _announcement;
        _setCourt(announcement.account);
    }

    /// @inheritdoc IStaking
    function setMinimumStakes(MinimumStakes calldata minimums) external override onlyOwner {
        MinimumStakes memory defaults = _defaultMinimums;
        _requireInRange(minimums.validator, defaults.validator);
        _requireInRange(minimums.provider, defaults.provider);
        _requireInRange(minimums.orchestrator, defaults.orchestrator);
        _minimums = minimums;
        emit MinimumStakesSet(minimums);
    }

    /// @inheritdoc IStaking
    function setUnbondingDelay(uint256 delay) external override onlyOwner {
        if (_announcement.account != address(0)) revert CourtPending();
        _setUnbondingDelay(delay);
    }

    /// @inheritdoc IStaking
    function announcedCourt() external view override returns (address account, uint256 applicableAt) {
        return (_announcement.account, _announcement.applicableAt);
    }

    /// @inheritdoc IStaking
    function unbondingDelay() external view override returns (uint256 delay) {
        return _unbondingDelay;
    }

    /// @inheritdoc IStaking
    function minimumStakes() external view override returns (MinimumStakes memory minimums) {
        return _minimums;
    }

    /// @inheritdoc IStaking
    function defaultMinimumStakes() external view override returns (MinimumStakes memory minimums) {
        return _defaultMinimums;
    }

    /// @inheritdoc IStaking
    function rolesOf(address wallet) external view override returns (uint8 roles) {
        return _stakes[wallet].roles;
    }

    /// @inheritdoc IStaking
    function isActive(address wallet, uint8 roleMask) external view override returns (bool active) {
        return _isActive(_stakes[wallet], roleMask);
    }

    /// @inheritdoc IStaking
    function validatorCount() external view override returns (uint256 count) {
        return _validators.length;
    }

    /// @inheritdoc IStaking
    function validatorAt(uint256 index) external view override returns (address wallet) {
        return _validators[index];
    }

    /// @inheritdoc IStaking
    function stakeOf(address wallet) external view override returns (uint256 amount) {
        return _getVotingUnits(wallet);
    }

    /// @inheritdoc IStaking
    function unbondingOf(address wallet) external view override returns (uint256 amount, uint256 withdrawableAt) {
        Stake storage own = _stakes[wallet];
        return (own.unbonding, own.withdrawableAt);
    }

    /// @inheritdoc IStaking
    function lockedOf(address wallet) external view override returns (uint256 amount) {
        return _lockedOf(_records[wallet]);
    }

    /// @inheritdoc IStaking
    function lastSlashedAt(address wallet) external view override returns (uint48 timestamp) {
        return _records[wallet].lastSlashedAt;
    }

    /// @inheritdoc IStaking
    function requiredStake(uint8 roles) public view override returns (uint256 amount) {
        MinimumStakes memory minimums = _minimums;
        if (roles & Roles.VALIDATOR != 0) amount += minimums.validator;
        if (roles & Roles.PROVIDER != 0) amount += minimums.provider;
        if (roles & Roles.ORCHESTRATOR != 0) amount += minimums.orchestrator;
    }

    /// @inheritdoc IERC6372
    /// @notice Seconds since the Unix epoch.
    function clock() public view override(IERC6372, Votes) returns (uint48 timestamp) {
        return uint48(block.timestamp);
    }

    /// @inheritdoc IVotes
    /// @notice Refused: votes can not be delegated.
    function delegate(address) public pure override(IVotes, Votes) {
        revert DelegationNotSupported();
    }

    /// @inheritdoc IVotes
    /// @notice Refused: votes can not be delegated.
    function delegateBySig(address, uint256, uint256, uint8, bytes32, bytes32) public pure override(IVotes, Votes) {
        revert DelegationNotSupported();
    }

    /// @inheritdoc IVotes
    /// @notice Every account is its own delegate.
    function delegates(address account) public pure override(IVotes, Votes) returns (address delegatee) {
        return account;
    }

    // solhint-disable func-name-mixedcase
    /// @notice How the clock counts, for machines (ERC-6372).
    /// @return mode Always by timestamps.
    function CLOCK_MODE() public pure override(IERC6372, Votes) returns (string memory mode) {
        return "mode=timestamp";
    }
    // solhint-enable func-name-mixedcase

    /// @notice What a wallet votes with.
    /// @param wallet Any wallet.
    /// @return amount Its stake in base units, without what is unbonding.
    function _getVotingUnits(address wallet) internal view override returns (uint256 amount) {
        return _stakes[wallet].staked;
    }

    /// @notice Adds to the caller's stake.
    /// @param amount Base units, more than zero.
    function _stake(uint256 amount) private {
        _requireDepositsOpen();
        if (amount == 0) revert ZeroAmount();
        Stake storage own = _stakes[msg.sender];
        uint256 total = own.staked + amount;
        // What is unbonding has to fit as well when it comes back.
        (total + own.unbonding).toUint96();
        own.staked = total.toUint96();
        emit Staked(msg.sender, amount, total);
        _transferVotingUnits(address(0), msg.sender, amount);
        _recount(msg.sender, own);
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Enters a wallet in the list of validators unless it is there. One entry costs the validator's minimum,
    /// bound for the unbonding delay, so the list cannot be filled cheaply.
    /// @param wallet Whose stake was found enough for a validator.
    function _listValidator(address wallet) private {
        Record storage record = _records[wallet];
        if (record.listed) return;
        record.listed = true;
        emit ValidatorListed(wallet, _validators.length);
        _validators.push(wallet);
    }

    /// @notice Brings `activeProviders` up to date for one wallet.
    /// @param wallet Whose.
    /// @param own Its stake.
    function _recount(address wallet, Stake storage own) private {
        bool active = _isActive(own, Roles.PROVIDER);
        if (active == own.counted) return;
        own.counted = active;
        uint256 count = active ? activeProviders + 1 : activeProviders - 1;
        activeProviders = count;
        emit ProviderActivityChanged(wallet, active, count);
    }

    /// @notice Writes what is unbonding; a date with nothing to withdraw is removed.
    /// @param own The stake.
    /// @param amount Base units.
    function _setUnbonding(Stake storage own, uint256 amount) private {
        own.unbonding = amount.toUint96();
        if (amount == 0) own.withdrawableAt = 0;
    }

    /// @notice Writes what the present court has locked.
    /// @param record The wallet's record.
    /// @param amount Base units.
    function _setLocked(Record storage record, uint256 amount) private {
        record.locked = amount.toUint96();
        record.term = _term;
    }

    /// @notice Puts a court in office, and with that lets the locks of the one before lapse.
    /// @param newCourt The court.
    function _setCourt(address newCourt) private {
        address previous = court;
        _usedCourts[newCourt] = true;
        court = newCourt;
        ++_term;
        emit CourtChanged(newCourt, previous);
    }

    /// @notice Writes the delay, within its bounds.
    /// @param delay Seconds.
    function _setUnbondingDelay(uint256 delay) private {
        if (delay < minUnbondingDelay || delay > MAX_UNBONDING_DELAY) {
            revert DelayOutOfBounds(delay, minUnbondingDelay, MAX_UNBONDING_DELAY);
        }
        _unbondingDelay = delay.toUint48();
        emit UnbondingDelaySet(delay);
    }

    /// @notice Tells the court from everyone else.
    /// @return inOffice False for a former court, which may go on calling but changes nothing.
    function _isCourtInOffice() private view returns (bool inOffice) {
        if (msg.sender == court) return true;
        if (!_usedCourts[msg.sender]) revert OnlyCourt();
        return false;
    }

    /// @notice Whether a wallet is active in some role.
    /// @param own Its stake.
    /// @param roleMask Bits of the library `Roles`.
    /// @return active Whether it declared one of them and has the stake for all that it declared.
    function _isActive(Stake storage own, uint8 roleMask) private view returns (bool active) {
        uint8 roles = own.roles;
        return roles & roleMask != 0 && !(own.staked < requiredStake(roles));
    }

    /// @notice What the present court has locked.
    /// @param record The wallet's record.
    /// @return amount Base units.
    function _lockedOf(Record storage record) private view returns (uint256 amount) {
        return record.term == _term ? record.locked : 0;
    }

    /// @notice Refuses a minimum out of its bounds.
    /// @param minimum Base units asked for.
    /// @param byDefault Base units at the start.
    function _requireInRange(uint256 minimum, uint256 byDefault) private pure {
        uint256 lowestDown = byDefault / MINIMUM_STAKE_RANGE;
        uint256 highest = byDefault * MINIMUM_STAKE_RANGE;
        if (minimum < lowestDown || minimum > highest) revert MinimumOutOfBounds(minimum, lowestDown, highest);
    }

    /// @notice Refuses a default of which a part or a multiple would not do as a minimum.
    /// @param byDefault Base units.
    function _requireDefault(uint256 byDefault) private pure {
        uint256 highest = type(uint80).max / MINIMUM_STAKE_RANGE;
        if (byDefault < MINIMUM_STAKE_RANGE || byDefault > highest) {
            revert MinimumOutOfBounds(byDefault, MINIMUM_STAKE_RANGE, highest);
        }
    }
}
