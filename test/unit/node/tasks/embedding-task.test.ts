import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Engine, EngineError } from '../../../../inference/engine.ts'
import type { Cleared } from '../../../../node/market/clearance.ts'
import { Attempt, type AttemptEvent, type AttemptOutcome } from '../../../../node/tasks/attempt.ts'
import { coveredTokens, owedFor } from '../../../../node/tasks/metering.ts'
import { ProviderTask } from '../../../../node/tasks/provider-task.ts'
import { createNodeSigner, type NodeSigner } from '../../../../protocol/identity.ts'
import type { Offer } from '../../../../protocol/messages/offer.ts'
import type { ProviderFrame } from '../../../../protocol/messages/provider-frame.ts'
import { type Receipt, receiptMessage, vectorsDigest } from '../../../../protocol/messages/receipt.ts'
import type { RequesterFrame } from '../../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../../protocol/messages/task-request.ts'
import { openRecord } from '../../../../protocol/signed.ts'
import { packVectors } from '../../../../protocol/vectors.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import {
  sampleOffer,
  sampleOfferRecord,
  sampleRequest,
  sampleSigner,
  seedOf,
} from '../../../helpers/samples.ts'

const PRICE = { inputPerMillion: 3_000_000n, outputPerMillion: 7_000_000n }
const SIGNATURE = `0x${'5a'.repeat(64)}1b`

/** One end of a stream in memory. */
class End<Out, In> {
  readonly remote: string
  readonly #queue: (In | null)[] = []
  #wake: () => void = () => {}
  peer!: End<In, Out>

  constructor(remote: string) {
    this.remote = remote
  }

  async send(frame: Out): Promise<void> {
    this.peer.#push(frame)
  }

  async receive(): Promise<In | null> {
    while (this.#queue.length === 0)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    return this.#queue[0] === null ? null : this.#queue.shift()!
  }

  async close(): Promise<void> {
    this.peer.#push(null)
  }

  abort(): void {
    this.peer.#push(null)
  }

  #push(frame: In | null): void {
    this.#queue.push(frame)
    this.#wake()
  }
}

/** Two keys: whoever asks, and whoever does it. */
const provider: NodeSigner = sampleSigner
const requester = createNodeSigner(seedOf(2))
const requesterKey = Buffer.from(requester.publicKey).toString('hex')

/** What a channel of one task is to both of its sides; it counts, and tells when somebody goes too far. */
function channel() {
  let paid = 0n
  return {
    channelId: sampleRequest.payment.channelId,
    get paid() {
      return paid
    },
    voucher: () => null,
    adopt: async () => {},
    reserve: async () => {},
    reserveOnly: () => {},
    release: () => {},
    cumulativeFor: (amount: bigint) => (amount > paid ? amount : paid),
    payTo: async (amount: bigint) => {
      paid = amount
      return { cumulativeAmount: amount, signature: SIGNATURE }
    },
    pay: async () => {},
  }
}

function requestOf(inputs: string[]): TaskRequest {
  return {
    ...sampleRequest,
    ...{ award: null, mode: 'on-demand', slaClass: 'B', dataClass: 'SHARED', deadlineMs: null },
    ...{ input: { kind: 'embedding', inputs }, continuation: null, maxTokens: 1, stop: [], jsonSchema: null },
  }
}

/** As many tokens as characters, and vectors that say which text it was. */
const vectorOf = (text: string) => Float32Array.of(text.length, 1, -0.5)

interface Deal {
  outcome: AttemptOutcome
  events: AttemptEvent[]
  receipt: Receipt | null
  paid: bigint
  violations: string[]
}

interface DealOptions {
  inputs: string[]
  requesterWindow?: number
  providerWindow?: number
  /** Called before each text is computed; throws to have the engine fail. */
  onEmbed?: (text: string, paid: bigint) => void
  /** What becomes of a frame of the provider on its way; null: nothing. */
  tamper?: (frame: ProviderFrame) => ProviderFrame[]
  /** Called with each event of the requester. */
  onEvent?: (event: AttemptEvent, cancel: () => void) => void
}

