// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {CreditToken} from "../../../contracts/core/CreditToken.sol";
import {Emission} from "../../../contracts/core/Emission.sol";
import {Staking} from "../../../contracts/core/Staking.sol";
import {IEmission} from "../../../contracts/interfaces/IEmission.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {Test} from "./support/Test.sol";

uint256 constant EPOCH = 30 days;
/// @dev Odd, so that every share is rounded.
uint256 constant EPOCH_SUPPLY = 1_000_003;
uint256 constant GENESIS_SUPPLY = 1_000_000;
uint256 constant CHALLENGE_WINDOW = 1 days;
uint256 constant RESOLVE_WINDOW = 2 days;
uint256 constant BOND = 101;
uint256 constant LEAVES = 4;

/// @notice The real token, stakes and emission contract, with four Validators. This contract is the owner.
/// A malicious token has no place here: the token is Shoal's own and fixed, and calls nobody.
abstract contract EmissionFixture is Test {
    CreditToken public token;
    Staking public staking;
    Emission public emission;
    address[LEAVES] public validators = [address(0xA1), address(0xB0), address(0xC4), address(0xDA)];
    address public constant TREASURY = address(0x7EA);

    function deploy() internal {
        vm.warp(1_800_000_000);
        token = new CreditToken(EPOCH_SUPPLY, address(this), GENESIS_SUPPLY);
        staking = new Staking({
            creditToken_: address(token),
            owner_: address(this),
            pauser_: address(0),
            minUnbondingDelay_: 1,
            unbondingDelay_: 1,
            minimums: IStaking.MinimumStakes({validator: 100, provider: 100, orchestrator: 50})
        });
        emission = new Emission({
            creditToken_: address(token),
            staking_: address(staking),
            owner_: address(this),
            treasury_: TREASURY,
            challengeWindow_: CHALLENGE_WINDOW,
            resolveWindow_: RESOLVE_WINDOW,
            proposalBond_: BOND,
            shares: IEmission.Shares({providers: 7_001, learners: 1_999, treasury: 1_000})
        });
        token.setEmission(address(emission));
        for (uint256 index = 0; index < LEAVES; ++index) {
            address validator = validators[index];
            token.transfer(validator, 100_000);
            vm.startPrank(validator);
            token.approve(address(staking), 100);
            staking.stake(100);
            staking.setRoles(Roles.VALIDATOR);
            token.approve(address(emission), type(uint256).max);
            vm.stopPrank();
        }
    }

    function proposeAs(
        address who,
        uint256 epoch,
        IEmission.Pool pool,
        bytes32 root,
        uint256 total
    ) internal returns (bytes32) {
        vm.prank(who);
        return emission.propose(epoch, pool, root, total, bytes32(0));
    }

    /// @dev What the validators get in a tree of four leaves.
    function leavesOf(
        uint256 epoch,
        IEmission.Pool pool,
        uint256[LEAVES] memory amounts
    ) internal view returns (bytes32[LEAVES] memory leaves) {
        for (uint256 index = 0; index < LEAVES; ++index) {
            leaves[index] = emission.leafOf(epoch, pool, validators[index], amounts[index]);
        }
    }

    function rootOf(bytes32[LEAVES] memory leaves) internal pure returns (bytes32) {
        return
            Hashes.commutativeKeccak256(
                Hashes.commutativeKeccak256(leaves[0], leaves[1]),
                Hashes.commutativeKeccak256(leaves[2], leaves[3])
            );
    }

    function proofOf(bytes32[LEAVES] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        proof = new bytes32[](2);
        proof[0] = leaves[index ^ 1];
        proof[1] =
            index < 2
                ? Hashes.commutativeKeccak256(leaves[2], leaves[3])
                : Hashes.commutativeKeccak256(leaves[0], leaves[1]);
    }
}

