import assert from 'node:assert/strict'
import { toBeHex, ZeroAddress, ZeroHash } from 'ethers'
import { nodeRegistryBytecode } from '../../node/chain/abi/bytecode/node-registry.ts'
import { nodeRegistryAbi } from '../../node/chain/abi/node-registry.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { signPermit } from './permit.ts'
import { alice, bob, CREDIT, deployer, deployShoal, type Shoal, UNBONDING_DELAY } from './test-chain.ts'

const KEY_A = toBeHex(0xaan, 32)
const KEY_B = toBeHex(0xbbn, 32)

describe('NodeRegistry', () => {
  let shoal: Shoal

  beforeEach(async () => {
    shoal = await deployShoal()
    const { creditToken, nodeRegistry } = shoal
    await creditToken.send(deployer, 'transfer', alice.address, 100n * CREDIT)
    await creditToken.send(alice, 'approve', nodeRegistry.address, 100n * CREDIT)
  })

  const unbonding = async (wallet: string) => [
    ...(await shoal.nodeRegistry.view<bigint[]>('unbondingOf', wallet)),
  ]
  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)

  it('is fixed to a token and a delay', async () => {
    const { chain, creditToken, nodeRegistry } = shoal
    assert.equal(await nodeRegistry.view('creditToken'), creditToken.address)
    assert.equal(await nodeRegistry.view('unbondingDelay'), BigInt(UNBONDING_DELAY))
    await assertReverts(
      chain.deploy(deployer, nodeRegistryAbi, nodeRegistryBytecode, [ZeroAddress, 1n]),
      'ZeroToken',
    )
  })

  describe('bind', () => {
    it('declares a key, replaces it, and says what it was', async () => {
      const { nodeRegistry } = shoal
      assert.equal(await nodeRegistry.view('nodeKeyOf', alice.address), ZeroHash)
      assertEvents(await nodeRegistry.send(alice, 'bind', KEY_A), [
        'NodeKeyBound',
        alice.address,
        KEY_A,
        ZeroHash,
      ])
      assert.equal(await nodeRegistry.view('nodeKeyOf', alice.address), KEY_A)
      assertEvents(await nodeRegistry.send(alice, 'bind', KEY_B), [
        'NodeKeyBound',
        alice.address,
        KEY_B,
        KEY_A,
      ])
      assert.equal(await nodeRegistry.view('nodeKeyOf', alice.address), KEY_B)
    })

    it('can be repeated', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'bind', KEY_A)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assert.equal(await nodeRegistry.view('nodeKeyOf', alice.address), KEY_A)
    })

    it('lets nobody keep others from a key by declaring it first', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(bob, 'bind', KEY_A)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assert.equal(await nodeRegistry.view('nodeKeyOf', alice.address), KEY_A)
      assert.equal(await nodeRegistry.view('nodeKeyOf', bob.address), KEY_A)
    })

    it('refuses no key', async () => {
      await assertReverts(shoal.nodeRegistry.send(alice, 'bind', ZeroHash), 'ZeroNodeKey')
    })
  })

  describe('stake', () => {
    it('takes credits and adds them up', async () => {
      const { nodeRegistry } = shoal
      assertEvents(await nodeRegistry.send(alice, 'stake', 3n), ['Staked', alice.address, 3n, 3n])
      assertEvents(await nodeRegistry.send(alice, 'stake', 4n), ['Staked', alice.address, 4n, 7n])
      assert.equal(await nodeRegistry.view('stakeOf', alice.address), 7n)
      assert.equal(await tokens(nodeRegistry.address), 7n)
      assert.equal(await tokens(alice.address), 100n * CREDIT - 7n)
      assert.equal(await nodeRegistry.view('stakeOf', bob.address), 0n)
    })

    it('refuses nothing, too much, and what was not approved', async () => {
      const { nodeRegistry } = shoal
      await assertReverts(nodeRegistry.send(alice, 'stake', 0n), 'ZeroAmount')
      await assertReverts(
        nodeRegistry.send(bob, 'stake', 1n),
        'ERC20InsufficientAllowance',
        nodeRegistry.address,
        0n,
        1n,
      )
      await assertReverts(
        nodeRegistry.send(alice, 'stake', 1n << 96n),
        'SafeCastOverflowedUintDowncast',
        96n,
        1n << 96n,
      )
    })

    it('takes a permit in the same transaction, even one that was already used', async () => {
      const { creditToken, nodeRegistry } = shoal
      await creditToken.send(deployer, 'transfer', bob.address, 10n)
      const permit = await signPermit(shoal, bob, nodeRegistry.address, 10n)
      const { value, deadline, v, r, s } = permit
      await creditToken.send(alice, 'permit', bob.address, nodeRegistry.address, value, deadline, v, r, s)
      await nodeRegistry.send(bob, 'stakeWithPermit', 10n, permit)
      assert.equal(await nodeRegistry.view('stakeOf', bob.address), 10n)
      await assertReverts(
        nodeRegistry.send(bob, 'stakeWithPermit', 1n, permit),
        'ERC20InsufficientAllowance',
        nodeRegistry.address,
        0n,
        1n,
      )
      const zero = await signPermit(shoal, bob, nodeRegistry.address, 0n)
      await assertReverts(nodeRegistry.send(bob, 'stakeWithPermit', 0n, zero), 'ZeroAmount')
    })
  })

  describe('unbonding', () => {
    beforeEach(async () => {
      await shoal.nodeRegistry.send(alice, 'stake', 10n)
    })

    it('pays after the delay, not a second sooner', async () => {
      const { chain, nodeRegistry } = shoal
      const until = BigInt(chain.now + UNBONDING_DELAY)
      const receipt = await nodeRegistry.send(alice, 'startUnbonding', 4n)
      assertEvents(receipt, ['UnbondingStarted', alice.address, 4n, 4n, until])
      assert.equal(await nodeRegistry.view('stakeOf', alice.address), 6n)
      assert.deepEqual(await unbonding(alice.address), [4n, until])
      chain.now = Number(until) - 1
      await assertReverts(nodeRegistry.send(alice, 'withdrawUnbonded'), 'StillUnbonding', until)
      chain.now = Number(until)
      const withdrawal = await nodeRegistry.send(alice, 'withdrawUnbonded')
      assertEvents(withdrawal, ['UnbondedWithdrawn', alice.address, 4n])
      assert.equal(withdrawal.returned, 4n)
      assert.equal(await tokens(alice.address), 100n * CREDIT - 6n)
      assert.deepEqual(await unbonding(alice.address), [0n, 0n])
      await assertReverts(nodeRegistry.send(alice, 'withdrawUnbonded'), 'NothingUnbonding')
    })

    it('begins the delay anew for all of it when more joins', async () => {
      const { chain, nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'startUnbonding', 4n)
      chain.now += UNBONDING_DELAY - 1
      const until = BigInt(chain.now + UNBONDING_DELAY)
      const receipt = await nodeRegistry.send(alice, 'startUnbonding', 5n)
      assertEvents(receipt, ['UnbondingStarted', alice.address, 5n, 9n, until])
      chain.now += 2
      await assertReverts(nodeRegistry.send(alice, 'withdrawUnbonded'), 'StillUnbonding', until)
    })

    it('can be called off', async () => {
      const { chain, nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'startUnbonding', 4n)
      assertEvents(await nodeRegistry.send(alice, 'cancelUnbonding'), [
        'UnbondingCancelled',
        alice.address,
        4n,
      ])
      assert.equal(await nodeRegistry.view('stakeOf', alice.address), 10n)
      assert.deepEqual(await unbonding(alice.address), [0n, 0n])
      chain.now += UNBONDING_DELAY
      await assertReverts(nodeRegistry.send(alice, 'withdrawUnbonded'), 'NothingUnbonding')
      await assertReverts(nodeRegistry.send(alice, 'cancelUnbonding'), 'NothingUnbonding')
    })

    it('refuses nothing and more than is there', async () => {
      const { nodeRegistry } = shoal
      await assertReverts(nodeRegistry.send(alice, 'startUnbonding', 0n), 'ZeroAmount')
      await assertReverts(nodeRegistry.send(alice, 'startUnbonding', 11n), 'InsufficientStake', 11n, 10n)
      await assertReverts(nodeRegistry.send(bob, 'startUnbonding', 1n), 'InsufficientStake', 1n, 0n)
    })

    it("is each wallet's own", async () => {
      const { chain, creditToken, nodeRegistry } = shoal
      await creditToken.send(deployer, 'transfer', bob.address, 10n)
      await creditToken.send(bob, 'approve', nodeRegistry.address, 10n)
      await nodeRegistry.send(bob, 'stake', 10n)
      await nodeRegistry.send(alice, 'startUnbonding', 10n)
      chain.now += UNBONDING_DELAY
      await assertReverts(nodeRegistry.send(bob, 'withdrawUnbonded'), 'NothingUnbonding')
      await nodeRegistry.send(alice, 'withdrawUnbonded')
      assert.equal(await nodeRegistry.view('stakeOf', bob.address), 10n)
      assert.equal(await tokens(nodeRegistry.address), 10n)
    })
  })
})
