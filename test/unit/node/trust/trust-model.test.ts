import assert from 'node:assert/strict'
import fc from 'fast-check'
import { VIOLATIONS } from '../../../../node/p2p/errors.ts'
import { COMPONENTS, DEFAULT_PARAMETERS } from '../../../../node/trust/components.ts'
import { type Evidence, TASK_EVIDENCE, type TaskEvidence } from '../../../../node/trust/evidence.ts'
import { TrustModel } from '../../../../node/trust/trust-model.ts'
import { REPORTED_RESULTS } from '../../../../protocol/messages/reputation-report.ts'

const DAY_MS = 24 * 3_600_000
const START_MS = 1_700_000_000_000
const NOW_MS = START_MS + 40 * DAY_MS
const PEERS = ['a', 'b', 'c', 'd']
const WITNESSES = ['b', 'c', 'w', 'x', 'y', 'z']

const anyTimeMs = fc.integer({ min: START_MS, max: NOW_MS })
const anyPeer = fc.constantFrom(...PEERS)
const anyResult = fc.constantFrom(...TASK_EVIDENCE)
const anyDirect: fc.Arbitrary<Evidence> = fc.oneof(
  fc.record({
    kind: fc.constant('task' as const),
    peer: anyPeer,
    atMs: anyTimeMs,
    result: anyResult,
    pace: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  }),
  fc.record({ kind: fc.constant('audit' as const), peer: anyPeer, atMs: anyTimeMs, passed: fc.boolean() }),
  fc.record({ kind: fc.constant('contact' as const), peer: anyPeer, atMs: anyTimeMs, reached: fc.boolean() }),
  fc.record({
    kind: fc.constant('violation' as const),
    peer: anyPeer,
    atMs: anyTimeMs,
    violation: fc.constantFrom(...VIOLATIONS),
  }),
)
/** The receipt's name says whose it is: two reports on one receipt are the same report. */
const anyReport: fc.Arbitrary<Evidence> = fc
  .record({
    peer: anyPeer,
    atMs: anyTimeMs,
    witness: fc.constantFrom(...WITNESSES),
    result: fc.constantFrom(...REPORTED_RESULTS),
  })
  .map(report => ({ ...report, kind: 'report', receipt: JSON.stringify(report) }))
const anyEvidence = fc.oneof(anyDirect, anyReport)

function modelOf(
  evidence: readonly Evidence[],
  options: { orchestrators?: readonly string[] } = {},
): TrustModel {
  const model = new TrustModel(
    { secret: 'test' },
    {
      facts: {
        // x and y are behind one wallet, z is behind the peer d.
        clustersOf: peer =>
          ({ x: ['wallet:1'], y: ['wallet:1'], z: ['wallet:2'], d: ['wallet:2'] })[peer] ?? [
            `wallet:${peer}`,
          ],
        isOrchestrator: peer => (options.orchestrators ?? ['w', 'x']).includes(peer),
        hasStake: () => false,
      },
    },
  )
  for (const piece of evidence) model.add(piece)
  return model
}

const task = (peer: string, result: TaskEvidence, atMs = NOW_MS): Evidence => ({
  kind: 'task',
  peer,
  atMs,
  result,
  pace: result === 'completed' ? 1 : null,
})
let receipts = 0
const report = (peer: string, witness: string, result: TaskEvidence, atMs = NOW_MS): Evidence => ({
  kind: 'report',
  peer,
  witness,
  receipt: `receipt-${receipts++}`,
  atMs,
  result,
})
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

