import type { SequenceEvaluateOptions } from 'node-llama-cpp'
import { EngineError, type SamplingParameters } from '../engine.ts'
import { MAX_CANDIDATES, Sampler } from '../sampling/sampler.ts'

/** How a generation's tokens are chosen. */
export interface Sampling {
  /** Chooses among the candidates that the engine shows; null where the engine itself takes the likeliest. */
  sampler: Sampler | null
  /** What the engine is asked for. */
  evaluate: SequenceEvaluateOptions
}

/**
 * Sampling as node-llama-cpp takes it: the likeliest candidates as they are, of which our sampler chooses. At
 * temperature 0 llama.cpp takes the likeliest token, the one with the lowest id where there are several, as the sampler would.
 * @throws {EngineError} INPUT_INVALID
 */
export function createSampling({ seed, ...parameters }: SamplingParameters): Sampling {
  let sampler: Sampler
  try {
    sampler = new Sampler(parameters, seed)
  } catch (error) {
    const { temperature, topP, topK, minP } = parameters
    throw new EngineError('INPUT_INVALID', 'a sampling parameter is out of range', {
      fix: `Use temperature from 0, topP and minP from 0 to 1, a whole topK from 0 to ${MAX_CANDIDATES}, and a seed of 32 bytes.`,
      details: { temperature, topP, topK, minP, seed },
      cause: error,
    })
  }
  if (parameters.temperature === 0)
    return { sampler: null, evaluate: { temperature: 0, yieldEogToken: true } }
  return {
    sampler,
    evaluate: {
      temperature: 1,
      topP: 1,
      topK: parameters.topK || MAX_CANDIDATES,
      minP: 0,
      yieldEogToken: true,
    },
  }
}
