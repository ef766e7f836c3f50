// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a receipt says, in the form contracts read: the off-chain record's digests instead of its identifiers.
/// @param taskId The task's 128 random bits, as a number: 16 zero bytes, then the task id.
/// @param payer Account the channel is paid from.
/// @param payee Account that did the task and is paid.
/// @param chainId Chain of the channel.
/// @param settlement Settlement contract of the channel.
/// @param channelId Channel that pays for the task.
/// @param model sha256 of the GGUF file that ran.
/// @param request sha256 of the request frame as it was sent, the digest inside its CID; the frame holds prompt,
/// sampling parameters, seed, task id and attempt.
/// @param output sha256 of the DAG-CBOR list [tokens, text] of what was delivered.
/// @param promptTokens Tokens of the prompt that were computed.
/// @param outputTokens Tokens that were delivered.
/// @param amount What the task cost, in base units.
/// @param cumulativeAmount What the payer owes on the channel, all told, once this task is paid, in base units. A
/// voucher of this amount pays for the task and for all before it.
/// @param reason How the task ended: one of the constants of {Receipts}.
/// @param endedAt When the provider says it ended, in seconds since the Unix epoch, rounded down.
// In the order EIP-712 hashes it, not packed: it is never stored.
// solhint-disable-next-line gas-struct-packing
struct Receipt {
    bytes32 taskId;
    address payer;
    address payee;
    uint256 chainId;
    address settlement;
    bytes32 channelId;
    bytes32 model;
    bytes32 request;
    bytes32 output;
    uint64 promptTokens;
    uint64 outputTokens;
    uint256 amount;
    uint256 cumulativeAmount;
    uint8 reason;
    uint48 endedAt;
}

/// @title Receipts
/// @author Shoal
/// @notice Turns a receipt into the claim that stands in the leaf of an anchored audit log.
///
/// There is no signature under a claim: it is the statement of the wallet that anchored, or signed, the root it is
/// under. In the provider's log it says what was delivered, in the requester's what was accepted and is owed. Chain
/// and contract are fields, so that a claim means one thing wherever it is anchored.
library Receipts {
    /// @notice keccak256 of the EIP-712 encoding of the receipt's type.
    bytes32 internal constant TYPE_HASH = keccak256(
        // solhint-disable-next-line max-line-length
        "Receipt(bytes32 taskId,address payer,address payee,uint256 chainId,address settlement,bytes32 channelId,bytes32 model,bytes32 request,bytes32 output,uint64 promptTokens,uint64 outputTokens,uint256 amount,uint256 cumulativeAmount,uint8 reason,uint48 endedAt)"
    );

    /// @notice Whole: the model ended its answer.
    uint8 internal constant STOP = 0;
    /// @notice Whole: a stop string of the request came up.
    uint8 internal constant STOP_STRING = 1;
    /// @notice Whole: as many tokens as were asked for.
    uint8 internal constant LENGTH = 2;
    /// @notice The requester ended it.
    uint8 internal constant CANCELLED = 3;
    /// @notice The provider saw no payment in time.
    uint8 internal constant UNPAID = 4;
    /// @notice The provider could not go on.
    uint8 internal constant FAILED = 5;

    /// @notice The claim: EIP-712 `hashStruct` of the receipt, without a domain.
    /// @dev All members are static, so that the ABI encoding of the struct is the concatenation EIP-712 asks for.
    /// @param receipt What the receipt says.
    /// @return claim keccak256(TYPE_HASH . all members, 32 bytes each).
    function hash(Receipt memory receipt) internal pure returns (bytes32 claim) {
        return keccak256(abi.encode(TYPE_HASH, receipt));
    }

    /// @notice Whether the provider delivered all that was asked for.
    /// @param reason How the task ended.
    /// @return whole True for `STOP`, `STOP_STRING` and `LENGTH`.
    function isWhole(uint8 reason) internal pure returns (bool whole) {
        return reason < CANCELLED;
    }
}
