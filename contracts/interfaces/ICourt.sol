// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Receipt} from "../libraries/Receipts.sol";
import {IAuditAnchor} from "./IAuditAnchor.sol";
import {ICourtParameters} from "./ICourtParameters.sol";

/// @title ICourt
/// @author Shoal
/// @notice Takes stake from wallets that are proven or judged to have done wrong.
///
/// **Course of a dispute.** Anyone can move a dispute on, unless the table says otherwise. The respondent's stake is
/// locked up to the penalty from the first state to the last.
///
/// | state        | left by                                        | deadline         | after the deadline       |
/// | ------------ | ---------------------------------------------- | ---------------- | ------------------------ |
/// | `Response`   | `advance` once the fault is cured -> `Closed`  | `responseWindow` | `advance`: `Guilty` (1)  |
/// | `Draw`       | `draw`, until the jury is complete -> `Vote`   | `drawPeriod`     | `advance`: no jury (2)   |
/// | `Vote`       | `advance` once all who committed have revealed | end of reveals   | `advance`: counted (3)   |
/// | `Appealable` | `appeal`, by the loser -> `Draw`               | `appealWindow`   | `advance`: verdict final |
/// | `Closed`     | nothing, ever                                  |                  |                          |
///
/// (1) If the fault still stands; else `Cured`, as before the deadline.
/// (2) Also when the hash of the block that draws was missed four times. In the first round the outcome is `Void`. In
/// an appeal the first verdict stands and the appeal's bond goes back: if it undid the verdict, whoever lost could
/// escape wherever validators are few.
/// (3) Jurors commit and reveal in {IJury}, in `commitPeriod` and then `revealPeriod`. Two thirds of the jury's seats,
/// rounded up, make a verdict: in the first round it is `Appealable`, in an appeal final. Otherwise the outcome is
/// `NoVerdict`, in either round, and nobody is punished: a jury that can not decide is a doubt, and who appealed has
/// shown it. Jurors who did not reveal lose their bond.
///
/// | outcome     | respondent                    | challenger                 | jurors who revealed              |
/// | ----------- | ----------------------------- | -------------------------- | -------------------------------- |
/// | `Guilty`    | loses the penalty             | bond back, half the bounty | a fee of the bounty (4)          |
/// | `Innocent`  | half of the challenger's bond | loses its bond             | a fee of the bond (4)            |
/// | `NoVerdict` |                               | bond back, less the fees   | half a fee each, for their work  |
/// | `Cured`     |                               | bond back                  |                                  |
/// | `Void`      |                               | bond back                  |                                  |
///
/// (4) Those of both rounds who voted as was decided. Without a jury the challenger has all of the bounty.
///
/// Who lost in an appeal loses its bond as a challenger does: half to the other side, the rest to the jurors of the
/// majority; who won it gets it back. Fees come out of at most half of a bounty or bond, in equal parts when that is
/// not enough; what is left of that half is burned, and so are the bonds that jurors lose.
///
/// **Money.** Bonds are pulled from challenger and appellant, everything that is owed waits for `withdraw`; nothing is
/// pushed. The court's balance is what it owes and the bonds of open disputes (and what somebody sent here by mistake).
///
/// **False and convenient challenges.** A challenge that a jury finds wrong costs the bond; one that can not be decided
/// costs the fees. A respondent that has itself convicted by another wallet of its own, to take the bounty before
/// anyone else, gets at most half of the penalty back (`MAX_BOUNTY_BPS`); the rest is burned. One that has itself tried
/// without the evidence, to be safe later, is not: a dispute without a verdict can be tried once more by anyone, the
/// data of a task is named by digest in the receipt, and whoever has it can hand it to the jury of any dispute about
/// it. Nobody is tried again after a verdict.
///
/// **Juries** are drawn by {IJury} among those who were validators before the dispute was opened, by stake, with the
/// hash of a later block; never a party, never a wallet twice, the first round's jurors included. Who votes with the
/// minority loses only the fee. A juror can still prove its vote to a briber: the supermajority and the appeal are what
/// stands against that, and bribing more than a third of a jury only prevents a verdict.
///
/// **A court that is replaced** in Staking can not lock, unlock or slash any more: Staking answers with zero, locks
/// lapse there, and open disputes still end, with nobody slashed and every bond owed to somebody. Juries can not be
/// drawn any more then, so first rounds end `Void` and appeals as if nobody had appealed.
///
/// **Randomness.** The proposer of the block that draws can give up its block for another try. `block.number` and
/// block hashes must be those of the chain itself, which they are not on every rollup.
interface ICourt {
    /// @notice Where a dispute is.
    enum State {
        None,
        Response,
        Draw,
        Vote,
        Appealable,
        Closed
    }

