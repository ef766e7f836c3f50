import assert from 'node:assert/strict'
import { generateRequest } from '../../../../node/tasks/engine-task.ts'
import { samplingSeed } from '../../../../protocol/sampling-seed.ts'
import { sampleRequest } from '../../../helpers/samples.ts'

describe('a task in the engine’s words', () => {
  it('draws by its nonce and id, or by the nonce alone where the same is wanted again', () => {
    const { taskId, sampling } = sampleRequest
    const seedOf = (changes: Partial<typeof sampleRequest>) =>
      generateRequest({ ...sampleRequest, ...changes }).sampling.seed
    const again = { sampling: { ...sampling, seedScope: 'nonce' as const } }
    const other = { taskId: 'ff'.repeat(16) }
    assert.equal(seedOf({}), samplingSeed(sampling.nonce, taskId))
    assert.notEqual(seedOf(other), seedOf({}))
    assert.equal(seedOf(again), samplingSeed(sampling.nonce, null))
    assert.equal(seedOf({ ...again, ...other }), seedOf(again))
    assert.equal(seedOf({ attempt: 3 }), seedOf({}), 'whoever goes on draws alike')
  })
})