/** An embedding between a real requester's attempt and a real provider's task, with a stream and a channel in memory. */
async function deal(options: DealOptions): Promise<Deal> {
  const { inputs, requesterWindow = 16, providerWindow = 16, onEmbed, tamper } = options
  const request = requestOf(inputs)
  const clock = new ManualClock()
  const lease = channel()
  const asking = new End<RequesterFrame, ProviderFrame>(sampleOfferRecord.signer)
  const serving = new End<ProviderFrame, RequesterFrame>(requesterKey)
  asking.peer = serving
  serving.peer = asking
  const send = serving.send.bind(serving)
  if (tamper !== undefined)
    serving.send = async frame => {
      for (const said of tamper(frame)) await send(said)
    }
  const offer: Offer = {
    ...sampleOffer,
    dataClass: 'PRIVATE',
    models: [{ ...sampleOffer.models[0]!, ...PRICE, kinds: ['embedding'] }],
  }
  const engine = {
    status: () => ({ backend: { kind: 'cpu' }, models: [] }),
    countTokens: async ({ inputs }: { inputs: readonly string[] }) => inputs.map(text => text.length),
    embed: async ({ inputs }: { inputs: readonly string[] }) => {
      for (const text of inputs) onEmbed?.(text, lease.paid)
      const inputTokens = inputs.reduce((sum, text) => sum + text.length, 0)
      return { vectors: inputs.map(vectorOf), inputTokens }
    },
  } as unknown as Engine
  const task = new ProviderTask(
    {
      ...{ creditWindowTokens: providerWindow, paymentTimeoutMs: 1_000, wallet: offer.wallet },
      nodeKey: sampleOfferRecord.signer,
    },
    {
      ...{ frames: serving, engine, signer: provider, clock, log: silentLog },
      channels: { admit: async () => lease },
      receipts: { issue: async () => {}, complete: async () => {} },
      findOffer: () => offer,
      bids: {},
      admission: {
        enter: () => ({ granted: Promise.resolve(), ahead: () => 0, expectedMs: () => 0, leave: () => {} }),
      },
      meter: { record: () => {}, speed: () => null, prefillMs: () => null },
      randomSalt: () => `0x${'00'.repeat(32)}`,
      onViolation: () => {},
    } as never,
    request,
  )
  const first = serving.receive()
  const events: AttemptEvent[] = []
  const violations: string[] = []
  const cancel = new AbortController()
  const attempt = new Attempt(
    {
      request: { content: request } as Cleared<TaskRequest>,
      offer: { provider: sampleOfferRecord.signer, cid: request.offer, offer } as never,
      ...{ price: PRICE, creditWindowTokens: requesterWindow, stallTimeoutMs: 60_000 },
      expected: { ttftMs: 1, tokensPerSecond: 1 },
      promptTokensBound: 100_000,
      maxAmount: 10n ** 20n,
      ...{ self: requesterKey, wallet: request.payment.payer },
    },
    {
      ...{ frames: asking, lease, signer: requester, clock, log: silentLog },
      receipts: { countersign: async () => {} },
      onViolation: (_peer: string, violation: string) => violations.push(violation),
      onEvent: (event: AttemptEvent) => {
        events.push(event)
        options.onEvent?.(event, () => cancel.abort())
      },
    } as never,
  )
  const asked = attempt.run(cancel.signal)
  await first
  const served = task.run()
  const outcome = await asked
  await asking.close()
  await served
  const signed = events.find(event => event.type === 'receipt')
  return { outcome, events, receipt: signed?.record.body ?? null, paid: lease.paid, violations }
}

const vectorsOf = (events: readonly AttemptEvent[]) =>
  events.flatMap(event => (event.type === 'vectors' ? event.vectors : []))

const texts = fc.array(
  fc.integer({ min: 1, max: 60 }).map(length => 'x'.repeat(length)),
  { minLength: 1, maxLength: 12 },
)

