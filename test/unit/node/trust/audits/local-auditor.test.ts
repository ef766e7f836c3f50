import assert from 'node:assert/strict'
import {
  type Engine,
  EngineError,
  type EngineStatus,
  type ScoreRequest,
} from '../../../../../inference/engine.ts'
import { ModelError } from '../../../../../inference/models/errors.ts'
import type { ArchivedTask } from '../../../../../node/trust/audits/archived-task.ts'
import { LocalAuditor } from '../../../../../node/trust/audits/local-auditor.ts'
import { SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { doneTask } from './audit-world.ts'

const scored = new SyntheticWorld(1).output({ tokens: 64 })

/** Of an engine what an auditor needs, in whatever state a test wants. */
class StatedEngine {
  state: EngineStatus['state'] = 'ready'
  models: string[] = []
  contextTokens = 1_024
  freeSlots = 1
  queued = 0
  readonly asked: ScoreRequest[] = []
  readonly unloaded: string[] = []

  status(): EngineStatus {
    const { state, freeSlots, queued, contextTokens } = this
    const models = this.models.map(id => ({
      ...{
        id,
        path: '',
        architecture: 'llama',
        parameterCount: 1,
        quantization: 'Q8_0',
        contextTokens,
        slots: 1,
      },
      ...{
        chatTemplateDigest: `sha256:${'5'.repeat(64)}`,
        embeddingLength: 1,
        threads: 1,
        measuredTokensPerSecond: 1,
      },
    }))
    const backend = { kind: 'vulkan', devices: [], release: '' } as const
    return { state, backend, models, active: 0, queued, freeSlots, crashes: 0, computedTokens: 0 }
  }

  async start(): Promise<void> {
    this.state = 'ready'
  }

  async load({ id }: { id: string }): Promise<void> {
    if (id.startsWith('huge')) throw new EngineError('MODEL_TOO_LARGE', 'too large')
    this.models.push(id)
  }

  async unload(id: string): Promise<void> {
    this.unloaded.push(id)
    this.models = this.models.filter(model => model !== id)
  }

  async score(request: ScoreRequest) {
    this.asked.push(request)
    return scored
  }
}

describe('an auditor on the own engine', () => {
  const taskOf = (name: string, index = 1) => {
    const model = `${name}@sha256:${'5'.repeat(64)}`
    const { record, ...task } = doneTask(index, { request: { model }, receipt: { model } })
    return { ...task, cid: record.cid, receipt: record.body, record: record.bytes } as never
  }
  const modelOf = (name: string) => `${name}@sha256:${'5'.repeat(64)}`
  const setUp = (loadModels = true, here: readonly string[] = ['a', 'b', 'huge']) => {
    const engine = new StatedEngine()
    const auditor = new LocalAuditor(
      { loadModels },
      {
        engine: engine as unknown as Engine,
        catalog: {
          resolve: async id => {
            if (!here.includes(id.split('@')[0]!)) throw new Error('not here')
            return { id, path: '' }
          },
          resolveAdapted: async (id, adapter) => {
            if (here.includes(adapter.split('@')[0]!)) return { id, path: '', adapters: [] }
            throw new ModelError('MODEL_NOT_FOUND', 'not here', { details: { lacks: 'adapter' } })
          },
        },
      },
    )
    return { engine, auditor }
  }

  it('loads what wears an adapter, and says when it lacks that', async () => {
    const here = ['a']
    const { auditor } = setUp(true, here)
    const plain: ArchivedTask = taskOf('law')
    const task = { ...plain, receipt: { ...plain.receipt, adapter: modelOf('law') } }
    assert.equal(await auditor.availability(task), 'never')
    assert.equal(auditor.lacking(task.receipt.model), 'adapter')
    here.push('law')
    assert.equal(await auditor.availability(task), 'never')
    auditor.lookAgain()
    assert.equal(await auditor.availability(task), 'now')
    assert.equal(auditor.lacking(task.receipt.model), null)
  })

  it('waits while tasks need the engine', async () => {
    const { engine, auditor } = setUp()
    engine.models = [modelOf('a')]
    assert.equal(await auditor.availability(taskOf('a')), 'now')
    engine.freeSlots = 0
    assert.equal(await auditor.availability(taskOf('a')), 'later')
    Object.assign(engine, { freeSlots: 1, queued: 1 })
    assert.equal(await auditor.availability(taskOf('a')), 'later')
    Object.assign(engine, { queued: 0, state: 'restarting' })
    assert.equal(await auditor.availability(taskOf('a')), 'later')
  })

  it('leaves to others what does not fit', async () => {
    const { engine, auditor } = setUp()
    engine.models = [modelOf('a')]
    engine.contextTokens = 83
    assert.equal(await auditor.availability(taskOf('a')), 'never')
    engine.contextTokens = 84
    assert.equal(await auditor.availability(taskOf('a')), 'now')
  })

  it('loads what lies here for audits alone, one at a time, if it may', async () => {
    const { engine, auditor } = setUp()
    assert.equal(await auditor.availability(taskOf('a')), 'now')
    assert.equal(auditor.borrowed, modelOf('a'))
    assert.equal(await auditor.availability(taskOf('b')), 'now')
    assert.deepEqual(
      [auditor.borrowed, engine.models, engine.unloaded],
      [modelOf('b'), [modelOf('b')], [modelOf('a')]],
    )
    assert.equal(await auditor.availability(taskOf('elsewhere')), 'never')
    assert.equal(auditor.borrowed, modelOf('b'))
    assert.equal(await auditor.availability(taskOf('huge')), 'never')
    assert.equal(auditor.borrowed, null)
    assert.equal(await auditor.availability(taskOf('b')), 'now')
    auditor.served(modelOf('b'))
    assert.equal(auditor.borrowed, null)
    const forbidden = setUp(false)
    assert.equal(await forbidden.auditor.availability(taskOf('a')), 'never')
    assert.deepEqual(forbidden.engine.models, [])
  })

  it('scores the task as it was asked, and says on what', async () => {
    const { engine, auditor } = setUp()
    engine.models = [modelOf('a')]
    const report = await auditor.audit(taskOf('a'), { signal: AbortSignal.timeout(1_000) })
    assert.deepEqual(
      [report.backend, report.quantization, report.auditor, report.chatTemplate],
      ['vulkan', 'Q8_0', null, `0x${'5'.repeat(64)}`],
    )
    assert.equal(engine.asked[0]?.output.length, 64)
    assert.equal(engine.asked[0]?.model, modelOf('a'))
  })
})
