// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Receipt} from "../libraries/Receipts.sol";
import {ReceiptProof} from "./AnchoredReceipts.sol";

/// @title IAnswerOracle
/// @author Shoal
/// @notice An example of a contract that pays for a task, checks on chain that it was done, and acts on the answer.
///
/// 1. The asker chooses a salt and a provider, and looks up the channel's id (`channelIdOf`). It writes the request
///    frame of the task, with this contract as the payer and that channel.
/// 2. `ask` takes the price from the asker and locks it in a channel to the provider whose signer is this contract.
/// 3. The asker hands the frame to the provider, off chain. The provider finds the question with the frame's digest and
///    the channel, does the task, writes the receipt into its audit log, and anchors that.
/// 4. `deliver`, by anyone, brings the receipt, its proof and the answer. This contract compares every member that
///    matters, signs (ERC-1271) the one voucher that the receipt earned, has it settled, and stores the answer.
/// 5. What the answer did not cost, or all when nobody delivered in time, goes back to the asker: `reclaim`, then
///    `withdraw`.
///
/// The provider works before it is paid, and needs to trust nobody for it: once the receipt is anchored, nothing but
/// the deadline can keep it from its money. The asker trusts the provider for the quality of the answer alone: that it
/// is the output of that model for that request is the provider's word, for which it answers with its stake in Court.
interface IAnswerOracle is IERC1271 {
    /// @notice Where a question is in its life.
    enum Status {
        /// @notice There is none.
        None,
        /// @notice Paid for, waiting for the answer.
        Open,
        /// @notice Answered; the provider is paid.
        Answered,
        /// @notice Answered, and what was left is back.
        AnsweredAndClosed,
        /// @notice Not answered in time, or declined by the provider: all is back.
        Unanswered
    }

    /// @notice A question.
    /// @param asker Who pays, and gets back what is left.
    /// @param price The most the answer may cost, in base units.
    /// @param provider Wallet of the node that is to answer, and is paid.
    /// @param deadline From then on no answer is taken; seconds since the Unix epoch.
    /// @param status Where it is in its life.
    /// @param cost What the answer cost, in base units; zero until there is one.
    /// @param channelId Channel the price is locked in.
    /// @param model sha256 of the model's GGUF file.
    /// @param request sha256 of the request frame.
    struct Question {
        address asker;
        uint96 price;
        address provider;
        uint48 deadline;
        Status status;
        uint96 cost;
        bytes32 channelId;
        bytes32 model;
        bytes32 request;
    }

    /// @notice Somebody asks.
    /// @param questionId Its identity.
    /// @param asker Who pays.
    /// @param provider Who is to answer.
    /// @param channelId Channel the price is locked in.
    /// @param model sha256 of the model's GGUF file.
    /// @param request sha256 of the request frame.
    /// @param price The most the answer may cost, in base units.
    /// @param deadline From then on no answer is taken, in seconds since the Unix epoch.
    event Asked(
        bytes32 indexed questionId,
        address indexed asker,
        address indexed provider,
        bytes32 channelId,
        bytes32 model,
        bytes32 request,
        uint256 price,
        uint256 deadline
    );

    /// @notice A question was answered, and the provider paid.
    /// @param questionId Which one.
    /// @param provider Who answered.
    /// @param output sha256 of the answer.
    /// @param cost Base units paid.
    event Answered(bytes32 indexed questionId, address indexed provider, bytes32 output, uint256 cost);

    /// @notice What a question did not cost can be withdrawn by its asker.
    /// @param questionId Which one.
    /// @param asker Whose it is.
    /// @param amount Base units.
    event Reclaimed(bytes32 indexed questionId, address indexed asker, uint256 amount);

    /// @notice An asker took its money out.
    /// @param asker Whose it was.
    /// @param to Who received it.
    /// @param amount Base units.
    event Withdrawn(address indexed asker, address indexed to, uint256 amount);

    /// @notice An address must not be zero.
    error ZeroAddress();

    /// @notice The asker has used this salt before.
    /// @param questionId The question that has it.
    error QuestionExists(bytes32 questionId);

    /// @notice There is no such question, or it waits for no answer any more.
    /// @param questionId The id given.
    error NotOpen(bytes32 questionId);

    /// @notice The time for the answer is over.
    /// @param deadline When it was, in seconds since the Unix epoch.
    error TooLate(uint256 deadline);

    /// @notice A member of the receipt is not what the question asks for.
    /// @param member Its name.
    error WrongReceipt(string member);

    /// @notice The answer is longer than what is stored.
    /// @param given Its bytes.
    /// @param max Bytes stored at the most.
    error AnswerTooLong(uint256 given, uint256 max);

