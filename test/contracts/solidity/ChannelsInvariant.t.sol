// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Settlement} from "../../../contracts/core/Settlement.sol";
import {IChannels} from "../../../contracts/interfaces/IChannels.sol";
import {HookedToken} from "./support/HookedToken.sol";
import {Test} from "./support/Test.sol";
import {MoodyWallet} from "./support/Wallets.sol";

/// @notice Three accounts that do everything with each other, and books of what they agreed to, kept apart from the
/// contract's.
contract ChannelsHandler is Test {
    uint256 public constant FUNDS = 1e24;
    uint256 private constant CLOSE_DELAY = 1 hours;
    uint256 private constant FIRST_KEY = 0xac7042;
    uint256 private constant SESSION_KEY = 0x5e5510;

    HookedToken public immutable token;
    Settlement public immutable settlement;
    MoodyWallet private immutable wallet = new MoodyWallet();
    address[3] public actors;

    bytes32[] public channels;
    mapping(bytes32 channelId => uint256 amount) public signedOf;
    /// @notice Tokens an account gave to others by deposits and withdrawals, less what it was given.
    mapping(address account => int256 amount) public given;
    mapping(string what => uint256 count) public done;

    constructor() {
        token = new HookedToken();
        settlement = new Settlement(address(token), address(1), address(this), CLOSE_DELAY);
        for (uint256 index = 0; index < 3; ++index) {
            address account = vm.addr(FIRST_KEY + index);
            actors[index] = account;
            token.mint(account, FUNDS);
            vm.prank(account);
            token.approve(address(settlement), type(uint256).max);
        }
    }

    function deposit(uint256 from, uint256 to, uint256 amount) external {
        address source = actor(from);
        amount = bound(amount, 1, 1e20);
        if (paused() || amount > token.balanceOf(source)) return;
        move(source, actor(to), amount);
        vm.prank(source);
        settlement.deposit(actor(to), amount);
        ++done["deposit"];
    }

    function withdraw(uint256 from, uint256 to, uint256 amount) external {
        address source = actor(from);
        uint256 available = settlement.balanceOf(source);
        if (available == 0) return;
        amount = bound(amount, 1, available);
        move(source, actor(to), amount);
        vm.prank(source);
        settlement.withdraw(actor(to), amount);
        ++done["withdraw"];
    }

    function open(uint256 from, uint256 to, uint256 amount, uint256 lifetime, bool pull, bool byContract) external {
        if (channels.length == 12) return;
        address payer = actor(from);
        amount = affordable(payer, amount, pull);
        if (amount == 0) return;
        address signer = byContract ? address(wallet) : vm.addr(SESSION_KEY);
        uint48 expiresAt = uint48(vm.getBlockTimestamp() + bound(lifetime, CLOSE_DELAY, 30 days));
        bytes32 salt = bytes32(channels.length);
        vm.prank(payer);
        channels.push(
            pull
                ? settlement.depositAndOpen(actor(to), signer, salt, expiresAt, amount)
                : settlement.open(actor(to), signer, salt, expiresAt, amount)
        );
        ++done["open"];
    }

    function topUp(uint256 pick, uint256 amount, bool pull) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        if (channel.signer == address(0) || channel.closesAt != 0) return;
        amount = affordable(channel.payer, amount, pull);
        if (amount == 0) return;
        vm.prank(channel.payer);
        if (pull) settlement.depositAndTopUp(id, amount);
        else settlement.topUp(id, amount);
        ++done["topUp"];
    }

    /// @notice A batch for one channel: a good voucher, one signed by its payee, and one of another channel.
    function settle(uint256 pick, uint256 amount, uint256 order) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        if (channel.signer == address(0)) return;
        amount = bound(amount, 0, 2 * uint256(channel.deposit));
        order %= 3;
        IChannels.SignedVoucher[] memory batch = new IChannels.SignedVoucher[](3);
        batch[order] = IChannels.SignedVoucher(id, amount, signed(SESSION_KEY, settlement.voucherDigest(id, amount)));
        batch[(order + 1) % 3] = IChannels.SignedVoucher(
            id,
            2 * amount,
            signed(FIRST_KEY, settlement.voucherDigest(id, 2 * amount))
        );
        batch[(order + 2) % 3] = IChannels.SignedVoucher(~id, amount, batch[order].signature);
        // What the wallet confirms is whatever it is shown.
        bool byContract = channel.signer == address(wallet) && !wallet.refuses();
        if (channel.signer != address(wallet) || byContract) sign(id, byContract ? 2 * amount : amount);
        uint256 before = settlement.balanceOf(channel.payee);
        (uint256 total, ) = settlement.settleMany(batch);
        assertEq(settlement.balanceOf(channel.payee) - before, total, "paid");
        if (total != 0) ++done["settle"];
    }

    function setMood(bool refuses) external {
        wallet.setRefuses(refuses);
    }

    function startClose(uint256 pick) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        if (channel.signer == address(0) || channel.closesAt != 0) return;
        vm.prank(channel.payer);
        settlement.startClose(id);
        ++done["startClose"];
    }

    function finishClose(uint256 pick) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        if (channel.signer == address(0) || vm.getBlockTimestamp() < settlement.closableAt(id)) return;
        vm.prank(channel.payer);
        settlement.finishClose(id);
        ++done["finishClose"];
    }

    function closeByPayee(uint256 pick) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        // Seldom, so that channels live long enough for the other actions.
        if (channel.signer == address(0) || pick % 4 != 0) return;
        vm.prank(channel.payee);
        settlement.closeByPayee(id);
        ++done["closeByPayee"];
    }

    function closeCooperatively(uint256 pick, uint256 amount, bool byPayer) external {
        (bytes32 id, IChannels.Channel memory channel) = live(pick);
        if (channel.signer == address(0) || pick % 3 != 0) return;
        if (!byPayer && channel.signer == address(wallet) && wallet.refuses()) return;
        amount = bound(amount, channel.claimed, channel.deposit);
        uint256 deadline = vm.getBlockTimestamp();
        uint256 key = FIRST_KEY;
        while (vm.addr(key) != channel.payee) ++key;
        bytes memory offer = signed(key, settlement.closeDigest(id, amount, deadline));
        bytes memory claim = signed(SESSION_KEY, settlement.voucherDigest(id, amount));
        sign(id, amount);
        if (byPayer) vm.prank(channel.payer);
        settlement.closeCooperatively(id, amount, deadline, offer, claim);
        ++done["closeCooperatively"];
    }

    function pause(bool resume) external {
        if (resume) settlement.resumeDeposits();
        else if (settlement.depositsPausedUntil() == 0) settlement.pauseDeposits();
    }

    function wait(uint256 seconds_) external {
        skipTime(bound(seconds_, 1, 2 * CLOSE_DELAY));
    }

    function channelCount() external view returns (uint256) {
        return channels.length;
    }

    function actor(uint256 pick) private view returns (address) {
        return actors[pick % 3];
    }

    function live(uint256 pick) private view returns (bytes32 id, IChannels.Channel memory channel) {
        if (channels.length == 0) return (id, channel);
        id = channels[pick % channels.length];
        channel = settlement.channelOf(id);
    }

    function affordable(address payer, uint256 amount, bool pull) private view returns (uint256) {
        uint256 available = settlement.balanceOf(payer);
        if (pull && !paused()) available += token.balanceOf(payer);
        if (available > 1e20) available = 1e20;
        return available == 0 ? 0 : bound(amount, 1, available);
    }

    function paused() private view returns (bool) {
        return vm.getBlockTimestamp() < settlement.depositsPausedUntil();
    }

    function sign(bytes32 id, uint256 amount) private {
        if (amount > signedOf[id]) signedOf[id] = amount;
    }

    function move(address from, address to, uint256 amount) private {
        given[from] += int256(amount);
        given[to] -= int256(amount);
    }
}

