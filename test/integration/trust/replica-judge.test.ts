import assert from 'node:assert/strict'
import { calibrate } from '../../../inference/audit/calibration.ts'
import type { LoadedModel } from '../../../inference/engine.ts'
import { LlamaWorker } from '../../../inference/llama/worker.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { AskOptions } from '../../../node/tasks/ask.ts'
import { generateRequest } from '../../../node/tasks/engine-task.ts'
import { EngineJudge } from '../../../node/trust/audits/engine-judge.ts'
import { shippedCalibrations } from '../../../node/trust/audits/shipped-calibrations.ts'
import { nonceOfSeed } from '../../../protocol/sampling-seed.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const PROMPTS = ['Once upon', 'q7 zebra lamp', 'The kettle that', 'blue 91 fork']
const TASK = '7a'.repeat(16)
const MAX_TOKENS = 60

describe('the judge of replicas that differ', () => {
  const folders = new TemporaryFolders()
  const worker = new LlamaWorker({ threads: 1, slots: 4, gpu: false })
  let nano: LoadedModel

  before(async () => {
    const folder = await folders.make()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    await worker.start()
    nano = await worker.load(await catalog.resolve('shoal-nano-q8_0'))
  })
  after(async () => {
    await worker.stop()
    await folders.remove()
  })

  const judge = new EngineJudge({
    engine: worker,
    calibrations: {
      find: async key => {
        const shipped = await shippedCalibrations()
        return calibrate(shipped.find(one => one.key.model === key.model)!)
      },
    },
    clock: new ManualClock(),
    log: silentLog,
  })
  const askOf = (prompt: string): AskOptions => ({
    ...{ input: { kind: 'completion', prompt }, model: null, maxTokens: MAX_TOKENS, maxPrice: null },
    sampling: { temperature: 1.2, topP: 1, minP: 0, topK: 0, nonce: nonceOfSeed(3), seedScope: 'task' },
    ...{ stop: [], jsonSchema: null, preferences: DEFAULT_PREFERENCES },
  })

  /** What the model makes of a task under a seed, and how it is judged as the answer of `model` under another. */
  async function judged(prompt: string, { seed = 3, model = nano.id } = {}) {
    const ask = askOf(prompt)
    const { input, maxTokens, sampling, stop, jsonSchema } = ask
    const task = { taskId: TASK, model: nano.id, input, maxTokens, stop, jsonSchema }
    const drawn = { ...sampling, nonce: nonceOfSeed(seed) }
    const tokens: number[] = []
    for await (const event of worker.generate(
      generateRequest({ ...task, sampling: drawn, continuation: null }),
    ))
      if (event.type === 'output') tokens.push(...event.tokens)
    const choice = { candidate: { model: { model, contextTokens: 0 }, offer: null } } as never
    const transcript = { ...{ taskId: TASK, ask, choice, tokens, text: '', ended: null }, divergedAt: 0 }
    return judge.judge(transcript, new AbortController().signal)
  }

  it('explains what honest replicas make, and not what was drawn otherwise than asked', async () => {
    let beyond = 0
    for (const prompt of PROMPTS) {
      const honest = await judged(prompt)
      assert.notEqual(honest?.divergence, 'beyond')
      const other = await judged(prompt, { seed: 4 })
      assert.equal(other?.isExplicable, false)
      assert.ok(other.meanMargin > (honest?.meanMargin ?? 0))
      if (other.divergence === 'beyond') beyond++
    }
    // A short answer proves nothing alone.
    assert.ok(beyond > 0)
  })

  it('says nothing of a model that it has not', async () => {
    const strange = `strange@sha256:${'5'.repeat(64)}`
    assert.equal(await judged(PROMPTS[0]!, { model: strange }), null)
  })
})
