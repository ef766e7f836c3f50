import assert from 'node:assert/strict'
import fc from 'fast-check'
import { AnswerMeter, type AnswerTerms } from '../../../../../node/gateway/web/src/wallet/answer-meter.ts'
import { AnswerPayment } from '../../../../../node/gateway/web/src/wallet/answer-payment.ts'
import {
  MemoryChannelStore,
  type SessionChannel,
} from '../../../../../node/gateway/web/src/wallet/channel-store.ts'
import { type NodeRequest, PaymentClient } from '../../../../../node/gateway/web/src/wallet/payment-client.ts'
import { SessionKey } from '../../../../../node/gateway/web/src/wallet/session-key.ts'
import { VoucherVerifier } from '../../../../../node/payments/vouchers.ts'
import { CREDIT, costRoundedUp, parseCredits, type TokenPrice } from '../../../../../protocol/money.ts'

const secret = new Uint8Array(32).fill(7)
const channelId = `0x${'ab'.repeat(32)}`
const domain = { chainId: 31337, settlement: `0x${'22'.repeat(20)}` }
const price: TokenPrice = { inputPerMillion: CREDIT, outputPerMillion: 4n * CREDIT }
const terms: AnswerTerms = {
  prompt: ['Tell me of herring.'],
  maxPricePerMillion: price,
  maxPrice: CREDIT,
  windowTokens: 64,
}

function channelOf(key: SessionKey, spent = 0n): SessionChannel {
  return {
    ...{ channelId, ...domain, signer: key.address, deposit: key.limit, spent, signed: spent },
    ...{ payer: `0x${'33'.repeat(20)}`, payee: `0x${'44'.repeat(20)}`, salt: channelId, signature: null },
    ...{ expiresAtMs: 2e12, openedAtMs: 1e12, state: 'open' },
  }
}

interface Sent {
  channelId: string
  cumulativeAmount: string
  signature: string
}

async function setUp(
  options: { terms?: AnswerTerms; limit?: bigint; spent?: bigint; node?: NodeRequest } = {},
) {
  const key = new SessionKey({ secret, channelId, domain, limit: options.limit ?? 10n * CREDIT })
  const store = new MemoryChannelStore()
  await store.add(channelOf(key, options.spent), secret)
  const sent: Sent[] = []
  const request: NodeRequest = async (method, path, body, rest) => {
    assert.equal(`${method} ${path}`, 'POST /api/payment/vouchers')
    sent.push(body as Sent)
    return options.node?.(method, path, body, rest)
  }
  const payment = new AnswerPayment(options.terms ?? terms, {
    ...{ key, store, client: new PaymentClient(request) },
  })
  return { key, store, sent, payment }
}

