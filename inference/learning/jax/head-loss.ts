import { jit, type numpy as np } from '@jax-js/jax'
import { arrayOf, numbersOf } from './arrays.ts'
import type { BaseWeights } from './base-weights.ts'
import { headGradients, headInput, headLogits, headScores } from './head.ts'
import type { MemoryPlan } from './memory-plan.ts'
import { type Factors, normalizedGradient } from './operations.ts'

/** The positions that count, each with the token that should follow and its part of the loss. */
export interface HeadTargets {
  /** [count][width] */
  hidden: Float32Array
  targets: Int32Array
  parts: Float32Array
}

export interface HeadGradients {
  /** [count][width] */
  hidden: Float32Array
  /** bTransposed is [rank][vocabulary]; null where the last layer is not adapted. a is null when it is frozen. */
  factors: { a: Float32Array | null; bTransposed: Float32Array } | null
}

interface Run {
  first: number
  count: number
}
interface Scores {
  largest: Float32Array
  sum: Float32Array
  target: Float32Array
  powers: np.Array | null
}

export interface HeadOptions {
  plan: Pick<MemoryPlan, 'headRun' | 'keepHead' | 'keepPowers'>
  /** alpha / rank */
  scale: number
  freezeA: boolean
}

/** The last norm and the last layer, and the loss of what they foretell. */
export class HeadLoss {
  readonly #options: HeadOptions
  readonly #weights: BaseWeights
  readonly #programs: ReturnType<typeof compile>
  readonly #runs: readonly Run[]
  readonly #kept = new Map<Run, np.Array>()
  #norm: np.Array | null = null
  #factors: { rank: number; a: np.Array; runs: Map<Run, np.Array> } | null = null