contract EmissionTest is EmissionFixture {
    function setUp() public {
        deploy();
        skipTime(3 * EPOCH);
    }

    function testFuzz_TheSharesNeverAddUpToMoreThanTheSupply(
        uint96 supply,
        uint16 providers,
        uint16 learners,
        uint16 treasury
    ) public {
        supply = uint96(bound(supply, 1, type(uint96).max));
        providers = uint16(bound(providers, 0, 10_000));
        learners = uint16(bound(learners, 0, 10_000 - providers));
        treasury = uint16(bound(treasury, 0, 1_000));
        uint256 sum = uint256(providers) + learners + treasury;
        CreditToken other = new CreditToken(supply, address(1), 0);
        IEmission.Shares memory shares = IEmission.Shares(providers, learners, treasury);
        if (sum > 10_000) vm.expectRevert(abi.encodeWithSelector(IEmission.SharesExceedSupply.selector, sum));
        Emission made = new Emission({
            creditToken_: address(other),
            staking_: address(staking),
            owner_: address(this),
            treasury_: TREASURY,
            challengeWindow_: CHALLENGE_WINDOW,
            resolveWindow_: RESOLVE_WINDOW,
            proposalBond_: BOND,
            shares: shares
        });
        if (sum > 10_000) return;
        uint256 first = made.poolSizeDown(0, IEmission.Pool.Providers);
        uint256 second = made.poolSizeDown(0, IEmission.Pool.Learners);
        uint256 third = made.treasurySizeDown(0);
        assertLe(first + second + third, supply, "supply");
        assertLe(third * 10, supply, "treasury");
        assertEq(first, (uint256(supply) * providers) / 10_000);
        assertEq(second, (uint256(supply) * learners) / 10_000);
        assertEq(third, (uint256(supply) * treasury) / 10_000);
    }

    function testFuzz_SharesHoldFromTheNextEpochOn(uint16[6] memory providers, uint32[6] memory waits) public {
        uint256 current = token.currentEpoch();
        uint16[] memory expected = new uint16[](current + 8);
        for (uint256 epoch = 0; epoch < expected.length; ++epoch) expected[epoch] = 7_001;
        for (uint256 turn = 0; turn < 6; ++turn) {
            skipTime(bound(waits[turn], 0, EPOCH));
            current = token.currentEpoch();
            uint16 share = uint16(bound(providers[turn], 0, 10_000));
            emission.setShares(IEmission.Shares(share, 0, 0));
            for (uint256 epoch = current + 1; epoch < expected.length; ++epoch) expected[epoch] = share;
            for (uint256 epoch = 0; epoch < expected.length; ++epoch) {
                assertEq(emission.sharesOf(epoch).providers, expected[epoch]);
            }
        }
    }

    function testFuzz_AnEpochIsGivenOutFromItsEndUntilTwelveEpochsLater(uint8 epoch, uint32 elapsed) public {
        uint256 genesis = token.genesisTime();
        vm.warp(genesis + elapsed);
        uint256 current = elapsed / EPOCH;
        bool open = epoch < current && current <= uint256(epoch) + 12;
        bytes memory refusal =
            epoch < current
                ? abi.encodeWithSelector(IEmission.ClaimsEnded.selector, epoch, current)
                : abi.encodeWithSelector(IEmission.EpochNotOver.selector, epoch, current);
        if (!open) vm.expectRevert(refusal);
        proposeAs(validators[0], epoch, IEmission.Pool.Learners, bytes32(uint256(1)), 1);
        if (!open) vm.expectRevert(refusal);
        emission.claimTreasury(epoch);
    }

    function testFuzz_OnlyTheOwnerSetsAndDecides(address caller) public {
        vm.assume(caller != address(this));
        bytes32 id = proposeAs(validators[0], 0, IEmission.Pool.Providers, bytes32(uint256(1)), 1);
        vm.prank(validators[1]);
        emission.dispute(0, IEmission.Pool.Providers, id);
        bytes memory refusal = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        emission.resolve(0, IEmission.Pool.Providers, id, true);
        vm.expectRevert(refusal);
        emission.setShares(IEmission.Shares(0, 0, 0));
        vm.expectRevert(refusal);
        emission.setProposalBond(BOND);
        vm.expectRevert(refusal);
        emission.setTreasury(caller);
    }

    /// @dev Inner nodes, the root itself and shortened proofs never pass for a leaf: a leaf is hashed twice, and the
    /// claim brings the leaf's contents, not its hash.
    function testFuzz_NothingButALeafIsPaid(
        uint64[LEAVES] memory seeds,
        address account,
        uint256 amount,
        bytes32[3] memory path,
        uint256 length
    ) public {
        uint256[LEAVES] memory amounts;
        for (uint256 index = 0; index < LEAVES; ++index) amounts[index] = seeds[index];
        bytes32[LEAVES] memory leaves = leavesOf(0, IEmission.Pool.Providers, amounts);
        proposeAs(validators[0], 0, IEmission.Pool.Providers, rootOf(leaves), 1);
        skipTime(CHALLENGE_WINDOW);
        for (uint256 index = 0; index < LEAVES; ++index) {
            vm.assume(account != validators[index] || amount != amounts[index]);
        }
        bytes32[] memory proof = new bytes32[](bound(length, 0, 3));
        for (uint256 index = 0; index < proof.length; ++index) proof[index] = path[index];
        vm.expectRevert(IEmission.InvalidProof.selector);
        emission.claim(0, IEmission.Pool.Providers, account, amount, proof);
        // Parts of the right proof, and the parts of the tree themselves.
        bytes32[] memory right = proofOf(leaves, 0);
        vm.expectRevert(IEmission.InvalidProof.selector);
        emission.claim(0, IEmission.Pool.Providers, account, amount, right);
        bytes32[] memory inner = new bytes32[](1);
        inner[0] = right[1];
        vm.expectRevert(IEmission.InvalidProof.selector);
        emission.claim(0, IEmission.Pool.Providers, account, amount, inner);
        vm.expectRevert(IEmission.InvalidProof.selector);
        emission.claim(0, IEmission.Pool.Providers, account, amount, leaves2(leaves));
        vm.expectRevert(IEmission.InvalidProof.selector);
        emission.claim(0, IEmission.Pool.Providers, address(uint160(uint256(leaves[0]))), uint256(leaves[1]), inner);
    }

    /// @dev Even one whose first hash is 64 bytes of two nodes: the encoding of a claim is 128 bytes, a pair 64.
    function test_ALeafIsNoPairOfNodes() public view {
        bytes memory claim = abi.encode(uint256(0), IEmission.Pool.Providers, validators[0], uint256(1));
        assertEq(claim.length, 128);
        assertEq(
            emission.leafOf(0, IEmission.Pool.Providers, validators[0], 1),
            keccak256(abi.encodePacked(keccak256(claim)))
        );
    }

    function testFuzz_ABondIsSplitToTheUnit(uint256 bond, bool upheld) public {
        (uint256 lowest, uint256 highest) = emission.proposalBondBounds();
        bond = bound(bond, lowest, highest);
        emission.setProposalBond(bond);
        (address proposer, address disputer) = (validators[0], validators[1]);
        bytes32 id = proposeAs(proposer, 0, IEmission.Pool.Providers, bytes32(uint256(1)), 1);
        vm.prank(disputer);
        emission.dispute(0, IEmission.Pool.Providers, id);
        uint256 supply = token.totalSupply();
        emission.resolve(0, IEmission.Pool.Providers, id, upheld);
        uint256 burned = supply - token.totalSupply();
        (address winner, address loser) = upheld ? (proposer, disputer) : (disputer, proposer);
        assertEq(emission.bondOf(winner), bond + bond / 2, "winner");
        assertEq(emission.bondOf(loser), 0, "loser");
        assertEq(burned, bond - bond / 2, "burned");
        assertEq(token.balanceOf(address(emission)), emission.bondOf(winner), "held");
    }

    function leaves2(bytes32[LEAVES] memory leaves) private pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (leaves[0], leaves[1]);
    }
}

