import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DecisionLog } from '../../../../../../node/market/routing/learning/decision-log.ts'
import { LinUcbPolicy } from '../../../../../../node/market/routing/learning/lin-ucb.ts'
import { DEFAULT_POLICY } from '../../../../../../node/market/routing/learning/policy-settings.ts'
import { DecisionRecorder } from '../../../../../../node/market/routing/learning/recorder.ts'
import { silentLog } from '../../../../../helpers/hosts.ts'
import { TemporaryFolders } from '../../../../../helpers/temporary.ts'
import { loggedDecision } from './samples.ts'

const TASK = '0a'.repeat(16)

describe('a rating', () => {
  const folders = new TemporaryFolders()
  let log: DecisionLog
  let corrections: [model: string, by: number][]
  let recorder: DecisionRecorder

  beforeEach(async () => {
    log = new DecisionLog({ path: join(await folders.make(), 'decisions.jsonl') }, { log: silentLog })
    corrections = []
    const policy = new LinUcbPolicy({ settings: DEFAULT_POLICY })
    policy.correct = ({ model, by }) => void corrections.push([model, by])
    recorder = new DecisionRecorder({ log, policy, clock: { nowMs: () => 9 } })
    const [candidate] = loggedDecision().candidates
    const candidates = ['a', 'b', 'c'].map(provider => ({ ...candidate!, provider, model: `m-${provider}` }))
    log.write(loggedDecision({ id: 'd', task: TASK, candidates }))
  })
  afterEach(async () => {
    await log.stop()
    await folders.remove()
  })

  const ended = (provider: string, status: 'completed' | 'failed') =>
    log.write({
      ...{ type: 'outcome', decision: 'd', provider, model: `m-${provider}`, atMs: 2, status, ttftMs: null },
      ...{ totalMs: 5, promptTokens: 1, outputTokens: 2, paid: '0', reward: status === 'failed' ? 0 : 0.5 },
    })

  it('is of all replicas that made the answer alike, and of no other', async () => {
    ended('a', 'completed')
    ended('b', 'failed')
    ended('c', 'completed')
    const { reward } = await recorder.rate(TASK, 1)
    assert.deepEqual(
      corrections.map(([model]) => model),
      ['m-a', 'm-c'],
    )
    for (const [, by] of corrections) assert.ok(Math.abs(by - (reward - 0.5)) < 1e-6)
  })

  it('takes the place of an earlier one', async () => {
    ended('a', 'completed')
    const good = await recorder.rate(TASK, 1)
    const bad = await recorder.rate(TASK, 0)
    assert.ok(bad.reward < good.reward)
    assert.ok(Math.abs(corrections[1]![1] - (bad.reward - good.reward)) < 1e-6)
    for await (const { ratings } of log.histories({ task: TASK })) assert.deepEqual(ratings, [good, bad])
  })

  it('is refused of a task that nobody completed, and of one that is not ours', async () => {
    ended('b', 'failed')
    for (const task of [TASK, '0b'.repeat(16)])
      await assert.rejects(recorder.rate(task, 1), { code: 'DECISION_UNKNOWN' })
    assert.deepEqual(corrections, [])
  })
})
