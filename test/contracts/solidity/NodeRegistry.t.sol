// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {NodeRegistry} from "../../../contracts/core/NodeRegistry.sol";
import {Staking} from "../../../contracts/core/Staking.sol";
import {INodeRegistry} from "../../../contracts/interfaces/INodeRegistry.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Roles} from "../../../contracts/libraries/Roles.sol";
import {Signatures} from "../../../contracts/libraries/Signatures.sol";
import {BurnableToken} from "./support/BurnableToken.sol";
import {Test} from "./support/Test.sol";
import {Vm} from "./support/Vm.sol";
import {
    BurningWallet,
    MegabyteWallet,
    MoodyWallet,
    OwnedWallet,
    ReentrantWallet,
    ShortWallet,
    SilentWallet
} from "./support/Wallets.sol";

uint256 constant HISTORY = 30 days;
uint256 constant MIN_HISTORY = 1 days;
uint256 constant MINIMUM = 10_000e18;

/// @notice A registry with a Staking; this contract owns both and is the court.
abstract contract NodeRegistryFixture is Test {
    BurnableToken internal token;
    Staking internal staking;
    NodeRegistry internal registry;

    function deploy() internal {
        vm.warp(1_800_000_000);
        token = new BurnableToken();
        staking = new Staking({
            creditToken_: address(token),
            owner_: address(this),
            pauser_: address(this),
            minUnbondingDelay_: 1 days,
            unbondingDelay_: 1 days,
            minimums: IStaking.MinimumStakes(uint80(MINIMUM), uint80(MINIMUM), uint80(MINIMUM))
        });
        staking.announceCourt(address(this));
        registry = newRegistry();
    }

    function newRegistry() internal returns (NodeRegistry) {
        return new NodeRegistry(address(staking), address(this), MIN_HISTORY, HISTORY);
    }

    function activate(address wallet, uint256 amount) internal {
        token.mint(wallet, amount);
        vm.startPrank(wallet);
        token.approve(address(staking), amount);
        staking.stake(amount);
        staking.setRoles(Roles.PROVIDER_COMPUTE);
        vm.stopPrank();
    }
}

