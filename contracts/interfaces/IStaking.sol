// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5805} from "@openzeppelin/contracts/interfaces/IERC5805.sol";

import {Permit} from "../libraries/Permits.sol";

/// @title IStaking
/// @author Shoal
/// @notice Wallets bond credits here, declare the roles they bond them for, vote with them, and lose them when the
/// court says so.
///
/// Roles are bits (see the library `Roles`). A wallet is active in a role while it has declared it and its stake is
/// at least what all its roles ask for together: the validator's minimum, the provider's (once, however many kinds)
/// and the orchestrator's. A wallet that falls below, by a slash or because a minimum was raised, keeps its roles and
/// is active in none of them until it has topped up or dropped some.
///
/// Stake on its way out (unbonding) neither counts for a role nor votes, and can still be slashed until it has been
/// withdrawn. The delay is never shorter than `minUnbondingDelay`, which the court's windows stay below.
///
/// Only `court()` can lock and slash. Whoever does not trust a court that was announced can leave before it takes
/// office: that takes longer than unbonding. When a court is replaced its locks lapse, so that no stake can be locked
/// by a contract that nobody listens to; its calls then change nothing, and return zero so that it can end what it has
/// open.
///
/// Votes (ERC-5805, clock in seconds, ERC-6372) are a wallet's own stake: every wallet is its own delegate, from the
/// start and for ever.
///
/// The owner can set the minimums, the unbonding delay and the court within the bounds stated here; it can not move
/// anybody's stake.
interface IStaking is IERC5805 {
    /// @notice Least stake for each role, in base units. One slot.
    /// @param validator For `VALIDATOR`.
    /// @param provider For any of `PROVIDER`.
    /// @param orchestrator For `ORCHESTRATOR`.
    struct MinimumStakes {
        uint80 validator;
        uint80 provider;
        uint80 orchestrator;
    }

    /// @notice A wallet added to its stake.
    /// @param wallet The wallet.
    /// @param amount Base units added.
    /// @param total Its stake now, without what is unbonding.
    event Staked(address indexed wallet, uint256 amount, uint256 total);

    /// @notice A wallet began to take stake out.
    /// @param wallet The wallet.
    /// @param amount Base units that left the stake.
    /// @param total All that is unbonding now.
    /// @param withdrawableAt When all of it can be withdrawn, in seconds since the Unix epoch.
    event UnbondingStarted(address indexed wallet, uint256 amount, uint256 total, uint256 withdrawableAt);

    /// @notice A wallet put everything that was unbonding back into its stake.
    /// @param wallet The wallet.
    /// @param amount Base units put back.
    event UnbondingCancelled(address indexed wallet, uint256 amount);

    /// @notice A wallet was paid what it had unbonded.
    /// @param wallet The wallet.
    /// @param amount Base units paid.
    event UnbondedWithdrawn(address indexed wallet, uint256 amount);

    /// @notice A wallet declared its roles.
    /// @param wallet The wallet.
    /// @param roles Its roles from now on.
    /// @param previousRoles What they were before.
    event RolesSet(address indexed wallet, uint8 roles, uint8 previousRoles);

    /// @notice A wallet became a validator for the first time.
    /// @param wallet The wallet.
    /// @param index Its place in the list of validators, for ever.
    event ValidatorListed(address indexed wallet, uint256 index);

    /// @notice A wallet began or ceased to count as an active provider.
    /// @param wallet The wallet.
    /// @param active Whether it counts from now on.
    /// @param count Active providers now.
    event ProviderActivityChanged(address indexed wallet, bool active, uint256 count);

    /// @notice The court locked stake.
    /// @param wallet Whose.
    /// @param amount Base units locked now in addition.
    /// @param total All of the wallet's that is locked.
    event StakeLocked(address indexed wallet, uint256 amount, uint256 total);

    /// @notice The court let go of locked stake.
    /// @param wallet Whose.
    /// @param amount Base units let go.
    /// @param total All of the wallet's that is still locked.
    event StakeUnlocked(address indexed wallet, uint256 amount, uint256 total);

