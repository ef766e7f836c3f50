import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { dataDirAt } from '../../node/data-dir.ts'
import type { TaskEventView, WalletView } from '../../node/gateway/views.ts'
import { openWallet, readPasswordFile } from '../../node/payments/wallet.ts'
import { owedFor } from '../../node/tasks/metering.ts'
import { isShoalError } from '../../protocol/errors.ts'
import { CREDIT, parseCredits } from '../../protocol/money.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import { NANO, TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { waitUntil } from '../helpers/wait.ts'
import { chainHistory, eventsOf, givenTo, readBooks, tokensOf } from './books.ts'
import { MortalNode, type Told } from './mortal-node.ts'
import { TaskWitness, type WitnessedAttempt } from './witness.ts'

const KILLS = 50
const TIMEOUT_MS = 600_000
const WINDOW = 16
const PRICE = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }
const MAX_TOKENS = 600
/** What one payment can be for at most: a window of tokens, rounded up. */
const MAX_PAYMENT = owedFor(PRICE, { promptTokens: 0, outputTokens: WINDOW }) + 1n
/** Most kills fall into a task, at any moment of it. */
const MAX_DELAY_MS = 400
/** Some fall into the start of a node. */
const MAX_START_DELAY_MS = 2_000
/** The rest around the words of a task. Most is written to disk about `whole`: the last of the answer has come. */
const MOMENTS = { funding: 3, channel: 2, accepted: 1, output: 1, payment: 2, whole: 8, receipt: 3 }
type Moment = keyof typeof MOMENTS
const MAX_AFTERWARDS_MS = 10

const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 32))

