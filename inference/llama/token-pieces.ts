/** `tokenizer.ggml.token_type` of a GGUF file. */
const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** The parts of a GGUF file's metadata that say what each token stands for. */
export interface Vocabulary {
  /** `tokenizer.ggml.model`: `gpt2` is byte-level BPE, `llama` SentencePiece. */
  model: string
  tokens: readonly string[]
  /** One `TokenType` for each token; all normal where the file has none. */
  types: readonly number[] | undefined
}

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The characters by which byte-level BPE writes bytes (GPT-2's bytes_to_unicode): printable Latin-1
 * stands for itself, every other byte for a character from U+0100 on.
 */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>()
  let next = 0x100
  for (let byte = 0; byte < 0x100; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    map.set(String.fromCodePoint(printable ? byte : next++), byte)
  }
  return map
})()

function byteLevelBytes(token: string): Uint8Array {
  const bytes: number[] = []
  for (const character of token) {
    const byte = byteOfCharacter.get(character)
    if (byte === undefined) bytes.push(...encoder.encode(character))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

/**
 * What each token adds to the output, exactly: as text where its bytes are whole characters, else as
 * bytes. Special tokens add nothing. Reading pieces from the vocabulary instead of detokenising
 * runs of tokens keeps the work per token constant and spaces before punctuation untouched.
 */
export class TokenPieces {
  readonly #vocabulary: Vocabulary
  readonly #detokenize: (token: number) => string
  readonly #pieces: (string | Uint8Array | undefined)[] = []

  /** @param detokenize used for tokenizers whose pieces the vocabulary alone does not tell */
  constructor(vocabulary: Vocabulary, detokenize: (token: number) => string) {
    this.#vocabulary = vocabulary
    this.#detokenize = detokenize
  }

  /** Number of token ids; valid ids are 0 to `size - 1`. */
  get size(): number {
    return this.#vocabulary.tokens.length
  }

  of(token: number): string | Uint8Array {
    const known = this.#pieces[token]
    if (known !== undefined) return known
    const piece = this.#resolve(token)
    this.#pieces[token] = piece
    return piece
  }

  #resolve(token: number): string | Uint8Array {
    const { model, tokens, types } = this.#vocabulary
    const raw = tokens[token]
    if (raw === undefined) return ''
    const type = types?.[token] ?? TokenType.normal
    if (type === TokenType.userDefined) return raw
    if (type === TokenType.byte) {
      const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(raw)?.[1]
      return byte === undefined ? '' : asPiece(Uint8Array.of(Number.parseInt(byte, 16)))
    }
    if (type !== TokenType.normal) return ''
    if (model === 'gpt2') return asPiece(byteLevelBytes(raw))
    if (model === 'llama' || model === 't5') return raw.replaceAll('\u2581', ' ')
    return this.#detokenize(token)
  }
}

function asPiece(bytes: Uint8Array): string | Uint8Array {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return bytes
  }
}
