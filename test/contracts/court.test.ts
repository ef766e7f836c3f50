import assert from 'node:assert/strict'
import {
  AbiCoder,
  encodeBytes32String,
  keccak256,
  type LogDescription,
  type Result,
  toBeHex,
  type Wallet,
  ZeroAddress,
  ZeroHash,
} from 'ethers'
import { courtBytecode } from '../../node/chain/abi/bytecode/court.ts'
import { courtParametersBytecode } from '../../node/chain/abi/bytecode/court-parameters.ts'
import { settlementBytecode } from '../../node/chain/abi/bytecode/settlement.ts'
import { courtAbi } from '../../node/chain/abi/court.ts'
import { courtParametersAbi } from '../../node/chain/abi/court-parameters.ts'
import { settlementAbi } from '../../node/chain/abi/settlement.ts'
import { ticketDepositIdOf } from '../../protocol/typed-data.ts'
import { assertReverts } from './assertions.ts'
import {
  anchored,
  CASH,
  type CourtFixture,
  claimOf,
  deployCourt,
  deployCourtAlone,
  fault,
  type Inclusion,
  logOf,
  outcome,
  PARAMETERS,
  PARTY_STAKE,
  type Parameters,
  PENALTIES,
  PROVIDER_COMPUTE,
  type ReceiptValues,
  receiptOf,
  type Statement,
  signed,
  stake,
  state,
  stated,
  VALIDATOR,
  VALIDATOR_STAKE,
  VALIDATORS,
  vote,
} from './fixtures/court.ts'
import { alice, bob, CREDIT, carol, DAY, deployer, pauser, session, wallets } from './test-chain.ts'
import { newTicket, signTicket } from './tickets.ts'
import { signVoucher } from './vouchers.ts'

const { bond: BOND, jurorBond: JUROR_BOND, jurorFee: FEE } = PARAMETERS
const APPEAL_BOND = 3n * BOND
const PENALTY = PARTY_STAKE / 10n
const BOUNTY = PENALTY / 2n
const BPS = 10_000n
const coder = AbiCoder.defaultAbiCoder()
const SALT = toBeHex(0x5a17n, 32)

/** `assertEvents` for events that carry structs: these are compared as lists. */
function assertEvents(
  { events }: { events: readonly LogDescription[] },
  ...expected: readonly (readonly [name: string, ...args: unknown[]])[]
): void {
  const plain = (value: unknown): unknown => (Array.isArray(value) ? Array.from(value, plain) : value)
  assert.deepEqual(
    events.map(({ name, args }) => [name, ...Array.from(args, plain)]),
    expected,
  )
}

/** How a juror behaves: a vote, or silence after or before its commitment. */
type Ballot = 'guilty' | 'innocent' | 'abstain' | 'silent' | 'absent'
const G = 'guilty'
const I = 'innocent'
const A = 'abstain'

