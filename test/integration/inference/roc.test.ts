import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { shippedCalibrations } from '../../../node/trust/audits/shipped-calibrations.ts'
import { withDelta } from '../../../scripts/gguf/variants.ts'
import { flavours } from '../../../scripts/roc/engines.ts'
import { type ExperimentOptions, experiment } from '../../../scripts/roc/experiment.ts'
import { report } from '../../../scripts/roc/report.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

describe('the ROC experiment', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('plays real models, finds a coarse cheat and nobody honest, and goes on where it was', async () => {
    const folder = await folders.make()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    const nano = await catalog.resolve('shoal-nano')
    const claimed = nano.path
    const model = join(folder, 'other.gguf')
    await withDelta(claimed, model, { rank: 8, size: 0.3, seed: 5 })
    const options: ExperimentOptions = {
      ...{ model, claimed, folder, prompts: 8, answerTokens: 48 },
      ...{ calibrationPrompts: 90, calibrationSamples: 4 },
      ...{ cheats: ['swap', 'truncated'], conditions: ['auditor-haswell'] },
      ...{ providers: 10, rounds: 2, maxTokens: 6_000, powerTokens: 6_000 },
    }
    const played: string[] = []
    const [calibration] = (await shippedCalibrations()).filter(({ key }) => key.model === nano.id)
    const modules = { onProgress: (what: string) => played.push(what), calibration: calibration! }
    const result = await experiment(options, modules)
    const [swap, truncated] = result.cheats
    assert.ok(swap!.receiptAuc.value > 0.6, String(swap!.receiptAuc.value))
    assert.ok(swap!.cheating.meanMargin > 10 * swap!.honest.meanMargin)
    assert.equal(swap!.pooled[1]!.power.value, 1)
    assert.equal(truncated!.contradicted, 1)
    for (const { found, below } of result.honest) assert.deepEqual({ found, below }, { found: 0, below: 0 })
    // Where there is such a build of the CPU code it ran.
    assert.deepEqual(result.leftOut, (await flavours()).includes('haswell') ? [] : ['auditor-haswell'])
    assert.match(report(result), /the other model for all tasks/)

    assert.ok(played.some(what => what.startsWith('answers')))
    played.length = 0
    assert.deepEqual(await experiment(options, modules), result)
    assert.ok(played.every(what => what.startsWith('judging')))
  })
})
