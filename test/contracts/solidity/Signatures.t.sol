// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Signatures} from "../../../contracts/libraries/Signatures.sol";
import {Test} from "./support/Test.sol";
import {
    BurningWallet,
    DirtyWallet,
    ExactGasWallet,
    LongRevertWallet,
    LongWallet,
    LoopingWallet,
    MegabyteWallet,
    MoodyWallet,
    OwnedWallet,
    ReentrantWallet,
    RevertingWallet,
    ShortWallet,
    SilentWallet,
    WrongEndWallet
} from "./support/Wallets.sol";

/// @notice The library as a contract, so that its reverts and its gas can be watched.
contract SignaturesHarness {
    uint256 public written;

    function isValid(address signer, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return Signatures.isValid(signer, digest, signature);
    }

    function write() external {
        written = 1;
    }
}

contract SignaturesTest is Test {
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant KEY = 0xa11ce;
    bytes32 private constant DIGEST = keccak256("digest");

    SignaturesHarness private harness;

    function setUp() external {
        harness = new SignaturesHarness();
    }

    // Accounts with a key

    function testFuzz_theKeysSignatureIsValid(uint256 key, bytes32 digest) external view {
        key = bound(key, 1, CURVE_ORDER - 1);
        assertTrue(harness.isValid(vm.addr(key), digest, signed(key, digest)));
    }

    function testFuzz_notForAnotherSignerOrDigest(
        uint256 key,
        bytes32 digest,
        address signer,
        bytes32 other
    ) external view {
        key = bound(key, 1, CURVE_ORDER - 1);
        vm.assume(signer != vm.addr(key) && signer.code.length == 0 && other != digest);
        assertFalse(harness.isValid(signer, digest, signed(key, digest)), "signer");
        assertFalse(harness.isValid(vm.addr(key), other, signed(key, digest)), "digest");
    }

    function testFuzz_oneChangedByteIsInvalid(uint256 key, uint256 place, bytes1 change) external view {
        key = bound(key, 1, CURVE_ORDER - 1);
        vm.assume(change != 0);
        bytes memory signature = signed(key, DIGEST);
        signature[place % 65] ^= change;
        assertFalse(harness.isValid(vm.addr(key), DIGEST, signature));
    }

    function testFuzz_noOtherFormOfTheSameSignature(uint256 key, bytes32 digest) external view {
        key = bound(key, 1, CURVE_ORDER - 1);
        address signer = vm.addr(key);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes32 highS = bytes32(CURVE_ORDER - uint256(s));
        uint8 otherV = v == 27 ? 28 : 27;
        assertEq(ecrecover(digest, otherV, r, highS), signer, "the malleated form recovers");
        assertFalse(harness.isValid(signer, digest, abi.encodePacked(r, highS, otherV)), "malleated");
        assertFalse(harness.isValid(signer, digest, abi.encodePacked(r, s, v - 27)), "v from 0");
        assertFalse(harness.isValid(signer, digest, abi.encodePacked(r, s, otherV)), "other v");
        assertFalse(harness.isValid(signer, digest, abi.encodePacked(r, s, v, v)), "66 bytes");
        (bytes32 compactR, bytes32 vs) = vm.signCompact(key, digest);
        assertFalse(harness.isValid(signer, digest, abi.encodePacked(compactR, vs)), "compact");
    }

    function testFuzz_garbageIsInvalid(address signer, bytes32 digest, bytes calldata signature) external view {
        vm.assume(signer.code.length == 0);
        assertFalse(harness.isValid(signer, digest, signature));
    }

    function test_nobodySignsForZero() external view {
        // ecrecover answers zero for these; the check must not take it for an answer.
        assertFalse(harness.isValid(address(0), DIGEST, new bytes(65)));
        assertFalse(harness.isValid(address(0), DIGEST, abi.encodePacked(uint256(1), uint256(1), uint8(29))));
        assertFalse(harness.isValid(address(0), DIGEST, ""));
    }

    function test_precompilesDoNotSign() external view {
        for (uint160 place = 1; place <= 17; ++place) assertFalse(harness.isValid(address(place), DIGEST, ""));
    }

    // Accounts with code and a key (EIP-7702)

    function test_anAccountWithCodeStillSignsWithItsKey() external {
        address signer = vm.addr(KEY);
        bytes[4] memory codes = [
            address(new SilentWallet()).code,
            address(new RevertingWallet()).code,
            address(new BurningWallet()).code,
            abi.encodePacked(hex"ef0100", address(new BurningWallet()))
        ];
        for (uint256 index = 0; index < codes.length; ++index) {
            vm.etch(signer, codes[index]);
            assertTrue(harness.isValid(signer, DIGEST, signed(KEY, DIGEST)), "own key");
            assertFalse(harness.isValid(signer, DIGEST, signed(KEY + 1, DIGEST)), "other key");
        }
    }

    function test_theKeyIsNotAskedForMuchGas() external {
        address signer = vm.addr(KEY);
        vm.etch(signer, address(new BurningWallet()).code);
        assertTrue(harness.isValid{gas: 20_000}(signer, DIGEST, signed(KEY, DIGEST)));
    }

    function test_aDelegatedAccountMayAlsoConfirmByItsCode() external {
        address signer = vm.addr(KEY);
        vm.etch(signer, abi.encodePacked(hex"ef0100", address(new OwnedWallet(vm.addr(KEY + 1)))));
        assertTrue(harness.isValid(signer, DIGEST, signed(KEY + 1, DIGEST)));
        assertFalse(harness.isValid(signer, DIGEST, signed(KEY + 2, DIGEST)));
    }

    // Contracts

    function testFuzz_aContractSignsByItsOwner(uint256 key, bytes32 digest, bytes32 other) external {
        key = bound(key, 1, CURVE_ORDER - 1);
        vm.assume(other != digest);
        address wallet = address(new OwnedWallet(vm.addr(key)));
        assertTrue(harness.isValid(wallet, digest, signed(key, digest)));
        assertFalse(harness.isValid(wallet, other, signed(key, digest)));
        assertFalse(harness.isValid(wallet, digest, ""));
    }

    function testFuzz_theContractIsAskedWithExactlyThis(bytes32 digest, bytes calldata signature) external {
        address wallet = address(new MoodyWallet());
        vm.expectCall(wallet, abi.encodeWithSignature("isValidSignature(bytes32,bytes)", digest, signature), 1);
        assertTrue(harness.isValid(wallet, digest, signature));
    }

    function test_aContractCanChangeItsMind() external {
        MoodyWallet wallet = new MoodyWallet();
        assertTrue(harness.isValid(address(wallet), DIGEST, ""));
        wallet.setRefuses(true);
        assertFalse(harness.isValid(address(wallet), DIGEST, ""));
    }

    function test_whatIsNotAClearYesIsANo() external {
        address[8] memory wallets = [
            address(new ShortWallet()),
            address(new WrongEndWallet()),
            address(new DirtyWallet()),
            address(new SilentWallet()),
            address(new RevertingWallet()),
            address(new BurningWallet()),
            address(new LoopingWallet()),
            address(new MegabyteWallet())
        ];
        for (uint256 index = 0; index < wallets.length; ++index) {
            assertFalse(harness.isValid(wallets[index], DIGEST, signed(KEY, DIGEST)), vm.toString(index));
        }
        assertFalse(harness.isValid(address(new LongRevertWallet()), DIGEST, ""));
    }

    function test_aContractCanNotWrite() external {
        ReentrantWallet wallet = new ReentrantWallet();
        wallet.set(address(harness), abi.encodeCall(SignaturesHarness.write, ()));
        assertFalse(harness.isValid(address(wallet), DIGEST, ""));
        assertEq(harness.written(), 0);
        wallet.set(address(harness), abi.encodeWithSignature("written()"));
        assertTrue(harness.isValid(address(wallet), DIGEST, ""), "reading is no harm");
    }

    function test_aLongAnswerCostsTheContractAlone() external {
        address wallet = address(new LongWallet());
        uint256 before = gasleft();
        assertTrue(harness.isValid(wallet, DIGEST, ""));
        assertLt(before - gasleft(), 150_000 + 15_000, "gas");
    }

    function test_aBurningContractCostsNoMoreThanItsGas() external {
        address wallet = address(new BurningWallet());
        uint256 before = gasleft();
        assertFalse(harness.isValid(wallet, DIGEST, ""));
        assertLt(before - gasleft(), 150_000 + 15_000, "gas");
    }

    // Gas

    function test_aContractGetsItsGasToTheUnit() external {
        address wallet = address(0xa11e7);
        vm.etch(wallet, ExactGasWallet.code(150_000));
        assertTrue(harness.isValid(wallet, DIGEST, ""));
        vm.etch(wallet, ExactGasWallet.code(150_001));
        assertFalse(harness.isValid(wallet, DIGEST, ""));
        vm.etch(wallet, ExactGasWallet.code(149_999));
        assertFalse(harness.isValid(wallet, DIGEST, ""));
    }

    /// @dev Every amount of gas near the edge: the answer is yes or there is none, never no.
    function test_littleGasNeverMakesAGoodSignatureBad() external {
        address wallet = address(0xa11e7);
        vm.etch(wallet, ExactGasWallet.code(150_000));
        bytes memory question = abi.encodeCall(SignaturesHarness.isValid, (wallet, DIGEST, ""));
        uint256 confirmed;
        uint256 insufficient;
        for (uint256 limit = 154_000; limit < 162_000; limit += 5) {
            (bool success, bytes memory answer) = address(harness).staticcall{gas: limit}(question);
            if (success) {
                assertTrue(abi.decode(answer, (bool)), vm.toString(limit));
                ++confirmed;
            } else {
                assertEq(bytes32(answer), bytes32(Signatures.InsufficientGas.selector), vm.toString(limit));
                ++insufficient;
            }
        }
        assertGt(confirmed, 0, "confirmed");
        assertGt(insufficient, 0, "insufficient");
        // The reserve beside the contract's gas is small: nobody has to bring much more.
        assertTrue(harness.isValid{gas: 161_000}(wallet, DIGEST, ""));
    }

    function testFuzz_littleGasNeverMakesAGoodSignatureBad(uint256 limit, bytes calldata signature) external {
        address wallet = address(0xa11e7);
        vm.etch(wallet, ExactGasWallet.code(150_000));
        limit = bound(limit, 0, 400_000);
        bytes memory question = abi.encodeCall(SignaturesHarness.isValid, (wallet, DIGEST, signature));
        (bool success, bytes memory answer) = address(harness).staticcall{gas: limit}(question);
        if (success) assertTrue(abi.decode(answer, (bool)));
        else if (answer.length != 0) assertEq(bytes32(answer), bytes32(Signatures.InsufficientGas.selector));
    }
}