    /// @notice The court took stake.
    /// @param wallet Whose.
    /// @param taken Base units taken.
    /// @param bountyTo Who was credited the bounty; nobody when zero.
    /// @param bounty Base units of it; the rest was burned.
    event Slashed(address indexed wallet, uint256 taken, address indexed bountyTo, uint256 bounty);

    /// @notice Bounties were paid out.
    /// @param account To whom.
    /// @param amount Base units.
    event BountyWithdrawn(address indexed account, uint256 amount);

    /// @notice A new court was announced.
    /// @param court The one to come.
    /// @param applicableAt When it can take office, in seconds since the Unix epoch.
    event CourtAnnounced(address indexed court, uint256 applicableAt);

    /// @notice The announced court will not take office.
    /// @param court The one that was to come.
    event CourtCancelled(address indexed court);

    /// @notice A court took office, and the locks of the one before lapsed.
    /// @param court The court from now on.
    /// @param previousCourt The one before; zero the first time.
    event CourtChanged(address indexed court, address indexed previousCourt);

    /// @notice The least stakes were set.
    /// @param minimums Base units for each role.
    event MinimumStakesSet(MinimumStakes minimums);

    /// @notice The unbonding delay was set, for what begins to unbond from now on.
    /// @param delay Seconds.
    event UnbondingDelaySet(uint256 delay);

    /// @notice The token must be a contract's address.
    error ZeroToken();

    /// @notice The court must not be the zero address.
    error ZeroCourt();

    /// @notice The amount must not be zero.
    error ZeroAmount();

    /// @notice The stake is smaller than what was asked to leave it, or than what roles ask for.
    /// @param requested Base units asked for.
    /// @param available Base units at stake.
    error InsufficientStake(uint256 requested, uint256 available);

    /// @notice What would be left is less than the wallet's roles ask for: drop roles first.
    /// @param remaining Base units that would be left.
    /// @param required Base units that the roles ask for.
    error BelowRequiredStake(uint256 remaining, uint256 required);

    /// @notice Nothing is unbonding.
    error NothingUnbonding();

    /// @notice The unbonding delay has not passed.
    /// @param withdrawableAt When it will have, in seconds since the Unix epoch.
    error StillUnbonding(uint256 withdrawableAt);

    /// @notice The court has locked all that could be withdrawn.
    /// @param locked Base units locked.
    error WithdrawalLocked(uint256 locked);

    /// @notice Some of the bits are no role.
    /// @param roles What was asked for.
    error UnknownRoles(uint8 roles);

    /// @notice The account has no bounty.
    error NoBounty();

    /// @notice The caller is neither the court nor was it once.
    error OnlyCourt();

    /// @notice This court is in office or was: a court takes office once.
    /// @param court The court.
    error CourtAlreadyUsed(address court);

    /// @notice No court is announced.
    error NoCourtAnnounced();

    /// @notice A court is announced: what could keep a wallet from leaving before it takes office has to wait.
    error CourtPending();

    /// @notice The announced court can not take office yet.
    /// @param applicableAt When it can, in seconds since the Unix epoch.
    error CourtTooEarly(uint256 applicableAt);

    /// @notice A minimum stake is out of its bounds.
    /// @param minimum Base units asked for.
    /// @param lowest Least that is possible.
    /// @param highest Most that is possible.
    error MinimumOutOfBounds(uint256 minimum, uint256 lowest, uint256 highest);

    /// @notice The delay is out of its bounds.
    /// @param delay Seconds asked for.
    /// @param lowest Least that is possible.
    /// @param highest Most that is possible.
    error DelayOutOfBounds(uint256 delay, uint256 lowest, uint256 highest);

    /// @notice Votes can not be delegated.
    error DelegationNotSupported();

    /// @notice Adds to the caller's stake; the credits must have been approved.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAmount`, `DepositsPaused` and the token's errors.
    function stake(uint256 amount) external;

    /// @notice Adds to the caller's stake with an approval in the same transaction.
    /// @param amount Base units, more than zero.
    /// @param permit The caller's approval of this contract.
    /// @dev Reverts like `stake`. A permit that somebody else has already submitted does no harm.
    function stakeWithPermit(uint256 amount, Permit calldata permit) external;

