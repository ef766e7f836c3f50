import assert from 'node:assert/strict'
import fc from 'fast-check'
import { assess, assessmentSchema } from '../../../../inference/audit/assessment.ts'
import {
  ABSENT,
  CATEGORIES,
  CELLS,
  categoryOf,
  cellOf,
  FILTERED,
  GAP_CLASSES,
  groupOf,
  isPossible,
  MARGIN_CAP,
  STRATA,
  stratumOf,
  UNKNOWN_GAP,
  WON,
} from '../../../../inference/audit/cells.ts'
import type { ScoredOutput } from '../../../../inference/engine.ts'
import { claimOf, SyntheticWorld } from '../../../helpers/synthetic-outputs.ts'

const world = new SyntheticWorld(1)

function scored(changes: Partial<ScoredOutput> = {}): ScoredOutput {
  return { ...world.output({ tokens: 10 }), ...changes }
}

describe('assessment', () => {
  it('counts each token in one cell', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            state: fc.nat(3),
            margin: fc.double({ min: 0, noNaN: true }),
            gap: fc.double({ min: 0, noNaN: true }),
            logProb: fc.double({ max: 0, noNaN: true }),
          }),
          { maxLength: 50 },
        ),
        fc.boolean(),
        (tokens, withGaps) => {
          const assessment = assess(
            scored({
              states: Uint8Array.from(tokens, ({ state }) => state),
              margins: Float32Array.from(tokens, ({ margin }) => margin),
              logProbs: Float32Array.from(tokens, ({ logProb }) => logProb),
              gaps: withGaps ? Float32Array.from(tokens, ({ gap }) => gap) : undefined,
            } as Partial<ScoredOutput>),
            claimOf(tokens.length),
          )
          assert.deepEqual(assessmentSchema.parse(assessment), assessment)
          assert.equal(assessment.tokens, tokens.length)
          assert.ok(assessment.meanMargin <= MARGIN_CAP)
        },
      ),
    )
  })

  it('tells how much was lost, as Token-DiFR does', () => {
    const assessment = assess(
      scored({
        states: Uint8Array.of(0, 1, 1, 2, 3),
        margins: Float32Array.of(0, 0.0625, 100, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
        logProbs: Float32Array.of(-1, -1, -2, -4, Number.NEGATIVE_INFINITY),
        gaps: Float32Array.of(2, 0.0625, 0.5, Number.POSITIVE_INFINITY, 5),
      }),
      claimOf(5, { sampling: { temperature: 1, topK: 40, minP: 0, topP: 1 } }),
    )
    assert.equal(assessment.matchRate, 0.2)
    assert.equal(assessment.outsideRate, 0.4)
    assert.equal(assessment.meanMargin, (0.0625 + 3 * MARGIN_CAP) / 5)
    assert.equal(assessment.meanLogProb, -2)
    const counted = assessment.cells.flatMap((tokens, cell) => (tokens === 0 ? [] : [cell]))
    assert.deepEqual(counted, [
      cellOf(GAP_CLASSES + 1, 2),
      cellOf(GAP_CLASSES + 3, 6),
      cellOf(GAP_CLASSES + 4, WON),
      cellOf(GAP_CLASSES + 4, FILTERED),
      cellOf(GAP_CLASSES + 4, ABSENT),
    ])
  })

  it('takes a parameter for a filter only where it can take something out', () => {
    const stratum = (sampling: Partial<ReturnType<typeof claimOf>['sampling']>) => {
      const claim = claimOf(1, { sampling: { temperature: 1, topK: 0, minP: 0, topP: 1, ...sampling } })
      const { cells } = assess(
        scored({
          states: Uint8Array.of(0),
          margins: Float32Array.of(0),
          logProbs: Float32Array.of(-1),
          gaps: Float32Array.of(9),
        }),
        claim,
      )
      return Math.floor(cells.indexOf(1) / CATEGORIES)
    }
    assert.equal(stratum({}), stratumOf(9, false))
    assert.equal(stratum({ topK: 64 }), stratumOf(9, false))
    assert.equal(stratum({ topP: 0.9, temperature: 0 }), stratumOf(9, false))
    for (const filter of [{ topP: 0.9 }, { minP: 0.1 }, { topK: 40 }])
      assert.equal(stratum(filter), stratumOf(9, true))
  })

  it('counts only absence where the engine chose by itself', () => {
    const { cells } = assess(
      scored({
        states: Uint8Array.of(0, 1, 2, 3),
        margins: new Float32Array(4),
        logProbs: new Float32Array(4),
      }),
      claimOf(4, { sampler: 'engine' }),
    )
    assert.equal(cells[cellOf(GAP_CLASSES + UNKNOWN_GAP, WON)], 3)
    assert.equal(cells[cellOf(GAP_CLASSES + UNKNOWN_GAP, ABSENT)], 1)
  })

  it('refuses scores of another output', () => {
    assert.throws(() => assess(scored(), claimOf(11)), RangeError)
  })

  it('never finds a margin in a group that it calls impossible', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (gap, more) => {
          const stratum = stratumOf(gap, false)
          assert.ok(isPossible(stratum, groupOf(stratum, categoryOf(1, gap + more))))
        },
      ),
    )
    assert.equal(STRATA * CATEGORIES, CELLS)
  })
})

