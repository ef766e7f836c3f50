import assert from 'node:assert/strict'
import {
  EngineError,
  type EngineStatus,
  type LoadedModel,
  type ModelSource,
} from '../../../inference/engine.ts'

import { ModelServing, type ModelServingModules } from '../../../node/model-serving.ts'
import type { NodeEvent } from '../../../node/node-events.ts'
import { adaptedModelId } from '../../../protocol/adapted-model.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const id = (name: string) => `${name}@sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`
const base = id('mini')
const LIFETIME_MS = 60_000

/** Of an engine what serving needs of it. */
class ListedEngine {
  models: LoadedModel[] = []
  readonly did: string[] = []
  readonly #listeners = new Set<(status: EngineStatus) => void>()

  async start(): Promise<void> {}

  async load(source: ModelSource): Promise<LoadedModel> {
    const name = source.id.split('@')[0]!
    if (name === 'broken') throw new EngineError('MODEL_INVALID', 'it is broken')
    this.did.push(`load ${name}`)
    const model = { ...source, contextTokens: 64, slots: 1 } as LoadedModel
    this.models.push(model)
    return model
  }

  async unload(model: string): Promise<void> {
    this.did.push(`unload ${model.split('@')[0]}`)
    this.models = this.models.filter(({ id }) => id !== model)
  }

  status(): EngineStatus {
    return { state: 'ready', models: this.models } as unknown as EngineStatus
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

describe('ModelServing', () => {
  let clock: ManualClock
  let engine: ListedEngine
  let serving: ModelServing
  let told: NodeEvent[]
  let tasks: Map<string, number>
  let changes: number

  beforeEach(async () => {
    clock = new ManualClock()
    engine = new ListedEngine()
    told = []
    tasks = new Map()
    changes = 0
    const catalog = {
      resolve: async (name: string) => ({ id: id(name.split('@')[0]!), path: name }),
      adapters: {
        add: async (path: string) => ({ id: id(path), path, base: null, isPrivate: path === 'secret' }),
        find: async (wanted: string) => ({ id: wanted, isPrivate: wanted === id('secret') }),
      },
    }
    serving = new ModelServing(
      { offerLifetimeMs: LIFETIME_MS },
      {
        ...{ clock, log: silentLog },
        engine: engine as unknown as ModelServingModules['engine'],
        catalog: catalog as unknown as ModelServingModules['catalog'],
        record: async () => {},
        tell: event => told.push(event),
      },
    )
    serving.countTasks(model => tasks.get(model) ?? 0)
    serving.offered.onStatus(() => changes++)
    await serving.loadAll(['mini'])
  })
  afterEach(() => serving.stop())

  const adapted = (...names: string[]) => adaptedModelId(base, names.map(id))
  const names = (view: { status(): EngineStatus }) => view.status().models.map(({ id }) => id.split('@')[0])

  it('offers what is served, and nothing else that the engine has loaded', async () => {
    await engine.load({ id: 'measured-1', path: '' })
    const law = await serving.serveAdapter({ base: 'mini', path: 'law' })
    assert.equal(law.id, adapted('law'))
    assert.deepEqual(names(serving.offered), ['mini', 'law'])
    assert.deepEqual(serving.models(), [base, law.id])
  })

  it('keeps for own tasks what is private, stacked or not to be offered', async () => {
    await serving.serveAdapter({ base: 'mini', path: 'own', isOffered: false })
    await serving.serveAdapter({ base: 'mini', path: 'letters', under: ['law'] })
    await serving.serveAdapter({ base: 'mini', path: 'secret' })
    assert.deepEqual(names(serving.offered), ['mini'])
    assert.deepEqual(names(serving.usable), ['mini', 'own', 'law-letters', 'secret'])
    void serving.retire(adapted('own'))
    await clock.advance(1_000)
    assert.deepEqual(names(serving.usable), ['mini', 'law-letters', 'secret'])
    assert.ok(engine.did.includes('unload own'))
  })

  it('frees an old version when no offer of it is good any more and no task runs', async () => {
    await serving.serveAdapter({ base: 'mini', path: 'law' })
    tasks.set(adapted('law'), 1)
    const before = changes
    await serving.serveAdapter({ base: 'mini', path: 'law2', replaces: adapted('law') })
    assert.ok(changes > before)
    assert.deepEqual(names(serving.offered), ['mini', 'law2'])
    assert.deepEqual(engine.did, ['load mini', 'load law', 'load law2'])
    await clock.advance(2 * LIFETIME_MS)
    assert.ok(engine.models.some(({ id }) => id === adapted('law')))
    tasks.clear()
    await clock.advance(1_000)
    assert.deepEqual(engine.did.at(-1), 'unload law')
    assert.partialDeepStrictEqual(told.at(-1), { type: 'model', state: 'retired', model: adapted('law') })
    await serving.retire(adapted('law'))
  })

  it('keeps a version that is wanted again before it is gone', async () => {
    await serving.serveAdapter({ base: 'mini', path: 'law' })
    const retiring = serving.retire(adapted('law'))
    assert.deepEqual(names(serving.offered), ['mini'])
    await serving.serveAdapter({ base: 'mini', path: 'law' })
    await retiring
    await clock.advance(2 * LIFETIME_MS)
    assert.deepEqual(names(serving.offered).slice(0, 2), ['mini', 'law'])
    assert.ok(!engine.did.includes('unload law'))
  })

  it('leaves the old version where the new one cannot be loaded', async () => {
    await serving.serveAdapter({ base: 'mini', path: 'law' })
    const failing = serving.serveAdapter({ base: 'mini', path: 'broken', replaces: adapted('law') })
    await assert.rejects(failing, { code: 'MODEL_INVALID' })
    await clock.advance(2 * LIFETIME_MS)
    assert.deepEqual(names(serving.offered), ['mini', 'law'])
    assert.partialDeepStrictEqual(told.at(-1), { type: 'model', state: 'failed' })
  })

  it('ends what is under way when it stops', async () => {
    await serving.serveAdapter({ base: 'mini', path: 'law' })
    const retiring = serving.retire(adapted('law'))
    serving.stop()
    serving.stop()
    await retiring
    assert.deepEqual(clock.pendingMs(), [])
  })
})