    /// @notice Declares the caller's roles in place of any before. Dropping roles is always possible; adding one needs
    /// the stake that all of them ask for.
    /// @param roles Bits of the library `Roles`; 0 for an observer.
    /// @dev Reverts with `UnknownRoles`, `InsufficientStake`.
    function setRoles(uint8 roles) external;

    /// @notice Begins to take stake out. It joins what is already unbonding, and the delay begins anew for all of it.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAmount`, `InsufficientStake`, and `BelowRequiredStake` when the caller's roles ask for
    /// more than what would be left.
    function startUnbonding(uint256 amount) external;

    /// @notice Puts everything that is unbonding back into the stake.
    /// @dev Reverts with `NothingUnbonding`.
    function cancelUnbonding() external;

    /// @notice Pays the caller what it unbonded, once the delay has passed, as far as no lock needs it. What a lock
    /// holds back stays unbonding and can be withdrawn when the lock is gone.
    /// @return amount Base units paid.
    /// @dev Reverts with `NothingUnbonding`, `StillUnbonding`, `WithdrawalLocked`.
    function withdrawUnbonded() external returns (uint256 amount);

    /// @notice Pays the caller the bounties it was credited.
    /// @return amount Base units paid.
    /// @dev Reverts with `NoBounty`.
    function withdrawBounty() external returns (uint256 amount);

    /// @notice Counts a wallet anew as an active provider or not; for use after a minimum was changed, by anyone.
    /// @param wallet Any wallet.
    function poke(address wallet) external;

    /// @notice Keeps stake from being withdrawn, whether or not it is unbonding. Locks add up.
    /// @param wallet Whose.
    /// @param amount Base units wanted.
    /// @return locked Base units locked: what was wanted, or all that was not locked before if that is less.
    /// @dev Only for the court; reverts with `OnlyCourt`. Does nothing for a former court.
    function lock(address wallet, uint256 amount) external returns (uint256 locked);

    /// @notice Lets go of locked stake.
    /// @param wallet Whose.
    /// @param amount Base units; more than what is locked lets go of all.
    /// @return unlocked Base units let go.
    /// @dev Only for the court; reverts with `OnlyCourt`. Does nothing for a former court.
    function unlock(address wallet, uint256 amount) external returns (uint256 unlocked);

    /// @notice Takes stake: first from what is at stake, then from what is unbonding. A part is credited as a bounty,
    /// the rest is burned. What is taken comes out of the wallet's locked amount first, so a court that slashes against
    /// a lock of its own unlocks only what is left of that lock afterwards.
    /// @param wallet Whose.
    /// @param amount Base units to take; all that there is when there is less.
    /// @param bountyTo Who is credited the bounty; with zero there is none.
    /// @param bountyMax Base units of the bounty; all that was taken when that is less.
    /// @return taken Base units taken.
    /// @return bounty Base units credited.
    /// @dev Only for the court; reverts with `OnlyCourt`. Does nothing for a former court.
    function slash(
        address wallet,
        uint256 amount,
        address bountyTo,
        uint256 bountyMax
    ) external returns (uint256 taken, uint256 bounty);

    /// @notice Announces a court, in place of one announced before. The first takes office at once; a later one when
    /// `applyCourt` is called, `unbondingDelay` and `COURT_NOTICE_MARGIN` from now or later.
    /// @param newCourt The court to come; not zero, and never in office before.
    /// @dev Only for the owner. Reverts with `ZeroCourt`, `CourtAlreadyUsed`.
    function announceCourt(address newCourt) external;

    /// @notice Takes an announcement back.
    /// @dev Only for the owner. Reverts with `NoCourtAnnounced`.
    function cancelCourt() external;

    /// @notice Puts the announced court in office, by anyone.
    /// @dev Reverts with `NoCourtAnnounced`, `CourtTooEarly`.
    function applyCourt() external;

    /// @notice Sets the least stakes. Wallets below them are inactive at once; `activeProviders` follows when each is
    /// poked or acts.
    /// @param minimums Base units, each within a tenth and ten times of its default.
    /// @dev Only for the owner. Reverts with `MinimumOutOfBounds`.
    function setMinimumStakes(MinimumStakes calldata minimums) external;

