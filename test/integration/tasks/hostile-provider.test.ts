import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { offersProtocol } from '../../../node/market/protocols.ts'
import type { Violation } from '../../../node/p2p/errors.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { owedFor } from '../../../node/tasks/metering.ts'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import { cidOf, decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { createNodeSigner } from '../../../protocol/identity.ts'
import { type Offer, offerMessage } from '../../../protocol/messages/offer.ts'
import { type ProviderFrame, providerFrameMessage } from '../../../protocol/messages/provider-frame.ts'
import {
  outputDigest,
  type Receipt,
  receiptMessage,
  tokensDigest,
} from '../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { createRecord } from '../../../protocol/signed.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { Rogue, type RogueStream } from '../../helpers/rogue.ts'
import { seedOf } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'

const WINDOW = 16
const PROMPT_TOKENS = 5
/** Which the rogue has done well. */
const TASKS_BEFORE = 60
const TOKENS = [1, 2, 3]
const SIGNATURE = `0x${'5a'.repeat(64)}1b`

/** What a rogue knows when it is asked. */
interface Asked {
  say: (frame: ProviderFrame) => void
  stream: RogueStream
  request: TaskRequest
  /** The receipt of an honest provider who made `TOKENS`, but for the changes. */
  receipt: (changes?: Partial<Receipt>, seed?: Uint8Array) => ProviderFrame
}

const accepted = (promptTokens = PROMPT_TOKENS): ProviderFrame => ({
  kind: 'accepted',
  promptTokens,
  creditWindowTokens: WINDOW,
  voucher: null,
})
const output = (tokens: number[] = TOKENS): ProviderFrame => ({ kind: 'output', tokens, text: 'abc' })
const work = ({ say }: Asked) => {
  say(accepted())
  say(output())
}

const CASES: [
  name: string,
  misbehave: (asked: Asked) => unknown,
  why: string,
  violation: Violation | null,
][] = [
  ['sends garbage', ({ stream }) => stream.write(randomBytes(64)), 'dishonest', 'bad_frame'],
  [
    'sends a frame too long',
    ({ stream }) => stream.write(new Uint8Array(providerFrameMessage.maxBytes + 1)),
    'dishonest',
    'oversize_frame',
  ],
  ['counts more prompt than there is', ({ say }) => say(accepted(1_000_000)), 'dishonest', 'bad_frame'],
  ['accepts twice', ({ say }) => [accepted(), accepted()].forEach(say), 'dishonest', 'bad_frame'],
  ['answers before it accepts', ({ say }) => say(output()), 'dishonest', 'bad_frame'],
  [
    'reads more of the prompt than there is',
    ({ say }) => [accepted(), { kind: 'prefill', promptTokens: PROMPT_TOKENS + 1 } as const].forEach(say),
    'dishonest',
    'bad_frame',
  ],
  [
    'makes more than was asked for',
    ({ say }) => [accepted(), output(Array<number>(65).fill(1))].forEach(say),
    'dishonest',
    'bad_frame',
  ],
  [
    'shows a voucher that nobody signed',
    ({ say }) =>
      say({
        ...{ kind: 'accepted', promptTokens: PROMPT_TOKENS, creditWindowTokens: WINDOW },
        voucher: { cumulativeAmount: 10n ** 12n, signature: SIGNATURE },
      }),
    'dishonest',
    'bad_payment',
  ],
  [
    'refuses what it has accepted',
    ({ say }) => [accepted(), { kind: 'refused', code: 'busy', message: '' } as const].forEach(say),
    'dishonest',
    'bad_frame',
  ],
  [
    'is done before the end',
    ({ say }) => [accepted(), { kind: 'done' } as const].forEach(say),
    'dishonest',
    'bad_frame',
  ],
  [
    'lets somebody else sign the receipt',
    asked => [work(asked), asked.say(asked.receipt({}, seedOf(9)))],
    'dishonest',
    'bad_record',
  ],
  [
    'asks for more than the price',
    asked => [work(asked), asked.say(asked.receipt({ amount: 10n ** 15n }))],
    'dishonest',
    'bad_record',
  ],
  [
    'makes the requester owe more on the channel than the task leaves unpaid',
    asked => [work(asked), asked.say(asked.receipt({ cumulativeAmount: 10n ** 15n }))],
    'dishonest',
    'bad_record',
  ],
  [
    'says that less is owed than the task costs',
    asked => [work(asked), asked.say(asked.receipt({ cumulativeAmount: 0n }))],
    'dishonest',
    'bad_record',
  ],
  [
    'counts tokens that never came',
    asked => [work(asked), asked.say(asked.receipt({ outputTokens: TOKENS.length + 1 }))],
    'dishonest',
    'bad_record',
  ],
  [
    'signs for another answer',
    asked => [work(asked), asked.say(asked.receipt({ output: outputDigest([7], 'x') }))],
    'dishonest',
    'bad_record',
  ],
  [
    'does not say which prompt it read',
    asked => [work(asked), asked.say(asked.receipt({ prompt: null }))],
    'dishonest',
    'bad_record',
  ],
  [
    'says it was cancelled',
    asked => [work(asked), asked.say(asked.receipt({ reason: 'cancelled' }))],
    'dishonest',
    'bad_record',
  ],
  ['hangs up', ({ stream }) => stream.raw.close(), 'disconnected', null],
  [
    'breaks off in the middle',
    asked => [work(asked), asked.stream.raw.abort(new Error('broken'))],
    'disconnected',
    null,
  ],
  ['says nothing', () => {}, 'stalled', null],
  ['works and then says nothing', work, 'stalled', null],
]

