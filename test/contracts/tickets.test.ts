import assert from 'node:assert/strict'
import { toBeHex, type Wallet, ZeroAddress } from 'ethers'
import { ticketCommitment } from '../../protocol/tickets.ts'
import { type Ticket, ticketDepositIdOf } from '../../protocol/typed-data.ts'
import { ticketVectors } from '../vectors/ticket.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { signPermit } from './permit.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  carol,
  DAY,
  deployer,
  deployShoal,
  MINIMUM_STAKES,
  pauser,
  type Shoal,
  session,
} from './test-chain.ts'
import { CERTAIN, digestOf, newTicket, type SignedTicket, signTicket, withOutcome } from './tickets.ts'
import { malleated } from './vouchers.ts'

const FUNDS = 1_000n * CREDIT
const DEPOSIT = 100n * CREDIT
const RESERVE = 30n * CREDIT
const FACE = 10n * CREDIT
const MAX_UINT96 = 2n ** 96n - 1n
const PROVIDER_COMPUTE = 4
const VALIDATOR = 2
const UNKNOWN = toBeHex(0xdeadn, 32)
/** A contract that confirms every signature: it answers any call with ERC-1271's selector. */
const CONFIRMING_CODE = '0x600e600b5f39600e5ff3fe631626ba7e60e01b5f5260205ff3'
/** A contract that uses up all gas it is given. */
const ENDLESS_CODE = '0x6004600b5f3960045ff3fe5b5f5ff3'

/** As in ITickets. */
const outcome = {
  redeemed: 0n,
  unknownDeposit: 1n,
  depositClosed: 2n,
  malformed: 3n,
  faceValueTooHigh: 4n,
  expired: 5n,
  wrongRandom: 6n,
  notWinning: 7n,
  alreadyRedeemed: 8n,
  badSignature: 9n,
}

