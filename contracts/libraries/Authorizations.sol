// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice When an EIP-3009 authorisation counts, and its signature; what else was signed is in the call that has it.
/// @param validAfter It counts after this second of the Unix epoch.
/// @param validBefore It counts before this second of the Unix epoch.
/// @param signature 65 bytes r, s, v with s in the lower half, or what the contract that signs understands.
struct Authorization {
    uint256 validAfter;
    uint256 validBefore;
    bytes signature;
}

/// @title Authorizations
/// @author Shoal
/// @notice The EIP-712 structs of EIP-3009, and the nonce by which an authorisation opens a channel and nothing else.
library Authorizations {
    /// @notice keccak256 of the EIP-712 encoding of the type of a transfer that anyone can submit.
    bytes32 internal constant TRANSFER_TYPE_HASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @notice keccak256 of the EIP-712 encoding of the type of a transfer that only its receiver can submit.
    bytes32 internal constant RECEIVE_TYPE_HASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @notice keccak256 of the EIP-712 encoding of the type that takes an authorisation back.
    bytes32 internal constant CANCEL_TYPE_HASH = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    /// @notice What ties an authorisation to one channel: whoever submits it can choose none of these.
    /// @dev The payer, the amount and the contract are in the authorisation itself.
    /// @param payee Account that is paid.
    /// @param signer Account whose signature makes a voucher.
    /// @param salt What tells the payer's channels to this payee apart.
    /// @param expiresAt From then on the payer can close at once, in seconds.
    /// @return nonce keccak256(abi.encode(payee, signer, salt, expiresAt)).
    function channelNonce(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt
    ) internal pure returns (bytes32 nonce) {
        return keccak256(abi.encode(payee, signer, salt, expiresAt));
    }
}
