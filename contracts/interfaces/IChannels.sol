// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Authorization} from "../libraries/Authorizations.sol";
import {Permit} from "../libraries/Permits.sol";

/// @title IChannels
/// @author Shoal
/// @notice Locks parts of the internal balances in channels.
///
/// A channel pays in one direction, from payer to payee. The payer names a signer when it opens the channel: a session
/// key that signs vouchers and can do nothing else. A voucher is an EIP-712 message
/// `Voucher(bytes32 channelId,uint256 cumulativeAmount)` of the domain "Shoal Settlement", version "1". It is
/// cumulative: it says how much the payee has earned since the channel was opened, so only the largest one counts, and
/// showing one twice pays nothing.
///
/// The payer loses at most what was signed, and never more than the deposit. The payee can claim everything that was
/// signed up to the deposit, as long as it does so before the channel closes: `closeDelay` after the payer announced
/// it, or from `expiresAt` on, whichever comes first. It is never less than `closeDelay` after the opening. A channel
/// closes at once when the payee wants it (`closeByPayee`) or signed for it (`closeCooperatively`).
///
/// Payers, signers and payees can be contracts. A signature is tried as ECDSA first; if that is not the account's key
/// and the account has code, it is asked by ERC-1271, with 150,000 gas. **A contract can change its mind:** a voucher
/// it confirmed a moment ago may be worth nothing when it is settled, so a payee that does not know the contract should
/// take only vouchers that a key signed.
interface IChannels {
    /// @notice What happened to one voucher of a batch.
    /// - `Settled`: it paid something.
    /// - `UnknownChannel`: no channel has this id.
    /// - `ChannelClosed`: the channel is closed for good.
    /// - `NothingNew`: all that it claims has been paid, or the deposit is used up.
    /// - `BadSignature`: the channel's signer did not sign it, or the signature is malformed or malleable, or the
    /// contract that signs did not confirm it.
    enum VoucherOutcome {
        Settled,
        UnknownChannel,
        ChannelClosed,
        NothingNew,
        BadSignature
    }

    /// @notice Where a channel is in its life. `Closing`: the payer has announced the close.
    enum ChannelStatus {
        None,
        Open,
        Closing,
        Closed
    }

    /// @notice A channel. Three slots.
    /// @param payer Account whose money is locked.
    /// @param deposit Base units locked since the opening.
    /// @param payee Account that is paid.
    /// @param claimed Base units paid so far; at most `deposit`.
    /// @param signer Account whose signature makes a voucher; zero once the channel is closed.
    /// @param expiresAt From then on the payer can close at once; seconds since the Unix epoch.
    /// @param closesAt When an announced close can be finished, in seconds; 0 when none was announced.
    struct Channel {
        address payer;
        uint96 deposit;
        address payee;
        uint96 claimed;
        address signer;
        uint48 expiresAt;
        uint48 closesAt;
    }

    /// @notice A voucher with its signature.
    /// @param channelId Channel it is a claim on.
    /// @param cumulativeAmount Base units earned since the channel was opened.
    /// @param signature Of the channel's signer over the EIP-712 digest: 65 bytes r, s, v with s in the lower half, or
    /// what the contract that signs understands.
    struct SignedVoucher {
        bytes32 channelId;
        uint256 cumulativeAmount;
        bytes signature;
    }