contract NodeRegistryTest is NodeRegistryFixture {
    uint256 private constant KEY = 0xA11CE;
    address private wallet;

    function setUp() public {
        deploy();
        wallet = vm.addr(KEY);
    }

    function sign(bytes32 nodeKey, uint256 nonce, uint256 deadline) private view returns (bytes memory) {
        return signed(KEY, registry.bindDigest(wallet, nodeKey, nonce, deadline));
    }

    function test_TheBeginningIsInTheLog() public {
        vm.recordLogs();
        newRegistry();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 2); // the first is of Ownable
        assertEq(logs[1].topics[0], INodeRegistry.HistorySet.selector);
        assertEq(logs[1].data, abi.encode(HISTORY));
    }

    function testFuzz_TheDigestIsOfEip712(address account, bytes32 nodeKey, uint256 nonce, uint256 deadline) public {
        vm.chainId(bound(uint256(nodeKey), 1, type(uint32).max));
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Shoal NodeRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256("Bind(address wallet,bytes32 nodeKey,uint256 nonce,uint256 deadline)"),
                account,
                nodeKey,
                nonce,
                deadline
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, message));
        assertEq(registry.bindDigest(account, nodeKey, nonce, deadline), digest);
    }

    function testFuzz_ASignatureBindsOnce(bytes32 nodeKey, uint32 left, address relayer) public {
        vm.assume(nodeKey != 0);
        uint256 deadline = vm.getBlockTimestamp() + left;
        bytes memory signature = sign(nodeKey, 0, deadline);
        vm.startPrank(relayer);
        registry.bindFor(wallet, nodeKey, deadline, signature);
        assertEq(registry.nodeKeyOf(wallet), nodeKey);
        assertEq(registry.nonces(wallet), 1);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(wallet, nodeKey, deadline, signature);
    }

    function testFuzz_ASignatureIsForOneNonce(bytes32 nodeKey, uint8 done, uint8 nonce) public {
        vm.assume(nodeKey != 0);
        done = uint8(bound(done, 0, 8));
        nonce = uint8(bound(nonce, 0, 8));
        vm.startPrank(wallet);
        for (uint256 i = 0; i < done; ++i) {
            if (i % 3 == 0) registry.bind(bytes32(uint256(1)));
            if (i % 3 == 1) registry.unbind();
            if (i % 3 == 2) registry.revoke(bytes32(i + 1000));
        }
        vm.stopPrank();
        assertEq(registry.nonces(wallet), done);
        bytes memory signature = sign(nodeKey, nonce, type(uint256).max);
        vm.assume(!registry.isRevoked(wallet, nodeKey));
        if (nonce != done) vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(wallet, nodeKey, type(uint256).max, signature);
    }

    function testFuzz_ASignatureIsForOneChainAndContract(bytes32 nodeKey, uint32 chain) public {
        vm.assume(nodeKey != 0 && chain != 0 && chain != HOME_CHAIN);
        bytes memory signature = sign(nodeKey, 0, type(uint256).max);
        NodeRegistry other = newRegistry();
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        other.bindFor(wallet, nodeKey, type(uint256).max, signature);
        vm.chainId(chain);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(wallet, nodeKey, type(uint256).max, signature);
        vm.chainId(HOME_CHAIN);
        registry.bindFor(wallet, nodeKey, type(uint256).max, signature);
    }

    function testFuzz_ASignatureIsForOneWallet(bytes32 nodeKey, address other) public {
        vm.assume(nodeKey != 0 && other != wallet && other.code.length == 0);
        bytes memory signature = sign(nodeKey, 0, type(uint256).max);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(other, nodeKey, type(uint256).max, signature);
    }

    function testFuzz_NoOtherFormOfASignatureDoes(bytes32 nodeKey, uint8 position, uint8 change) public {
        vm.assume(nodeKey != 0 && change != 0);
        bytes memory signature = sign(nodeKey, 0, type(uint256).max);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, registry.bindDigest(wallet, nodeKey, 0, type(uint256).max));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory flipped = abi.encodePacked(r, order - uint256(s), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(wallet, nodeKey, type(uint256).max, flipped);
        bytes memory changed = abi.encodePacked(signature);
        changed[position % 65] = bytes1(uint8(changed[position % 65]) ^ change);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(wallet, nodeKey, type(uint256).max, changed);
    }

    function testFuzz_BindingIsOnesOwn(address account, bytes32 nodeKey, address other, bytes32 otherKey) public {
        vm.assume(account != other && nodeKey != 0 && otherKey != 0);
        vm.prank(account);
        registry.bind(nodeKey);
        vm.startPrank(other);
        registry.bind(otherKey);
        registry.revoke(nodeKey);
        if (nodeKey != otherKey) registry.revokeAndBind(bytes32(uint256(otherKey) ^ uint256(nodeKey)));
        vm.stopPrank();
        assertEq(registry.nodeKeyOf(account), nodeKey);
        assertFalse(registry.isRevoked(account, nodeKey));
    }

    function testFuzz_ARevokedKeyStaysRevoked(bytes32 leaked, bytes32 next, uint32 later) public {
        vm.assume(leaked != 0 && next != 0 && leaked != next);
        bytes memory signature = sign(leaked, 2, type(uint256).max);
        vm.startPrank(wallet);
        registry.bind(leaked);
        registry.revokeAndBind(next);
        assertEq(registry.nonces(wallet), 2);
        skipTime(later);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeKeyIsRevoked.selector, leaked));
        registry.bind(leaked);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeKeyIsRevoked.selector, leaked));
        registry.revokeAndBind(leaked);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeKeyIsRevoked.selector, leaked));
        registry.bindFor(wallet, leaked, type(uint256).max, signature);
        assertEq(registry.nodeKeyOf(wallet), next);
    }

    function testFuzz_VerifiedTakesAHistory(uint32 boundFor, uint32 slashedFor, bool slashed, bool dropped) public {
        boundFor = uint32(bound(boundFor, 0, 3 * HISTORY));
        slashedFor = uint32(bound(slashedFor, 0, boundFor));
        activate(wallet, 2 * MINIMUM);
        vm.prank(wallet);
        registry.bind(bytes32(uint256(1)));
        skipTime(boundFor - slashedFor);
        if (slashed) staking.slash(wallet, 1, address(0), 0);
        skipTime(slashedFor);
        if (dropped) {
            vm.prank(wallet);
            staking.setRoles(0);
        }
        bool verified = boundFor >= HISTORY && (!slashed || slashedFor >= HISTORY) && !dropped;
        assertEq(registry.isVerified(wallet), verified);
        INodeRegistry.Level level = verified ? INodeRegistry.Level.Verified : INodeRegistry.Level.Anonymous;
        assertEq(uint256(registry.levelOf(wallet)), uint256(level));
    }

    function testFuzz_AnAttestationCountsWhileItsAttesterMayMakeIt(
        uint8 kinds,
        uint8 kind,
        uint32 left,
        uint32 waited,
        uint8 kindsThen
    ) public {
        kinds = uint8(bound(kinds, 0, 3));
        kindsThen = uint8(bound(kindsThen, 0, 3));
        kind = uint8(bound(kind, 1, 2));
        left = uint32(bound(left, 1, 365 days));
        address attester = address(0xA77);
        registry.setAttester(attester, "attester", kinds);
        uint48 expiresAt = uint48(vm.getBlockTimestamp() + left);
        vm.prank(attester);
        if (kinds & kind == 0) {
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotAttester.selector, kind));
            registry.attest(wallet, kind, expiresAt, "");
            return;
        }
        registry.attest(wallet, kind, expiresAt, "");
        registry.setAttester(attester, "attester", kindsThen);
        skipTime(waited);
        bool counts = waited < left && kindsThen & kind != 0;
        (, bool counted) = registry.attestationOf(wallet, kind);
        assertEq(counted, counts);
        assertEq(registry.levelOf(wallet) == INodeRegistry.Level.Attested, counts);
        registry.setAttester(attester, "", 0);
        registry.setAttester(attester, "attester", 3);
        (, counted) = registry.attestationOf(wallet, kind);
        assertFalse(counted, "dismissed");
    }
}

