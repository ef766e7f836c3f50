import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { withDelta } from '../../../scripts/gguf/variants.ts'
import { type ExperimentOptions, experiment } from '../../../scripts/roc/experiment.ts'
import { report } from '../../../scripts/roc/report.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

describe('the ROC experiment', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('plays real models, finds a coarse cheat and nobody honest, and goes on where it was', async () => {
    const folder = await folders.make()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    const claimed = (await catalog.resolve('shoal-nano')).path
    const model = join(folder, 'other.gguf')
    await withDelta(claimed, model, { rank: 8, size: 0.3, seed: 5 })
    const options: ExperimentOptions = {
      ...{ model, claimed, folder, prompts: 12, answerTokens: 48 },
      ...{ calibrationPrompts: 90, calibrationSamples: 4 },
      ...{ cheats: ['swap', 'truncated'], conditions: ['threads-2'] },
      ...{ providers: 10, rounds: 2, maxTokens: 6_000, powerTokens: 6_000 },
    }
    const played: string[] = []
    const result = await experiment(options, what => played.push(what))
    const [swap, truncated] = result.cheats
    assert.ok(swap!.receiptAuc.value > 0.6, String(swap!.receiptAuc.value))
    assert.ok(swap!.cheating.meanMargin > 10 * swap!.honest.meanMargin)
    assert.equal(swap!.pooled[1]!.power.value, 1)
    assert.equal(truncated!.contradicted, 1)
    assert.deepEqual(
      result.honest.map(({ found, below }) => ({ found, below })),
      [
        { found: 0, below: 0 },
        { found: 0, below: 0 },
      ],
    )
    assert.match(report(result), /the other model for all tasks/)

    assert.ok(played.some(what => what.startsWith('answers')))
    played.length = 0
    assert.deepEqual(await experiment(options, what => played.push(what)), result)
    assert.ok(played.every(what => what.startsWith('judging')))
  })
})
