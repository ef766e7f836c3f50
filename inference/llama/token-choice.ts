import type { SequenceEvaluateOptions } from 'node-llama-cpp'
import { EngineError, type SamplingParameters } from '../engine.ts'
import { exp, ln } from '../sampling/logarithm.ts'
import { MAX_CANDIDATES, Sampler } from '../sampling/sampler.ts'
import type { JsonGrammar } from './grammar.ts'

/** What chooses the tokens of a generation. */
export type TokenChooser = Pick<TokenChoice, 'evaluate' | 'metadata' | 'choose' | 'chances'>

/** ln of the probability of a token, among the likeliest `MAX_CANDIDATES` at temperature 1. */
export interface TokenChance {
  token: number
  logprob: number
}

/** The chance of the chosen token, and the best of those it had, by falling chance. */
export interface TokenChances extends TokenChance {
  top: TokenChance[]
}

/** A token that the engine took, and the candidates it had, by falling probability. */
export interface SampledToken {
  token: number
  probabilities?: ReadonlyMap<number, number>
}

/**
 * What the engine, at temperature 1, may leave out because min-p will: p^(1/T) >= minP is p >= minP^T, with room for
 * its shorter floats. Fewer candidates cross into JavaScript then.
 */
function engineMinP({ minP, temperature }: SamplingParameters): number {
  return minP === 0 ? 0 : 0.999 * exp(temperature * ln(minP))
}

/**
 * A request's sampler.
 * @throws {EngineError} INPUT_INVALID
 */
export function createSampler({ seed, ...parameters }: SamplingParameters): Sampler {
  try {
    return new Sampler(parameters, seed)
  } catch (error) {
    const { temperature, topP, topK, minP } = parameters
    throw new EngineError('INPUT_INVALID', 'a sampling parameter is out of range', {
      fix: `Use temperature from 0, topP and minP from 0 to 1, a whole topK from 0 to ${MAX_CANDIDATES}, and a seed of 32 bytes.`,
      details: { temperature, topP, topK, minP, seed },
      cause: error,
    })
  }
}

/** The candidates of one position, in room that is used again for the next. */
export class CandidateList {
  readonly tokens = new Uint32Array(MAX_CANDIDATES)
  readonly logits = new Float64Array(MAX_CANDIDATES)
  size = 0

  /**
   * Takes the candidates that can be at all.
   * @param isAllowed whether an output held to a grammar may go on with a token
   */
  take(probabilities: ReadonlyMap<number, number>, isAllowed: ((token: number) => boolean) | null): void {
    let size = 0
    for (const [token, probability] of probabilities) {
      if (!(probability > 0) || size === MAX_CANDIDATES) break
      if (isAllowed !== null && !isAllowed(token)) continue
      this.tokens[size] = token
      this.logits[size] = ln(probability)
      size++
    }
    this.size = size
  }

  /** ln of a token's probability among the candidates; -Infinity where it is none of them. */
  logProbOf(token: number): number {
    const place = this.tokens.subarray(0, this.size).indexOf(token)
    if (place < 0) return Number.NEGATIVE_INFINITY
    const greatest = this.logits[0]!
    let total = 0
    for (let i = 0; i < this.size; i++) total += exp(this.logits[i]! - greatest)
    return this.logits[place]! - greatest - ln(total)
  }
}

/**
 * Chooses the tokens of one generation. The engine shows the likeliest candidates at temperature 1, our sampler chooses. At
 * temperature 0 llama.cpp takes the likeliest token, of several the one with the lowest id, just as the sampler would.
 *
 * A JSON grammar filters the candidates before anything else. Holding the whole vocabulary to it at each token would be slow:
 * the engine does so only where none of the likeliest fits, and the candidates then are the likeliest of those that do.
 */
