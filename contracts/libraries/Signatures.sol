// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures
/// @author Shoal
/// @notice Whether an account signed a digest: an account with a key by ECDSA, one with code also by ERC-1271.
/// @dev The key is asked first, so that an account which has both (EIP-7702) can always sign with its key. A contract's
/// answer can change from one block to the next: who relies on one takes that risk.
///
/// The contract that is asked is not trusted. It can not write (`staticcall`), not spend more than `SIGNER_GAS`, and
/// not make the caller pay for a long answer (32 bytes are copied). Whatever else it does counts as a refusal.
library Signatures {
    /// @notice Gas a contract has for its answer.
    uint256 internal constant SIGNER_GAS = 150_000;

    /// @notice More than the call costs beside `SIGNER_GAS`: a warm account, and what the check itself takes.
    uint256 internal constant CALL_GAS = 2_000;

    /// @notice Too little gas is left to ask a contract. Send the transaction again with more.
    error InsufficientGas();

    /// @notice Whether an account signed a digest.
    /// @param signer The account; zero has never signed.
    /// @param digest What was signed.
    /// @param signature 65 bytes r, s, v with s in the lower half, or what the contract at `signer` understands.
    /// @return valid True if the key or the contract says so.
    /// @dev Reverts only with `InsufficientGas`, and only where a contract has to be asked: otherwise whoever sends the
    /// transaction could choose the gas so that a good signature looks bad.
    function isValid(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool valid) {
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        if (signer.code.length == 0) return false;
        return _isValidByContract(signer, digest, signature);
    }

    /// @notice Asks a contract by ERC-1271.
    /// @param signer An account with code.
    /// @param digest What was signed.
    /// @param signature What the contract understands.
    /// @return valid True if it answers with the selector, in 32 bytes or more.
    function _isValidByContract(
        address signer,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bool valid) {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes4 yes = IERC1271.isValidSignature.selector;
        // A call gets at most 63 of 64 parts of what is left (EIP-150), even when more is asked for.
        uint256 left = gasleft();
        if (left - left / 64 < SIGNER_GAS + CALL_GAS) revert InsufficientGas();
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let success := staticcall(SIGNER_GAS, signer, add(question, 0x20), mload(question), 0x00, 0x20)
            valid := and(success, and(gt(returndatasize(), 0x1f), eq(mload(0x00), yes)))
        }
    }
}