    /// @notice A channel was opened.
    /// @param channelId Its identity.
    /// @param payer Account whose money is locked.
    /// @param payee Account that is paid.
    /// @param signer Account whose signature makes a voucher.
    /// @param salt What the payer chose to tell its channels apart.
    /// @param expiresAt From then on the payer can close at once; seconds since the Unix epoch.
    /// @param amount Base units locked.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        address signer,
        bytes32 salt,
        uint256 expiresAt,
        uint256 amount
    );

    /// @notice The payer locked more.
    /// @param channelId The channel.
    /// @param amount Base units added.
    /// @param deposit All that was locked since the opening.
    event ChannelToppedUp(bytes32 indexed channelId, uint256 amount, uint256 deposit);

    /// @notice A voucher paid, or a cooperative close did.
    /// @param channelId The channel.
    /// @param payee Whose internal balance grew.
    /// @param amount Base units paid now.
    /// @param claimed All that the channel has paid since the opening.
    event VoucherSettled(bytes32 indexed channelId, address indexed payee, uint256 amount, uint256 claimed);

    /// @notice A voucher of a batch paid nothing.
    /// @param channelId Channel it named.
    /// @param index Its place in the batch.
    /// @param outcome Why.
    event VoucherSkipped(bytes32 indexed channelId, uint256 index, VoucherOutcome outcome);

    /// @notice The payer announced the close.
    /// @param channelId The channel.
    /// @param closableAt When it can be finished, in seconds since the Unix epoch: the payee's last chance.
    event ChannelClosing(bytes32 indexed channelId, uint256 closableAt);

    /// @notice A channel was closed for good.
    /// @param channelId The channel.
    /// @param claimed All that it paid.
    /// @param refunded What went back to the payer's internal balance.
    event ChannelClosed(bytes32 indexed channelId, uint256 claimed, uint256 refunded);

    /// @notice The payer has used this salt for this payee before.
    /// @param channelId The channel that has it.
    error ChannelExists(bytes32 channelId);

    /// @notice No channel has this id.
    /// @param channelId The id given.
    error ChannelUnknown(bytes32 channelId);

    /// @notice The channel is closed for good.
    /// @param channelId The channel.
    error ChannelAlreadyClosed(bytes32 channelId);

    /// @notice The payer has announced the close.
    /// @param channelId The channel.
    error ChannelAlreadyClosing(bytes32 channelId);

    /// @notice The channel would give the payee less time than `closeDelay`.
    /// @param earliest The earliest expiry, in seconds since the Unix epoch.
    /// @param given What was given.
    error ExpiryTooEarly(uint256 earliest, uint256 given);

    /// @notice The channel can not be closed yet.
    /// @param closableAt When it can, in seconds since the Unix epoch.
    error CloseTooEarly(uint256 closableAt);

    /// @notice Only the channel's payer can do this.
    /// @param payer The payer.
    error OnlyPayer(address payer);

    /// @notice Only the channel's payee can do this.
    /// @param payee The payee.
    error OnlyPayee(address payee);

    /// @notice The payee's offer to close no longer stands.
    /// @param deadline Last second at which it stood, since the Unix epoch.
    error CloseOfferExpired(uint256 deadline);

    /// @notice The channel can not end with this amount.
    /// @param given What was given.
    /// @param claimed What has been paid: the least.
    /// @param deposit What is locked: the most.
    error FinalAmountOutOfRange(uint256 given, uint256 claimed, uint256 deposit);

    /// @notice The payee did not sign this offer to close.
    error NotSignedByPayee();

    /// @notice The caller is not the payer, and the channel's signer did not sign a voucher for the final amount.
    error NotSignedBySigner();

    /// @notice Opens a channel from the caller's internal balance.
    /// @param payee Account that is paid; not zero.
    /// @param signer Account whose signature makes a voucher; not zero. A key, or a contract that speaks ERC-1271.
    /// @param salt Any value the caller has not used for this payee; the channel is found again by it.
    /// @param expiresAt From then on the caller can close at once; at least `closeDelay` from now, in seconds.
    /// @param amount Base units to lock, more than zero: the most that the signer can spend.
    /// @return channelId Identity of the channel.
    /// @dev Reverts with `ZeroAddress`, `ZeroAmount`, `ExpiryTooEarly`, `ChannelExists`, `InsufficientBalance`.
    function open(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount
    ) external returns (bytes32 channelId);

    /// @notice Opens a channel and first pulls what the caller's internal balance lacks, and only that.
    /// @param payee As for `open`.
    /// @param signer As for `open`.
    /// @param salt As for `open`.
    /// @param expiresAt As for `open`.
    /// @param amount As for `open`.
    /// @return channelId Identity of the channel.
    /// @dev Reverts like `open`, with `DepositsPaused` and the token's errors in place of
    /// `InsufficientBalance`.
    function depositAndOpen(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount
    ) external returns (bytes32 channelId);

    /// @notice `depositAndOpen` with an approval in the same transaction.
    /// @param payee As for `open`.
    /// @param signer As for `open`.
    /// @param salt As for `open`.
    /// @param expiresAt As for `open`.
    /// @param amount As for `open`.
    /// @param permit The caller's approval of this contract.
    /// @return channelId Identity of the channel.
    /// @dev Reverts like `depositAndOpen`.
    function depositWithPermitAndOpen(
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount,
        Permit calldata permit
    ) external returns (bytes32 channelId);

    /// @notice Opens a channel with the credits of who signed for it, all of them pulled in and none taken from an
    /// internal balance; anyone can submit it, and pays only the gas.
    /// @param payer Who signed, and whose channel it will be.
    /// @param payee As for `open`.
    /// @param signer As for `open`.
    /// @param salt As for `open`.
    /// @param expiresAt As for `open`.
    /// @param amount As for `open`; as signed.
    /// @param authorization The payer's `ReceiveWithAuthorization` to this contract (EIP-3009). Its nonce is
    /// keccak256(abi.encode(payee, signer, salt, expiresAt)), so that who submits it can change none of them.
    /// @return channelId Identity of the channel.
    /// @dev Reverts like `open`, with `DepositsPaused` and the token's errors in place of `InsufficientBalance`.
    function depositWithAuthorizationAndOpen(
        address payer,
        address payee,
        address signer,
        bytes32 salt,
        uint48 expiresAt,
        uint256 amount,
        Authorization calldata authorization
    ) external returns (bytes32 channelId);

    /// @notice Locks more of the caller's internal balance in a channel of its own.
    /// @param channelId An open channel of which the caller is the payer.
    /// @param amount Base units, more than zero.
    /// @dev Reverts with `ZeroAmount`, `ChannelUnknown`, `ChannelAlreadyClosed`, `OnlyPayer`,
    /// `ChannelAlreadyClosing`, `InsufficientBalance`.
    function topUp(bytes32 channelId, uint256 amount) external;

    /// @notice Tops up and first pulls what the caller's internal balance lacks, and only that.
    /// @param channelId An open channel of which the caller is the payer.
    /// @param amount Base units, more than zero.
    /// @dev Reverts like `topUp`, with `DepositsPaused` and the token's errors in place of
    /// `InsufficientBalance`.
    function depositAndTopUp(bytes32 channelId, uint256 amount) external;

    /// @notice Pays vouchers into the payees' internal balances. Anyone can call it, since only the payees gain.
    /// A voucher that is worth nothing is skipped with an event and never holds up the others. One that claims more
    /// than the deposit pays up to the deposit, and the rest after a top up.
    /// @param vouchers The batch, of any channels and payees.
    /// @return total Base units paid by all of them.
    /// @return outcomes What happened to each, in order.
    /// @dev Reverts only with `InsufficientGas`: each signer that is a contract must have its 150,000.
    function settleMany(
        SignedVoucher[] calldata vouchers
    ) external returns (uint256 total, VoucherOutcome[] memory outcomes);

    /// @notice Announces that the payer will close. The payee has `closeDelay` left, or until the expiry if that is
    /// sooner; vouchers can be settled until the close is finished.
    /// @param channelId An open channel of which the caller is the payer.
    /// @dev Reverts with `ChannelUnknown`, `ChannelAlreadyClosed`, `OnlyPayer`, `ChannelAlreadyClosing`.
    function startClose(bytes32 channelId) external;

    /// @notice Closes and gives what was not claimed back to the payer's internal balance. Needs no announcement once
    /// the channel has expired.
    /// @param channelId A channel of which the caller is the payer, and which is closable.
    /// @return refunded Base units given back.
    /// @dev Reverts with `ChannelUnknown`, `ChannelAlreadyClosed`, `OnlyPayer`, `CloseTooEarly`.
    function finishClose(bytes32 channelId) external returns (uint256 refunded);

    /// @notice Closes at once, by the one who could still claim. Settle the last voucher first.
    /// @param channelId A channel of which the caller is the payee.
    /// @return refunded Base units given back to the payer's internal balance.
    /// @dev Reverts with `ChannelUnknown`, `ChannelAlreadyClosed`, `OnlyPayee`.
    function closeByPayee(bytes32 channelId) external returns (uint256 refunded);

    /// @notice Closes at once, by agreement: pays the payee up to `finalAmount` and gives the rest back to the payer.
    ///
    /// The payee agrees by an EIP-712 message `Close(bytes32 channelId,uint256 finalAmount,uint256 deadline)`. **Until
    /// the deadline it gives up what is signed beyond `finalAmount`**: after signing it a payee takes no new voucher of
    /// this channel before then. The payer agrees by being the caller; anybody else brings the voucher for exactly
    /// `finalAmount`.
    /// @param channelId A channel that is not closed.
    /// @param finalAmount Base units paid since the opening, all told; between what has been paid and the deposit.
    /// @param deadline Last second at which the payee's offer stands.
    /// @param payeeSignature Of the offer.
    /// @param voucherSignature Of the channel's signer, of the voucher for `finalAmount`; not looked at when the caller
    /// is the payer.
    /// @return refunded Base units given back to the payer's internal balance.
    /// @dev Reverts with `CloseOfferExpired`, `ChannelUnknown`, `ChannelAlreadyClosed`, `FinalAmountOutOfRange`,
    /// `NotSignedByPayee`, `NotSignedBySigner`, `InsufficientGas`.
    function closeCooperatively(
        bytes32 channelId,
        uint256 finalAmount,
        uint256 deadline,
        bytes calldata payeeSignature,
        bytes calldata voucherSignature
    ) external returns (uint256 refunded);

    /// @notice Identity of a channel, whether or not it exists.
    /// @param payer Account whose money is locked.
    /// @param payee Account that is paid.
    /// @param salt What the payer chose.
    /// @return channelId keccak256(abi.encode(chain id, this contract, payer, payee, salt)).
    function channelIdOf(address payer, address payee, bytes32 salt) external view returns (bytes32 channelId);

    /// @notice A channel as it is stored; all zero when there is none. A closed one keeps its parties and amounts.
    /// @param channelId Any id.
    /// @return channel The channel.
    function channelOf(bytes32 channelId) external view returns (Channel memory channel);

    /// @notice Where a channel is in its life.
    /// @param channelId Any id.
    /// @return status `None` when there is no such channel.
    function statusOf(bytes32 channelId) external view returns (ChannelStatus status);

    /// @notice From when on the payer can finish the close: until then the payee can rely on claiming.
    /// @param channelId An open or closing channel.
    /// @return timestamp Seconds since the Unix epoch.
    /// @dev Reverts with `ChannelUnknown`, `ChannelAlreadyClosed`.
    function closableAt(bytes32 channelId) external view returns (uint256 timestamp);

    /// @notice What a signer signs for a voucher.
    /// @param channelId Channel it is a claim on.
    /// @param cumulativeAmount Base units earned since the channel was opened.
    /// @return digest EIP-712 digest for this contract on this chain.
    function voucherDigest(bytes32 channelId, uint256 cumulativeAmount) external view returns (bytes32 digest);

    /// @notice What a payee signs to offer a close.
    /// @param channelId Channel to close.
    /// @param finalAmount Base units the payee wants to have been paid since the channel was opened.
    /// @param deadline Last second at which the offer stands.
    /// @return digest EIP-712 digest for this contract on this chain.
    function closeDigest(
        bytes32 channelId,
        uint256 finalAmount,
        uint256 deadline
    ) external view returns (bytes32 digest);

    /// @notice Whether a channel's signer signed a voucher, whatever it would pay.
    /// @param channelId Any id.
    /// @param cumulativeAmount Base units the voucher claims; may be more than the deposit.
    /// @param signature Of the voucher.
    /// @return valid False for a channel that is unknown or closed.
    /// @dev Reverts with `InsufficientGas`.
    function isVoucherValid(
        bytes32 channelId,
        uint256 cumulativeAmount,
        bytes calldata signature
    ) external view returns (bool valid);
}
