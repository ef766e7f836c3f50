import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type EmbeddingEvent, EmbeddingRun } from '../../../inference/embedding-run.ts'
import type { Engine } from '../../../inference/engine.ts'
import { MAX_VECTOR_BYTES_PER_FRAME } from '../../../protocol/limits.ts'

/** An engine whose texts have as many tokens as characters, and whose vectors begin with that number. */
function engineOf(dimensions = 2) {
  const embedded: string[] = []
  const engine = {
    countTokens: async ({ inputs }: { inputs: readonly string[] }) => inputs.map(text => text.length),
    embed: async ({ inputs }: { inputs: readonly string[] }) => {
      embedded.push(...inputs)
      const vectors = inputs.map(text => new Float32Array(dimensions).fill(text.length))
      return { vectors, inputTokens: inputs.reduce((sum, text) => sum + text.length, 0) }
    },
  } as unknown as Pick<Engine, 'embed' | 'countTokens'>
  return { engine, embedded }
}

const texts = fc.array(
  fc.integer({ min: 1, max: 40 }).map(length => 'x'.repeat(length)),
  { minLength: 1, maxLength: 40 },
)

describe('EmbeddingRun', () => {
  it('embeds all in order, and says how many tokens they are', async () => {
    const { engine } = engineOf()
    const run = new EmbeddingRun({ request: { model: 'm', inputs: ['a', 'bb', 'ccc'] } }, { engine })
    const events: EmbeddingEvent[] = []
    for await (const event of run) events.push(event)
    assert.deepEqual(events[0], { type: 'start', promptTokens: 6, promptDigest: null })
    assert.deepEqual(
      events.flatMap(event => (event.type === 'vectors' ? event.vectors.map(([first]) => first) : [])),
      [1, 2, 3],
    )
    assert.deepEqual(events.at(-1), { type: 'end', reason: 'stop', promptTokens: 6, outputTokens: 0 })
    assert.throws(() => run[Symbol.asyncIterator](), TypeError)
  })

  it('computes no text before all of its tokens are granted, and comes to its end with any window', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 64 }), async (inputs, window) => {
        const { engine, embedded } = engineOf()
        const run = new EmbeddingRun({ request: { model: 'm', inputs }, grantedTokens: 0 }, { engine })
        let granted = 0
        let told = 0
        let delivered = 0
        const grant = (tokens: number) => {
          granted = Math.max(granted, tokens)
          run.grant(granted)
        }
        for await (const event of run) {
          const computed = embedded.reduce((sum, text) => sum + text.length, 0)
          assert.ok(computed <= granted, 'nothing is computed that is not granted')
          if (event.type === 'vectors') delivered += event.tokens
          if (event.type === 'prefill') {
            assert.ok(event.promptTokens > told && event.promptTokens <= granted)
            told = event.promptTokens
          }
          // Whoever pays goes a window ahead of what was told or delivered.
          grant(Math.max(told, delivered) + window)
        }
        assert.deepEqual(embedded, inputs)
        assert.equal(
          delivered,
          inputs.reduce((sum, text) => sum + text.length, 0),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('puts no more into an event than a frame takes', async () => {
    const dimensions = MAX_VECTOR_BYTES_PER_FRAME / 4 / 3
    const { engine } = engineOf(Math.floor(dimensions))
    const inputs = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const sizes: number[] = []
    for await (const event of new EmbeddingRun({ request: { model: 'm', inputs } }, { engine }))
      if (event.type === 'vectors') sizes.push(event.vectors.length)
    assert.deepEqual(sizes, [3, 3, 1])
  })

  it('stops while it waits, and before it begins', async () => {
    const { engine, embedded } = engineOf()
    const waiting = new EmbeddingRun(
      { request: { model: 'm', inputs: ['abc'] }, grantedTokens: 0 },
      { engine },
    )
    const events = waiting[Symbol.asyncIterator]()
    assert.equal((await events.next()).value?.type, 'start')
    const next = events.next()
    waiting.cancel()
    await assert.rejects(next, { code: 'CANCELLED' })
    const signal = AbortSignal.abort()
    const request = { model: 'm', inputs: ['a'] }
    const aborted = new EmbeddingRun({ request, signal }, { engine })[Symbol.asyncIterator]()
    await assert.rejects(aborted.next(), { code: 'CANCELLED' })
    assert.deepEqual(embedded, [])
  })
})
