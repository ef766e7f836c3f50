import assert from 'node:assert/strict'
import { encodeBytes32String, id, type Wallet, ZeroAddress, ZeroHash } from 'ethers'
import { shoalGovernorBytecode } from '../../node/chain/abi/bytecode/shoal-governor.ts'
import { timelockBytecode } from '../../node/chain/abi/bytecode/timelock.ts'
import { shoalGovernorAbi } from '../../node/chain/abi/shoal-governor.ts'
import { timelockAbi } from '../../node/chain/abi/timelock.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import {
  deployGovernance,
  type Governance,
  MIN_QUORUM,
  PROPOSAL_THRESHOLD,
  TIMELOCK_DELAY,
  UNBONDING_DELAY,
  VOTING_DELAY,
  VOTING_PERIOD,
} from './fixtures/governance.ts'
import { alice, bob, CREDIT, carol, DAY, deployer, type TestContract } from './test-chain.ts'

const AGAINST = 0
const FOR = 1
const ABSTAIN = 2
const MONTH = BigInt(30 * DAY)

const STATES = [
  'Pending',
  'Active',
  'Canceled',
  'Defeated',
  'Succeeded',
  'Queued',
  'Expired',
  'Executed',
] as const

interface Proposal {
  id: bigint
  /** What queue and execute take. */
  args: readonly unknown[]
}

