import assert from 'node:assert/strict'
import { ZeroAddress } from 'ethers'
import { emergencyPauseBytecode } from '../../node/chain/abi/bytecode/emergency-pause.ts'
import { emergencyPauseAbi } from '../../node/chain/abi/emergency-pause.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { deployGovernance, deployStaking, type Governance } from './fixtures/governance.ts'
import { alice, bob, CREDIT, carol, DAY, deployer, type TestContract } from './test-chain.ts'

const [guardian, owner] = [carol, bob]
const PAUSE = 14 * DAY

describe('EmergencyPause', () => {
  let governance: Governance
  /** Owned by an account, for the tests; its targets are real. */
  let pause: TestContract
  let staking: TestContract

  beforeEach(async () => {
    governance = await deployGovernance(guardian.address)
    pause = await governance.chain.deploy(deployer, emergencyPauseAbi, emergencyPauseBytecode, [
      owner.address,
      guardian.address,
    ])
    staking = await deployStaking({ ...governance, emergencyPause: pause })
    await pause.send(owner, 'addTarget', staking.address)
    const { creditToken } = governance
    await creditToken.send(deployer, 'transfer', alice.address, 100n * CREDIT)
    await creditToken.send(alice, 'approve', staking.address, 100n * CREDIT)
  })

  const pausedUntil = () => staking.view('depositsPausedUntil')
  const at = (seconds: number) => {
    governance.chain.now += seconds
  }

  it('begins with its owner, its guardian and no targets', async () => {
    const fresh = await governance.chain.deploy(deployer, emergencyPauseAbi, emergencyPauseBytecode, [
      owner.address,
      ZeroAddress,
    ])
    assert.equal(await fresh.view('owner'), owner.address)
    assert.equal(await fresh.view('guardian'), ZeroAddress)
    assert.deepEqual([...(await fresh.view<string[]>('targets'))], [])
    assert.equal(await fresh.view('MAX_TARGETS'), 16n)
    await assertReverts(fresh.send(owner, 'pause'), 'NothingPaused')
    await assertReverts(
      governance.chain.deploy(deployer, emergencyPauseAbi, emergencyPauseBytecode, [
        ZeroAddress,
        guardian.address,
      ]),
      'OwnableInvalidOwner',
      ZeroAddress,
    )
  })

  describe('pause', () => {
    it('stops deposits for 14 days, and nothing else', async () => {
      await staking.send(alice, 'stake', 50n * CREDIT)
      assertEvents(await pause.send(guardian, 'pause'), ['TargetPaused', staking.address, guardian.address])
      const until = governance.chain.now + PAUSE
      assert.equal(await pausedUntil(), BigInt(until))
      await assertReverts(staking.send(alice, 'stake', 1n), 'DepositsPaused', BigInt(until))
      await staking.send(alice, 'startUnbonding', 50n * CREDIT)
      at(PAUSE - 1)
      await assertReverts(staking.send(alice, 'stake', 1n), 'DepositsPaused', BigInt(until))
      at(1)
      await staking.send(alice, 'stake', 1n)
      await staking.send(alice, 'withdrawUnbonded')
    })

    it('returns how many it paused, and can be called by the owner', async () => {
      const { returned } = await pause.send(owner, 'pause')
      assert.equal(returned, 1n)
    })

    it('is refused to others', async () => {
      await assertReverts(pause.send(alice, 'pause'), 'OnlyGuardian')
      await assertReverts(pause.send(deployer, 'pause'), 'OnlyGuardian')
    })

    it('is refused until 14 days after the last one ended', async () => {
      await pause.send(guardian, 'pause')
      await assertReverts(pause.send(guardian, 'pause'), 'NothingPaused')
      at(2 * PAUSE - 1)
      await assertReverts(pause.send(guardian, 'pause'), 'NothingPaused')
      at(1)
      await pause.send(guardian, 'pause')
    })

    it('skips a target that refuses and pauses the others', async () => {
      await pause.send(guardian, 'pause')
      const earliest = governance.chain.now + 2 * PAUSE
      const later = await deployStaking({ ...governance, emergencyPause: pause })
      await pause.send(owner, 'addTarget', later.address)
      const reason = staking.abi.encodeErrorResult('PauseTooSoon', [earliest])
      const sent = await pause.send(guardian, 'pause')
      assert.equal(sent.returned, 1n)
      assertEvents(
        sent,
        ['TargetSkipped', staking.address, reason],
        ['TargetPaused', later.address, guardian.address],
      )
    })
  })

  describe('resume', () => {
    it('opens deposits before their time', async () => {
      await pause.send(guardian, 'pause')
      at(DAY)
      assertEvents(await pause.send(guardian, 'resume'), ['TargetResumed', staking.address, guardian.address])
      assert.equal(await pausedUntil(), BigInt(governance.chain.now))
      await staking.send(alice, 'stake', 1n)
      at(PAUSE - 1)
      await assertReverts(pause.send(guardian, 'pause'), 'NothingPaused')
      at(1)
      await pause.send(guardian, 'pause')
    })

    it('changes nothing while deposits are open', async () => {
      await pause.send(owner, 'resume')
      assert.equal(await pausedUntil(), 0n)
      await pause.send(guardian, 'pause')
      const until = await pausedUntil()
      at(PAUSE)
      await pause.send(owner, 'resume')
      assert.equal(await pausedUntil(), until)
    })

    it('is refused to others', async () => {
      await assertReverts(pause.send(alice, 'resume'), 'OnlyGuardian')
    })
  })

  describe('setGuardian', () => {
    it('replaces the guardian', async () => {
      assertEvents(await pause.send(owner, 'setGuardian', alice.address), [
        'GuardianSet',
        alice.address,
        guardian.address,
      ])
      assert.equal(await pause.view('guardian'), alice.address)
      await assertReverts(pause.send(guardian, 'pause'), 'OnlyGuardian')
      await pause.send(alice, 'pause')
    })

    it('is refused to others, the guardian too', async () => {
      await assertReverts(
        pause.send(guardian, 'setGuardian', alice.address),
        'OwnableUnauthorizedAccount',
        guardian.address,
      )
    })
  })

  describe('addTarget', () => {
    it('adds a contract that names it as its pauser, once', async () => {
      const other = await deployStaking({ ...governance, emergencyPause: pause })
      assertEvents(await pause.send(owner, 'addTarget', other.address), ['TargetAdded', other.address])
      assert.deepEqual([...(await pause.view<string[]>('targets'))], [staking.address, other.address])
      await assertReverts(pause.send(owner, 'addTarget', other.address), 'TargetExists', other.address)
    })

    it('refuses a contract with another pauser', async () => {
      await assertReverts(
        pause.send(owner, 'addTarget', governance.staking.address),
        'NotItsPauser',
        governance.staking.address,
        governance.emergencyPause.address,
      )
    })

    it('takes 16 at most', async () => {
      for (let count = 1; count < 16; count++) {
        const { address } = await deployStaking({ ...governance, emergencyPause: pause })
        await pause.send(owner, 'addTarget', address)
      }
      const { address } = await deployStaking({ ...governance, emergencyPause: pause })
      await assertReverts(pause.send(owner, 'addTarget', address), 'TooManyTargets', 16n)
      const { returned, gasUsed } = await pause.send(guardian, 'pause')
      assert.equal(returned, 16n)
      assert.ok(gasUsed < 1_000_000n, `${gasUsed} gas`)
    })

    it('is refused to others, the guardian too', async () => {
      await assertReverts(
        pause.send(guardian, 'addTarget', staking.address),
        'OwnableUnauthorizedAccount',
        guardian.address,
      )
    })
  })

  it('is the only one that its targets obey', async () => {
    await assertReverts(staking.send(guardian, 'pauseDeposits'), 'OnlyPauser', pause.address)
    await assertReverts(staking.send(owner, 'resumeDeposits'), 'OnlyPauser', pause.address)
  })
})
