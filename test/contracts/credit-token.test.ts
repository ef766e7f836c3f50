import assert from 'node:assert/strict'
import { TypedDataEncoder, ZeroAddress } from 'ethers'
import { creditTokenBytecode } from '../../node/chain/abi/bytecode/credit-token.ts'
import { creditTokenAbi } from '../../node/chain/abi/credit-token.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { signPermit } from './permit.ts'
import {
  alice,
  bob,
  CREDIT,
  carol,
  DAY,
  deployer,
  deployShoal,
  EPOCH_SUPPLY,
  type Shoal,
  TestChain,
} from './test-chain.ts'

describe('CreditToken', () => {
  let shoal: Shoal
  const mint = (to: string, amount: bigint, from = deployer) =>
    shoal.creditToken.send(from, 'mint', to, amount)

  beforeEach(async () => {
    shoal = await deployShoal()
  })

  it('has a name, a symbol, 18 decimals and no supply at first', async () => {
    const { creditToken } = shoal
    assert.equal(await creditToken.view('name'), 'Shoal Credit')
    assert.equal(await creditToken.view('symbol'), 'SHC')
    assert.equal(await creditToken.view('decimals'), 18n)
    assert.equal(await creditToken.view('totalSupply'), 0n)
    assert.equal(await creditToken.view('EPOCH_SECONDS'), BigInt(30 * DAY))
    assert.equal(await creditToken.view('genesisTime'), BigInt(shoal.chain.now))
  })

  it('refuses a supply of zero and an owner of zero', async () => {
    const chain = await TestChain.create()
    const deploy = (...args: unknown[]) => chain.deploy(deployer, creditTokenAbi, creditTokenBytecode, args)
    await assertReverts(deploy(deployer.address, 0n), 'ZeroEpochSupply')
    await assertReverts(deploy(ZeroAddress, 1n), 'OwnableInvalidOwner', ZeroAddress)
  })

  describe('mint', () => {
    it('mints up to the supply of the epoch and not a unit more', async () => {
      const { creditToken } = shoal
      const receipt = await mint(alice.address, EPOCH_SUPPLY - 1n)
      assertEvents(
        receipt,
        ['CreditsMinted', 0n, alice.address, EPOCH_SUPPLY - 1n],
        ['Transfer', ZeroAddress, alice.address, EPOCH_SUPPLY - 1n],
      )
      await assertReverts(mint(alice.address, 2n), 'EpochSupplyExceeded', 2n, 1n)
      await mint(bob.address, 1n)
      await assertReverts(mint(alice.address, 1n), 'EpochSupplyExceeded', 1n, 0n)
      assert.equal(await creditToken.view('mintable'), 0n)
      assert.equal(await creditToken.view('mintedInEpoch', 0n), EPOCH_SUPPLY)
      assert.equal(await creditToken.view('totalSupply'), EPOCH_SUPPLY)
    })

    it('has the whole supply again in the next epoch, and nothing of the last one', async () => {
      const { chain, creditToken } = shoal
      await mint(alice.address, CREDIT)
      const genesis = chain.now
      chain.now = genesis + 30 * DAY - 1
      assert.equal(await creditToken.view('currentEpoch'), 0n)
      assert.equal(await creditToken.view('mintable'), EPOCH_SUPPLY - CREDIT)
      chain.now = genesis + 30 * DAY
      assert.equal(await creditToken.view('currentEpoch'), 1n)
      assert.equal(await creditToken.view('mintable'), EPOCH_SUPPLY)
      await assertReverts(
        mint(alice.address, EPOCH_SUPPLY + 1n),
        'EpochSupplyExceeded',
        EPOCH_SUPPLY + 1n,
        EPOCH_SUPPLY,
      )
      await mint(alice.address, EPOCH_SUPPLY)
      assert.equal(await creditToken.view('mintedInEpoch', 1n), EPOCH_SUPPLY)
      assert.equal(await creditToken.view('totalSupply'), EPOCH_SUPPLY + CREDIT)
      chain.now = genesis + 90 * DAY + 5
      assert.equal(await creditToken.view('currentEpoch'), 3n)
      assert.equal(await creditToken.view('mintable'), EPOCH_SUPPLY)
    })

    it('is for the owner only, and not to nobody', async () => {
      await assertReverts(mint(alice.address, 1n, alice), 'OwnableUnauthorizedAccount', alice.address)
      await assertReverts(mint(ZeroAddress, 1n), 'ERC20InvalidReceiver', ZeroAddress)
    })
  })

  describe('ownership', () => {
    it('passes in two steps', async () => {
      const { creditToken } = shoal
      await creditToken.send(deployer, 'transferOwnership', alice.address)
      assert.equal(await creditToken.view('owner'), deployer.address)
      await assertReverts(creditToken.send(bob, 'acceptOwnership'), 'OwnableUnauthorizedAccount', bob.address)
      await creditToken.send(alice, 'acceptOwnership')
      assert.equal(await creditToken.view('owner'), alice.address)
      await mint(bob.address, 1n, alice)
      await assertReverts(mint(bob.address, 1n), 'OwnableUnauthorizedAccount', deployer.address)
    })
  })

  describe('ERC-20', () => {
    it('moves credits and reports what is missing', async () => {
      const { creditToken } = shoal
      await mint(alice.address, 10n)
      await creditToken.send(alice, 'transfer', bob.address, 4n)
      assert.equal(await creditToken.view('balanceOf', alice.address), 6n)
      await assertReverts(
        creditToken.send(alice, 'transfer', bob.address, 7n),
        'ERC20InsufficientBalance',
        alice.address,
        6n,
        7n,
      )
      await creditToken.send(alice, 'approve', carol.address, 5n)
      await creditToken.send(carol, 'transferFrom', alice.address, bob.address, 5n)
      await assertReverts(
        creditToken.send(carol, 'transferFrom', alice.address, bob.address, 1n),
        'ERC20InsufficientAllowance',
        carol.address,
        0n,
        1n,
      )
      assert.equal(await creditToken.view('balanceOf', bob.address), 9n)
    })
  })

  describe('permit', () => {
    it('approves by signature, once and in time', async () => {
      const { chain, creditToken } = shoal
      const permit = await signPermit(shoal, alice, bob.address, 7n)
      const args = [alice.address, bob.address, 7n, permit.deadline, permit.v, permit.r, permit.s]
      await creditToken.send(carol, 'permit', ...args)
      assert.equal(await creditToken.view('allowance', alice.address, bob.address), 7n)
      assert.equal(await creditToken.view('nonces', alice.address), 1n)
      await assert.rejects(creditToken.send(carol, 'permit', ...args), { error: 'ERC2612InvalidSigner' })
      const late = await signPermit(shoal, alice, bob.address, 7n)
      chain.now = Number(late.deadline) + 1
      await assertReverts(
        creditToken.send(
          carol,
          'permit',
          alice.address,
          bob.address,
          7n,
          late.deadline,
          late.v,
          late.r,
          late.s,
        ),
        'ERC2612ExpiredSignature',
        late.deadline,
      )
    })

    it('has the domain that wallets compute', async () => {
      const { chain, creditToken } = shoal
      const separator = await creditToken.view('DOMAIN_SEPARATOR')
      const domain = {
        name: 'Shoal Credit',
        version: '1',
        chainId: chain.chainId,
        verifyingContract: creditToken.address,
      }
      assert.equal(separator, TypedDataEncoder.hashDomain(domain))
    })
  })
})
