import { utf8Length } from '../../../protocol/codec.ts'
import type { TokenChance, TokenLogprobs } from '../../../protocol/messages/provider-frame.ts'
import type { TokenLogprob } from './inference-service.ts'

const decoder = new TextDecoder()

/**
 * Says with each piece of text how likely its tokens were: each once, with the text its first byte is in. Tokens that are
 * no text (the end of a turn, a stop string) are never told.
 */
export class LogprobLedger {
  readonly told: TokenLogprob[] = []
  readonly #waiting: { from: number; logprob: TokenLogprob }[] = []
  /** Bytes of the tokens that came, and of the text. */
  #tokenBytes = 0
  #textBytes = 0

  add(tokens: readonly TokenLogprobs[]): void {
    for (const token of tokens) {
      if (token.bytes.length > 0) this.#waiting.push({ from: this.#tokenBytes, logprob: logprobOf(token) })
      this.#tokenBytes += token.bytes.length
    }
  }

  /** Of the tokens that begin in the next piece of the answer's text. */
  take(text: string): TokenLogprob[] {
    this.#textBytes += utf8Length(text)
    const until = this.#waiting.findIndex(({ from }) => from >= this.#textBytes)
    const taken = this.#waiting
      .splice(0, until < 0 ? this.#waiting.length : until)
      .map(({ logprob }) => logprob)
    this.told.push(...taken)
    return taken
  }
}

function logprobOf({ top, ...own }: TokenLogprobs): TokenLogprob {
  return { ...chanceOf(own), top: top.map(chanceOf) }
}

function chanceOf({ bytes, logprob }: TokenChance): Omit<TokenLogprob, 'top'> {
  return { token: decoder.decode(bytes), bytes: [...bytes], logprob }
}
