import type { SampledTokens, SequenceSlot } from './sequence-slot.ts'
import type { SampledToken, TokenChances, TokenChooser } from './token-choice.ts'

/** A token and, where they were asked for, the chances it had. */
export interface ChosenToken {
  token: number
  chances: TokenChances | null
}

/** The tokens of one generation, as they are computed on a slot and chosen. */
export class TokenSource {
  readonly #tokens: number[]
  readonly #slot: SequenceSlot
  readonly #choice: TokenChooser
  #steps: SampledTokens
  #last: number | undefined

  /**
   * @param options.prompt all tokens of the prompt
   * @param options.rest those of its end that are not computed yet, at least one
   */
  constructor(
    options: { prompt: readonly number[]; rest: readonly number[] },
    modules: { slot: SequenceSlot; choice: TokenChooser },
  ) {
    this.#tokens = [...options.prompt]
    this.#slot = modules.slot
    this.#choice = modules.choice
    this.#steps = this.#slot.sample(options.rest, this.#choice)
  }

  async next(): Promise<ChosenToken> {
    const token = this.#choice.choose(sampled(await this.#steps.next(this.#last))) ?? (await this.#again())
    this.#tokens.push(token)
    this.#last = token
    return { token, chances: this.#choice.chances }
  }

  end(): Promise<unknown> {
    return this.#steps.end()
  }

  /** Samples anew where the last token's candidates did not do: its logits are gone, so it is computed again. */
  async #again(): Promise<number> {
    await this.#steps.end()
    const kept = await this.#slot.keepPrefix(this.#tokens)
    this.#steps = this.#slot.sample(this.#tokens.slice(kept), this.#choice)
    const token = this.#choice.choose(sampled(await this.#steps.next()))
    if (token === null) throw new Error('the model has no token that fits the JSON schema')
    return token
  }
}

function sampled(step: IteratorResult<SampledToken, void>): SampledToken {
  if (step.done === true) throw new Error('the model stopped sampling')
  return step.value
}
