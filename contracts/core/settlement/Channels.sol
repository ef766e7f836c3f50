// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IChannels} from "../../interfaces/IChannels.sol";
import {Authorization, Authorizations} from "../../libraries/Authorizations.sol";
import {Permit} from "../../libraries/Permits.sol";
import {Signatures} from "../../libraries/Signatures.sol";
import {Vouchers} from "../../libraries/Vouchers.sol";
import {Balances} from "./Balances.sol";

/// @title Channels
/// @author Shoal
/// @notice See {IChannels}.
/// @dev Of the money locked here, `deposit - claimed` of a channel that is not closed is owed to its parties.
abstract contract Channels is Balances, IChannels, EIP712 {
    using SafeCast for uint256;

    /// @dev A closed channel is kept, so that its id is never opened again and its vouchers never count again.
    mapping(bytes32 channelId => Channel channel) private _channels;

    /// @inheritdoc IChannels
    function open(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount
    ) external override returns (bytes32 channelId) {
        channelId = _open({
            payer: msg.sender,
            payee: payee,
            signer: signer,
            salt: salt,
            expiresAt: expiresAt,
            amount: amount
        });
        _debit(amount);
    }

    /// @inheritdoc IChannels
    function depositAndOpen(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount
    ) external override returns (bytes32 channelId) {
        channelId = _open({
            payer: msg.sender,
            payee: payee,
            signer: signer,
            salt: salt,
            expiresAt: expiresAt,
            amount: amount
        });
        _debitOrPull(amount);
    }

    /// @inheritdoc IChannels
    function depositWithPermitAndOpen(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount,
        Permit calldata permit
    ) external override returns (bytes32 channelId) {
        _usePermit(permit);
        channelId = _open({
            payer: msg.sender,
            payee: payee,
            signer: signer,
            salt: salt,
            expiresAt: expiresAt,
            amount: amount
        });
        _debitOrPull(amount);
    }

    /// @inheritdoc IChannels
    function depositWithAuthorizationAndOpen(
        address payer,
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount,
        Authorization calldata authorization
    ) external override returns (bytes32 channelId) {
        channelId = _open({
            payer: payer,
            payee: payee,
            signer: signer,
            salt: salt,
            expiresAt: expiresAt,
            amount: amount
        });
        bytes32 nonce = Authorizations.channelNonce(payee, signer, salt, expiresAt);
        _pullAuthorized(payer, amount, nonce, authorization);
    }

    /// @inheritdoc IChannels
    function topUp(bytes32 channelId, uint256 amount) external override {
        _topUp(channelId, amount);
        _debit(amount);
    }

    /// @inheritdoc IChannels
    function depositAndTopUp(bytes32 channelId, uint256 amount) external override {
        _topUp(channelId, amount);
        _debitOrPull(amount);
    }

    /// @inheritdoc IChannels
    function settleMany(
        SignedVoucher[] calldata vouchers
    ) external override returns (uint256 total, VoucherOutcome[] memory outcomes) {
        uint256 count = vouchers.length;
        outcomes = new VoucherOutcome[](count);
        for (uint256 index = 0; index < count; ++index) {
            SignedVoucher calldata voucher = vouchers[index];
            (VoucherOutcome outcome, uint256 paid) = _settle(voucher);
            total += paid;
            if (outcome != VoucherOutcome.Settled) {
                outcomes[index] = outcome;
                emit VoucherSkipped(voucher.channelId, index, outcome);
            }
        }
    }

    /// @inheritdoc IChannels
    function startClose(bytes32 channelId) external override {
        Channel storage channel = _liveChannel(channelId);
        _requirePayer(channel);
        if (channel.closesAt != 0) revert ChannelAlreadyClosing(channelId);
        channel.closesAt = (block.timestamp + closeDelay).toUint48();
        emit ChannelClosing(channelId, _closableAt(channel));
    }

    /// @inheritdoc IChannels
    function finishClose(bytes32 channelId) external override returns (uint256 refunded) {
        Channel storage channel = _liveChannel(channelId);
        _requirePayer(channel);
        uint256 timestamp = _closableAt(channel);
        if (block.timestamp < timestamp) revert CloseTooEarly(timestamp);
        return _close(channelId, channel);
    }

    /// @inheritdoc IChannels
    function closeByPayee(bytes32 channelId) external override returns (uint256 refunded) {
        Channel storage channel = _liveChannel(channelId);
        address payee = channel.payee;
        if (msg.sender != payee) revert OnlyPayee(payee);
        return _close(channelId, channel);
    }

    /// @inheritdoc IChannels
    function closeCooperatively(
        bytes32 channelId,
        uint256 finalAmount,
        uint256 deadline,
        bytes calldata payeeSignature,
        bytes calldata voucherSignature
    ) external override returns (uint256 refunded) {
        if (block.timestamp > deadline) revert CloseOfferExpired(deadline);
        Channel storage channel = _liveChannel(channelId);
        uint256 claimed = channel.claimed;
        uint256 locked = channel.deposit;
        if (finalAmount < claimed || finalAmount > locked) revert FinalAmountOutOfRange(finalAmount, claimed, locked);
        // Calls, and still checks, as in `_settle`.
        if (!Signatures.isValid(channel.payee, closeDigest(channelId, finalAmount, deadline), payeeSignature)) {
            revert NotSignedByPayee();
        }
        if (msg.sender != channel.payer && !_isSigned(channel.signer, channelId, finalAmount, voucherSignature)) {
            revert NotSignedBySigner();
        }
        if (finalAmount > claimed) _pay(channelId, channel, finalAmount - claimed, finalAmount);
        return _close(channelId, channel);
    }

    /// @inheritdoc IChannels
    function isVoucherValid(
        bytes32 channelId,
        uint256 cumulativeAmount,
        bytes calldata signature
    ) external view override returns (bool valid) {
        // Unknown and closed channels have the zero signer, which has never signed.
        return _isSigned(_channels[channelId].signer, channelId, cumulativeAmount, signature);
    }

    /// @inheritdoc IChannels
    function channelIdOf(
        address payer,
        address payee,
        bytes32 salt
    ) external view override returns (bytes32 channelId) {
        return Vouchers.idOf(payer, payee, salt);
    }

    /// @inheritdoc IChannels
    function channelOf(bytes32 channelId) external view override returns (Channel memory channel) {
        return _channels[channelId];
    }

    /// @inheritdoc IChannels
    function statusOf(bytes32 channelId) external view override returns (ChannelStatus status) {
        Channel storage channel = _channels[channelId];
        if (channel.payer == address(0)) return ChannelStatus.None;
        if (channel.signer == address(0)) return ChannelStatus.Closed;
        return channel.closesAt == 0 ? ChannelStatus.Open : ChannelStatus.Closing;
    }

    /// @inheritdoc IChannels
    function closableAt(bytes32 channelId) external view override returns (uint256 timestamp) {
        return _closableAt(_liveChannel(channelId));
    }

    /// @inheritdoc IChannels
    function voucherDigest(bytes32 channelId, uint256 cumulativeAmount) public view override returns (bytes32 digest) {
        return _hashTypedDataV4(Vouchers.hash(channelId, cumulativeAmount));
    }

    /// @inheritdoc IChannels
    function closeDigest(
        bytes32 channelId,
        uint256 finalAmount,
        uint256 deadline
    ) public view override returns (bytes32 digest) {
        return _hashTypedDataV4(Vouchers.hashClose(channelId, finalAmount, deadline));
    }

    /// @notice Writes a new channel; the money is the callers' part.
    /// @param payer Account whose money is locked.
    /// @param payee Account that is paid.
    /// @param signer Account whose signature makes a voucher.
    /// @param salt What tells the payer's channels to this payee apart.
    /// @param expiresAt From then on the payer can close at once, in seconds.
    /// @param amount Base units.
    /// @return channelId Identity of the channel.
    function _open(
        address payer,
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount
    ) private returns (bytes32 channelId) {
        if (payee == address(0) || signer == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        uint256 earliest = block.timestamp + closeDelay;
        if (expiresAt < earliest) revert ExpiryTooEarly(earliest, expiresAt);
        channelId = Vouchers.idOf(payer, payee, salt);
        Channel storage channel = _channels[channelId];
        if (channel.payer != address(0)) revert ChannelExists(channelId);
        channel.payer = payer;
        channel.deposit = amount.toUint96();
        channel.payee = payee;
        channel.signer = signer;
        channel.expiresAt = expiresAt;
        emit ChannelOpened({
            channelId: channelId,
            payer: payer,
            payee: payee,
            signer: signer,
            salt: salt,
            expiresAt: expiresAt,
            amount: amount
        });
    }

    /// @notice Adds to the caller's channel; the money is the callers' part.
    /// @param channelId The channel.
    /// @param amount Base units.
    function _topUp(bytes32 channelId, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        Channel storage channel = _liveChannel(channelId);
        _requirePayer(channel);
        if (channel.closesAt != 0) revert ChannelAlreadyClosing(channelId);
        uint256 total = channel.deposit + amount;
        channel.deposit = total.toUint96();
        emit ChannelToppedUp(channelId, amount, total);
    }

    /// @notice Pays one voucher, or says why not. Reverts only when too little gas is left to ask a contract.
    /// @param voucher Voucher and signature.
    /// @return outcome What happened.
    /// @return paid Base units added to the payee's balance.
    function _settle(SignedVoucher calldata voucher) private returns (VoucherOutcome outcome, uint256 paid) {
        bytes32 channelId = voucher.channelId;
        Channel storage channel = _channels[channelId];
        address signer = channel.signer;
        if (signer == address(0)) {
            bool unknown = channel.payer == address(0);
            return (unknown ? VoucherOutcome.UnknownChannel : VoucherOutcome.ChannelClosed, 0);
        }
        uint256 claimed = channel.claimed;
        uint256 claimable = Math.min(voucher.cumulativeAmount, channel.deposit);
        if (!(claimable > claimed)) return (VoucherOutcome.NothingNew, 0);
        // A call, and still a check: what is asked can not write, so nothing read above can have changed.
        if (!_isSigned(signer, channelId, voucher.cumulativeAmount, voucher.signature)) {
            return (VoucherOutcome.BadSignature, 0);
        }
        paid = claimable - claimed;
        _pay(channelId, channel, paid, claimable);
    }

    /// @notice Pays the payee.
    /// @param channelId The channel.
    /// @param channel The same, as stored.
    /// @param amount Base units to pay.
    /// @param claimed All that is paid then; at most the deposit, so it fits.
    function _pay(bytes32 channelId, Channel storage channel, uint256 amount, uint256 claimed) private {
        address payee = channel.payee;
        channel.claimed = uint96(claimed);
        _credit(payee, amount);
        emit VoucherSettled(channelId, payee, amount, claimed);
    }

    /// @notice Gives back what was not claimed and marks the channel as closed.
    /// @param channelId The channel.
    /// @param channel The same, as stored.
    /// @return refunded Base units given back.
    function _close(bytes32 channelId, Channel storage channel) private returns (uint256 refunded) {
        uint256 claimed = channel.claimed;
        refunded = channel.deposit - claimed;
        channel.signer = address(0);
        channel.expiresAt = 0;
        channel.closesAt = 0;
        if (refunded != 0) _credit(channel.payer, refunded);
        emit ChannelClosed(channelId, claimed, refunded);
    }

    /// @notice Whether a channel's signer signed a voucher.
    /// @param signer The channel's signer.
    /// @param channelId The channel.
    /// @param cumulativeAmount Base units earned since the opening.
    /// @param signature Of the voucher.
    /// @return signed True if it did.
    function _isSigned(
        address signer,
        bytes32 channelId,
        uint256 cumulativeAmount,
        bytes calldata signature
    ) private view returns (bool signed) {
        return Signatures.isValid(signer, voucherDigest(channelId, cumulativeAmount), signature);
    }

    /// @notice A channel that is not closed.
    /// @param channelId Its id.
    /// @return channel The channel as stored.
    function _liveChannel(bytes32 channelId) private view returns (Channel storage channel) {
        channel = _channels[channelId];
        if (channel.payer == address(0)) revert ChannelUnknown(channelId);
        if (channel.signer == address(0)) revert ChannelAlreadyClosed(channelId);
    }

    /// @notice Refuses callers other than the payer.
    /// @param channel The channel as stored.
    function _requirePayer(Channel storage channel) private view {
        address payer = channel.payer;
        if (msg.sender != payer) revert OnlyPayer(payer);
    }

    /// @notice When the payer can finish the close.
    /// @param channel A channel that is not closed.
    /// @return timestamp The expiry, or the end of the announced delay if that is sooner.
    function _closableAt(Channel storage channel) private view returns (uint256 timestamp) {
        uint256 closesAt = channel.closesAt;
        uint256 expiresAt = channel.expiresAt;
        return closesAt == 0 ? expiresAt : Math.min(closesAt, expiresAt);
    }
}
