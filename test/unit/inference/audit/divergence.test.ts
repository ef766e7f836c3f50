import assert from 'node:assert/strict'
import type { AuditClaim } from '../../../../inference/audit/assessment.ts'
import type { Calibration } from '../../../../inference/audit/calibration.ts'
import { type Divergence, judgeDivergence } from '../../../../inference/audit/divergence.ts'
import type { ScoredOutput } from '../../../../inference/engine.ts'
import { SyntheticWorld } from '../../../helpers/synthetic-outputs.ts'

const TOKENS = 100
const claim: AuditClaim = {
  ...{
    sampler: 'gumbel-64/1',
    sampling: { temperature: 1, topK: 0, minP: 0, topP: 1 },
    outputTokens: TOKENS,
  },
  ...{ text: null, reason: 'cancelled', contextTokens: null, promptTokens: null, promptDigest: null },
}

/** Where an output first parted from the judge's own. */
const firstLost = ({ states }: ScoredOutput) => {
  const at = states.findIndex(state => state !== 0)
  return at === -1 ? TOKENS : at
}

describe('judgeDivergence', () => {
  const world = new SyntheticWorld(5)
  const calibration = world.calibration(300)

  it('blames honest near-ties on nobody, and finds another model beyond what honest ones do', () => {
    const counts = (disturbance: number) => {
      const found: Record<Divergence, number> = { honest: 0, beyond: 0, unknown: 0 }
      for (let i = 0; i < 500; i++) {
        const scored = world.output({ tokens: TOKENS, disturbance })
        found[judgeDivergence(scored, claim, firstLost(scored), calibration).divergence]++
      }
      return found
    }
    const honest = counts(0)
    const other = counts(1)
    assert.equal(honest.beyond, 0, JSON.stringify(honest))
    assert.ok(other.beyond > 200 && other.honest < 75, JSON.stringify(other))
  })

  it('tells a near-tie by the gap between the two best, as it was measured', () => {
    const scored = world.output({ tokens: TOKENS })
    const judged = (
      changes: { gap?: number; margin?: number; state?: number },
      known: Calibration | null = calibration,
    ) => {
      const one = structuredClone({ ...scored, gaps: scored.gaps! })
      one.states.fill(0)
      one.margins.fill(0)
      one.gaps.fill(5)
      const { gap = 5, margin = 0, state = 1 } = changes
      one.gaps[7] = gap
      one.margins[7] = margin
      one.states[7] = state
      return judgeDivergence(one, claim, 7, known)
    }
    const near = judged({ gap: 0.01, margin: 0.02 })
    assert.deepEqual([near.divergence, near.isExplicable], ['honest', true])
    assert.ok(near.meanMargin > 0 && near.meanMargin < judged({ gap: 4, margin: 4.5 }).meanMargin)
    for (const far of [
      { gap: 4, margin: 4.5 },
      { gap: 4, margin: Number.POSITIVE_INFINITY, state: 3 },
    ]) {
      // One token proves nothing against anybody, and cannot be explained either.
      const { divergence, isExplicable } = judged(far)
      assert.deepEqual([divergence, isExplicable], ['unknown', false])
    }
    // Whose token won is whoever the judge itself would have been; without a calibration nobody else is known to be honest.
    assert.equal(judged({ state: 0 }, null).divergence, 'honest')
    assert.equal(judged({ gap: 0.01, margin: 0.02 }, null).divergence, 'unknown')
    const ended = judgeDivergence(scored, claim, TOKENS, calibration)
    assert.equal(ended.divergence, 'unknown', 'it ended where others went on')
  })

  it('takes contradictions for what they are', () => {
    const scored = world.output({ tokens: TOKENS })
    scored.ending = { tokens: 90, reason: 'stop' }
    const { divergence, isExplicable } = judgeDivergence(scored, claim, 3, null)
    assert.deepEqual([divergence, isExplicable], ['beyond', false])
  })
})