describe('checks of a claim', () => {
  const check = (part: 'stop' | 'prompt' | 'text', output: Partial<ScoredOutput>, claim = {}) =>
    assess(scored(output), claimOf(10, claim))[part]

  it('knows a right ending', () => {
    assert.equal(check('stop', { ending: { tokens: 10, reason: 'length' } }), 'right')
    assert.equal(
      check('stop', { ending: { tokens: 10, reason: 'stop_string' } }, { reason: 'stop_string' }),
      'right',
    )
    const states = new Uint8Array(10)
    assert.equal(
      check('stop', { states, ending: { tokens: 10, reason: 'stop' } }, { reason: 'stop' }),
      'right',
    )
  })

  it('leaves a turn that ended against the odds to the tokens', () => {
    const states = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 3)
    assert.equal(
      check('stop', { states, ending: { tokens: 10, reason: 'stop' } }, { reason: 'stop' }),
      'unknown',
    )
  })

  it('knows an answer that was cut short, or went on past its end', () => {
    assert.equal(check('stop', { ending: null }), 'wrong')
    assert.equal(check('stop', { ending: null }, { contextTokens: 30 }), 'right')
    assert.equal(check('stop', { ending: null }, { contextTokens: null }), 'unknown')
    assert.equal(check('stop', { ending: null }, { reason: 'stop' }), 'wrong')
    assert.equal(check('stop', { ending: null }, { reason: 'stop_string' }), 'wrong')
    assert.equal(check('stop', { ending: null }, { reason: 'cancelled' }), 'unknown')
    assert.equal(check('stop', { ending: { tokens: 9, reason: 'stop' } }, { reason: 'stop' }), 'wrong')
    assert.equal(check('stop', { ending: { tokens: 9, reason: 'stop' } }, { reason: 'cancelled' }), 'wrong')
    assert.equal(check('stop', { ending: { tokens: 10, reason: 'stop' } }, { reason: 'length' }), 'wrong')
  })

  it('compares prompts by digest and by length', () => {
    assert.equal(check('prompt', {}), 'right')
    assert.equal(check('prompt', {}, { promptDigest: null }), 'unknown')
    assert.equal(check('prompt', {}, { promptDigest: null, promptTokens: 21 }), 'wrong')
    assert.equal(check('prompt', {}, { promptDigest: `0x${'2'.repeat(64)}` }), 'wrong')
  })

  it('compares texts without half characters', () => {
    assert.equal(check('text', { text: ' a word\uFFFD' }, { text: 'a word' }), 'right')
    assert.equal(check('text', { text: 'a word' }, { text: 'a' }), 'unknown')
    assert.equal(check('text', { text: 'a word' }, { text: 'another word' }), 'wrong')
    assert.equal(check('text', { text: 'a word' }, { text: null }), 'unknown')
  })
})
