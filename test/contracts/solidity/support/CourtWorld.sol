// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AuditAnchor} from "../../../../contracts/core/AuditAnchor.sol";
import {Court} from "../../../../contracts/core/Court.sol";
import {CourtParameters} from "../../../../contracts/core/CourtParameters.sol";
import {CreditToken} from "../../../../contracts/core/CreditToken.sol";
import {Jury} from "../../../../contracts/core/Jury.sol";
import {Settlement} from "../../../../contracts/core/Settlement.sol";
import {Staking} from "../../../../contracts/core/Staking.sol";
import {IAuditAnchor} from "../../../../contracts/interfaces/IAuditAnchor.sol";
import {ICourt} from "../../../../contracts/interfaces/ICourt.sol";
import {ICourtParameters} from "../../../../contracts/interfaces/ICourtParameters.sol";
import {IJury} from "../../../../contracts/interfaces/IJury.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {Receipt, Receipts} from "../../../../contracts/libraries/Receipts.sol";
import {Roles} from "../../../../contracts/libraries/Roles.sol";
import {Test} from "./Test.sol";

/// @notice The court among the real contracts it works with; this contract owns and pauses them and has all credits.
abstract contract CourtWorld is Test {
    uint256 internal constant CREDIT = 1e18;
    bytes32 internal constant SALT = bytes32(uint256(0x5a17));

    CreditToken public token;
    Staking public staking;
    Settlement public settlement;
    AuditAnchor public auditAnchor;
    CourtParameters public courtParameters;
    Court public court;
    Jury public jury;
    uint256 private _tasks;

    function build() internal {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        token = new CreditToken(1e26, address(this), 7e28);
        staking = new Staking({
            creditToken_: address(token),
            owner_: address(this),
            pauser_: address(this),
            minUnbondingDelay_: 21 days,
            unbondingDelay_: 21 days,
            minimums: IStaking.MinimumStakes({
                validator: uint80(10_000 * CREDIT),
                provider: uint80(10_000 * CREDIT),
                orchestrator: uint80(5_000 * CREDIT)
            })
        });
        settlement = new Settlement(address(token), address(staking), address(this), 1 hours);
        auditAnchor = new AuditAnchor();
        ICourtParameters.Penalties[5] memory penalties;
        penalties[0] = ICourtParameters.Penalties(5_000, 8_000, 10_000);
        for (uint256 i = 1; i < 5; ++i) penalties[i] = ICourtParameters.Penalties(1_000, 3_000, 10_000);
        courtParameters = new CourtParameters(address(this), address(staking), parameters(), penalties);
        court = new Court(address(courtParameters), address(settlement), address(auditAnchor));
        jury = Jury(court.jury());
        staking.announceCourt(address(court));
    }

    function parameters() internal pure returns (ICourtParameters.Parameters memory) {
        return
            ICourtParameters.Parameters({
                bond: uint96(100 * CREDIT),
                jurorBond: uint96(1_000 * CREDIT),
                drawDelay: 4,
                bountyBps: 5_000,
                jurySize: 5,
                jurorFee: uint96(10 * CREDIT),
                weightCap: uint96(80_000 * CREDIT),
                challengeWindow: 7 days,
                responseWindow: 1 days,
                drawPeriod: 1 days,
                commitPeriod: 1 days,
                revealPeriod: 12 hours,
                appealWindow: 1 days
            });
    }

    /// @notice Gives a wallet stake, roles, and cash the court may pull.
    function join(address wallet, uint256 stake, uint8 roles) internal {
        token.transfer(wallet, stake + 1_000_000 * CREDIT);
        vm.startPrank(wallet);
        token.approve(address(court), type(uint256).max);
        token.approve(address(staking), stake);
        if (stake != 0) staking.stake(stake);
        staking.setRoles(roles);
        vm.stopPrank();
    }

    /// @notice A new receipt of two wallets, alone under a root that its provider has just anchored.
    function stated(address payer, address payee) internal returns (Receipt memory receipt, ICourt.Inclusion memory) {
        receipt.taskId = bytes32(++_tasks);
        receipt.payer = payer;
        receipt.payee = payee;
        receipt.chainId = block.chainid;
        receipt.settlement = address(settlement);
        ICourt.Inclusion memory inclusion;
        inclusion.leaf.sequence = auditAnchor.nextSequence(payee);
        inclusion.leaf.eventHash = new bytes(64);
        inclusion.leaf.claim = Receipts.hash(receipt);
        inclusion.statement.anchored = true;
        inclusion.statement.anchoredAt = uint48(vm.getBlockTimestamp());
        inclusion.statement.range = rangeOf(inclusion.leaf);
        vm.prank(payee);
        inclusion.statement.index = auditAnchor.anchor(
            inclusion.statement.range.root,
            inclusion.leaf.sequence,
            inclusion.leaf.sequence
        );
        return (receipt, inclusion);
    }

    /// @notice The root of a tree that is one leaf.
    function rangeOf(IAuditAnchor.Leaf memory leaf) internal pure returns (IAuditAnchor.Range memory) {
        bytes32 root = keccak256(bytes.concat(keccak256(abi.encode(leaf.sequence, leaf.eventHash, leaf.claim))));
        return IAuditAnchor.Range(root, leaf.sequence, leaf.sequence);
    }

    function accuse(address challenger, address payer, address provider) internal returns (uint256 disputeId) {
        (Receipt memory receipt, ICourt.Inclusion memory inclusion) = stated(payer, provider);
        vm.prank(challenger);
        return court.challengeOutput(receipt, inclusion);
    }

    /// @notice Lets the block of a draw pass, with a hash.
    function passDrawBlock(uint256 disputeId, bytes32 hash) internal {
        uint256 drawBlock = jury.panelOf(disputeId, court.disputeOf(disputeId).round).drawBlock;
        if (vm.getBlockNumber() <= drawBlock) vm.roll(drawBlock + 1);
        if (vm.getBlockNumber() - drawBlock <= 256) vm.setBlockhash(drawBlock, hash);
    }

    /// @notice Has a whole jury drawn.
    function seat(uint256 disputeId, bytes32 hash) internal {
        passDrawBlock(disputeId, hash);
        while (court.disputeOf(disputeId).state == ICourt.State.Draw) court.draw(disputeId, 256);
    }

    /// @notice Each juror commits to the vote of its place, or not when that is `None`.
    function commitAll(uint256 disputeId, IJury.Vote[] memory votes) internal {
        uint256 round = court.disputeOf(disputeId).round;
        IJury.Seat[] memory seats = jury.seatsOf(disputeId, round);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (votes[i] == IJury.Vote.None) continue;
            bytes32 commitment = jury.commitmentOf(disputeId, round, seats[i].juror, votes[i], SALT);
            vm.prank(seats[i].juror);
            jury.commit(disputeId, commitment);
        }
    }

    /// @notice Reveals what `commitAll` committed to.
    function revealAll(uint256 disputeId, IJury.Vote[] memory votes) internal {
        IJury.Seat[] memory seats = jury.seatsOf(disputeId, court.disputeOf(disputeId).round);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (votes[i] == IJury.Vote.None) continue;
            vm.prank(seats[i].juror);
            jury.reveal(disputeId, votes[i], SALT);
        }
    }

    function totalOf(address wallet) internal view returns (uint256) {
        (uint256 unbonding, ) = staking.unbondingOf(wallet);
        return staking.stakeOf(wallet) + unbonding;
    }
}