describe('trust model', () => {
  it('has weights that add up, and starts newcomers low', () => {
    const { weights } = DEFAULT_PARAMETERS
    assert.deepEqual(weights, {
      performance: 0.35,
      speed: 0.2,
      uptime: 0.15,
      security: 0.15,
      review: 0.1,
      longevity: 0.05,
    })
    const newcomer = new TrustModel().opinion('nobody', NOW_MS)
    assert.equal(newcomer.score, 32)
    assert.ok(newcomer.lowerBound < 0.05)
    assert.deepEqual(
      newcomer.components.map(({ component }) => component),
      [...COMPONENTS],
    )
    // Weights sum to 1, and the mean of Beta(1, 2) is a third, of Beta(1, 29) a thirtieth.
    assert.ok(Math.abs(newcomer.basePoints - 100 * (0.95 / 3 + 0.05 / 30)) < 1e-9)
  })

  it('is the same to the last bit from any order of the evidence, repeated reports included', () => {
    const orders = fc.array(anyEvidence, { maxLength: 60, size: 'max' }).chain(evidence => {
      const repeated = [...evidence, ...evidence.filter(({ kind }) => kind === 'report')]
      const shuffled = fc.shuffledSubarray(repeated, {
        minLength: repeated.length,
        maxLength: repeated.length,
      })
      return fc.tuple(fc.constant(repeated), shuffled)
    })
    fc.assert(
      fc.property(orders, fc.integer({ min: 0, max: 400 * DAY_MS }), (both, laterMs) => {
        const [one, other] = both.map(evidence => modelOf(evidence)) as [TrustModel, TrustModel]
        for (const peer of PEERS) {
          assert.deepEqual(one.stateOf(peer), other.stateOf(peer))
          assert.deepEqual(one.opinion(peer, NOW_MS + laterMs), other.opinion(peer, NOW_MS + laterMs))
          assert.deepEqual(one.honesty(peer, NOW_MS + laterMs), other.honesty(peer, NOW_MS + laterMs))
          assert.equal(one.strangerRisk(), other.strangerRisk())
        }
      }),
      { numRuns: 120 },
    )
  })

  it('is the same when asked in between, and after its state was put back', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 40, size: 'max' }), fc.nat(39), (evidence, at) => {
        const whole = modelOf(evidence)
        const asked = modelOf(evidence.slice(0, at))
        const restored = modelOf([])
        for (const peer of PEERS) {
          asked.opinion(peer, NOW_MS)
          const state = asked.stateOf(peer)
          if (state !== null) restored.restore(peer, structuredClone(state))
        }
        for (const piece of evidence.slice(0, at))
          if (piece.kind === 'report') restored.markCounted(piece.receipt, piece.atMs)
        for (const piece of evidence.slice(at)) {
          asked.add(piece)
          restored.add(piece)
        }
        for (const peer of PEERS) {
          assert.deepEqual(asked.opinion(peer, NOW_MS), whole.opinion(peer, NOW_MS))
          assert.deepEqual(restored.honesty(peer, NOW_MS), whole.honesty(peer, NOW_MS))
          assert.deepEqual(restored.opinion(peer, NOW_MS), whole.opinion(peer, NOW_MS))
        }
      }),
      { numRuns: 80 },
    )
  })

  it('keeps to its bounds whatever is seen', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 60, size: 'max' }), evidence => {
        const model = modelOf(evidence)
        for (const peer of PEERS) {
          const opinion = model.opinion(peer, NOW_MS)
          assert.ok(Number.isInteger(opinion.score) && opinion.score >= 0 && opinion.score <= 100)
          assert.ok(opinion.lowerBound >= 0 && opinion.lowerBound * 100 <= opinion.score + 0.5)
          assert.ok(opinion.inheritedPoints >= 0 && opinion.inheritedPoints <= 15)
          assert.equal(opinion.lowerBound, model.lowerBound(peer, NOW_MS))
          assert.equal(opinion.welcome, model.isWelcome(peer, NOW_MS))
          for (const { mean, good, bad } of opinion.components)
            assert.ok(mean >= 0 && mean <= 1 && good >= 0 && bad >= 0)
          const own = evidence.filter(piece => piece.peer === peer)
          assert.equal(opinion.tasks, own.filter(({ kind }) => kind === 'task').length)
          assert.equal(opinion.violations, own.filter(({ kind }) => kind === 'violation').length)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('rises with what goes well and falls with what does not', () => {
    fc.assert(
      fc.property(fc.array(anyDirect, { maxLength: 30, size: 'max' }), evidence => {
        const before = modelOf(evidence).opinion('a', NOW_MS)
        const better = modelOf([...evidence, task('a', 'completed')]).opinion('a', NOW_MS)
        const worse = modelOf([...evidence, task('a', 'failed')]).opinion('a', NOW_MS)
        assert.ok(better.lowerBound >= before.lowerBound - 1e-12 && better.score >= before.score)
        assert.ok(worse.lowerBound <= before.lowerBound + 1e-12 && worse.score <= before.score)
      }),
      { numRuns: 100 },
    )
  })

  it('weighs an audit more than a task, a lie more than a stall, and a stall more than a failure', () => {
    const judged = (...evidence: Evidence[]) =>
      modelOf([...times(5, () => task('a', 'completed')), ...evidence]).lowerBound('a', NOW_MS)
    const passed = judged({ kind: 'audit', peer: 'a', atMs: NOW_MS, passed: true })
    assert.ok(passed > judged(task('a', 'completed')))
    const falling = [
      judged(task('a', 'completed')),
      ...TASK_EVIDENCE.slice(1).map(result => judged(task('a', result))),
    ]
    assert.deepEqual(
      falling,
      falling.toSorted((a, b) => b - a),
    )
    assert.ok(
      judged({ kind: 'audit', peer: 'a', atMs: NOW_MS, passed: false }) <= judged(task('a', 'dishonest')),
    )
  })

  it('redeems no cheat by speed and uptime', () => {
    const quick = modelOf([
      ...times(3, () => task('a', 'completed')),
      task('a', 'dishonest'),
      ...times(50, () => ({ kind: 'contact', peer: 'a', atMs: NOW_MS, reached: true }) as const),
    ])
    const newcomer = new TrustModel().score('nobody', NOW_MS)
    assert.ok(quick.score('a', NOW_MS).score < newcomer.score)
    assert.equal(quick.isWelcome('a', NOW_MS), false)
    assert.equal(quick.isWelcome('a', NOW_MS + 10 * 60_000), true)
  })

  it('forgets with the half-life of each component, by the time of the evidence', () => {
    const model = modelOf(times(8, () => task('a', 'completed')))
    const weightsAfter = (laterMs: number) =>
      new Map(model.opinion('a', NOW_MS + laterMs).components.map(({ component, good }) => [component, good]))
    const { halfLivesMs } = DEFAULT_PARAMETERS
    for (const component of ['performance', 'speed', 'uptime', 'security'] as const) {
      const now = weightsAfter(0).get(component)!
      assert.ok(Math.abs(weightsAfter(halfLivesMs[component]).get(component)! - now / 2) < 1e-4)
    }
    assert.equal(model.score('a', NOW_MS + 10_000 * DAY_MS).score, new TrustModel().score('a', NOW_MS).score)
    const late = modelOf(times(8, () => task('a', 'completed', NOW_MS - halfLivesMs.performance)))
    assert.ok(
      Math.abs(late.lowerBound('a', NOW_MS) - model.lowerBound('a', NOW_MS + halfLivesMs.performance)) < 1e-6,
    )
  })

  it('is not moved by a clock that goes back', () => {
    const model = modelOf([task('a', 'dishonest'), task('a', 'completed')])
    const { firstSeenMs: _, ...before } = model.score('a', NOW_MS)
    const { firstSeenMs: __, ...after } = model.score('a', NOW_MS - DAY_MS)
    assert.deepEqual(after, before)
  })

  describe('witnesses', () => {
    it('never outweigh two own tasks', () => {
      const crowd = (result: TaskEvidence) =>
        times(500, i => report('a', `crowd-${i % 60}`, result, NOW_MS - (i % 10) * DAY_MS))
      // Each of the crowd has agreed with all we know: they count as much as witnesses can.
      const known = times(60, i => [
        task(`known-${i}`, 'completed'),
        report(`known-${i}`, `crowd-${i}`, 'completed'),
      ])
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 10 }), own => {
          const bad = [...known.flat(), ...times(own, () => task('a', 'failed'))]
          const praised = modelOf([...bad, ...crowd('completed')])
          assert.ok(praised.lowerBound('a', NOW_MS) < 0.2)
          assert.ok(praised.score('a', NOW_MS).score <= new TrustModel().score('nobody', NOW_MS).score)
          const good = [...known.flat(), ...times(own, () => task('a', 'completed'))]
          const slandered = modelOf([...good, ...crowd('dishonest')])
          const newcomer = new TrustModel()
          assert.ok(slandered.score('a', NOW_MS).score > newcomer.score('a', NOW_MS).score)
          assert.ok(slandered.lowerBound('a', NOW_MS) > newcomer.lowerBound('a', NOW_MS))
        }),
        { numRuns: 9 },
      )
    })

    it('are to a newcomer what one or two own tasks are', () => {
      const lowerBound = (evidence: readonly Evidence[]) => modelOf(evidence).lowerBound('a', NOW_MS)
      const known = times(60, i => [
        task(`known-${i}`, 'completed'),
        report(`known-${i}`, `crowd-${i}`, 'completed'),
      ]).flat()
      const praise = times(300, i => report('a', `crowd-${i % 60}`, 'completed'))
      const praised = modelOf([...known, ...praise])
      // All that can be said, and two tasks done for us; either alone.
      assert.ok(praised.lowerBound('a', NOW_MS) > lowerBound([]))
      assert.ok(
        praised.lowerBound('a', NOW_MS) < lowerBound([task('a', 'completed'), task('a', 'completed')]),
      )
      const slandered = modelOf([
        ...known,
        ...times(300, i => report('a', `crowd-${i % 60}`, 'dishonest')),
        ...times(3, () => task('a', 'completed')),
      ])
      const { good, bad } = DEFAULT_PARAMETERS.priors.performance
      const heard = good + 3 + bad + DEFAULT_PARAMETERS.maxHearsayWeight
      const mean = (good + 3) / heard
      const deviation = Math.sqrt((mean * (1 - mean)) / (heard + 1))
      const bound = mean - DEFAULT_PARAMETERS.lowerBoundDeviations * deviation
      assert.ok(
        slandered.lowerBound('a', NOW_MS) >=
          Math.min(bound, lowerBound(times(2, () => task('a', 'completed')))) - 0.05,
      )
    })

    it('move the score by the weight of the component and the inheritance at most', () => {
      fc.assert(
        fc.property(
          fc.array(anyDirect, { maxLength: 20, size: 'max' }),
          fc.array(anyReport, { maxLength: 60, size: 'max' }),
          (own, reports) => {
            const without = modelOf(own, { orchestrators: [] })
            const withThem = modelOf([...own, ...reports])
            for (const peer of PEERS) {
              const [before, after] = [without.opinion(peer, NOW_MS), withThem.opinion(peer, NOW_MS)]
              const most = 100 * DEFAULT_PARAMETERS.weights.review + after.inheritedPoints
              assert.ok(Math.abs(after.score - before.score) <= most + 1)
              for (const component of ['performance', 'speed', 'uptime', 'security', 'longevity'] as const) {
                const find = ({ components }: typeof before) =>
                  components.find(c => c.component === component)!
                assert.deepEqual(find(after), find(before), 'reports change no own experience')
              }
            }
          },
        ),
        { numRuns: 80 },
      )
    })

    it('count as much as they agreed with our own experience', () => {
      const ours = [
        ...times(6, i => task(`good-${i}`, 'completed')),
        ...times(6, i => task(`bad-${i}`, 'failed')),
      ]
      const honest = times(6, i => [
        report(`good-${i}`, 'honest', 'completed'),
        report(`bad-${i}`, 'honest', 'failed'),
      ]).flat()
      const liar = times(6, i => [
        report(`good-${i}`, 'liar', 'failed'),
        report(`bad-${i}`, 'liar', 'completed'),
      ]).flat()
      const flatterer = times(6, i => [
        report(`good-${i}`, 'flatterer', 'completed'),
        report(`bad-${i}`, 'flatterer', 'completed'),
      ]).flat()
      const model = modelOf([...ours, ...honest, ...liar, ...flatterer])
      const [best, unknown, middling, worst] = ['honest', 'stranger', 'flatterer', 'liar'].map(witness =>
        model.agreement(witness),
      ) as [number, number, number, number]
      assert.equal(unknown, 0.2)
      assert.ok(
        best > 0.6 && middling < 0.3 && worst < 0.1 && worst < middling,
        `${best} ${middling} ${worst}`,
      )
      model.add(report('new', 'liar', 'dishonest'))
      model.add(report('new', 'honest', 'completed'))
      const { witnesses, components } = model.opinion('new', NOW_MS)
      assert.equal(witnesses.length, 2)
      const review = components.find(({ component }) => component === 'review')!
      assert.ok(review.good > 2 * review.bad)
    })

    it('count once a receipt, and not at all on themselves or on their own operator', () => {
      const model = modelOf([])
      const once = report('a', 'w', 'completed')
      assert.equal(model.add(once), true)
      assert.equal(model.add(once), false)
      assert.equal(model.add({ ...once, peer: 'b', witness: 'x' } as Evidence), false)
      assert.equal(model.add(report('w', 'w', 'completed')), false)
      model.add(report('d', 'z', 'completed'))
      const [own] = model.opinion('d', NOW_MS).witnesses
      assert.deepEqual([own?.sameOperator, own?.weight], [true, 0])
      // Its blame counts: else a cheat could move in next to its critics.
      const blamed = modelOf([report('d', 'z', 'dishonest')]).opinion('d', NOW_MS)
      assert.ok(blamed.witnesses[0]!.weight > 0 && blamed.score < new TrustModel().score('d', NOW_MS).score)
      const before = model.opinion('d', NOW_MS)
      assert.equal(before.score, new TrustModel().score('d', NOW_MS).score)
    })

    it('say no more behind one wallet than one of them could', () => {
      const ring = (peers: number) => times(40, i => report('a', `ring-${i % peers}`, 'completed'))
      const facts = (isRing: boolean) => ({
        clustersOf: (peer: string) => (isRing && peer.startsWith('ring') ? ['wallet:ring'] : [peer]),
        isOrchestrator: () => false,
        hasStake: () => false,
      })
      const reviewOf = (peers: number, isRing: boolean) => {
        const model = new TrustModel({}, { facts: facts(isRing) })
        for (const piece of ring(peers)) model.add(piece)
        return model.opinion('a', NOW_MS).components.find(({ component }) => component === 'review')!.good
      }
      const { maxClusterWeight, maxWitnessWeight } = DEFAULT_PARAMETERS
      assert.ok(Math.abs(reviewOf(1, false) - maxWitnessWeight) < 1e-9)
      assert.ok(Math.abs(reviewOf(20, true) - maxClusterWeight) < 1e-9)
      assert.ok(reviewOf(20, false) > 2 * maxClusterWeight)
    })

    it('are kept in bounded number, whichever come first', () => {
      const many = times(300, i => report('a', `witness-${i}`, 'completed', START_MS + i))
      const [one, other] = [modelOf(many), modelOf(many.toReversed())]
      assert.equal(one.opinion('a', NOW_MS).witnesses.length, 64)
      assert.deepEqual(one.opinion('a', NOW_MS), other.opinion('a', NOW_MS))
    })
  })

  describe('propagation', () => {
    /** An orchestrator that agreed with us on 20 peers uses `a`. */
    const used = (tasks: number, of = 'orchestrator') => [
      ...times(20, i => [task(`p${i}`, 'completed'), report(`p${i}`, of, 'completed')]).flat(),
      ...times(tasks, () => report('a', of, 'completed')),
    ]
    const inherited = (evidence: Evidence[], orchestrators = ['orchestrator']) =>
      modelOf(evidence, { orchestrators }).opinion('a', NOW_MS)

    it('lends what a trusted orchestrator uses 15 points at most', () => {
      const { inheritedPoints, patrons, score } = inherited(used(20))
      assert.ok(inheritedPoints > 8 && inheritedPoints <= 15, String(inheritedPoints))
      assert.deepEqual(patrons, [{ orchestrator: 'orchestrator', points: inheritedPoints }])
      assert.ok(score > inherited(used(20), []).score)
      assert.equal(inherited(used(20), []).inheritedPoints, 0, 'others lend nothing')
      assert.ok(inherited(used(1)).inheritedPoints < inheritedPoints)
      const many = times(30, i => used(20, `o${i}`)).flat()
      const all = inherited(
        many,
        times(30, i => `o${i}`),
      )
      assert.ok(all.inheritedPoints <= 15)
    })

    it('lends nothing from an orchestrator nobody can compare, and less from one that contradicts us', () => {
      const unknown = times(20, () => report('a', 'orchestrator', 'completed'))
      assert.equal(inherited(unknown).inheritedPoints, 0)
      const wrong = times(20, i => [
        task(`p${i}`, 'failed'),
        report(`p${i}`, 'orchestrator', 'completed'),
      ]).flat()
      assert.equal(inherited([...wrong, ...unknown]).inheritedPoints, 0)
    })

    it('goes one step and yields to own experience', () => {
      const onward = [...used(20), ...times(20, () => report('next', 'a', 'completed'))]
      const model = modelOf(onward, { orchestrators: ['orchestrator', 'a'] })
      assert.equal(model.opinion('next', NOW_MS).inheritedPoints, 0)
      const before = inherited(used(20)).inheritedPoints
      const after = inherited([...used(20), ...times(20, () => task('a', 'completed'))])
      assert.ok(after.inheritedPoints < before / 3)
      const failed = inherited([...used(20), ...times(5, () => task('a', 'failed'))])
      assert.ok(failed.inheritedPoints < before / 4)
    })
  })
})
