// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuditAnchor} from "../interfaces/IAuditAnchor.sol";
import {IChannels} from "../interfaces/IChannels.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Receipt, Receipts} from "../libraries/Receipts.sol";
import {AnchoredReceipts, ReceiptProof} from "./AnchoredReceipts.sol";
import {IAnswerOracle} from "./IAnswerOracle.sol";

/// @title AnswerOracle
/// @author Shoal
/// @notice See {IAnswerOracle}. Written to be copied: the comments say what a contract of your own must not leave out.
/// @dev Has no owner. At all times its internal balance in Settlement is at least the sum of `balanceOf` over all
/// askers; the rest of what it is responsible for is locked in one channel for each question.
contract AnswerOracle is IAnswerOracle {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @notice Bytes of an answer that are stored at the most; a byte costs its deliverer about 700 gas.
    uint256 public constant MAX_ANSWER_BYTES = 4096;

    /// @inheritdoc IAnswerOracle
    ISettlement public immutable override settlement;

    /// @inheritdoc IAnswerOracle
    IAuditAnchor public immutable override auditAnchor;

    /// @inheritdoc IAnswerOracle
    IERC20 public immutable override creditToken;

    mapping(bytes32 questionId => Question question) private _questions;
    mapping(bytes32 questionId => bytes answer) private _answers;
    mapping(address asker => uint256 amount) private _balances;

    /// @notice Fixes the contracts this one relies on, for ever.
    /// @param settlement_ Where channels are opened.
    /// @param auditAnchor_ Where providers anchor their logs.
    constructor(ISettlement settlement_, IAuditAnchor auditAnchor_) {
        if (address(settlement_) == address(0) || address(auditAnchor_) == address(0)) revert ZeroAddress();
        settlement = settlement_;
        auditAnchor = auditAnchor_;
        creditToken = IERC20(settlement_.creditToken());
    }

    /// @inheritdoc IAnswerOracle
    function ask(
        bytes32 salt,
        address provider,
        bytes32 model,
        bytes32 request,
        uint96 price,
        uint48 deadline
    ) external override returns (bytes32 questionId) {
        if (provider == address(0)) revert ZeroAddress();
        questionId = questionIdOf(msg.sender, salt);
        if (_questions[questionId].status != Status.None) revert QuestionExists(questionId);
        bytes32 channelId = channelIdOf(msg.sender, salt, provider);
        _questions[questionId] = Question({
            asker: msg.sender,
            price: price,
            provider: provider,
            deadline: deadline,
            status: Status.Open,
            cost: 0,
            channelId: channelId,
            model: model,
            request: request
        });
        emit Asked({
            questionId: questionId,
            asker: msg.sender,
            provider: provider,
            channelId: channelId,
            model: model,
            request: request,
            price: price,
            deadline: deadline
        });
        creditToken.safeTransferFrom(msg.sender, address(this), price);
        creditToken.forceApprove(address(settlement), price);
        // Not `depositAndOpen`: it would first use up the internal balance, which belongs to other askers.
        settlement.deposit(address(this), price);
        // The signer is this contract: Settlement will ask `isValidSignature`. The channel expires at the deadline, so
        // that the money comes back then without an announcement.
        settlement.open({payee: provider, signer: address(this), salt: questionId, expiresAt: deadline, amount: price});
    }

    /// @inheritdoc IAnswerOracle
    function deliver(
        bytes32 questionId,
        Receipt calldata receipt,
        ReceiptProof calldata proof,
        bytes calldata answer
    ) external override {
        Question memory question = _questions[questionId];
        if (question.status != Status.Open) revert NotOpen(questionId);
        // A block at the deadline is too late: from then on the money may be on its way back.
        if (block.timestamp + 1 > question.deadline) revert TooLate(question.deadline);
        _checkPayment(question, receipt);
        _checkTask(question, receipt, answer);
        // The log must be the provider's own: only its word makes it liable.
        if (!AnchoredReceipts.isStatedBy(auditAnchor, question.provider, receipt, proof)) revert NotAnchored();

        // Before Settlement is called: `isValidSignature` reads this while it settles.
        uint96 cost = receipt.amount.toUint96();
        _questions[questionId].status = Status.Answered;
        _questions[questionId].cost = cost;
        _answers[questionId] = answer;
        emit Answered(questionId, question.provider, receipt.output, cost);

        if (cost > 0) _pay(questionId, question.channelId, cost);
        // What is left is free `closeDelay` from now instead of at the deadline.
        if (cost < question.price) settlement.startClose(question.channelId);
    }

    /// @inheritdoc IAnswerOracle
    function reclaim(bytes32 questionId) external override returns (uint256 amount) {
        Question storage question = _questions[questionId];
        Status status = question.status;
        if (status != Status.Open && status != Status.Answered) revert NothingToReclaim(questionId);
        bytes32 channelId = question.channelId;
        address asker = question.asker;
        question.status = status == Status.Open ? Status.Unanswered : Status.AnsweredAndClosed;
        // A payee can close at any time, and the refund is then in the internal balance already. So the amount is taken
        // from the channel's books, which stay, and not from what a call returns.
        if (settlement.statusOf(channelId) != IChannels.ChannelStatus.Closed) settlement.finishClose(channelId);
        IChannels.Channel memory channel = settlement.channelOf(channelId);
        amount = channel.deposit - channel.claimed;
        _balances[asker] += amount;
        emit Reclaimed(questionId, asker, amount);
    }

    /// @inheritdoc IAnswerOracle
    function withdraw(address to) external override returns (uint256 amount) {
        amount = _balances[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        _balances[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        settlement.withdraw(to, amount);
    }

    /// @inheritdoc IAnswerOracle
    function questionOf(bytes32 questionId) external view override returns (Question memory question) {
        return _questions[questionId];
    }

    /// @inheritdoc IAnswerOracle
    function answerOf(bytes32 questionId) external view override returns (bytes memory answer) {
        Status status = _questions[questionId].status;
        if (status != Status.Answered && status != Status.AnsweredAndClosed) revert NoAnswer(questionId);
        return _answers[questionId];
    }

    /// @inheritdoc IAnswerOracle
    function balanceOf(address asker) external view override returns (uint256 amount) {
        return _balances[asker];
    }

    /// @notice Whether this contract signed a digest: only the voucher of an answered question, for exactly its cost.
    /// @dev The digest is compared with the one Settlement computes, so that nothing else in any domain is ever
    /// confirmed. Settlement gives this call 150,000 gas.
    /// @param hash What is said to be signed.
    /// @param signature The question's id, 32 bytes.
    /// @return magicValue 0x1626ba7e, or 0xffffffff.
    function isValidSignature(
        bytes32 hash,
        bytes calldata signature
    ) external view override returns (bytes4 magicValue) {
        if (signature.length != 32) return 0xffffffff;
        Question storage question = _questions[bytes32(signature)];
        Status status = question.status;
        if (status != Status.Answered && status != Status.AnsweredAndClosed) return 0xffffffff;
        if (hash != settlement.voucherDigest(question.channelId, question.cost)) return 0xffffffff;
        return IERC1271.isValidSignature.selector;
    }

    /// @inheritdoc IAnswerOracle
    function channelIdOf(
        address asker,
        bytes32 salt,
        address provider
    ) public view override returns (bytes32 channelId) {
        return settlement.channelIdOf(address(this), provider, questionIdOf(asker, salt));
    }

    /// @inheritdoc IAnswerOracle
    function questionIdOf(address asker, bytes32 salt) public pure override returns (bytes32 questionId) {
        // The asker is part of it: nobody can take a salt away from somebody else.
        return keccak256(abi.encode(asker, salt));
    }

    /// @notice Has the voucher that the receipt earned settled.
    /// @param questionId The question, which serves as the signature.
    /// @param channelId Its channel.
    /// @param cost What the answer cost, in base units.
    function _pay(bytes32 questionId, bytes32 channelId, uint256 cost) private {
        IChannels.SignedVoucher[] memory vouchers = new IChannels.SignedVoucher[](1);
        vouchers[0] = IChannels.SignedVoucher({
            channelId: channelId,
            cumulativeAmount: cost,
            signature: abi.encode(questionId)
        });
        // A batch skips what it can not pay: what it did has to be looked at.
        (uint256 paid, ) = settlement.settleMany(vouchers);
        if (paid != cost) revert NotPaid(questionId);
    }

    /// @notice Compares how a receipt is paid with what was agreed. A contract of your own must look at all of this: a
    /// receipt that is well anchored may still be of another payer, channel or chain.
    /// @param question The question.
    /// @param receipt What the receipt says.
    function _checkPayment(Question memory question, Receipt calldata receipt) private view {
        if (receipt.payer != address(this)) revert WrongReceipt("payer");
        if (receipt.payee != question.provider) revert WrongReceipt("payee");
        if (receipt.chainId != block.chainid) revert WrongReceipt("chainId");
        if (receipt.settlement != address(settlement)) revert WrongReceipt("settlement");
        if (receipt.channelId != question.channelId) revert WrongReceipt("channelId");
        // The channel is for this question alone.
        if (receipt.cumulativeAmount != receipt.amount) revert WrongReceipt("cumulativeAmount");
    }

    /// @notice Compares what a receipt says was done with what was asked for, and the answer with the receipt.
    /// @param question The question.
    /// @param receipt What the receipt says.
    /// @param answer What was delivered.
    function _checkTask(Question memory question, Receipt calldata receipt, bytes calldata answer) private pure {
        if (receipt.model != question.model) revert WrongReceipt("model");
        if (receipt.request != question.request) revert WrongReceipt("request");
        // A cancelled, unpaid or failed task has no whole answer.
        if (!Receipts.isWhole(receipt.reason)) revert WrongReceipt("reason");
        if (receipt.amount > question.price) revert WrongReceipt("amount");
        if (answer.length > MAX_ANSWER_BYTES) revert AnswerTooLong(answer.length, MAX_ANSWER_BYTES);
        // The output digest binds the bytes: whoever delivers can not change the answer.
        if (receipt.output != sha256(answer)) revert WrongReceipt("output");
    }
}
