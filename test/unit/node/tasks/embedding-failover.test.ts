import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DEFAULT_PREFERENCES } from '../../../../node/market/preferences.ts'
import { type Candidate, type Ranking, UNFIT } from '../../../../node/market/routing/candidate.ts'
import type { TaskResult } from '../../../../node/tasks/ask.ts'
import { CircuitBreaker } from '../../../../node/tasks/circuit-breaker.ts'
import { HedgeBudget } from '../../../../node/tasks/hedge.ts'
import { remainingInput } from '../../../../node/tasks/remaining-input.ts'
import { Task } from '../../../../node/tasks/task.ts'
import type { Venue } from '../../../../node/tasks/venue.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { GREEDY } from '../../../helpers/samples.ts'
import { knownOffer } from '../market/samples.ts'

const MODELS = ['ab', 'cd'].map(digest => `nano@sha256:${digest.repeat(32)}`)
const TEXTS = ['a', 'bb', 'ccc', 'dddd', 'eeeee']
const TOKENS = 15

interface Embedder {
  /** Place in `MODELS`. */
  model: number
  /** It fails after so many vectors; null when it does not. */
  failsAfter: number | null
}

/** What each attempt was asked to embed. */
interface Ran {
  ended: TaskResult | Error
  asked: { model: string; texts: string[] }[]
}

/** An embedding of `TEXTS` among such providers, the first before the second. */
async function run(embedders: readonly Embedder[]): Promise<Ran> {
  const clock = new ManualClock()
  const asked: Ran['asked'] = []
  const candidates = embedders.map(({ model }, i): Candidate => {
    const provider = String(i).padStart(64, '0')
    const offer = knownOffer(provider, { model: MODELS[model]! })
    offer.offer.expiresAtMs = clock.nowMs() + 10 ** 9
    return {
      ...{ provider, venue: 'peer', offer, model: offer.offer.models[0]! },
      ...{ score: 1 / (i + 1), features: [], probability: 1 },
      prediction: {
        ...{ expectedCost: 0n, worstCost: 0n, ttftMs: 100, totalMs: 500, ttftP95Ms: 300, waitMs: 0 },
        ...{ tokensPerSecond: 50, reliability: 0.5, quality: 0.5, warmShare: 0 },
      },
    }
  })
  const venue: Venue = {
    isReady: () => false,
    prepare: async () => true,
    run: async ({ choice, ask, progress, onEvent }) => {
      const { provider, model } = choice.candidate
      const input = remainingInput(ask.input, progress)
      assert.ok(input.kind === 'embedding')
      asked.push({ model: model.model, texts: [...input.inputs] })
      const { failsAfter } = embedders[Number(provider)]!
      for (const [i, text] of input.inputs.entries()) {
        if (i === failsAfter) return { outcome: { kind: 'failed', why: 'disconnected' }, paid: 0n }
        const vector = Float32Array.of(MODELS.indexOf(model.model), text.length)
        onEvent({ type: 'vectors', vectors: [vector], tokens: text.length })
      }
      const isLost = failsAfter !== null && failsAfter >= input.inputs.length
      if (isLost) return { outcome: { kind: 'failed', why: 'disconnected' }, paid: 0n }
      return { outcome: { kind: 'finished', reason: 'stop' }, paid: 0n }
    },
  }
  const unfit = Object.fromEntries(UNFIT.map(name => [name, 0])) as Ranking['unfit']
  const rank = ({ model, excluded }: { model: string | null; excluded: ReadonlySet<string> }) => ({
    ...{
      decisionId: 'd',
      decidedBy: null,
      policyVersion: null,
      trialShare: 0,
      explored: false,
      eligible: [],
    },
    ...{ unfit, scale: {} as Ranking['scale'] },
    candidates: candidates.filter(
      candidate => !excluded.has(candidate.provider) && (model === null || candidate.model.model === model),
    ),
  })
  const task = new Task(
    {
      ...{ taskId: '00'.repeat(16), maxAttempts: 8, replicas: 3, attestedStake: 1n, onEvent: () => {} },
      signal: new AbortController().signal,
      ask: {
        ...{ input: { kind: 'embedding', inputs: TEXTS }, model: null, maxTokens: 1, maxPrice: null },
        ...{ sampling: GREEDY, stop: [], jsonSchema: null, preferences: DEFAULT_PREFERENCES },
      },
    },
    {
      ...{ clock, venues: { peer: venue } },
      router: { rank, preview: rank, observe: () => {} } as never,
      breaker: new CircuitBreaker({}, { clock, random: () => 0 }),
      hedging: new HedgeBudget({ share: 0 }),
      auctioneer: { sell: async () => [] },
      book: { list: () => [] } as never,
      areDistinct: (a, b) => a !== b,
      transcripts: { judge: async () => null } as never,
      reputation: { observe: async () => {}, isProven: () => false },
      record: async () => {},
    },
  )
  const ended = await task.run().catch((error: unknown) => error as Error)
  return { ended, asked }
}

describe('an embedding among providers that fail', () => {
  it('asks the next one of the same model for what is left', async () => {
    const { ended, asked } = await run([
      { model: 0, failsAfter: 2 },
      { model: 1, failsAfter: null },
      { model: 0, failsAfter: null },
    ])
    assert.ok(!(ended instanceof Error))
    assert.deepEqual(
      asked.map(({ texts }) => texts),
      [TEXTS, TEXTS.slice(2)],
    )
    assert.deepEqual([ended.model, ended.promptTokens, ended.vectors?.length], [MODELS[0], TOKENS, 5])
  })

  it('begins anew where nobody has that model', async () => {
    const { ended, asked } = await run([
      { model: 0, failsAfter: 2 },
      { model: 1, failsAfter: null },
    ])
    assert.ok(!(ended instanceof Error))
    assert.deepEqual(
      asked.map(({ texts }) => texts),
      [TEXTS, TEXTS],
    )
    assert.deepEqual([ended.model, ended.promptTokens], [MODELS[1], TOKENS])
  })

  it('gives all vectors in order and of one model, or none, whoever fails when', async () => {
    const embedder = fc.record({
      model: fc.constantFrom(0, 1),
      failsAfter: fc.option(fc.nat(TEXTS.length)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(embedder, { minLength: 1, maxLength: 6 }), async embedders => {
        const { ended } = await run(embedders)
        if (ended instanceof Error) return
        const model = MODELS.indexOf(ended.model)
        assert.deepEqual(
          ended.vectors,
          TEXTS.map(text => Float32Array.of(model, text.length)),
        )
        assert.equal(ended.promptTokens, TOKENS)
      }),
    )
  })
})
