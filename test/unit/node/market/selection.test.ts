import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Demand, matchesModel, rank } from '../../../../node/market/selection.ts'
import type { ModelOffer } from '../../../../protocol/messages/offer.ts'
import { CREDIT, costRoundedUp } from '../../../../protocol/money.ts'
import { knownOffer } from './samples.ts'

const DIGEST = 'ab'.repeat(32)
const demand: Demand = { model: null, kind: 'chat', promptTokensBound: 400, maxTokens: 64, maxPrice: null }
/** A number that makes nothing be tried out. */
const BEST = 0.5

function ranked(
  offers: Parameters<typeof rank>[1],
  options: { demand?: Partial<Demand>; random?: number[]; reliability?: Record<string, number> } = {},
) {
  const { random = [], reliability = {} } = options
  const numbers = [...random]
  return rank({ ...demand, ...options.demand }, offers, {
    reliability: provider => reliability[provider] ?? 0.5,
    random: () => numbers.shift() ?? BEST,
  })
}

const order = (ranking: ReturnType<typeof rank>) => ranking.candidates.map(({ provider }) => provider)

const model: fc.Arbitrary<Partial<ModelOffer>> = fc.record({
  model: fc.constantFrom(`nano-q8_0@sha256:${DIGEST}`, `mini@sha256:${'cd'.repeat(32)}`),
  kinds: fc.constantFrom<ModelOffer['kinds'][]>(['chat'], ['completion'], ['chat', 'completion']),
  contextTokens: fc.constantFrom(16, 1_024, 131_072),
  inputPerMillion: fc.bigInt(0n, 10n * CREDIT),
  outputPerMillion: fc.bigInt(0n, 10n * CREDIT),
  tokensPerSecond: fc.nat(10_000),
  freeSlots: fc.nat(2),
  parameterCount: fc.nat(10 ** 9),
})
const offers = fc
  .array(fc.array(model, { minLength: 1, maxLength: 3 }), { maxLength: 8 })
  .map(all => all.map((models, index) => knownOffer(`provider-${index}`, ...models)))
const anyDemand: fc.Arbitrary<Demand> = fc.record({
  model: fc.constantFrom(null, 'nano', 'nano-q8_0', 'mini', DIGEST, 'other'),
  kind: fc.constantFrom('chat' as const, 'completion' as const),
  promptTokensBound: fc.integer({ min: 1, max: 100_000 }),
  maxTokens: fc.integer({ min: 1, max: 4_096 }),
  maxPrice: fc.option(fc.bigInt(0n, CREDIT)),
})

