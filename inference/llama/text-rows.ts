import type { LlamaModel } from 'node-llama-cpp'
import type { ChatMessage, LossRow } from '../engine.ts'
import type { PromptWriter } from './prompt.ts'

/** Text as the model reads it, with the tokens that it is to foretell. */
export interface TokenRow {
  tokens: number[]
  /** One for each token: 1 where it counts, 0 where it is only read. Never the first. */
  counted: Uint8Array
}

/** A conversation that a template renders with everything that can stand between two turns. */
const PROBE: readonly ChatMessage[] = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' },
  { role: 'user', content: 'c' },
]

/**
 * Turns examples into tokens, the same way for whoever trains on them and whoever measures: an answer is what the
 * model would have made of the prompt that a task with these messages has, with the token that ends its turn.
 */
export class TextRows {
  readonly #model: LlamaModel
  readonly #prompts: PromptWriter
  #endOfTurn: number | null | undefined

  constructor(modules: { model: LlamaModel; prompts: PromptWriter }) {
    this.#model = modules.model
    this.#prompts = modules.prompts
  }

  /**
   * @returns one row, or several of a chat whose template shows a turn otherwise once others have followed; a chat in
   * which the assistant says nothing has none
   * @throws {EngineError} INPUT_INVALID
   */
  write(row: LossRow): TokenRow[] {
    if ('messages' in row) return this.#chat(row.messages)
    if ('text' in row) return [rowOf(this.#prompts.begun(row.text), 1)]
    const { prompt, completion } = row
    const before = this.#prompts.begun(prompt)
    const { eos } = this.#model.tokens
    const answer = [...this.#model.tokenize(completion), ...(eos === null ? [] : [eos])]
    return [rowOf([...before, ...answer], before.length)]
  }

  #chat(messages: readonly ChatMessage[]): TokenRow[] {
    const rows: { tokens: number[]; answers: [from: number, to: number][] }[] = []
    for (const [index, { role, content }] of messages.entries()) {
      if (role !== 'assistant') continue
      const { tokens: before } = this.#prompts.write({ kind: 'chat', messages: messages.slice(0, index) })
      const end = this.#end()
      const tokens = [...before, ...this.#model.tokenize(content), ...(end === null ? [] : [end])]
      const answer: [number, number] = [before.length, tokens.length]
      const last = rows.at(-1)
      if (last !== undefined && isPrefix(last.tokens, before)) {
        last.tokens = tokens
        last.answers.push(answer)
      } else rows.push({ tokens, answers: [answer] })
    }
    return rows.map(({ tokens, answers }) => {
      const counted = new Uint8Array(tokens.length)
      for (const [from, to] of answers) counted.fill(1, from, to)
      return { tokens, counted }
    })
  }

  /** The token that ends a turn of the assistant: the one that the template writes, else the one that ends generations. */
  #end(): number | null {
    if (this.#endOfTurn === undefined) this.#endOfTurn = this.#endByTemplate() ?? this.#endByModel()
    return this.#endOfTurn
  }

  #endByTemplate(): number | null {
    try {
      const { tokens: before } = this.#prompts.write({ kind: 'chat', messages: PROBE.slice(0, 1) })
      const { tokens: all, stopTokens } = this.#prompts.write({ kind: 'chat', messages: PROBE })
      const turn = [...before, ...this.#model.tokenize(PROBE[1]!.content)]
      const end = all[turn.length]
      if (end === undefined || !isPrefix(turn, all)) return null
      return stopTokens.has(end) || this.#model.isEogToken(end as never) ? end : null
    } catch {
      return null
    }
  }

  #endByModel(): number | null {
    const { eot, eos } = this.#model.tokens
    return eot ?? eos
  }
}

function rowOf(tokens: number[], from: number): TokenRow {
  const counted = new Uint8Array(tokens.length)
  counted.fill(1, Math.max(1, from))
  return { tokens, counted }
}

function isPrefix(tokens: readonly number[], of: readonly number[]): boolean {
  return tokens.length <= of.length && tokens.every((token, i) => token === of[i])
}
