import assert from 'node:assert/strict'
import { describeTaskEvent, SpeedOfAnswer } from '../../../cli/answer-printer.ts'
import type { CandidateView, TaskEventView } from '../../../node/gateway/views.ts'

const candidate = (score: number, provider = '12D3KooWGqB7werxjC9APkm2ExrVTQgL5Pn44y2bZsDZzWMPZHKM') =>
  ({
    provider,
    model: 'shoal-mini-q8_0@sha256:ab',
    expectedCost: '0.000105',
    expectedSeconds: 0.069,
    outputPerMillion: '1',
    reliability: 0.5,
    score,
  }) satisfies CandidateView

describe('SpeedOfAnswer', () => {
  it('counts from the first tokens that came, which took their time before', () => {
    const speed = new SpeedOfAnswer()
    assert.equal(speed.tokensPerSecond(), null)
    speed.add(4, 5_000)
    assert.equal(speed.tokensPerSecond(), null)
    speed.add(10, 5_100)
    speed.add(10, 5_200)
    assert.equal(speed.tokensPerSecond(), 100)
  })
})

describe('describeTaskEvent', () => {
  it('says why a provider was chosen, also when it is not the best', () => {
    const chosen: TaskEventView = { type: 'chosen', candidate: candidate(3), attempt: 0, alternatives: 1 }
    assert.equal(
      describeTaskEvent(chosen, [candidate(3), candidate(2)]),
      'Chose 12D3KooW…ZHKM with shoal-mini-q8_0, the best of 2: about 0.000105 credits and under 0.1 s, reliability at least 50 %.',
    )
    assert.match(describeTaskEvent(chosen, [candidate(3), candidate(4)])!, /, to know more of it, one of 2: /)
    const next: TaskEventView = { ...chosen, attempt: 1 }
    assert.match(describeTaskEvent(next, [candidate(3), candidate(4)])!, /^Goes on at .*, the best of 2: /)
  })
})
