import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { KnownOffer } from '../../../../../node/market/offer-book.ts'
import { STRATEGIES, type Strategy } from '../../../../../node/market/preferences.ts'
import type { Listing, Ranking } from '../../../../../node/market/routing/candidate.ts'
import { FEATURE_NAMES } from '../../../../../node/market/routing/features.ts'
import type { Decision } from '../../../../../node/market/routing/modules.ts'
import { GreedyPolicy } from '../../../../../node/market/routing/policy.ts'
import { Router } from '../../../../../node/market/routing/router.ts'
import { DEFAULT_TUNING } from '../../../../../node/market/routing/strategies.ts'
import type { Offer } from '../../../../../protocol/messages/offer.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import {
  demandFor,
  fillIndex,
  provenToAll,
  routerModules,
  seededRandom,
  syntheticDemand,
  syntheticModelId,
  syntheticOffer,
  syntheticProvider,
} from '../../../../helpers/synthetic-market.ts'
import { EVEN, market, order, outcome } from './samples.ts'

const seeds = fc.integer({ min: 1, max: 1_000_000 })

describe('the router', () => {
  it('takes every listing as a candidate or says why not', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 60 }), (seed, offers) => {
        const { clock, index, router } = market({}, { maxCandidates: 1_000 })
        fillIndex(index, offers, seededRandom(seed), clock.nowMs())
        const demand = syntheticDemand(seededRandom(seed + 1))
        const { candidates, unfit, scale } = router.rank(demand)
        const left = Object.values(unfit).reduce((sum, count) => sum + count, 0)
        assert.equal(candidates.length + left, index.size)
        const { preferences, maxPrice } = demand
        for (const { model, prediction, features, score } of candidates) {
          assert.ok(demand.model === null || demand.model === model.model)
          assert.ok(maxPrice === null || prediction.expectedCost <= maxPrice)
          assert.ok(prediction.totalMs <= (preferences.deadlineMs ?? Number.POSITIVE_INFINITY))
          assert.ok(preferences.mode === 'on-demand' || model.spot !== null)
          assert.ok(prediction.ttftMs <= prediction.totalMs && prediction.ttftMs <= prediction.ttftP95Ms)
          assert.ok(prediction.expectedCost <= prediction.worstCost)
          assert.equal(features.length, FEATURE_NAMES.length)
          assert.ok(features.every(feature => feature >= 0 && feature <= 1))
          assert.ok(score >= 0 && score <= 1)
        }
        assert.ok(Math.abs(Object.values(scale.weights).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9)
      }),
      { numRuns: 60 },
    )
  })

  it('finds the same best few as by looking at all closely', () => {
    fc.assert(
      fc.property(seeds, seed => {
        const few = market({}, { maxCandidates: 5 })
        const all = market({}, { maxCandidates: 10_000 })
        for (const { index, clock } of [few, all]) fillIndex(index, 150, seededRandom(seed), clock.nowMs())
        const demand = { ...syntheticDemand(seededRandom(seed + 1)), model: null }
        const best = few.router.preview(demand).candidates
        const complete = all.router.preview(demand).candidates
        assert.equal(best.length, Math.min(5, complete.length))
        // Equals may stand in for each other, and single precision may swap what is as good as equal.
        for (const [place, { score }] of best.entries())
          assert.ok(Math.abs(score - complete[place]!.score) < 1e-5)
      }),
      { numRuns: 40 },
    )
  })

  it('finds the same best few after whatever has happened to whom', () => {
    const happened = fc.record({
      what: fc.constantFrom('offer', 'offer', 'removal', 'round trip', 'start', 'answer' as const),
      provider: fc.nat(149),
      seed: seeds,
    })
    fc.assert(
      fc.property(
        fc.array(happened, { maxLength: 150 }),
        seeds,
        fc.constantFrom(...STRATEGIES),
        (events, seed, strategy) => {
          const { clock, index, router } = market({
            reputation: {
              honesty: () => ({ ...provenToAll.honesty(''), tasksAtOnce: 2 }),
              strangerRisk: () => 0,
              score: () => ({ score: 50, tasks: 100 }),
              reliability: provider => (Number.parseInt(provider.slice(-2), 16) % 10) / 10,
              isWelcome: provider => !provider.endsWith('7'),
            },
          })
          fillIndex(index, 150, seededRandom(seed), clock.nowMs())
          const plain = syntheticDemand(seededRandom(seed + 1))
          const demand = { ...plain, model: null, preferences: { ...plain.preferences, strategy } }
          for (const { what, provider: number, seed: own } of events) {
            const provider = syntheticProvider(number)
            const random = seededRandom(own)
            if (what === 'offer') index.set(syntheticOffer(provider, random, clock.nowMs()))
            else if (what === 'removal') index.remove(provider)
            else if (what === 'round trip') router.observeRoundTrip(provider, 200 * random())
            else if (what === 'start') router.begin('', provider)
            else {
              const ranking = router.rank(demand)
              const chosen = ranking.candidates[number % 8]?.provider
              if (chosen !== undefined)
                router.observe(outcome(ranking, chosen, { ttftMs: 1_000 * random() ** 2 }))
            }
          }
          // What may go where is looked up for those that are looked at closely.
          router.preview(demand, 10_000)
          const best = router.preview(demand, 5).candidates
          const complete = router.preview(demand, 10_000).candidates
          assert.equal(best.length, Math.min(5, complete.length))
          for (const [place, { score }] of best.entries())
            assert.ok(Math.abs(score - complete[place]!.score) < 1e-5)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('knows after any changes of the index what it would know from the beginning', () => {
    const change = fc.record({
      what: fc.constantFrom('set', 'set', 'set', 'remove' as const),
      provider: fc.nat(30),
      seed: seeds,
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), seeds, (changes, seed) => {
        const { clock, index, router, random } = market({}, { maxCandidates: 1_000 })
        for (const { what, provider, seed: own } of changes) {
          if (what === 'set')
            index.set(syntheticOffer(syntheticProvider(provider), seededRandom(own), clock.nowMs()))
          else index.remove(syntheticProvider(provider))
        }
        const demand = { ...syntheticDemand(seededRandom(seed)), model: null }
        const fresh = new Router(
          { region: null, maxCandidates: 1_000 },
          routerModules({
            index,
            clock,
            random,
            reputation: {
              ...provenToAll,
              score: () => ({ score: 50, tasks: 100 }),
              reliability: () => 0.5,
              isWelcome: () => true,
            },
          }),
        )
        const shown = ({ candidates, unfit }: Ranking) => ({
          unfit,
          scores: candidates
            .map(({ provider, model, score }) => `${provider} ${model.model} ${score}`)
            .sort(),
        })
        assert.deepEqual(shown(router.preview(demand)), shown(fresh.preview(demand)))
      }),
      { numRuns: 40 },
    )
  })

  it('ranks by what the strategy wants', () => {
    const { router, offer } = market({}, { region: 'eu-de' })
    offer(1, { outputPerMillion: CREDIT })
    offer(2, { tokensPerSecond: 500, ttftMs: 20 })
    offer(3, { model: syntheticModelId(30), parameterCount: 400e9 })
    offer(4, {}, { dataClass: 'CONFIDENTIAL' })
    offer(5, {}, { region: 'eu-de' })
    const first: Record<Exclude<Strategy, 'balanced'>, number> = {
      cost: 1,
      speed: 2,
      quality: 3,
      privacy: 4,
      geo: 5,
    }
    // What may go where is looked up for those that are looked at closely.
    router.preview(demandFor())
    for (const [strategy, expected] of Object.entries(first) as [Strategy, number][])
      assert.equal(order(router.preview(demandFor({}, { strategy })))[0], expected, strategy)
  })

  it('says what rules a listing out', () => {
    const { router, offer, clock } = market({
      reputation: {
        ...provenToAll,
        score: provider => ({ score: provider.endsWith('7') ? 10 : 50, tasks: 100 }),
        reliability: () => 0.5,
        isWelcome: provider => !provider.endsWith('8'),
      },
      breaker: { isOpen: provider => provider.endsWith('9') },
      standing: { of: (_, provider) => ({ stake: CREDIT, bound: provider.endsWith('d') ? null : true }) },
      clearance: { ceiling: ({ provider }) => (provider.endsWith('c') ? 'PUBLIC' : 'PRIVATE') },
    })
    const terms: Partial<Offer> = { dataClass: 'PRIVATE', region: 'eu-de', slaClasses: ['B', 'S'] }
    const spot = { inputPerMillion: 1n, outputPerMillion: CREDIT, noticeMs: 1_000 }
    offer(1, { spot }, terms)
    offer(2, { spot, model: syntheticModelId(1) }, terms)
    offer(3, { spot, kinds: ['embedding'] }, terms)
    offer(4, { spot, contextTokens: 8 }, terms)
    offer(5, { spot: { ...spot, outputPerMillion: 1_000n * CREDIT } }, terms)
    offer(6, { spot: null }, terms)
    for (const named of [7, 8, 9, 12, 13]) offer(named, { spot }, terms)
    offer(10, { spot }, { ...terms, slaClasses: ['B'] })
    offer(11, { spot }, { ...terms, region: 'us' })
    offer(14, { spot }, { ...terms, dataClass: 'SHARED' })
    offer(15, { spot, tokensPerSecond: 1 }, terms)
    offer(16, { spot, parameterCount: 1 }, terms)
    const demand = demandFor(
      { model: syntheticModelId(0), maxPrice: CREDIT / 100n },
      {
        mode: 'spot',
        region: 'eu',
        slaClass: 'S',
        dataClass: 'CONFIDENTIAL',
        minReputation: 20,
        minStake: CREDIT,
        minQuality: 0.1,
        deadlineMs: 20_000,
      },
    )
    const { candidates, unfit } = router.rank(demand)
    assert.deepEqual(order({ candidates } as Ranking), [1])
    assert.deepEqual(unfit, {
      other_model: 1,
      other_kind: 1,
      prompt_too_long: 1,
      too_expensive: 1,
      data_class: 2,
      sla_class: 1,
      region: 1,
      reputation: 1,
      stake: 1,
      quality: 1,
      no_spot: 1,
      deadline: 1,
      unwelcome: 1,
      circuit_open: 1,
    })
    clock.jump(700_000)
    assert.deepEqual(router.rank(demand).candidates, [], 'offers that are over count for nothing')
  })

  it('looks further when the best do not stand up to a close look', () => {
    const closed = new Set<string>()
    const { router, offer } = market(
      { breaker: { isOpen: provider => closed.has(provider) } },
      { maxCandidates: 4 },
    )
    for (let dear = 1; dear <= 40; dear++) offer(dear, { outputPerMillion: BigInt(dear) * CREDIT })
    for (let dear = 1; dear <= 30; dear++) closed.add(syntheticProvider(dear))
    const { candidates, unfit } = router.rank(demandFor())
    assert.deepEqual(order({ candidates } as Ranking), [31, 32, 33, 34])
    assert.equal(unfit.circuit_open, 32 - 2)
    closed.clear()
    assert.deepEqual(order(router.rank(demandFor())), [1, 2, 3, 4], 'nobody stays out for the next decision')
  })

  it('leaves out who has been tried, for that task alone', () => {
    const { router, offer } = market()
    const best = offer(1, { outputPerMillion: CREDIT })
    offer(2)
    assert.deepEqual(order(router.rank(demandFor({ excluded: new Set([best, 'local']) }))), [2])
    assert.deepEqual(order(router.rank(demandFor())), [1, 2])
  })

  it('is not moved by what a few extreme offers ask', () => {
    const { router, offer } = market()
    for (let provider = 1; provider <= 7; provider++)
      offer(provider, { outputPerMillion: BigInt(provider) * CREDIT })
    const before = router.preview(demandFor())
    offer(8, { outputPerMillion: 10n ** 9n * CREDIT })
    offer(9, { outputPerMillion: 0n })
    const after = router.preview(demandFor())
    const scores = (ranking: Ranking) =>
      ranking.candidates.filter(({ provider }) => Number.parseInt(provider, 16) < 8).map(({ score }) => score)
    assert.deepEqual(scores(after), scores(before))
  })

  it('believes what it measures more than what is claimed', () => {
    const { router, offer } = market()
    const braggart = offer(1, { tokensPerSecond: 5_000, ttftMs: 1 })
    const honest = offer(2, { tokensPerSecond: 60, ttftMs: 150 })
    const demand = demandFor({}, { strategy: 'speed' })
    assert.deepEqual(order(router.rank(demand)), [1, 2])
    for (let task = 0; task < 4; task++) {
      const ranking = router.rank(demand)
      router.observe(outcome(ranking, braggart, { ttftMs: 4_000, totalMs: 30_000 }))
      router.observe(outcome(ranking, honest, { ttftMs: 150, totalMs: 1_800 }))
    }
    const ranking = router.rank(demand)
    assert.deepEqual(order(ranking), [2, 1])
    const [, { prediction }] = ranking.candidates as [unknown, Ranking['candidates'][0]]
    assert.ok(prediction.totalMs > 10_000, `${prediction.totalMs} ms expected`)
  })

  it('counts the way there, a full queue, and its own tasks under way', () => {
    const { router, offer } = market()
    const near = offer(1, { freeSlots: 1 })
    const far = offer(2, { freeSlots: 1 })
    offer(3, { freeSlots: 0, queued: 20 })
    const demand = demandFor({}, { strategy: 'speed' })
    router.observeRoundTrip(near, 2)
    router.observeRoundTrip(far, 300)
    const ranking = router.rank(demand)
    assert.deepEqual(order(ranking), [1, 2, 3])
    const waits = ranking.candidates.map(({ prediction }) => prediction.waitMs)
    assert.deepEqual(waits.slice(0, 2), [0, 0])
    assert.ok(waits[2]! > 1_000)
    router.begin(ranking.decisionId, near)
    assert.deepEqual(order(router.rank(demand)), [2, 1, 3], 'its only slot is taken by us')
    router.observe(outcome(ranking, near, { ttftMs: 202, totalMs: 2_762 }))
    assert.deepEqual(order(router.rank(demand)), [1, 2, 3])
    router.begin(router.rank(demand).decisionId, near)
    offer(1, { freeSlots: 1 })
    assert.deepEqual(order(router.rank(demand)), [1, 2, 3], 'its newer offer knows of our task')
  })

  it('sends a conversation where its beginning is warm, while that is likely', () => {
    const { router, offer, clock } = market()
    for (let provider = 1; provider <= 5; provider++) offer(provider)
    const turn = (chars: number[]) =>
      demandFor({
        promptTokensExpected: 4_000,
        prefixes: chars.map(length => `${String(length).padStart(22, 'x')}.${length}`),
      })
    const first = router.rank(turn([1_000]))
    const warm = first.candidates[3]!.provider
    router.observe(outcome(first, warm, { ttftMs: 1_600, totalMs: 4_000, promptTokens: 4_000 }))
    const next = router.rank(turn([1_100, 1_000]))
    assert.equal(next.candidates[0]!.provider, warm)
    assert.ok(Math.abs(next.candidates[0]!.prediction.warmShare - 1_000 / 1_100) < 1e-6)
    assert.equal(router.rank(turn([1_100])).candidates[0]!.prediction.warmShare, 0, 'another conversation')
    clock.jump(300_000)
    const later = router.rank(turn([1_100, 1_000])).candidates.find(({ provider }) => provider === warm)!
    assert.ok(Math.abs(later.prediction.warmShare - 500 / 1_100) < 1e-6)
  })

  it('finds who is warm among many that are otherwise better', () => {
    const { router, offer } = market(
      {
        reputation: {
          ...provenToAll,
          score: () => ({ score: 50, tasks: 100 }),
          reliability: provider => (provider === syntheticProvider(50) ? 0.45 : 0.5),
          isWelcome: () => true,
        },
      },
      { maxCandidates: 4 },
    )
    for (let provider = 1; provider <= 100; provider++) offer(provider)
    const warm = syntheticProvider(50)
    const turn = demandFor(
      { promptTokensExpected: 4_000, prefixes: [`${'x'.repeat(22)}.1000`] },
      { strategy: 'speed' },
    )
    const first = router.rank({ ...turn, preferred: { provider: warm, model: syntheticModelId(0) } })
    assert.ok(!order(router.preview(turn)).includes(50))
    router.observe(outcome(first, warm, { ttftMs: 1_600, totalMs: 4_000, promptTokens: 4_000 }))
    for (let task = 0; task < 20; task++) assert.equal(order(router.preview(turn))[0], 50)
  })

  it('tries newcomers out at a known rate, none of them much dearer than the best', () => {
    const { router, offer } = market({
      policy: new GreedyPolicy({ exploration: 0 }),
      reputation: {
        honesty: provider => ({
          ...provenToAll.honesty(provider),
          standing: Number.parseInt(provider, 16) > 100 ? 'unproven' : 'proven',
        }),
        // With the risk that is taken: one in ten tasks.
        strangerRisk: () => DEFAULT_TUNING.trialRisk * 10,
        score: () => ({ score: 50, tasks: 50 }),
        reliability: provider => (Number.parseInt(provider, 16) > 100 ? 0.1 : 0.9),
        isWelcome: () => true,
      },
    })
    for (let known = 1; known <= 50; known++) offer(known)
    for (let newcomer = 101; newcomer <= 140; newcomer++) offer(newcomer)
    for (let dear = 141; dear <= 180; dear++)
      offer(dear, { inputPerMillion: 9n * CREDIT, outputPerMillion: 9n * CREDIT })
    const tried = new Map<number, number>()
    const decisions = 4_000
    for (let task = 0; task < decisions; task++) {
      const ranking = router.rank(demandFor())
      const [first] = order(ranking) as [number]
      assert.equal(ranking.explored, first > 100)
      assert.ok(ranking.candidates[0]!.probability > 0)
      if (first > 100) tried.set(first, (tried.get(first) ?? 0) + 1)
    }
    const total = [...tried.values()].reduce((sum, count) => sum + count, 0)
    assert.ok(total > decisions * 0.07 && total < decisions * 0.13, `${total} of ${decisions}`)
    assert.ok([...tried.keys()].every(provider => provider <= 140))
    assert.equal(tried.size, 40, 'each has a chance')
  })

  it('does not have all requesters choose the same of equals', () => {
    const { router, offer } = market({}, { maxCandidates: 4 })
    for (let provider = 1; provider <= 100; provider++) offer(provider)
    const chosen = new Set(Array.from({ length: 200 }, () => order(router.rank(demandFor()))[0]))
    assert.ok(chosen.size > 50, `${chosen.size}`)
  })

  it('leaves no trace of a preview', () => {
    const decided: Decision[] = []
    const { router, offer } = market({
      log: { decided: decision => decided.push(decision), ended: () => {} },
      policy: new GreedyPolicy({ exploration: 1 }),
    })
    offer(1, { outputPerMillion: 3n * CREDIT })
    offer(2)
    assert.deepEqual(order(router.preview(demandFor())), [1, 2])
    assert.equal(decided.length, 0)
    const ranking = router.rank(demandFor({ taskId: 'task' }))
    assert.deepEqual(order(ranking), [2, 1])
    assert.deepEqual(
      decided.map(({ id, demand }) => [id, demand.taskId]),
      [[ranking.decisionId, 'task']],
    )
  })

  it('tells an outcome to all who learn from it, once it knows of the decision', () => {
    const learned: number[] = []
    const ended: unknown[] = []
    const { router, offer } = market({
      policy: Object.assign(new GreedyPolicy(), {
        learn: ({ reward, features }: { reward: number; features: readonly number[] }) =>
          learned.push(reward, features.length),
      }),
      log: {
        decided: () => {},
        ended: (decision, { provider }, _, reward) => ended.push(decision.id, provider, reward),
      },
    })
    const provider = offer(1)
    const ranking = router.rank(demandFor())
    router.observe(outcome({ ...ranking, decisionId: 'other' }, provider))
    router.observe(outcome(ranking, syntheticProvider(77)))
    assert.deepEqual(ended, [])
    router.observe(outcome(ranking, provider, { status: 'failed' }))
    assert.deepEqual(learned, [0, FEATURE_NAMES.length])
    assert.deepEqual(ended, [ranking.decisionId, provider, 0])
    router.observe(outcome(ranking, provider, { status: 'preempted' }))
    assert.equal(learned.length, 2, 'it had said that it might be')
  })

  it('remembers a decision that was begun longer than one that was not', () => {
    const ended: string[] = []
    const { router, offer } = market({ log: { decided: () => {}, ended: ({ id }) => ended.push(id) } })
    const provider = offer(1)
    const begun = router.rank(demandFor())
    const unbegun = router.rank(demandFor())
    router.begin(begun.decisionId, provider)
    for (let task = 0; task < 1_000; task++) router.rank(demandFor())
    router.observe(outcome(unbegun, provider))
    router.observe(outcome(begun, provider))
    assert.deepEqual(ended, [begun.decisionId])
  })

  it('hears of a changed reputation, at once or within seconds', () => {
    const reliability = new Map<string, number>()
    const { router, offer, clock } = market({
      reputation: {
        ...provenToAll,
        score: () => ({ score: 50, tasks: 100 }),
        reliability: provider => reliability.get(provider) ?? 0.5,
        isWelcome: () => true,
      },
    })
    const providers = [1, 2, 3].map(provider => offer(provider))
    reliability.set(providers[1]!, 0.9)
    router.forget(providers[1]!)
    assert.equal(order(router.rank(demandFor()))[0], 2)
    reliability.set(providers[2]!, 1)
    clock.jump(6_000)
    assert.equal(order(router.rank(demandFor()))[0], 3)
  })

  it('takes new weights without a restart', () => {
    const { router, offer } = market()
    offer(1, { outputPerMillion: CREDIT })
    offer(2, { tokensPerSecond: 500, ttftMs: 20 })
    assert.equal(order(router.rank(demandFor({}, { strategy: 'cost' })))[0], 1)
    router.tune({ weights: { ...DEFAULT_TUNING.weights, cost: DEFAULT_TUNING.weights.speed } })
    assert.equal(order(router.rank(demandFor({}, { strategy: 'cost' })))[0], 2)
  })

  it('has peers, this node and services compete', () => {
    const { router, offer, index } = market()
    offer(1)
    const known = syntheticOffer(syntheticProvider(9), seededRandom(1), 0) as KnownOffer
    const listing = (provider: 'local' | 'cloud:big', price: bigint, model: string): Listing => ({
      provider,
      venue: provider === 'local' ? 'local' : 'cloud',
      offer: null,
      model: { ...known.offer.models[0]!, ...EVEN, model, inputPerMillion: price, outputPerMillion: price },
    })
    index.setLocal([
      listing('local', 0n, syntheticModelId(0)),
      {
        ...listing('cloud:big', 40n * CREDIT, 'big'),
        terms: { dataClass: 'SHARED', slaClasses: ['B'], region: null, quality: 1 },
      },
    ])
    const venues = (strategy: Strategy) =>
      router.preview(demandFor({}, { strategy })).candidates.map(({ venue }) => venue)
    assert.deepEqual(venues('cost').slice(0, 2), ['local', 'peer'])
    assert.equal(venues('quality')[0], 'cloud')
    assert.equal(venues('privacy')[0], 'local')
    assert.equal(
      router.preview(demandFor()).candidates.find(({ venue }) => venue === 'cloud')!.prediction.quality,
      1,
    )
    for (let task = 0; task < 30; task++)
      router.observe(outcome(router.rank(demandFor()), 'cloud:big', { status: 'failed', ttftMs: null }))
    assert.notEqual(venues('quality')[0], 'cloud', 'a service that fails is trusted less')
  })
})
