import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  adapterDigest,
  encodeAdapter,
  writeAdapterFile,
} from '../../../../../inference/learning/adapter-file.ts'
import { AdapterError } from '../../../../../inference/learning/errors.ts'
import { aggregate } from '../../../../../node/learning/aggregation/aggregate.ts'
import { type AggregationJob, Aggregator } from '../../../../../node/learning/aggregation/aggregator.ts'
import { AggregationError } from '../../../../../node/learning/aggregation/errors.ts'
import { randomAdapter } from '../../../../helpers/adapters.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

describe('aggregator', () => {
  let aggregator: Aggregator
  let folder: string
  const folders = new TemporaryFolders()
  const options = { rule: 'default', rank: 2, alpha: 4, name: 'shared' } as const
  const updates = [1, 2, 3].map(seed => ({
    ...{ id: `u${seed}`, author: `n${seed}`, weight: 1 },
    adapter: randomAdapter({ seed }),
  }))
  const parent = randomAdapter({ seed: 9 })

  beforeEach(async () => {
    aggregator = new Aggregator()
    folder = await folders.make()
  })
  afterEach(async () => {
    await aggregator.stop()
    await folders.remove()
  })

  async function jobOf(): Promise<AggregationJob> {
    const written = await Promise.all(
      updates.map(async ({ adapter, ...update }) => {
        const path = join(folder, `${update.id}.gguf`)
        await writeAdapterFile(path, adapter)
        return { ...update, path }
      }),
    )
    const parentPath = join(folder, 'parent.gguf')
    await writeAdapterFile(parentPath, parent)
    return { updates: written, parentPath, options, outPath: join(folder, 'shared.gguf') }
  }

  it('makes in its thread the file that anyone else makes', async () => {
    const job = await jobOf()
    const found = await aggregator.run(job)
    const expected = aggregate(updates, parent, options)
    assert.equal(found.digest, adapterDigest(expected.adapter))
    assert.deepEqual(await readFile(job.outPath), Buffer.from(encodeAdapter(expected.adapter)))
    assert.deepEqual(found.weights, expected.weights)
    const reversed = { ...job, updates: job.updates.toReversed(), outPath: join(folder, 'again.gguf') }
    assert.equal((await aggregator.run(reversed)).digest, found.digest)
  })

  it('says what is wrong with its files and its options', async () => {
    const job = await jobOf()
    const coded = (kind: typeof AdapterError | typeof AggregationError, code: string) => (error: unknown) =>
      error instanceof kind && error.code === code
    const missing = { ...job, parentPath: join(folder, 'nowhere.gguf') }
    await assert.rejects(aggregator.run(missing), coded(AdapterError, 'NOT_FOUND'))
    const untrusted = { ...job, options: { ...options, rule: 'fltrust' as const } }
    await assert.rejects(aggregator.run(untrusted), coded(AggregationError, 'NO_TRUSTED'))
  })

  it('ends by the signal and when it is stopped', async () => {
    const job = await jobOf()
    const cancelled = (error: unknown) => error instanceof AggregationError && error.code === 'CANCELLED'
    const abort = new AbortController()
    const running = aggregator.run(job, { signal: abort.signal })
    abort.abort()
    await assert.rejects(running, cancelled)
    const waiting = [aggregator.run(job), aggregator.run(job)].map(one => assert.rejects(one, cancelled))
    await aggregator.stop()
    await Promise.all(waiting)
    await assert.rejects(aggregator.run(job), cancelled)
  })
})
