import assert from 'node:assert/strict'
import { join } from 'node:path'
import { FEATURE_NAMES } from '../../../../../../node/market/routing/features.ts'
import { LinUcbPolicy } from '../../../../../../node/market/routing/learning/lin-ucb.ts'
import { PolicyMemory } from '../../../../../../node/market/routing/learning/policy-memory.ts'
import { DEFAULT_POLICY } from '../../../../../../node/market/routing/learning/policy-settings.ts'
import { Store } from '../../../../../../node/store/store.ts'
import { silentLog } from '../../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../../helpers/temporary.ts'

describe('policy memory', () => {
  const folders = new TemporaryFolders()
  let store: Store
  let clock: ManualClock

  beforeEach(async () => {
    clock = new ManualClock()
    store = await Store.open(join(await folders.make(), 'store'))
  })
  afterEach(async () => {
    await store.close()
    await folders.remove()
  })

  async function remembered(maxClasses?: number): Promise<{ policy: LinUcbPolicy; memory: PolicyMemory }> {
    const policy = new LinUcbPolicy({
      settings: DEFAULT_POLICY,
      ...(maxClasses === undefined ? {} : { maxClasses }),
    })
    const memory = new PolicyMemory({}, { policy, store, clock, log: silentLog })
    await memory.start()
    return { policy, memory }
  }
  const learn = (policy: LinUcbPolicy, taskClass: string, reward: number) =>
    policy.learn({
      taskClass,
      model: 'm',
      features: Float64Array.from(FEATURE_NAMES, () => 0.4),
      score: 0.5,
      reward,
    })

  it('gives back to the last bit what was learned', async () => {
    const { policy, memory } = await remembered()
    for (const reward of [0.1, 0.9, 0.4]) learn(policy, 'a', reward)
    learn(policy, 'b', 1)
    await memory.stop()
    await memory.stop()
    const again = await remembered()
    assert.deepEqual(again.policy.state('a'), policy.state('a'))
    assert.deepEqual(again.policy.summary(), policy.summary())
    await again.memory.stop()
  })

  it('writes by itself, and forgets what the policy has forgotten', async () => {
    const { policy, memory } = await remembered(1)
    learn(policy, 'a', 0)
    await clock.advance(60_000)
    await memory.save()
    learn(policy, 'b', 0)
    await memory.stop()
    const again = await remembered()
    assert.deepEqual(
      again.policy.summary().map(({ taskClass }) => taskClass),
      ['b'],
    )
    again.policy.reset()
    await again.memory.stop()
    const empty = await remembered()
    assert.deepEqual(empty.policy.summary(), [])
    await empty.memory.stop()
  })
})
