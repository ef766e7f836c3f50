import assert from 'node:assert/strict'
import { type Assessment, assess } from '../../../inference/audit/assessment.ts'
import { type Calibration, calibrate } from '../../../inference/audit/calibration.ts'
import { calibrationPrompt } from '../../../inference/audit/calibration-prompts.ts'
import { generateHonest, type HonestOutput, scoreHonest } from '../../../inference/audit/calibration-run.ts'
import { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import { judgeReceipt } from '../../../inference/audit/single-receipt.ts'
import type { LoadedModel } from '../../../inference/engine.ts'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { shippedCalibrations } from '../../../node/trust/audits/shipped-calibrations.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

/** Prompts and outputs of each: enough to find another model, not the honest. */
const PLAN = { prompts: 12, samples: 2 }

describe('audits by calibrated statistics, on real models', () => {
  const folders = new TemporaryFolders()
  let engine: ProcessEngine
  let nano: LoadedModel
  let mini: LoadedModel
  let outputs: HonestOutput[]
  let seeds = 0
  const seed = () => `0x${(++seeds).toString(16).padStart(64, '0')}`
  const modules = () => ({ engine, seed, nowMs: () => 1 })

  before(async () => {
    const folder = await folders.make()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    engine = new ProcessEngine({ gpu: false, threads: 1, slots: 4, cacheFolder: folder })
    await engine.start()
    nano = await engine.load(await catalog.resolve('shoal-nano-q8_0'))
    mini = await engine.load(await catalog.resolve('shoal-mini-q8_0'))
    outputs = (await generateHonest(nano, PLAN, modules())).outputs
  })

  after(async () => {
    await engine.stop()
    await folders.remove()
  })

  /** What an audit by `auditor` finds in an output, with changes to what is claimed of it. */
  async function audit(
    auditor: LoadedModel,
    claimed: HonestOutput,
    prompt = claimed.prompt,
  ): Promise<Assessment> {
    const { tokens, maxTokens, sampling, text, reason, promptTokens, promptDigest } = claimed
    const scored = await engine.score({
      ...{
        model: auditor.id,
        input: calibrationPrompt(prompt),
        maxTokens,
        sampling,
        stop: [],
        output: tokens,
      },
    })
    return assess(scored, {
      ...{ sampler: 'gumbel-64/1', sampling, outputTokens: tokens.length, text, reason },
      ...{ promptTokens, promptDigest, contextTokens: auditor.contextTokens },
    })
  }

  async function shippedFor(model: LoadedModel): Promise<Calibration> {
    const measurement = (await shippedCalibrations()).find(({ key }) => key.model === model.id)
    assert.ok(measurement !== undefined, `no calibration comes with ${model.id}`)
    return calibrate(measurement)
  }

  async function decide(auditor: LoadedModel, claims: readonly HonestOutput[]): Promise<SequentialTest> {
    const calibration = await shippedFor(auditor)
    const test = new SequentialTest()
    for (const [index, claim] of claims.entries()) test.add(await audit(auditor, claim), calibration, index)
    return test
  }

  it('finds nothing wrong with honest outputs', async () => {
    const calibration = await shippedFor(nano)
    const test = new SequentialTest()
    for (const output of outputs) {
      const assessment = await audit(nano, output)
      const { stop, prompt, text } = assessment
      assert.deepEqual({ prompt, text }, { prompt: 'right', text: 'right' })
      assert.notEqual(stop, 'wrong')
      assert.ok(!judgeReceipt(assessment, calibration).isInexplicable)
      test.add(assessment, calibration, 0)
    }
    assert.notEqual(test.decision, 'cheating')
    assert.ok(test.evidence.log < 0)
  })

  it('finds a smaller model in place of the one that was claimed', async () => {
    const test = await decide(mini, outputs)
    assert.equal(test.decision, 'cheating')
  })

  it('finds a provider that draws with a seed of its own', async () => {
    const test = await decide(
      nano,
      outputs.map(output => ({
        ...output,
        sampling: { ...output.sampling, temperature: 1.5, seed: seed() },
      })),
    )
    assert.equal(test.decision, 'cheating')
  })

  it('finds an answer cut short, another prompt and another text by themselves', async () => {
    const output = outputs.find(({ tokens, reason }) => tokens.length > 8 && reason === 'stop')!
    const cut = await audit(nano, { ...output, tokens: output.tokens.slice(0, -4) })
    assert.equal(cut.stop, 'wrong')
    const length = await audit(nano, { ...output, tokens: output.tokens.slice(0, -4), reason: 'length' })
    assert.equal(length.stop, 'wrong')
    assert.equal((await audit(nano, output, output.prompt + 1)).prompt, 'wrong')
    assert.equal((await audit(nano, { ...output, text: 'something else' })).text, 'wrong')
  })

  it('counts the same outputs the same', async () => {
    const made = {
      version: 1 as const,
      ...{ model: nano.id, quantization: nano.quantization, backend: 'cpu' as const },
      ...{ contextTokens: nano.contextTokens, outputs },
    }
    const [first, second] = [
      await scoreHonest(nano, made, modules()),
      await scoreHonest(nano, made, modules()),
    ]
    assert.deepEqual(first, second)
    assert.equal(first.prompts.length, PLAN.prompts)
    await assert.rejects(scoreHonest(mini, made, modules()), RangeError)
  })
})
