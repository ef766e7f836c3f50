// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ITransferAuthorizations
/// @author Shoal
/// @notice Transfers that are signed by who pays and submitted by somebody else, as EIP-3009 has them; in a second form
/// each takes a signature as bytes, so that contracts can sign by ERC-1271 (EIP-7598).
///
/// A nonce is not counted up but chosen, so that many authorisations can be out at once and be used in any order. One
/// account's nonce counts once, whether for a transfer or for taking it back.
///
/// A contract that takes credits by authorisation should use `receiveWithAuthorization`: anyone can submit
/// `transferWithAuthorization`, also before the contract does, and then the credits come without the contract's call.
interface ITransferAuthorizations {
    /// @notice An authorisation was used.
    /// @param authorizer Who signed it.
    /// @param nonce Its nonce.
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    /// @notice An authorisation was taken back before it was used.
    /// @param authorizer Who had signed it, or could have.
    /// @param nonce Its nonce.
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    /// @notice The authorisation does not count yet.
    /// @param validAfter The last second before it counts, since the Unix epoch.
    error AuthorizationNotYetValid(uint256 validAfter);

    /// @notice The authorisation does not count any more.
    /// @param validBefore The first second at which it no longer counted, since the Unix epoch.
    error AuthorizationExpired(uint256 validBefore);

    /// @notice The nonce has been used, or was taken back.
    /// @param authorizer Whose nonce.
    /// @param nonce The nonce.
    error AuthorizationSpent(address authorizer, bytes32 nonce);

    /// @notice The account did not sign this.
    /// @param authorizer The account.
    error NotSignedByAuthorizer(address authorizer);

    /// @notice Only the account that receives the credits can submit this.
    /// @param to That account.
    error OnlyReceiver(address to);

    /// @notice Moves credits of who signed; anyone can submit it.
    /// @param from Account whose credits move; it signed.
    /// @param to Account that receives them.
    /// @param value Base units.
    /// @param validAfter The authorisation counts after this second of the Unix epoch.
    /// @param validBefore The authorisation counts before this second of the Unix epoch.
    /// @param nonce Chosen by `from`: a value counts once.
    /// @param v Recovery id, 27 or 28.
    /// @param r First half of the signature.
    /// @param s Second half of the signature.
    /// @dev Reverts with `AuthorizationNotYetValid`, `AuthorizationExpired`, `AuthorizationSpent`,
    /// `NotSignedByAuthorizer` and the errors of a transfer.
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
    ) external;

    /// @notice Moves credits of who signed, an account with a key or a contract; anyone can submit it.
    /// @param from Account whose credits move; it signed.
    /// @param to Account that receives them.
    /// @param value Base units.
    /// @param validAfter The authorisation counts after this second of the Unix epoch.
    /// @param validBefore The authorisation counts before this second of the Unix epoch.
    /// @param nonce Chosen by `from`: a value counts once.
    /// @param signature 65 bytes r, s, v with s in the lower half, or what the contract at `from` understands.
    /// @dev Reverts like the other form, and with `InsufficientGas`.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Moves credits of who signed; only who receives them can submit it.
    /// @param from Account whose credits move; it signed.
    /// @param to Account that receives them, and calls.
    /// @param value Base units.
    /// @param validAfter The authorisation counts after this second of the Unix epoch.
    /// @param validBefore The authorisation counts before this second of the Unix epoch.
    /// @param nonce Chosen by `from`: a value counts once.
    /// @param v Recovery id, 27 or 28.
    /// @param r First half of the signature.
    /// @param s Second half of the signature.
    /// @dev Reverts like `transferWithAuthorization`, and with `OnlyReceiver`.
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
    ) external;

    /// @notice Moves credits of who signed, an account with a key or a contract; only who receives them can submit it.
    /// @param from Account whose credits move; it signed.
    /// @param to Account that receives them, and calls.
    /// @param value Base units.
    /// @param validAfter The authorisation counts after this second of the Unix epoch.
    /// @param validBefore The authorisation counts before this second of the Unix epoch.
    /// @param nonce Chosen by `from`: a value counts once.
    /// @param signature 65 bytes r, s, v with s in the lower half, or what the contract at `from` understands.
    /// @dev Reverts like the other form, and with `InsufficientGas`.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Takes an authorisation back; anyone can submit it.
    /// @param authorizer Whose nonce; it signed.
    /// @param nonce The nonce that shall never count.
    /// @param v Recovery id, 27 or 28.
    /// @param r First half of the signature.
    /// @param s Second half of the signature.
    /// @dev Reverts with `AuthorizationSpent`, `NotSignedByAuthorizer`.
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Takes an authorisation of an account with a key or of a contract back; anyone can submit it.
    /// @param authorizer Whose nonce; it signed.
    /// @param nonce The nonce that shall never count.
    /// @param signature 65 bytes r, s, v with s in the lower half, or what the contract at `authorizer` understands.
    /// @dev Reverts like the other form, and with `InsufficientGas`.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;

    /// @notice Whether a nonce has been used or taken back.
    /// @param authorizer Whose nonce.
    /// @param nonce The nonce.
    /// @return spent True if it can never count again.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool spent);
}
