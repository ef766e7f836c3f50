// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IEmission
/// @author Shoal
/// @notice Gives out what the credit token allows for an epoch, once the epoch is over: to providers by settled work,
/// to learners by accepted rounds, and a bounded share to the treasury.
///
/// Who gets how much is computed off chain from public data, by a rule that everyone can run again, and comes here as
/// the root of a Merkle tree. An active Validator proposes the root with a bond; for a while, any other active
/// Validator can dispute it with the same bond; governance decides disputes. A root that nobody disputed in time, or
/// that governance upheld, is final: from then on everyone can claim what its leaf says, until
/// `CLAIM_EPOCHS` epochs after. What is not claimed by then is never minted.
///
/// What cannot go wrong, whoever proposes, disputes or decides: no pool mints more than its share, no epoch more than
/// its supply, nobody claims twice, and a bond is lost by governance's decision only. What can: a wrong root that no
/// Validator disputes becomes final and gives the pool's share to the wrong accounts. A root whose leaves add up to
/// more than its total is such a wrong root: claims are paid in the order they come, until the total is reached. And
/// as long as disputes are raised and governance decides none of them, an epoch's distribution is put off, in the end
/// beyond its claims.
interface IEmission {
    /// @notice Who a distribution is for.
    enum Pool {
        Providers,
        Learners
    }

    /// @notice What has become of a pool's distribution. One that was refused, or whose dispute was not decided in
    /// time and that has been released, is as if it had never been proposed.
    enum Status {
        None,
        Proposed,
        Disputed,
        Lapsed,
        Final
    }

    /// @notice How an epoch's supply is split, in basis points. What the sum lacks of 10,000 is never minted.
    /// @param providers Of the pool of providers.
    /// @param learners Of the pool of learners.
    /// @param treasury Of the treasury.
    struct Shares {
        uint16 providers;
        uint16 learners;
        uint16 treasury;
    }

    /// @notice The distribution of a pool.
    /// @param id Hash of all that was proposed, by whom and when.
    /// @param root Root of the Merkle tree of claims.
    /// @param proposer Who proposed it.
    /// @param total Most that can be claimed of it, in base units.
    /// @param claimed What has been, in base units.
    /// @param bond What its proposer, and who disputes it, pledges; 0 once the bonds were credited.
    /// @param deadline While it is proposed, when it becomes final; while it is disputed, when the dispute lapses; in
    /// seconds since the Unix epoch.
    /// @param status As of the last transaction; `statusOf` knows what the time has made of it.
    /// @param disputer Who disputed it; zero when nobody did.
    struct Distribution {
        bytes32 id;
        bytes32 root;
        address proposer;
        uint96 total;
        uint96 claimed;
        uint96 bond;
        uint48 deadline;
        Status status;
        address disputer;
    }

    /// @notice A distribution was proposed.
    /// @param epoch Its epoch.
    /// @param pool Its pool.
    /// @param id Its identity.
    /// @param root Root of the Merkle tree of claims.
    /// @param total Most that can be claimed, in base units.
    /// @param contentHash Hash of the published list of claims.
    /// @param proposer Who proposed it.
    /// @param bond What the proposer pledged, in base units.
    /// @param finalAt When it becomes final unless it is disputed before, in seconds since the Unix epoch.
    event DistributionProposed(
        uint256 indexed epoch,
        Pool indexed pool,
        bytes32 indexed id,
        bytes32 root,
        uint256 total,
        bytes32 contentHash,
        address proposer,
        uint256 bond,
        uint256 finalAt
    );

    /// @notice A distribution was disputed.
    /// @param epoch Its epoch.
    /// @param pool Its pool.
    /// @param id Its identity.
    /// @param disputer Who disputed it, with the same bond as the proposer's.
    /// @param lapsesAt When the dispute lapses unless it is decided before, in seconds since the Unix epoch.
    event DistributionDisputed(
        uint256 indexed epoch,
        Pool indexed pool,
        bytes32 indexed id,
        address disputer,
        uint256 lapsesAt
    );

