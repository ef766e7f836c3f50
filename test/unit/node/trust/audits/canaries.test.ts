import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ScoredOutput } from '../../../../../inference/engine.ts'
import { AuditorBook } from '../../../../../node/trust/audits/auditor-book.ts'
import {
  type Canary,
  type CanaryBase,
  expectedTurns,
  isRight,
  makeCanary,
} from '../../../../../node/trust/audits/canary.ts'
import { packScores, unpackScores } from '../../../../../node/trust/audits/remote-scores.ts'
import { ProtocolError } from '../../../../../protocol/codec.ts'
import type { AuditScores } from '../../../../../protocol/messages/audit-job.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'
import { SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { AuditWorld } from './audit-world.ts'
import { auditorKey } from './remote-world.ts'

const SEED = `0x${'a1'.repeat(32)}`
const OTHER = `0x${'b2'.repeat(32)}`
const baseOf = (tokens: number, changes: Partial<CanaryBase> = {}): CanaryBase => ({
  tokens: Array.from({ length: tokens }, (_, place) => place),
  ...{ seed: SEED, temperature: 0, turns: null, isConfirmed: false, ...changes },
})
const others = Array.from({ length: 300 }, (_, token) => token)

/** What somebody honest finds: altered tokens win by chance once in twenty, tokens of another draw as often as not. */
function honestly(canary: Canary, random: () => number, synthetic: SyntheticWorld): ScoredOutput {
  const scored = synthetic.output({ tokens: canary.output.length })
  const lose = (place: number) => {
    scored.states[place] = 2
  }
  for (const place of canary.altered) if (random() > 0.05) lose(place)
  if (canary.kind === 'reseeded') for (const place of scored.states.keys()) if (random() < 0.5) lose(place)
  return scored
}

describe('canaries', () => {
  it('are other than the output where they are altered, and nowhere else; the last token stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 400 }), fc.integer(), (tokens, seed) => {
        const base = baseOf(tokens)
        const canary = makeCanary(base, { others, random: seededRandom(seed), randomSeed: () => OTHER })!
        const changed = [...base.tokens.keys()].filter(place => canary.output[place] !== base.tokens[place])
        assert.deepEqual([canary.kind, canary.seed, canary.output.length], ['altered', SEED, tokens])
        assert.deepEqual(
          canary.altered.toSorted((a, b) => a - b),
          changed,
        )
        assert.ok(changed.length >= 6 && changed.length <= Math.max(6, tokens / 2 + 1))
        assert.ok(!changed.includes(tokens - 1))
      }),
      { numRuns: 60 },
    )
    const random = seededRandom(1)
    assert.equal(makeCanary(baseOf(23), { others, random, randomSeed: () => OTHER }), null)
    assert.equal(makeCanary(baseOf(40), { others: [], random, randomSeed: () => OTHER }), null)
  })

  it('are fluent where another draw would have turned enough of the tokens', () => {
    const random = () => 0.9
    const made = (changes: Partial<CanaryBase>) =>
      makeCanary(baseOf(120, changes), { others, random, randomSeed: () => OTHER })!
    const canary = made({ temperature: 1, turns: 80 })
    assert.deepEqual([canary.kind, canary.seed, canary.leastLost], ['reseeded', OTHER, 16])
    assert.equal(made({ temperature: 1, turns: 70 }).kind, 'altered')
    assert.equal(made({ temperature: 0.5, turns: 80 }).kind, 'altered')
    assert.equal(
      Math.round(
        expectedTurns({ logProbs: Float32Array.of(Math.log(0.25), 0, -Infinity, Math.log(0.5)) }) * 100,
      ),
      125,
    )
  })

  it('tell who looks from who does not', () => {
    const synthetic = new SyntheticWorld(5)
    fc.assert(
      fc.property(
        fc.integer({ min: 24, max: 200 }),
        fc.integer(),
        fc.boolean(),
        (tokens, seed, isConfirmed) => {
          const random = seededRandom(seed)
          const base = baseOf(tokens, { temperature: 1, turns: tokens * 0.75, isConfirmed })
          const canary = makeCanary(base, { others, random, randomSeed: () => OTHER })!
          assert.ok(isRight(canary, honestly(canary, random, synthetic), false), canary.kind)
          const unlooked = synthetic.output({ tokens })
          assert.equal(isRight(canary, unlooked, false), canary.kind === 'genuine')
          assert.equal(isRight(canary, unlooked, true), false)
        },
      ),
      { numRuns: 200, seed: 3 },
    )
  })
})

