import { getRandomValues } from 'node:crypto'
import type { Adapter, AdapterModule } from '../../../../inference/learning/adapter.ts'
import { checkSummable } from '../../../../inference/learning/factors.ts'
import { AggregationError } from '../errors.ts'
import { gaussianSource } from './gaussian.ts'

export interface PrivatiseOptions {
  /** The longest that the update may be: Frobenius norm of B − B_parent over all modules. Fixed before anyone sees data. */
  clipNorm: number
  /** Standard deviation of the noise on each element of B, over `clipNorm`. */
  noiseMultiplier: number
  /** Uniform 32-bit integers; defaults to the operating system's cryptographic source. */
  random?: () => number
}

/** A private update and what was done to it; `norm` must stay at home: it was measured on data. */
export interface PrivateUpdate {
  adapter: Adapter
  /** Of the update before clipping. */
  norm: number
}

/**
 * Makes an update that hides the data of its node: the difference of B to the parent is clipped and gets Gaussian noise.
 * A is frozen and the same for all (FFA-LoRA, Sun et al., arXiv 2403.12313): with noise in both factors their product
 * would have noise times noise, and the sum of products would not be the product of sums.
 *
 * Whoever sees the result, and that is everyone, learns of the node's data no more than `epsilonOf` says.
 *
 * @param parent with the A that the update was trained with; its B is what the round began from
 * @throws {AggregationError} BAD_OPTIONS of a bad number; NOT_FROZEN when A is not the parent's
 */
export function privatise(update: Adapter, parent: Adapter, options: PrivatiseOptions): PrivateUpdate {
  const { clipNorm, noiseMultiplier, random = cryptographicSource() } = options
  if (
    !(clipNorm > 0 && Number.isFinite(clipNorm) && noiseMultiplier >= 0 && Number.isFinite(noiseMultiplier))
  )
    throw new AggregationError('BAD_OPTIONS', 'The clip norm or the noise multiplier is out of bounds.', {
      fix: 'Correct the privacy parameters of the round.',
    })
  checkFrozen(update, parent)
  let squared = 0
  for (const [m, { b }] of update.modules.entries()) {
    const before = parent.modules[m]!.b
    for (const [i, value] of b.entries()) squared += (value - before[i]!) * (value - before[i]!)
  }
  const norm = Math.sqrt(squared)
  const factor = norm > clipNorm ? clipNorm / norm : 1
  const noise = gaussianSource(random)
  const deviation = noiseMultiplier * clipNorm
  const modules = update.modules.map((module, m): AdapterModule => {
    const before = parent.modules[m]!.b
    const b = module.b.map(
      (value, i) => before[i]! + factor * (value - before[i]!) + (deviation === 0 ? 0 : deviation * noise()),
    )
    return { ...module, a: parent.modules[m]!.a.slice(), b }
  })
  return { adapter: { ...update, modules }, norm }
}

/**
 * Makes sure that an update has the parent's A, rank and scale, as private rounds ask.
 * @throws {AggregationError} NOT_FROZEN
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE
 */
function checkFrozen(update: Adapter, parent: Adapter): void {
  checkSummable([parent, update])
  const isFrozen =
    update.rank === parent.rank &&
    update.alpha === parent.alpha &&
    update.modules.every(({ a }, m) => a.every((value, i) => value === parent.modules[m]!.a[i]))
  if (!isFrozen)
    throw new AggregationError('NOT_FROZEN', `${update.name} has another A than what it began from.`, {
      fix: 'Train with freezeA from the adapter of the round.',
    })
}

function cryptographicSource(): () => number {
  const words = new Uint32Array(16_384)
  let next = words.length
  return () => {
    if (next === words.length) {
      getRandomValues(words)
      next = 0
    }
    return words[next++]!
  }
}