    /// @notice Governance decided a dispute.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param id Its identity.
    /// @param upheld Whether it is final now; otherwise another can be proposed.
    /// @param winner Who was credited its own bond and the reward.
    /// @param reward What it got of the loser's bond, in base units.
    /// @param burned The rest of the loser's bond, in base units.
    event DisputeResolved(
        uint256 indexed epoch,
        Pool indexed pool,
        bytes32 indexed id,
        bool upheld,
        address winner,
        uint256 reward,
        uint256 burned
    );

    /// @notice A dispute was not decided in time: both bonds were credited, and another distribution can be proposed.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param id Its identity.
    event DistributionLapsed(uint256 indexed epoch, Pool indexed pool, bytes32 indexed id);

    /// @notice A bond, or a part of another's, is an account's to withdraw.
    /// @param account The account.
    /// @param amount Base units credited.
    event BondCredited(address indexed account, uint256 amount);

    /// @notice An account was paid what had been credited to it.
    /// @param account The account.
    /// @param amount Base units paid.
    event BondWithdrawn(address indexed account, uint256 amount);

    /// @notice An account got its part of a pool.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param account The account.
    /// @param amount Base units minted.
    event Claimed(uint256 indexed epoch, Pool indexed pool, address indexed account, uint256 amount);

    /// @notice The treasury got its share of an epoch.
    /// @param epoch The epoch.
    /// @param treasury The treasury at that time.
    /// @param amount Base units minted.
    event TreasuryClaimed(uint256 indexed epoch, address indexed treasury, uint256 amount);

    /// @notice The split of epochs to come was set.
    /// @param fromEpoch First epoch it holds for.
    /// @param shares The split.
    event SharesSet(uint256 indexed fromEpoch, Shares shares);

    /// @notice The bond of proposals to come was set.
    /// @param bond Base units.
    event ProposalBondSet(uint256 bond);

    /// @notice The treasury was set.
    /// @param treasury Account that gets the treasury's share from now on.
    event TreasurySet(address indexed treasury);

    /// @notice The token, the stakes and the treasury must be somebody's addresses.
    error ZeroAddress();

    /// @notice A window is out of its bounds.
    /// @param window Seconds asked for.
    /// @param lowest Least that is allowed.
    /// @param highest Most that is allowed.
    error WindowOutOfBounds(uint256 window, uint256 lowest, uint256 highest);

    /// @notice A bond is out of its bounds.
    /// @param bond Base units asked for.
    /// @param lowest Least that is allowed.
    /// @param highest Most that is allowed.
    error BondOutOfBounds(uint256 bond, uint256 lowest, uint256 highest);

    /// @notice The shares are more than there is.
    /// @param sum Basis points of all shares together.
    error SharesExceedSupply(uint256 sum);

    /// @notice The treasury's share is too large.
    /// @param treasury Basis points asked for.
    /// @param highest Most that is allowed.
    error TreasuryShareTooLarge(uint256 treasury, uint256 highest);

    /// @notice Only an active Validator proposes and disputes.
    /// @param account The caller.
    error OnlyValidator(address account);

    /// @notice A distribution is of an epoch that is over.
    /// @param epoch Epoch asked for.
    /// @param current The running epoch.
    error EpochNotOver(uint256 epoch, uint256 current);

    /// @notice The time to claim of this epoch is over.
    /// @param epoch Epoch asked for.
    /// @param current The running epoch.
    error ClaimsEnded(uint256 epoch, uint256 current);

    /// @notice A distribution has a root and a total, neither of them zero.
    error EmptyDistribution();

    /// @notice The total is more than the pool.
    /// @param total Base units asked for.
    /// @param size Size of the pool.
    error PoolExceeded(uint256 total, uint256 size);

    /// @notice The pool has a distribution, and its fate is open or it is final.
    /// @param id Its identity.
    error DistributionExists(bytes32 id);

    /// @notice The pool's distribution is not the one that is meant, or there is none.
    /// @param id The one there is; zero when there is none.
    error OtherDistribution(bytes32 id);