describe('scores on a wire', () => {
  const synthetic = new SyntheticWorld(6)
  const worded = (scored: ScoredOutput, changes: Partial<AuditScores> = {}): AuditScores => {
    const { promptTokens, promptDigest: prompt, endsTurn, ending, text } = scored
    return {
      ...{ version: 1, job: '', backend: 'cpu', quantization: 'Q8_0', chatTemplate: null },
      ...{ promptTokens, prompt, endsTurn, ending, text, scores: packScores(scored), ...changes },
    }
  }

  it('come out as they went in, to a thousandth of a nat', () => {
    const scored = synthetic.output({ tokens: 80, disturbance: 1 })
    scored.states[7] = 3
    scored.margins[7] = Number.POSITIVE_INFINITY
    scored.logProbs[7] = Number.NEGATIVE_INFINITY
    scored.gaps![9] = Number.POSITIVE_INFINITY
    const read = unpackScores(worded(scored), 80)
    assert.deepEqual(read.states, scored.states)
    for (const field of ['margins', 'logProbs', 'gaps'] as const)
      read[field]!.forEach((value, place) => {
        const expected = scored[field]![place]!
        assert.ok(value === expected || Math.abs(value - expected) < 6e-4, `${field} ${value} ${expected}`)
      })
  })

  it('are refused where they cannot be', () => {
    const scored = synthetic.output({ tokens: 4 })
    const refused = (changes: Partial<AuditScores>) =>
      assert.throws(() => unpackScores(worded(scored, changes), 4), ProtocolError)
    refused({ scores: new Uint8Array(27) })
    refused({ ending: { tokens: 5, reason: 'stop' } })
    for (const [place, value] of [
      [0, 4],
      [0, 1 + 3],
      [0, 3],
      [4, 1],
      [12, 0xff],
    ] as const) {
      const scores = packScores(scored)
      scores[place] = value
      if (place === 12) scores[13] = 0xff
      refused({ scores })
    }
  })
})

describe('records of auditors', () => {
  const folders = new TemporaryFolders()
  let world: AuditWorld
  let book: AuditorBook
  beforeEach(async () => {
    world = await AuditWorld.open({ folder: await folders.make(), auditors: [] })
    book = new AuditorBook({ store: world.store, outbox: world.outbox, clock: world.clock })
    await book.start()
  })
  afterEach(() => world.close())
  after(() => folders.remove())

  /** Canaries, one after the other, until an auditor is excluded. */
  async function test(
    auditor: string,
    canaries: number,
    says: (canary: Canary, random: () => number) => boolean,
  ) {
    const random = seededRandom(Number.parseInt(auditor.slice(0, 8), 16))
    for (let count = 1; count <= canaries; count++) {
      const base = baseOf(60, { temperature: 1, turns: random() * 120, isConfirmed: random() < 0.5 })
      const canary = makeCanary(base, { others, random, randomSeed: () => OTHER })!
      if (says(canary, random)) await book.wasRight(auditor)
      else await book.wasWrong(auditor, canary.kind === 'genuine' ? 'failed_good' : 'passed_bad')
      if (book.of(auditor).isExcluded) return count
    }
    return null
  }
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      (index * 2_654_435_761).toString(16).padStart(8, '0').slice(-8).repeat(8),
    )

  it('exclude who always passes within few canaries, and who always fails; who is honest never', async () => {
    const synthetic = new SyntheticWorld(8)
    const found: (number | null)[] = []
    for (const node of nodes(120)) found.push(await test(node, 12, canary => canary.kind === 'genuine'))
    assert.ok(found.filter(count => count === null).length <= 1, String(found))
    assert.ok(found.filter(count => count !== null && count <= 5).length >= 100, String(found))
    for (const node of nodes(40)) {
      const auditor = `${node.slice(0, 60)}beef`
      const looks = (canary: Canary, random: () => number) =>
        isRight(canary, honestly(canary, random, synthetic), false)
      assert.equal(await test(auditor, 60, looks), null)
      assert.ok(book.of(auditor).weight > 0.9)
    }
    for (const node of nodes(20)) {
      const auditor = `${node.slice(0, 60)}dead`
      assert.notEqual(await test(auditor, 60, canary => canary.kind !== 'genuine'), null)
    }
  })

  it('find who lies about a part only, in the course of time', async () => {
    const found = []
    for (const node of nodes(40))
      found.push(await test(node, 150, (canary, random) => canary.kind === 'genuine' || random() > 0.3))
    assert.ok(found.filter(count => count !== null).length >= 38, String(found))
  })

  it('count little at first, are kept, fade, and are in the audit log where they are bad', async () => {
    const auditor = auditorKey(0)
    const { weight } = book.of(auditor)
    assert.ok(weight > 0.1 && weight < 0.2, String(weight))
    assert.equal(book.canaryChance(auditor, 0.2), 0.75)
    for (let index = 0; index < 30; index++) await book.wasRight(auditor)
    assert.equal(book.canaryChance(auditor, 0.2), 0.2)
    assert.ok(book.of(auditor).weight > 0.9 && book.of(auditor).weight <= 0.95)
    assert.equal(await book.wasWrong(auditor, 'passed_bad'), false)
    assert.equal(await book.wasWrong(auditor, 'outvoted', 0.9), false)
    assert.equal(await book.wasWrong(auditor, 'failed_good'), true)
    assert.equal(await book.wasWrong(auditor, 'failed_good'), false)
    await book.shows('bafyreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq', auditor, 'canary')
    const again = new AuditorBook({ store: world.store, outbox: world.outbox, clock: world.clock })
    await again.start()
    assert.deepEqual(again.of(auditor), book.of(auditor))
    assert.deepEqual(again.of(auditor).faults, { passed_bad: 1, failed_good: 2, outvoted: 1 })
    assert.deepEqual([...again.auditors()], [auditor])
    const { testedOn } = again.base('bafyreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq')
    assert.deepEqual(testedOn, [auditor])
    const events = (await world.events()).filter(event => event.kind === 'auditor.failed')
    assert.deepEqual(
      events.map(({ fault, excluded }) => [fault, excluded]),
      [
        ['passed_bad', false],
        ['outvoted', false],
        ['failed_good', true],
        ['failed_good', true],
      ],
    )
    world.clock.jump(60 * 24 * 3_600_000)
    assert.equal(again.of(auditor).isExcluded, false)
  })
})
