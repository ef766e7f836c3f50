// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {ICreditToken} from "../interfaces/ICreditToken.sol";
import {IEmission} from "../interfaces/IEmission.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Roles} from "../libraries/Roles.sol";

/// @title Emission
/// @author Shoal
/// @notice See {IEmission}.
/// @dev Checks, then effects, then interactions in every function. The credit token and the stakes are the only
/// contracts called, both fixed at deployment and both Shoal's own, so that no call comes back.
///
/// The books: the tokens held here are at least the sum of `bondOf` over all accounts, of `bond` over all
/// distributions that are not resolved, and of `bond` once more over the disputed ones; exactly that unless somebody
/// sent tokens here. What can be minted of an epoch is at most the sum of two pools and the treasury's share, each
/// rounded down, hence at most the epoch's supply: no claim ever fails because another one came first, except among
/// the leaves of one root that add up to more than its total.
contract Emission is IEmission, Ownable {
    using Checkpoints for Checkpoints.Trace224;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @notice Basis points of a whole.
    uint256 public constant BASIS_POINTS = 10_000;

    /// @notice Most that the treasury can have of an epoch, in basis points.
    uint256 public constant MAX_TREASURY_BPS = 1_000;

    /// @notice How many epochs after its own a distribution can be claimed.
    uint256 public constant CLAIM_EPOCHS = 12;

    /// @notice Part of a lost bond that the winner of a dispute gets, in basis points; the rest is burned.
    uint256 public constant WINNER_BPS = 5_000;

    /// @notice The bond can be set from its first value divided by this to its first value times this.
    uint256 public constant BOND_RANGE = 10;

    /// @notice Least length of a window, in seconds.
    uint256 public constant MIN_WINDOW = 1 hours;

    /// @notice Greatest length of a window, in seconds: with both at their greatest, three tries in a row end before
    /// the claims do.
    uint256 public constant MAX_WINDOW = 60 days;

    uint224 private constant _LEARNERS_BITS = 16;

    uint224 private constant _TREASURY_BITS = 32;

    /// @inheritdoc IEmission
    address public immutable override creditToken;

    /// @inheritdoc IEmission
    address public immutable override staking;

    /// @inheritdoc IEmission
    uint256 public immutable override challengeWindow;

    /// @inheritdoc IEmission
    uint256 public immutable override resolveWindow;

    uint256 private immutable _firstProposalBond;

    /// @inheritdoc IEmission
    address public override treasury;

    /// @inheritdoc IEmission
    uint256 public override proposalBond;

    /// @inheritdoc IEmission
    mapping(address account => uint256 amount) public override bondOf;

    /// @inheritdoc IEmission
    mapping(uint256 epoch => mapping(Pool pool => mapping(address account => bool claimed))) public override isClaimed;

    /// @inheritdoc IEmission
    mapping(uint256 epoch => bool claimed) public override isTreasuryClaimed;

    /// @dev The split by the first epoch it holds for: three times 16 bits.
    Checkpoints.Trace224 private _shares;

    mapping(uint256 epoch => mapping(Pool pool => Distribution distribution)) private _distributions;

    /// @notice Fixes the contracts and the windows, and sets what governance can change.
    /// @param creditToken_ The token that is minted; it must name this contract as its emission.
    /// @param staking_ Where it is asked who is an active Validator.
    /// @param owner_ Who decides disputes and sets the parameters: the governance's timelock.
    /// @param treasury_ Who gets the treasury's share.
    /// @param challengeWindow_ Seconds that a proposed distribution can be disputed.
    /// @param resolveWindow_ Seconds that a dispute can be decided: longer than a vote and its timelock take.
    /// @param proposalBond_ Bond of a proposal at first, in base units, at least `BOND_RANGE`.
    /// @param shares The split from epoch 0 on.
    constructor(
        address creditToken_,
        address staking_,
        address owner_,
        address treasury_,
        uint256 challengeWindow_,
        uint256 resolveWindow_,
        uint256 proposalBond_,
        Shares memory shares
    ) Ownable(owner_) {
        if (creditToken_ == address(0) || staking_ == address(0)) revert ZeroAddress();
        _requireWindow(challengeWindow_);
        _requireWindow(resolveWindow_);
        uint256 highest = type(uint96).max / BOND_RANGE;
        if (proposalBond_ < BOND_RANGE || proposalBond_ > highest) {
            revert BondOutOfBounds(proposalBond_, BOND_RANGE, highest);
        }
        creditToken = creditToken_;
        staking = staking_;
        challengeWindow = challengeWindow_;
        resolveWindow = resolveWindow_;
        _firstProposalBond = proposalBond_;
        proposalBond = proposalBond_;
        emit ProposalBondSet(proposalBond_);
        _setTreasury(treasury_);
        _setShares(0, shares);
    }

    /// @inheritdoc IEmission
    function propose(
        uint256 epoch,
        Pool pool,
        bytes32 root,
        uint256 total,
        bytes32 contentHash
    ) external override returns (bytes32 id) {
        _requireValidator();
        _requireClaimable(epoch);
        if (root == bytes32(0) || total == 0) revert EmptyDistribution();
        uint256 size = poolSizeDown(epoch, pool);
        if (total > size) revert PoolExceeded(total, size);
        Distribution storage distribution = _distributions[epoch][pool];
        Status status = _statusOf(distribution);
        if (status == Status.Lapsed) _lapse(epoch, pool, distribution);
        else if (status != Status.None) revert DistributionExists(distribution.id);

        id = keccak256(abi.encode(epoch, pool, root, total, contentHash, msg.sender, block.timestamp));
        uint256 bond = proposalBond;
        uint256 finalAt = block.timestamp + challengeWindow;
        distribution.id = id;
        distribution.root = root;
        distribution.proposer = msg.sender;
        distribution.total = total.toUint96();
        distribution.bond = bond.toUint96();
        distribution.deadline = finalAt.toUint48();
        distribution.status = Status.Proposed;
        emit DistributionProposed({
            epoch: epoch,
            pool: pool,
            id: id,
            root: root,
            total: total,
            contentHash: contentHash,
            proposer: msg.sender,
            bond: bond,
            finalAt: finalAt
        });
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @inheritdoc IEmission
    function dispute(uint256 epoch, Pool pool, bytes32 id) external override {
        Distribution storage distribution = _identified(epoch, pool, id, Status.Proposed);
        if (msg.sender == distribution.proposer) revert OwnProposal();
        _requireValidator();
        uint256 lapsesAt = block.timestamp + resolveWindow;
        distribution.disputer = msg.sender;
        distribution.deadline = lapsesAt.toUint48();
        distribution.status = Status.Disputed;
        emit DistributionDisputed(epoch, pool, id, msg.sender, lapsesAt);
        IERC20(creditToken).safeTransferFrom(msg.sender, address(this), distribution.bond);
    }

    /// @inheritdoc IEmission
    function resolve(uint256 epoch, Pool pool, bytes32 id, bool upheld) external override onlyOwner {
        Distribution storage distribution = _identified(epoch, pool, id, Status.Disputed);
        uint256 bond = distribution.bond;
        uint256 rewardDown = (bond * WINNER_BPS) / BASIS_POINTS;
        uint256 burned = bond - rewardDown;
        address winner = upheld ? distribution.proposer : distribution.disputer;
        if (upheld) {
            distribution.status = Status.Final;
            distribution.bond = 0;
        } else {
            delete _distributions[epoch][pool];
        }
        _credit(winner, bond + rewardDown);
        emit DisputeResolved({
            epoch: epoch,
            pool: pool,
            id: id,
            upheld: upheld,
            winner: winner,
            reward: rewardDown,
            burned: burned
        });
        ICreditToken(creditToken).burn(burned);
    }

    /// @inheritdoc IEmission
    function release(uint256 epoch, Pool pool) external override {
        Distribution storage distribution = _distributions[epoch][pool];
        Status status = _statusOf(distribution);
        if (status == Status.Lapsed) {
            _lapse(epoch, pool, distribution);
        } else if (status == Status.Final) {
            uint256 bond = distribution.bond;
            if (bond == 0) revert NothingToRelease();
            distribution.bond = 0;
            _credit(distribution.proposer, bond);
        } else {
            revert WrongStatus(status);
        }
    }

    /// @inheritdoc IEmission
    function withdrawBond() external override returns (uint256 amount) {
        amount = bondOf[msg.sender];
        if (amount == 0) revert NoBond();
        bondOf[msg.sender] = 0;
        emit BondWithdrawn(msg.sender, amount);
        IERC20(creditToken).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEmission
    function claim(
        uint256 epoch,
        Pool pool,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external override {
        _requireClaimable(epoch);
        Distribution storage distribution = _distributions[epoch][pool];
        Status status = _statusOf(distribution);
        if (status != Status.Final) revert WrongStatus(status);
        if (isClaimed[epoch][pool][account]) revert AlreadyClaimed(account);
        if (!MerkleProof.verifyCalldata(proof, distribution.root, leafOf(epoch, pool, account, amount))) {
            revert InvalidProof();
        }
        uint256 claimed = distribution.claimed;
        uint256 available = distribution.total - claimed;
        if (amount > available) revert TotalExceeded(amount, available);
        // At most the total, which fits.
        distribution.claimed = uint96(claimed + amount);
        isClaimed[epoch][pool][account] = true;
        emit Claimed(epoch, pool, account, amount);
        ICreditToken(creditToken).mint(account, epoch, amount);
    }

    /// @inheritdoc IEmission
    function claimTreasury(uint256 epoch) external override returns (uint256 amount) {
        _requireClaimable(epoch);
        if (isTreasuryClaimed[epoch]) revert TreasuryAlreadyClaimed(epoch);
        isTreasuryClaimed[epoch] = true;
        amount = treasurySizeDown(epoch);
        emit TreasuryClaimed(epoch, treasury, amount);
        ICreditToken(creditToken).mint(treasury, epoch, amount);
    }

    /// @inheritdoc IEmission
    function setShares(Shares calldata shares) external override onlyOwner {
        _setShares(ICreditToken(creditToken).currentEpoch() + 1, shares);
    }

    /// @inheritdoc IEmission
    function setProposalBond(uint256 bond) external override onlyOwner {
        (uint256 lowest, uint256 highest) = proposalBondBounds();
        if (bond < lowest || bond > highest) revert BondOutOfBounds(bond, lowest, highest);
        proposalBond = bond;
        emit ProposalBondSet(bond);
    }

    /// @inheritdoc IEmission
    function setTreasury(address newTreasury) external override onlyOwner {
        _setTreasury(newTreasury);
    }

    /// @inheritdoc IEmission
    function distributionOf(
        uint256 epoch,
        Pool pool
    ) external view override returns (Distribution memory distribution) {
        return _distributions[epoch][pool];
    }

    /// @inheritdoc IEmission
    function statusOf(uint256 epoch, Pool pool) external view override returns (Status status) {
        return _statusOf(_distributions[epoch][pool]);
    }

    /// @inheritdoc IEmission
    function proposalBondBounds() public view override returns (uint256 lowest, uint256 highest) {
        return (_firstProposalBond / BOND_RANGE, _firstProposalBond * BOND_RANGE);
    }

    /// @inheritdoc IEmission
    function sharesOf(uint256 epoch) public view override returns (Shares memory shares) {
        uint32 key = epoch > type(uint32).max ? type(uint32).max : uint32(epoch);
        uint224 packed = _shares.upperLookupRecent(key);
        // Each is the 16 bits it was put into.
        return Shares(uint16(packed), uint16(packed >> _LEARNERS_BITS), uint16(packed >> _TREASURY_BITS));
    }

    /// @inheritdoc IEmission
    function poolSizeDown(uint256 epoch, Pool pool) public view override returns (uint256 size) {
        Shares memory shares = sharesOf(epoch);
        return _shareDown(pool == Pool.Providers ? shares.providers : shares.learners);
    }

    /// @inheritdoc IEmission
    function treasurySizeDown(uint256 epoch) public view override returns (uint256 size) {
        return _shareDown(sharesOf(epoch).treasury);
    }

    /// @inheritdoc IEmission
    function leafOf(
        uint256 epoch,
        Pool pool,
        address account,
        uint256 amount
    ) public pure override returns (bytes32 leaf) {
        return keccak256(bytes.concat(keccak256(abi.encode(epoch, pool, account, amount))));
    }

    /// @notice Forgets a distribution whose dispute was not decided, and credits both bonds.
    /// @param epoch Its epoch.
    /// @param pool Its pool.
    /// @param distribution The same, as stored.
    function _lapse(uint256 epoch, Pool pool, Distribution storage distribution) private {
        (bytes32 id, uint256 bond) = (distribution.id, distribution.bond);
        (address proposer, address disputer) = (distribution.proposer, distribution.disputer);
        delete _distributions[epoch][pool];
        _credit(proposer, bond);
        _credit(disputer, bond);
        emit DistributionLapsed(epoch, pool, id);
    }

    /// @notice Makes an amount an account's to withdraw.
    /// @param account The account.
    /// @param amount Base units.
    function _credit(address account, uint256 amount) private {
        bondOf[account] += amount;
        emit BondCredited(account, amount);
    }

    /// @notice Sets the split.
    /// @param fromEpoch First epoch it holds for; never less than that of any split before.
    /// @param shares The split.
    function _setShares(uint256 fromEpoch, Shares memory shares) private {
        uint256 sum = uint256(shares.providers) + shares.learners + shares.treasury;
        if (sum > BASIS_POINTS) revert SharesExceedSupply(sum);
        if (shares.treasury > MAX_TREASURY_BPS) revert TreasuryShareTooLarge(shares.treasury, MAX_TREASURY_BPS);
        uint224 packed =
            uint224(shares.providers) |
                (uint224(shares.learners) << _LEARNERS_BITS) |
                (uint224(shares.treasury) << _TREASURY_BITS);
        _shares.push(fromEpoch.toUint32(), packed);
        emit SharesSet(fromEpoch, shares);
    }

    /// @notice Sets who gets the treasury's share.
    /// @param newTreasury The account.
    function _setTreasury(address newTreasury) private {
        if (newTreasury == address(0)) revert ZeroAddress();
        treasury = newTreasury;
        emit TreasurySet(newTreasury);
    }

    /// @notice The distribution that is meant, in the state that is needed.
    /// @param epoch Its epoch.
    /// @param pool Its pool.
    /// @param id The identity it must have.
    /// @param needed The state it must be in.
    /// @return distribution The distribution as stored.
    function _identified(
        uint256 epoch,
        Pool pool,
        bytes32 id,
        Status needed
    ) private view returns (Distribution storage distribution) {
        distribution = _distributions[epoch][pool];
        if (id == bytes32(0) || distribution.id != id) revert OtherDistribution(distribution.id);
        Status status = _statusOf(distribution);
        if (status != needed) revert WrongStatus(status);
    }

    /// @notice Refuses callers that are not active Validators.
    function _requireValidator() private view {
        if (!IStaking(staking).isActive(msg.sender, Roles.VALIDATOR)) revert OnlyValidator(msg.sender);
    }

    /// @notice Refuses epochs that are not over, and those whose claims have ended.
    /// @param epoch The epoch.
    function _requireClaimable(uint256 epoch) private view {
        uint256 current = ICreditToken(creditToken).currentEpoch();
        if (!(epoch < current)) revert EpochNotOver(epoch, current);
        if (current - epoch > CLAIM_EPOCHS) revert ClaimsEnded(epoch, current);
    }

    /// @notice A share of an epoch's supply.
    /// @param basisPoints The share.
    /// @return size Base units, rounded down.
    function _shareDown(uint256 basisPoints) private view returns (uint256 size) {
        return (ICreditToken(creditToken).epochSupply() * basisPoints) / BASIS_POINTS;
    }

    /// @notice What the time has made of a distribution.
    /// @param distribution The distribution as stored.
    /// @return status Its state now.
    function _statusOf(Distribution storage distribution) private view returns (Status status) {
        status = distribution.status;
        if (!(block.timestamp < distribution.deadline)) {
            if (status == Status.Proposed) return Status.Final;
            if (status == Status.Disputed) return Status.Lapsed;
        }
    }

    /// @notice Refuses windows that are out of bounds.
    /// @param window Seconds.
    function _requireWindow(uint256 window) private pure {
        if (window < MIN_WINDOW || window > MAX_WINDOW) revert WindowOutOfBounds(window, MIN_WINDOW, MAX_WINDOW);
    }
}
