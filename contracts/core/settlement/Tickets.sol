// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IStaking} from "../../interfaces/IStaking.sol";
import {ITickets} from "../../interfaces/ITickets.sol";
import {Permit} from "../../libraries/Permits.sol";
import {Roles} from "../../libraries/Roles.sol";
import {Signatures} from "../../libraries/Signatures.sol";
import {TicketHashes} from "../../libraries/TicketHashes.sol";
import {Balances} from "./Balances.sol";

/// @title Tickets
/// @author Shoal
/// @notice See {ITickets}.
/// @dev Checks, then effects, then interactions: a ticket deposit is written before tokens are pulled, which comes
/// last. Signers that are contracts are asked by `staticcall` before anything is written for their ticket, and
/// Staking by views, so that no call out of here can change what was read.
abstract contract Tickets is Balances, ITickets, EIP712 {
    using SafeCast for uint256;

    /// @notice What a payee has to do with a ticket deposit when that is short. One slot.
    /// @param owed Base units of arrears; over all payees they add up to the deposit's `arrears`.
    /// @param drawn Base units drawn from the reserve in `round`.
    /// @param round The last reserve round in which the payee drew.
    struct Shortfall {
        uint96 owed;
        uint96 drawn;
        uint64 round;
    }

    /// @notice How long the shares of a reserve are fixed, from the first draw on, in seconds.
    uint256 public constant RESERVE_ROUND_LENGTH = 1 days;

    /// @inheritdoc ITickets
    address public immutable override staking;

    /// @inheritdoc ITickets
    mapping(bytes32 digest => bool redeemed) public override isTicketRedeemed;

    mapping(bytes32 depositId => TicketDeposit ticketDeposit) private _ticketDeposits;

    mapping(bytes32 depositId => mapping(address payee => Shortfall shortfall)) private _shortfalls;

    /// @notice Fixes where active providers are known.
    /// @param staking_ The Staking contract.
    constructor(address staking_) {
        if (staking_ == address(0)) revert ZeroAddress();
        staking = staking_;
    }

    /// @inheritdoc ITickets
    function fundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount
    ) external override returns (bytes32 depositId) {
        depositId = _fundOwn(signer, maxFaceValue, depositAmount, reserveAmount);
        _debit(depositAmount + reserveAmount);
    }

    /// @inheritdoc ITickets
    function depositAndFundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount
    ) external override returns (bytes32 depositId) {
        depositId = _fundOwn(signer, maxFaceValue, depositAmount, reserveAmount);
        _debitOrPull(depositAmount + reserveAmount);
    }

    /// @inheritdoc ITickets
    function depositWithPermitAndFundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount,
        Permit calldata permit
    ) external override returns (bytes32 depositId) {
        _usePermit(permit);
        depositId = _fundOwn(signer, maxFaceValue, depositAmount, reserveAmount);
        _debitOrPull(depositAmount + reserveAmount);
    }

    /// @inheritdoc ITickets
    function fundTicketsFor(bytes32 depositId, uint256 depositAmount, uint256 reserveAmount) external override {
        TicketDeposit storage ticketDeposit = _existing(depositId);
        _fund(depositId, ticketDeposit, depositAmount, reserveAmount);
        _debit(depositAmount + reserveAmount);
    }

    /// @inheritdoc ITickets
    function redeemMany(
        SignedTicket[] calldata tickets
    ) external override returns (uint256 total, TicketOutcome[] memory outcomes) {
        uint256 count = tickets.length;
        outcomes = new TicketOutcome[](count);
        for (uint256 index = 0; index < count; ++index) {
            SignedTicket calldata signed = tickets[index];
            (TicketOutcome outcome, uint256 paid) = _redeem(signed);
            total += paid;
            if (outcome != TicketOutcome.Redeemed) {
                outcomes[index] = outcome;
                emit TicketSkipped(signed.ticket.depositId, index, outcome);
            }
        }
    }

    /// @inheritdoc ITickets
    function collectArrears(bytes32 depositId, address payee) external override returns (uint256 paid) {
        TicketDeposit storage ticketDeposit = _ticketDeposits[depositId];
        Shortfall storage shortfall = _shortfalls[depositId][payee];
        uint256 owed = shortfall.owed;
        uint256 fromDeposit = Math.min(owed, ticketDeposit.deposit);
        uint256 fromReserve = _drawDown(ticketDeposit, shortfall, payee, owed - fromDeposit);
        paid = fromDeposit + fromReserve;
        if (paid == 0) revert NothingToCollect(owed);
        uint256 arrears = ticketDeposit.arrears - paid;
        // All of them at most what they were.
        ticketDeposit.deposit -= uint96(fromDeposit);
        ticketDeposit.arrears = uint96(arrears);
        shortfall.owed = uint96(owed - paid);
        _credit(payee, paid);
        emit ArrearsCollected({
            depositId: depositId,
            payee: payee,
            fromDeposit: fromDeposit,
            fromReserve: fromReserve,
            arrears: arrears
        });
    }

    /// @inheritdoc ITickets
    function startTicketsUnlock(address signer) external override {
        bytes32 depositId = TicketHashes.idOf(msg.sender, signer);
        TicketDeposit storage ticketDeposit = _existing(depositId);
        _requireNoUnlock(ticketDeposit);
        uint48 unlocksAt = (block.timestamp + closeDelay).toUint48();
        ticketDeposit.unlocksAt = unlocksAt;
        emit TicketsUnlocking(depositId, unlocksAt);
    }

    /// @inheritdoc ITickets
    function cancelTicketsUnlock(address signer) external override {
        bytes32 depositId = TicketHashes.idOf(msg.sender, signer);
        TicketDeposit storage ticketDeposit = _existing(depositId);
        if (ticketDeposit.unlocksAt == 0) revert TicketsLocked(depositId);
        ticketDeposit.unlocksAt = 0;
        emit TicketsUnlockCancelled(depositId);
    }

    /// @inheritdoc ITickets
    function withdrawTickets(address signer) external override returns (uint256 refunded) {
        bytes32 depositId = TicketHashes.idOf(msg.sender, signer);
        TicketDeposit storage ticketDeposit = _existing(depositId);
        uint256 unlocksAt = ticketDeposit.unlocksAt;
        if (unlocksAt == 0) revert TicketsLocked(depositId);
        if (block.timestamp < unlocksAt) revert UnlockTooEarly(unlocksAt);
        uint256 held = uint256(ticketDeposit.deposit) + ticketDeposit.reserve;
        uint256 kept = Math.min(held, ticketDeposit.arrears);
        refunded = held - kept;
        // At most the arrears, which fit.
        ticketDeposit.deposit = uint96(kept);
        ticketDeposit.maxFaceValue = 0;
        ticketDeposit.unlocksAt = 0;
        ticketDeposit.reserve = 0;
        // A share of what has gone must not be drawn from a reserve that comes later.
        ticketDeposit.reserveRoundEndsAt = 0;
        if (refunded != 0) _credit(msg.sender, refunded);
        emit TicketsWithdrawn(depositId, refunded, kept);
    }

    /// @inheritdoc ITickets
    function ticketDepositIdOf(address payer, address signer) external view override returns (bytes32 depositId) {
        return TicketHashes.idOf(payer, signer);
    }

    /// @inheritdoc ITickets
    function ticketDepositOf(bytes32 depositId) external view override returns (TicketDeposit memory ticketDeposit) {
        return _ticketDeposits[depositId];
    }

    /// @inheritdoc ITickets
    function arrearsOf(bytes32 depositId) external view override returns (uint256 amount) {
        return _ticketDeposits[depositId].arrears;
    }

    /// @inheritdoc ITickets
    function arrearsOwed(bytes32 depositId, address payee) external view override returns (uint256 amount) {
        return _shortfalls[depositId][payee].owed;
    }

    /// @inheritdoc ITickets
    function reserveShareOf(bytes32 depositId, address payee) external view override returns (uint256 amount) {
        TicketDeposit storage ticketDeposit = _ticketDeposits[depositId];
        if (!_isActiveProvider(payee)) return 0;
        uint256 reserve = ticketDeposit.reserve;
        if (!_isRoundOver(ticketDeposit)) {
            Shortfall storage shortfall = _shortfalls[depositId][payee];
            return Math.min(_undrawn(ticketDeposit, shortfall), reserve);
        }
        return _shareDown(reserve);
    }

    /// @inheritdoc ITickets
    function ticketDigest(Ticket calldata ticket) public view override returns (bytes32 digest) {
        return _hashTypedDataV4(TicketHashes.hash(ticket));
    }

    /// @notice Writes what the caller adds to its own ticket deposit; the money is the callers' part.
    /// @param signer Account whose signature makes a ticket.
    /// @param maxFaceValue Base units one ticket can take.
    /// @param depositAmount Base units for the deposit.
    /// @param reserveAmount Base units for the reserve.
    /// @return depositId Identity of the ticket deposit.
    function _fundOwn(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount
    ) private returns (bytes32 depositId) {
        if (signer == address(0)) revert ZeroAddress();
        depositId = TicketHashes.idOf(msg.sender, signer);
        TicketDeposit storage ticketDeposit = _ticketDeposits[depositId];
        if (ticketDeposit.signer == address(0)) {
            if (maxFaceValue == 0) revert MaxFaceValueMissing();
            ticketDeposit.signer = signer;
            ticketDeposit.payer = msg.sender;
        }
        if (maxFaceValue > ticketDeposit.maxFaceValue) ticketDeposit.maxFaceValue = maxFaceValue.toUint96();
        _fund(depositId, ticketDeposit, depositAmount, reserveAmount);
    }

    /// @notice Writes what is added to a ticket deposit; the money is the callers' part.
    /// @param depositId The ticket deposit.
    /// @param ticketDeposit The same, as stored.
    /// @param depositAmount Base units for the deposit.
    /// @param reserveAmount Base units for the reserve.
    function _fund(
        bytes32 depositId,
        TicketDeposit storage ticketDeposit,
        uint256 depositAmount,
        uint256 reserveAmount
    ) private {
        if (depositAmount == 0 && reserveAmount == 0) revert ZeroAmount();
        _requireNoUnlock(ticketDeposit);
        if (depositAmount != 0) ticketDeposit.deposit = (ticketDeposit.deposit + depositAmount).toUint96();
        if (reserveAmount != 0) ticketDeposit.reserve = (ticketDeposit.reserve + reserveAmount).toUint96();
        emit TicketsFunded({
            depositId: depositId,
            payer: ticketDeposit.payer,
            signer: ticketDeposit.signer,
            from: msg.sender,
            depositAmount: depositAmount,
            reserveAmount: reserveAmount,
            maxFaceValue: ticketDeposit.maxFaceValue
        });
    }

    /// @notice Redeems one ticket, or says why not. Reverts only with `InsufficientGas`.
    /// @param signed Ticket, random and signature.
    /// @return outcome What happened.
    /// @return paid Base units added to the payee's balance.
    function _redeem(SignedTicket calldata signed) private returns (TicketOutcome outcome, uint256 paid) {
        Ticket calldata ticket = signed.ticket;
        TicketDeposit storage ticketDeposit = _ticketDeposits[ticket.depositId];
        bytes32 digest;
        (outcome, digest) = _check(ticketDeposit, ticket, signed.random);
        if (outcome != TicketOutcome.Redeemed) return (outcome, 0);
        if (!Signatures.isValid(ticketDeposit.signer, digest, signed.signature)) {
            return (TicketOutcome.BadSignature, 0);
        }
        isTicketRedeemed[digest] = true;
        paid = _pay(ticketDeposit, ticket, digest);
    }

    /// @notice Pays a winner from the deposit, then from the reserve, and writes down what is missing.
    /// @param ticketDeposit The ticket deposit as stored.
    /// @param ticket A winner; its face value is at most the deposit's greatest, which fits 96 bits.
    /// @param digest Its digest.
    /// @return paid Base units added to the payee's balance.
    function _pay(
        TicketDeposit storage ticketDeposit,
        Ticket calldata ticket,
        bytes32 digest
    ) private returns (uint256 paid) {
        bytes32 depositId = ticket.depositId;
        address payee = ticket.payee;
        uint256 faceValue = ticket.faceValue;
        uint256 held = ticketDeposit.deposit;
        // Arrears come first: what they claim is not there for later winners.
        uint256 fromDeposit = Math.min(faceValue, Math.saturatingSub(held, ticketDeposit.arrears));
        uint256 fromReserve = 0;
        if (fromDeposit != 0) ticketDeposit.deposit = uint96(held - fromDeposit);
        uint256 missing = faceValue - fromDeposit;
        if (missing != 0) {
            Shortfall storage shortfall = _shortfalls[depositId][payee];
            fromReserve = _drawDown(ticketDeposit, shortfall, payee, missing);
            missing -= fromReserve;
            if (missing != 0) _owe(depositId, ticketDeposit, shortfall, payee, missing);
        }
        paid = fromDeposit + fromReserve;
        if (paid != 0) _credit(payee, paid);
        emit TicketRedeemed({
            depositId: depositId,
            payee: payee,
            digest: digest,
            faceValue: faceValue,
            fromDeposit: fromDeposit,
            fromReserve: fromReserve
        });
    }

    /// @notice Takes from the reserve what a payee's share allows. The first draw of a round fixes the shares.
    /// @param ticketDeposit The ticket deposit as stored.
    /// @param shortfall What the payee has drawn.
    /// @param payee Who draws.
    /// @param wanted Base units.
    /// @return drawn Base units taken; none for who is not an active provider.
    function _drawDown(
        TicketDeposit storage ticketDeposit,
        Shortfall storage shortfall,
        address payee,
        uint256 wanted
    ) private returns (uint256 drawn) {
        uint256 reserve = ticketDeposit.reserve;
        if (wanted == 0 || reserve == 0 || !_isActiveProvider(payee)) return 0;
        if (_isRoundOver(ticketDeposit)) {
            uint256 share = _shareDown(reserve);
            if (share == 0) return 0;
            // At most the reserve, which fits.
            ticketDeposit.reserveShare = uint96(share);
            ticketDeposit.reserveRoundEndsAt = (block.timestamp + RESERVE_ROUND_LENGTH).toUint48();
            ++ticketDeposit.reserveRound;
        }
        uint256 undrawn = _undrawn(ticketDeposit, shortfall);
        drawn = Math.min(wanted, Math.min(undrawn, reserve));
        ticketDeposit.reserve = uint96(reserve - drawn);
        // The share less what is left of it: at most the share, which fits.
        shortfall.drawn = uint96(ticketDeposit.reserveShare - undrawn + drawn);
        shortfall.round = ticketDeposit.reserveRound;
    }

    /// @notice Writes down what a payer could not pay. Arrears stop at 96 bits, far more than there are credits: what
    /// a payer signs beyond that must not make a redemption revert.
    /// @param depositId The ticket deposit.
    /// @param ticketDeposit The same, as stored.
    /// @param shortfall What the payee is owed.
    /// @param payee Who is owed.
    /// @param missing Base units that were not paid.
    function _owe(
        bytes32 depositId,
        TicketDeposit storage ticketDeposit,
        Shortfall storage shortfall,
        address payee,
        uint256 missing
    ) private {
        uint256 arrears = ticketDeposit.arrears;
        uint256 recorded = Math.min(missing, type(uint96).max - arrears);
        arrears += recorded;
        ticketDeposit.arrears = uint96(arrears);
        // One payee's part of the arrears, which fit.
        shortfall.owed += uint96(recorded);
        emit ArrearsRecorded(depositId, payee, recorded, arrears);
    }

    /// @notice Everything about a ticket but its signature, which is the dearest to check.
    /// @param ticketDeposit The ticket deposit it names, as stored.
    /// @param ticket The ticket.
    /// @param random What the payee committed to.
    /// @return outcome `Redeemed` if nothing is wrong.
    /// @return digest The ticket's digest; zero if it was not needed.
    function _check(
        TicketDeposit storage ticketDeposit,
        Ticket calldata ticket,
        bytes32 random
    ) private view returns (TicketOutcome outcome, bytes32 digest) {
        outcome = _checkTerms(ticketDeposit, ticket);
        if (outcome != TicketOutcome.Redeemed) return (outcome, 0);
        if (TicketHashes.commitmentOf(random) != ticket.commitment) return (TicketOutcome.WrongRandom, 0);
        digest = ticketDigest(ticket);
        if (!TicketHashes.wins(digest, random, ticket.winThreshold)) return (TicketOutcome.NotWinning, digest);
        if (isTicketRedeemed[digest]) return (TicketOutcome.AlreadyRedeemed, digest);
    }

    /// @notice Whether a ticket, would it win, could be paid from a ticket deposit now.
    /// @param ticketDeposit The ticket deposit it names, as stored.
    /// @param ticket The ticket.
    /// @return outcome `Redeemed` if nothing is wrong.
    function _checkTerms(
        TicketDeposit storage ticketDeposit,
        Ticket calldata ticket
    ) private view returns (TicketOutcome outcome) {
        if (ticketDeposit.signer == address(0)) return TicketOutcome.UnknownDeposit;
        uint256 maxFaceValue = ticketDeposit.maxFaceValue;
        if (maxFaceValue == 0) return TicketOutcome.DepositClosed;
        if (ticket.payee == address(0) || ticket.faceValue == 0) return TicketOutcome.Malformed;
        if (ticket.faceValue > maxFaceValue) return TicketOutcome.FaceValueTooHigh;
        if (!(block.timestamp < ticket.expiresAt)) return TicketOutcome.Expired;
        return TicketOutcome.Redeemed;
    }

    /// @notice Whether an account can draw from reserves.
    /// @param account Any account.
    /// @return active True if it is staked for a Provider role.
    function _isActiveProvider(address account) private view returns (bool active) {
        return IStaking(staking).isActive(account, Roles.PROVIDER);
    }

    /// @notice One payee's share of a reserve, if a round began now.
    /// @dev Nobody is counted while a lowered minimum stake waits for `IStaking.poke`: then nobody has a share.
    /// @param reserve Base units.
    /// @return share Base units, rounded down so that all shares together are at most the reserve.
    function _shareDown(uint256 reserve) private view returns (uint256 share) {
        uint256 providers = IStaking(staking).activeProviders();
        return providers == 0 ? 0 : reserve / providers;
    }

    /// @notice What of its share a payee has not drawn in the reserve round as it is stored.
    /// @param ticketDeposit The ticket deposit as stored.
    /// @param shortfall What the payee has drawn.
    /// @return undrawn Base units.
    function _undrawn(
        TicketDeposit storage ticketDeposit,
        Shortfall storage shortfall
    ) private view returns (uint256 undrawn) {
        uint256 share = ticketDeposit.reserveShare;
        return shortfall.round == ticketDeposit.reserveRound ? share - shortfall.drawn : share;
    }

    /// @notice Whether the next draw begins a new round.
    /// @param ticketDeposit The ticket deposit as stored.
    /// @return over True if the round has ended, or none has begun.
    function _isRoundOver(TicketDeposit storage ticketDeposit) private view returns (bool over) {
        return !(block.timestamp < ticketDeposit.reserveRoundEndsAt);
    }

    /// @notice A ticket deposit that was funded once.
    /// @param depositId Its id.
    /// @return ticketDeposit The ticket deposit as stored.
    function _existing(bytes32 depositId) private view returns (TicketDeposit storage ticketDeposit) {
        ticketDeposit = _ticketDeposits[depositId];
        if (ticketDeposit.signer == address(0)) revert TicketDepositUnknown(depositId);
    }

    /// @notice Refuses while a withdrawal is announced.
    /// @param ticketDeposit The ticket deposit as stored.
    function _requireNoUnlock(TicketDeposit storage ticketDeposit) private view {
        uint256 unlocksAt = ticketDeposit.unlocksAt;
        if (unlocksAt != 0) revert TicketsUnlockAnnounced(unlocksAt);
    }
}