contract NodeRegistrySmartWalletTest is NodeRegistryFixture {
    bytes32 private constant NODE_KEY = bytes32(uint256(0xAA));

    function setUp() public {
        deploy();
    }

    function testFuzz_ASmartWalletBindsByItsOwnRule(uint256 key, uint256 otherKey) public {
        key = bound(key, 1, type(uint128).max);
        otherKey = bound(otherKey, 1, type(uint128).max);
        vm.assume(key != otherKey);
        address account = address(new OwnedWallet(vm.addr(key)));
        bytes32 digest = registry.bindDigest(account, NODE_KEY, 0, type(uint256).max);
        bytes memory good = signed(key, digest);
        bytes memory bad = signed(otherKey, digest);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(account, NODE_KEY, type(uint256).max, bad);
        // The owner's signature is for the account, not for the owner's own binding.
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(vm.addr(key), NODE_KEY, type(uint256).max, good);
        registry.bindFor(account, NODE_KEY, type(uint256).max, good);
        assertEq(registry.nodeKeyOf(account), NODE_KEY);
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(account, NODE_KEY, type(uint256).max, good);
    }

    function test_AWalletThatDoesNotSayYesIsNotBound() public {
        MoodyWallet moody = new MoodyWallet();
        moody.setRefuses(true);
        address[5] memory wallets = [
            address(moody),
            address(new ShortWallet()),
            address(new SilentWallet()),
            address(new BurningWallet()),
            address(new MegabyteWallet())
        ];
        for (uint256 i = 0; i < wallets.length; ++i) {
            vm.expectRevert(INodeRegistry.BadSignature.selector);
            registry.bindFor(wallets[i], NODE_KEY, type(uint256).max, "any");
            assertEq(registry.nonces(wallets[i]), 0);
        }
    }

    function test_AWalletCannotActWhileItIsAsked() public {
        ReentrantWallet wallet = new ReentrantWallet();
        wallet.set(address(registry), abi.encodeCall(INodeRegistry.bind, (NODE_KEY)));
        vm.expectRevert(INodeRegistry.BadSignature.selector);
        registry.bindFor(address(wallet), NODE_KEY, type(uint256).max, "any");
        assertEq(registry.nodeKeyOf(address(wallet)), bytes32(0));
    }

    /// @notice With too little gas the relay fails as a whole; it does not make a good signature look bad.
    function testFuzz_LittleGasIsNotABadSignature(uint32 gasLimit) public {
        address account = address(new MoodyWallet());
        gasLimit = uint32(bound(gasLimit, 60_000, 400_000));
        bytes memory call = abi.encodeCall(INodeRegistry.bindFor, (account, NODE_KEY, type(uint256).max, "any"));
        (bool success, bytes memory answer) = address(registry).call{gas: gasLimit}(call);
        if (success) {
            assertEq(registry.nodeKeyOf(account), NODE_KEY);
        } else {
            assertTrue(answer.length == 0 || bytes4(answer) == Signatures.InsufficientGas.selector, "no BadSignature");
        }
    }
}