describe('nodes killed at any moment', function () {
  this.timeout(TIMEOUT_MS)
  const random = new Random(seed)
  const network = new TestNetwork()
  const witnesses: TaskWitness[] = []
  const failures: unknown[] = []
  let provider: MortalNode
  let requester: MortalNode
  let kills = 0

  before(async () => {
    await network.start()
    const [providerPort, requesterPort] = [await freePort(), await freePort()]
    const common = [
      ['--rpc', network.chain.rpcUrl, '--no-mdns', '--scope', 'local', '--credit-window', String(WINDOW)],
      ['--poll-every', '100ms', '--anchor-every', '2s', '--threads', '1', '--log-level', 'warn'],
    ].flat()
    const flags = (own: number, other: number) => [
      ...['--listen', `/ip4/127.0.0.1/tcp/${own}`, '--bootstrap', `/ip4/127.0.0.1/tcp/${other}`],
      ...common,
    ]
    const has = (type: string) => (told: readonly Told[]) => told.some(event => event.type === type)
    provider = new MortalNode({
      name: 'provider',
      dataDir: dataDirAt(await network.folder()),
      flags: [
        ...flags(providerPort, requesterPort),
        ...['--model', NANO, '--settle-every', '1s', '--settle-above', '0'],
      ],
      isReady: told =>
        has('ready')(told) && told.some(({ type, state }) => type === 'model' && state === 'ready'),
    })
    requester = new MortalNode({
      name: 'requester',
      dataDir: dataDirAt(await network.folder()),
      // With no more than a task needs in them, channels are topped up all the time.
      flags: [...flags(requesterPort, providerPort), '--model', '', '--channel-deposit', '0.000001'],
      isReady: has('ready'),
    })
  })
  after(async () => {
    await Promise.all([provider?.stop(), requester?.stop()])
    await network.stop()
  })

  it(`lose and double nothing (CHAOS_SEED=${seed})`, async () => {
    let offersHeard = 0
    provider.begin()
    requester.begin()
    for (;;) {
      await Promise.all([provider.ready(), requester.ready()])
      await checkNothingForgotten()
      await waitUntil('the offer is known', () =>
        requester.told.slice(offersHeard).some(({ type }) => type === 'offer'),
      )
      if (kills >= KILLS) break
      if (random.chance(0.4)) await ask().ended
      const victims = random.pick([[provider], [requester], [provider, requester]])
      // A requester that dies in debt is forgiven that for one task at a time.
      const asks = Array.from({ length: victims[0] === provider ? random.between(1, 3) : 1 }, ask)
      await someMoment(asks)
      offersHeard = requester.told.length
      await Promise.all(victims.map(kill))
      await Promise.all(asks.map(({ ended }) => ended))
      for (const victim of victims) {
        if (kills < KILLS && random.chance(0.25)) {
          victim.begin()
          await delay(random.below(MAX_START_DELAY_MS))
          await kill(victim)
        }
        victim.begin()
      }
    }
    await Promise.all([provider.stop(), requester.stop()])
    assert.deepEqual(failures, [])
    await reconcile(await again(provider, NANO), await again(requester, ''))
  })

  async function kill(victim: MortalNode): Promise<void> {
    kills++
    await victim.kill()
  }

  interface Ask {
    ended: Promise<void>
    /** Resolves when the task is there. */
    reaches: (moment: Moment) => Promise<void>
  }

  /** A task whose answer is a list of many or few words; it may end in any way that the death of a node explains. */
  function ask(): Ask {
    const witness = new TaskWitness({ price: PRICE, creditWindowTokens: WINDOW })
    witnesses.push(witness)
    const items = random.between(3, 40)
    const jsonSchema = JSON.stringify({
      type: 'array',
      items: { enum: ['shoal'] },
      minItems: items,
      maxItems: items,
    })
    const waiting: { moment: string; resolve: () => void }[] = []
    const hear = (event: TaskEventView) => {
      try {
        witness.hear(event)
      } catch (error) {
        failures.push(error)
      }
      const isWhole = event.type === 'output' && event.text.includes(']')
      for (const { moment, resolve } of waiting)
        if (moment === event.type || (isWhole && moment === 'whole')) resolve()
    }
    const ended = requester.control
      .stream(
        'ask',
        { messages: [{ role: 'user', content: 'What is Shoal?' }], maxTokens: MAX_TOKENS, jsonSchema },
        event => hear(event as TaskEventView),
      )
      .then(
        () => {},
        error => {
          const isExplained =
            isShoalError(error, 'ALL_PROVIDERS_FAILED') ||
            // It has died so often that it is left alone for a moment.
            (isShoalError(error, 'NOTHING_FITS') && 'circuit_open' in error.details) ||
            (requester.isKilled && isShoalError(error, 'CONTROL_BROKEN'))
          if (!isExplained) failures.push(error)
        },
      )
    return {
      ended,
      reaches: moment => new Promise(resolve => waiting.push({ moment, resolve })),
    }
  }

  async function someMoment(asks: readonly Ask[]): Promise<void> {
    if (random.chance(0.3)) return delay(random.below(MAX_DELAY_MS))
    const moment = random.weighted(MOMENTS)
    await Promise.race([
      Promise.any(asks.map(({ reaches }) => reaches(moment))),
      ...asks.map(({ ended }) => ended),
    ])
    await delay(random.below(MAX_AFTERWARDS_MS))
  }

  /** What a node had told or shown before its death, it knows after it. */
  async function checkNothingForgotten(): Promise<void> {
    const told = new Map<string, bigint>()
    const shown = new Map<string, bigint>()
    const countersigned = new Set(
      provider.told.flatMap(({ type, taskId, countersigned: both }) =>
        type === 'task-done' && both === true ? [taskId] : [],
      ),
    )
    for (const { channelId, cumulative, taskId } of attempts()) {
      if (channelId === null) continue
      raise(told, channelId, cumulative)
      if (countersigned.has(taskId)) raise(shown, channelId, cumulative)
    }
    const channelsOf = async ({ control }: MortalNode) =>
      new Map(
        ((await control.call('wallet', {})) as WalletView).channels.map(({ channelId, spent }) => [
          channelId,
          parseCredits(spent),
        ]),
      )
    const [signed, held] = [await channelsOf(requester), await channelsOf(provider)]
    for (const [channelId, amount] of told)
      assert.ok((signed.get(channelId) ?? 0n) >= amount, 'the requester knows every voucher it signed')
    for (const [channelId, amount] of shown)
      assert.ok((held.get(channelId) ?? 0n) >= amount, 'the provider has every voucher it acknowledged')
  }

  function attempts(): WitnessedAttempt[] {
    return witnesses.flatMap(witness => witness.attempts)
  }

  /** The same node in this process, to be looked into. */
  async function again(mortal: MortalNode, serve: string): Promise<TestNode> {
    const { dataDir } = mortal
    const wallet = await openWallet(dataDir.wallet, await readPasswordFile(dataDir.walletPassword))
    return network.node(
      { 'models.serve': serve, 'task.creditWindowTokens': WINDOW },
      { root: dataDir.root, wallet },
    )
  }

  async function reconcile(earner: TestNode, payer: TestNode): Promise<void> {
    await payer.node.parts.host.dialAddress(earner.address)
    await payer.knows(earner)
    // A voucher that was signed and never arrived is handed over with the next task.
    const last = await payer.ask('Hello!')
    assert.equal(last.status, 'completed')
    await earner.node.trade.economy.settler.settleNow()
    await Promise.all([earner, payer].map(({ node }) => node.trade.economy.anchorer.anchorNow()))
    const [earned, paid, history] = [
      await readBooks(earner),
      await readBooks(payer),
      await chainHistory(payer),
    ]
    const ofKind = <K extends (typeof history)[number]['kind']>(kind: K) =>
      history.filter((event): event is Extract<typeof event, { kind: K }> => event.kind === kind)

    // Audit logs: whole, and as the chain has them.
    for (const { verdict, events } of [earned, paid]) {
      assert.equal(verdict.problem, null)
      assert.equal(verdict.events, events.length)
      assert.ok(verdict.anchors.length > 1)
    }
    assert.equal(
      verdictEnd(earned.verdict.anchors),
      (await earner.node.trade.economy.client.nextAnchorSequence(earner.wallet.address)) - 1,
    )
    for (const [books, mortal] of [
      [earned, provider],
      [paid, requester],
    ] as const) {
      assert.equal(eventsOf(books, 'wallet.bound').length, 1)
      const starts = eventsOf(books, 'node.started').length
      const ready = mortal.told.filter(({ type }) => type === 'ready').length
      assert.ok(starts > ready && starts <= mortal.lives + 1, `${starts} starts in ${mortal.lives} lives`)
      for (const { transaction } of mortal.told.filter(({ type }) => type === 'anchored'))
        assert.ok(books.verdict.anchors.some(anchor => anchor.transaction === transaction))
    }

    // Channels: every opening, top-up and payment of the chain is one event, and no event is without it.
    const one = (values: readonly string[]) => assert.equal(new Set(values).size, values.length, 'each once')
    const openings = ofKind('opened')
    assert.deepEqual(
      eventsOf(paid, 'channel.opened').map(({ channelId, transaction }) => [channelId, transaction]),
      openings.map(({ channelId, transaction }) => [channelId, transaction]),
    )
    assert.deepEqual(
      eventsOf(paid, 'channel.opening').map(({ channelId }) => channelId),
      openings.map(({ channelId }) => channelId),
    )
    assert.ok(ofKind('toppedUp').length > 1, 'channels were topped up')
    assert.deepEqual(
      eventsOf(paid, 'channel.toppingUp').map(({ channelId }) => channelId),
      ofKind('toppedUp').map(({ channelId }) => channelId),
    )
    assert.deepEqual(
      eventsOf(earned, 'settlement.confirmed').map(({ transaction, amount }) => [transaction, amount]),
      ofKind('settled').map(({ transaction, amount }) => [transaction, amount]),
    )
    one(ofKind('settled').map(({ transaction }) => transaction))

    // Receipts: each once at each side, and what a side has told of is there.
    const issued = new Map(earned.receipts.map(receipt => [receipt.cid, receipt]))
    const keyOf = ({ taskId, attempt }: { taskId: string; attempt: number }) => `${taskId}/${attempt}`
    one(earned.receipts.map(({ receipt }) => keyOf(receipt)))
    one(paid.receipts.map(({ receipt }) => keyOf(receipt)))
    const sorted = (values: readonly string[]) => values.toSorted()
    assert.deepEqual(
      sorted(eventsOf(earned, 'receipt.issued').map(({ receipt }) => receipt)),
      sorted([...issued.keys()]),
    )
    assert.deepEqual(
      sorted(eventsOf(paid, 'receipt.countersigned').map(({ receipt }) => receipt)),
      sorted(paid.receipts.map(({ cid }) => cid)),
    )
    for (const mine of paid.receipts) {
      const theirs = issued.get(mine.cid)
      assert.ok(theirs !== undefined, 'what the requester countersigned, the provider has issued')
      if (theirs.countersignature !== null) assert.deepEqual(theirs.countersignature, mine.countersignature)
    }
    const countersigned = new Map(paid.receipts.map(receipt => [keyOf(receipt.receipt), receipt]))
    for (const attempt of attempts()) {
      if (attempt.receipt === null) continue
      assert.equal(countersigned.get(keyOf(attempt))?.cid, attempt.receipt)
    }
    for (const { type, receipt, countersigned: both } of provider.told) {
      if (type !== 'task-done') continue
      const booked = issued.get(receipt as string)
      assert.ok(booked !== undefined)
      if (both === true) assert.ok(booked.countersignature !== null)
    }

    // Money: chain = vouchers = receipts, but for what was under way when a side died.
    const claimed = ofKind('settled').reduce((sum, { amount }) => sum + amount, 0n)
    const total = (channels: readonly { cumulative: bigint; claimed: bigint }[]) => {
      for (const channel of channels) assert.equal(channel.claimed, channel.cumulative)
      return channels.reduce((sum, { cumulative }) => sum + cumulative, 0n)
    }
    await waitUntil('the requester has seen the settlement', () =>
      payer.node.trade.economy.payer.list().every(channel => channel.claimed === channel.cumulative),
    )
    assert.equal(total(earner.node.trade.economy.payee.list()), claimed)
    assert.equal(total(payer.node.trade.economy.payer.list()), claimed)
    const receipted = paid.receipts.reduce((sum, { receipt }) => sum + receipt.amount, 0n)
    const unreceipted = attempts().filter(attempt => !countersigned.has(keyOf(attempt)))
    assert.ok(
      unreceipted.some(attempt => attempt.paid > 0n),
      'tasks were cut off in the middle',
    )
    const least = receipted + unreceipted.reduce((sum, attempt) => sum + attempt.paid, 0n)
    // One payment more may be signed and not told of: whoever was to take it, or to tell it, died.
    const most = least + BigInt(unreceipted.length) * MAX_PAYMENT
    assert.ok(claimed >= least, `${claimed} paid, ${least} accounted for`)
    assert.ok(claimed <= most, `${claimed} paid, ${most} at the most accounted for`)
    const unpaidAtMost = earned.receipts
      .filter(({ cid }) => !paid.receipts.some(mine => mine.cid === cid))
      .reduce(
        (sum, { receipt }) => sum + (receipt.amount > MAX_PAYMENT ? receipt.amount - MAX_PAYMENT : 0n),
        0n,
      )
    assert.ok(claimed >= receipted + unpaidAtMost, 'the provider worked ahead by no more than the window')

    // Nothing made, nothing lost.
    const { client } = payer.node.trade.economy
    const locked = payer.node.trade.economy.payer
      .list()
      .reduce((sum, channel) => sum + channel.deposit - channel.claimed, 0n)
    const [rich, poor] = [
      await client.balances(earner.wallet.address),
      await client.balances(payer.wallet.address),
    ]
    const owned = ({ credits, settlementCredits }: typeof rich) => credits + settlementCredits
    assert.equal(owned(rich), (await givenTo(payer, earner.wallet.address)) + claimed)
    assert.equal(owned(poor) + locked + claimed, await givenTo(payer, payer.wallet.address))
    assert.equal(
      await tokensOf(payer, client.addresses.settlement),
      rich.settlementCredits + poor.settlementCredits + locked,
    )
  }
})

function verdictEnd(anchors: readonly { lastSequence: number }[]): number {
  return anchors.at(-1)?.lastSequence ?? 0
}

function raise(amounts: Map<string, bigint>, key: string, amount: bigint): void {
  if (amount > (amounts.get(key) ?? 0n)) amounts.set(key, amount)
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