describe('selection', () => {
  it('takes every model offered as a candidate or says why not', () => {
    fc.assert(
      fc.property(offers, anyDemand, (all, wanted) => {
        const { candidates, unfit } = ranked(all, { demand: wanted })
        const models = all.flatMap(({ offer }) => offer.models)
        const left = Object.values(unfit).reduce((sum, count) => sum + count, 0)
        assert.equal(candidates.length + left, models.length)
        for (const { model: chosen, worstCost, expectedCost, burden, reliability } of candidates) {
          assert.ok(wanted.model === null || matchesModel(wanted.model, chosen.model))
          assert.ok(chosen.kinds.includes(wanted.kind))
          assert.ok(wanted.maxPrice === null || expectedCost <= wanted.maxPrice)
          assert.ok(expectedCost <= worstCost)
          assert.equal(
            worstCost,
            costRoundedUp(chosen, { inputTokens: wanted.promptTokensBound, outputTokens: wanted.maxTokens }),
          )
          assert.ok(Number.isFinite(burden) && burden >= 0 && reliability > 0)
        }
      }),
    )
  })

  it('puts the least burden first, the same in whatever order offers came', () => {
    fc.assert(
      fc.property(offers, anyDemand, fc.nat(), (all, wanted, turn) => {
        const first = ranked(all, { demand: wanted })
        const burdens = first.candidates.map(({ burden }) => burden)
        assert.deepEqual(
          burdens,
          burdens.toSorted((a, b) => a - b),
        )
        const at = turn % Math.max(1, all.length)
        const turned = ranked([...all.slice(at), ...all.slice(0, at)], { demand: wanted })
        assert.deepEqual(order(turned), order(first))
      }),
    )
  })

  it('prefers the cheaper, the faster, the free and the more reliable, all else being equal', () => {
    const [a, b] = ['a', 'b']
    const pairs: [string, Partial<ModelOffer>, Partial<ModelOffer>][] = [
      ['cheaper output', { outputPerMillion: CREDIT }, { outputPerMillion: 2n * CREDIT }],
      ['cheaper prompt', { inputPerMillion: 0n }, { inputPerMillion: CREDIT }],
      ['faster', { tokensPerSecond: 100 }, { tokensPerSecond: 10 }],
      ['with free slots', { freeSlots: 1 }, { freeSlots: 0 }],
      ['larger', { parameterCount: 4_000_000 }, { parameterCount: 1_000_000 }],
    ]
    for (const [what, better, worse] of pairs) {
      assert.deepEqual(order(ranked([knownOffer(a, worse), knownOffer(b, better)])), [b, a], what)
      assert.deepEqual(order(ranked([knownOffer(a, better), knownOffer(b, worse)])), [a, b], what)
    }
    const same = [knownOffer(a, {}), knownOffer(b, {})]
    assert.deepEqual(order(ranked(same, { reliability: { a: 0.3, b: 0.6 } })), [b, a])
    assert.deepEqual(order(ranked(same)), [a, b])
  })

  it('does not let size count where a model is named', () => {
    const large = { parameterCount: 10 ** 9, outputPerMillion: 2n * CREDIT }
    const all = [knownOffer('large', large), knownOffer('small', {})]
    assert.deepEqual(order(ranked(all)), ['large', 'small'])
    assert.deepEqual(order(ranked(all, { demand: { model: DIGEST } })), ['small', 'large'])
  })

  it('gives nobody up for ever: the least reliable can make up for it by price', () => {
    const all = [knownOffer('dear', { outputPerMillion: 100n * CREDIT }), knownOffer('fallen', {})]
    assert.deepEqual(order(ranked(all, { reliability: { dear: 1, fallen: 0 } })), ['fallen', 'dear'])
  })

  it('leaves out what the price limit cannot pay', () => {
    const all = [knownOffer('free', { inputPerMillion: 0n, outputPerMillion: 0n }), knownOffer('paid', {})]
    const { candidates, unfit } = ranked(all, { demand: { maxPrice: 0n } })
    assert.deepEqual(
      candidates.map(({ provider }) => provider),
      ['free'],
    )
    assert.equal(unfit.too_expensive, 1)
  })

  it('now and then tries another than the best, and never the same place twice by chance alone', () => {
    const all = ['a', 'b', 'c', 'd'].map(provider => knownOffer(provider, {}))
    assert.deepEqual(order(ranked(all, { random: [0.05] })), ['a', 'b', 'c', 'd'])
    assert.deepEqual(order(ranked(all, { random: [0.049, 0] })), ['b', 'a', 'c', 'd'])
    assert.deepEqual(order(ranked(all, { random: [0.049, 0.5] })), ['c', 'a', 'b', 'd'])
    assert.deepEqual(order(ranked(all, { random: [0, 0.999] })), ['d', 'a', 'b', 'c'])
    assert.deepEqual(order(ranked(all.slice(0, 1), { random: [0, 0.999] })), ['a'])
    assert.deepEqual(order(ranked([], { random: [0, 0.999] })), [])
  })

  it('tries out nothing that costs much more than the best', () => {
    fc.assert(
      fc.property(offers, anyDemand, fc.double({ min: 0, max: 0.999 }), (all, wanted, random) => {
        const calm = ranked(all, { demand: wanted })
        const curious = ranked(all, { demand: wanted, random: [0, random] })
        assert.deepEqual(order(curious).toSorted(), order(calm).toSorted())
        const [best] = calm.candidates
        const [first] = curious.candidates
        if (best === undefined || first === undefined) return
        assert.ok(first.worstCost <= 2n * best.worstCost)
      }),
    )
    const all = [knownOffer('fair', {}), knownOffer('absurd', { outputPerMillion: 10n ** 30n })]
    assert.deepEqual(order(ranked(all, { random: [0, 0.999] })), ['fair', 'absurd'])
  })
})

describe('the name of a model', () => {
  it('matches by id, name, name without quantisation, and digest', () => {
    const id = `shoal-nano-q8_0@sha256:${DIGEST}`
    for (const wanted of [id, 'shoal-nano-q8_0', 'shoal-nano', DIGEST, `sha256:${DIGEST}`])
      assert.ok(matchesModel(wanted, id), wanted)
    for (const wanted of [
      '',
      'shoal',
      'shoal-nano-q4_0',
      'nano',
      `sha256:${'00'.repeat(32)}`,
      `${id}x`,
      'q8_0',
    ])
      assert.equal(matchesModel(wanted, id), false, wanted)
  })

  it('ends where a quantisation begins, and only there', () => {
    const cases: [string, string][] = [
      ['llama-3-8b-iq4_xs', 'llama-3-8b'],
      ['qwen3-0.6b-f16', 'qwen3-0.6b'],
      ['qwen3-0.6b-bf16', 'qwen3-0.6b'],
      ['model-q4_k_m', 'model'],
      ['quick-fox', 'quick-fox'],
    ]
    for (const [name, short] of cases) assert.ok(matchesModel(short, `${name}@sha256:${DIGEST}`), name)
    assert.equal(matchesModel('quick', `quick-fox@sha256:${DIGEST}`), false)
  })

  it('matches nothing where the id is none', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (wanted, id) => {
        fc.pre(wanted !== id)
        assert.equal(matchesModel(wanted, id), false)
      }),
    )
  })
})
