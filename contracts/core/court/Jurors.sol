// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "../../interfaces/ICourt.sol";
import {IJury} from "../../interfaces/IJury.sol";
import {Jury} from "../Jury.sol";
import {Purse} from "./Purse.sol";

/// @title Jurors
/// @author Shoal
/// @notice What the court does with the jurors that {Jury} draws: locks their bonds, burns those of the silent, lets
/// the others go, and pays.
abstract contract Jurors is Purse {
    /// @inheritdoc ICourt
    address public immutable override jury;

    /// @notice Makes the contract that draws and counts.
    constructor() {
        jury = address(new Jury(staking));
    }

    /// @notice Locks the bonds of jurors that were drawn.
    /// @param jurors Who; each has as much that is not locked.
    /// @param jurorBond Base units each.
    function _bindJurors(address[] memory jurors, uint256 jurorBond) internal {
        uint256 count = jurors.length;
        for (uint256 i = 0; i < count; ++i) _lock(jurors[i], jurorBond);
    }

    /// @notice Lets jurors go; after a vote, burns the bonds of those who did not reveal.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param jurorBond What each has locked.
    /// @param voted Whether there was a vote: a jury that was never complete owes none.
    function _dismissJurors(uint256 disputeId, uint256 round, uint256 jurorBond, bool voted) internal {
        IJury.Seat[] memory seats = _seatsOf(disputeId, round);
        uint256 count = seats.length;
        for (uint256 i = 0; i < count; ++i) {
            address juror = seats[i].juror;
            if (voted && seats[i].vote == IJury.Vote.None) {
                (uint256 burned, ) = _slash(juror, jurorBond, 0);
                emit JurorPunished(disputeId, round, juror, burned);
            }
            _unlock(juror, jurorBond);
        }
    }

    /// @notice Credits the jurors of all rounds who voted as was decided.
    /// @param disputeId The dispute.
    /// @param decided What was decided; at least one of them voted like that.
    /// @param fee Base units for each at most.
    /// @param pool Base units there are; less each when it is not enough.
    /// @return paid Base units credited.
    function _payMajority(
        uint256 disputeId,
        IJury.Vote decided,
        uint256 fee,
        uint256 pool
    ) internal returns (uint256 paid) {
        IJury.Seat[] memory first = _seatsOf(disputeId, 0);
        IJury.Seat[] memory second = _seatsOf(disputeId, 1);
        uint256 count = _creditSeats(first, decided, 0) + _creditSeats(second, decided, 0);
        uint256 eachDown = Math.min(fee, pool / count);
        _creditSeats(first, decided, eachDown);
        _creditSeats(second, decided, eachDown);
        return count * eachDown;
    }

    /// @notice Credits the jurors of a round who revealed.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @param each Base units for each.
    /// @return paid Base units credited.
    function _payRevealed(uint256 disputeId, uint256 round, uint256 each) internal returns (uint256 paid) {
        return each * _creditSeats(_seatsOf(disputeId, round), IJury.Vote.None, each);
    }

    /// @notice Counts seats and credits each.
    /// @param seats Of a jury.
    /// @param vote Who voted like this; with `None`, who voted at all.
    /// @param each Base units for each; with 0 it only counts.
    /// @return count How many they are.
    function _creditSeats(IJury.Seat[] memory seats, IJury.Vote vote, uint256 each) private returns (uint256 count) {
        uint256 length = seats.length;
        for (uint256 i = 0; i < length; ++i) {
            IJury.Vote cast = seats[i].vote;
            if (cast == IJury.Vote.None || (vote != IJury.Vote.None && cast != vote)) continue;
            ++count;
            _credit(seats[i].juror, each);
        }
    }

    /// @notice A jury's seats.
    /// @param disputeId The dispute.
    /// @param round 0, or 1 for an appeal.
    /// @return seats Those filled so far.
    function _seatsOf(uint256 disputeId, uint256 round) private view returns (IJury.Seat[] memory seats) {
        return IJury(jury).seatsOf(disputeId, round);
    }
}
