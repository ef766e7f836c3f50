import type { Bytes32 } from '../../protocol/ids.ts'
import { exp, ln } from './logarithm.ts'
import { SamplingKey } from './sampling-key.ts'

/** Tokens that sampling ever looks at: the likeliest so many. */
export const MAX_CANDIDATES = 64

export interface SamplerParameters {
  /** 0 takes the likeliest. */
  temperature: number
  /** 0 keeps all candidates. */
  topK: number
  minP: number
  topP: number
}

/** The likeliest tokens by falling logit, at most `MAX_CANDIDATES` of them are looked at. */
export interface Candidates {
  tokens: ArrayLike<number>
  /** Up to a common constant: log-probabilities will do. */
  logits: ArrayLike<number>
  /** How many of the first of them there are; all where it is left out. */
  size?: number
}

/** How a claimed token stood against the one that sampling gives. */
export interface TokenMargin {
  /**
   * By how much it lost, in nats at temperature 1: the winner's `logit + temperature · g` less its own, as in
   * Token-DiFR (arXiv 2511.20621, section 3). 0 for the winner, Infinity where it was no choice at all.
   */
  margin: number
  isMatch: boolean
  /** `filtered`: a candidate that top-k, min-p or top-p took out; `absent`: none of the candidates. */
  state: 'won' | 'lost' | 'filtered' | 'absent'
}

/**
 * Reproducible sampling. In this order: the logits of the likeliest `MAX_CANDIDATES` tokens, divided by the
 * temperature; top-k keeps the first k of them; min-p those with at least `minP` times the likeliest one's probability;
 * top-p the shortest row of those left, from the likeliest on, that has at least `topP` of their probability, and at least one.
 * Of these the greatest `logit / temperature + g` is taken, g = -ln(-ln u) with u of `SamplingKey`: a draw from their
 * distribution by the Gumbel-max trick (Gumbel 1954; Maddison, Tarlow, Minka 2014). Ties go to the lower token id, which
 * also comes first where candidates have the same logit. Temperature 0 takes the greatest logit.
 *
 * All of it is + - * / on doubles, so that every machine gets the same token from the same logits.
 */
export class Sampler {
  readonly #parameters: SamplerParameters
  readonly #key: SamplingKey
  readonly #lnMinP: number
  readonly #tokens = new Uint32Array(MAX_CANDIDATES)
  readonly #logits = new Float64Array(MAX_CANDIDATES)
  /** Candidates, and how many of them are left to choose from. */
  #size = 0
  #kept = 0
  #lead = Number.POSITIVE_INFINITY

  /** @throws {RangeError} when a parameter is out of range or the seed is none */
  constructor(parameters: SamplerParameters, seed: Bytes32 | SamplingKey) {
    checkParameters(parameters)
    this.#parameters = parameters
    this.#key = typeof seed === 'string' ? new SamplingKey(seed) : seed
    this.#lnMinP = ln(parameters.minP)
  }

  /**
   * The token at a position.
   * @param position of the token in the answer, from 0
   * @throws {RangeError} without candidates
   */
  sample(candidates: Candidates, position: number): number {
    this.#take(candidates)
    return this.#tokens[this.#winner(position, false)]!
  }

  /**
   * How far the winner of the latest `marginOf` was ahead of the next, in nats at temperature 1: how near a tie it was.
   * Infinity where there was nothing else to choose.
   */
  get lead(): number {
    return this.#lead
  }

  /**
   * What an audit needs to know of a claimed token.
   * @throws {RangeError} without candidates
   */
  marginOf(candidates: Candidates, position: number, token: number): TokenMargin {
    this.#take(candidates)
    const winner = this.#winner(position, true)
    const place = this.#tokens.subarray(0, this.#size).indexOf(token)
    if (place < 0) return { margin: Number.POSITIVE_INFINITY, isMatch: false, state: 'absent' }
    if (place >= this.#kept) return { margin: Number.POSITIVE_INFINITY, isMatch: false, state: 'filtered' }
    if (place === winner) return { margin: 0, isMatch: true, state: 'won' }
    const { temperature } = this.#parameters
    const score = (at: number) =>
      this.#logits[at]! + (temperature === 0 ? 0 : temperature * this.#key.gumbel(this.#tokens[at]!))
    return { margin: Math.max(0, score(winner) - score(place)), isMatch: false, state: 'lost' }
  }

  /** Takes candidates in and filters them; temperature 0 leaves them all, the first is the one. */
  #take({ tokens, logits, size: given = tokens.length }: Candidates): void {
    const size = Math.min(given, MAX_CANDIDATES)
    if (size === 0) throw new RangeError('there are no candidates to choose from')
    for (let i = 0; i < size; i++) this.#insert(i, tokens[i]!, logits[i]!)
    this.#size = size
    this.#kept = this.#parameters.temperature === 0 ? size : this.#filter(size)
  }