describe('Settlement: tickets', () => {
  let shoal: Shoal
  let expiresAt: bigint
  let id: string

  beforeEach(async () => {
    shoal = await deployShoal()
    const { chain, creditToken, settlement } = shoal
    expiresAt = BigInt(chain.now + 10 * DAY)
    id = ticketDepositIdOf(
      { chainId: chain.chainId, settlement: settlement.address },
      alice.address,
      session.address,
    )
    await creditToken.send(deployer, 'transfer', alice.address, FUNDS)
    await creditToken.send(alice, 'approve', settlement.address, FUNDS)
  })

  const balance = (account: string) => shoal.settlement.view('balanceOf', account)
  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)
  const fund = (depositAmount = DEPOSIT, reserveAmount = 0n, maxFaceValue = FACE) =>
    shoal.settlement.send(
      alice,
      'depositAndFundTickets',
      session.address,
      maxFaceValue,
      depositAmount,
      reserveAmount,
    )
  const stored = async (depositId = id) =>
    (
      await shoal.settlement.view<{ toObject(): Record<string, unknown> }>('ticketDepositOf', depositId)
    ).toObject()
  const fresh = (payee = bob, faceValue = FACE, depositId = id) =>
    newTicket(depositId, payee.address, faceValue, expiresAt)
  const winner = async (payee = bob, faceValue = FACE) => {
    const { ticket, random } = fresh(payee, faceValue)
    return await signTicket(shoal, session, ticket, random)
  }
  const redeem = (...tickets: SignedTicket[]) => shoal.settlement.send(carol, 'redeemMany', tickets)
  const outcomesOf = async (...tickets: SignedTicket[]) => {
    const { returned } = await redeem(...tickets)
    return [...(returned as { outcomes: bigint[] }).outcomes]
  }
  const makeProvider = async (wallet: Wallet, role = PROVIDER_COMPUTE) => {
    const { creditToken, staking } = shoal
    await creditToken.send(deployer, 'transfer', wallet.address, MINIMUM_STAKES[1])
    await creditToken.send(wallet, 'approve', staking.address, MINIMUM_STAKES[1])
    await staking.send(wallet, 'stake', MINIMUM_STAKES[1])
    await staking.send(wallet, 'setRoles', role)
  }
  const arrears = () => shoal.settlement.view('arrearsOf', id)
  const owed = (payee = bob) => shoal.settlement.view('arrearsOwed', id, payee.address)
  const share = (payee = bob) => shoal.settlement.view('reserveShareOf', id, payee.address)
  const unlockAndWithdraw = async () => {
    await shoal.settlement.send(alice, 'startTicketsUnlock', session.address)
    shoal.chain.now += CLOSE_DELAY
    return await shoal.settlement.send(alice, 'withdrawTickets', session.address)
  }
  /** Everything that Settlement holds is somebody's. */
  const assertSolvent = async () => {
    const { deposit, reserve } = await stored()
    let books = (deposit as bigint) + (reserve as bigint)
    for (const { address } of [alice, bob, carol, deployer]) books += await balance(address)
    assert.equal(await tokens(shoal.settlement.address), books)
  }

  it('names deposits, tickets and Staking as said', async () => {
    const { settlement, staking } = shoal
    const { ticket } = fresh()
    assert.equal(await settlement.view('staking'), staking.address)
    assert.equal(await settlement.view('ticketDepositIdOf', alice.address, session.address), id)
    assert.equal(await settlement.view('ticketDigest', ticket), digestOf(shoal, ticket))
    assert.equal(await settlement.view('RESERVE_ROUND_LENGTH'), BigInt(DAY))
    assert.deepEqual(await stored(UNKNOWN), {
      ...{ signer: ZeroAddress, deposit: 0n, maxFaceValue: 0n, arrears: 0n, unlocksAt: 0n },
      ...{ payer: ZeroAddress, reserve: 0n, reserveShare: 0n, reserveRoundEndsAt: 0n, reserveRound: 0n },
    })
  })

  describe('vectors', () => {
    for (const { name, domain, signer, ticket: texts, random, digest, wins, signature } of ticketVectors()) {
      it(`${name}: the contract computes the same digest, and pays what wins`, async () => {
        const there = await deployShoal(domain.chainId)
        assert.equal(there.settlement.address.toLowerCase(), domain.verifyingContract)
        const ticket: Ticket = {
          ...texts,
          faceValue: BigInt(texts.faceValue),
          winThreshold: BigInt(texts.winThreshold),
          nonce: BigInt(texts.nonce),
          expiresAt: BigInt(texts.expiresAt),
        }
        assert.equal(await there.settlement.view('ticketDigest', ticket), digest)
        await there.creditToken.send(deployer, 'transfer', alice.address, DEPOSIT)
        await there.creditToken.send(alice, 'approve', there.settlement.address, DEPOSIT)
        const fundArgs = [signer, MAX_UINT96, DEPOSIT, 0n]
        const { returned: depositId } = await there.settlement.send(
          alice,
          'depositAndFundTickets',
          ...fundArgs,
        )
        assert.equal(depositId, ticket.depositId)
        const { returned } = await there.settlement.send(carol, 'redeemMany', [{ ticket, random, signature }])
        const tooHigh = ticket.faceValue > MAX_UINT96
        const expected = tooHigh ? outcome.faceValueTooHigh : wins ? outcome.redeemed : outcome.notWinning
        assert.deepEqual([...(returned as { outcomes: bigint[] }).outcomes], [expected])
        const paid = expected === outcome.redeemed ? ticket.faceValue : 0n
        assert.equal(await there.settlement.view('balanceOf', bob.address), paid)
      })
    }
  })

  describe('fundTickets', () => {
    const fundFromBalance = (signer = session.address, max = FACE, deposit = DEPOSIT, reserve = RESERVE) =>
      shoal.settlement.send(alice, 'fundTickets', signer, max, deposit, reserve)
    beforeEach(() => shoal.settlement.send(alice, 'deposit', alice.address, 200n * CREDIT))

    it('makes a ticket deposit from the balance', async () => {
      const receipt = await fundFromBalance()
      assert.equal(receipt.returned, id)
      assertEvents(receipt, [
        'TicketsFunded',
        ...[id, alice.address, session.address, alice.address, DEPOSIT, RESERVE, FACE],
      ])
      const { signer, payer, deposit, reserve, maxFaceValue, unlocksAt } = await stored()
      assert.deepEqual([signer, payer], [session.address, alice.address])
      assert.deepEqual([deposit, reserve, maxFaceValue, unlocksAt], [DEPOSIT, RESERVE, FACE, 0n])
      assert.equal(await balance(alice.address), 200n * CREDIT - DEPOSIT - RESERVE)
      await assertSolvent()
    })

    it('adds, and raises the greatest face value but never lowers it', async () => {
      await fundFromBalance(session.address, FACE, 1n, 0n)
      await fundFromBalance(session.address, 0n, 2n, 3n)
      assert.equal((await stored()).maxFaceValue, FACE)
      await fundFromBalance(session.address, FACE - 1n, 0n, 4n)
      assert.equal((await stored()).maxFaceValue, FACE)
      await fundFromBalance(session.address, FACE + 1n, 5n, 0n)
      const { deposit, reserve, maxFaceValue } = await stored()
      assert.deepEqual([deposit, reserve, maxFaceValue], [8n, 7n, FACE + 1n])
    })

    it('keeps signers apart', async () => {
      await fundFromBalance()
      const { returned } = await fundFromBalance(carol.address, 1n, 2n, 3n)
      assert.notEqual(returned, id)
      assert.equal((await stored(returned as string)).deposit, 2n)
      assert.equal((await stored()).deposit, DEPOSIT)
    })

    it('refuses no signer, no amount, no face value, too much', async () => {
      await assertReverts(fundFromBalance(ZeroAddress), 'ZeroAddress')
      await assertReverts(fundFromBalance(session.address, FACE, 0n, 0n), 'ZeroAmount')
      await assertReverts(fundFromBalance(session.address, 0n), 'MaxFaceValueMissing')
      const available = 200n * CREDIT
      const wanted = available + 1n
      await assertReverts(
        fundFromBalance(session.address, FACE, available, 1n),
        'InsufficientBalance',
        wanted,
        available,
      )
      const over = MAX_UINT96 + 1n
      const downcast = ['SafeCastOverflowedUintDowncast', 96n, over] as const
      await assertReverts(fundFromBalance(session.address, over), ...downcast)
      await assertReverts(fundFromBalance(session.address, FACE, over), ...downcast)
      await assertReverts(fundFromBalance(session.address, FACE, DEPOSIT, over), ...downcast)
    })

    it('refuses while a withdrawal is announced', async () => {
      await fundFromBalance()
      await shoal.settlement.send(alice, 'startTicketsUnlock', session.address)
      const unlocksAt = BigInt(shoal.chain.now + CLOSE_DELAY)
      await assertReverts(fundFromBalance(session.address, FACE, 1n, 1n), 'TicketsUnlockAnnounced', unlocksAt)
    })
  })

  describe('depositAndFundTickets', () => {
    it('pulls what the balance lacks, and only that', async () => {
      await shoal.settlement.send(alice, 'deposit', alice.address, 7n)
      const receipt = await fund(10n, 5n)
      assertEvents(
        receipt,
        ['TicketsFunded', id, alice.address, session.address, alice.address, 10n, 5n, FACE],
        ['Deposited', alice.address, alice.address, 8n],
      )
      assert.equal(await balance(alice.address), 0n)
      await assertSolvent()
      await shoal.settlement.send(alice, 'deposit', alice.address, 7n)
      assertEvents(await fund(3n, 4n), [
        'TicketsFunded',
        ...[id, alice.address, session.address, alice.address, 3n, 4n, FACE],
      ])
    })

    it('pulls nothing while deposits are paused, and still funds from the balance', async () => {
      await shoal.settlement.send(alice, 'deposit', alice.address, 10n)
      await shoal.settlement.send(pauser, 'pauseDeposits')
      const until = await shoal.settlement.view('depositsPausedUntil')
      await assertReverts(fund(11n), 'DepositsPaused', until)
      await fund(10n)
      assert.equal((await stored()).deposit, 10n)
    })
  })

  describe('depositWithPermitAndFundTickets', () => {
    it('needs one transaction', async () => {
      const { settlement, creditToken } = shoal
      await creditToken.send(alice, 'approve', settlement.address, 0n)
      const permit = await signPermit(shoal, alice, settlement.address, 30n)
      const args = [session.address, FACE, 10n, 20n, permit]
      const { returned } = await settlement.send(alice, 'depositWithPermitAndFundTickets', ...args)
      assert.equal(returned, id)
      const { deposit, reserve } = await stored()
      assert.deepEqual([deposit, reserve], [10n, 20n])
      await assertSolvent()
    })
  })

  describe('fundTicketsFor', () => {
    const give = (deposit: bigint, reserve: bigint, depositId = id) =>
      shoal.settlement.send(deployer, 'fundTicketsFor', depositId, deposit, reserve)
    beforeEach(async () => {
      await shoal.creditToken.send(deployer, 'approve', shoal.settlement.address, FUNDS)
      await shoal.settlement.send(deployer, 'deposit', deployer.address, 10n)
    })

    it("adds to somebody's ticket deposit", async () => {
      await fund()
      assertEvents(await give(3n, 4n), [
        'TicketsFunded',
        ...[id, alice.address, session.address, deployer.address, 3n, 4n, FACE],
      ])
      assert.equal(await balance(deployer.address), 3n)
      const { deposit, reserve } = await stored()
      assert.deepEqual([deposit, reserve], [DEPOSIT + 3n, 4n])
      await assertSolvent()
    })

    it('refuses what is not there, nothing, too much, and an announced withdrawal', async () => {
      await assertReverts(give(1n, 1n, UNKNOWN), 'TicketDepositUnknown', UNKNOWN)
      await fund()
      await assertReverts(give(0n, 0n), 'ZeroAmount')
      await assertReverts(give(11n, 0n), 'InsufficientBalance', 11n, 10n)
      await shoal.settlement.send(alice, 'startTicketsUnlock', session.address)
      await assertReverts(give(1n, 0n), 'TicketsUnlockAnnounced', BigInt(shoal.chain.now + CLOSE_DELAY))
    })
  })

  describe('redeemMany', () => {
    beforeEach(() => fund())

    it('pays a winner from the deposit, whoever brings it', async () => {
      const won = await winner()
      const receipt = await redeem(won)
      const digest = digestOf(shoal, won.ticket)
      assertEvents(receipt, ['TicketRedeemed', id, bob.address, digest, FACE, FACE, 0n])
      const { total, outcomes } = receipt.returned as { total: bigint; outcomes: bigint[] }
      assert.deepEqual([total, ...outcomes], [FACE, outcome.redeemed])
      assert.equal(await balance(bob.address), FACE)
      assert.equal((await stored()).deposit, DEPOSIT - FACE)
      assert.equal(await shoal.settlement.view('isTicketRedeemed', digest), true)
      assert.equal(await arrears(), 0n)
      await assertSolvent()
    })

    it('skips everything that is worth nothing, says why, and pays the rest', async () => {
      const good = await winner()
      const signed = async (changes: Partial<Ticket>, random?: string) => {
        const made = fresh()
        return await signTicket(shoal, session, { ...made.ticket, ...changes }, random ?? made.random)
      }
      const lost = fresh()
      const bad: [SignedTicket, bigint][] = [
        [await signed({ depositId: UNKNOWN }), outcome.unknownDeposit],
        [await signed({ payee: ZeroAddress }), outcome.malformed],
        [await signed({ faceValue: 0n }), outcome.malformed],
        [await signed({ faceValue: FACE + 1n }), outcome.faceValueTooHigh],
        [await signed({ faceValue: 2n ** 256n - 1n }), outcome.faceValueTooHigh],
        [await signed({ expiresAt: BigInt(shoal.chain.now) }), outcome.expired],
        [await signed({ expiresAt: 0n }), outcome.expired],
        [await signed({ expiresAt: 0n }, UNKNOWN), outcome.expired],
        [await signed({}, UNKNOWN), outcome.wrongRandom],
        [await signed({ winThreshold: 0n }), outcome.notWinning],
        [
          await signTicket(shoal, session, withOutcome(shoal, lost.ticket, lost.random, false), lost.random),
          outcome.notWinning,
        ],
        [good, outcome.alreadyRedeemed],
        [{ ...(await winner()), signature: (await winner()).signature }, outcome.badSignature],
        [{ ...(await winner()), signature: '0x' }, outcome.badSignature],
      ]
      const last = await winner(carol)
      const batch = [good, ...bad.map(([ticket]) => ticket), last]
      const receipt = await redeem(...batch)
      const { total, outcomes } = receipt.returned as { total: bigint; outcomes: bigint[] }
      assert.deepEqual([...outcomes], [outcome.redeemed, ...bad.map(([, why]) => why), outcome.redeemed])
      assert.equal(total, 2n * FACE)
      assertEvents(
        receipt,
        ['TicketRedeemed', id, bob.address, digestOf(shoal, good.ticket), FACE, FACE, 0n],
        ...bad.map(
          ([{ ticket }, why], index) => ['TicketSkipped', ticket.depositId, BigInt(index + 1), why] as const,
        ),
        ['TicketRedeemed', id, carol.address, digestOf(shoal, last.ticket), FACE, FACE, 0n],
      )
      await assertSolvent()
    })

    it('pays at a threshold of one half exactly those that win', async () => {
      const { ticket, random } = fresh()
      for (const wins of [true, false]) {
        const played = withOutcome(shoal, ticket, random, wins)
        const [what] = await outcomesOf(await signTicket(shoal, session, played, random))
        assert.equal(what, wins ? outcome.redeemed : outcome.notWinning)
      }
    })

    it('takes a ticket until the second before it expires', async () => {
      const won = await winner()
      shoal.chain.now = Number(expiresAt)
      assert.deepEqual(await outcomesOf(won), [outcome.expired])
      const { ticket, random } = newTicket(id, bob.address, FACE, expiresAt + 1n)
      assert.deepEqual(await outcomesOf(await signTicket(shoal, session, ticket, random)), [outcome.redeemed])
    })

    it('pays a ticket once, in one batch or two, however it is signed', async () => {
      const won = await winner()
      assert.deepEqual(await outcomesOf(won, won), [outcome.redeemed, outcome.alreadyRedeemed])
      assert.deepEqual(await outcomesOf(won), [outcome.alreadyRedeemed])
      assert.equal(await balance(bob.address), FACE)
      const other = await winner()
      const twin = { ...other, signature: malleated(other.signature) }
      assert.deepEqual(await outcomesOf(twin, other), [outcome.badSignature, outcome.redeemed])
    })

    it('pays nothing that was signed by somebody else, or for another place', async () => {
      const { ticket, random } = fresh()
      const foreign = await Promise.all([
        signTicket(shoal, alice, ticket, random),
        signTicket(shoal, session, ticket, random, { chainId: 1 }),
        signTicket(shoal, session, ticket, random, { verifyingContract: bob.address }),
        signTicket(shoal, session, ticket, random, { version: '2' }),
        signTicket(shoal, session, ticket, random, { name: 'Shoal' }),
      ])
      assert.deepEqual(await outcomesOf(...foreign), Array(5).fill(outcome.badSignature))
    })

    it('pays nothing when a field was changed after signing', async () => {
      const { ticket, random, signature } = await winner()
      const otherRandom = UNKNOWN
      const changed: SignedTicket[] = [
        { ticket: { ...ticket, payee: carol.address }, random, signature },
        { ticket: { ...ticket, faceValue: FACE - 1n }, random, signature },
        { ticket: { ...ticket, winThreshold: CERTAIN - 1n }, random, signature },
        {
          ticket: { ...ticket, commitment: ticketCommitment(otherRandom) },
          random: otherRandom,
          signature,
        },
        { ticket: { ...ticket, nonce: ticket.nonce ^ 1n }, random, signature },
        { ticket: { ...ticket, expiresAt: expiresAt + 1n }, random, signature },
      ]
      assert.deepEqual(await outcomesOf(...changed), Array(6).fill(outcome.badSignature))
    })

    it('asks a signer that is a contract', async () => {
      const { chain, settlement } = shoal
      const yes = await chain.deploy(deployer, [], CONFIRMING_CODE, [])
      const { returned } = await settlement.send(
        ...([alice, 'depositAndFundTickets', yes.address, FACE, DEPOSIT, 0n] as const),
      )
      const { ticket, random } = fresh(bob, FACE, returned as string)
      const signed = { ticket, random, signature: '0x1234' }
      assert.deepEqual(await outcomesOf(signed, signed), [outcome.redeemed, outcome.alreadyRedeemed])
      // A ticket is named by its digest: another signature for it is the same ticket.
      assert.deepEqual(await outcomesOf({ ...signed, signature: '0x5678' }), [outcome.alreadyRedeemed])
    })

    it('survives a signer that uses up its gas', async () => {
      const { chain, settlement } = shoal
      const greedy = await chain.deploy(deployer, [], ENDLESS_CODE, [])
      const { returned } = await settlement.send(
        ...([alice, 'depositAndFundTickets', greedy.address, FACE, DEPOSIT, 0n] as const),
      )
      const { ticket, random } = fresh(bob, FACE, returned as string)
      const batch = [{ ticket, random, signature: '0x' }, await winner()]
      assert.deepEqual(await outcomesOf(...batch), [outcome.badSignature, outcome.redeemed])
    })

    it('pays while the withdrawal is announced, and until it is made', async () => {
      const [first, second] = [await winner(), await winner()]
      await shoal.settlement.send(alice, 'startTicketsUnlock', session.address)
      shoal.chain.now += CLOSE_DELAY
      assert.deepEqual(await outcomesOf(first), [outcome.redeemed])
      await shoal.settlement.send(alice, 'withdrawTickets', session.address)
      assert.deepEqual(await outcomesOf(second), [outcome.depositClosed])
      assert.equal(await arrears(), 0n)
      // It was not used up: funded anew, the deposit pays it.
      await fund()
      assert.deepEqual(await outcomesOf(second), [outcome.redeemed])
    })

    it('does nothing with an empty batch', async () => {
      const receipt = await redeem()
      assertEvents(receipt)
      assert.equal((receipt.returned as { total: bigint }).total, 0n)
    })
  })

  describe('a deposit that is used up', () => {
    it('owes who is no provider what it cannot pay', async () => {
      await fund(FACE + 4n, RESERVE)
      const [first, second] = [await winner(), await winner()]
      await redeem(first)
      const receipt = await redeem(second)
      const digest = digestOf(shoal, second.ticket)
      assertEvents(
        receipt,
        ['ArrearsRecorded', id, bob.address, FACE - 4n, FACE - 4n],
        ['TicketRedeemed', id, bob.address, digest, FACE, 4n, 0n],
      )
      assert.deepEqual([await arrears(), await owed()], [FACE - 4n, FACE - 4n])
      assert.equal(await balance(bob.address), FACE + 4n)
      assert.equal(await share(), 0n)
      assert.deepEqual(await outcomesOf(second), [outcome.alreadyRedeemed])
      await assertSolvent()
    })

    it('gives an active provider its share of the reserve, rounded down', async () => {
      await makeProvider(bob)
      await makeProvider(carol)
      await makeProvider(deployer)
      await fund(1n, 100n, 1_000n)
      assert.equal(await share(), 33n)
      const receipt = await redeem(await winner(bob, 20n), await winner(bob, 20n), await winner(bob, 20n))
      const paid = receipt.events
        .filter(({ name }) => name === 'TicketRedeemed')
        .map(({ args }) => [args.fromDeposit, args.fromReserve])
      assert.deepEqual(paid, [
        [1n, 19n],
        [0n, 14n],
        [0n, 0n],
      ])
      assert.deepEqual([await owed(), await arrears()], [26n, 26n])
      assert.equal(await share(), 0n)
      const { reserve, reserveShare, reserveRound, reserveRoundEndsAt } = await stored()
      assert.deepEqual([reserve, reserveShare, reserveRound], [67n, 33n, 1n])
      assert.equal(reserveRoundEndsAt, BigInt(shoal.chain.now + DAY))
      // The shares were fixed by the first draw.
      assert.equal(await share(carol), 33n)
      await redeem(await winner(carol, 40n), await winner(deployer, 33n))
      assert.deepEqual([await owed(carol), await owed(deployer)], [7n, 0n])
      assert.equal((await stored()).reserve, 1n)
      await assertSolvent()
    })

    it('leaves each provider its share when payer and another provider empty everything they can', async () => {
      await makeProvider(bob)
      await makeProvider(carol)
      await fund(DEPOSIT, RESERVE, 1_000n * CREDIT)
      assert.equal(await share(), RESERVE / 2n)
      // The payer pays itself, then an accomplice, before bob can redeem.
      await redeem(await winner(alice, DEPOSIT), await winner(carol, 1_000n * CREDIT))
      await redeem(await winner(bob, RESERVE / 2n))
      assert.deepEqual([await balance(bob.address), await owed()], [RESERVE / 2n, 0n])
      assert.equal(await balance(carol.address), RESERVE / 2n)
    })

    it('fixes shares for a round, whatever is added or whoever joins', async () => {
      await makeProvider(bob)
      await fund(0n, 90n, 1_000n)
      await redeem(await winner(bob, 10n))
      await makeProvider(carol)
      await fund(0n, 910n)
      assert.deepEqual([await share(), await share(carol)], [80n, 90n])
      shoal.chain.now += DAY - 1
      assert.deepEqual([await share(), await share(carol)], [80n, 90n])
      shoal.chain.now += 1
      // A new round: what is left, by two.
      assert.deepEqual([await share(), await share(carol)], [495n, 495n])
      await redeem(await winner(bob, 1_000n))
      assert.equal((await stored()).reserveRound, 2n)
      assert.deepEqual([await share(), await share(carol), await owed()], [0n, 495n, 505n])
      await assertSolvent()
    })

    it('never gives more than the reserve has, though more come than were counted', async () => {
      await makeProvider(bob)
      await fund(0n, 90n, 1_000n)
      await redeem(await winner(bob, 50n))
      await makeProvider(carol)
      assert.equal(await share(carol), 40n)
      await redeem(await winner(carol, 90n))
      assert.deepEqual([(await stored()).reserve, await owed(carol)], [0n, 50n])
      await assertSolvent()
    })

    it('gives a validator without a provider role nothing', async () => {
      await makeProvider(bob)
      await makeProvider(carol, VALIDATOR)
      await fund(0n, 90n, 1_000n)
      assert.equal(await share(carol), 0n)
      await redeem(await winner(carol, 10n))
      assert.deepEqual([await owed(carol), (await stored()).reserve], [10n, 90n])
    })

    it('owes nothing for a winner that the reserve pays whole', async () => {
      await makeProvider(bob)
      await fund(1n, 100n, 1_000n)
      const won = await winner(bob, 20n)
      assertEvents(await redeem(won), [
        ...['TicketRedeemed', id, bob.address, digestOf(shoal, won.ticket)],
        ...[20n, 1n, 19n],
      ] as [string, ...unknown[]])
      assert.equal(await owed(), 0n)
    })

    it('gives nothing from a reserve too small to be shared, and begins no round', async () => {
      await makeProvider(bob)
      await makeProvider(carol)
      await fund(0n, 1n, 1_000n)
      assert.equal(await share(), 0n)
      await redeem(await winner(bob, 10n))
      const { reserve, reserveRound } = await stored()
      assert.deepEqual([reserve, reserveRound, await owed()], [1n, 0n, 10n])
    })

    it('has nobody share while nobody is counted', async () => {
      const { staking } = shoal
      await staking.send(
        deployer,
        'setMinimumStakes',
        MINIMUM_STAKES.map(minimum => minimum * 2n),
      )
      await shoal.creditToken.send(deployer, 'transfer', bob.address, MINIMUM_STAKES[1])
      await shoal.creditToken.send(bob, 'approve', staking.address, MINIMUM_STAKES[1])
      await staking.send(bob, 'stake', MINIMUM_STAKES[1])
      await staking.send(deployer, 'setMinimumStakes', MINIMUM_STAKES)
      await staking.send(bob, 'setRoles', PROVIDER_COMPUTE)
      await staking.send(
        deployer,
        'setMinimumStakes',
        MINIMUM_STAKES.map(minimum => minimum * 2n),
      )
      await staking.send(deployer, 'poke', bob.address)
      await staking.send(deployer, 'setMinimumStakes', MINIMUM_STAKES)
      assert.equal(await staking.view('isActive', bob.address, PROVIDER_COMPUTE), true)
      assert.equal(await staking.view('activeProviders'), 0n)
      await fund(0n, 90n, 1_000n)
      assert.equal(await share(), 0n)
      await redeem(await winner(bob, 10n))
      assert.equal(await owed(), 10n)
      // Counted, it can have its arrears.
      await staking.send(deployer, 'poke', bob.address)
      await shoal.settlement.send(carol, 'collectArrears', id, bob.address)
      assert.deepEqual([await owed(), await balance(bob.address)], [0n, 10n])
    })

    it('never makes a batch fail by owing more than can be counted', async () => {
      await fund(1n, 0n, MAX_UINT96)
      const all = await Promise.all([
        winner(bob, MAX_UINT96),
        winner(carol, MAX_UINT96),
        winner(carol, MAX_UINT96),
      ])
      assert.deepEqual(await outcomesOf(...all), Array(3).fill(outcome.redeemed))
      assert.equal(await arrears(), MAX_UINT96)
      assert.deepEqual([await owed(), await owed(carol)], [MAX_UINT96 - 1n, 1n])
    })
  })

  describe('collectArrears', () => {
    const collect = (payee = bob, depositId = id) =>
      shoal.settlement.send(deployer, 'collectArrears', depositId, payee.address)

    it('pays what was owed from what came later, before any new winner', async () => {
      await fund(1n, 0n, 1_000n)
      await redeem(await winner(bob, 101n), await winner(carol, 50n))
      assert.equal(await arrears(), 150n)
      await fund(160n)
      // Of 160, 150 are spoken for.
      await redeem(await winner(carol, 20n))
      assert.deepEqual([await owed(carol), await arrears(), (await stored()).deposit], [60n, 160n, 150n])
      assertEvents(await collect(), ['ArrearsCollected', id, bob.address, 100n, 0n, 60n])
      assert.equal((await collect(carol)).returned, 50n)
      assert.deepEqual([await owed(carol), await arrears(), (await stored()).deposit], [10n, 10n, 0n])
      assert.deepEqual([await balance(bob.address), await balance(carol.address)], [101n, 60n])
      await assertSolvent()
    })

    it('pays from the reserve too, within the share', async () => {
      await makeProvider(bob)
      await makeProvider(carol)
      await fund(1n, 100n, 1_000n)
      await redeem(await winner(bob, 151n))
      assert.equal(await owed(), 100n)
      await assertReverts(collect(), 'NothingToCollect', 100n)
      shoal.chain.now += DAY
      assertEvents(await collect(), ['ArrearsCollected', id, bob.address, 0n, 25n, 75n])
      await fund(70n)
      shoal.chain.now += DAY
      assertEvents(await collect(), ['ArrearsCollected', id, bob.address, 70n, 5n, 0n])
      await assertSolvent()
    })

    it('begins no round of the reserve when the deposit pays all', async () => {
      await fund(1n, 0n, 1_000n)
      await redeem(await winner(bob, 11n))
      await makeProvider(bob)
      await fund(10n, 100n)
      assertEvents(await collect(), ['ArrearsCollected', id, bob.address, 10n, 0n, 0n])
      assert.equal((await stored()).reserveRound, 0n)
    })

    it('refuses when nothing is owed, or nothing is there', async () => {
      await assertReverts(collect(), 'NothingToCollect', 0n)
      await fund()
      await assertReverts(collect(), 'NothingToCollect', 0n)
      await assertReverts(collect(bob, UNKNOWN), 'NothingToCollect', 0n)
      await redeem(...(await Promise.all(Array.from({ length: 11 }, () => winner()))))
      await assertReverts(collect(), 'NothingToCollect', FACE)
      await assertReverts(collect(carol), 'NothingToCollect', 0n)
    })
  })

  describe('startTicketsUnlock, cancelTicketsUnlock, withdrawTickets', () => {
    const start = (from = alice) => shoal.settlement.send(from, 'startTicketsUnlock', session.address)
    const cancel = (from = alice) => shoal.settlement.send(from, 'cancelTicketsUnlock', session.address)
    const withdraw = (from = alice) => shoal.settlement.send(from, 'withdrawTickets', session.address)

    it('give everything back after the delay', async () => {
      await fund(DEPOSIT, RESERVE)
      const unlocksAt = BigInt(shoal.chain.now + CLOSE_DELAY)
      assertEvents(await start(), ['TicketsUnlocking', id, unlocksAt])
      assert.equal((await stored()).unlocksAt, unlocksAt)
      shoal.chain.now += CLOSE_DELAY - 1
      await assertReverts(withdraw(), 'UnlockTooEarly', unlocksAt)
      shoal.chain.now += 1
      const receipt = await withdraw()
      assert.equal(receipt.returned, DEPOSIT + RESERVE)
      assertEvents(receipt, ['TicketsWithdrawn', id, DEPOSIT + RESERVE, 0n])
      assert.equal(await balance(alice.address), DEPOSIT + RESERVE)
      const { deposit, reserve, maxFaceValue, unlocksAt: after, signer } = await stored()
      assert.deepEqual([deposit, reserve, maxFaceValue, after], [0n, 0n, 0n, 0n])
      assert.equal(signer, session.address)
      await assertReverts(withdraw(), 'TicketsLocked', id)
      await assertSolvent()
    })

    it('leave behind what winners are owed', async () => {
      await fund(1n, RESERVE)
      await redeem(await winner())
      const missing = FACE - 1n
      assertEvents(await unlockAndWithdraw(), ['TicketsWithdrawn', id, RESERVE - missing, missing])
      const { deposit, reserve } = await stored()
      assert.deepEqual([deposit, reserve], [missing, 0n])
      await assertSolvent()
      await shoal.settlement.send(carol, 'collectArrears', id, bob.address)
      assert.deepEqual([await balance(bob.address), await arrears()], [FACE, 0n])
      await assertSolvent()
    })

    it('give nothing back when more is owed than there is', async () => {
      await fund(1n, 5n)
      await redeem(await winner())
      assertEvents(await unlockAndWithdraw(), ['TicketsWithdrawn', id, 0n, 5n])
      assert.equal(await balance(alice.address), 0n)
      await assertSolvent()
    })

    it('leave a closed deposit that can pay arrears without opening', async () => {
      await fund(1n, 0n)
      await redeem(await winner())
      await unlockAndWithdraw()
      await fund(FACE, 0n, 0n)
      assert.deepEqual(await outcomesOf(await winner()), [outcome.depositClosed])
      await shoal.settlement.send(carol, 'collectArrears', id, bob.address)
      assert.equal(await arrears(), 0n)
      // And what is too much comes back.
      assertEvents(await unlockAndWithdraw(), ['TicketsWithdrawn', id, 1n, 0n])
    })

    it('forget shares of a reserve that is gone', async () => {
      await makeProvider(bob)
      await fund(0n, 90n, 1_000n)
      await redeem(await winner(bob, 80n))
      await unlockAndWithdraw()
      await makeProvider(carol)
      await fund(0n, 10n, 1_000n)
      assert.deepEqual([await share(), await share(carol)], [5n, 5n])
      await redeem(await winner(bob, 80n))
      assert.equal((await stored()).reserve, 5n)
    })

    it('can be taken back', async () => {
      await fund()
      await start()
      assertEvents(await cancel(), ['TicketsUnlockCancelled', id])
      assert.equal((await stored()).unlocksAt, 0n)
      shoal.chain.now += CLOSE_DELAY
      await assertReverts(withdraw(), 'TicketsLocked', id)
      await assertReverts(cancel(), 'TicketsLocked', id)
    })

    it("refuse twice, and touch only the caller's own", async () => {
      await fund()
      await start()
      await assertReverts(start(), 'TicketsUnlockAnnounced', BigInt(shoal.chain.now + CLOSE_DELAY))
      const bobs = await shoal.settlement.view('ticketDepositIdOf', bob.address, session.address)
      for (const act of [start, cancel, withdraw]) {
        await assertReverts(act(bob), 'TicketDepositUnknown', bobs)
      }
    })

    it('need no open deposits', async () => {
      await fund()
      await shoal.settlement.send(pauser, 'pauseDeposits')
      const won = await winner()
      assert.deepEqual(await outcomesOf(won), [outcome.redeemed])
      await unlockAndWithdraw()
      await shoal.settlement.send(bob, 'withdraw', bob.address, FACE)
      assert.equal(await tokens(bob.address), FACE)
    })
  })
})
