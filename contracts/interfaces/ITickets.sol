// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../libraries/Permits.sol";

/// @title ITickets
/// @author Shoal
/// @notice Probabilistic micropayments: one deposit pays any number of payees, each of them seldom on chain.
///
/// A ticket is a signed lottery claim. It pays `faceValue` with the probability `winThreshold / 2^256` and else
/// nothing, so it is worth their product, and only a winner costs a transaction. The payee goes first: it chooses a
/// secret `random` and gives its hash, the `commitment`. The payer then chooses a `nonce` and its signer signs the
/// ticket. It wins if `keccak256(abi.encode(digest, random)) < winThreshold`, where `digest` is the EIP-712 digest.
/// The payer does not know the random, so it can not choose a ticket that loses. The payee does not know the nonce
/// when it commits, so it can not choose a random that wins: **a nonce must be unpredictable, 256 random bits, and a
/// random must not be used again once it was shown to anybody.** The signature is no part of the lottery, because a
/// contract that signs (ERC-1271) accepts many signatures for one digest and the payee could search among them.
///
/// A ticket deposit belongs to a payer and one signer, a session key that never changes. `maxFaceValue` bounds what
/// one ticket can take. Payers give notice: an unlock takes `closeDelay`, and until the deposit is withdrawn winners
/// are paid.
///
/// A payer can sign more than it has. Then a winner is paid, in this order:
/// - from the deposit, as far as earlier arrears do not claim it;
/// - from the reserve, if the payee is a staked, active provider, up to its share. A share is the reserve at the
/// first   draw of a round, divided by the number of active providers then, rounded down; a round lasts
///   a day. So payees who collude with the payer take no more than their own shares;
/// - what is missing becomes arrears, which go first in whatever the payer funds later, and which a withdrawal leaves
///   behind.
///
/// A payer that means ill can sign tickets to itself and so empty the deposit, not the reserve, at any moment. What a
/// payee can rely on then is its share of the reserve, `reserveShareOf`: it keeps what it may win from tickets not
/// redeemed below that. It takes a ticket only if the signer signed it, the face value is at most `maxFaceValue`,
/// `unlocksAt` is 0 or not before `expiresAt`, and the signer is a key or a contract whose answer can not change;
/// and it redeems a winner at once, within `closeDelay` after `TicketsUnlocking` at the latest.
interface ITickets {
    /// @notice What happened to one ticket of a batch.
    /// - `Redeemed`: it won, and is used up. How much was paid is in the event.
    /// - `UnknownDeposit`: there is no such ticket deposit.
    /// - `DepositClosed`: the payer withdrew; the ticket counts again if the payer funds anew before it expires.
    /// - `Malformed`: it has no payee or no face value.
    /// - `FaceValueTooHigh`: it is above the deposit's `maxFaceValue`.
    /// - `Expired`: `expiresAt` has come.
    /// - `WrongRandom`: the random is not the one committed to.
    /// - `NotWinning`: it lost.
    /// - `AlreadyRedeemed`: it has been used up before.
    /// - `BadSignature`: the deposit's signer did not sign it, or the signature is malformed or malleable.
    enum TicketOutcome {
        Redeemed,
        UnknownDeposit,
        DepositClosed,
        Malformed,
        FaceValueTooHigh,
        Expired,
        WrongRandom,
        NotWinning,
        AlreadyRedeemed,
        BadSignature
    }

    /// @notice What a payer locked for the tickets of one signer. Four slots; redeeming touches two where nothing is
    /// owed.
    /// @param signer Account whose signature makes a ticket; never changes.
    /// @param deposit Base units that pay winners, arrears first.
    /// @param maxFaceValue Base units one ticket can take at most; zero once withdrawn.
    /// @param arrears Base units that winners are still owed.
    /// @param unlocksAt When an announced withdrawal can be made, in seconds; 0 when none was announced.
    /// @param payer Account whose money it is.
    /// @param reserve Base units that pay active providers when the deposit is used up.
    /// @param reserveShare Base units each payee can draw in the reserve round.
    /// @param reserveRoundEndsAt End of the reserve round, in seconds; from then on a draw begins a new one.
    /// @param reserveRound Number of the reserve round; 0 before the first.
    struct TicketDeposit {
        address signer;
        uint96 deposit;
        uint96 maxFaceValue;
        uint96 arrears;
        uint48 unlocksAt;
        address payer;
        uint96 reserve;
        uint96 reserveShare;
        uint48 reserveRoundEndsAt;
        uint64 reserveRound;
    }

