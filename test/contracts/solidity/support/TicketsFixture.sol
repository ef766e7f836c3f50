// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Settlement} from "../../../../contracts/core/Settlement.sol";
import {Staking} from "../../../../contracts/core/Staking.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {ITickets} from "../../../../contracts/interfaces/ITickets.sol";
import {Roles} from "../../../../contracts/libraries/Roles.sol";
import {BurnableToken} from "./BurnableToken.sol";
import {Test} from "./Test.sol";

/// @notice Settlement with a real Staking and a token that anybody can have; this contract owns and pauses.
abstract contract TicketsFixture is Test {
    uint256 internal constant CREDIT = 1e18;
    uint256 internal constant CLOSE_DELAY = 1 hours;
    uint256 internal constant SESSION_KEY = 0x5e5510;
    uint256 internal constant CERTAIN = type(uint256).max;

    BurnableToken internal token;
    Staking internal staking;
    Settlement internal settlement;
    uint256 private randoms;

    function deploy() internal {
        vm.warp(1_800_000_000);
        token = new BurnableToken();
        staking = new Staking({
            creditToken_: address(token),
            owner_: address(this),
            pauser_: address(this),
            minUnbondingDelay_: 1 days,
            unbondingDelay_: 2 days,
            minimums: IStaking.MinimumStakes(uint80(10_000 * CREDIT), uint80(10_000 * CREDIT), uint80(5_000 * CREDIT))
        });
        settlement = new Settlement(address(token), address(staking), address(this), CLOSE_DELAY);
    }

    function makeProvider(address wallet) internal {
        token.mint(wallet, 10_000 * CREDIT);
        vm.startPrank(wallet);
        token.approve(address(staking), 10_000 * CREDIT);
        staking.stake(10_000 * CREDIT);
        staking.setRoles(Roles.PROVIDER_COMPUTE);
        vm.stopPrank();
    }

    function fund(
        address payer,
        address signer,
        uint256 maxFaceValue,
        uint256 deposit,
        uint256 reserve
    ) internal returns (bytes32 depositId) {
        token.mint(payer, deposit + reserve);
        vm.startPrank(payer);
        token.approve(address(settlement), type(uint256).max);
        depositId = settlement.depositAndFundTickets(signer, maxFaceValue, deposit, reserve);
        vm.stopPrank();
    }

    /// @notice A ticket with a random and a nonce that no other has.
    function newTicket(
        bytes32 depositId,
        address payee,
        uint256 faceValue,
        uint256 winThreshold
    ) internal returns (ITickets.SignedTicket memory one) {
        one.random = keccak256(abi.encode("random", ++randoms));
        one.ticket = ITickets.Ticket({
            depositId: depositId,
            payee: payee,
            faceValue: faceValue,
            winThreshold: winThreshold,
            commitment: keccak256(abi.encode(one.random)),
            nonce: uint256(keccak256(abi.encode("nonce", randoms))),
            expiresAt: vm.getBlockTimestamp() + 30 days
        });
    }

    function sign(ITickets.SignedTicket memory one, uint256 key) internal view returns (ITickets.SignedTicket memory) {
        one.signature = signed(key, settlement.ticketDigest(one.ticket));
        return one;
    }

    /// @notice One that is certain to win, signed by the session key.
    function winner(
        bytes32 depositId,
        address payee,
        uint256 faceValue
    ) internal returns (ITickets.SignedTicket memory) {
        return sign(newTicket(depositId, payee, faceValue, CERTAIN), SESSION_KEY);
    }

    function redeem(ITickets.SignedTicket memory one) internal returns (uint256 total, ITickets.TicketOutcome outcome) {
        ITickets.SignedTicket[] memory batch = new ITickets.SignedTicket[](1);
        batch[0] = one;
        ITickets.TicketOutcome[] memory outcomes;
        (total, outcomes) = settlement.redeemMany(batch);
        outcome = outcomes[0];
    }

    function assertOutcome(ITickets.SignedTicket memory one, ITickets.TicketOutcome expected) internal {
        (, ITickets.TicketOutcome outcome) = redeem(one);
        assertEq(uint256(outcome), uint256(expected), "outcome");
    }
}