  constructor(options: HeadOptions, modules: { weights: BaseWeights }) {
    const { shape } = modules.weights.base
    this.#options = options
    this.#weights = modules.weights
    this.#programs = compile(options, shape.normEpsilon)
    const { headRun } = options.plan
    this.#runs = Array.from({ length: Math.ceil(shape.vocabulary / headRun) }, (_, at) => ({
      first: at * headRun,
      count: Math.min(headRun, shape.vocabulary - at * headRun),
    }))
  }

  /** @param factors a is [rank][width], bTransposed [rank][vocabulary] */
  setFactors(factors: { rank: number; a: Float32Array; bTransposed: Float32Array }): void {
    const { width, vocabulary } = this.#weights.base.shape
    this.#disposeFactors()
    const { rank, bTransposed } = factors
    const runs = new Map<Run, np.Array>()
    for (const run of this.#runs) {
      const part = new Float32Array(rank * run.count)
      for (let row = 0; row < rank; row++) {
        const from = row * vocabulary + run.first
        part.set(bTransposed.subarray(from, from + run.count), row * run.count)
      }
      runs.set(run, arrayOf(part, [rank, run.count]))
    }
    this.#factors = { rank, a: arrayOf(factors.a, [rank, width]), runs }
  }

  /** Σ part · −ln p(target). */
  async loss(targets: HeadTargets): Promise<number> {
    const { input, inverse, hidden } = this.#input(targets.hidden)
    inverse.dispose()
    hidden.dispose()
    return (await this.#score(input, targets, false)).loss
  }

  async gradients(targets: HeadTargets): Promise<{ loss: number; gradients: HeadGradients }> {
    const { width, vocabulary } = this.#weights.base.shape
    const { freezeA, plan } = this.#options
    const count = targets.targets.length
    const { input, inverse, hidden } = this.#input(targets.hidden)
    const { loss, scores, logSums } = await this.#score(input.ref, targets, plan.keepPowers)
    const adapted = this.#factors
    const bTransposed = new Float32Array(adapted === null ? 0 : adapted.rank * vocabulary)
    let byInput: np.Array | null = null
    let byA: np.Array | null = null
    for (const [at, run] of this.#runs.entries()) {
      const { largest, powers: kept } = scores[at]!
      const weight = this.#weight(run)
      const powers = kept ?? this.#powers(input.ref, weight.ref, run, targets)
      const share = targets.parts.map((part, i) => part * Math.exp(largest[i]! - logSums[i]!))
      const found = this.#programs.gradients(
        input.ref,
        weight,
        this.#factorsOf(run),
        this.#targetsIn(run, targets),
        powers,
        arrayOf(share),
        arrayOf(targets.parts),
      )
      byInput = byInput === null ? found.input! : byInput.add(found.input!)
      if (found.bTransposed !== undefined) {
        const part = await numbersOf(found.bTransposed)
        for (let row = 0; row < adapted!.rank; row++) {
          const from = row * run.count
          bTransposed.set(part.subarray(from, from + run.count), row * vocabulary + run.first)
        }
      }
      if (found.a !== undefined) byA = byA === null ? found.a : byA.add(found.a)
      // So that no more than one run's arrays wait to be computed.
      await byInput.blockUntilReady()
    }
    input.dispose()
    const byHidden = this.#programs.inputGradient(hidden, inverse, this.#normWeight(), byInput!)
    return {
      loss,
      gradients: {
        hidden: (await numbersOf(byHidden)).subarray(0, count * width),
        factors: adapted === null ? null : { a: freezeA ? null : await numbersOf(byA!), bTransposed },
      },
    }
  }

  /** [count × vocabulary] of hidden states [count][width]. */
  async logits(hiddenStates: Float32Array): Promise<Float32Array> {
    const { width, vocabulary } = this.#weights.base.shape
    const count = hiddenStates.length / width
    const { input, inverse, hidden } = this.#input(hiddenStates)
    inverse.dispose()
    hidden.dispose()
    const logits = new Float32Array(count * vocabulary)
    for (const run of this.#runs) {
      const array = this.#programs.logits(input.ref, this.#weight(run), this.#factorsOf(run))
      const part = await numbersOf(array)
      for (let row = 0; row < count; row++) {
        const from = row * run.count
        logits.set(part.subarray(from, from + run.count), row * vocabulary + run.first)
      }
    }
    input.dispose()
    return logits
  }

  close(): void {
    for (const array of this.#kept.values()) array.dispose()
    this.#kept.clear()
    this.#norm?.dispose()
    this.#norm = null
    this.#disposeFactors()
    for (const program of Object.values(this.#programs)) program.dispose()
  }

  #input(hiddenStates: Float32Array): { input: np.Array; inverse: np.Array; hidden: np.Array } {
    const { width } = this.#weights.base.shape
    const hidden = arrayOf(hiddenStates, [hiddenStates.length / width, width])
    return { ...this.#programs.input(hidden.ref, this.#normWeight()), hidden }
  }

  /** Takes ownership of `input`. */
  async #score(
    input: np.Array,
    targets: HeadTargets,
    keepPowers: boolean,
  ): Promise<{ loss: number; scores: Scores[]; logSums: Float64Array }> {
    const scores: Scores[] = []
    for (const run of this.#runs) {
      const found = this.#programs.scores(
        input.ref,
        this.#weight(run),
        this.#factorsOf(run),
        this.#targetsIn(run, targets),
      )
      const [largest, sum, target] = await Promise.all(
        [found.largest, found.sum, found.target].map(numbersOf),
      )
      if (!keepPowers) found.powers.dispose()
      scores.push({ largest: largest!, sum: sum!, target: target!, powers: keepPowers ? found.powers : null })
    }
    input.dispose()
    const logSums = Float64Array.from(targets.targets, (_, i) => {
      const top = Math.max(...scores.map(({ largest }) => largest[i]!))
      const sum = scores.reduce((all, part) => all + part.sum[i]! * Math.exp(part.largest[i]! - top), 0)
      return top + Math.log(sum)
    })
    let loss = 0
    for (const [i, part] of targets.parts.entries()) {
      const logit = scores.reduce((all, { target }) => all + target[i]!, 0)
      if (part !== 0) loss += part * (logSums[i]! - logit)
    }
    return { loss, scores, logSums }
  }

  /** Those of `#score` once more. */
  #powers(input: np.Array, weight: np.Array, run: Run, targets: HeadTargets): np.Array {
    const found = this.#programs.scores(input, weight, this.#factorsOf(run), this.#targetsIn(run, targets))
    for (const array of [found.largest, found.sum, found.target]) array.dispose()
    return found.powers
  }

  #weight(run: Run): np.Array {
    const kept = this.#kept.get(run)
    if (kept !== undefined) return kept.ref
    const { shape } = this.#weights.base
    const elements = this.#weights.read(shape.tied ? 'token_embd.weight' : 'output.weight', run)
    const array = arrayOf(elements, [run.count, shape.width])
    if (this.#options.plan.keepHead) this.#kept.set(run, array.ref)
    return array
  }

  #normWeight(): np.Array {
    this.#norm ??= arrayOf(this.#weights.read('output_norm.weight'))
    return this.#norm.ref
  }

  #factorsOf(run: Run): Factors[] {
    if (this.#factors === null) return []
    return [{ a: this.#factors.a.ref, bTransposed: this.#factors.runs.get(run)!.ref }]
  }

  #targetsIn(run: Run, { targets }: HeadTargets): np.Array {
    return arrayOf(targets.map(target => target - run.first))
  }

  #disposeFactors(): void {
    if (this.#factors === null) return
    this.#factors.a.dispose()
    for (const array of this.#factors.runs.values()) array.dispose()
    this.#factors = null
  }
}

function compile({ scale, freezeA }: HeadOptions, normEpsilon: number) {
  return {
    input: jit((hidden: np.Array, weight: np.Array) => headInput(hidden, weight, normEpsilon)),
    inputGradient: jit(normalizedGradient),
    logits: jit((input: np.Array, weight: np.Array, factors: Factors[]) =>
      headLogits(scale, input, weight, factors),
    ),
    scores: jit((input: np.Array, weight: np.Array, factors: Factors[], targets: np.Array) =>
      headScores(scale, input, weight, factors, targets),
    ),
    gradients: jit(
      (
        input: np.Array,
        weight: np.Array,
        factors: Factors[],
        targets: np.Array,
        powers: np.Array,
        share: np.Array,
        part: np.Array,
      ) => headGradients(scale, !freezeA, input, weight, factors, targets, powers, share, part),
    ),
  }
}
