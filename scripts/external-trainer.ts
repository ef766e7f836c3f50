import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { adapterShapeOf } from '../inference/learning/adapter-shape.ts'
import { JaxTrainer } from '../inference/learning/jax-trainer/jax-trainer.ts'
import { trainingSettingsSchema } from '../inference/learning/training-settings.ts'

/**
 * A worked example of an external trainer: what `shoal learn train --trainer "node scripts/external-trainer.ts"` calls.
 * It has Shoal's own trainer do the work; a trainer on another stack keeps the frame and replaces the middle.
 */

// 1. What is to be done comes as arguments, how as a JSON file.
const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    data: { type: 'string' },
    settings: { type: 'string' },
    out: { type: 'string' },
    'held-out': { type: 'string' },
    initial: { type: 'string' },
  },
})
const { base, data, settings: settingsPath, out, 'held-out': heldOut, initial } = values
if (base === undefined || data === undefined || settingsPath === undefined || out === undefined) {
  console.error(
    'Usage: --base FILE --data FILE --settings FILE --out FILE [--held-out FILE] [--initial FILE]',
  )
  process.exit(2)
}
const { version, name, maxMemoryBytes, ...settings } = JSON.parse(await readFile(settingsPath, 'utf8'))
if (version !== 1) {
  console.error(`version ${version} of the contract is not known`)
  process.exit(2)
}

// 2. The work, with a JSON object on standard output now and then; all other words go to standard error.
const { digest } = await adapterShapeOf(base)
const trainer = new JaxTrainer(maxMemoryBytes === null ? {} : { maxMemoryBytes })
const training = trainer.train(
  {
    base: { path: base, digest },
    name,
    dataPath: data,
    heldOutPath: heldOut ?? null,
    outPath: out,
    settings: trainingSettingsSchema.parse(settings),
    initial: initial ?? null,
    checkpointPath: null,
  },
  {
    onProgress: ({
      step,
      steps,
      loss,
      heldOutLoss,
      learningRate,
      gradientNorm,
      tokensPerSecond,
      elapsedMs,
    }) => {
      const tokens = Math.round((tokensPerSecond * elapsedMs) / 1_000)
      console.log(JSON.stringify({ step, steps, loss, heldOutLoss, learningRate, gradientNorm, tokens }))
    },
  },
)

// 3. The adapter lies where it was asked for, and the exit status says whether it does.
try {
  await training.result
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