export class TokenChoice {
  /** How the engine is to sample. */
  readonly evaluate: SequenceEvaluateOptions
  /** Whether it is to show its candidates. */
  readonly metadata: { readonly probabilities?: true }
  readonly #sampler: Sampler
  readonly #grammar: JsonGrammar | null
  readonly #isGreedy: boolean
  readonly #candidates = new CandidateList()
  readonly #isAllowed: ((token: number) => boolean) | null
  /** Best chances that are told; null where none are. */
  readonly #told: number | null
  #position: number
  #isForced = false
  #chances: TokenChances | null = null

  /**
   * @param options.position place in the answer of the first token to come
   * @param options.logprobs how many of the best chances `chances` tells; null tells none
   * @param modules.grammar stands where the output does
   * @throws {EngineError} INPUT_INVALID
   */
  constructor(
    options: { sampling: SamplingParameters; position: number; logprobs?: number | null },
    modules: { grammar: JsonGrammar | null },
  ) {
    const { temperature, topK } = options.sampling
    const { logprobs = null } = options
    const { grammar } = modules
    this.#told = logprobs
    this.#sampler = createSampler(options.sampling)
    this.#position = options.position
    this.#grammar = grammar
    this.#isAllowed = grammar === null ? null : token => grammar.allows(token)
    // Who wants to know the chances needs the candidates at temperature 0, too: our sampler then takes the likeliest.
    this.#isGreedy = temperature === 0 && logprobs === null
    const isWhole = grammar !== null || logprobs !== null
    const evaluate = {
      temperature: this.#isGreedy ? 0 : 1,
      topP: 1,
      minP: isWhole ? 0 : engineMinP(options.sampling),
      // The first k of the 64 are all that top-k leaves; behind a grammar others move up.
      topK: !isWhole && topK > 0 ? topK : MAX_CANDIDATES,
      // Of no account, but a changing one would have the engine build its own sampler anew.
      seed: 0,
      yieldEogToken: true,
    }
    this.metadata = this.#isGreedy ? {} : { probabilities: true }
    this.evaluate =
      grammar === null
        ? evaluate
        : { ...evaluate, grammarEvaluationState: (() => this.#engineGrammar()) as never }
  }

  /** The next token; null where no candidate fits the grammar: the engine is to sample again, held to it. */
  choose({ token, probabilities }: SampledToken): number | null {
    if (this.#isGreedy) return token
    const wasForced = this.#isForced
    this.#isForced = false
    const candidates = this.#candidates
    candidates.take(probabilities!, wasForced ? null : this.#isAllowed)
    if (candidates.size === 0) {
      if (wasForced || this.#grammar === null) throw new Error('the model has no token to go on with')
      this.#isForced = true
      return null
    }
    const chosen = this.#sampler.sample(candidates, this.#position)
    this.#grammar?.accept(chosen)
    this.#position++
    if (this.#told !== null) this.#chances = chancesOf(chosen, probabilities!, this.#told)
    return chosen
  }

  /** Of the token that was chosen last; null where they were not asked for. */
  get chances(): TokenChances | null {
    return this.#chances
  }

  /** What the engine moves over its own choice: at temperature 0 the grammar itself, else a copy where it is needed. */
  #engineGrammar(): unknown {
    if (this.#isGreedy) return this.#grammar?.state
    return this.#isForced ? this.#grammar?.state.clone() : undefined
  }
}

/** What grammar and sampling leave out counts as well: it is what the model would say by itself. */
function chancesOf(chosen: number, probabilities: ReadonlyMap<number, number>, best: number): TokenChances {
  const candidates: [token: number, probability: number][] = []
  let total = 0
  for (const [token, probability] of probabilities) {
    if (!(probability > 0) || candidates.length === MAX_CANDIDATES) break
    candidates.push([token, probability])
    total += probability
  }
  const chanceOf = (token: number, probability: number) => ({
    token,
    logprob: Math.min(0, ln(probability / total)),
  })
  return {
    ...chanceOf(chosen, probabilities.get(chosen)!),
    top: candidates.slice(0, best).map(([token, probability]) => chanceOf(token, probability)),
  }
}
