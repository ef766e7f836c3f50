import type { AdapterModule } from '../adapter.ts'
import { LearningError } from '../errors.ts'
import { batchOf, packRows, type TokenBatch } from '../examples/packing.ts'
import type { Piece } from '../examples/pieces.ts'
import { RowOrder } from '../examples/row-order.ts'
import type { TrainingProgress } from '../trainer.ts'
import type { TrainingSettings } from '../training-settings.ts'
import { type AdamWState, adamWStep, clipScale, globalNorm, initialAdamWState } from './adamw.ts'
import type { TrainingState } from './checkpoint.ts'
import { learningRateAt } from './learning-rate.ts'

/** A model that can be derived by the factors of its adapter; `JaxModel` is one. */
export interface DifferentiableModel {
  setParameters(modules: readonly AdapterModule[]): void
  /** Mean loss over what counts in the batch, and its gradients in the modules' order; `a` is empty where it is frozen. */
  gradients(
    batch: TokenBatch,
  ): Promise<BatchLoss & { gradients: readonly { a: Float32Array; b: Float32Array }[] }>
  loss(batch: TokenBatch): Promise<BatchLoss>
}

interface BatchLoss {
  loss: number
  /** What counted, summed up. */
  weight: number
}

export interface TrainingLoopOptions {
  settings: TrainingSettings
  /** Shape of the model's batches. */
  rowCount: number
  rowTokens: number
  pieces: readonly Piece[]
  /** None: nothing is measured. */
  heldOut: readonly Piece[]
  /** What to begin with. */
  initial: readonly AdapterModule[]
  /** What to go on from, in place of the beginning. */
  state: TrainingState | null
}

export interface TrainingLoopModules {
  model: DifferentiableModel
  nowMs: () => number
  onProgress: (progress: TrainingProgress) => void
  saveCheckpoint: (state: TrainingState) => Promise<void>
  /** Awaited between batches: it holds up training that is paused, and rejects to end it. */
  between: () => Promise<void>
}

export interface TrainedFactors {
  modules: AdapterModule[]
  steps: number
  /** Mean of the last steps. */
  loss: number
  /** Of `modules`. */
  heldOutLoss: number | null
  tokens: number
  tokensPerSecond: number
  ended: 'budget' | 'early_stop'
}

const LAST_LOSSES = 16

/**
 * Trains the factors of an adapter. How it goes depends on the options alone: the same ones give the same bytes, also
 * when training was broken off after any step and gone on from a checkpoint.
 */
export class TrainingLoop {
  readonly #options: TrainingLoopOptions
  readonly #modules: TrainingLoopModules
  readonly #order: RowOrder
  readonly #heldOutBatches: readonly TokenBatch[]
  readonly #state: TrainingState
  readonly #optimizer: AdamWState
  /** Steps done and time passed since this process began or went on. */
  readonly #startedMs: number
  #tokensHere = 0

