// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AuditAnchor} from "../../../contracts/core/AuditAnchor.sol";
import {Settlement} from "../../../contracts/core/Settlement.sol";
import {IAuditAnchor} from "../../../contracts/interfaces/IAuditAnchor.sol";
import {IChannels} from "../../../contracts/interfaces/IChannels.sol";
import {Receipt, Receipts} from "../../../contracts/libraries/Receipts.sol";
import {ReceiptProof} from "../../../contracts/periphery/AnchoredReceipts.sol";
import {AnswerOracle} from "../../../contracts/periphery/AnswerOracle.sol";
import {IAnswerOracle} from "../../../contracts/periphery/IAnswerOracle.sol";
import {FreeToken} from "./support/StakingTokens.sol";
import {Test} from "./support/Test.sol";

uint256 constant CLOSE_DELAY = 1 hours;
bytes32 constant MODEL = keccak256("model");

/// @notice Askers, providers and strangers around one oracle, with what each is owed by the rules alone.
contract AnswerOracleHandler is Test {
    struct Asked {
        bytes32 id;
        address asker;
        address provider;
        uint96 price;
        uint48 deadline;
        bytes32 channelId;
        uint96 cost;
        bool isAnswered;
        bool isDeclined;
        bool isReclaimed;
    }

    uint256 public constant ACCOUNTS = 3;
    uint256 public constant MONEY = 1_000_000;
    FreeToken public immutable token;
    Settlement public immutable settlement;
    AuditAnchor public immutable auditAnchor;
    AnswerOracle public immutable oracle;
    Asked[] private _asked;
    /// @notice What was withdrawn by an asker.
    mapping(address asker => uint256) public withdrawn;

    constructor() {
        token = new FreeToken();
        settlement = new Settlement({
            creditToken_: address(token),
            staking_: address(1),
            pauser_: address(0),
            closeDelay_: CLOSE_DELAY
        });
        auditAnchor = new AuditAnchor();
        oracle = new AnswerOracle(settlement, auditAnchor);
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            token.mint(askerAt(i), MONEY);
            vm.prank(askerAt(i));
            token.approve(address(oracle), type(uint256).max);
        }
    }

    function askerAt(uint256 i) public pure returns (address) {
        return address(uint160(0xa5000 + (i % ACCOUNTS)));
    }

    function providerAt(uint256 i) public pure returns (address) {
        return address(uint160(0xb5000 + (i % ACCOUNTS)));
    }

    function asked() external view returns (Asked[] memory) {
        return _asked;
    }

    function ask(uint256 who, uint256 whom, uint96 price, uint32 window) external {
        address asker = askerAt(who);
        uint256 money = token.balanceOf(asker);
        if (money == 0) return;
        price = uint96(bound(price, 1, money));
        uint48 deadline = uint48(vm.getBlockTimestamp() + bound(window, CLOSE_DELAY, 30 days));
        bytes32 salt = bytes32(_asked.length);
        address provider = providerAt(whom);
        vm.prank(asker);
        bytes32 id = oracle.ask(salt, provider, MODEL, _requestOf(_asked.length), price, deadline);
        bytes32 channelId = oracle.channelIdOf(asker, salt, provider);
        _asked.push(Asked(id, asker, provider, price, deadline, channelId, 0, false, false, false));
    }

    /// @notice An honest receipt, or one with a fault; brought by anybody.
    function deliver(uint256 which, uint96 amount, uint256 fault, bytes calldata answer) external {
        if (_asked.length == 0) return;
        Asked storage question = _asked[which % _asked.length];
        amount = uint96(bound(amount, 0, question.price));
        fault = fault % 12;
        Receipt memory receipt = Receipt({
            taskId: bytes32(which),
            payer: fault == 1 ? address(this) : address(oracle),
            payee: fault == 2 ? address(this) : question.provider,
            chainId: fault == 3 ? 0 : block.chainid,
            settlement: fault == 4 ? address(this) : address(settlement),
            channelId: fault == 5 ? bytes32(0) : question.channelId,
            model: MODEL,
            request: _requestOf(which % _asked.length),
            output: sha256(answer),
            promptTokens: 1,
            outputTokens: 1,
            amount: fault == 6 ? uint256(question.price) + 1 : amount,
            cumulativeAmount: amount,
            reason: fault == 7 ? Receipts.UNPAID : Receipts.STOP,
            endedAt: 0
        });
        ReceiptProof memory proof = _anchor(fault == 8 ? address(this) : question.provider, receipt);
        if (fault == 9) proof.ref.anchoredAt++;
        bool isDue =
            (fault == 0 || fault > 9) &&
                !question.isAnswered &&
                !question.isReclaimed &&
                vm.getBlockTimestamp() < question.deadline &&
                !question.isDeclined &&
                answer.length <= oracle.MAX_ANSWER_BYTES();
        try oracle.deliver(question.id, receipt, proof, answer) {
            assertTrue(isDue, "took an answer that was not due");
            question.isAnswered = true;
            question.cost = amount;
        } catch {
            assertFalse(isDue, "refused an answer that was due");
        }
    }

    /// @notice The provider claims whatever it likes by the oracle's signature.
    function claim(uint256 which, uint96 amount, uint256 signature) external {
        if (_asked.length == 0) return;
        Asked memory question = _asked[which % _asked.length];
        bytes32 id = signature % 2 == 0 ? question.id : _asked[signature % _asked.length].id;
        IChannels.SignedVoucher[] memory vouchers = new IChannels.SignedVoucher[](1);
        vouchers[0] = IChannels.SignedVoucher(question.channelId, amount, abi.encode(id));
        (uint256 paid, ) = settlement.settleMany(vouchers);
        assertEq(paid, 0, "an answer is paid when it comes, and once");
    }

    function decline(uint256 which) external {
        if (_asked.length == 0) return;
        Asked storage question = _asked[which % _asked.length];
        vm.prank(question.provider);
        try settlement.closeByPayee(question.channelId) {
            question.isDeclined = true;
        } catch {
            assertTrue(question.isDeclined || question.isReclaimed, "a payee can always close");
        }
    }

    function reclaim(uint256 which) external {
        if (_asked.length == 0) return;
        Asked storage question = _asked[which % _asked.length];
        try oracle.reclaim(question.id) returns (uint256 amount) {
            assertFalse(question.isReclaimed, "once");
            assertEq(amount, question.price - question.cost, "all but the cost");
            question.isReclaimed = true;
        } catch {
            bool isOver = vm.getBlockTimestamp() >= question.deadline || question.isDeclined;
            assertTrue(question.isReclaimed || !isOver, "nothing is kept back");
        }
    }

    function withdraw(uint256 who) external {
        address asker = askerAt(who);
        uint256 balance = oracle.balanceOf(asker);
        vm.prank(asker);
        try oracle.withdraw(asker) returns (uint256 amount) {
            assertEq(amount, balance, "all of it");
            withdrawn[asker] += amount;
        } catch {
            assertEq(balance, 0, "it can always be taken");
        }
    }

    function wait(uint32 time) external {
        skipTime(time % 3 days);
    }

    function _requestOf(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("request", i));
    }

    /// @dev A log of one event.
    function _anchor(address node, Receipt memory receipt) private returns (ReceiptProof memory proof) {
        bytes memory eventHash = abi.encode(keccak256("event"), keccak256("hash"));
        uint64 sequence = auditAnchor.nextSequence(node);
        bytes32 root = keccak256(bytes.concat(keccak256(abi.encode(sequence, eventHash, Receipts.hash(receipt)))));
        vm.prank(node);
        uint256 index = auditAnchor.anchor(root, sequence, sequence);
        proof.ref = IAuditAnchor.AnchorRef({
            index: index,
            range: IAuditAnchor.Range({root: root, firstSequence: sequence, lastSequence: sequence}),
            anchoredAt: uint48(vm.getBlockTimestamp())
        });
        proof.sequence = sequence;
        proof.eventHash = eventHash;
    }
}