    /// @notice A lottery claim. Its EIP-712 type is
    /// `Ticket(bytes32 depositId,address payee,uint256 faceValue,uint256 winThreshold,bytes32 commitment,uint256
    /// nonce,` `uint256 expiresAt)`, on one line.
    /// @param depositId Ticket deposit it is a claim on.
    /// @param payee Account that is paid if it wins.
    /// @param faceValue Base units it then pays.
    /// @param winThreshold It wins with the probability `winThreshold / 2^256`.
    /// @param commitment keccak256(abi.encode(random)), from the payee.
    /// @param nonce 256 random bits from the payer, chosen after it knew the commitment.
    /// @param expiresAt From then on it is worth nothing; seconds since the Unix epoch.
    struct Ticket {
        bytes32 depositId;
        address payee;
        uint256 faceValue;
        uint256 winThreshold;
        bytes32 commitment;
        uint256 nonce;
        uint256 expiresAt;
    }

    /// @notice A ticket with what redeems it.
    /// @param ticket The ticket.
    /// @param random What the payee committed to.
    /// @param signature The deposit's signer over the ticket's digest: 65 bytes r, s, v with s in the lower half, or
    /// what the signer takes by ERC-1271.
    struct SignedTicket {
        Ticket ticket;
        bytes32 random;
        bytes signature;
    }

    /// @notice A ticket deposit grew.
    /// @param depositId The ticket deposit.
    /// @param payer Account whose money it is.
    /// @param signer Account whose signature makes a ticket.
    /// @param from Who paid.
    /// @param depositAmount Base units added to the deposit.
    /// @param reserveAmount Base units added to the reserve.
    /// @param maxFaceValue What one ticket can take from now on, in base units.
    event TicketsFunded(
        bytes32 indexed depositId,
        address indexed payer,
        address indexed signer,
        address from,
        uint256 depositAmount,
        uint256 reserveAmount,
        uint256 maxFaceValue
    );

    /// @notice A ticket won and is used up. What was not paid is in `ArrearsRecorded`.
    /// @param depositId Ticket deposit it was a claim on.
    /// @param payee Whose internal balance grew.
    /// @param digest The ticket's EIP-712 digest.
    /// @param faceValue Base units it was signed for.
    /// @param fromDeposit Base units paid from the deposit.
    /// @param fromReserve Base units paid from the reserve.
    event TicketRedeemed(
        bytes32 indexed depositId,
        address indexed payee,
        bytes32 digest,
        uint256 faceValue,
        uint256 fromDeposit,
        uint256 fromReserve
    );

    /// @notice A ticket of a batch paid nothing.
    /// @param depositId Ticket deposit it named.
    /// @param index Its place in the batch.
    /// @param outcome Why.
    event TicketSkipped(bytes32 indexed depositId, uint256 index, TicketOutcome outcome);

    /// @notice A winner was not paid in full: the payer signed more than it had.
    /// @param depositId The ticket deposit.
    /// @param payee Who is owed.
    /// @param amount Base units now owed in addition.
    /// @param arrears All that the payer owes on this ticket deposit.
    event ArrearsRecorded(bytes32 indexed depositId, address indexed payee, uint256 amount, uint256 arrears);

    /// @notice Arrears were paid.
    /// @param depositId The ticket deposit.
    /// @param payee Whose internal balance grew.
    /// @param fromDeposit Base units paid from the deposit.
    /// @param fromReserve Base units paid from the reserve.
    /// @param arrears All that the payer still owes on this ticket deposit.
    event ArrearsCollected(
        bytes32 indexed depositId,
        address indexed payee,
        uint256 fromDeposit,
        uint256 fromReserve,
        uint256 arrears
    );