describe('payment of an answer', () => {
  it('signs what is due, as the contract reads it, and takes it down before it is sent', async () => {
    const verifier = new VoucherVerifier(domain)
    const { payment, sent, store, key } = await setUp({
      spent: 5n,
      node: async (_, __, body) => {
        const row = await store.get(channelId)
        assert.equal(row?.signed, parseCredits((body as Sent).cumulativeAmount))
      },
    })
    payment.begin(price)
    payment.receive('Herring swim in shoals.', 6)
    payment.cost(30n)
    const { signed } = await payment.end()
    assert.equal(signed, 30n)
    assert.equal(payment.failure, null)
    const last = sent.at(-1)!
    const cumulativeAmount = parseCredits(last.cumulativeAmount)
    assert.equal(cumulativeAmount, 35n)
    assert.ok(verifier.isSignedBy(key.address, { channelId, cumulativeAmount, signature: last.signature }))
  })

  it('sends the newest voucher only, while one is under way', async () => {
    const waiting: (() => void)[] = []
    const { payment, sent } = await setUp({ node: () => new Promise<void>(done => waiting.push(done)) })
    payment.begin(price)
    payment.receive('x'.repeat(100), 100)
    for (let cost = 1n; cost <= 20n; cost++) payment.cost(cost)
    while (waiting.length === 0) await Promise.resolve()
    for (let cost = 21n; cost <= 40n; cost++) payment.cost(cost)
    const ended = payment.end()
    while (sent.length < 2) {
      waiting.shift()?.()
      await new Promise(setImmediate)
    }
    waiting.shift()?.()
    await ended
    assert.equal(sent.length, 2)
    assert.equal(parseCredits(sent[1]!.cumulativeAmount), 40n)
  })

  it('counts two answers on one channel together', async () => {
    const { payment, store, key, sent } = await setUp()
    const client = new PaymentClient(async (_, __, body) => void sent.push(body as Sent))
    const second = new AnswerPayment(terms, { key, store, client })
    for (const answer of [payment, second]) {
      answer.begin(price)
      answer.receive('some text', 3)
      answer.cost(10n)
    }
    await Promise.all([payment.end(), second.end()])
    assert.equal((await store.get(channelId))?.signed, 20n)
  })

  it('never signs for more than what came plus the window, whatever the node says', async () => {
    const amount = fc.bigInt(0n, 2n * CREDIT)
    const event = fc.oneof(
      fc.record({ type: fc.constant('begin' as const), input: amount, output: amount }),
      fc.record({
        type: fc.constant('text' as const),
        text: fc.string({ maxLength: 40 }),
        tokens: fc.integer({ min: -5, max: 10_000 }),
      }),
      fc.record({ type: fc.constant('cost' as const), amount: fc.bigInt(0n, 2_000_000_000_000_000n) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async events => {
        const limit = 500_000_000_000_000n
        const most = { inputPerMillion: CREDIT, outputPerMillion: CREDIT }
        const { payment, store } = await setUp({ limit, terms: { ...terms, maxPricePerMillion: most } })
        let bytes = 0
        let attempts = 0
        for (const event of events) {
          if (event.type === 'begin') {
            payment.begin({ inputPerMillion: event.input, outputPerMillion: event.output })
            attempts++
          } else if (event.type === 'text') {
            bytes += Buffer.byteLength(event.text)
            payment.receive(event.text, event.tokens)
          } else payment.cost(event.amount)
        }
        const { signed } = await payment.end()
        // Reckoned apart from the meter: at the highest price agreed to, every byte a token, read again by each attempt.
        const input = Math.max(1, attempts) * (Buffer.byteLength(terms.prompt[0]!) + 80 + bytes)
        const ceiling = costRoundedUp(most, { inputTokens: input, outputTokens: bytes + 64 })
        assert.ok(signed <= ceiling + BigInt(attempts), `${signed} of ${ceiling}`)
        assert.ok(signed <= terms.maxPrice)
        const row = (await store.get(channelId))!
        assert.ok(row.signed <= limit && row.signed === row.spent && row.signed === signed)
      }),
      { numRuns: 200 },
    )
  })

  it('stops where the node claims more than what came can have cost', async () => {
    const { payment, sent } = await setUp()
    payment.begin(price)
    payment.receive('ab', 1_000_000)
    payment.cost(CREDIT / 2n)
    await payment.end()
    assert.equal(payment.failure?.code, 'OVERCHARGED')
    assert.ok(payment.signal.aborted)
    assert.deepEqual(sent, [])
  })

  it('stops at a price that was not agreed to', async () => {
    const { payment } = await setUp()
    payment.begin({ ...price, outputPerMillion: price.outputPerMillion + 1n })
    assert.equal(payment.failure?.code, 'OVERCHARGED')
  })

  it('stops at the limit of the session key', async () => {
    const { payment, sent } = await setUp({ limit: 20n })
    payment.begin(price)
    payment.receive('some text that came', 5)
    payment.cost(21n)
    await payment.end()
    assert.equal(payment.failure?.code, 'LIMIT_REACHED')
    assert.deepEqual(sent, [])
  })

  it('tells of a node that is gone, and has signed for no more than what came', async () => {
    const { payment } = await setUp({ node: async () => Promise.reject(new TypeError('fetch failed')) })
    payment.begin(price)
    payment.receive('some text that came', 5)
    payment.cost(10n)
    const { signed, received, window } = await payment.end()
    assert.equal(payment.failure?.code, 'NODE_UNREACHABLE')
    assert.ok(signed <= received + window)
  })
})

describe('meter of an answer', () => {
  it('believes no more tokens than bytes', () => {
    const meter = new AnswerMeter(terms)
    meter.begin(price)
    const before = meter.received
    meter.receive('añb', 1_000)
    assert.equal(meter.receivedTokens, 4)
    assert.equal(meter.received - before, costRoundedUp(price, { inputTokens: 0, outputTokens: 4 }))
  })

  it('counts what is read again after a failover, and nothing for whom nothing came of', () => {
    const meter = new AnswerMeter(terms)
    meter.begin(price)
    meter.begin(price)
    const input = Buffer.byteLength(terms.prompt[0]!) + 80
    assert.equal(meter.received, costRoundedUp(price, { inputTokens: input, outputTokens: 0 }))
    meter.receive('abcd', 2)
    meter.begin(price)
    const first = costRoundedUp(price, { inputTokens: input, outputTokens: 2 })
    assert.equal(meter.received, first + costRoundedUp(price, { inputTokens: input + 4, outputTokens: 0 }))
  })

  it('takes all replicas of a task into account', () => {
    const meter = new AnswerMeter({ ...terms, copies: 3 })
    meter.begin(price)
    meter.receive('abcd', 2)
    const one = costRoundedUp(price, {
      inputTokens: Buffer.byteLength(terms.prompt[0]!) + 80,
      outputTokens: 2,
    })
    assert.equal(meter.received, 3n * one)
  })
})