contract AnswerOracleInvariantTest is Test {
    AnswerOracleHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new AnswerOracleHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Every asker has paid for its answers and for nothing else, to the base unit.
    function invariant_askersPayForAnswersOnly() external view {
        AnswerOracleHandler.Asked[] memory asked = handler.asked();
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address asker = handler.askerAt(i);
            uint256 expected = handler.MONEY() + handler.withdrawn(asker);
            uint256 owed = 0;
            for (uint256 j = 0; j < asked.length; j++) {
                if (asked[j].asker != asker) continue;
                expected -= asked[j].price;
                if (asked[j].isReclaimed) owed += asked[j].price - asked[j].cost;
            }
            assertEq(handler.token().balanceOf(asker), expected, "its wallet");
            assertEq(handler.oracle().balanceOf(asker), owed - handler.withdrawn(asker), "what it can withdraw");
        }
    }

    /// @notice Providers have what their answers cost, no more and no less.
    function invariant_providersGetWhatTheirReceiptsSay() external view {
        AnswerOracleHandler.Asked[] memory asked = handler.asked();
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address provider = handler.providerAt(i);
            uint256 earned = 0;
            for (uint256 j = 0; j < asked.length; j++) if (asked[j].provider == provider) earned += asked[j].cost;
            assertEq(handler.settlement().balanceOf(provider), earned);
        }
    }

    /// @notice The oracle has what it owes, and keeps nothing in its own wallet.
    function invariant_theOracleHasWhatItOwes() external view {
        uint256 owed = 0;
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) owed += handler.oracle().balanceOf(handler.askerAt(i));
        AnswerOracleHandler.Asked[] memory asked = handler.asked();
        // A declined question's money is back before it is reclaimed.
        for (uint256 j = 0; j < asked.length; j++)
            if (asked[j].isDeclined && !asked[j].isReclaimed) owed += asked[j].price - asked[j].cost;
        assertEq(handler.settlement().balanceOf(address(handler.oracle())), owed);
        assertEq(handler.token().balanceOf(address(handler.oracle())), 0);
    }
}