describe('an embedding between requester and provider', () => {
  it('delivers, is paid by its tokens and signed for, and neither side goes far ahead', async () => {
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        async (inputs, requesterWindow, providerWindow) => {
          const tokens = inputs.join('').length
          let computed = 0
          let delivered = 0
          const longest = Math.max(...inputs.map(text => text.length))
          const { outcome, events, receipt, paid } = await deal({
            ...{ inputs, requesterWindow, providerWindow },
            onEmbed: (text, paidSoFar) => {
              computed += text.length
              assert.ok(computed <= coveredTokens(PRICE, tokens, paidSoFar) + providerWindow)
            },
            onEvent: event => {
              if (event.type === 'vectors') delivered += event.tokens
              if (event.type !== 'payment') return
              // At most the text that is worked on, and both windows.
              const ahead = coveredTokens(PRICE, tokens, event.taskAmount) - delivered
              if (delivered < tokens) assert.ok(ahead <= longest + requesterWindow + providerWindow)
            },
          })
          assert.deepEqual(outcome, { kind: 'finished', reason: 'stop' })
          assert.deepEqual(vectorsOf(events), inputs.map(vectorOf))
          const owed = owedFor(PRICE, { promptTokens: tokens, outputTokens: 0 })
          assert.deepEqual([receipt?.amount, paid], [owed, owed])
          assert.deepEqual([receipt?.promptTokens, receipt?.outputTokens], [tokens, 0])
          assert.equal(receipt?.output, vectorsDigest(inputs.map(vectorOf)))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is signed for what was delivered where the provider fails', async () => {
    const inputs = ['a'.repeat(20), 'b'.repeat(20), 'c'.repeat(20)]
    const { outcome, events, receipt } = await deal({
      inputs,
      requesterWindow: 4,
      providerWindow: 4,
      onEmbed: text => {
        if (text.startsWith('c')) throw new EngineError('ENGINE_CRASHED', 'gone')
      },
    })
    assert.deepEqual(outcome, { kind: 'failed', why: 'provider_failed' })
    assert.equal(vectorsOf(events).length, 2)
    assert.deepEqual([receipt?.reason, receipt?.promptTokens], ['failed', 40])
  })

  it('ends where it is cancelled, with what has come', async () => {
    const inputs = ['a'.repeat(20), 'b'.repeat(20), 'c'.repeat(20)]
    const { outcome, receipt } = await deal({
      ...{ inputs, requesterWindow: 4, providerWindow: 4 },
      onEvent: (event, cancel) => {
        if (event.type === 'vectors') cancel()
      },
    })
    assert.equal(outcome.kind, 'cancelled')
    assert.deepEqual([receipt?.reason, receipt?.promptTokens], ['cancelled', 20])
  })

  type Vectors = Extract<ProviderFrame, { kind: 'vectors' }>
  const lies: Record<string, (frame: Vectors) => ProviderFrame[]> = {
    'vectors twice': frame => [frame, frame],
    'vectors of other texts': frame => [{ ...frame, first: frame.first + 1 }],
    'more vectors than texts': frame => [
      { ...frame, bytes: packVectors([1, 2, 3, 4].map(() => Float32Array.of(1, 2, 3))), tokens: 9 },
    ],
    'fewer tokens than texts': frame => [{ ...frame, tokens: 0 }],
    'more tokens than were announced': frame => [{ ...frame, tokens: 1_000 }],
    'what is no number': frame => [{ ...frame, bytes: packVectors([Float32Array.of(1, Number.NaN, 2)]) }],
    'vectors of another length': frame => [
      frame,
      { ...frame, first: 1, dimensions: 1, tokens: 1, bytes: packVectors([Float32Array.of(1)]) },
    ],
    'text in their place': () => [{ kind: 'output', tokens: [1], text: 'x' }],
    'other vectors than it signs for': frame => [
      { ...frame, bytes: packVectors([Float32Array.of(9, 9, 9)]) },
    ],
  }
  for (const [what, lie] of Object.entries(lies)) {
    it(`is broken off where a provider sends ${what}`, async () => {
      let hasLied = false
      const { outcome, receipt, violations } = await deal({
        inputs: ['a'.repeat(20), 'b'.repeat(20)],
        ...{ requesterWindow: 4, providerWindow: 4 },
        tamper: frame => {
          if (frame.kind !== 'vectors' || hasLied) return [frame]
          hasLied = true
          return lie(frame)
        },
      })
      assert.deepEqual(outcome, { kind: 'failed', why: 'dishonest' })
      assert.deepEqual([receipt, violations.length], [null, 1])
    })
  }

  it('has a receipt that any reader of receipts takes', async () => {
    const { events } = await deal({ inputs: ['abc'] })
    const signed = events.find(event => event.type === 'receipt')!
    const { body } = openRecord(receiptMessage, signed.record.bytes, () => true)
    assert.deepEqual([body.version, body.sampler, body.prompt, body.chatTemplate], [2, 'engine', null, null])
  })
})