describe('Court', () => {
  let fixture: CourtFixture
  let restore: () => Promise<void>

  before(async () => {
    fixture = await deployCourt()
    restore = await fixture.chain.snapshot()
  })

  beforeEach(() => restore())

  const court = (from: Wallet, name: string, ...args: unknown[]) => fixture.court.send(from, name, ...args)
  const owed = (wallet: Wallet) => fixture.court.view('owedTo', wallet.address)
  const stakeOf = (wallet: Wallet) => fixture.staking.view('stakeOf', wallet.address)
  const lockedOf = (wallet: Wallet) => fixture.staking.view('lockedOf', wallet.address)
  const supply = () => fixture.creditToken.view('totalSupply')
  const held = () => fixture.creditToken.view('balanceOf', fixture.court.address)
  const disputeOf = (id: bigint) => fixture.court.view<Result>('disputeOf', id)
  const panelOf = (id: bigint, round = 0n) => fixture.jury.view<Result>('panelOf', id, round)
  const skip = (seconds: number | bigint) => {
    fixture.chain.now += Number(seconds)
  }
  const now = () => BigInt(fixture.chain.now)
  const wallet = (address: string) => wallets.find(known => known.address === address)!
  const seatsOf = async (id: bigint, round = 0n) => {
    const seats = await fixture.jury.view<Result[]>('seatsOf', id, round)
    return seats.map(({ juror }) => wallet(juror))
  }
  const idOf = async (opened: Promise<{ returned: unknown }>) => (await opened).returned as bigint
  /** The court's event of this name. */
  const assertClosed = (
    sent: { events: readonly { name: string; args: Result }[] },
    ...expected: readonly unknown[]
  ) => {
    const closed = sent.events.find(({ name }) => name === 'DisputeClosed')
    assert.deepEqual(closed === undefined ? undefined : [...closed.args], expected)
  }

  const deadlineOf = async (id: bigint) => (await disputeOf(id)).deadline
  const anyReceipt = (values: Partial<ReceiptValues> = {}) => receiptOf(fixture, values)
  /** Carol accuses bob of a wrong output. */
  async function openOutput(values: Partial<ReceiptValues> = {}, challenger = carol) {
    const receipt = anyReceipt(values)
    const inclusion = await stated(fixture, bob, receipt)
    return { receipt, inclusion, id: await idOf(court(challenger, 'challengeOutput', receipt, inclusion)) }
  }
  async function seat(id: bigint, from = session) {
    await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
    const { returned } = await court(from, 'draw', id, 256n)
    assert.equal(returned, state.vote)
  }
  const commitment = (id: bigint, round: bigint, juror: string, cast: bigint, salt = SALT) =>
    keccak256(
      coder.encode(['uint256', 'uint256', 'address', 'uint8', 'bytes32'], [id, round, juror, cast, salt]),
    )
  /** Lets a seated jury vote; afterwards it can be counted. */
  async function ballot(id: bigint, round: bigint, ballots: readonly Ballot[]) {
    const jurors = await seatsOf(id, round)
    assert.equal(ballots.length, jurors.length)
    const castOf = (choice: Ballot) =>
      choice === 'silent' || choice === 'absent' ? vote.guilty : vote[choice]
    for (const [i, choice] of ballots.entries()) {
      if (choice === 'absent') continue
      const hash = commitment(id, round, jurors[i]!.address, castOf(choice))
      await fixture.jury.send(jurors[i]!, 'commit', id, hash)
    }
    skip(PARAMETERS.commitPeriod)
    for (const [i, choice] of ballots.entries()) {
      if (choice === 'absent' || choice === 'silent') continue
      await fixture.jury.send(jurors[i]!, 'reveal', id, castOf(choice), SALT)
    }
    if (ballots.includes('silent')) skip(PARAMETERS.revealPeriod)
    return jurors
  }
  const advance = (id: bigint) => court(session, 'advance', id)
  /** A first round up to its count. */
  async function firstRound(ballots: readonly Ballot[]) {
    const { id } = await openOutput()
    await seat(id)
    const jurors = await ballot(id, 0n, ballots)
    return { id, jurors, counted: await advance(id) }
  }
  async function secondRound(id: bigint, appellant: Wallet, ballots: readonly Ballot[]) {
    await court(appellant, 'appeal', id)
    await seat(id)
    const jurors = await ballot(id, 1n, ballots)
    return { jurors, closed: await advance(id) }
  }
  /** Nothing is left of a dispute but what is owed. */
  async function assertSettled(...accounts: readonly Wallet[]) {
    let total = 0n
    for (const account of new Set([alice, bob, carol, session, ...accounts])) total += await owed(account)
    assert.equal(await held(), total)
    for (const account of [alice, bob, ...fixture.validators]) assert.equal(await lockedOf(account), 0n)
  }

  describe('constructor', () => {
    it('fixes what it works with and makes its jury', async () => {
      const {
        court: deployed,
        creditToken,
        staking,
        settlement,
        auditAnchor,
        courtParameters,
        jury,
      } = fixture
      assert.equal(await deployed.view('creditToken'), creditToken.address)
      assert.equal(await deployed.view('staking'), staking.address)
      assert.equal(await deployed.view('settlement'), settlement.address)
      assert.equal(await deployed.view('auditAnchor'), auditAnchor.address)
      assert.equal(await deployed.view('parameters'), courtParameters.address)
      assert.equal(await jury.view('court'), deployed.address)
      assert.equal(await jury.view('staking'), staking.address)
      assert.equal(await deployed.view('disputeCount'), 0n)
    })

    it('refuses zero addresses and another token', async () => {
      const { chain, creditToken, staking, settlement, auditAnchor, courtParameters } = fixture
      const deploy = (...args: string[]) => chain.deploy(deployer, courtAbi, courtBytecode, args)
      await assertReverts(deploy(courtParameters.address, ZeroAddress, auditAnchor.address), 'ZeroAddress')
      await assertReverts(deploy(courtParameters.address, settlement.address, ZeroAddress), 'ZeroAddress')
      const other = await chain.deploy(deployer, settlementAbi, settlementBytecode, [
        staking.address,
        staking.address,
        pauser.address,
        3_600n,
      ])
      assert.notEqual(await other.view('creditToken'), creditToken.address)
      await assertReverts(deploy(courtParameters.address, other.address, auditAnchor.address), 'TokensDiffer')
    })

    it('leaves the jury to no one but the court that made it', async () => {
      const { jury } = fixture
      const request = [1n, [ZeroAddress, ZeroAddress, ZeroAddress], 0n, 1n, 1n, 1n, 1n, 1n, 1n]
      await assertReverts(jury.send(alice, 'summon', 1n, 0n, 5n, 1n), 'OnlyCourt')
      await assertReverts(jury.send(alice, 'draw', request, 1n), 'OnlyCourt')
    })
  })

  describe('parameters', () => {
    const set = (values: Partial<Parameters>, from = deployer) =>
      fixture.courtParameters.send(from, 'setParameters', { ...PARAMETERS, ...values })
    const setPenalties = (kind: bigint, first: bigint, second: bigint, further: bigint, from = deployer) =>
      fixture.courtParameters.send(from, 'setPenalties', kind, { first, second, further })

    it('come in versions that stay', async () => {
      const { courtParameters } = fixture
      assert.equal(await courtParameters.view('parametersVersion'), 0n)
      const changed = { ...PARAMETERS, bond: 200n * CREDIT, jurySize: 7n }
      assertEvents(await set(changed), ['ParametersSet', 1n, Object.values(changed)])
      assert.equal(await courtParameters.view('parametersVersion'), 1n)
      assert.deepEqual(
        [...(await courtParameters.view<Result>('parametersAt', 0n))],
        Object.values(PARAMETERS),
      )
      assert.deepEqual([...(await courtParameters.view<Result>('parametersAt', 1n))], Object.values(changed))
    })

    it('are set by the owner alone', async () => {
      await assertReverts(set({}, alice), 'OwnableUnauthorizedAccount', alice.address)
      await assertReverts(setPenalties(0n, 0n, 0n, 0n, alice), 'OwnableUnauthorizedAccount', alice.address)
    })

    it('stay within their bounds', async () => {
      for (const size of [0n, 4n, 6n, 9n])
        await assertReverts(set({ jurySize: size }), 'InvalidJurySize', size)
      const bounds: [keyof Parameters, bigint, bigint][] = [
        ['bond', CREDIT, 100_000n * CREDIT],
        ['jurorBond', CREDIT, 10_000n * CREDIT],
        ['drawDelay', 1n, 256n],
        ['bountyBps', 0n, 5_000n],
        ['jurorFee', 0n, BOND / 10n],
        ['weightCap', 1n, 200_000n * CREDIT],
      ]
      for (const [name, lowest, highest] of bounds) {
        const fee = name === 'bond' ? { jurorFee: 0n } : {}
        for (const value of [lowest, highest]) await set({ ...fee, [name]: value })
        const outside = lowest === 0n ? [highest + 1n] : [lowest - 1n, highest + 1n]
        for (const value of outside) {
          await assertReverts(
            set({ ...fee, [name]: value }),
            'ParameterOutOfBounds',
            encodeBytes32String(name),
            value,
            lowest,
            highest,
          )
        }
      }
      const periods = [
        'challengeWindow',
        'responseWindow',
        'drawPeriod',
        'commitPeriod',
        'revealPeriod',
        'appealWindow',
      ] as const
      for (const name of periods) {
        await set({ [name]: 600n })
        const error = ['ParameterOutOfBounds', encodeBytes32String(name), 599n, 600n, 2n ** 32n - 1n] as const
        await assertReverts(set({ [name]: 599n }), ...error)
      }
    })

    it('end every dispute before stake can leave', async () => {
      const limit = BigInt(21 * DAY)
      const { drawPeriod, commitPeriod, revealPeriod, appealWindow } = PARAMETERS
      const course = 2n * (drawPeriod + commitPeriod + revealPeriod) + appealWindow
      await set({ challengeWindow: limit - course - 1n })
      await assertReverts(set({ challengeWindow: limit - course }), 'CourseTooLong', limit, limit)
      const responseWindow = limit - PARAMETERS.challengeWindow
      await set({ responseWindow: responseWindow - 1n })
      await assertReverts(set({ responseWindow }), 'CourseTooLong', limit, limit)
    })

    it('have graded penalties, a first mistake costing at most a tenth', async () => {
      assertEvents(await setPenalties(fault.output, 1_000n, 1_000n, 10_000n), [
        'PenaltiesSet',
        fault.output,
        [1_000n, 1_000n, 10_000n],
      ])
      await assertReverts(setPenalties(fault.output, 2n, 1n, 3n), 'PenaltiesNotGraded')
      await assertReverts(setPenalties(fault.output, 1n, 3n, 2n), 'PenaltiesNotGraded')
      const [first, further] = ['first', 'further'].map(encodeBytes32String)
      for (const kind of [fault.voucher, fault.tickets, fault.unpaid, fault.output]) {
        await assertReverts(
          setPenalties(kind, 1_001n, 2_000n, 3_000n),
          'ParameterOutOfBounds',
          first,
          1_001n,
          0n,
          1_000n,
        )
      }
      await assertReverts(
        setPenalties(fault.equivocation, 1n, 2n, 10_001n),
        'ParameterOutOfBounds',
        further,
        10_001n,
        0n,
        BPS,
      )
      await setPenalties(fault.equivocation, BPS, BPS, BPS)
      const { courtParameters } = fixture
      assert.deepEqual(
        [...(await courtParameters.view<Result>('penaltiesOf', fault.equivocation))],
        [BPS, BPS, BPS],
      )
      const penalty = (earlier: bigint) =>
        courtParameters.view('penaltyDown', fault.tickets, earlier, 10_019n)
      assert.deepEqual(
        [await penalty(0n), await penalty(1n), await penalty(2n), await penalty(9n)],
        [500n, 1_001n, 2_003n, 2_003n],
      )
    })

    it('are checked at the start too', async () => {
      const { chain, staking } = fixture
      const deploy = (stakingAddress: string, parameters: Parameters) =>
        chain.deploy(deployer, courtParametersAbi, courtParametersBytecode, [
          deployer.address,
          stakingAddress,
          parameters,
          PENALTIES,
        ])
      await assertReverts(deploy(ZeroAddress, PARAMETERS), 'ZeroStaking')
      await assertReverts(deploy(staking.address, { ...PARAMETERS, jurySize: 6n }), 'InvalidJurySize', 6n)
    })

    it('do not change for a dispute that runs', async () => {
      const { id } = await openOutput()
      await set({
        bond: 1_000n * CREDIT,
        jurorBond: 5n * CREDIT,
        bountyBps: 0n,
        jurySize: 7n,
        jurorFee: 0n,
        drawPeriod: 600n,
        commitPeriod: 600n,
        revealPeriod: 600n,
        appealWindow: 600n,
      })
      await setPenalties(fault.output, 0n, 0n, 0n)
      await seat(id)
      const jurors = await ballot(id, 0n, [G, G, G, G, 'silent'])
      assert.equal(await lockedOf(jurors[0]!), JUROR_BOND)
      await advance(id)
      assert.equal(await stakeOf(jurors[4]!), VALIDATOR_STAKE - JUROR_BOND)
      assert.equal((await disputeOf(id)).deadline, now() + PARAMETERS.appealWindow)
      skip(PARAMETERS.appealWindow)
      assertClosed(await advance(id), id, bob.address, outcome.guilty, PENALTY, BOUNTY)
      assert.equal(await owed(jurors[0]!), FEE)
      assert.equal(await owed(carol), BOND + BOUNTY / 2n)
    })
  })

  describe('equivocation', () => {
    const HALF = PARTY_STAKE / 2n
    const roots = (node: Wallet, first: Statement, second: Statement, from = carol) =>
      court(from, 'challengeRoots', node.address, first, second)
    const leaves = (node: Wallet, first: Inclusion, second: Inclusion, from = carol) =>
      court(from, 'challengeLeaves', node.address, first, second)
    const [one, two, three] = ['one', 'two', 'three'].map(name => logOf(['a', 'b', name])) as [
      ReturnType<typeof logOf>,
      ReturnType<typeof logOf>,
      ReturnType<typeof logOf>,
    ]
    const key = (node: Wallet, { root, firstSequence, lastSequence } = two.range) =>
      keccak256(
        coder.encode(
          ['address', 'bytes32', 'uint64', 'uint64'],
          [node.address, root, firstSequence, lastSequence],
        ),
      )

    it('by two roots for one range is punished at once', async () => {
      const before = await supply()
      const sent = await roots(
        bob,
        await anchored(fixture, bob, one.range),
        await signed(fixture, bob, two.range),
      )
      assert.equal(sent.returned, 1n)
      assertEvents(
        sent,
        ['DisputeOpened', 1n, fault.equivocation, bob.address, carol.address, key(bob), 0n, HALF, now()],
        ['DisputeClosed', 1n, bob.address, outcome.guilty, HALF, HALF / 2n],
        ['Credited', carol.address, HALF / 2n],
      )
      assert.equal(await stakeOf(bob), PARTY_STAKE - HALF)
      assert.equal(await supply(), before - HALF / 2n)
      assert.equal(await fixture.court.view('convictionsOf', bob.address), 1n)
      assert.deepEqual(
        [...(await disputeOf(1n))],
        [
          bob.address,
          fault.equivocation,
          state.closed,
          outcome.guilty,
          0n,
          now(),
          carol.address,
          0n,
          ZeroAddress,
          0n,
          HALF,
          HALF,
          0n,
          0n,
          0n,
          0n,
          key(bob),
        ],
      )
      await assertSettled()
    })

    it('reaches stake that is unbonding', async () => {
      await fixture.staking.send(alice, 'startUnbonding', PARTY_STAKE)
      await roots(alice, await signed(fixture, alice, one.range), await signed(fixture, alice, two.range))
      assert.deepEqual([...(await fixture.staking.view<Result>('unbondingOf', alice.address))][0], HALF)
    })

    it('counts a statement once, and costs more each time', async () => {
      const [first, second, third] = await Promise.all(
        [one, two, three].map(({ range }) => signed(fixture, bob, range)),
      )
      await roots(bob, first!, second!)
      await assertReverts(roots(bob, first!, second!), 'AlreadyTried', 1n)
      await assertReverts(roots(bob, second!, first!), 'AlreadyTried', 1n)
      const again = await roots(bob, third!, second!)
      assertClosed(again, 2n, bob.address, outcome.guilty, (HALF * 8n) / 10n, (HALF * 4n) / 10n)
      assert.equal((await disputeOf(2n)).subject, key(bob, three.range))
      await assertReverts(roots(bob, third!, first!), 'AlreadyTried', 1n)
      const other = await signed(fixture, bob, logOf(['x', 'y', 'z']).range)
      assertClosed(await roots(bob, third!, other), 3n, bob.address, outcome.guilty, HALF / 5n, HALF / 10n)
      assert.equal(await stakeOf(bob), 0n)
      const last = await signed(fixture, bob, logOf(['u', 'v', 'w']).range)
      await assertReverts(roots(bob, third!, last), 'NothingAtStake', bob.address)
    })

    it('is nothing else', async () => {
      const first = await signed(fixture, bob, one.range)
      const longer = await signed(fixture, bob, logOf(['a', 'b', 'two', 'd']).range)
      const later = await signed(fixture, bob, { ...two.range, firstSequence: 2n })
      await assertReverts(roots(bob, first, first), 'NoContradiction')
      await assertReverts(roots(bob, first, longer), 'NoContradiction')
      await assertReverts(roots(bob, first, later), 'NoContradiction')
    })

    it('needs statements of the node itself', async () => {
      const first = await signed(fixture, bob, one.range)
      const foreign = await signed(fixture, alice, two.range)
      await assertReverts(roots(bob, first, foreign), 'NotStated')
      await assertReverts(roots(bob, foreign, first), 'NotStated')
      const anchor = await anchored(fixture, bob, two.range)
      await assertReverts(roots(bob, first, { ...anchor, anchoredAt: anchor.anchoredAt + 1n }), 'NotStated')
      await assertReverts(roots(bob, first, { ...anchor, anchored: false }), 'NotStated')
      await assertReverts(
        roots(bob, await signed(fixture, bob, one.range), await signed(fixture, bob, two.range), bob),
        'OwnFault',
      )
    })

    it('by two events at one place is punished at once', async () => {
      const first = one.under(await signed(fixture, bob, one.range), 2)
      const longer = logOf(['c', 'd', 'e'], 3n)
      const second = longer.under(await signed(fixture, bob, longer.range), 0)
      await assertReverts(leaves(bob, first, first), 'NoContradiction')
      const sent = await leaves(bob, first, second)
      assertClosed(sent, 1n, bob.address, outcome.guilty, HALF, HALF / 2n)
      assert.equal((await disputeOf(1n)).subject, key(bob, longer.range))
      await assertReverts(leaves(bob, first, second), 'AlreadyTried', 1n)
      await assertSettled()
    })

    it('tells events by hash and claim, and by place', async () => {
      const statement = await signed(fixture, bob, one.range)
      const [at1, at2] = [one.under(statement, 1), one.under(statement, 2)]
      await assertReverts(leaves(bob, at1, at2), 'NoContradiction')
      const claims = logOf(['a', 'b', 'one'], 1n, { 2: toBeHex(1, 32) })
      await leaves(bob, at2, claims.under(await signed(fixture, bob, claims.range), 2))
    })

    it('needs both events under their statements and in their ranges', async () => {
      const first = one.under(await signed(fixture, bob, one.range), 2)
      const second = two.under(await signed(fixture, bob, two.range), 2)
      const foreign = two.under(await signed(fixture, alice, two.range), 2)
      await assertReverts(leaves(bob, first, foreign), 'NotStated')
      await assertReverts(leaves(bob, first, { ...second, proof: first.proof.slice(1) }), 'NotIncluded')
      await assertReverts(leaves(bob, { ...first, proof: [] }, second), 'NotIncluded')
      const below = { ...two.range, firstSequence: 4n, lastSequence: 6n }
      const above = { ...two.range, lastSequence: 2n }
      for (const range of [below, above]) {
        const outside = { ...second, statement: await signed(fixture, bob, range) }
        await assertReverts(leaves(bob, first, outside), 'NotIncluded')
      }
    })

    it('in one tree is equivocation as well', async () => {
      const log = logOf(['a', 'b'])
      const twice = logOf(['a', 'b'])
      const under = twice.under(await signed(fixture, bob, log.range), 1)
      const { StandardMerkleTree } = await import('@openzeppelin/merkle-tree')
      const values = [under.leaf, { ...under.leaf, claim: toBeHex(9, 32) }]
      const tree = StandardMerkleTree.of(
        values.map(({ sequence, eventHash, claim }) => [sequence, eventHash, claim]),
        ['uint64', 'bytes', 'bytes32'],
        { sortLeaves: false },
      )
      const statement = await signed(fixture, bob, { ...log.range, root: tree.root })
      const [first, second] = values.map((leaf, i) => ({ statement, leaf, proof: tree.getProof(i) }))
      await leaves(bob, first!, second!)
      await assertReverts(leaves(bob, second!, first!), 'AlreadyTried', 1n)
    })
  })

  const SECOND = toBeHex(7, 32)
  /** A channel from alice to bob with ten credits. */
  async function openChannel(amount = 10n * CREDIT, salt = ZeroHash) {
    const { creditToken, settlement } = fixture
    await creditToken.send(alice, 'approve', settlement.address, CASH)
    const expiresAt = now() + BigInt(10 * DAY)
    const opened = settlement.send(
      alice,
      'depositAndOpen',
      bob.address,
      session.address,
      salt,
      expiresAt,
      amount,
    )
    return (await opened).returned as string
  }
  const voucherOf = (channelId: string, amount: bigint) =>
    signVoucher(fixture as never, session, channelId, amount)
  async function openVoucher(amount: bigint, from = carol, channelId?: string) {
    const id = channelId ?? (await openChannel())
    const { signature } = await voucherOf(id, amount)
    const opened = court(from, 'challengeVoucher', id, amount, signature)
    // Whoever awaits it hears of a failure.
    opened.catch(() => {})
    return { channelId: id, opened }
  }

  describe('over-issued vouchers', () => {
    const OVER = 12n * CREDIT
    const FIRST = PARTY_STAKE / 10n

    it('give the payer time to cover them', async () => {
      const { channelId, opened } = await openVoucher(OVER)
      const deadline = now() + PARAMETERS.responseWindow
      assertEvents(await opened, [
        'DisputeOpened',
        1n,
        fault.voucher,
        alice.address,
        carol.address,
        channelId,
        OVER,
        FIRST,
        deadline,
      ])
      assert.equal(await lockedOf(alice), FIRST)
      assert.equal(await held(), BOND)
      await assertReverts(advance(1n), 'TooEarly', deadline)
      await fixture.settlement.send(alice, 'depositAndTopUp', channelId, 2n * CREDIT)
      const sent = await advance(1n)
      assert.equal(sent.returned, state.closed)
      assertEvents(
        sent,
        ['DisputeClosed', 1n, alice.address, outcome.cured, 0n, 0n],
        ['Credited', carol.address, BOND],
      )
      assert.equal(await stakeOf(alice), PARTY_STAKE)
      await assertSettled()
      assert.equal((await disputeOf(1n)).state, state.closed)
    })

    it('are punished when they stay uncovered', async () => {
      const { opened } = await openVoucher(OVER)
      await opened
      skip(PARAMETERS.responseWindow)
      assertEvents(
        await advance(1n),
        ['DisputeClosed', 1n, alice.address, outcome.guilty, FIRST, FIRST / 2n],
        ['Credited', carol.address, BOND + FIRST / 2n],
      )
      assert.equal(await stakeOf(alice), PARTY_STAKE - FIRST)
      await assertSettled()
    })

    it('are cured after the deadline too, while nobody has ended it', async () => {
      const { channelId, opened } = await openVoucher(OVER)
      await opened
      skip(PARAMETERS.responseWindow)
      await fixture.settlement.send(alice, 'depositAndTopUp', channelId, 2n * CREDIT)
      assertClosed(await advance(1n), 1n, alice.address, outcome.cured, 0n, 0n)
    })

    it('are tried once at a time, again after a cure, never after a conviction', async () => {
      const { channelId, opened } = await openVoucher(OVER)
      await opened
      await assertReverts((await openVoucher(OVER, carol, channelId)).opened, 'AlreadyOpen', 1n)
      await fixture.settlement.send(alice, 'depositAndTopUp', channelId, 2n * CREDIT)
      await advance(1n)
      await assertReverts((await openVoucher(OVER, carol, channelId)).opened, 'NoFault')
      await (await openVoucher(OVER + 1n, carol, channelId)).opened
      skip(PARAMETERS.responseWindow)
      await advance(2n)
      await assertReverts((await openVoucher(OVER + 2n, carol, channelId)).opened, 'AlreadyTried', 2n)
    })

    it('have to be signed, of a channel that lives, and above its deposit', async () => {
      const channelId = await openChannel()
      const { signature } = await voucherOf(channelId, OVER)
      await assertReverts(court(carol, 'challengeVoucher', channelId, OVER + 1n, signature), 'InvalidVoucher')
      await assertReverts(court(carol, 'challengeVoucher', SECOND, OVER, signature), 'InvalidVoucher')
      await assertReverts((await openVoucher(10n * CREDIT, carol, channelId)).opened, 'NoFault')
      await assertReverts((await openVoucher(OVER, alice, channelId)).opened, 'OwnFault')
      await fixture.settlement.send(bob, 'closeByPayee', channelId)
      await assertReverts((await openVoucher(OVER, carol, channelId)).opened, 'InvalidVoucher')
    })

    it("need the challenger's bond", async () => {
      await fixture.creditToken.send(carol, 'approve', fixture.court.address, BOND - 1n)
      const error = ['ERC20InsufficientAllowance', fixture.court.address, BOND - 1n, BOND] as const
      await assertReverts((await openVoucher(OVER)).opened, ...error)
    })

    it('can be paid through the court when the payee closed the channel', async () => {
      const { channelId, opened } = await openVoucher(OVER)
      await opened
      await fixture.creditToken.send(session, 'approve', fixture.court.address, CASH)
      await assertReverts(court(session, 'payDebt', 1n), 'ChannelStillOpen')
      await fixture.settlement.send(bob, 'settleMany', [await voucherOf(channelId, 3n * CREDIT)])
      await fixture.settlement.send(bob, 'closeByPayee', channelId)
      await assertReverts(advance(1n), 'TooEarly', deadlineOf(1n))
      await fixture.creditToken.send(alice, 'approve', fixture.court.address, CASH)
      const sent = await court(alice, 'payDebt', 1n)
      assert.equal(sent.returned, 9n * CREDIT)
      assertEvents(
        sent,
        ['DebtPaid', 1n, bob.address, 9n * CREDIT],
        ['Credited', bob.address, 9n * CREDIT],
        ['DisputeClosed', 1n, alice.address, outcome.cured, 0n, 0n],
        ['Credited', carol.address, BOND],
      )
      await assertSettled()
      await assertReverts(court(alice, 'payDebt', 1n), 'WrongState', state.closed)
    })
  })

  describe('over-issued tickets', () => {
    const FIRST = PARTY_STAKE / 20n
    const FACE = 5n * CREDIT
    /** A deposit of four credits of which a winner of five is redeemed. */
    async function arrears() {
      const { chain, creditToken, settlement } = fixture
      await creditToken.send(alice, 'approve', settlement.address, CASH)
      await settlement.send(alice, 'depositAndFundTickets', session.address, FACE, 4n * CREDIT, 0n)
      const domain = { chainId: chain.chainId, settlement: settlement.address as never }
      const depositId = ticketDepositIdOf(domain, alice.address as never, session.address as never)
      const { ticket, random } = newTicket(depositId, bob.address, FACE, now() + BigInt(DAY))
      await assertReverts(court(carol, 'challengeTickets', depositId), 'NoFault')
      await settlement.send(bob, 'redeemMany', [await signTicket(fixture as never, session, ticket, random)])
      assert.equal(await settlement.view('arrearsOf', depositId), CREDIT)
      return depositId
    }

    it('give the payer time to pay them', async () => {
      const depositId = await arrears()
      const deadline = now() + PARAMETERS.responseWindow
      assertEvents(await court(carol, 'challengeTickets', depositId), [
        'DisputeOpened',
        1n,
        fault.tickets,
        alice.address,
        carol.address,
        depositId,
        0n,
        FIRST,
        deadline,
      ])
      await assertReverts(advance(1n), 'TooEarly', deadline)
      await assertReverts(court(alice, 'payDebt', 1n), 'ChannelStillOpen')
      await fixture.settlement.send(alice, 'depositAndFundTickets', session.address, FACE, CREDIT, 0n)
      await fixture.settlement.send(bob, 'collectArrears', depositId, bob.address)
      assertClosed(await advance(1n), 1n, alice.address, outcome.cured, 0n, 0n)
      await assertSettled()
    })

    it('are punished when they stay unpaid', async () => {
      const depositId = await arrears()
      await assertReverts(court(alice, 'challengeTickets', depositId), 'OwnFault')
      await court(carol, 'challengeTickets', depositId)
      await assertReverts(court(carol, 'challengeTickets', depositId), 'AlreadyOpen', 1n)
      skip(PARAMETERS.responseWindow)
      assertClosed(await advance(1n), 1n, alice.address, outcome.guilty, FIRST, FIRST / 2n)
      await assertReverts(court(carol, 'challengeTickets', depositId), 'AlreadyTried', 1n)
      await assertSettled()
    })

    it('are no fault of a deposit that nobody has', async () => {
      await assertReverts(court(carol, 'challengeTickets', SECOND), 'NoFault')
    })
  })

  describe('unpaid work', () => {
    const FIRST = (PARTY_STAKE * 8n) / 100n
    async function owing(values: Partial<ReceiptValues> = {}) {
      const channelId = await openChannel()
      const receipt = anyReceipt({ channelId, ...values })
      return { channelId, receipt, inclusion: await stated(fixture, alice, receipt) }
    }
    const challenge = (receipt: ReceiptValues, inclusion: Inclusion, from = bob) =>
      court(from, 'challengeUnpaid', receipt, inclusion)

    it('is cured by settling', async () => {
      const { channelId, receipt, inclusion } = await owing()
      const deadline = now() + PARAMETERS.responseWindow
      assertEvents(await challenge(receipt, inclusion), [
        'DisputeOpened',
        1n,
        fault.unpaid,
        alice.address,
        bob.address,
        channelId,
        9n * CREDIT,
        FIRST,
        deadline,
      ])
      await assertReverts(advance(1n), 'TooEarly', deadline)
      await fixture.settlement.send(alice, 'settleMany', [await voucherOf(channelId, 9n * CREDIT)])
      assertClosed(await advance(1n), 1n, alice.address, outcome.cured, 0n, 0n)
      assert.equal(await owed(bob), BOND)
      await assertSettled()
    })

    it('is punished when it stays unpaid, by one unit even, and once a channel', async () => {
      const { channelId, receipt, inclusion } = await owing()
      await challenge(receipt, inclusion)
      await fixture.settlement.send(alice, 'settleMany', [await voucherOf(channelId, 9n * CREDIT - 1n)])
      skip(PARAMETERS.responseWindow)
      assertClosed(await advance(1n), 1n, alice.address, outcome.guilty, FIRST, FIRST / 2n)
      await assertReverts(challenge(receipt, inclusion), 'AlreadyTried', 1n)
      await assertSettled()
    })

    it('can be stated by a signed root', async () => {
      const { receipt } = await owing()
      const log = logOf(['receipt'], 9n, { 0: claimOf(receipt) })
      await challenge(receipt, log.under(await signed(fixture, alice, log.range), 0))
    })

    it('can be paid through the court on a closed channel, and then stays cured', async () => {
      const { channelId, receipt, inclusion } = await owing()
      await challenge(receipt, inclusion)
      await fixture.settlement.send(bob, 'closeByPayee', channelId)
      await fixture.creditToken.send(alice, 'approve', fixture.court.address, CASH)
      await court(alice, 'payDebt', 1n)
      assert.equal(await owed(bob), BOND + 9n * CREDIT)
    })

    it('is not paid twice: what was settled before the close is no debt', async () => {
      const { channelId, receipt, inclusion } = await owing()
      await challenge(receipt, inclusion)
      await fixture.settlement.send(alice, 'settleMany', [await voucherOf(channelId, 9n * CREDIT)])
      await fixture.settlement.send(bob, 'closeByPayee', channelId)
      await assertReverts(court(alice, 'payDebt', 1n), 'NoFault')
      assertClosed(await advance(1n), 1n, alice.address, outcome.cured, 0n, 0n)
    })

    it("is for the payee to tell, by a receipt of its channel in the payer's log", async () => {
      const { receipt, inclusion } = await owing()
      await assertReverts(challenge(receipt, inclusion, carol), 'OnlyPayee', bob.address)
      const changed = { ...receipt, amount: 1n }
      await assertReverts(challenge(changed, inclusion), 'WrongClaim')
      for (const values of [{ chainId: 1 }, { settlement: carol.address }]) {
        const foreign = { ...receipt, ...values }
        await assertReverts(challenge(foreign, await stated(fixture, alice, foreign)), 'ForeignReceipt')
      }
      const otherPayee = anyReceipt({ channelId: receipt.channelId, payee: carol.address })
      const otherPayer = anyReceipt({ channelId: receipt.channelId, payer: carol.address })
      await assertReverts(
        challenge(otherPayee, await stated(fixture, alice, otherPayee), carol),
        'ForeignReceipt',
      )
      await assertReverts(challenge(otherPayer, await stated(fixture, carol, otherPayer)), 'ForeignReceipt')
      skip(1n)
      await assertReverts(challenge(receipt, await stated(fixture, bob, receipt)), 'NotStated')
      const paid = anyReceipt({ channelId: receipt.channelId, cumulativeAmount: 0n })
      await assertReverts(challenge(paid, await stated(fixture, alice, paid)), 'NoFault')
    })
  })

  describe('wrong output: opening', () => {
    it('takes a bond, locks the penalty and arms a jury', async () => {
      const receipt = anyReceipt()
      const inclusion = await stated(fixture, bob, receipt)
      const sent = await court(carol, 'challengeOutput', receipt, inclusion)
      assertEvents(
        sent,
        [
          'DisputeOpened',
          1n,
          fault.output,
          bob.address,
          carol.address,
          claimOf(receipt),
          0n,
          PENALTY,
          now() + PARAMETERS.drawPeriod,
        ],
        ['OutputChallenged', 1n, [...Object.values({ ...receipt, chainId: BigInt(receipt.chainId) })]],
      )
      assert.equal(await lockedOf(bob), PENALTY)
      assert.equal(await held(), BOND)
      const panel = await panelOf(1n)
      assert.equal(panel.size, 5n)
      assert.equal(panel.drawBlock, BigInt(sent.blockNumber) + PARAMETERS.drawDelay)
      const dispute = await disputeOf(1n)
      assert.equal(dispute.state, state.draw)
      assert.equal(dispute.payer, alice.address)
      assert.equal(dispute.validators, BigInt(VALIDATORS))
    })

    it("needs the receipt in the provider's own anchored log", async () => {
      const receipt = anyReceipt()
      const inclusion = await stated(fixture, bob, receipt)
      const challenge = (given: ReceiptValues, proof: Inclusion, from = carol) =>
        court(from, 'challengeOutput', given, proof)
      await assertReverts(challenge(receipt, inclusion, bob), 'OwnFault')
      await assertReverts(challenge({ ...receipt, output: ZeroHash }, inclusion), 'WrongClaim')
      await assertReverts(challenge(receipt, { ...inclusion, proof: [] }), 'NotIncluded')
      skip(1n)
      await assertReverts(challenge(receipt, await stated(fixture, alice, receipt)), 'NotStated')
      const log = logOf(['receipt'], 1n, { 0: claimOf(receipt) })
      const unanchored = log.under(await signed(fixture, bob, log.range), 0)
      await assertReverts(challenge(receipt, unanchored), 'NotAnchored')
      const foreign = anyReceipt({ chainId: 1 })
      await assertReverts(challenge(foreign, await stated(fixture, bob, foreign)), 'ForeignReceipt')
    })

    it('is possible until the window ends', async () => {
      const receipt = anyReceipt()
      const inclusion = await stated(fixture, bob, receipt)
      const until = inclusion.statement.anchoredAt + PARAMETERS.challengeWindow
      fixture.chain.now = Number(until) + 1
      await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'TooOld', until)
      fixture.chain.now = Number(until)
      await court(carol, 'challengeOutput', receipt, inclusion)
    })

    it('is for a court in office and a provider with stake', async () => {
      const receipt = anyReceipt({ payee: session.address })
      const inclusion = await stated(fixture, session, receipt)
      await assertReverts(
        court(carol, 'challengeOutput', receipt, inclusion),
        'NothingAtStake',
        session.address,
      )
      const other = await deployCourtAlone(fixture)
      const against = anyReceipt()
      const proof = await stated(fixture, bob, against)
      await assertReverts(other.court.send(carol, 'challengeOutput', against, proof), 'NotInOffice')
    })

    it('is one dispute a receipt at a time', async () => {
      const { id, receipt, inclusion } = await openOutput()
      await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'AlreadyOpen', id)
      await openOutput({ taskId: SECOND })
      assert.equal(await lockedOf(bob), 2n * PENALTY)
    })

    it('keeps the accused from leaving with its stake', async () => {
      const { staking } = fixture
      await staking.send(bob, 'setRoles', 0n)
      await staking.send(bob, 'startUnbonding', PARTY_STAKE)
      skip(21 * DAY)
      await openOutput()
      await staking.send(bob, 'withdrawUnbonded')
      assert.equal(await lockedOf(bob), PENALTY)
      await assertReverts(staking.send(bob, 'withdrawUnbonded'), 'WithdrawalLocked', PENALTY)
    })

    it('needs as many validators as there are seats', async () => {
      const few = await deployWith(4)
      const receipt = receiptOf(few)
      const inclusion = await stated(few, bob, receipt)
      await assertReverts(
        few.court.send(carol, 'challengeOutput', receipt, inclusion),
        'TooFewValidators',
        4n,
        5n,
      )
    })
  })

  /** A world with fewer validators. */
  const deployWith = (count: number) => deployCourt(count)

  describe('drawing', () => {
    it('seats as many different validators as the jury has seats, none of them a party', async () => {
      const { id } = await openOutput()
      const block = (await panelOf(id)).drawBlock
      await assertReverts(court(session, 'draw', id, 256n), 'DrawNotReady', block)
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      const sent = await court(session, 'draw', id, 256n)
      assert.equal(sent.returned, state.vote)
      const jurors = await seatsOf(id)
      assert.equal(new Set(jurors).size, 5)
      for (const juror of jurors) {
        assert.ok(fixture.validators.includes(juror))
        assert.equal(await lockedOf(juror), JUROR_BOND)
      }
      const { commitUntil, revealUntil } = await panelOf(id)
      assert.equal(commitUntil, now() + PARAMETERS.commitPeriod)
      assert.equal(revealUntil, commitUntil + PARAMETERS.revealPeriod)
      assert.equal((await disputeOf(id)).deadline, revealUntil)
      await assertReverts(court(session, 'draw', id, 1n), 'WrongState', state.vote)
    })

    it('can be spread over many calls and comes to the same', async () => {
      const { id } = await openOutput()
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      const back = await fixture.chain.snapshot()
      await court(session, 'draw', id, 256n)
      const atOnce = await seatsOf(id)
      await back()
      for (let calls = 0; (await disputeOf(id)).state === state.draw; calls++) {
        assert.ok(calls < 100)
        await court(calls % 2 === 0 ? session : bob, 'draw', id, 1n)
      }
      assert.deepEqual(await seatsOf(id), atOnce)
    })

    it('is bounded in one call, and in time', async () => {
      const { id } = await openOutput()
      await assertReverts(court(session, 'draw', id, 0n), 'InvalidTries', 0n)
      await assertReverts(court(session, 'draw', id, 257n), 'InvalidTries', 257n)
      const { deadline } = await disputeOf(id)
      skip(PARAMETERS.drawPeriod)
      await assertReverts(court(session, 'draw', id, 1n), 'TooLate', deadline)
      await assertReverts(court(session, 'draw', 99n, 1n), 'WrongState', state.none)
    })

    it('passes over those whose stake is locked for other juries', async () => {
      const [busy, free, others] = [[0, 5], [5, 10], [10]].map(range => fixture.validators.slice(...range))
      const half = { ...PARAMETERS, jurorBond: VALIDATOR_STAKE / 2n }
      await fixture.courtParameters.send(deployer, 'setParameters', half)
      for (const validator of [...free!, ...others!]) await fixture.staking.send(validator, 'setRoles', 0n)
      for (const taskId of [toBeHex(1, 32), toBeHex(2, 32)]) {
        const { id } = await openOutput({ taskId })
        await seat(id)
        assert.deepEqual(new Set(await seatsOf(id)), new Set(busy))
      }
      for (const validator of free!) await fixture.staking.send(validator, 'setRoles', VALIDATOR)
      const { id } = await openOutput({ taskId: toBeHex(3, 32) })
      await seat(id)
      assert.deepEqual(new Set(await seatsOf(id)), new Set(free))
    })

    it('passes over parties and the inactive', async () => {
      const [first, second, third, ...others] = fixture.validators
      const receipt = anyReceipt({ payee: second!.address, payer: third!.address })
      const inclusion = await stated(fixture, second!, receipt)
      await fixture.creditToken.send(first!, 'approve', fixture.court.address, CASH)
      const id = await idOf(court(first!, 'challengeOutput', receipt, inclusion))
      for (const validator of others.slice(0, 16)) await fixture.staking.send(validator, 'setRoles', 0n)
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      assert.equal((await court(session, 'draw', id, 256n)).returned, state.vote)
      assert.deepEqual(new Set(await seatsOf(id)), new Set(others.slice(16)))
    })

    it('is void when too few are left, and lets those drawn go', async () => {
      const before = await supply()
      const { id } = await openOutput()
      for (const validator of fixture.validators.slice(4)) {
        await fixture.staking.send(validator, 'setRoles', PROVIDER_COMPUTE)
      }
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      assert.equal((await court(session, 'draw', id, 256n)).returned, state.draw)
      assert.equal((await seatsOf(id)).length, 4)
      const juror = fixture.validators[0]!
      await assertReverts(fixture.jury.send(juror, 'commit', id, SALT), 'NotSeated')
      await assertReverts(fixture.jury.send(juror, 'reveal', id, vote.guilty, SALT), 'NotSeated')
      await assertReverts(advance(id), 'TooEarly', deadlineOf(id))
      skip(PARAMETERS.drawPeriod)
      const sent = await advance(id)
      assertEvents(
        sent,
        ['JuryFailed', id, 0n],
        ['Credited', carol.address, BOND],
        ['DisputeClosed', id, bob.address, outcome.void, 0n, 0n],
      )
      assert.equal(await supply(), before)
      await assertSettled()
    })

    it('takes a later block three times when the hash is gone, then gives up', async () => {
      const { id } = await openOutput()
      for (let rearms = 1n; rearms <= 3n; rearms++) {
        await fixture.chain.mineBlocks(300)
        const sent = await court(session, 'draw', id, 10n)
        assert.equal(sent.returned, state.draw)
        const panel = await panelOf(id)
        assert.equal(panel.rearms, rearms)
        assert.equal(panel.drawBlock, BigInt(sent.blockNumber) + PARAMETERS.drawDelay)
      }
      await fixture.chain.mineBlocks(300)
      const sent = await court(session, 'draw', id, 10n)
      assert.equal(sent.returned, state.closed)
      assertClosed(sent, id, bob.address, outcome.void, 0n, 0n)
      await assertSettled()
    })

    it('passes over who joined after the challenge', async () => {
      const { id } = await openOutput()
      const late = wallets.slice(8 + VALIDATORS)
      for (const wallet of late) await stake(fixture, wallet, 10n * VALIDATOR_STAKE, 2)
      for (const validator of fixture.validators.slice(5))
        await fixture.staking.send(validator, 'setRoles', 0n)
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      await court(session, 'draw', id, 256n)
      assert.deepEqual(new Set(await seatsOf(id)), new Set(fixture.validators.slice(0, 5)))
    })
  })

  describe('voting', () => {
    let id: bigint
    let jurors: Wallet[]

    beforeEach(async () => {
      ;({ id } = await openOutput())
      await seat(id)
      jurors = await seatsOf(id)
    })

    const commit = (juror: Wallet, hash: string) => fixture.jury.send(juror, 'commit', id, hash)
    const reveal = (juror: Wallet, cast: bigint, salt = SALT) =>
      fixture.jury.send(juror, 'reveal', id, cast, salt)
    const own = (juror: Wallet, cast: bigint) => commitment(id, 0n, juror.address, cast)

    it('names what is committed to', async () => {
      const juror = jurors[0]!
      assert.equal(
        await fixture.jury.view('commitmentOf', id, 0n, juror.address, vote.abstain, SALT),
        own(juror, vote.abstain),
      )
      assertEvents(await commit(juror, own(juror, vote.abstain)), [
        'VoteCommitted',
        id,
        0n,
        juror.address,
        own(juror, vote.abstain),
      ])
      skip(PARAMETERS.commitPeriod)
      assertEvents(await reveal(juror, vote.abstain), ['VoteRevealed', id, 0n, juror.address, vote.abstain])
      const panel = await panelOf(id)
      assert.deepEqual([panel.commitments, panel.guilty, panel.innocent, panel.abstained], [1n, 0n, 0n, 1n])
    })

    it('lets a juror change its mind until commitments end', async () => {
      const juror = jurors[0]!
      await commit(juror, own(juror, vote.guilty))
      await commit(juror, own(juror, vote.innocent))
      assert.equal((await panelOf(id)).commitments, 1n)
      const { commitUntil } = await panelOf(id)
      fixture.chain.now = Number(commitUntil) - 1
      await commit(juror, own(juror, vote.abstain))
      await assertReverts(reveal(juror, vote.abstain), 'RevealTooEarly', commitUntil)
      fixture.chain.now = Number(commitUntil)
      await assertReverts(commit(juror, own(juror, vote.guilty)), 'VoteTooLate', commitUntil)
      await assertReverts(reveal(juror, vote.guilty), 'WrongReveal')
      await reveal(juror, vote.abstain)
    })

    it('is for jurors, with a commitment', async () => {
      const outsider = fixture.validators.find(validator => !jurors.includes(validator))!
      await assertReverts(commit(outsider, SALT), 'NotJuror')
      await assertReverts(reveal(outsider, vote.guilty), 'NotJuror')
      await assertReverts(commit(jurors[0]!, ZeroHash), 'ZeroCommitment')
    })

    it('is worth nothing copied, empty, repeated or late', async () => {
      const [first, second, third] = jurors as [Wallet, Wallet, Wallet]
      await commit(first, own(first, vote.guilty))
      await commit(second, own(first, vote.guilty))
      await commit(third, own(third, vote.none))
      skip(PARAMETERS.commitPeriod)
      await reveal(first, vote.guilty)
      await assertReverts(reveal(second, vote.guilty), 'WrongReveal')
      await assertReverts(reveal(third, vote.none), 'WrongReveal')
      await assertReverts(reveal(first, vote.guilty), 'WrongReveal')
      await assertReverts(reveal(jurors[3]!, vote.guilty), 'WrongReveal')
      const { revealUntil } = await panelOf(id)
      fixture.chain.now = Number(revealUntil)
      await assertReverts(reveal(first, vote.guilty), 'VoteTooLate', revealUntil)
    })

    it('does not count for another dispute or round', async () => {
      const juror = jurors[0]!
      await commit(juror, commitment(id + 1n, 0n, juror.address, vote.guilty))
      await commit(jurors[1]!, commitment(id, 1n, jurors[1]!.address, vote.guilty))
      skip(PARAMETERS.commitPeriod)
      await assertReverts(reveal(juror, vote.guilty), 'WrongReveal')
      await assertReverts(reveal(jurors[1]!, vote.guilty), 'WrongReveal')
    })

    it('is counted at its end, or once all who committed have revealed', async () => {
      const juror = jurors[0]!
      await commit(juror, own(juror, vote.guilty))
      const { commitUntil, revealUntil } = await panelOf(id)
      await assertReverts(advance(id), 'TooEarly', revealUntil)
      skip(PARAMETERS.commitPeriod)
      await assertReverts(advance(id), 'TooEarly', revealUntil)
      await reveal(juror, vote.guilty)
      assert.equal(await fixture.jury.view('countableFrom', id, 0n), commitUntil)
      await advance(id)
    })
  })

  describe('verdicts of the first round', () => {
    it('convict with two thirds of the seats, and pay who said so', async () => {
      const before = await supply()
      const { id, jurors, counted } = await firstRound([G, G, G, G, I])
      assert.equal(counted.returned, state.appealable)
      assertEvents(counted, ['JuryDecided', id, 0n, outcome.guilty])
      assert.equal((await disputeOf(id)).outcome, outcome.guilty)
      for (const juror of jurors) assert.equal(await lockedOf(juror), 0n)
      assert.equal(await lockedOf(bob), PENALTY)
      const { deadline } = await disputeOf(id)
      await assertReverts(advance(id), 'TooEarly', deadline)
      skip(PARAMETERS.appealWindow)
      assertClosed(await advance(id), id, bob.address, outcome.guilty, PENALTY, BOUNTY)
      assert.equal(await stakeOf(bob), PARTY_STAKE - PENALTY)
      assert.equal(await owed(carol), BOND + BOUNTY / 2n)
      for (const juror of jurors.slice(0, 4)) assert.equal(await owed(juror), FEE)
      assert.equal(await owed(jurors[4]!), 0n)
      assert.equal(await supply(), before - PENALTY + BOUNTY / 2n + 4n * FEE)
      assert.equal(await fixture.court.view('convictionsOf', bob.address), 1n)
      await assertSettled(...jurors)
    })

    it("acquit with two thirds, at the challenger's cost", async () => {
      const before = await supply()
      const { id, jurors } = await firstRound([I, I, A, I, I])
      skip(PARAMETERS.appealWindow)
      const closed = await advance(id)
      assertClosed(closed, id, bob.address, outcome.innocent, 0n, 0n)
      assert.equal(await owed(bob), BOND / 2n)
      assert.equal(await owed(carol), 0n)
      assert.equal(await owed(jurors[0]!), FEE)
      assert.equal(await owed(jurors[2]!), 0n)
      assert.equal(await supply(), before - (BOND / 2n - 4n * FEE))
      assert.equal(await stakeOf(bob), PARTY_STAKE)
      await assertSettled(...jurors)
    })

    it('are none below two thirds: jurors get half a fee, nobody is punished', async () => {
      const before = await supply()
      const { id, jurors, counted } = await firstRound([G, G, G, A, I])
      assertEvents(
        counted,
        ['JuryDecided', id, 0n, outcome.noVerdict],
        ...jurors.map(({ address }) => ['Credited', address, FEE / 2n] as const),
        ['Credited', carol.address, BOND - (5n * FEE) / 2n],
        ['DisputeClosed', id, bob.address, outcome.noVerdict, 0n, 0n],
      )
      assert.equal(await supply(), before)
      await assertSettled(...jurors)
    })

    it('cost the silent and the absent their bonds', async () => {
      const before = await supply()
      const { id, jurors, counted } = await firstRound([G, G, G, 'silent', 'absent'])
      assertEvents(
        counted,
        ['JuryDecided', id, 0n, outcome.noVerdict],
        ['JurorPunished', id, 0n, jurors[3]!.address, JUROR_BOND],
        ['JurorPunished', id, 0n, jurors[4]!.address, JUROR_BOND],
        ...jurors.slice(0, 3).map(({ address }) => ['Credited', address, FEE / 2n] as const),
        ['Credited', carol.address, BOND - (3n * FEE) / 2n],
        ['DisputeClosed', id, bob.address, outcome.noVerdict, 0n, 0n],
      )
      for (const juror of jurors.slice(3)) assert.equal(await stakeOf(juror), VALIDATOR_STAKE - JUROR_BOND)
      assert.equal(await supply(), before - 2n * JUROR_BOND)
      await assertSettled(...jurors)
    })

    it('are none when nobody comes', async () => {
      const { id, jurors } = await firstRound(['absent', 'absent', 'absent', 'absent', 'absent'])
      assert.equal(await owed(carol), BOND)
      assert.equal((await disputeOf(id)).outcome, outcome.noVerdict)
      await assertSettled(...jurors)
    })

    it('are never given twice on one receipt', async () => {
      for (const ballots of [
        [G, G, G, G, G],
        [I, I, I, I, I],
      ] as const) {
        await restore()
        const { id, receipt, inclusion } = await openOutput()
        await seat(id)
        await ballot(id, 0n, ballots)
        await advance(id)
        await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'AlreadyOpen', id)
        skip(PARAMETERS.appealWindow)
        await advance(id)
        await assertReverts(advance(id), 'WrongState', state.closed)
        await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'AlreadyTried', id)
      }
    })

    it('may be sought once more when there was none, counted from its end', async () => {
      const { id, receipt, inclusion } = await openOutput()
      skip(PARAMETERS.drawPeriod)
      await advance(id)
      const until = now() + PARAMETERS.challengeWindow
      fixture.chain.now = Number(until) + 1
      await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'TooOld', until)
      fixture.chain.now = Number(until)
      const again = await idOf(court(carol, 'challengeOutput', receipt, inclusion))
      await seat(again)
      await ballot(again, 0n, [G, G, G, I, I])
      await advance(again)
      await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'AlreadyTried', again)
    })

    it('take less from who has less left, and never give back more than half of it', async () => {
      const { id } = await openOutput()
      await seat(id)
      const [first, second] = ['one', 'two'].map(name => logOf(['a', name], 50n)) as [
        ReturnType<typeof logOf>,
        ReturnType<typeof logOf>,
      ]
      await fixture.courtParameters.send(deployer, 'setPenalties', fault.equivocation, {
        first: 9_500n,
        second: BPS,
        further: BPS,
      })
      await court(
        carol,
        'challengeRoots',
        bob.address,
        await signed(fixture, bob, first.range),
        await signed(fixture, bob, second.range),
      )
      const left = PARTY_STAKE / 20n
      assert.equal(await stakeOf(bob), left)
      assert.equal(await lockedOf(bob), left, "the other dispute's lock is not consumed")
      const jurors = await ballot(id, 0n, [G, G, G, G, G])
      await advance(id)
      skip(PARAMETERS.appealWindow)
      assertClosed(await advance(id), id, bob.address, outcome.guilty, left, left / 2n)
      assert.equal(await stakeOf(bob), 0n)
      await assertSettled(...jurors)
    })

    it('lock again, of stake that was added, what other disputes still want', async () => {
      const { courtParameters, creditToken, staking } = fixture
      const one = await openOutput()
      await openOutput({ taskId: SECOND })
      const penalties = { first: 9_500n, second: BPS, further: BPS }
      await courtParameters.send(deployer, 'setPenalties', fault.equivocation, penalties)
      const statements = [logOf(['x'], 90n), logOf(['y'], 90n)].map(({ range }) =>
        signed(fixture, bob, range),
      )
      await court(carol, 'challengeRoots', bob.address, ...(await Promise.all(statements)))
      assert.equal(await lockedOf(bob), PARTY_STAKE / 20n)
      await creditToken.send(deployer, 'transfer', bob.address, PARTY_STAKE)
      await creditToken.send(bob, 'approve', staking.address, PARTY_STAKE)
      await staking.send(bob, 'stake', PARTY_STAKE)
      skip(PARAMETERS.drawPeriod)
      await advance(one.id)
      assert.equal(await lockedOf(bob), PENALTY)
    })

    it('pay fees in equal parts of half the bounty when it is small', async () => {
      await fixture.courtParameters.send(deployer, 'setParameters', { ...PARAMETERS, bountyBps: 3n })
      const before = await supply()
      const { id, jurors } = await firstRound([G, G, G, G, G])
      skip(PARAMETERS.appealWindow)
      const bounty = (PENALTY * 3n) / BPS
      assertClosed(await advance(id), id, bob.address, outcome.guilty, PENALTY, bounty)
      const each = bounty / 2n / 5n
      assert.ok(each < FEE)
      for (const juror of jurors) assert.equal(await owed(juror), each)
      assert.equal(await owed(carol), BOND + bounty - bounty / 2n)
      assert.equal(await supply(), before - PENALTY + bounty - (bounty / 2n - 5n * each))
      await assertSettled(...jurors)
    })

    it('convict without a bounty when there is none to give', async () => {
      await fixture.courtParameters.send(deployer, 'setParameters', { ...PARAMETERS, bountyBps: 0n })
      const { id, jurors } = await firstRound([G, G, G, G, G])
      skip(PARAMETERS.appealWindow)
      assertClosed(await advance(id), id, bob.address, outcome.guilty, PENALTY, 0n)
      assert.equal(await owed(carol), BOND)
      assert.equal(await owed(jurors[0]!), 0n)
      await assertSettled(...jurors)
    })

    it('grade by the convictions there were when the dispute was opened', async () => {
      const one = await openOutput()
      const two = await openOutput({ taskId: SECOND })
      await seat(one.id)
      await ballot(one.id, 0n, [G, G, G, G, G])
      await advance(one.id)
      skip(PARAMETERS.appealWindow)
      await advance(one.id)
      assert.equal((await disputeOf(two.id)).penalty, PENALTY)
      const three = await openOutput({ taskId: toBeHex(8, 32) })
      assert.equal((await disputeOf(three.id)).penalty, ((PARTY_STAKE - PENALTY) * 3n) / 10n)
    })
  })

  describe('appeals', () => {
    const eleven = (many: Ballot, few: Ballot, count: number): Ballot[] => [
      ...Array<Ballot>(count).fill(many),
      ...Array<Ballot>(11 - count).fill(few),
    ]

    it('cost three bonds and seat a fresh jury of twice as many and one', async () => {
      const { id, jurors } = await firstRound([G, G, G, G, I])
      assertEvents(await court(bob, 'appeal', id), [
        'Appealed',
        id,
        bob.address,
        APPEAL_BOND,
        now() + PARAMETERS.drawPeriod,
      ])
      assert.equal(await held(), BOND + APPEAL_BOND)
      await assertReverts(court(bob, 'appeal', id), 'WrongState', state.draw)
      await seat(id)
      const seats = await seatsOf(id, 1n)
      assert.equal(new Set([...jurors, ...seats]).size, 16)
      await assertReverts(fixture.jury.send(jurors[0]!, 'commit', id, SALT), 'NotJuror')
    })

    it('are for the loser, in time', async () => {
      const { id } = await firstRound([G, G, G, G, I])
      await assertReverts(court(carol, 'appeal', id), 'OnlyLoser', bob.address)
      const { deadline } = await disputeOf(id)
      fixture.chain.now = Number(deadline)
      await assertReverts(court(bob, 'appeal', id), 'TooLate', deadline)
      await advance(id)
      await assertReverts(court(bob, 'appeal', id), 'WrongState', state.closed)
    })

    it('by the convict that fail cost its bond too', async () => {
      const before = await supply()
      const { id, jurors } = await firstRound([G, G, G, G, I])
      const { jurors: more, closed } = await secondRound(id, bob, eleven(G, I, 8))
      assertClosed(closed, id, bob.address, outcome.guilty, PENALTY, BOUNTY)
      assert.equal(closed.returned, state.closed)
      assert.equal(await owed(carol), BOND + BOUNTY / 2n + APPEAL_BOND / 2n)
      assert.equal(await owed(bob), 0n)
      for (const juror of [...jurors.slice(0, 4), ...more.slice(0, 8)]) assert.equal(await owed(juror), FEE)
      for (const juror of [jurors[4]!, ...more.slice(8)]) assert.equal(await owed(juror), 0n)
      const burned = PENALTY - BOUNTY + BOUNTY / 2n + APPEAL_BOND / 2n - 12n * FEE
      assert.equal(await supply(), before - burned)
      await assertSettled(...jurors, ...more)
    })

    it('by the convict that succeed turn everything', async () => {
      const { id, jurors } = await firstRound([G, G, G, G, I])
      const { jurors: more, closed } = await secondRound(id, bob, eleven(I, 'silent', 8))
      assertClosed(closed, id, bob.address, outcome.innocent, 0n, 0n)
      assert.equal(await owed(bob), APPEAL_BOND + BOND / 2n)
      assert.equal(await owed(carol), 0n)
      const each = BOND / 2n / 9n
      for (const juror of [jurors[4]!, ...more.slice(0, 8)]) assert.equal(await owed(juror), each)
      assert.equal(await owed(jurors[0]!), 0n)
      for (const juror of more.slice(8)) assert.equal(await stakeOf(juror), VALIDATOR_STAKE - JUROR_BOND)
      assert.equal(await fixture.court.view('convictionsOf', bob.address), 0n)
      await assertSettled(...jurors, ...more)
    })

    it('by the challenger that fail cost both of its bonds', async () => {
      const { id, jurors } = await firstRound([I, I, I, I, G])
      await assertReverts(court(bob, 'appeal', id), 'OnlyLoser', carol.address)
      const { jurors: more, closed } = await secondRound(id, carol, eleven(I, G, 9))
      assertClosed(closed, id, bob.address, outcome.innocent, 0n, 0n)
      assert.equal(await owed(bob), (BOND + APPEAL_BOND) / 2n)
      assert.equal(await owed(carol), 0n)
      for (const juror of [...jurors.slice(0, 4), ...more.slice(0, 9)]) assert.equal(await owed(juror), FEE)
      await assertSettled(...jurors, ...more)
    })

    it('by the challenger that succeed convict', async () => {
      const { id, jurors } = await firstRound([I, I, I, I, G])
      const { jurors: more, closed } = await secondRound(id, carol, eleven(G, A, 10))
      assertClosed(closed, id, bob.address, outcome.guilty, PENALTY, BOUNTY)
      assert.equal(await owed(carol), BOND + APPEAL_BOND + BOUNTY / 2n)
      for (const juror of [jurors[4]!, ...more.slice(0, 10)]) assert.equal(await owed(juror), FEE)
      await assertSettled(...jurors, ...more)
    })

    it('without two thirds punish nobody', async () => {
      for (const [first, appellant] of [
        [G, bob],
        [I, carol],
      ] as const) {
        await restore()
        const { id, jurors } = await firstRound([first, first, first, first, A])
        const { jurors: more, closed } = await secondRound(id, appellant, eleven(G, I, 7))
        assertClosed(closed, id, bob.address, outcome.noVerdict, 0n, 0n)
        const forBond = BOND - (5n * FEE) / 2n
        const forAppeal = APPEAL_BOND - (11n * FEE) / 2n
        assert.equal(await owed(carol), appellant === carol ? forBond + forAppeal : forBond)
        assert.equal(await owed(bob), appellant === bob ? forAppeal : 0n)
        for (const juror of [...jurors, ...more]) assert.equal(await owed(juror), FEE / 2n)
        assert.equal(await stakeOf(bob), PARTY_STAKE)
        await assertSettled(...jurors, ...more)
      }
    })

    it('without a jury leave the first verdict as it was', async () => {
      for (const [first, appellant, ended] of [
        [G, bob, outcome.guilty],
        [I, carol, outcome.innocent],
      ] as const) {
        await restore()
        const { id, jurors } = await firstRound([first, first, first, first, A])
        await court(appellant, 'appeal', id)
        skip(PARAMETERS.drawPeriod)
        const closed = await advance(id)
        const taken = ended === outcome.guilty ? PENALTY : 0n
        assertClosed(closed, id, bob.address, ended, taken, taken / 2n)
        const guilty = ended === outcome.guilty
        assert.equal(await owed(bob), guilty ? APPEAL_BOND : BOND / 2n)
        assert.equal(await owed(carol), guilty ? BOND + BOUNTY / 2n : APPEAL_BOND)
        assert.equal(await owed(jurors[0]!), FEE)
        await assertSettled(...jurors)
      }
    })

    it('need validators for both juries', async () => {
      const few = await deployWith(15)
      const [before, world] = [fixture, restore]
      try {
        fixture = few
        const { id } = await firstRound([G, G, G, G, G])
        await assertReverts(court(bob, 'appeal', id), 'TooFewValidators', 15n, 16n)
      } finally {
        ;[fixture, restore] = [before, world]
      }
    })
  })

  describe('money', () => {
    it('is paid out once, to whom it is owed', async () => {
      const { opened } = await openVoucher(12n * CREDIT)
      await opened
      skip(PARAMETERS.responseWindow)
      await advance(1n)
      const amount = await owed(carol)
      const before = await fixture.creditToken.view('balanceOf', carol.address)
      const sent = await court(carol, 'withdraw')
      assertEvents(sent, ['Withdrawn', carol.address, amount])
      assert.equal(sent.returned, amount)
      assert.equal(await fixture.creditToken.view('balanceOf', carol.address), before + amount)
      await assertReverts(court(carol, 'withdraw'), 'NothingOwed')
      await assertReverts(court(bob, 'withdraw'), 'NothingOwed')
      assert.equal(await held(), 0n)
    })
  })

  describe('out of office', () => {
    async function replace() {
      const { staking } = fixture
      const other = await deployCourtAlone(fixture)
      await staking.send(deployer, 'announceCourt', other.court.address)
      return async () => {
        await staking.send(session, 'applyCourt')
        assert.equal(await staking.view('court'), other.court.address)
      }
    }
    const NOTICE = 22 * DAY

    it('ends what is open with nobody slashed and every bond given back', async () => {
      const voucher = await openVoucher(12n * CREDIT)
      const [first, second] = [await voucher.opened, await openOutput()]
      const judged = await firstRoundOf(toBeHex(70, 32), [G, G, G, 'absent', G])
      const appealed = await firstRoundOf(toBeHex(71, 32), [I, I, I, I, G])
      await court(carol, 'appeal', appealed)
      const voting = (await openOutput({ taskId: toBeHex(72, 32) })).id
      await seat(voting)
      const apply = await replace()
      skip(NOTICE)
      await apply()
      await assertReverts(court(session, 'draw', second.id, 1n), 'TooLate', deadlineOf(second.id))
      const stakes = await stakeOf(bob)
      assertClosed(await advance(first.returned as bigint), 1n, alice.address, outcome.guilty, 0n, 0n)
      assertClosed(await advance(second.id), second.id, bob.address, outcome.void, 0n, 0n)
      assertClosed(await advance(judged), judged, bob.address, outcome.guilty, 0n, 0n)
      assertClosed(await advance(appealed), appealed, bob.address, outcome.innocent, 0n, 0n)
      assertClosed(await advance(voting), voting, bob.address, outcome.noVerdict, 0n, 0n)
      assert.equal(await stakeOf(bob), stakes)
      await assertSettled(...fixture.validators)
    })

    it('opens nothing and seats nobody', async () => {
      const apply = await replace()
      skip(NOTICE)
      const { id } = await openOutput()
      await fixture.chain.mineBlocks(Number(PARAMETERS.drawDelay))
      await apply()
      await assertReverts(court(session, 'draw', id, 256n), 'NotInOffice')
      const receipt = anyReceipt({ taskId: SECOND })
      const inclusion = await stated(fixture, bob, receipt)
      await assertReverts(court(carol, 'challengeOutput', receipt, inclusion), 'NotInOffice')
      skip(PARAMETERS.drawPeriod)
      assertClosed(await advance(id), id, bob.address, outcome.void, 0n, 0n)
      await assertSettled()
    })

    /** A first round on another receipt, counted. */
    async function firstRoundOf(taskId: string, ballots: readonly Ballot[]) {
      const { id } = await openOutput({ taskId })
      await seat(id)
      await ballot(id, 0n, ballots)
      await advance(id)
      return id
    }
  })

  it('advances nothing that there is not', async () => {
    await assertReverts(advance(1n), 'WrongState', state.none)
    await assertReverts(court(alice, 'payDebt', 1n), 'WrongState', state.none)
    await assertReverts(court(alice, 'appeal', 1n), 'WrongState', state.none)
  })
})
