// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CreditToken} from "../../../contracts/core/CreditToken.sol";
import {ICreditToken} from "../../../contracts/interfaces/ICreditToken.sol";
import {Test} from "./support/Test.sol";

uint256 constant EPOCH = 30 days;
uint256 constant EPOCH_SUPPLY = 1_000;
uint256 constant GENESIS_SUPPLY = 5_000;

contract CreditTokenTest is Test {
    function testFuzz_TheConstructorMintsTheGenesisSupplyAndNoMore(uint96 supply, uint96 genesis, address to) public {
        vm.assume(to != address(0));
        supply = uint96(bound(supply, 1, type(uint96).max));
        CreditToken token = new CreditToken(supply, to, genesis);
        assertEq(token.totalSupply(), genesis);
        assertEq(token.balanceOf(to), genesis);
        assertEq(token.mintable(0), 0);
    }

    function testFuzz_AnEpochIsMintableFromItsEndAndNeverBeforeNorMore(
        uint96 supply,
        uint32 epoch,
        uint64 elapsed,
        uint128 first,
        uint128 second
    ) public {
        supply = uint96(bound(supply, 1, type(uint96).max));
        uint256 genesis = block.timestamp;
        CreditToken token = new CreditToken(supply, address(1), 0);
        token.setEmission(address(this));
        vm.warp(genesis + elapsed);
        bool over = elapsed >= (uint256(epoch) + 1) * EPOCH;
        assertEq(token.currentEpoch(), elapsed / EPOCH);
        assertEq(token.mintable(epoch), over ? supply : 0);
        uint256 minted = 0;
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 amount = turn == 0 ? first : second;
            uint256 available = supply - minted;
            if (!over) {
                vm.expectRevert(
                    abi.encodeWithSelector(ICreditToken.EpochNotOver.selector, epoch, uint256(elapsed) / EPOCH)
                );
            } else if (amount > available) {
                vm.expectRevert(abi.encodeWithSelector(ICreditToken.EpochSupplyExceeded.selector, amount, available));
            } else {
                minted += amount;
            }
            token.mint(address(1), epoch, amount);
        }
        assertEq(token.mintedInEpoch(epoch), minted);
        assertEq(token.totalSupply(), minted);
    }

    function testFuzz_NobodyButTheDeployerNamesTheEmissionContract(address caller) public {
        CreditToken token = new CreditToken(1, address(1), 0);
        vm.assume(caller != address(this));
        vm.expectRevert(abi.encodeWithSelector(ICreditToken.OnlyDeployer.selector, address(this)));
        vm.prank(caller);
        token.setEmission(address(this));
    }

    function testFuzz_NobodyButTheEmissionContractMints(
        address caller,
        address to,
        uint256 epoch,
        uint256 amount
    ) public {
        CreditToken token = new CreditToken(EPOCH_SUPPLY, address(1), 0);
        CreditTokenHandler emission = new CreditTokenHandler();
        token.setEmission(address(emission));
        vm.assume(caller != address(emission));
        skipTime(10 * EPOCH);
        vm.expectRevert(abi.encodeWithSelector(ICreditToken.OnlyEmission.selector, address(emission)));
        vm.prank(caller);
        token.mint(to, epoch, amount);
    }
}

/// @notice Deploys the token, is its emission contract, and moves credits about; wrong calls are among its actions.
contract CreditTokenHandler is Test {
    uint256 public constant EPOCHS = 6;

    CreditToken public immutable token;
    address[] public holders = [address(0xA1), address(0xB0), address(0xC4)];
    uint256 public minted;
    uint256 public burned;

    constructor() {
        token = new CreditToken(EPOCH_SUPPLY, holders[0], GENESIS_SUPPLY);
    }

    function nameEmission(bool first) external {
        address account = first ? address(this) : address(token);
        try token.setEmission(account) {} catch {}
    }

    function mint(uint256 to, uint256 epoch, uint256 amount) external {
        amount = bound(amount, 0, EPOCH_SUPPLY + 10);
        try token.mint(_holder(to), bound(epoch, 0, EPOCHS), amount) {
            minted += amount;
        } catch {}
    }

    /// @dev Whoever calls but the emission contract, which `nameEmission` may have made the token itself: were it ever to
    /// pass, the books of the invariant would not add up.
    function mintAsAnyone(address caller, uint256 epoch, uint256 amount) external {
        if (caller == address(this) || caller == token.emission()) return;
        vm.prank(caller);
        try token.mint(caller, bound(epoch, 0, EPOCHS), bound(amount, 1, EPOCH_SUPPLY)) {} catch {}
        vm.prank(caller);
        try token.setEmission(address(token)) {} catch {}
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        address sender = _holder(from);
        amount = bound(amount, 0, token.balanceOf(sender) + 1);
        vm.prank(sender);
        try token.transfer(_holder(to), amount) {} catch {}
    }

    function burn(uint256 from, uint256 amount) external {
        address holder = _holder(from);
        amount = bound(amount, 0, token.balanceOf(holder));
        vm.prank(holder);
        token.burn(amount);
        burned += amount;
    }

    function burnFrom(uint256 from, uint256 amount) external {
        address holder = _holder(from);
        amount = bound(amount, 0, token.balanceOf(holder));
        vm.prank(holder);
        token.approve(address(this), amount);
        token.burnFrom(holder, amount);
        burned += amount;
    }

    function pass(uint256 time) external {
        skipTime(bound(time, 0, EPOCH));
    }

    function holderCount() external view returns (uint256) {
        return holders.length;
    }

    function _holder(uint256 seed) private view returns (address) {
        return holders[seed % holders.length];
    }
}

contract CreditTokenInvariants is Test {
    CreditTokenHandler private _handler;

    function setUp() public {
        _handler = new CreditTokenHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_SupplyIsGenesisPlusMintedMinusBurned() public view {
        CreditToken token = _handler.token();
        assertEq(token.totalSupply(), GENESIS_SUPPLY + _handler.minted() - _handler.burned(), "supply");
        uint256 held = 0;
        for (uint256 index = 0; index < _handler.holderCount(); ++index)
            held += token.balanceOf(_handler.holders(index));
        assertEq(held, token.totalSupply(), "held");
    }

    function invariant_NoEpochExceedsItsSupplyNorBeginsBeforeItsEnd() public view {
        CreditToken token = _handler.token();
        uint256 sum = 0;
        for (uint256 epoch = 0; epoch <= _handler.EPOCHS(); ++epoch) {
            uint256 minted = token.mintedInEpoch(epoch);
            assertLe(minted, EPOCH_SUPPLY, "epoch");
            if (epoch >= token.currentEpoch()) assertEq(minted, 0, "too early");
            sum += minted;
        }
        assertEq(sum, _handler.minted(), "sum of epochs");
    }
}
