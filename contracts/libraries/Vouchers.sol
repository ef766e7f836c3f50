// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Vouchers
/// @author Shoal
/// @notice The EIP-712 structs that a channel's signer and its payee sign, and the identity of a channel.
library Vouchers {
    /// @notice keccak256 of the EIP-712 encoding of the voucher's type.
    bytes32 internal constant TYPE_HASH = keccak256("Voucher(bytes32 channelId,uint256 cumulativeAmount)");

    /// @notice keccak256 of the EIP-712 encoding of the type of a payee's offer to close.
    bytes32 internal constant CLOSE_TYPE_HASH = keccak256(
        "Close(bytes32 channelId,uint256 finalAmount,uint256 deadline)"
    );

    /// @notice Identity of a channel, computable before it exists.
    /// @dev Chain and contract are part of it, so that no channel of another deployment has the same one.
    /// @param payer Account whose money is locked.
    /// @param payee Account that is paid.
    /// @param salt Chosen by the payer; one salt opens one channel of a pair, ever.
    /// @return id keccak256(abi.encode(chain id, this contract, payer, payee, salt)).
    function idOf(address payer, address payee, bytes32 salt) internal view returns (bytes32 id) {
        return keccak256(abi.encode(block.chainid, address(this), payer, payee, salt));
    }

    /// @notice EIP-712 `hashStruct` of a voucher.
    /// @param channelId Channel the voucher is a claim on.
    /// @param cumulativeAmount Base units claimed since the channel was opened.
    /// @return structHash keccak256(TYPE_HASH . channelId . cumulativeAmount), 32 bytes each.
    function hash(bytes32 channelId, uint256 cumulativeAmount) internal pure returns (bytes32 structHash) {
        return keccak256(abi.encode(TYPE_HASH, channelId, cumulativeAmount));
    }

    /// @notice EIP-712 `hashStruct` of a payee's offer to close.
    /// @param channelId Channel to close.
    /// @param finalAmount Base units the payee wants to have been paid since the channel was opened.
    /// @param deadline Last second at which the offer stands.
    /// @return structHash keccak256(CLOSE_TYPE_HASH . channelId . finalAmount . deadline), 32 bytes each.
    function hashClose(
        bytes32 channelId,
        uint256 finalAmount,
        uint256 deadline
    ) internal pure returns (bytes32 structHash) {
        return keccak256(abi.encode(CLOSE_TYPE_HASH, channelId, finalAmount, deadline));
    }
}
