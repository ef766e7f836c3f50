import assert from 'node:assert/strict'
import { seededRandom } from '../../../../inference/audit/random.ts'
import type { Receipt } from '../../../../scripts/roc/plays.ts'
import { batchMargins, byPrompt, playProvider } from '../../../../scripts/roc/providers.ts'
import { SyntheticWorld } from '../../../helpers/synthetic-outputs.ts'

const PROMPTS = 40
const PLACES = Array.from({ length: PROMPTS }, (_, at) => at)

describe('played providers', () => {
  const world = new SyntheticWorld(7)
  const receipts = (disturbance: number) =>
    PLACES.map(
      (prompt): Receipt => ({
        ...{ prompt, sample: 0, elapsedMs: 1, computedTokens: 1 },
        assessment: world.assessment({ tokens: 100, disturbance }),
      }),
    )
  const calibration = world.calibration()
  const honest = byPrompt(receipts(0), PROMPTS)
  const cheating = byPrompt(receipts(1), PROMPTS)
  const played = (share: number, seed: number) =>
    playProvider(
      { honest, cheating, share, calibration, falseAlarm: 1e-6, maxTokens: 20_000 },
      PLACES,
      seededRandom(seed),
    )

  it('are found sooner the more they cheat, and not at all when they do not', () => {
    const median = (share: number) =>
      [1, 2, 3, 4, 5].map(seed => played(share, seed).tokens).sort((a, b) => a - b)[2]!
    const [all, some, none] = [median(1), median(0.25), median(0)]
    assert.ok(all < some && some < none, `${all} ${some} ${none}`)
    assert.equal(none, Number.POSITIVE_INFINITY)
    assert.ok(played(1, 1).evidence >= 1)
    assert.ok(played(0, 1).evidence < 1)
  })

  it('end where nobody can be drawn', () => {
    const empty = PLACES.map(() => [])
    const provider = {
      honest: empty,
      cheating: empty,
      share: 1,
      calibration,
      falseAlarm: 1e-3,
      maxTokens: 100,
    }
    assert.equal(playProvider(provider, PLACES, seededRandom(1)).tokens, Number.POSITIVE_INFINITY)
  })

  it('pool receipts of a batch as their tokens weigh', () => {
    const random = seededRandom(2)
    const draw = { prompts: PLACES, tokens: 3_000, batches: 20 }
    const tokens = cheating.flat().map(({ assessment }) => assessment)
    const mean = tokens.reduce((sum, { meanMargin }) => sum + meanMargin, 0) / tokens.length
    const margins = batchMargins(cheating, draw, random)
    assert.equal(margins.length, draw.batches)
    const average = margins.reduce((sum, margin) => sum + margin, 0) / margins.length
    assert.ok(Math.abs(average / mean - 1) < 0.2, `${average} ${mean}`)
  })
})