    /// @notice The distribution is not in the state this needs.
    /// @param status The state it is in.
    error WrongStatus(Status status);

    /// @notice Nobody disputes its own proposal.
    error OwnProposal();

    /// @notice The bonds have been credited.
    error NothingToRelease();

    /// @notice Nothing is credited to the caller.
    error NoBond();

    /// @notice Each account claims once of a distribution.
    /// @param account The account.
    error AlreadyClaimed(address account);

    /// @notice The proof does not lead from this claim to the root.
    error InvalidProof();

    /// @notice The claim would pass the total of the distribution: its leaves add up to more than was proposed.
    /// @param requested Base units asked for.
    /// @param available What is left.
    error TotalExceeded(uint256 requested, uint256 available);

    /// @notice The treasury has its share of this epoch.
    /// @param epoch The epoch.
    error TreasuryAlreadyClaimed(uint256 epoch);

    /// @notice Proposes the distribution of a pool, with a bond. Only active Validators.
    /// @param epoch An epoch that is over, and whose claims have not ended.
    /// @param pool The pool.
    /// @param root Root of the Merkle tree of claims, see `leafOf`.
    /// @param total Sum of all claims, at most the pool's size, in base units.
    /// @param contentHash sha256 of the published list of claims, for those who compare.
    /// @return id Identity of the distribution.
    /// @dev Pulls `proposalBond`. Releases a distribution that lapsed. Reverts with `OnlyValidator`, `EpochNotOver`,
    /// `ClaimsEnded`, `EmptyDistribution`, `PoolExceeded`, `DistributionExists` and the token's errors.
    function propose(
        uint256 epoch,
        Pool pool,
        bytes32 root,
        uint256 total,
        bytes32 contentHash
    ) external returns (bytes32 id);

    /// @notice Disputes a proposed distribution, with the same bond. Only active Validators other than the proposer.
    /// @param epoch Its epoch.
    /// @param pool Its pool.
    /// @param id Its identity: a dispute never meets a distribution its sender has not seen.
    /// @dev Pulls the distribution's bond. Reverts with `OtherDistribution`, `WrongStatus`, `OwnProposal`,
    /// `OnlyValidator` and the token's errors.
    function dispute(uint256 epoch, Pool pool, bytes32 id) external;

    /// @notice Decides a dispute. Only the owner. The winner is credited its bond and half of the loser's, rounded
    /// down; the rest of that is burned, so that disputing one's own proposal through another account has a price.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param id Its identity: a decision never meets a later distribution of the same pool.
    /// @param upheld Whether the distribution is right; it is final then. Otherwise another can be proposed.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `OtherDistribution`, `WrongStatus`.
    function resolve(uint256 epoch, Pool pool, bytes32 id, bool upheld) external;

    /// @notice Credits the bond of a final distribution, or both bonds of a lapsed one; the latter is forgotten.
    /// Anyone may call.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @dev Reverts with `WrongStatus`, `NothingToRelease`.
    function release(uint256 epoch, Pool pool) external;

    /// @notice Pays the caller what has been credited to it.
    /// @return amount Base units paid.
    /// @dev Reverts with `NoBond`.
    function withdrawBond() external returns (uint256 amount);

    /// @notice Mints an account's part of a pool to that account. Anyone may call.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param account The account.
    /// @param amount Its part, in base units, as in its leaf.
    /// @param proof Hashes from the leaf's sibling to the root's child.
    /// @dev Reverts with `EpochNotOver`, `ClaimsEnded`, `WrongStatus`, `AlreadyClaimed`, `InvalidProof`,
    /// `TotalExceeded`, and `ERC20InvalidReceiver` for the zero account.
    function claim(uint256 epoch, Pool pool, address account, uint256 amount, bytes32[] calldata proof) external;

    /// @notice Mints the treasury's share of an epoch to the treasury, once. Anyone may call.
    /// @param epoch An epoch that is over, and whose claims have not ended.
    /// @return amount Base units minted.
    /// @dev Reverts with `EpochNotOver`, `ClaimsEnded`, `TreasuryAlreadyClaimed`.
    function claimTreasury(uint256 epoch) external returns (uint256 amount);