    /// @notice The payer announced a withdrawal: the payees' last chance.
    /// @param depositId The ticket deposit.
    /// @param unlocksAt When it can be made, in seconds since the Unix epoch.
    event TicketsUnlocking(bytes32 indexed depositId, uint256 unlocksAt);

    /// @notice The payer took the announcement back.
    /// @param depositId The ticket deposit.
    event TicketsUnlockCancelled(bytes32 indexed depositId);

    /// @notice The payer withdrew; the ticket deposit is closed until it is funded anew.
    /// @param depositId The ticket deposit.
    /// @param refunded Base units that went to the payer's internal balance.
    /// @param kept Base units that stayed behind for arrears.
    event TicketsWithdrawn(bytes32 indexed depositId, uint256 refunded, uint256 kept);

    /// @notice There is no such ticket deposit.
    /// @param depositId The id given.
    error TicketDepositUnknown(bytes32 depositId);

    /// @notice A withdrawal has been announced; it can be cancelled.
    /// @param unlocksAt When it can be made, in seconds since the Unix epoch.
    error TicketsUnlockAnnounced(uint256 unlocksAt);

    /// @notice No withdrawal has been announced.
    /// @param depositId The ticket deposit.
    error TicketsLocked(bytes32 depositId);

    /// @notice The notice to payees has not run out.
    /// @param unlocksAt When it has, in seconds since the Unix epoch.
    error UnlockTooEarly(uint256 unlocksAt);

    /// @notice A new ticket deposit needs a greatest face value.
    error MaxFaceValueMissing();

    /// @notice The payee is owed nothing, or there is nothing to pay it with.
    /// @param owed Base units owed.
    error NothingToCollect(uint256 owed);

