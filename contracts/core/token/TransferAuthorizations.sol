// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ITransferAuthorizations} from "../../interfaces/ITransferAuthorizations.sol";
import {Authorizations} from "../../libraries/Authorizations.sol";
import {Signatures} from "../../libraries/Signatures.sol";

/// @title TransferAuthorizations
/// @author Shoal
/// @notice See {ITransferAuthorizations}.
/// @dev The only other contracts that are called are those that sign, by `staticcall` and before anything is written.
/// The EIP-712 domain is that of the token's permits.
abstract contract TransferAuthorizations is ERC20, EIP712, ITransferAuthorizations {
    /// @notice What both kinds of transfer sign, in the order of their types.
    /// @param from Account whose credits move; it signed.
    /// @param to Account that receives them.
    /// @param value Base units.
    /// @param validAfter The authorisation counts after this second of the Unix epoch.
    /// @param validBefore The authorisation counts before this second of the Unix epoch.
    /// @param nonce Chosen by `from`: a value counts once.
    struct AuthorizedTransfer {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// @inheritdoc ITransferAuthorizations
    mapping(address authorizer => mapping(bytes32 nonce => bool spent)) public override authorizationState;

    /// @inheritdoc ITransferAuthorizations
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external override {
        AuthorizedTransfer memory transfer_ = AuthorizedTransfer({
            from: from,
            to: to,
            value: value,
            validAfter: validAfter,
            validBefore: validBefore,
            nonce: nonce
        });
        bytes32 digest = _transferDigest(Authorizations.TRANSFER_TYPE_HASH, transfer_);
        _requireKey({authorizer: from, digest: digest, v: v, r: r, s: s});
        _transferOnce(transfer_);
    }

    /// @inheritdoc ITransferAuthorizations
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external override {
        AuthorizedTransfer memory transfer_ = AuthorizedTransfer({
            from: from,
            to: to,
            value: value,
            validAfter: validAfter,
            validBefore: validBefore,
            nonce: nonce
        });
        bytes32 digest = _transferDigest(Authorizations.TRANSFER_TYPE_HASH, transfer_);
        _requireSigned(from, digest, signature);
        _transferOnce(transfer_);
    }

    /// @inheritdoc ITransferAuthorizations
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external override {
        if (msg.sender != to) revert OnlyReceiver(to);
        AuthorizedTransfer memory transfer_ = AuthorizedTransfer({
            from: from,
            to: to,
            value: value,
            validAfter: validAfter,
            validBefore: validBefore,
            nonce: nonce
        });
        bytes32 digest = _transferDigest(Authorizations.RECEIVE_TYPE_HASH, transfer_);
        _requireKey({authorizer: from, digest: digest, v: v, r: r, s: s});
        _transferOnce(transfer_);
    }

    /// @inheritdoc ITransferAuthorizations
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external override {
        if (msg.sender != to) revert OnlyReceiver(to);
        AuthorizedTransfer memory transfer_ = AuthorizedTransfer({
            from: from,
            to: to,
            value: value,
            validAfter: validAfter,
            validBefore: validBefore,
            nonce: nonce
        });
        bytes32 digest = _transferDigest(Authorizations.RECEIVE_TYPE_HASH, transfer_);
        _requireSigned(from, digest, signature);
        _transferOnce(transfer_);
    }

    /// @inheritdoc ITransferAuthorizations
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external override {
        _requireKey({authorizer: authorizer, digest: _cancelDigest(authorizer, nonce), v: v, r: r, s: s});
        _cancel(authorizer, nonce);
    }

    /// @inheritdoc ITransferAuthorizations
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external override {
        _requireSigned(authorizer, _cancelDigest(authorizer, nonce), signature);
        _cancel(authorizer, nonce);
    }

    /// @notice Uses up the nonce and moves the credits.
    /// @param transfer_ What was signed.
    function _transferOnce(AuthorizedTransfer memory transfer_) private {
        if (!(block.timestamp > transfer_.validAfter)) revert AuthorizationNotYetValid(transfer_.validAfter);
        if (!(block.timestamp < transfer_.validBefore)) revert AuthorizationExpired(transfer_.validBefore);
        _spend(transfer_.from, transfer_.nonce);
        emit AuthorizationUsed(transfer_.from, transfer_.nonce);
        _transfer(transfer_.from, transfer_.to, transfer_.value);
    }

    /// @notice Takes an authorisation back.
    /// @param authorizer Whose nonce.
    /// @param nonce The nonce.
    function _cancel(address authorizer, bytes32 nonce) private {
        _spend(authorizer, nonce);
        emit AuthorizationCanceled(authorizer, nonce);
    }

    /// @notice Uses up a nonce.
    /// @param authorizer Whose nonce.
    /// @param nonce The nonce.
    function _spend(address authorizer, bytes32 nonce) private {
        if (authorizationState[authorizer][nonce]) revert AuthorizationSpent(authorizer, nonce);
        authorizationState[authorizer][nonce] = true;
    }

    /// @notice Reverts unless an account signed, with its key or as a contract.
    /// @param authorizer The account.
    /// @param digest What was signed.
    /// @param signature Of the account.
    function _requireSigned(address authorizer, bytes32 digest, bytes calldata signature) private view {
        if (!Signatures.isValid(authorizer, digest, signature)) revert NotSignedByAuthorizer(authorizer);
    }

    /// @notice What is signed for a transfer.
    /// @param typeHash Of the kind of transfer.
    /// @param transfer_ The rest.
    /// @return digest EIP-712 digest for this token on this chain.
    function _transferDigest(
        bytes32 typeHash,
        AuthorizedTransfer memory transfer_
    ) private view returns (bytes32 digest) {
        return _hashTypedDataV4(keccak256(abi.encode(typeHash, transfer_)));
    }

    /// @notice What is signed to take an authorisation back.
    /// @param authorizer Whose nonce.
    /// @param nonce The nonce.
    /// @return digest EIP-712 digest for this token on this chain.
    function _cancelDigest(address authorizer, bytes32 nonce) private view returns (bytes32 digest) {
        return _hashTypedDataV4(keccak256(abi.encode(Authorizations.CANCEL_TYPE_HASH, authorizer, nonce)));
    }

    /// @notice Reverts unless an account signed with its key.
    /// @param authorizer The account.
    /// @param digest What was signed.
    /// @param v Recovery id, 27 or 28.
    /// @param r First half of the signature.
    /// @param s Second half of the signature.
    function _requireKey(address authorizer, bytes32 digest, uint8 v, bytes32 r, bytes32 s) private pure {
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(digest, v, r, s);
        if (failure != ECDSA.RecoverError.NoError || recovered != authorizer) revert NotSignedByAuthorizer(authorizer);
    }
}