/// @notice Everyone does everything, rightly and wrongly, and the handler keeps its own books.
contract EmissionHandler is EmissionFixture {
    uint256 public constant EPOCHS = 4;

    /// @dev What must never pass, and did.
    string public forbidden;

    uint256 public bondsIn;
    uint256 public bondsOut;
    uint256 public bondsBurned;
    uint256 public donated;
    uint256 public proposals;
    uint256 public disputes;
    uint256 public resolutions;
    uint256 public releases;
    uint256 public claims;
    uint256 public overfullClaims;
    mapping(uint256 epoch => mapping(IEmission.Pool pool => uint256 amount)) public claimedOf;
    mapping(uint256 epoch => uint256 amount) public treasuryOf;
    mapping(uint256 epoch => mapping(IEmission.Pool pool => mapping(address account => bool))) private _paid;
    mapping(bytes32 id => uint256[LEAVES] amounts) private _amounts;
    mapping(uint256 epoch => bytes32 hash) private _begun;

    constructor() {
        deploy();
        skipTime(2 * EPOCH);
        recordBegun();
    }

    function propose(uint256 who, uint256 epoch, bool learners, uint256[LEAVES] memory amounts, uint256 total) public {
        (epoch, who) = (_epoch(epoch), who % LEAVES);
        IEmission.Pool pool = _pool(learners);
        uint256 size = emission.poolSizeDown(epoch, pool);
        // Honest or not: leaves may add up to more than the total, and the total may be more than the pool.
        for (uint256 index = 0; index < LEAVES; ++index) amounts[index] = bound(amounts[index], 0, size / 2 + 1);
        total = bound(total, 1, size + 2);
        bytes32 root = rootOf(leavesOf(epoch, pool, amounts));
        uint256 lapsed = emission.statusOf(epoch, pool) == IEmission.Status.Lapsed ? 1 : 0;
        uint256 bond = emission.proposalBond();
        vm.prank(validators[who]);
        try emission.propose(epoch, pool, root, total, bytes32(0)) returns (bytes32 id) {
            if (total > size) forbidden = "a total above the pool";
            _amounts[id] = amounts;
            bondsIn += bond;
            ++proposals;
            releases += lapsed;
        } catch {}
    }

    /// @dev The root of one pool for another pool or epoch, so that its proofs lead to a root there too.
    function proposeForeignRoot(uint256 who, uint256 epoch, bool learners, bool sameEpoch) public {
        epoch = _epoch(epoch);
        bytes32 root = emission.distributionOf(epoch, _pool(learners)).root;
        (uint256 otherEpoch, bool otherPool) = sameEpoch ? (epoch, !learners) : ((epoch + 1) % EPOCHS, learners);
        uint256 size = emission.poolSizeDown(otherEpoch, _pool(otherPool));
        uint256 bond = emission.proposalBond();
        vm.prank(validators[who % LEAVES]);
        try emission.propose(otherEpoch, _pool(otherPool), root, size, bytes32(0)) {
            bondsIn += bond;
            ++proposals;
        } catch {}
    }

    function dispute(uint256 who, uint256 epoch, bool learners) public {
        (epoch, who) = (_epoch(epoch), who % LEAVES);
        IEmission.Distribution memory found = emission.distributionOf(epoch, _pool(learners));
        vm.prank(validators[who]);
        try emission.dispute(epoch, _pool(learners), found.id) {
            if (validators[who] == found.proposer) forbidden = "a dispute with oneself";
            if (vm.getBlockTimestamp() >= found.deadline) forbidden = "a dispute too late";
            bondsIn += found.bond;
            ++disputes;
        } catch {}
    }

    function resolve(uint256 epoch, bool learners, bool upheld) public {
        epoch = _epoch(epoch);
        IEmission.Distribution memory found = emission.distributionOf(epoch, _pool(learners));
        uint256 supply = token.totalSupply();
        try emission.resolve(epoch, _pool(learners), found.id, upheld) {
            if (vm.getBlockTimestamp() >= found.deadline) forbidden = "a decision too late";
            bondsBurned += supply - token.totalSupply();
            ++resolutions;
        } catch {}
    }

    function release(uint256 epoch, bool learners) public {
        try emission.release(_epoch(epoch), _pool(learners)) {
            ++releases;
        } catch {}
    }

    /// @dev Called by this contract only: as an action of its own it always fails.
    function withdrawAgain(address who) external {
        if (msg.sender != address(this)) return;
        vm.prank(who);
        emission.withdrawBond();
    }

    function withdrawBond(uint256 who) public {
        vm.prank(validators[who % LEAVES]);
        try emission.withdrawBond() returns (uint256 amount) {
            bondsOut += amount;
            try this.withdrawAgain(validators[who % LEAVES]) {
                forbidden = "a bond twice";
            } catch {}
        } catch {}
    }

    function claim(uint256 epoch, bool learners, uint256 index) public {
        (epoch, index) = (_epoch(epoch), index % LEAVES);
        IEmission.Pool pool = _pool(learners);
        IEmission.Distribution memory found = emission.distributionOf(epoch, pool);
        uint256[LEAVES] memory amounts = _amounts[found.id];
        bytes32[] memory proof = proofOf(leavesOf(epoch, pool, amounts), index);
        address account = validators[index];
        uint256 before = token.balanceOf(account);
        bool wasFinal = emission.statusOf(epoch, pool) == IEmission.Status.Final;
        try emission.claim(epoch, pool, account, amounts[index], proof) {
            if (_paid[epoch][pool][account]) forbidden = "a claim twice";
            if (!wasFinal) forbidden = "a claim before the root was final";
            if (token.currentEpoch() > epoch + 12) forbidden = "a claim after the end";
            if (token.balanceOf(account) != before + amounts[index]) forbidden = "another amount";
            _paid[epoch][pool][account] = true;
            claimedOf[epoch][pool] += amounts[index];
            ++claims;
            try emission.claim(epoch, pool, account, amounts[index], proof) {
                forbidden = "a claim twice in a row";
            } catch {}
        } catch (bytes memory reason) {
            if (bytes4(reason) == IEmission.TotalExceeded.selector) ++overfullClaims;
        }
    }

    /// @dev A right proof, of another pool or epoch, or for more than the leaf says.
    function claimWithForeignProof(uint256 epoch, bool learners, uint256 index, uint256 other, uint256 more) public {
        (epoch, index) = (_epoch(epoch), index % LEAVES);
        IEmission.Pool pool = _pool(learners);
        uint256[LEAVES] memory amounts = _amounts[emission.distributionOf(epoch, pool).id];
        bytes32[] memory proof = proofOf(leavesOf(epoch, pool, amounts), index);
        uint256 amount = amounts[index];
        other = other % 3;
        uint256 otherEpoch = other == 0 ? (epoch + 1) % EPOCHS : epoch;
        IEmission.Pool otherPool = _pool(other == 1 ? !learners : learners);
        if (other == 2) amount += bound(more, 1, EPOCH_SUPPLY);
        try emission.claim(otherEpoch, otherPool, validators[index], amount, proof) {
            forbidden = "a foreign proof";
        } catch {}
    }

    function claimTreasury(uint256 epoch) public {
        epoch = _epoch(epoch);
        try emission.claimTreasury(epoch) returns (uint256 amount) {
            if (treasuryOf[epoch] != 0) forbidden = "the treasury's share twice";
            treasuryOf[epoch] += amount;
            try emission.claimTreasury(epoch) {
                forbidden = "the treasury's share twice in a row";
            } catch {}
        } catch {}
    }

    function setShares(uint16 providers, uint16 learners, uint16 treasury) public {
        IEmission.Shares memory shares = IEmission.Shares({
            providers: uint16(bound(providers, 0, 10_001)),
            learners: uint16(bound(learners, 0, 10_001 - bound(providers, 0, 10_001))),
            treasury: uint16(bound(treasury, 0, 1_001))
        });
        try emission.setShares(shares) {
            if (shares.treasury > 1_000) forbidden = "a treasury's share above its bound";
        } catch {}
    }

    function setProposalBond(uint256 bond) public {
        try emission.setProposalBond(bound(bond, 0, 20 * BOND)) {} catch {}
    }

    /// @dev Whoever calls, at every entry point that mints or decides.
    function meddle(address caller, uint256 epoch, bool learners, uint256 amount) public {
        if (caller == address(this) || caller == address(emission)) return;
        epoch = _epoch(epoch);
        bytes32 id = emission.distributionOf(epoch, _pool(learners)).id;
        vm.startPrank(caller);
        try token.mint(caller, epoch, amount) {
            forbidden = "a mint by a stranger";
        } catch {}
        try token.setEmission(address(token)) {
            forbidden = "another emission contract";
        } catch {}
        try emission.resolve(epoch, _pool(learners), id, true) {
            forbidden = "a decision by a stranger";
        } catch {}
        try emission.setShares(IEmission.Shares(0, 0, 1_000)) {
            forbidden = "shares by a stranger";
        } catch {}
        vm.stopPrank();
    }

    function donate(uint256 amount) public {
        amount = bound(amount, 0, 50);
        if (!token.transfer(address(emission), amount)) return;
        donated += amount;
    }

    function pass(uint256 time) public {
        skipTime(time % 16 == 0 ? bound(time, EPOCH, 8 * EPOCH) : bound(time, 0, 2 * RESOLVE_WINDOW));
        recordBegun();
    }

    /// @notice The shares of all epochs that have begun, as they were when that was first seen.
    function recordBegun() public {
        for (uint256 epoch = 0; epoch < EPOCHS && epoch <= token.currentEpoch(); ++epoch) {
            bytes32 hash = keccak256(abi.encode(emission.sharesOf(epoch)));
            if (_begun[epoch] == bytes32(0)) _begun[epoch] = hash;
            else if (_begun[epoch] != hash) forbidden = "other shares of an epoch that has begun";
        }
    }

    function _epoch(uint256 seed) private pure returns (uint256) {
        return seed % EPOCHS;
    }

    function _pool(bool learners) private pure returns (IEmission.Pool) {
        return learners ? IEmission.Pool.Learners : IEmission.Pool.Providers;
    }
}