    /// @notice How a dispute ended; while it is `Appealable` or appealed, what the first jury found.
    enum Outcome {
        None,
        Guilty,
        Innocent,
        NoVerdict,
        Cured,
        Void
    }

    /// @notice A node's statement of what its log is: a root it anchored, or one that its wallet signed.
    /// @param range Root and the sequences it covers.
    /// @param index Number of the anchor, if it is anchored.
    /// @param signature By the node's wallet, of AuditAnchor's `rootDigest`, if it is not.
    /// @param anchoredAt When it was anchored, in seconds since the Unix epoch.
    /// @param anchored Whether it is to be looked up in AuditAnchor; else the signature counts.
    struct Statement {
        IAuditAnchor.Range range;
        uint256 index;
        bytes signature;
        uint48 anchoredAt;
        bool anchored;
    }

    /// @notice An event under a statement.
    /// @param statement Root it is under.
    /// @param leaf The event.
    /// @param proof Siblings on the way from the leaf to the root.
    struct Inclusion {
        Statement statement;
        IAuditAnchor.Leaf leaf;
        bytes32[] proof;
    }

    /// @notice A dispute. Seven slots.
    /// @param respondent Who is accused.
    /// @param fault Of what.
    /// @param state Where it is.
    /// @param outcome How it ended, or what the first jury found.
    /// @param round 0, or 1 once appealed.
    /// @param openedAt When it was opened, in seconds since the Unix epoch.
    /// @param challenger Who accuses.
    /// @param bond Base units the challenger put up.
    /// @param payer Payer of the receipt or channel: no juror either.
    /// @param appealBond Base units the appellant put up; 0 without an appeal.
    /// @param penalty Base units the respondent loses when guilty.
    /// @param locked Base units of its stake that were locked when it was opened.
    /// @param deadline When the state it is in ends, in seconds; 0 when it is closed.
    /// @param version Of the parameters it is tried under.
    /// @param validators How many wallets had ever been validators when it was opened.
    /// @param amount Base units that have to be paid, or covered, on a channel; 0 for other kinds.
    /// @param subject The channel, the ticket deposit, or the claim it is about.
    struct Dispute {
        address respondent;
        ICourtParameters.Fault fault;
        State state;
        Outcome outcome;
        uint8 round;
        uint48 openedAt;
        address challenger;
        uint96 bond;
        address payer;
        uint96 appealBond;
        uint96 penalty;
        uint96 locked;
        uint48 deadline;
        uint32 version;
        uint32 validators;
        uint256 amount;
        bytes32 subject;
    }

    /// @notice A dispute was opened.
    /// @param disputeId Its number; the first is 1.
    /// @param fault Kind of fault.
    /// @param respondent Who is accused.
    /// @param challenger Who accuses.
    /// @param subject The channel, the ticket deposit, or the claim it is about; of an equivocation the key of the
    /// newer of the two statements.
    /// @param amount Base units that have to be paid, or covered, on a channel; 0 for other kinds.
    /// @param penalty Base units the respondent loses when guilty.
    /// @param deadline When its first state ends, in seconds since the Unix epoch; now, for an equivocation.
    event DisputeOpened(
        uint256 indexed disputeId,
        ICourtParameters.Fault fault,
        address indexed respondent,
        address indexed challenger,
        bytes32 subject,
        uint256 amount,
        uint256 penalty,
        uint256 deadline
    );