describe('a requester among hostile providers', () => {
  const network = new TestNetwork()
  let honest: TestNode
  let requester: TestNode
  let rogue: Rogue
  /** Each is so much cheaper than those before that it is chosen first. */
  let price = 10n ** 17n
  let wallet: string

  before(async () => {
    await network.start()
    honest = await network.node()
    requester = await network.node({
      'models.serve': '',
      'p2p.bootstrap': honest.address,
      'task.creditWindowTokens': WINDOW,
      'task.stallTimeout': '1s',
      // Else somebody else is asked before one that says nothing is given up.
      'task.hedgePercent': 0,
      // Each rogue gets a channel.
      'spending.limitPerDay': '100',
    })
    await requester.knows(honest)
    requester.choosesByScore()
  })
  beforeEach(async () => {
    rogue = await Rogue.start()
    price /= 3n
    wallet = `0x${randomBytes(20).toString('hex')}`
  })
  afterEach(async () => {
    // Gone for good, also as far as the others are concerned.
    const { reputation } = requester.node.parts
    for (let i = 0; i < 4; i++) await reputation.penalise(rogue.key, 'bad_frame')
    await rogue.stop()
  })
  after(() => network.stop())

  function offer(): Offer {
    const { offer: body } = honest.node.trade.offers!.current()!
    return {
      ...body,
      wallet,
      addresses: [rogue.address],
      models: [
        { ...body.models[0]!, inputPerMillion: price, outputPerMillion: price, tokensPerSecond: 1_000_000 },
      ],
    }
  }

  /** Lets the rogue be asked first. */
  async function setUp(misbehave: (asked: Asked) => unknown): Promise<void> {
    const record = createRecord(offerMessage, offer(), rogue.signer)
    await rogue.serve(offersProtocol.id, async stream => {
      await stream.read()
      stream.write(
        encodeMessage(offersProtocol.response, {
          records: [{ offer: record.bytes, update: null }],
        }),
      )
    })
    await rogue.serve(taskProtocol.id, async stream => {
      const frame = (await stream.read())!
      const request = decodeMessage(requesterFrameMessage, frame) as TaskRequest
      const { models, chainId, settlement } = record.body
      const receipt = (changes: Partial<Receipt> = {}, seed?: Uint8Array): ProviderFrame => {
        const metered = { promptTokens: PROMPT_TOKENS, outputTokens: TOKENS.length }
        const body: Receipt = {
          ...{ version: 2, taskId: request.taskId, attempt: request.attempt, backend: 'cpu' },
          ...{
            requester: requester.key,
            provider: rogue.key,
            payer: requester.wallet.address,
            payee: wallet,
          },
          ...{ chainId, settlement, channelId: request.payment.channelId, offer: record.cid },
          ...{ request: cidOf(frame).toString(), model: request.model, ...metered, reason: 'length' },
          ...{ adapter: null, chatTemplate: null, prompt: tokensDigest([1]), sampler: 'gumbel-64/1' },
          ...{ output: outputDigest(TOKENS, 'abc'), amount: owedFor(models[0]!, metered) },
          cumulativeAmount: owedFor(models[0]!, metered),
          ...{ startedAtMs: Date.now(), endedAtMs: Date.now() },
          ...changes,
        }
        const signer = seed === undefined ? rogue.signer : createNodeSigner(seed)
        return { kind: 'end', receipt: createRecord(receiptMessage, body, signer).bytes }
      }
      const say = (said: ProviderFrame) => stream.write(encodeMessage(providerFrameMessage, said))
      await misbehave({ say, stream, request, receipt })
    })
    await rogue.meet(requester.address)
    await waitUntil('its offer is known', () => requester.node.parts.book.of(rogue.key) !== null)
    // It has behaved until now, better than anybody: else it would not be asked.
    const { reputation } = requester.node.parts
    for (let task = 0; task < TASKS_BEFORE; task++) await reputation.observe(rogue.key, 'completed')
  }

  async function receipts(): Promise<Receipt[]> {
    const all: Receipt[] = []
    for await (const { receipt } of requester.node.parts.receipts.list()) all.push(receipt)
    return all
  }

  const paidToRogue = () =>
    requester.node.trade.economy.payer
      .list()
      .filter(({ payee }) => payee === wallet)
      .reduce((sum, { cumulative }) => sum + cumulative, 0n)

  it('takes an answer from a rogue that behaves for once', async () => {
    await setUp(asked => [work(asked), asked.say(asked.receipt())])
    const { provider, text, paid } = await requester.ask('What is Shoal?')
    assert.deepEqual([provider, text], [rogue.key, 'abc'])
    assert.equal(paid, paidToRogue())
    assert.equal((await receipts())[0]?.provider, rogue.key)
  })

  for (const [name, misbehave, why, violation] of CASES) {
    it(`goes on elsewhere when one ${name}`, async () => {
      const { reputation } = requester.node.parts
      const before = await receipts()
      await setUp(misbehave)
      const trusted = reputation.score(rogue.key)
      const events: TaskEvent[] = []
      const { provider, status } = await requester.ask('What is Shoal?', {}, event => events.push(event))
      assert.deepEqual([provider, status], [honest.key, 'completed'])
      assert.deepEqual(
        events.flatMap(event => (event.type === 'failover' ? [[event.from, event.why]] : [])),
        [[rogue.key, why]],
      )
      const { violations, tasks, score } = reputation.score(rogue.key)
      assert.equal(tasks, TASKS_BEFORE + 1)
      assert.equal(violations, violation === null ? 0 : 1)
      assert.ok(score < trusted.score)
      assert.ok(paidToRogue() <= owedFor(offer().models[0]!, { promptTokens: WINDOW, outputTokens: 0 }))
      assert.equal((await receipts()).length, before.length + 1, 'nothing was signed for the rogue')
    })
  }

  it('counts each kind of it', async () => {
    const { values } = await requester.node.metrics.violations.get()
    for (const [, , , violation] of CASES)
      if (violation !== null)
        assert.ok(
          values.some(({ labels, value }) => labels.kind === violation && value > 0),
          violation,
        )
  })
})