  /** Puts a candidate in its place: they come by falling logit, so that only ties ever move. */
  #insert(end: number, token: number, logit: number): void {
    let place = end
    while (
      place > 0 &&
      (this.#logits[place - 1]! < logit ||
        (this.#logits[place - 1] === logit && this.#tokens[place - 1]! > token))
    ) {
      this.#tokens[place] = this.#tokens[place - 1]!
      this.#logits[place] = this.#logits[place - 1]!
      place--
    }
    this.#tokens[place] = token
    this.#logits[place] = logit
  }

  #filter(size: number): number {
    const { temperature, topK, minP, topP } = this.#parameters
    const greatest = this.#logits[0]!
    const likelihood = (at: number) => (this.#logits[at]! - greatest) / temperature
    let kept = topK === 0 ? size : Math.min(topK, size)
    if (minP > 0) {
      let likely = 1
      while (likely < kept && likelihood(likely) >= this.#lnMinP) likely++
      kept = likely
    }
    if (topP >= 1) return kept
    let total = 0
    for (let i = 0; i < kept; i++) total += exp(likelihood(i))
    let sum = 0
    for (let i = 0; i < kept; i++) {
      sum += exp(likelihood(i))
      if (sum >= topP * total) return i + 1
    }
    return kept
  }

  /**
   * Where the winner of those left stands.
   * @param wantsLead whether the second is wanted, too: without it, fewer draws need a logarithm
   */
  #winner(position: number, wantsLead: boolean): number {
    const { temperature } = this.#parameters
    if (temperature === 0 || this.#kept === 1) {
      this.#lead = this.#kept === 1 ? Number.POSITIVE_INFINITY : this.#logits[0]! - this.#logits[1]!
      return 0
    }
    this.#key.moveTo(position)
    let best = 0
    let bestScore = Number.NEGATIVE_INFINITY
    let nextScore = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.#kept; i++) {
      const own = this.#logits[i]! / temperature
      const least = wantsLead ? nextScore : bestScore
      const score = own + this.#key.gumbelFrom(this.#tokens[i]!, least - own)
      if (score > bestScore || (score === bestScore && this.#tokens[i]! < this.#tokens[best]!)) {
        best = i
        nextScore = bestScore
        bestScore = score
      } else if (score > nextScore) nextScore = score
    }
    this.#lead = temperature * (bestScore - nextScore)
    return best
  }
}

/** `Sampler.sample` for a single token. */
export function sampleToken(
  candidates: Candidates,
  parameters: SamplerParameters,
  seed: Bytes32 | SamplingKey,
  position: number,
): number {
  return new Sampler(parameters, seed).sample(candidates, position)
}

/** `Sampler.marginOf` for a single token. */
export function marginOf(
  candidates: Candidates,
  parameters: SamplerParameters,
  seed: Bytes32 | SamplingKey,
  position: number,
  token: number,
): TokenMargin {
  return new Sampler(parameters, seed).marginOf(candidates, position, token)
}

/** @throws {RangeError} */
function checkParameters({ temperature, topK, minP, topP }: SamplerParameters): void {
  const isShare = (value: number) => value >= 0 && value <= 1
  if (!(temperature >= 0 && Number.isFinite(temperature))) throw new RangeError('temperature is from 0')
  if (!(Number.isInteger(topK) && topK >= 0 && topK <= MAX_CANDIDATES))
    throw new RangeError(`topK is a whole number from 0 to ${MAX_CANDIDATES}`)
  if (!isShare(minP)) throw new RangeError('minP is from 0 to 1')
  if (!isShare(topP)) throw new RangeError('topP is from 0 to 1')
}