    /// @notice What a jury has to re-execute. Whoever has the task's data can hand it to the jurors.
    /// @param disputeId The dispute.
    /// @param receipt The provider's statement of what it did.
    event OutputChallenged(uint256 indexed disputeId, Receipt receipt);

    /// @notice A jury could not be drawn.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    event JuryFailed(uint256 indexed disputeId, uint256 indexed round);

    /// @notice A juror did not reveal a vote.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param juror Who.
    /// @param burned Base units of its stake that were burned.
    event JurorPunished(uint256 indexed disputeId, uint256 indexed round, address indexed juror, uint256 burned);

    /// @notice A jury's votes were counted.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param outcome `Guilty`, `Innocent` or `NoVerdict`.
    event JuryDecided(uint256 indexed disputeId, uint256 indexed round, Outcome outcome);

    /// @notice The loser of the first round appealed.
    /// @param disputeId The dispute.
    /// @param appellant Who.
    /// @param bond Base units it put up.
    /// @param deadline When the larger jury has to be drawn, in seconds since the Unix epoch.
    event Appealed(uint256 indexed disputeId, address indexed appellant, uint256 bond, uint256 deadline);

    /// @notice Somebody paid, through the court, what a closed channel can not pay any more.
    /// @param disputeId The dispute.
    /// @param payee Who was credited.
    /// @param amount Base units.
    event DebtPaid(uint256 indexed disputeId, address indexed payee, uint256 amount);

    /// @notice A dispute is over.
    /// @param disputeId The dispute.
    /// @param respondent Who was accused.
    /// @param outcome How it ended.
    /// @param taken Base units of the respondent's stake that were taken.
    /// @param bounty Base units of them that went to challenger and jurors; the rest was burned.
    event DisputeClosed(
        uint256 indexed disputeId,
        address indexed respondent,
        Outcome indexed outcome,
        uint256 taken,
        uint256 bounty
    );

    /// @notice Somebody is owed more.
    /// @param account Who.
    /// @param amount Base units added.
    event Credited(address indexed account, uint256 amount);

    /// @notice What was owed was paid out.
    /// @param account To whom.
    /// @param amount Base units.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice An address must not be zero.
    error ZeroAddress();

    /// @notice The contracts do not belong together: they use different tokens.
    error TokensDiffer();

    /// @notice A wallet can not accuse itself.
    error OwnFault();

    /// @notice The respondent has no stake, so there is nothing to lock or to take.
    /// @param respondent Who.
    error NothingAtStake(address respondent);

    /// @notice This court is not the one in Staking.
    error NotInOffice();

    /// @notice The node neither anchored nor signed this.
    error NotStated();

    /// @notice The event is not under the statement's root, or not in its range.
    error NotIncluded();

    /// @notice The two statements do not contradict each other.
    error NoContradiction();

    /// @notice The receipt is not of this chain and this Settlement, or its parties are not the channel's.
    error ForeignReceipt();

    /// @notice The receipt is not what the leaf claims.
    error WrongClaim();

    /// @notice Only a root that was anchored shows since when a receipt was stated.
    error NotAnchored();

    /// @notice The receipt was anchored too long ago.
    /// @param until When it could last be challenged, in seconds since the Unix epoch.
    error TooOld(uint256 until);

    /// @notice The voucher is not signed by the channel's signer, or the channel is closed or unknown.
    error InvalidVoucher();

    /// @notice There is no fault: it is paid, or covered.
    error NoFault();

    /// @notice Only the payee of the receipt knows that it was not paid.
    /// @param payee Who.
    error OnlyPayee(address payee);

    /// @notice The same is being tried already.
    /// @param disputeId In this dispute.
    error AlreadyOpen(uint256 disputeId);

    /// @notice The same has been judged, or tried as often as can be.
    /// @param disputeId In this dispute, the latest.
    error AlreadyTried(uint256 disputeId);

    /// @notice There are fewer validators, ever, than the seats that would have to be filled.
    /// @param validators How many there were when the dispute was, or would be, opened.
    /// @param seats How many are needed.
    error TooFewValidators(uint256 validators, uint256 seats);

    /// @notice The dispute is in another state.
    /// @param state The state it is in.
    error WrongState(State state);

