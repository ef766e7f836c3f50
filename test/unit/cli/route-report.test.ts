import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { describeDecisions, describePolicy, describeReplays } from '../../../cli/route-report.ts'
import type { DecisionView } from '../../../node/gateway/route-views.ts'
import { DEFAULT_POLICY } from '../../../node/market/routing/learning/policy-settings.ts'
import type { Replay } from '../../../node/market/routing/learning/replay.ts'

const WIDE = 200

const decision: DecisionView = {
  decision: 'd-1',
  at: '2026-05-01T09:30:00.000Z',
  taskClass: 'chat:short:text/balanced',
  strategy: 'balanced',
  model: null,
  decidedBy: 'policy',
  policy: 'default#00000000',
  probability: 0.0125,
  trialShare: 0,
  explored: true,
  candidates: [
    {
      provider: '12D3KooWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAx7Qa',
      model: `shoal-mini@sha256:${'0'.repeat(64)}`,
      score: 0.41,
      parts: { cost: 0.2, time: 0.2, quality: 0.1, privacy: 0, nearness: 0 },
      trust: 0.82,
      learned: -0.03,
      uncertainty: 0.4,
      chance: 0.0125,
      newcomer: true,
      expected: { credits: '0.000128', firstTokenMs: 120, totalMs: 2_400 },
    },
    {
      provider: 'local',
      model: `shoal-nano@sha256:${'1'.repeat(64)}`,
      score: 0.6,
      parts: { cost: 0.35, time: 0.2, quality: 0.05, privacy: 0, nearness: 0 },
      trust: 1,
      learned: null,
      uncertainty: null,
      chance: 0,
      newcomer: false,
      expected: { credits: '0', firstTokenMs: 10, totalMs: 900 },
    },
  ],
  ruledOut: { circuit_open: 1, too_expensive: 3 },
  outcomes: [],
}
const outcome = {
  provider: 'local',
  model: `shoal-nano@sha256:${'1'.repeat(64)}`,
  status: 'completed',
  firstTokenMs: 12,
  totalMs: 1_234,
  promptTokens: 9,
  outputTokens: 40,
  paid: '0.00004',
  reward: 0.51,
  quality: 1,
}
const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 })
const replayOf = (policy: string, gain: number): Replay => ({
  policy,
  decisions: 120,
  leftOut: 2,
  learnedFrom: 3,
  logged: estimate(0.5),
  inversePropensity: estimate(0.5 + gain),
  selfNormalised: estimate(0.5 + gain),
  doublyRobust: estimate(0.5 + gain),
  gain: estimate(gain),
  effectiveDecisions: 31.4,
  coverage: 0.9,
  byClass: [],
})

describe('what people are shown of routing', () => {
  const shown = (text: string) => stripVTControlCharacters(text)

  it('says why a provider was chosen, who was ruled out and how it went', () => {
    const text = shown(
      describeDecisions([decision, { ...decision, explored: false, outcomes: [outcome] }], WIDE),
    )
    assert.match(
      text,
      /Attempt 1.*\n.*12D3KooW…x7Qa \(shoal-mini\), tried by chance of 2 that fit \(1\.3 %\)/,
    )
    assert.match(text, /Ruled out +3 too expensive, 1 circuit open/)
    assert.match(text, /not known; the task was cancelled or still runs/)
    assert.match(text, /Attempt 2/)
    assert.match(
      text,
      /this node \(shoal-nano\) completed in 1\.2 s \(first token after 12 ms\), 40 tokens for 0\.00004 credits, worth 0\.51, rated 1\.00/,
    )
    assert.match(text, /12D3KooW…x7Qa \(new\).* 0\.41 .*-0\.03/)
  })

  it('says that a task was a trial of a newcomer, and how many are, or a wish', () => {
    const chosen = (parts: Partial<DecisionView>) =>
      shown(describeDecisions([{ ...decision, ...parts }], WIDE)).match(/Chosen +(.*)/)![1]
    assert.match(
      chosen({ decidedBy: 'trial', trialShare: 0.027 })!,
      /, a trial of a newcomer, drawn by chance \(1\.3 %\) .*; 2\.7 % of such tasks go to trials$/,
    )
    assert.match(
      chosen({ decidedBy: 'trial', trialShare: 1, probability: 0.25, policy: null })!,
      /drawn by chance \(25 %\).*nobody that fits is known yet/,
    )
    assert.match(chosen({ decidedBy: 'wish', probability: 1 })!, /, wished for by the task of 2 that fit$/)
  })

  it('says whether another policy would have been better, worse, or neither', () => {
    const text = shown(
      describeReplays(
        [replayOf('greedy', 0), replayOf('a', 0.2), replayOf('b', -0.2), replayOf('c', 0)],
        WIDE,
      ),
    )
    assert.match(text, /120, and 3 trials and wishes that are only learned from, and 2 without an outcome/)
    assert.match(text, /a would have been better/)
    assert.match(text, /b would have been worse/)
    assert.match(text, /Between c and what was done, the log shows no difference/)
    assert.match(text, /31 tasks, 90 % seen/)
  })

  it('shows the policy, what is wrong with its file, and what was learned', () => {
    const view = {
      version: 'default#00000000',
      settings: DEFAULT_POLICY,
      file: { path: '/data/policy.json', problem: null },
      classes: [],
      droppedLogLines: 0,
    }
    assert.match(shown(describePolicy(view, WIDE)), /Nothing has been learned yet/)
    const learned = shown(
      describePolicy(
        {
          ...view,
          file: { ...view.file, problem: 'the policy file is not valid' },
          classes: [
            {
              taskClass: 'chat:short:text/balanced',
              outcomes: 7,
              byFeature: { cost: 0.001, warm: 0.2 },
              byModel: { 'shoal-nano@sha256:00': -0.3 },
            },
          ],
          droppedLogLines: 2,
        },
        WIDE,
      ),
    )
    assert.match(learned, /Problem +the policy file is not valid/)
    assert.match(learned, /2 lines could not be written/)
    assert.match(learned, /shoal-nano -0\.30, warm \+0\.20/)
  })
})
