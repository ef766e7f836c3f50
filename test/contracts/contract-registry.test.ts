import assert from 'node:assert/strict'
import { encodeBytes32String, ZeroAddress, ZeroHash } from 'ethers'
import { contractRegistryBytecode } from '../../node/chain/abi/bytecode/contract-registry.ts'
import { contractRegistryAbi } from '../../node/chain/abi/contract-registry.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { deployGovernance, type Governance } from './fixtures/governance.ts'
import { alice, bob, deployer, type TestContract } from './test-chain.ts'

const NAME = encodeBytes32String('Settlement')
const OTHER = encodeBytes32String('Court')
const owner = bob

describe('ContractRegistry', () => {
  let governance: Governance
  let registry: TestContract
  let first: string
  let second: string

  beforeEach(async () => {
    governance = await deployGovernance(ZeroAddress)
    first = governance.staking.address
    second = governance.creditToken.address
    registry = await governance.chain.deploy(deployer, contractRegistryAbi, contractRegistryBytecode, [
      owner.address,
      [],
      [],
      '1',
    ])
  })

  const version = async (name: string, ...args: unknown[]) => [
    ...(await registry.view<unknown[]>(name, ...args)),
  ]

  it('begins empty', async () => {
    assert.equal(await registry.view('owner'), owner.address)
    assert.equal(await registry.view('versionCount', NAME), 0n)
    assert.equal(await registry.view('MAX_VERSION_BYTES'), 32n)
    await assertReverts(registry.view('latest', NAME), 'VersionUnknown', NAME, 0n)
  })

  it('can begin with a first version of contracts', async () => {
    const deploy = (...args: unknown[]) =>
      governance.chain.deploy(deployer, contractRegistryAbi, contractRegistryBytecode, args)
    registry = await deploy(owner.address, [NAME, OTHER], [first, second], '1')
    const published = BigInt(governance.chain.now)
    assert.deepEqual(await version('latest', NAME), [first, published, '1'])
    assert.deepEqual(await version('latest', OTHER), [second, published, '1'])
    await assertReverts(deploy(ZeroAddress, [], [], '1'), 'OwnableInvalidOwner', ZeroAddress)
    await assertReverts(deploy(owner.address, [NAME], [], '1'), 'LengthsDiffer', 1n, 0n)
    await assertReverts(deploy(owner.address, [], [first], '1'), 'LengthsDiffer', 0n, 1n)
    await assertReverts(deploy(owner.address, [NAME], [first], ''), 'VersionLengthInvalid', 0n)
    await assertReverts(deploy(owner.address, [NAME], [alice.address], '1'), 'NotAContract', alice.address)
  })

  describe('publish', () => {
    it('adds versions and keeps the old ones', async () => {
      const sent = await registry.send(owner, 'publish', NAME, first, '1')
      assert.equal(sent.returned, 0n)
      assertEvents(sent, ['VersionPublished', NAME, 0n, first, '1'])
      const published = BigInt(governance.chain.now)
      governance.chain.now += 10
      const longest = 'v'.repeat(32)
      assert.equal((await registry.send(owner, 'publish', NAME, second, longest)).returned, 1n)
      assert.equal(await registry.view('versionCount', NAME), 2n)
      assert.deepEqual(await version('versionAt', NAME, 0), [first, published, '1'])
      assert.deepEqual(await version('versionAt', NAME, 1), [second, published + 10n, longest])
      assert.deepEqual(await version('latest', NAME), [second, published + 10n, longest])
      assert.equal(await registry.view('versionCount', OTHER), 0n)
    })

    it('refuses what is no version', async () => {
      await assertReverts(registry.send(owner, 'publish', ZeroHash, first, '1'), 'ZeroName')
      await assertReverts(
        registry.send(owner, 'publish', NAME, alice.address, '1'),
        'NotAContract',
        alice.address,
      )
      await assertReverts(registry.send(owner, 'publish', NAME, first, ''), 'VersionLengthInvalid', 0n)
      await assertReverts(
        registry.send(owner, 'publish', NAME, first, 'v'.repeat(33)),
        'VersionLengthInvalid',
        33n,
      )
    })

    it('is refused to others', async () => {
      await assertReverts(
        registry.send(alice, 'publish', NAME, first, '1'),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
    })
  })

  describe('choose', () => {
    it('moves the caller alone, back and forth, and nobody by itself', async () => {
      await registry.send(owner, 'publish', NAME, first, '1')
      assert.deepEqual(await version('choiceOf', alice.address, NAME), [false, 0n])
      assertEvents(await registry.send(alice, 'choose', NAME, 0), ['VersionChosen', alice.address, NAME, 0n])
      assert.deepEqual(await version('choiceOf', alice.address, NAME), [true, 0n])
      await registry.send(owner, 'publish', NAME, second, '2')
      assert.deepEqual(await version('choiceOf', alice.address, NAME), [true, 0n])
      await registry.send(alice, 'choose', NAME, 1)
      assert.deepEqual(await version('choiceOf', alice.address, NAME), [true, 1n])
      await registry.send(alice, 'choose', NAME, 0)
      assert.deepEqual(await version('choiceOf', alice.address, NAME), [true, 0n])
      assert.deepEqual(await version('choiceOf', bob.address, NAME), [false, 0n])
      assert.deepEqual(await version('choiceOf', alice.address, OTHER), [false, 0n])
    })

    it('refuses a version that is not there', async () => {
      await assertReverts(registry.send(alice, 'choose', NAME, 0), 'VersionUnknown', NAME, 0n)
      await registry.send(owner, 'publish', NAME, first, '1')
      await assertReverts(registry.send(alice, 'choose', NAME, 1), 'VersionUnknown', NAME, 1n)
      await assertReverts(registry.view('versionAt', NAME, 1), 'VersionUnknown', NAME, 1n)
      await assertReverts(registry.send(alice, 'choose', OTHER, 0), 'VersionUnknown', OTHER, 0n)
    })
  })
})