contract ChannelsInvariantTest is Test {
    ChannelsHandler private handler;
    Settlement private settlement;
    HookedToken private token;

    function setUp() external {
        handler = new ChannelsHandler();
        settlement = handler.settlement();
        token = handler.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice Money in = money out + balances, to the wei.
    function invariant_whatIsHeldIsOwed() external view {
        uint256 owed;
        for (uint256 index = 0; index < 3; ++index) owed += settlement.balanceOf(handler.actors(index));
        for (uint256 index = 0; index < handler.channelCount(); ++index) owed += locked(handler.channels(index));
        assertEq(token.balanceOf(address(settlement)), owed);
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice No payee is paid more than was signed, no payer loses more than was signed, nor more than the deposit.
    function invariant_nothingBeyondSignatures() external view {
        for (uint256 index = 0; index < handler.channelCount(); ++index) {
            bytes32 id = handler.channels(index);
            IChannels.Channel memory channel = settlement.channelOf(id);
            assertLe(channel.claimed, channel.deposit, "deposit");
            assertLe(channel.claimed, handler.signedOf(id), "signed");
        }
    }

    /// hardhat-config: invariant.failOnRevert = true
    /// @notice What each account has, wherever it lies, is what it began with, less what its channels paid to others and
    /// what it gave away, plus what it was paid.
    function invariant_everyAccountIsExact() external view {
        for (uint256 index = 0; index < 3; ++index) {
            address account = handler.actors(index);
            int256 found = int256(token.balanceOf(account) + settlement.balanceOf(account));
            int256 expected = int256(handler.FUNDS()) - handler.given(account);
            for (uint256 place = 0; place < handler.channelCount(); ++place) {
                bytes32 id = handler.channels(place);
                IChannels.Channel memory channel = settlement.channelOf(id);
                if (channel.payer == account) {
                    found += int256(locked(id));
                    expected -= int256(uint256(channel.claimed));
                }
                if (channel.payee == account) expected += int256(uint256(channel.claimed));
            }
            assertTrue(found == expected, "account");
        }
    }

    function locked(bytes32 id) private view returns (uint256) {
        IChannels.Channel memory channel = settlement.channelOf(id);
        return channel.signer == address(0) ? 0 : channel.deposit - channel.claimed;
    }
}

/// @notice The handler is worth nothing if its actions never come about.
contract ChannelsHandlerTest is Test {
    function test_everyActionComesAbout() external {
        ChannelsHandler handler = new ChannelsHandler();
        handler.deposit(0, 0, 1_000);
        handler.withdraw(0, 1, 100);
        for (uint256 index = 0; index < 6; ++index) handler.open(0, 1, 100, 0, true, index == 2);
        handler.topUp(0, 5, false);
        handler.settle(0, 10, 0);
        handler.settle(2, 10, 1);
        handler.closeCooperatively(3, 20, true);
        handler.closeByPayee(4);
        handler.startClose(1);
        handler.wait(type(uint256).max);
        handler.finishClose(1);
        string[8] memory names = [
            "deposit",
            "withdraw",
            "topUp",
            "settle",
            "startClose",
            "finishClose",
            "closeByPayee",
            "closeCooperatively"
        ];
        for (uint256 index = 0; index < names.length; ++index) assertGt(handler.done(names[index]), 0, names[index]);
        assertEq(handler.done("settle"), 2);
        assertEq(handler.done("open"), 6);
    }
}