    /// @notice Sets the unbonding delay, for what begins to unbond from then on.
    /// @param delay Seconds, from `minUnbondingDelay` to `MAX_UNBONDING_DELAY`.
    /// @dev Only for the owner. Reverts with `DelayOutOfBounds`, and with `CourtPending` while a court is announced.
    function setUnbondingDelay(uint256 delay) external;

    /// @notice The token that is staked.
    /// @return token Address of the credit token.
    function creditToken() external view returns (address token);

    /// @notice Who can lock and slash.
    /// @return account The court; zero until the first one.
    function court() external view returns (address account);

    /// @notice The court to come.
    /// @return account The court; zero when none is announced.
    /// @return applicableAt When it can take office, in seconds since the Unix epoch; 0 when none is announced.
    function announcedCourt() external view returns (address account, uint256 applicableAt);

    /// @notice How long stake stays at risk after it began to unbond.
    /// @return delay Seconds.
    function unbondingDelay() external view returns (uint256 delay);

    /// @notice The unbonding delay is never shorter. Never changes.
    /// @return delay Seconds.
    function minUnbondingDelay() external view returns (uint256 delay);

    /// @notice The least stakes now.
    /// @return minimums Base units for each role.
    function minimumStakes() external view returns (MinimumStakes memory minimums);

    /// @notice The least stakes at the start: the bounds are a tenth of them, rounded down, and ten times. Never
    /// changes.
    /// @return minimums Base units for each role.
    function defaultMinimumStakes() external view returns (MinimumStakes memory minimums);

    /// @notice What roles ask for together.
    /// @param roles Bits of the library `Roles`; others are ignored.
    /// @return amount Base units.
    function requiredStake(uint8 roles) external view returns (uint256 amount);

    /// @notice The roles a wallet declared, whether or not its stake is enough for them.
    /// @param wallet Any wallet.
    /// @return roles Bits of the library `Roles`.
    function rolesOf(address wallet) external view returns (uint8 roles);

    /// @notice Whether a wallet is active in some role. Reads two slots.
    /// @param wallet Any wallet.
    /// @param roleMask Bits of the library `Roles`.
    /// @return active Whether it declared one of these roles and has the stake for all that it declared.
    function isActive(address wallet, uint8 roleMask) external view returns (bool active);

    /// @notice How many wallets are active as providers. Exact, except that after a minimum was changed a wallet counts
    /// as before until it is poked or acts.
    /// @return count Wallets.
    function activeProviders() external view returns (uint256 count);

    /// @notice How many wallets were ever validators.
    /// @return count Length of the list; it never shrinks.
    function validatorCount() external view returns (uint256 count);

    /// @notice A wallet that is or was a validator. Its place never changes.
    /// @param index From 0, in the order in which they first became validators; less than `validatorCount`.
    /// @return wallet The wallet.
    function validatorAt(uint256 index) external view returns (address wallet);

    /// @notice A wallet's stake, without what is unbonding.
    /// @param wallet Any wallet.
    /// @return amount Base units.
    function stakeOf(address wallet) external view returns (uint256 amount);

    /// @notice What a wallet is taking out.
    /// @param wallet Any wallet.
    /// @return amount Base units.
    /// @return withdrawableAt When it can be withdrawn, in seconds since the Unix epoch; 0 when nothing is unbonding.
    function unbondingOf(address wallet) external view returns (uint256 amount, uint256 withdrawableAt);

    /// @notice How much of a wallet's stake, unbonding or not, the court holds.
    /// @param wallet Any wallet.
    /// @return amount Base units; never more than its stake and what is unbonding together.
    function lockedOf(address wallet) external view returns (uint256 amount);

    /// @notice When a wallet was last slashed, even if there was nothing left to take.
    /// @param wallet Any wallet.
    /// @return timestamp Seconds since the Unix epoch; 0 for never.
    function lastSlashedAt(address wallet) external view returns (uint48 timestamp);

    /// @notice What a wallet has lost to slashes, ever.
    /// @param wallet Any wallet.
    /// @return amount Base units.
    function slashedTotalOf(address wallet) external view returns (uint256 amount);

    /// @notice Bounties that an account can withdraw.
    /// @param account Any account.
    /// @return amount Base units.
    function bountyOf(address account) external view returns (uint256 amount);
}