    /// @notice It is too early for this.
    /// @param from When it can be done, in seconds since the Unix epoch.
    error TooEarly(uint256 from);

    /// @notice It is too late for this.
    /// @param until When it could last have been done, in seconds since the Unix epoch.
    error TooLate(uint256 until);

    /// @notice Only the loser of the first round can appeal.
    /// @param loser Who.
    error OnlyLoser(address loser);

    /// @notice The channel is not closed: what is owed can be paid there.
    error ChannelStillOpen();

    /// @notice The caller is owed nothing.
    error NothingOwed();

    /// @notice Proves that a node signed or anchored two roots for one range. Decided at once, without a bond.
    /// @param node The node's wallet.
    /// @param first One statement.
    /// @param second The other, of the same sequences with another root. At least one of the two must not have been
    /// part of a conviction before.
    /// @return disputeId Number of the dispute, closed with `Guilty`.
    /// @dev Reverts with `OwnFault`, `NotStated`, `NoContradiction`, `AlreadyTried`, `NothingAtStake`, `NotInOffice`.
    /// The proof is public once it is sent: somebody else can send it first and take the bounty; the node loses the
    /// same.
    function challengeRoots(
        address node,
        Statement calldata first,
        Statement calldata second
    ) external returns (uint256 disputeId);

    /// @notice Proves that a node stated two different events at one place of its log. Decided at once, without a bond.
    /// @param node The node's wallet.
    /// @param first One event.
    /// @param second The other, of the same sequence.
    /// @return disputeId Number of the dispute, closed with `Guilty`.
    /// @dev Reverts like `challengeRoots`, and with `NotIncluded`.
    function challengeLeaves(
        address node,
        Inclusion calldata first,
        Inclusion calldata second
    ) external returns (uint256 disputeId);

    /// @notice Shows a voucher that claims more than its channel holds. The payer has `responseWindow` to top up.
    /// @param channelId A channel that is not closed.
    /// @param cumulativeAmount What the voucher claims, more than the deposit.
    /// @param signature By the channel's signer.
    /// @return disputeId Number of the dispute.
    /// @dev Reverts with `InvalidVoucher`, `NoFault`, `OwnFault`, `AlreadyOpen`, `AlreadyTried` (a channel convicts
    /// once), `NothingAtStake`, `NotInOffice`, and the token's errors.
    function challengeVoucher(
        bytes32 channelId,
        uint256 cumulativeAmount,
        bytes calldata signature
    ) external returns (uint256 disputeId);

    /// @notice Shows that winning tickets were not covered. The payer has `responseWindow` to fund and pay them.
    /// @param depositId A ticket deposit in arrears.
    /// @return disputeId Number of the dispute.
    /// @dev Reverts with `NoFault`, `OwnFault`, `AlreadyOpen`, `AlreadyTried` (a deposit convicts once),
    /// `NothingAtStake`, `NotInOffice`, and the token's errors.
    function challengeTickets(bytes32 depositId) external returns (uint256 disputeId);

    /// @notice Shows that a payer accepted a receipt and has not paid. It has `responseWindow` to settle a voucher, or
    /// to pay here when the channel is closed.
    /// @param receipt The receipt, whose payee is the caller.
    /// @param inclusion The receipt's event in the payer's own log.
    /// @return disputeId Number of the dispute.
    /// @dev Reverts with `OnlyPayee`, `ForeignReceipt`, `WrongClaim`, `NotStated`, `NotIncluded`, `NoFault`,
    /// `OwnFault`, `AlreadyOpen`, `AlreadyTried` (a channel convicts once), `NothingAtStake`, `NotInOffice`, and the
    /// token's errors.
    function challengeUnpaid(
        Receipt calldata receipt,
        Inclusion calldata inclusion
    ) external returns (uint256 disputeId);