/// @notice The handler does what its names say: an invariant over nothing would hold.
contract AnswerOracleHandlerTest is Test {
    AnswerOracleHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new AnswerOracleHandler();
    }

    function test_everyActionHasAnEffect() external {
        for (uint256 i = 0; i < 3; i++) handler.ask(i, i, 100, 1 days);
        handler.deliver(0, 60, 0, "an answer");
        handler.claim(0, 100, 0);
        handler.decline(1);
        handler.reclaim(1);
        for (uint256 fault = 1; fault < 10; fault++) handler.deliver(2, 50, fault, "an answer");
        handler.wait(2 days);
        handler.deliver(2, 50, 0, "too late");
        handler.reclaim(0);
        handler.reclaim(2);
        for (uint256 i = 0; i < 3; i++) handler.withdraw(i);
        AnswerOracleHandler.Asked[] memory asked = handler.asked();
        assertEq(asked.length, 3);
        assertTrue(asked[0].isAnswered && !asked[1].isAnswered && !asked[2].isAnswered);
        for (uint256 i = 0; i < 3; i++) assertTrue(asked[i].isReclaimed);
        assertEq(handler.withdrawn(handler.askerAt(0)), 40);
        assertEq(handler.withdrawn(handler.askerAt(1)), 100);
        assertEq(handler.withdrawn(handler.askerAt(2)), 100);
    }

    function testFuzz_theWholeCourseKeepsEveryUnit(uint96 price, uint96 cost, bytes calldata answer) external {
        price = uint96(bound(price, 1, handler.MONEY()));
        cost = uint96(bound(cost, 0, price));
        vm.assume(answer.length <= handler.oracle().MAX_ANSWER_BYTES());
        handler.ask(0, 0, price, 1 days);
        handler.deliver(0, cost, 0, answer);
        handler.wait(1 days);
        handler.reclaim(0);
        handler.withdraw(0);
        AnswerOracleHandler.Asked[] memory asked = handler.asked();
        assertEq(handler.settlement().balanceOf(handler.providerAt(0)), cost);
        assertEq(handler.token().balanceOf(handler.askerAt(0)), handler.MONEY() - cost);
        assertEq(handler.oracle().answerOf(asked[0].id), answer);
    }
}
