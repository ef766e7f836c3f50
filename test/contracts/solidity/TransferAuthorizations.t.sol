// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CreditToken} from "../../../contracts/core/CreditToken.sol";
import {Settlement} from "../../../contracts/core/Settlement.sol";
import {IChannels} from "../../../contracts/interfaces/IChannels.sol";
import {ITransferAuthorizations} from "../../../contracts/interfaces/ITransferAuthorizations.sol";
import {Authorization} from "../../../contracts/libraries/Authorizations.sol";
import {Test} from "./support/Test.sol";
import {BurningWallet, MoodyWallet, OwnedWallet} from "./support/Wallets.sol";

contract TransferAuthorizationsTest is Test {
    uint256 private constant CLOSE_DELAY = 1 hours;
    uint256 private constant KEY = 0xa11ce;
    uint256 private constant SUPPLY = 1e24;
    bytes32 private constant TRANSFER = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    CreditToken private token;
    Settlement private settlement;
    address private payer;

    function setUp() public {
        payer = vm.addr(KEY);
        token = new CreditToken(1, payer, SUPPLY);
        settlement = new Settlement(address(token), address(1), address(0), CLOSE_DELAY);
    }

    function testFuzz_CountsOnceAndOnlyBetweenItsSeconds(
        uint256 value,
        uint32 validAfter,
        uint32 validBefore,
        uint32 time,
        bytes32 nonce,
        address to
    ) public {
        vm.assume(to != address(0) && to != payer);
        value = bound(value, 0, SUPPLY);
        vm.warp(time);
        bytes memory signature = signed(KEY, digest(TRANSFER, to, value, validAfter, validBefore, nonce));
        bool counts = time > validAfter && time < validBefore;
        if (!counts) {
            vm.expectRevert(
                time > validAfter
                    ? abi.encodeWithSelector(
                        ITransferAuthorizations.AuthorizationExpired.selector,
                        uint256(validBefore)
                    )
                    : abi.encodeWithSelector(
                        ITransferAuthorizations.AuthorizationNotYetValid.selector,
                        uint256(validAfter)
                    )
            );
        }
        token.transferWithAuthorization(payer, to, value, validAfter, validBefore, nonce, signature);
        assertEq(token.balanceOf(to), counts ? value : 0, "moved");
        assertTrue(token.authorizationState(payer, nonce) == counts, "spent");
        if (!counts) return;
        vm.expectRevert(abi.encodeWithSelector(ITransferAuthorizations.AuthorizationSpent.selector, payer, nonce));
        token.transferWithAuthorization(payer, to, value, validAfter, validBefore, nonce, signature);
    }

    /// @dev Neither a kind, nor a number, nor another key passes for what was signed.
    function testFuzz_NothingUnsignedPasses(uint256 key, uint256 value, bytes32 nonce, uint256 flip) public {
        key = bound(key, 1, type(uint128).max);
        value = bound(value, 0, SUPPLY - 1);
        uint256 validBefore = type(uint256).max;
        bytes memory signature = signed(
            flip % 3 == 0 && key != KEY ? key : KEY,
            digest(flip % 3 == 1 ? RECEIVE : TRANSFER, address(2), value, 0, validBefore, nonce)
        );
        bool good = flip % 3 == 0 && key == KEY;
        if (!good) {
            vm.expectRevert(abi.encodeWithSelector(ITransferAuthorizations.NotSignedByAuthorizer.selector, payer));
        }
        skipTime(1);
        token.transferWithAuthorization(
            payer,
            address(2),
            flip % 3 == 2 ? value + 1 : value,
            0,
            validBefore,
            nonce,
            signature
        );
        if (!good) assertEq(token.balanceOf(payer), SUPPLY, "moved");
    }

    function testFuzz_OpensExactlyTheChannelThatWasSigned(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint96 amount,
        address sender
    ) public {
        vm.assume(payee != address(0) && signer != address(0));
        amount = uint96(bound(amount, 1, SUPPLY));
        skipTime(1);
        expiresAt = uint48(bound(expiresAt, vm.getBlockTimestamp() + CLOSE_DELAY, type(uint48).max));
        bytes32 nonce = keccak256(abi.encode(payee, signer, salt, expiresAt));
        Authorization memory authorization = Authorization(
            0,
            type(uint256).max,
            signed(KEY, digest(RECEIVE, address(settlement), amount, 0, type(uint256).max, nonce))
        );
        vm.prank(sender);
        bytes32 id = settlement.depositWithAuthorizationAndOpen(
            payer,
            payee,
            signer,
            salt,
            expiresAt,
            amount,
            authorization
        );
        IChannels.Channel memory channel = settlement.channelOf(id);
        assertEq(id, settlement.channelIdOf(payer, payee, salt));
        assertEq(channel.payer, payer);
        assertEq(channel.payee, payee);
        assertEq(channel.signer, signer);
        assertEq(channel.deposit, amount);
        assertEq(channel.expiresAt, expiresAt);
        assertEq(token.balanceOf(address(settlement)), amount, "held");
        assertEq(token.balanceOf(payer), SUPPLY - amount, "left");
        assertEq(settlement.balanceOf(payer) + settlement.balanceOf(sender), 0, "books");
    }

    function test_ContractsSign() public {
        address owned = address(new OwnedWallet(payer));
        address moody = address(new MoodyWallet());
        vm.startPrank(payer);
        token.transfer(owned, 10);
        token.transfer(moody, 10);
        vm.stopPrank();
        bytes memory signature = signed(KEY, digestOf(TRANSFER, owned, address(2), 10, 0, 100 days, bytes32(0)));
        skipTime(1);
        token.transferWithAuthorization(owned, address(2), 10, 0, 100 days, bytes32(0), signature);
        MoodyWallet(moody).setRefuses(true);
        vm.expectRevert(abi.encodeWithSelector(ITransferAuthorizations.NotSignedByAuthorizer.selector, moody));
        token.transferWithAuthorization(moody, address(2), 10, 0, 100 days, bytes32(0), "");
        MoodyWallet(moody).setRefuses(false);
        token.transferWithAuthorization(moody, address(2), 10, 0, 100 days, bytes32(0), "");
        assertEq(token.balanceOf(address(2)), 20);
        address burning = address(new BurningWallet());
        vm.expectRevert(abi.encodeWithSelector(ITransferAuthorizations.NotSignedByAuthorizer.selector, burning));
        token.transferWithAuthorization(burning, address(2), 0, 0, 100 days, bytes32(0), "");
    }

    /// @dev The vectors that wallets and nodes in other languages are checked with.
    function test_authorizationVectors() external {
        string memory json = vm.readFile("test/vectors/authorization.json");
        uint256 count;
        for (; vm.keyExistsJson(json, keyOf(count, "")); ++count) {
            CreditToken there = CreditToken(vm.parseJsonAddress(json, keyOf(count, ".domain.verifyingContract")));
            vm.etch(address(there), address(token).code);
            vm.chainId(vm.parseJsonUint(json, keyOf(count, ".domain.chainId")));
            bytes32 nonce = keccak256(
                abi.encode(
                    vm.parseJsonAddress(json, keyOf(count, ".terms.payee")),
                    vm.parseJsonAddress(json, keyOf(count, ".terms.signer")),
                    vm.parseJsonBytes32(json, keyOf(count, ".terms.salt")),
                    uint48(vm.parseJsonUint(json, keyOf(count, ".terms.expiresAt")))
                )
            );
            assertEq(nonce, vm.parseJsonBytes32(json, keyOf(count, ".message.nonce")), "nonce");
            address from = vm.parseJsonAddress(json, keyOf(count, ".message.from"));
            bytes memory signature = vm.parseJsonBytes(json, keyOf(count, ".signature"));
            // Cancelling takes another signature: this one only ever moves credits.
            vm.expectRevert(abi.encodeWithSelector(ITransferAuthorizations.NotSignedByAuthorizer.selector, from));
            there.cancelAuthorization(from, nonce, signature);
        }
        assertEq(count, 4, "vectors");
    }

    function digest(
        bytes32 typeHash,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) private view returns (bytes32) {
        return digestOf(typeHash, payer, to, value, validAfter, validBefore, nonce);
    }

    function digestOf(
        bytes32 typeHash,
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) private view returns (bytes32) {
        return
            keccak256(
                abi.encodePacked(
                    hex"1901",
                    token.DOMAIN_SEPARATOR(),
                    keccak256(abi.encode(typeHash, from, to, value, validAfter, validBefore, nonce))
                )
            );
    }

    function keyOf(uint256 index, string memory key) private pure returns (string memory) {
        return string.concat("$[", vm.toString(index), "]", key);
    }
}