/// @notice Wallets that bind, rotate and give up keys, directly or by a relay, and books of their own.
contract NodeRegistryHandler is Test {
    NodeRegistry public immutable registry;
    uint256[4] private privateKeys = [uint256(11), 22, 33, 44];
    address[] public wallets;
    mapping(address => bytes32) public nodeKey;
    mapping(address => uint256) public since;
    mapping(address => uint256) public nonce;
    mapping(address => mapping(uint256 => bool)) public revoked;

    constructor(NodeRegistry registry_) {
        registry = registry_;
        for (uint256 i = 0; i < 4; ++i) wallets.push(vm.addr(privateKeys[i]));
    }

    function count() external view returns (uint256) {
        return wallets.length;
    }

    function bind(uint256 seed, uint256 key) external {
        address wallet = wallets[seed % 4];
        key = bound(key, 1, 6);
        vm.prank(wallet);
        if (revoked[wallet][key]) vm.expectPartialRevert(INodeRegistry.NodeKeyIsRevoked.selector);
        registry.bind(bytes32(key));
        if (!revoked[wallet][key]) noteBound(wallet, key);
    }

    function bindFor(uint256 seed, uint256 key, uint256 nonceSeed, uint256 signerSeed) external {
        address wallet = wallets[seed % 4];
        key = bound(key, 1, 6);
        uint256 named = nonceSeed % 3 == 0 ? bound(nonceSeed, 0, nonce[wallet] + 3) : nonce[wallet];
        uint256 signer = signerSeed % 3 == 0 ? signerSeed % 4 : seed % 4;
        uint256 deadline = vm.getBlockTimestamp();
        bytes32 digest = registry.bindDigest(wallet, bytes32(key), named, deadline);
        bool good = named == nonce[wallet] && wallets[signer] == wallet;
        bytes memory signature = signed(privateKeys[signer], digest);
        if (!good) vm.expectRevert(INodeRegistry.BadSignature.selector);
        else if (revoked[wallet][key]) vm.expectPartialRevert(INodeRegistry.NodeKeyIsRevoked.selector);
        registry.bindFor(wallet, bytes32(key), deadline, signature);
        if (good && !revoked[wallet][key]) noteBound(wallet, key);
    }

    function unbind(uint256 seed) external {
        address wallet = wallets[seed % 4];
        if (nodeKey[wallet] == 0) return;
        vm.prank(wallet);
        registry.unbind();
        noteUnbound(wallet);
        ++nonce[wallet];
    }

    function revoke(uint256 seed, uint256 key) external {
        address wallet = wallets[seed % 4];
        key = bound(key, 1, 6);
        if (revoked[wallet][key]) return;
        vm.prank(wallet);
        registry.revoke(bytes32(key));
        revoked[wallet][key] = true;
        if (nodeKey[wallet] == bytes32(key)) noteUnbound(wallet);
        ++nonce[wallet];
    }

    function revokeAndBind(uint256 seed, uint256 key) external {
        address wallet = wallets[seed % 4];
        key = bound(key, 1, 6);
        bytes32 present = nodeKey[wallet];
        if (present == 0 || present == bytes32(key) || revoked[wallet][key]) return;
        vm.prank(wallet);
        registry.revokeAndBind(bytes32(key));
        revoked[wallet][uint256(present)] = true;
        noteBound(wallet, key);
    }

    function wait(uint256 duration) external {
        skipTime(bound(duration, 1, 10 days));
    }

    function noteBound(address wallet, uint256 key) private {
        if (nodeKey[wallet] != bytes32(key)) since[wallet] = vm.getBlockTimestamp();
        nodeKey[wallet] = bytes32(key);
        ++nonce[wallet];
    }

    function noteUnbound(address wallet) private {
        nodeKey[wallet] = 0;
        since[wallet] = 0;
    }
}

contract NodeRegistryInvariants is NodeRegistryFixture {
    NodeRegistryHandler private handler;

    function setUp() public {
        deploy();
        handler = new NodeRegistryHandler(registry);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Bindings change by their own wallet's word alone, and every word is used once.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_BindingsAreWhatTheirWalletsSaidLast() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            assertEq(registry.nodeKeyOf(wallet), handler.nodeKey(wallet), "key");
            assertEq(registry.boundSince(wallet), handler.since(wallet), "since");
            assertEq(registry.nonces(wallet), handler.nonce(wallet), "nonce");
        }
    }

    /// @notice A revoked key is nobody's who revoked it.
    /// hardhat-config: invariant.failOnRevert = true
    function invariant_NobodyIsBoundToAKeyItRevoked() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            address wallet = handler.wallets(i);
            for (uint256 key = 1; key < 7; ++key) {
                assertEq(registry.isRevoked(wallet, bytes32(key)), handler.revoked(wallet, key));
            }
            assertFalse(registry.isRevoked(wallet, registry.nodeKeyOf(wallet)));
        }
    }
}
