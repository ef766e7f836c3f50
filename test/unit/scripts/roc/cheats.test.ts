import assert from 'node:assert/strict'
import { calibrationPrompt } from '../../../../inference/audit/calibration-prompts.ts'
import { type Answer, type Ask, asksOf } from '../../../../scripts/roc/answers.ts'
import { CHEATS } from '../../../../scripts/roc/cheats.ts'
import { MOST_PROMPTS, testPrompt } from '../../../../scripts/roc/prompts.ts'

const cheat = (id: string) => CHEATS.find(other => other.id === id)!
const asks = asksOf(2, 40)
const [chat, completion] = [asks[1]!, asks[4]!]
const answer = (tokens: number[], reason: Answer['reason'] = 'stop'): Answer => ({
  ...{ prompt: 0, sample: 1, tokens, reason, promptTokens: 3, promptDigest: null, text: '' },
})
const rewritten = (id: string, tokens: number[], ask: Ask = chat) =>
  cheat(id).rewrite!(answer(tokens), { ask, other: answer([9, 9]), endToken: 0 })

describe('played cheats', () => {
  it('ask prompts that no calibration asks, each once', () => {
    const asked = Array.from({ length: MOST_PROMPTS }, (_, index) => JSON.stringify(testPrompt(index)))
    assert.equal(new Set(asked).size, MOST_PROMPTS)
    const calibrated = new Set(
      Array.from({ length: 2_000 }, (_, index) => JSON.stringify(calibrationPrompt(index))),
    )
    assert.ok(asked.every(prompt => !calibrated.has(prompt)))
    assert.throws(() => testPrompt(MOST_PROMPTS), RangeError)
  })

  it('ask the same with the same seeds every time, each of another seed', () => {
    assert.deepEqual(asksOf(2, 40), asks)
    assert.equal(new Set(asks.map(({ sampling }) => sampling.seed)).size, asks.length)
  })

  it('change what was asked and leave what was claimed', () => {
    for (const { instead, applies } of CHEATS) {
      for (const ask of [chat, completion]) {
        if (instead === undefined || applies?.(ask) === false) continue
        const before = structuredClone(ask)
        assert.notDeepEqual(instead(ask), before)
        assert.deepEqual(ask, before)
      }
    }
    assert.equal(cheat('system-dropped').applies!(completion), false)
    assert.equal(cheat('seed').applies!(asks[0]!), false)
  })

  it('rewrite answers', () => {
    assert.deepEqual(rewritten('copied', [1, 2]).tokens, [9, 9])
    assert.deepEqual(rewritten('truncated', [1, 2, 3, 4, 5]).tokens, [1, 2, 3])
    assert.deepEqual(rewritten('truncated-ended', [1, 2, 3, 4, 5]).tokens, [1, 2, 3, 0])
    const begun = Array.from({ length: 20 }, (_, at) => at)
    const { tokens, reason } = rewritten('repeated', begun)
    assert.equal(reason, 'length')
    assert.deepEqual(tokens, [
      ...begun.slice(0, 16),
      ...[8, 9, 10, 11, 12, 13, 14, 15],
      ...[8, 9, 10, 11, 12, 13, 14, 15],
      ...[8, 9, 10, 11, 12, 13, 14, 15],
    ])
  })
})