    /// @notice Sets the split from the next epoch on. Only the owner. No epoch that has begun ever changes its split.
    /// @param shares The split.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `SharesExceedSupply`, `TreasuryShareTooLarge`.
    function setShares(Shares calldata shares) external;

    /// @notice Sets the bond of proposals to come. Only the owner.
    /// @param bond Base units, within a tenth and ten times the first one.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `BondOutOfBounds`.
    function setProposalBond(uint256 bond) external;

    /// @notice Sets who gets the treasury's share. Only the owner.
    /// @param newTreasury The account.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `ZeroAddress`.
    function setTreasury(address newTreasury) external;

    /// @notice The token that is minted, and that bonds are in.
    /// @return token Address of the credit token.
    function creditToken() external view returns (address token);

    /// @notice Where it is asked who is an active Validator.
    /// @return contract_ Address of the stakes.
    function staking() external view returns (address contract_);

    /// @notice How long a proposed distribution can be disputed. Never changes.
    /// @return window Seconds.
    function challengeWindow() external view returns (uint256 window);

    /// @notice How long governance has to decide a dispute. Never changes.
    /// @return window Seconds.
    function resolveWindow() external view returns (uint256 window);

    /// @notice What a proposal pledges from now on.
    /// @return bond Base units.
    function proposalBond() external view returns (uint256 bond);

    /// @notice Least and most that the bond can be set to. Never change.
    /// @return lowest Base units.
    /// @return highest Base units.
    function proposalBondBounds() external view returns (uint256 lowest, uint256 highest);

    /// @notice Who gets the treasury's share.
    /// @return account Address.
    function treasury() external view returns (address account);

    /// @notice How an epoch's supply is split.
    /// @param epoch Any epoch; for those that have not begun, as it is set now.
    /// @return shares The split.
    function sharesOf(uint256 epoch) external view returns (Shares memory shares);

    /// @notice What a pool has of an epoch.
    /// @param epoch Any epoch.
    /// @param pool The pool.
    /// @return size Base units, rounded down.
    function poolSizeDown(uint256 epoch, Pool pool) external view returns (uint256 size);

    /// @notice What the treasury has of an epoch.
    /// @param epoch Any epoch.
    /// @return size Base units, rounded down.
    function treasurySizeDown(uint256 epoch) external view returns (uint256 size);

    /// @notice The distribution of a pool as it was last written.
    /// @param epoch Any epoch.
    /// @param pool The pool.
    /// @return distribution All zeros when there is none.
    function distributionOf(uint256 epoch, Pool pool) external view returns (Distribution memory distribution);

    /// @notice What has become of a pool's distribution by now.
    /// @param epoch Any epoch.
    /// @param pool The pool.
    /// @return status Its state.
    function statusOf(uint256 epoch, Pool pool) external view returns (Status status);

    /// @notice Whether an account has had its part.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param account The account.
    /// @return claimed True once it has.
    function isClaimed(uint256 epoch, Pool pool, address account) external view returns (bool claimed);

    /// @notice Whether the treasury has had its share.
    /// @param epoch Any epoch.
    /// @return claimed True once it has.
    function isTreasuryClaimed(uint256 epoch) external view returns (bool claimed);

    /// @notice What an account can withdraw.
    /// @param account Any account.
    /// @return amount Base units.
    function bondOf(address account) external view returns (uint256 amount);

    /// @notice The leaf of a claim: what the `StandardMerkleTree` of OpenZeppelin's npm package merkle-tree makes of
    /// `[epoch, pool, account, amount]` with the types `['uint256', 'uint8', 'address', 'uint256']`.
    /// @param epoch Epoch of the distribution.
    /// @param pool Its pool.
    /// @param account The account.
    /// @param amount Its part, in base units.
    /// @return leaf keccak256(keccak256(abi.encode(epoch, pool, account, amount))).
    function leafOf(uint256 epoch, Pool pool, address account, uint256 amount) external pure returns (bytes32 leaf);
}