  constructor(options: TrainingLoopOptions, modules: TrainingLoopModules) {
    this.#options = options
    this.#modules = modules
    const { settings, pieces, rowTokens } = options
    this.#order = new RowOrder({
      lengths: pieces.map(({ tokens }) => tokens.length),
      rowTokens,
      seed: settings.seed,
    })
    this.#heldOutBatches = heldOutBatches(options)
    this.#state = options.state ?? initialState(options)
    this.#optimizer = {
      moments: this.#state.firstMoments.map((first, i) => ({ first, second: this.#state.secondMoments[i]! })),
      beta1Power: this.#state.beta1Power,
      beta2Power: this.#state.beta2Power,
    }
    this.#startedMs = modules.nowMs()
  }

  /** @throws {LearningError} TRAINING_DIVERGED, and what `between` throws */
  async run(): Promise<TrainedFactors> {
    const { settings } = this.#options
    const state = this.#state
    this.#modules.model.setParameters(this.#factors(state.parameters))
    if (state.step === 0 && state.best === null) {
      await this.#measure()
      // Where nothing is held out there is nothing to tell of before the first step.
      if (state.heldOutLoss !== null)
        this.#tell({ loss: state.heldOutLoss, learningRate: 0, gradientNorm: 0 })
    }
    while (state.step < settings.steps && !this.#isStalled()) {
      const told = await this.#step()
      const { step } = state
      const isMeasured = settings.evaluateEverySteps > 0 && step % settings.evaluateEverySteps === 0
      if (isMeasured || step === settings.steps) await this.#measure()
      this.#tell(told)
      const isSaved = settings.checkpointEverySteps > 0 && step % settings.checkpointEverySteps === 0
      if (isSaved && step < settings.steps) await this.#modules.saveCheckpoint(state)
    }
    return this.#result()
  }

  async #step(): Promise<{ loss: number; learningRate: number; gradientNorm: number }> {
    const { settings, rowCount, rowTokens, pieces } = this.#options
    const state = this.#state
    const sums = state.parameters.map(({ length }) => new Float32Array(length))
    let loss = 0
    let weight = 0
    for (let batch = 0; batch < settings.accumulation; batch++) {
      const { rows, cursor } = this.#order.take(state, rowCount)
      const part = await this.#modules.model.gradients(batchOf(rows, pieces, { rowCount, rowTokens }))
      Object.assign(state, cursor)
      // Means are weighed by what they are means of, so that long and short batches count by their tokens.
      loss += part.loss * part.weight
      weight += part.weight
      addGradients(sums, part.gradients, part.weight)
      state.tokens += rowCount * rowTokens
      this.#tokensHere += rowCount * rowTokens
      await this.#modules.between()
    }
    if (weight > 0) {
      loss /= weight
      for (const sum of sums) for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! / weight
    }
    const gradientNorm = globalNorm(sums)
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
      throw diverged(state.step, settings.learningRate)
    const learningRate = learningRateAt(state.step, settings)
    adamWStep(state.parameters, sums, this.#optimizer, {
      ...settings,
      learningRate,
      scale: clipScale(gradientNorm, settings.clipNorm),
    })
    state.beta1Power = this.#optimizer.beta1Power
    state.beta2Power = this.#optimizer.beta2Power
    this.#modules.model.setParameters(this.#factors(state.parameters))
    state.step += 1
    state.losses = [...state.losses, loss].slice(-LAST_LOSSES)
    return { loss, learningRate, gradientNorm }
  }

  /** Measures on the held-out text, and keeps what is best where training may end early. */
  async #measure(): Promise<void> {
    if (this.#heldOutBatches.length === 0) return
    const state = this.#state
    let sum = 0
    let weight = 0
    for (const batch of this.#heldOutBatches) {
      const part = await this.#modules.model.loss(batch)
      sum += part.loss * part.weight
      weight += part.weight
      await this.#modules.between()
    }
    const loss = weight === 0 ? 0 : sum / weight
    if (!Number.isFinite(loss)) throw diverged(state.step, this.#options.settings.learningRate)
    state.heldOutLoss = loss
    if (state.best === null || loss < state.best.loss) {
      state.best = { step: state.step, loss, misses: 0 }
      if (this.#options.settings.patience > 0)
        state.bestParameters = state.parameters.map(values => values.slice())
    } else state.best.misses += 1
  }

  #isStalled(): boolean {
    const { patience } = this.#options.settings
    return patience > 0 && (this.#state.best?.misses ?? 0) >= patience
  }

  #tell(told: { loss: number; learningRate: number; gradientNorm: number }): void {
    const elapsedMs = this.#modules.nowMs() - this.#startedMs
    const { step, heldOutLoss } = this.#state
    this.#modules.onProgress({
      ...{ step, steps: this.#options.settings.steps, heldOutLoss, elapsedMs },
      ...told,
      tokensPerSecond: this.#tokensPerSecond(elapsedMs),
    })
  }

  #tokensPerSecond(elapsedMs: number): number {
    return elapsedMs > 0 ? (this.#tokensHere / elapsedMs) * 1_000 : 0
  }

  #result(): TrainedFactors {
    const { step, losses, tokens, best, bestParameters, heldOutLoss, parameters } = this.#state
    const isBestKept = best !== null && bestParameters.length > 0
    return {
      modules: this.#factors(isBestKept ? bestParameters : parameters),
      steps: step,
      loss: losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length),
      heldOutLoss: isBestKept ? best.loss : heldOutLoss,
      tokens,
      tokensPerSecond: this.#tokensPerSecond(this.#modules.nowMs() - this.#startedMs),
      ended: step < this.#options.settings.steps ? 'early_stop' : 'budget',
    }
  }

  /** Arrays as modules: a and b of each, or b alone where A is frozen. */
  #factors(arrays: readonly Float32Array[]): AdapterModule[] {
    const { initial, settings } = this.#options
    return initial.map((module, i) =>
      settings.freezeA
        ? { ...module, b: arrays[i]! }
        : { ...module, a: arrays[2 * i]!, b: arrays[2 * i + 1]! },
    )
  }
}

/** Sizes of what is trained, in its order. */
export function trainedSizes(modules: readonly AdapterModule[], freezeA: boolean): number[] {
  return modules.flatMap(({ a, b }) => (freezeA ? [b.length] : [a.length, b.length]))
}

function initialState({ initial, settings }: TrainingLoopOptions): TrainingState {
  const parameters = initial.flatMap(({ a, b }) => (settings.freezeA ? [b.slice()] : [a.slice(), b.slice()]))
  const { moments, beta1Power, beta2Power } = initialAdamWState(trainedSizes(initial, settings.freezeA))
  return {
    ...{ step: 0, epoch: 0, row: 0, tokens: 0, beta1Power, beta2Power },
    ...{ losses: [], heldOutLoss: null, best: null, parameters },
    firstMoments: moments.map(({ first }) => first),
    secondMoments: moments.map(({ second }) => second),
    bestParameters: [],
  }
}

function heldOutBatches({ heldOut, rowCount, rowTokens }: TrainingLoopOptions): TokenBatch[] {
  const lengths = heldOut.map(({ tokens }) => tokens.length)
  const rows = packRows(lengths, [...lengths.keys()], rowTokens)
  const batches: TokenBatch[] = []
  for (let at = 0; at < rows.length; at += rowCount) {
    batches.push(batchOf(rows.slice(at, at + rowCount), heldOut, { rowCount, rowTokens }))
  }
  return batches
}

function addGradients(
  sums: readonly Float32Array[],
  gradients: readonly { a: Float32Array; b: Float32Array }[],
  weight: number,
): void {
  const isFrozen = sums.length === gradients.length
  for (const [index, { a, b }] of gradients.entries()) {
    if (isFrozen) addScaled(sums[index]!, b, weight)
    else {
      addScaled(sums[2 * index]!, a, weight)
      addScaled(sums[2 * index + 1]!, b, weight)
    }
  }
}

function addScaled(sum: Float32Array, values: Float32Array, scale: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + values[i]! * scale
}

const diverged = (step: number, learningRate: number) =>
  new LearningError('TRAINING_DIVERGED', `the loss stopped being a number after ${step} steps`, {
    fix: `Train with a smaller learning rate than ${learningRate}, or clip gradients more.`,
    details: { step, learningRate },
  })