    /// @notice Accuses a provider of an output that its model does not give. A jury decides.
    /// @param receipt The receipt.
    /// @param inclusion The receipt's event in the provider's own log, anchored not longer than `challengeWindow` ago;
    /// for the second trial of one receipt, counted from the end of the first.
    /// @return disputeId Number of the dispute.
    /// @dev Reverts with `ForeignReceipt`, `WrongClaim`, `NotAnchored`, `TooOld`, `NotStated`, `NotIncluded`,
    /// `OwnFault`, `AlreadyOpen`, `AlreadyTried`, `TooFewValidators`, `NothingAtStake`, `NotInOffice`, and the token's
    /// errors.
    function challengeOutput(
        Receipt calldata receipt,
        Inclusion calldata inclusion
    ) external returns (uint256 disputeId);

    /// @notice Draws jurors, by {IJury}. May take several calls; each goes on where the one before ended, whoever
    /// called it. When the block's hash can not be read any more a later block takes its place, three times at most.
    /// @param disputeId A dispute in state `Draw`.
    /// @param maxTries Draws to make at most, 1 to `MAX_TRIES` of {IJury}; each finds somebody or nobody.
    /// @return state `Draw` while the jury is not complete.
    /// @dev Reverts with `WrongState`, `TooLate`, `NotInOffice`, and `InvalidTries`, `DrawNotReady` of {IJury}.
    function draw(uint256 disputeId, uint256 maxTries) external returns (State state);

    /// @notice Moves a dispute on whose state is over: see the table above.
    /// @param disputeId A dispute that is open.
    /// @return state The state it is in now.
    /// @dev Reverts with `WrongState` when it is closed or unknown, `TooEarly` when nothing is due.
    function advance(uint256 disputeId) external returns (State state);

    /// @notice Has the loser of the first round heard by a jury of twice as many and one.
    /// @param disputeId A dispute in state `Appealable` that the caller has lost.
    /// @dev Pulls `APPEAL_BOND_MULTIPLE` bonds. Reverts with `WrongState`, `TooLate`, `OnlyLoser`, `TooFewValidators`,
    /// and the token's errors.
    function appeal(uint256 disputeId) external;

    /// @notice Pays the payee what a closed channel can not pay any more, which cures an open dispute about it. Without
    /// this a payee could close the channel after it complained, and the payer could not pay.
    /// @param disputeId A dispute in state `Response`, about a channel.
    /// @return amount Base units that were pulled from the caller.
    /// @dev Reverts with `WrongState`, `ChannelStillOpen`, `NoFault` and the token's errors.
    function payDebt(uint256 disputeId) external returns (uint256 amount);

    /// @notice Pays the caller what it is owed.
    /// @return amount Base units.
    /// @dev Reverts with `NothingOwed`.
    function withdraw() external returns (uint256 amount);

    /// @notice The token bonds are in.
    /// @return token Address of the credit token.
    function creditToken() external view returns (address token);

    /// @notice What governance sets of this court.
    /// @return contract_ Address of CourtParameters.
    function parameters() external view returns (address contract_);

    /// @notice Where juries are drawn, commit and reveal. The court makes it.
    /// @return contract_ Address of Jury.
    function jury() external view returns (address contract_);

    /// @notice Where stake is locked and slashed.
    /// @return contract_ Address of Staking.
    function staking() external view returns (address contract_);

    /// @notice Where channels and ticket deposits are looked up.
    /// @return contract_ Address of Settlement.
    function settlement() external view returns (address contract_);

    /// @notice Where nodes' statements are looked up.
    /// @return contract_ Address of AuditAnchor.
    function auditAnchor() external view returns (address contract_);

    /// @notice How many disputes there were.
    /// @return count Number of the latest one; 0 when there was none.
    function disputeCount() external view returns (uint256 count);

    /// @notice A dispute.
    /// @param disputeId Its number.
    /// @return dispute All zero when there is none.
    function disputeOf(uint256 disputeId) external view returns (Dispute memory dispute);

    /// @notice How often a wallet was convicted.
    /// @param wallet Any wallet.
    /// @return count Disputes that ended `Guilty`.
    function convictionsOf(address wallet) external view returns (uint256 count);

    /// @notice What an account can withdraw.
    /// @param account Any account.
    /// @return amount Base units.
    function owedTo(address account) external view returns (uint256 amount);
}