    /// @notice The receipt is not in the provider's anchored log.
    error NotAnchored();

    /// @notice The channel did not pay what the receipt earned; it was closed.
    /// @param questionId The question.
    error NotPaid(bytes32 questionId);

    /// @notice There is nothing to give back, or it has been.
    /// @param questionId The question.
    error NothingToReclaim(bytes32 questionId);

    /// @notice The caller has nothing here.
    error NothingToWithdraw();

    /// @notice There is no answer.
    /// @param questionId The question.
    error NoAnswer(bytes32 questionId);

    /// @notice Asks, and locks the price. The caller has approved this contract for it.
    /// @param salt Any value the caller has not used before.
    /// @param provider Wallet of the node that is to answer; not zero.
    /// @param model sha256 of the model's GGUF file.
    /// @param request sha256 of the request frame, whose payer is this contract and whose channel is `channelIdOf`.
    /// @param price The most the answer may cost, in base units; more than zero.
    /// @param deadline From then on no answer is taken; at least Settlement's `closeDelay` from now, in seconds.
    /// @return questionId keccak256(abi.encode(asker, salt)).
    /// @dev Reverts with `ZeroAddress`, `QuestionExists`, the token's errors, and Settlement's: `ZeroAmount`,
    /// `ExpiryTooEarly`, `DepositsPaused`.
    function ask(
        bytes32 salt,
        address provider,
        bytes32 model,
        bytes32 request,
        uint96 price,
        uint48 deadline
    ) external returns (bytes32 questionId);

    /// @notice Brings an answer: anyone may, since the proof speaks. Pays the provider, stores the answer.
    /// @param questionId An open question.
    /// @param receipt What the provider's receipt says.
    /// @param proof Where it stands in the provider's anchored log.
    /// @param answer The bytes the receipt's output digest is of: the DAG-CBOR list [tokens, text]; up to 4,096.
    /// @dev Reverts with `NotOpen`, `TooLate`, `WrongReceipt`, `AnswerTooLong`, `NotAnchored`, `NotPaid`.
    function deliver(
        bytes32 questionId,
        Receipt calldata receipt,
        ReceiptProof calldata proof,
        bytes calldata answer
    ) external;

    /// @notice Takes what a question did not cost out of its channel, for its asker; anyone may call. All of it after
    /// the deadline, or once the provider has closed the channel, which is how it declines; the rest `closeDelay`
    /// after the answer, or at the deadline if that is sooner.
    /// @param questionId A question.
    /// @return amount Base units the asker can withdraw from now on.
    /// @dev Reverts with `NothingToReclaim`, and with Settlement's `CloseTooEarly`.
    function reclaim(bytes32 questionId) external returns (uint256 amount);

    /// @notice Pays out all that was reclaimed for the caller.
    /// @param to Who receives the credits; not zero.
    /// @return amount Base units paid.
    /// @dev Reverts with `NothingToWithdraw`, and with Settlement's `ZeroAddress`.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice A question as it is stored; all zero when there is none.
    /// @param questionId Any id.
    /// @return question The question.
    function questionOf(bytes32 questionId) external view returns (Question memory question);

    /// @notice The answer: the DAG-CBOR list [tokens, text].
    /// @param questionId An answered question.
    /// @return answer Its bytes.
    /// @dev Reverts with `NoAnswer`.
    function answerOf(bytes32 questionId) external view returns (bytes memory answer);

    /// @notice What an asker can withdraw.
    /// @param asker Any account.
    /// @return amount Base units.
    function balanceOf(address asker) external view returns (uint256 amount);

    /// @notice The channel a question is or will be paid from: what the request frame has to name.
    /// @param asker Who asks.
    /// @param salt What it chose.
    /// @param provider Who is to answer.
    /// @return channelId Identity of the channel in Settlement.
    function channelIdOf(address asker, bytes32 salt, address provider) external view returns (bytes32 channelId);

    /// @notice Where the money is.
    /// @return contractAddress Settlement.
    function settlement() external view returns (ISettlement contractAddress);

    /// @notice Where providers anchor their logs.
    /// @return contractAddress AuditAnchor.
    function auditAnchor() external view returns (IAuditAnchor contractAddress);

    /// @notice What answers are paid in.
    /// @return contractAddress The credit token.
    function creditToken() external view returns (IERC20 contractAddress);

    /// @notice The id of a question, asked or not.
    /// @param asker Who asks.
    /// @param salt What it chose.
    /// @return questionId keccak256(abi.encode(asker, salt)).
    function questionIdOf(address asker, bytes32 salt) external pure returns (bytes32 questionId);
}
