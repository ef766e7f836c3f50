// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITickets} from "../interfaces/ITickets.sol";

/// @title TicketHashes
/// @author Shoal
/// @notice The EIP-712 struct of a ticket, the identity of a ticket deposit, and the lottery.
library TicketHashes {
    /// @notice keccak256 of the EIP-712 encoding of the ticket's type.
    bytes32 internal constant TYPE_HASH = keccak256(
        "Ticket(bytes32 depositId,address payee,uint256 faceValue,uint256 winThreshold,"
        "bytes32 commitment,uint256 nonce,uint256 expiresAt)"
    );

    /// @notice Identity of a ticket deposit, computable before it exists.
    /// @dev Chain and contract are part of it, so that no ticket deposit of another deployment has the same one.
    /// @param payer Account whose money it is.
    /// @param signer Account whose signature makes a ticket.
    /// @return id keccak256(abi.encode(chain id, this contract, payer, signer)).
    function idOf(address payer, address signer) internal view returns (bytes32 id) {
        return keccak256(abi.encode(block.chainid, address(this), payer, signer));
    }

    /// @notice EIP-712 `hashStruct` of a ticket.
    /// @dev All fields are words, so that the struct's ABI encoding is its EIP-712 encoding.
    /// @param ticket The ticket.
    /// @return structHash keccak256(TYPE_HASH . fields in order), 32 bytes each.
    function hash(ITickets.Ticket calldata ticket) internal pure returns (bytes32 structHash) {
        return keccak256(abi.encode(TYPE_HASH, ticket));
    }

    /// @notice What a payee gives away of its random before it sees the ticket.
    /// @param random 256 random bits.
    /// @return hashed keccak256(abi.encode(random)).
    function commitmentOf(bytes32 random) internal pure returns (bytes32 hashed) {
        return keccak256(abi.encode(random));
    }

    /// @notice Whether a ticket wins: its probability is `winThreshold / 2^256`.
    /// @dev Neither side can choose the outcome: the random was committed to before the digest existed, and the digest
    /// was signed without knowing the random.
    /// @param digest EIP-712 digest of the ticket.
    /// @param random What the payee committed to.
    /// @param winThreshold As signed.
    /// @return won True if it wins.
    function wins(bytes32 digest, bytes32 random, uint256 winThreshold) internal pure returns (bool won) {
        return uint256(keccak256(abi.encode(digest, random))) < winThreshold;
    }
}