contract EmissionInvariants is Test {
    EmissionHandler private _handler;
    Emission private _emission;
    CreditToken private _token;

    function setUp() public {
        _handler = new EmissionHandler();
        _emission = _handler.emission();
        _token = _handler.token();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_NothingForbiddenPassed() public {
        _handler.recordBegun();
        assertEq(_handler.forbidden(), "");
    }

    function invariant_NoEpochExceedsItsSupplyAndItsPartsAddUp() public view {
        uint256 minted = 0;
        for (uint256 epoch = 0; epoch < _handler.EPOCHS(); ++epoch) {
            uint256 inEpoch = _token.mintedInEpoch(epoch);
            uint256 treasury = _handler.treasuryOf(epoch);
            assertLe(inEpoch, EPOCH_SUPPLY, "supply");
            assertLe(treasury * 10, EPOCH_SUPPLY, "treasury");
            assertEq(
                inEpoch,
                _handler.claimedOf(epoch, IEmission.Pool.Providers) +
                    _handler.claimedOf(epoch, IEmission.Pool.Learners) +
                    treasury,
                "parts"
            );
            minted += inEpoch;
        }
        assertEq(_token.totalSupply(), GENESIS_SUPPLY + minted - _handler.bondsBurned(), "total supply");
    }

    function invariant_NoPoolPaysMoreThanItsTotalNorHasATotalAboveItsSize() public view {
        for (uint256 index = 0; index < 2 * _handler.EPOCHS(); ++index) {
            (uint256 epoch, IEmission.Pool pool) = (index / 2, IEmission.Pool(index % 2));
            IEmission.Distribution memory found = _emission.distributionOf(epoch, pool);
            assertEq(found.claimed, _handler.claimedOf(epoch, pool), "claimed");
            assertLe(found.claimed, found.total, "total");
            assertLe(found.total, _emission.poolSizeDown(epoch, pool), "size");
        }
    }

    function invariant_BondsInAreBondsOutHeldAndBurned() public view {
        uint256 held = 0;
        for (uint256 index = 0; index < LEAVES; ++index) held += _emission.bondOf(_handler.validators(index));
        for (uint256 index = 0; index < 2 * _handler.EPOCHS(); ++index) {
            IEmission.Distribution memory found = _emission.distributionOf(index / 2, IEmission.Pool(index % 2));
            held += found.status == IEmission.Status.Disputed ? 2 * uint256(found.bond) : found.bond;
        }
        assertEq(_handler.bondsIn(), _handler.bondsOut() + held + _handler.bondsBurned(), "bonds");
        assertEq(_token.balanceOf(address(_emission)), held + _handler.donated(), "tokens");
    }

    /// @dev The invariants would say little of a handler that gets nowhere.
    function test_TheHandlerGetsEverywhere() public {
        uint256[LEAVES] memory amounts = [uint256(10), 20, 30, 40];
        _handler.propose(0, 0, false, amounts, 100);
        _handler.dispute(1, 0, false);
        _handler.resolve(0, false, false);
        _handler.propose(0, 0, false, amounts, 100);
        _handler.dispute(1, 0, false);
        _handler.pass(2 * RESOLVE_WINDOW - 1);
        _handler.propose(2, 0, false, amounts, 85);
        _handler.propose(2, 1, true, amounts, 100);
        _handler.pass(2 * RESOLVE_WINDOW - 1);
        _handler.release(0, false);
        for (uint256 index = 0; index < LEAVES; ++index) {
            _handler.claim(0, false, index);
            _handler.claim(1, true, index);
        }
        _handler.claimTreasury(0);
        _handler.withdrawBond(1);
        _handler.proposeForeignRoot(3, 0, false, true);
        _handler.proposeForeignRoot(3, 0, false, false);
        _handler.pass(2 * RESOLVE_WINDOW - 1);
        for (uint256 index = 0; index < LEAVES; ++index) {
            for (uint256 other = 0; other < 3; ++other) _handler.claimWithForeignProof(0, false, index, other, 1);
        }
        assertEq(_handler.proposals(), 6, "proposals");
        assertEq(_handler.disputes(), 2, "disputes");
        assertEq(_handler.resolutions(), 1, "resolutions");
        assertEq(_handler.releases(), 2, "releases");
        assertEq(_handler.claims(), 7, "claims");
        assertEq(_handler.overfullClaims(), 1, "overfull");
        assertGt(_handler.bondsOut(), 0, "bonds");
        assertGt(_handler.treasuryOf(0), 0, "treasury");
        invariant_NothingForbiddenPassed();
        invariant_NoEpochExceedsItsSupplyAndItsPartsAddUp();
        invariant_NoPoolPaysMoreThanItsTotalNorHasATotalAboveItsSize();
        invariant_BondsInAreBondsOutHeldAndBurned();
    }
}
