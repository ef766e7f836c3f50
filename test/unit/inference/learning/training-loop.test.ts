import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LearningError } from '../../../../inference/learning/errors.ts'
import type { Piece } from '../../../../inference/learning/examples/pieces.ts'
import { initialFactors } from '../../../../inference/learning/initial-factors.ts'
import {
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from '../../../../inference/learning/jax-trainer/checkpoint.ts'
import {
  type DifferentiableModel,
  TrainingLoop,
  trainedSizes,
} from '../../../../inference/learning/jax-trainer/training-loop.ts'
import type { TrainingProgress } from '../../../../inference/learning/trainer.ts'
import {
  type TrainingSettings,
  trainingSettingsSchema,
} from '../../../../inference/learning/training-settings.ts'
import { LogisticModel } from './logistic-model.ts'

const VOCABULARY = 12
const SHAPES = [{ name: 'output', inputs: VOCABULARY, outputs: VOCABULARY }]

/** Each token is followed by the one three further on. */
const cycle: Piece[] = Array.from({ length: 9 }, (_, i) => pieceOf([i, i + 3, i + 6, i + 9]))
/** A rule that contradicts the other one. */
const other: Piece[] = Array.from({ length: 6 }, (_, i) => pieceOf([i, i + 5, i + 10]))

function pieceOf(ids: number[]): Piece {
  const tokens = ids.map(id => id % VOCABULARY)
  return {
    tokens: Int32Array.from(tokens.slice(0, -1)),
    targets: Int32Array.from(tokens.slice(1)),
    weights: new Float32Array(tokens.length - 1).fill(1),
  }
}

interface Run {
  settings?: Partial<TrainingSettings>
  pieces?: readonly Piece[]
  heldOut?: readonly Piece[]
  state?: TrainingState | null
  model?: DifferentiableModel
  saveCheckpoint?: (state: TrainingState) => Promise<void>
  between?: () => Promise<void>
}

async function train(run: Run = {}) {
  const settings = trainingSettingsSchema.parse({
    ...{
      rank: 4,
      alpha: 4,
      steps: 60,
      learningRate: 0.05,
      batchRows: 2,
      rowTokens: 8,
      evaluateEverySteps: 5,
    },
    ...run.settings,
  })
  const progress: TrainingProgress[] = []
  const loop = new TrainingLoop(
    {
      settings,
      rowCount: settings.batchRows,
      rowTokens: settings.rowTokens,
      pieces: run.pieces ?? cycle,
      heldOut: run.heldOut ?? [],
      initial: initialFactors(SHAPES, settings),
      state: run.state ?? null,
    },
    {
      model:
        run.model ??
        new LogisticModel({ vocabulary: VOCABULARY, rank: settings.rank, alpha: settings.alpha }),
      nowMs: () => 0,
      onProgress: told => progress.push(told),
      saveCheckpoint: run.saveCheckpoint ?? (async () => {}),
      between: run.between ?? (async () => {}),
    },
  )
  return { ...(await loop.run()), progress }
}

describe('the training loop', () => {
  it('learns what the text says', async () => {
    const { loss, progress, steps, ended } = await train({ heldOut: cycle })
    assert.equal(progress.length, 61)
    assert(Math.abs(progress[0]!.heldOutLoss! - Math.log(VOCABULARY)) < 1e-6, 'nothing is known at first')
    assert(loss < 0.3, `loss ${loss}`)
    assert(progress.at(-1)!.heldOutLoss! < 0.3)
    assert.deepEqual([steps, ended], [60, 'budget'])
  })

  it('gives the same bytes each time, and others with another seed', async () => {
    const [first, again, seeded] = await Promise.all([train(), train(), train({ settings: { seed: 7 } })])
    assert.deepEqual(again.modules, first.modules)
    assert.notDeepEqual(seeded.modules, first.modules)
  })

  it('takes one step of two batches as of one batch twice as large', async () => {
    const pieces = cycle.slice(0, 8)
    const settings = { steps: 8, rowTokens: 3, epsilon: 1e-3 }
    const large = await train({ pieces, settings: { ...settings, batchRows: 8 } })
    const parts = await train({ pieces, settings: { ...settings, batchRows: 2, accumulation: 4 } })
    for (const [i, value] of large.modules[0]!.b.entries()) {
      assert(Math.abs(value - parts.modules[0]!.b[i]!) < 1e-5, `${value} and ${parts.modules[0]!.b[i]}`)
    }
  })

  it('leaves A as it was where it is frozen', async () => {
    const { modules, loss } = await train({ settings: { freezeA: true, steps: 150 } })
    const [initial] = initialFactors(SHAPES, { rank: 4, seed: 42 })
    assert.deepEqual(modules[0]!.a, initial!.a)
    assert(loss < 1.5)
  })

  it('ends early when the held-out loss gets no better, with the best that there was', async () => {
    const { steps, ended, heldOutLoss, progress } = await train({
      heldOut: other,
      settings: { steps: 500, patience: 3 },
    })
    assert.equal(ended, 'early_stop')
    assert(steps < 100)
    assert.equal(heldOutLoss, Math.min(...progress.map(told => told.heldOutLoss!)))
  })

  it('refuses to go on from a loss that is no number', async () => {
    const broken = new LogisticModel({ vocabulary: VOCABULARY, rank: 4, alpha: Number.NaN })
    await assert.rejects(train({ model: broken }), (error: unknown) => {
      assert(error instanceof LearningError && error.code === 'TRAINING_DIVERGED')
      return true
    })
  })

  it('gives the same bytes when it was broken off after any step', async () => {
    const settings = {
      steps: 12,
      patience: 9,
      checkpointEverySteps: 1,
      evaluateEverySteps: 3,
      accumulation: 2,
    }
    const whole = await train({ settings, heldOut: other })
    const folder = await mkdtemp(join(tmpdir(), 'shoal-loop-'))
    const job = 'ab'.repeat(32)
    const sizes = trainedSizes(initialFactors(SHAPES, { rank: 4, seed: 42 }), false)
    try {
      for (let last = 1; last < 12; last++) {
        const path = join(folder, `${last}.ckpt`)
        const stop = new Error('power cut')
        await assert.rejects(
          train({
            ...{ settings, heldOut: other },
            saveCheckpoint: async state => {
              if (state.step < last) return
              await writeCheckpoint(path, job, state)
              throw stop
            },
          }),
          stop,
        )
        const state = await readCheckpoint(path, job, sizes)
        assert.equal(state?.step, last)
        const { progress, ...rest } = await train({ settings, heldOut: other, state })
        assert.equal(progress[0]?.step, last + 1)
        const { progress: _, ...expected } = whole
        assert.deepEqual(rest, expected)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('checkpoints', () => {
  it('are taken only whole, and only of the same job', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-checkpoint-'))
    try {
      const path = join(folder, 'a.ckpt')
      const job = '01'.repeat(32)
      const sizes = trainedSizes(initialFactors(SHAPES, { rank: 4, seed: 42 }), false)
      assert.equal(await readCheckpoint(path, job, sizes), null)
      await train({
        settings: { steps: 2, checkpointEverySteps: 1 },
        saveCheckpoint: state => writeCheckpoint(path, job, state),
      })
      assert.equal((await readCheckpoint(path, job, sizes))?.step, 1)
      assert.equal(await readCheckpoint(path, '02'.repeat(32), sizes), null, 'another job')
      assert.equal(await readCheckpoint(path, job, [1, 2]), null, 'another shape')
      const bytes = await readFile(path)
      for (const damaged of [
        bytes.subarray(0, -1),
        bytes.subarray(0, 60),
        Buffer.concat([bytes, Buffer.alloc(4)]),
        Buffer.from(bytes.map((byte, at) => (at === 200 ? byte ^ 1 : byte))),
        Buffer.from('my diary, which nobody may write over, ever, under any circumstances'),
        Buffer.alloc(0),
      ]) {
        await writeFile(path, damaged)
        await assert.rejects(
          readCheckpoint(path, job, sizes),
          (error: unknown) => error instanceof LearningError && error.code === 'CHECKPOINT_INVALID',
        )
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
