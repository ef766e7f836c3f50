import { type SamplingParameters, TOKEN_STATES } from '../engine.ts'
import type { Sampler, TokenMargin } from '../sampling/sampler.ts'
import type { JsonGrammar } from './grammar.ts'
import { CandidateList, createSampler } from './token-choice.ts'

const STATE_NUMBERS = Object.fromEntries(TOKEN_STATES.map((state, number) => [state, number])) as Readonly<
  Record<TokenMargin['state'], number>
>

/** Judges the tokens of an output, one after the other, by the choice that a generation would have made. */
export class TokenJudge {
  readonly margins: Float32Array
  readonly logProbs: Float32Array
  readonly states: Uint8Array
  readonly gaps: Float32Array
  readonly #sampler: Sampler
  readonly #position: number
  readonly #candidates = new CandidateList()
  readonly #isAllowed: ((token: number) => boolean) | null
  #grammar: JsonGrammar | null
  /** Whether an output held to a grammar has left it. */
  #hasLeft = false

  /**
   * All tokens count as absent until they are judged.
   * @param options.position place in the answer of the output's first token
   * @param modules.grammar stands before the output
   * @throws {EngineError} INPUT_INVALID
   */
  constructor(
    options: { sampling: SamplingParameters; position: number; tokens: number },
    modules: { grammar: JsonGrammar | null },
  ) {
    const { sampling, position, tokens } = options
    const { grammar } = modules
    this.#sampler = createSampler(sampling)
    this.#position = position
    this.#grammar = grammar
    this.#isAllowed = grammar === null ? null : token => grammar.allows(token)
    this.margins = new Float32Array(tokens).fill(Number.POSITIVE_INFINITY)
    this.logProbs = new Float32Array(tokens).fill(Number.NEGATIVE_INFINITY)
    this.states = new Uint8Array(tokens).fill(STATE_NUMBERS.absent)
    this.gaps = new Float32Array(tokens).fill(Number.POSITIVE_INFINITY)
  }

  /**
   * Judges the output's token at `index`, after all before it. Where no candidate fits the grammar a token that
   * does has won, with probability 1: more cannot be said from here.
   * @param probabilities of the 64 likeliest at temperature 1, by falling probability
   */
  judge(index: number, token: number, probabilities: ReadonlyMap<number, number>): void {
    if (this.#hasLeft) return
    const fits = this.#isAllowed === null || this.#isAllowed(token)
    this.#hasLeft = !fits
    const candidates = this.#candidates
    candidates.take(probabilities, this.#isAllowed)
    if (candidates.size === 0) {
      if (fits) this.#say(index, { margin: 0, isMatch: true, state: 'won' }, 0)
    } else if (fits) {
      const margin = this.#sampler.marginOf(candidates, this.#position + index, token)
      this.gaps[index] = this.#sampler.lead
      this.#say(index, margin, candidates.logProbOf(token))
    }
    if (fits) this.#grammar?.accept(token)
    else this.#grammar = null
  }

  #say(index: number, { margin, state }: TokenMargin, logProb: number): void {
    this.margins[index] = margin
    this.logProbs[index] = logProb
    this.states[index] = STATE_NUMBERS[state]
  }
}
