import { quantizationBits, withoutQuantization } from '../../../inference/models/quantization-suffix.ts'
import { type ModelId, parseModelId } from '../../../protocol/ids.ts'

/** How good a model's answers are expected to be, 0 to 1. */
export interface QualityModel {
  /**
   * @param parameterCount as its provider says; 0 where it does not
   * @param stated by this node's operator; null where nothing is
   */
  of(model: ModelId, parameterCount: number, stated: number | null): number
}

/** Between these sizes quality rises from 0 to 1, by the same for each tenfold. */
const LEAST_PARAMETERS = 1e5
const MOST_PARAMETERS = 1e12
/** Of a model nobody says the size of. */
const UNKNOWN = 0.25
/**
 * What is kept at so many bits a weight: the ratio of perplexities of LLaMA 7B at 16 bits and quantised
 * (llama.cpp, pull request 1684, table of k-quants).
 */
const KEPT: readonly (readonly [bits: number, kept: number])[] = [
  [1, 0.6],
  [2, 0.87],
  [3, 0.96],
  [4, 0.99],
  [5, 0.998],
]

/**
 * Quality as it was measured, where it was; else by the size of the model, for scores on mixed tests rise steadily
 * with the logarithm of the number of parameters (Srivastava et al. 2022, BIG-bench, figure 1), less what its
 * quantisation loses. A guess, but the same one for all.
 */
export class SizeQuality implements QualityModel {
  readonly #measured: ReadonlyMap<string, number>

  /** @param measured by model id, digest, name, or name without quantisation */
  constructor(measured: ReadonlyMap<string, number> = new Map()) {
    this.#measured = measured
  }

  of(model: ModelId, parameterCount: number, stated: number | null): number {
    const parsed = parseModelId(model)
    const name = parsed?.name ?? model
    const measured =
      this.#measured.get(model) ?? this.#measured.get(parsed?.sha256 ?? '') ?? this.#measured.get(name)
    if (measured !== undefined) return measured
    if (stated !== null) return stated
    const kept = keptBy(quantizationBits(name))
    return kept * (this.#measured.get(withoutQuantization(name)) ?? bySize(parameterCount))
  }
}

function bySize(parameterCount: number): number {
  if (parameterCount <= 0) return UNKNOWN
  const place = Math.log(parameterCount / LEAST_PARAMETERS) / Math.log(MOST_PARAMETERS / LEAST_PARAMETERS)
  return Math.min(1, Math.max(0, place))
}

function keptBy(bits: number): number {
  if (bits === 0) return 1
  return KEPT.find(([most]) => bits <= most)?.[1] ?? 1
}