describe('ShoalGovernor', () => {
  let governance: Governance

  beforeEach(async () => {
    governance = await deployGovernance(carol.address)
    await stake(alice, 200n * CREDIT)
    await stake(bob, 100n * CREDIT)
    governance.chain.now += 1
  })

  async function stake(wallet: Wallet, amount: bigint): Promise<void> {
    const { creditToken, staking } = governance
    await creditToken.send(deployer, 'transfer', wallet.address, amount)
    await creditToken.send(wallet, 'approve', staking.address, amount)
    await staking.send(wallet, 'stake', amount)
  }

  async function propose(
    from: Wallet,
    calls: readonly (readonly [contract: TestContract, method: string, ...args: unknown[]])[],
    description = 'A decision',
  ): Promise<Proposal> {
    const targets = calls.map(([{ address }]) => address)
    const values = calls.map(() => 0n)
    const data = calls.map(([{ abi }, method, ...args]) => abi.encodeFunctionData(method, args))
    const { governor } = governance
    const { returned } = await governor.send(from, 'propose', targets, values, data, description)
    return { id: returned as bigint, args: [targets, values, data, id(description)] }
  }

  async function state(proposal: Proposal): Promise<(typeof STATES)[number]> {
    return STATES[Number(await governance.governor.view('state', proposal.id))]!
  }

  const toVote = () => {
    governance.chain.now += VOTING_DELAY + 1
  }
  const toEnd = () => {
    governance.chain.now += VOTING_PERIOD
  }

  async function vote(proposal: Proposal, ...votes: readonly (readonly [Wallet, number])[]): Promise<void> {
    toVote()
    for (const [wallet, support] of votes) {
      await governance.governor.send(wallet, 'castVote', proposal.id, support)
    }
    toEnd()
  }

  /** Carries calls out by a decision. */
  async function decide(
    calls: readonly (readonly [contract: TestContract, method: string, ...args: unknown[]])[],
    description?: string,
  ): Promise<void> {
    const proposal = await propose(alice, calls, description)
    await vote(proposal, [alice, FOR])
    await governance.governor.send(carol, 'queue', ...proposal.args)
    governance.chain.now += Number(await governance.timelock.view('getMinDelay'))
    await governance.governor.send(carol, 'execute', ...proposal.args)
  }

  const setDelay = (days: number) => [governance.staking, 'setUnbondingDelay', days * DAY] as const

  it('begins with its settings and bounds that follow from them', async () => {
    const { governor, staking, timelock } = governance
    assert.equal(await governor.view('name'), 'Shoal Governor')
    assert.equal(await governor.view('token'), staking.address)
    assert.equal(await governor.view('timelock'), timelock.address)
    assert.equal(await governor.view('CLOCK_MODE'), 'mode=timestamp')
    assert.equal(await governor.view('COUNTING_MODE'), 'support=bravo&quorum=for')
    assert.equal(await governor.view('votingDelay'), BigInt(VOTING_DELAY))
    assert.equal(await governor.view('votingPeriod'), BigInt(VOTING_PERIOD))
    assert.equal(await governor.view('proposalThreshold'), PROPOSAL_THRESHOLD)
    assert.equal(await governor.view('minVotingDelay'), 30n)
    assert.equal(await governor.view('minVotingPeriod'), 301n)
    assert.equal(await governor.view('maxProposalThreshold'), 10n * PROPOSAL_THRESHOLD)
    assert.equal(await governor.view('QUORUM_NUMERATOR'), 2n)
    assert.equal(await governor.view('QUORUM_DENOMINATOR'), 3n)
    assert.equal(await governor.view('MAX_VOTING_SECONDS'), MONTH)
    assert.equal(await governor.view('THRESHOLD_RANGE'), 10n)
    assert.equal(await governor.view('minQuorum'), MIN_QUORUM)
    assert.equal(await governor.view('proposalNeedsQueuing', 0n), true)
  })

  it('cannot begin out of its bounds', async () => {
    const { chain, staking, timelock } = governance
    const deploy = (votingDelay: bigint, votingPeriod: bigint) =>
      chain.deploy(deployer, shoalGovernorAbi, shoalGovernorBytecode, [
        staking.address,
        timelock.address,
        votingDelay,
        votingPeriod,
        0n,
        0n,
      ])
    await assertReverts(deploy(MONTH + 1n, 1n), 'SettingOutOfBounds', MONTH + 1n, 0n, MONTH)
    await assertReverts(deploy(0n, MONTH + 1n), 'SettingOutOfBounds', MONTH + 1n, 1n, MONTH)
    await assertReverts(deploy(0n, 0n), 'GovernorInvalidVotingPeriod', 0n)
    await deploy(MONTH, MONTH)
    const least = await deploy(0n, 1n)
    assert.equal(await least.view('minVotingDelay'), 0n)
    assert.equal(await least.view('minVotingPeriod'), 1n)
    assert.equal(await least.view('maxProposalThreshold'), 0n)
  })

  describe('a decision', () => {
    it('is proposed, voted with two thirds of all stake, queued and executed', async () => {
      const { chain, governor, staking } = governance
      const proposal = await propose(alice, [setDelay(20)])
      assert.equal(await state(proposal), 'Pending')
      await assertReverts(
        governor.send(alice, 'castVote', proposal.id, FOR),
        'GovernorUnexpectedProposalState',
        proposal.id,
        0n,
        `0x${'2'.padStart(64, '0')}`,
      )
      toVote()
      assert.equal(await state(proposal), 'Active')
      const cast = await governor.send(alice, 'castVote', proposal.id, FOR)
      assertEvents(cast, ['VoteCast', alice.address, proposal.id, BigInt(FOR), 200n * CREDIT, ''])
      assert.equal(await governor.view('hasVoted', proposal.id, alice.address), true)
      assert.deepEqual(
        [...(await governor.view<bigint[]>('proposalVotes', proposal.id))],
        [0n, 200n * CREDIT, 0n],
      )
      toEnd()
      assert.equal(await state(proposal), 'Succeeded')
      await governor.send(carol, 'queue', ...proposal.args)
      assert.equal(await state(proposal), 'Queued')
      assert.equal(await governor.view('proposalEta', proposal.id), BigInt(chain.now + TIMELOCK_DELAY))
      chain.now += TIMELOCK_DELAY - 1
      await assert.rejects(governor.send(carol, 'execute', ...proposal.args), {
        error: 'TimelockUnexpectedOperationState',
      })
      assert.equal(await staking.view('unbondingDelay'), BigInt(UNBONDING_DELAY))
      chain.now += 1
      await governor.send(carol, 'execute', ...proposal.args)
      assert.equal(await state(proposal), 'Executed')
      assert.equal(await staking.view('unbondingDelay'), BigInt(20 * DAY))
      await assert.rejects(governor.send(carol, 'execute', ...proposal.args), {
        error: 'GovernorUnexpectedProposalState',
      })
    })

    it('carries several calls out, or none of them', async () => {
      const { contractRegistry, emergencyPause, staking } = governance
      const name = encodeBytes32String('Staking')
      await decide([
        [contractRegistry, 'publish', name, staking.address, '1'],
        [emergencyPause, 'setGuardian', bob.address],
      ])
      assert.equal(await contractRegistry.view('versionCount', name), 1n)
      assert.equal(await emergencyPause.view('guardian'), bob.address)
      const failing = decide(
        [
          [emergencyPause, 'setGuardian', alice.address],
          [staking, 'setUnbondingDelay', 61 * DAY],
        ],
        'Too long',
      )
      await assert.rejects(failing, { error: 'DelayOutOfBounds' })
      assert.equal(await emergencyPause.view('guardian'), bob.address)
    })

    it('pauses deposits without the guardian', async () => {
      const { emergencyPause, staking } = governance
      await decide([[emergencyPause, 'pause']])
      await assert.rejects(stake(carol, 1n), { error: 'DepositsPaused' })
      assert.notEqual(await staking.view('depositsPausedUntil'), 0n)
    })
  })

  describe('the quorum', () => {
    it('is two thirds of all stake when the vote began, rounded up', async () => {
      const { chain, governor } = governance
      assert.equal(await governor.view('quorum', chain.now - 1), 200n * CREDIT)
      await stake(carol, 1n)
      chain.now += 1
      assert.equal(await governor.view('quorum', chain.now - 1), 200n * CREDIT + 1n)
    })

    it('is not reached by one base unit less', async () => {
      await stake(carol, 1n)
      const proposal = await propose(alice, [setDelay(20)])
      await vote(proposal, [alice, FOR])
      assert.equal(await state(proposal), 'Defeated')
      await assert.rejects(governance.governor.send(carol, 'queue', ...proposal.args), {
        error: 'GovernorUnexpectedProposalState',
      })
      const again = await propose(alice, [setDelay(20)], 'Again')
      await vote(again, [alice, FOR], [carol, FOR])
      assert.equal(await state(again), 'Succeeded')
    })

    it('does not count who abstains or is against', async () => {
      for (const support of [ABSTAIN, AGAINST]) {
        const proposal = await propose(bob, [setDelay(20)], `support ${support}`)
        await vote(proposal, [bob, FOR], [alice, support])
        assert.equal(await state(proposal), 'Defeated')
      }
    })

    it('is not helped by stake that came after the vote began, nor by stake that left', async () => {
      const { staking } = governance
      const proposal = await propose(bob, [setDelay(20)])
      toVote()
      await stake(carol, 1_000n * CREDIT)
      await governance.governor.send(carol, 'castVote', proposal.id, FOR)
      await governance.governor.send(bob, 'castVote', proposal.id, FOR)
      toEnd()
      assert.equal(await state(proposal), 'Defeated')
      await staking.send(carol, 'startUnbonding', 1_000n * CREDIT)
      governance.chain.now += 1
      assert.equal(await governance.governor.view('getVotes', carol.address, governance.chain.now - 1), 0n)
      assert.equal(await governance.governor.view('quorum', governance.chain.now - 1), 200n * CREDIT)
    })

    it('has a floor, which early wallets alone do not reach', async () => {
      governance = await deployGovernance(carol.address)
      const { chain, governor } = governance
      await stake(alice, MIN_QUORUM - 1n)
      chain.now += 1
      assert.equal(await governor.view('quorum', chain.now - 1), MIN_QUORUM)
      const proposal = await propose(alice, [setDelay(20)])
      await vote(proposal, [alice, FOR])
      assert.equal(await state(proposal), 'Defeated')
      await stake(alice, 1n)
      chain.now += 1
      const again = await propose(alice, [setDelay(20)], 'Again')
      await vote(again, [alice, FOR])
      assert.equal(await state(again), 'Succeeded')
    })

    it('cannot be met while nobody has staked', async () => {
      governance = await deployGovernance(carol.address)
      governance.chain.now += 1
      await assert.rejects(propose(alice, [setDelay(20)]), { error: 'GovernorInsufficientProposerVotes' })
    })
  })

  describe('voting', () => {
    it('counts each voter once and knows three answers', async () => {
      const { governor } = governance
      const proposal = await propose(alice, [setDelay(20)])
      toVote()
      await governor.send(bob, 'castVote', proposal.id, AGAINST)
      await assertReverts(
        governor.send(bob, 'castVote', proposal.id, FOR),
        'GovernorAlreadyCastVote',
        bob.address,
      )
      await assertReverts(governor.send(alice, 'castVote', proposal.id, 3), 'GovernorInvalidVoteType')
    })

    it('takes a signed vote, once, for its voter alone', async () => {
      const { chain, governor } = governance
      const proposal = await propose(alice, [setDelay(20)])
      toVote()
      const domain = {
        name: 'Shoal Governor',
        version: '1',
        chainId: chain.chainId,
        verifyingContract: governor.address,
      }
      const types = {
        Ballot: [
          { name: 'proposalId', type: 'uint256' },
          { name: 'support', type: 'uint8' },
          { name: 'voter', type: 'address' },
          { name: 'nonce', type: 'uint256' },
        ],
      }
      const ballot = { proposalId: proposal.id, support: FOR, voter: alice.address, nonce: 0n }
      const signature = await alice.signTypedData(domain, types, ballot)
      await assertReverts(
        governor.send(carol, 'castVoteBySig', proposal.id, FOR, bob.address, signature),
        'GovernorInvalidSignature',
        bob.address,
      )
      await governor.send(carol, 'castVoteBySig', proposal.id, FOR, alice.address, signature)
      await assert.rejects(
        governor.send(carol, 'castVoteBySig', proposal.id, FOR, alice.address, signature),
        { error: 'GovernorInvalidSignature' },
      )
      toEnd()
      assert.equal(await state(proposal), 'Succeeded')
    })
  })

  describe('proposing', () => {
    it('takes the threshold of stake', async () => {
      await stake(carol, PROPOSAL_THRESHOLD - 1n)
      governance.chain.now += 1
      await assertReverts(
        propose(carol, [setDelay(20)]),
        'GovernorInsufficientProposerVotes',
        carol.address,
        PROPOSAL_THRESHOLD - 1n,
        PROPOSAL_THRESHOLD,
      )
      await stake(carol, 1n)
      governance.chain.now += 1
      await propose(carol, [setDelay(20)])
    })

    it('can be taken back by the proposer before the vote, and by nobody else or later', async () => {
      const { governor } = governance
      const proposal = await propose(alice, [setDelay(20)])
      await assertReverts(
        governor.send(bob, 'cancel', ...proposal.args),
        'GovernorUnableToCancel',
        proposal.id,
        bob.address,
      )
      await governor.send(alice, 'cancel', ...proposal.args)
      assert.equal(await state(proposal), 'Canceled')
      const later = await propose(alice, [setDelay(20)], 'Later')
      toVote()
      await assert.rejects(governor.send(alice, 'cancel', ...later.args), { error: 'GovernorUnableToCancel' })
    })
  })

  describe('settings', () => {
    it('change by a decision, within their bounds', async () => {
      const { governor } = governance
      await decide([
        [governor, 'setVotingDelay', 30],
        [governor, 'setVotingPeriod', MONTH],
        [governor, 'setProposalThreshold', 10n * PROPOSAL_THRESHOLD],
      ])
      assert.equal(await governor.view('votingDelay'), 30n)
      assert.equal(await governor.view('votingPeriod'), MONTH)
      assert.equal(await governor.view('proposalThreshold'), 10n * PROPOSAL_THRESHOLD)
    })

    for (const [method, value, lowest, highest] of [
      ['setVotingDelay', 29n, 30n, MONTH],
      ['setVotingDelay', MONTH + 1n, 30n, MONTH],
      ['setVotingPeriod', 300n, 301n, MONTH],
      ['setVotingPeriod', MONTH + 1n, 301n, MONTH],
      ['setProposalThreshold', 10n * PROPOSAL_THRESHOLD + 1n, 0n, 10n * PROPOSAL_THRESHOLD],
    ] as const) {
      it(`refuse ${method}(${value})`, async () => {
        const deciding = decide([[governance.governor, method, value]])
        await assertReverts(deciding, 'SettingOutOfBounds', value, lowest, highest)
      })
    }

    it('change by a decision alone', async () => {
      const { governor } = governance
      for (const [method, value] of [
        ['setVotingDelay', 30n],
        ['setVotingPeriod', 301n],
        ['setProposalThreshold', 0n],
      ] as const) {
        await assertReverts(governor.send(alice, method, value), 'GovernorOnlyExecutor', alice.address)
      }
    })
  })

  describe('its timelock', () => {
    it('is used by the governor alone', async () => {
      const { governor, staking, timelock } = governance
      const data = staking.abi.encodeFunctionData('setUnbondingDelay', [20 * DAY])
      const call = [staking.address, 0n, data, ZeroHash, ZeroHash]
      for (const wallet of [deployer, alice, carol]) {
        for (const [method, role, ...args] of [
          ['schedule', 'PROPOSER_ROLE', ...call, TIMELOCK_DELAY],
          ['execute', 'EXECUTOR_ROLE', ...call],
          ['cancel', 'CANCELLER_ROLE', ZeroHash],
          ['grantRole', 'DEFAULT_ADMIN_ROLE', ZeroHash, wallet.address],
        ] as const) {
          const roleId = await timelock.view<string>(role)
          const sending = timelock.send(wallet, method, ...args)
          await assertReverts(sending, 'AccessControlUnauthorizedAccount', wallet.address, roleId)
        }
      }
      for (const role of ['PROPOSER_ROLE', 'EXECUTOR_ROLE', 'CANCELLER_ROLE']) {
        const roleId = await timelock.view(role)
        assert.equal(await timelock.view('hasRole', roleId, governor.address), true)
        assert.equal(await timelock.view('hasRole', roleId, ZeroAddress), false)
      }
    })

    it('keeps its delay within bounds', async () => {
      const { timelock } = governance
      assert.equal(await timelock.view('minimumDelay'), BigInt(TIMELOCK_DELAY / 2))
      assert.equal(await timelock.view('MAX_DELAY'), MONTH)
      await assertReverts(
        timelock.send(alice, 'updateDelay', TIMELOCK_DELAY),
        'TimelockUnauthorizedCaller',
        alice.address,
      )
      await decide([[timelock, 'updateDelay', TIMELOCK_DELAY / 2]])
      assert.equal(await timelock.view('getMinDelay'), BigInt(TIMELOCK_DELAY / 2))
      const lowest = BigInt(TIMELOCK_DELAY / 2)
      for (const delay of [lowest - 1n, MONTH + 1n]) {
        const deciding = decide([[timelock, 'updateDelay', delay]], `delay ${delay}`)
        await assertReverts(deciding, 'DelayOutOfBounds', delay, lowest, MONTH)
      }
      await decide([[timelock, 'updateDelay', MONTH]], 'A month')
      assert.equal(await timelock.view('getMinDelay'), MONTH)
    })

    it('cannot begin without a delay, or with one above its bound', async () => {
      const deploy = (delay: bigint) =>
        governance.chain.deploy(deployer, timelockAbi, timelockBytecode, [delay, deployer.address])
      await assertReverts(deploy(0n), 'DelayOutOfBounds', 0n, 1n, MONTH)
      await assertReverts(deploy(MONTH + 1n), 'DelayOutOfBounds', MONTH + 1n, 1n, MONTH)
      const odd = await deploy(3n)
      assert.equal(await odd.view('minimumDelay'), 2n)
      await deploy(MONTH)
    })
  })
})
