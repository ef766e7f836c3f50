import { BYTE_TO_CHARACTER, CHARACTER_TO_BYTE, QWEN2_PIECES } from './byte-alphabet.ts'
import type { Vocabulary } from './train-bpe.ts'

/** Pieces remembered at most; text made from templates repeats few. */
const MAX_CACHED_PIECES = 200_000

/** Turns text into tokens of a vocabulary and back, as llama.cpp does with the packed file. */
export class Tokenizer {
  readonly #vocabulary: Vocabulary
  readonly #ids: ReadonlyMap<string, number>
  readonly #ranks: ReadonlyMap<string, number>
  readonly #cache = new Map<string, readonly number[]>()
  readonly #encoder = new TextEncoder()

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
    this.#ids = new Map(vocabulary.tokens.map((token, id) => [token, id]))
    this.#ranks = new Map(vocabulary.merges.map((pair, rank) => [pair, rank]))
  }

  get size(): number {
    return this.#vocabulary.tokens.length
  }

  /** The id of a special token. @throws {RangeError} when there is none of that name */
  special(name: string): number {
    const id = this.#ids.get(name)
    if (id === undefined || id < this.#vocabulary.firstSpecial)
      throw new RangeError(`no special token ${name}`)
    return id
  }

  /** Plain text to tokens; the names of special tokens in it are text like any other. */
  encode(text: string): number[] {
    const result: number[] = []
    for (const [piece] of text.matchAll(QWEN2_PIECES))
      for (const id of this.#encodePiece(piece)) result.push(id)
    return result
  }

  /** Tokens to text; special tokens are written by name, bytes that are no UTF-8 become U+FFFD. */
  decode(tokens: readonly number[]): string {
    const bytes: number[] = []
    for (const id of tokens) {
      const token = this.#vocabulary.tokens[id]
      if (token === undefined) throw new RangeError(`token ${id} is outside the vocabulary of ${this.size}`)
      if (id >= this.#vocabulary.firstSpecial) bytes.push(...this.#encoder.encode(token))
      else for (const character of token) bytes.push(CHARACTER_TO_BYTE.get(character) ?? 0)
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
  }

  #encodePiece(piece: string): readonly number[] {
    const known = this.#cache.get(piece)
    if (known) return known
    let parts = [...this.#encoder.encode(piece)].map(byte => BYTE_TO_CHARACTER[byte] as string)
    for (;;) {
      let best = -1
      let bestRank = Number.POSITIVE_INFINITY
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.#ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY
        if (rank < bestRank) {
          best = i
          bestRank = rank
        }
      }
      if (best < 0) break
      parts = [...parts.slice(0, best), `${parts[best]}${parts[best + 1]}`, ...parts.slice(best + 2)]
    }
    const ids = parts.map(part => this.#ids.get(part) as number)
    if (this.#cache.size >= MAX_CACHED_PIECES) this.#cache.clear()
    this.#cache.set(piece, ids)
    return ids
  }
}