    /// @notice Funds the caller's ticket deposit of a signer from the caller's internal balance, and makes it if
    /// needed.
    /// @param signer Account whose signature makes a ticket; not zero. An account without code, or one with ERC-1271.
    /// @param maxFaceValue Base units one ticket can take. Needed the first time. It can be raised
    /// later and never lowered, which would make winners worthless. Zero leaves it as it is: a closed one stays
    /// closed.
    /// @param depositAmount Base units for the deposit.
    /// @param reserveAmount Base units for the reserve; not both zero.
    /// @return depositId Identity of the ticket deposit.
    /// @dev Reverts with `ZeroAddress`, `ZeroAmount`, `MaxFaceValueMissing`, `TicketsUnlockAnnounced`,
    /// `InsufficientBalance`, and if an amount does not fit 96 bits.
    function fundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount
    ) external returns (bytes32 depositId);

    /// @notice `fundTickets` that pulls what the caller's internal balance lacks, and only that.
    /// @param signer As for `fundTickets`.
    /// @param maxFaceValue As for `fundTickets`.
    /// @param depositAmount As for `fundTickets`.
    /// @param reserveAmount As for `fundTickets`.
    /// @return depositId Identity of the ticket deposit.
    /// @dev Reverts like `fundTickets`, with `DepositsPaused` and the token's errors in place of
    /// `InsufficientBalance`.
    function depositAndFundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount
    ) external returns (bytes32 depositId);

    /// @notice `depositAndFundTickets` with an approval in the same transaction.
    /// @param signer As for `fundTickets`.
    /// @param maxFaceValue As for `fundTickets`.
    /// @param depositAmount As for `fundTickets`.
    /// @param reserveAmount As for `fundTickets`.
    /// @param permit The caller's approval of this contract.
    /// @return depositId Identity of the ticket deposit.
    /// @dev Reverts like `depositAndFundTickets`.
    function depositWithPermitAndFundTickets(
        address signer,
        uint256 maxFaceValue,
        uint256 depositAmount,
        uint256 reserveAmount,
        Permit calldata permit
    ) external returns (bytes32 depositId);

    /// @notice Gives from the caller's internal balance to somebody's ticket deposit. It becomes the payer's money.
    /// @param depositId A ticket deposit whose withdrawal is not announced.
    /// @param depositAmount Base units for the deposit.
    /// @param reserveAmount Base units for the reserve; not both zero.
    /// @dev Reverts with `ZeroAmount`, `TicketDepositUnknown`, `TicketsUnlockAnnounced`, `InsufficientBalance`, and
    /// if an amount does not fit 96 bits.
    function fundTicketsFor(bytes32 depositId, uint256 depositAmount, uint256 reserveAmount) external;

    /// @notice Redeems winning tickets. Anybody can: it is the payee that is paid, into its internal balance. A
    /// ticket that is worth nothing is skipped with an event and never holds up the others. A winner is used up
    /// whatever the payer has left; what is not paid becomes arrears.
    /// @param tickets The batch, of any payers and payees.
    /// @return total Base units paid for all of them.
    /// @return outcomes What happened to each, in order.
    /// @dev Reverts with `InsufficientGas` when a contract's signature could not be given the gas it may use.
    function redeemMany(
        SignedTicket[] calldata tickets
    ) external returns (uint256 total, TicketOutcome[] memory outcomes);

    /// @notice Pays a payee what it is owed, as far as the deposit and its share of the reserve go. Anybody can call
    /// it.
    /// @param depositId The ticket deposit.
    /// @param payee Who is owed.
    /// @return paid Base units added to the payee's internal balance.
    /// @dev Reverts with `NothingToCollect`.
    function collectArrears(bytes32 depositId, address payee) external returns (uint256 paid);

    /// @notice Announces that the caller will withdraw its ticket deposit, `closeDelay` from now. Winners are paid
    /// until it does.
    /// @param signer Signer of the ticket deposit.
    /// @dev Reverts with `TicketDepositUnknown`, `TicketsUnlockAnnounced`.
    function startTicketsUnlock(address signer) external;

    /// @notice Takes the announcement back.
    /// @param signer Signer of the ticket deposit.
    /// @dev Reverts with `TicketDepositUnknown`, `TicketsLocked`.
    function cancelTicketsUnlock(address signer) external;

    /// @notice Moves deposit and reserve to the caller's internal balance, but for what arrears claim, and closes the
    /// ticket deposit: its tickets pay nothing until it is funded anew.
    /// @param signer Signer of the ticket deposit.
    /// @return refunded Base units given back.
    /// @dev Reverts with `TicketDepositUnknown`, `TicketsLocked`, `UnlockTooEarly`.
    function withdrawTickets(address signer) external returns (uint256 refunded);

    /// @notice Where it is known who is an active provider.
    /// @return contractAddress Address of the Staking contract; never changes.
    function staking() external view returns (address contractAddress);

    /// @notice Identity of a ticket deposit, whether or not it exists.
    /// @param payer Account whose money it is.
    /// @param signer Account whose signature makes a ticket.
    /// @return depositId keccak256(abi.encode(chain id, this contract, payer, signer)).
    function ticketDepositIdOf(address payer, address signer) external view returns (bytes32 depositId);

    /// @notice A ticket deposit as it is stored; all zero when there is none.
    /// @param depositId Any id.
    /// @return ticketDeposit The ticket deposit.
    function ticketDepositOf(bytes32 depositId) external view returns (TicketDeposit memory ticketDeposit);

    /// @notice What winners are still owed, together.
    /// @param depositId Any id.
    /// @return amount Base units; more than zero if and only if the payer signed more than it had.
    function arrearsOf(bytes32 depositId) external view returns (uint256 amount);

    /// @notice What one payee is still owed.
    /// @param depositId Any id.
    /// @param payee Any account.
    /// @return amount Base units.
    function arrearsOwed(bytes32 depositId, address payee) external view returns (uint256 amount);

    /// @notice What a payee could draw from the reserve now if the deposit were used up.
    /// @param depositId Any id.
    /// @param payee Any account.
    /// @return amount Base units; zero for who is not an active provider.
    function reserveShareOf(bytes32 depositId, address payee) external view returns (uint256 amount);

    /// @notice Whether a ticket has won and is used up.
    /// @param digest The ticket's EIP-712 digest.
    /// @return redeemed True once it was redeemed.
    function isTicketRedeemed(bytes32 digest) external view returns (bool redeemed);

    /// @notice What a signer signs for a ticket, and what names the ticket.
    /// @param ticket The ticket.
    /// @return digest EIP-712 digest for this contract on this chain.
    function ticketDigest(Ticket calldata ticket) external view returns (bytes32 digest);
}
