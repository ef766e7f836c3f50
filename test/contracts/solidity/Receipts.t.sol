// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Receipt, Receipts} from "../../../contracts/libraries/Receipts.sol";
import {Test} from "./support/Test.sol";

/// @notice The claims every implementation must reproduce: `test/vectors/receipt-claim.json`.
contract ReceiptsTest is Test {
    function test_vectors() external view {
        string memory json = vm.readFile(string.concat(vm.projectRoot(), "/test/vectors/receipt-claim.json"));
        uint256 count = 0;
        for (; vm.keyExistsJson(json, _key(count, "")); count++) {
            assertEq(
                Receipts.hash(_receipt(json, count)),
                vm.parseJsonBytes32(json, _key(count, ".claim")),
                vm.parseJsonString(json, _key(count, ".name"))
            );
        }
        assertGe(count, 10);
    }

    function test_typeIsThatOfTheVectors() external pure {
        assertEq(
            Receipts.TYPE_HASH,
            keccak256(
                bytes.concat(
                    "Receipt(bytes32 taskId,address payer,address payee,uint256 chainId,address settlement,",
                    "bytes32 channelId,bytes32 model,bytes32 request,bytes32 output,uint64 promptTokens,",
                    "uint64 outputTokens,uint256 amount,uint256 cumulativeAmount,uint8 reason,uint48 endedAt)"
                )
            )
        );
    }

    function testFuzz_onlyWholeAnswersAreWhole(uint8 reason) external pure {
        bool whole = reason == Receipts.STOP || reason == Receipts.STOP_STRING || reason == Receipts.LENGTH;
        assertEq(Receipts.isWhole(reason), whole);
        assertFalse(Receipts.isWhole(Receipts.CANCELLED));
        assertFalse(Receipts.isWhole(Receipts.UNPAID));
        assertFalse(Receipts.isWhole(Receipts.FAILED));
    }

    /// @dev Every member counts.
    function testFuzz_anotherReceiptHasAnotherClaim(Receipt memory a, Receipt memory b) external pure {
        bool same = keccak256(abi.encode(a)) == keccak256(abi.encode(b));
        assertEq(Receipts.hash(a) == Receipts.hash(b), same);
    }

    function _receipt(string memory json, uint256 i) private pure returns (Receipt memory receipt) {
        receipt.taskId = vm.parseJsonBytes32(json, _key(i, ".members.taskId"));
        receipt.payer = vm.parseJsonAddress(json, _key(i, ".members.payer"));
        receipt.payee = vm.parseJsonAddress(json, _key(i, ".members.payee"));
        receipt.chainId = vm.parseJsonUint(json, _key(i, ".members.chainId"));
        receipt.settlement = vm.parseJsonAddress(json, _key(i, ".members.settlement"));
        receipt.channelId = vm.parseJsonBytes32(json, _key(i, ".members.channelId"));
        receipt.model = vm.parseJsonBytes32(json, _key(i, ".members.model"));
        receipt.request = vm.parseJsonBytes32(json, _key(i, ".members.request"));
        receipt.output = vm.parseJsonBytes32(json, _key(i, ".members.output"));
        receipt.promptTokens = uint64(vm.parseJsonUint(json, _key(i, ".members.promptTokens")));
        receipt.outputTokens = uint64(vm.parseJsonUint(json, _key(i, ".members.outputTokens")));
        receipt.amount = vm.parseJsonUint(json, _key(i, ".members.amount"));
        receipt.cumulativeAmount = vm.parseJsonUint(json, _key(i, ".members.cumulativeAmount"));
        receipt.reason = uint8(vm.parseJsonUint(json, _key(i, ".members.reason")));
        receipt.endedAt = uint48(vm.parseJsonUint(json, _key(i, ".members.endedAt")));
    }

    function _key(uint256 i, string memory member) private pure returns (string memory) {
        return string.concat("$[", vm.toString(i), "]", member);
    }
}
