import type { StopReason } from '../engine.ts'
import { StopStrings } from '../stop-strings.ts'
import type { TextStream } from './text-stream.ts'
import type { TokenPieces } from './token-pieces.ts'

export interface OutputTextOptions {
  /** Stop strings of the request. */
  stop: readonly string[]
  /** Texts by which the chat template's turns end. */
  stopTexts: readonly string[]
}

export interface OutputTextModules {
  pieces: TokenPieces
  /** Already holds the open bytes of what was written before. */
  stream: TextStream
  isEndToken: (token: number) => boolean
}

export interface OutputStep {
  text: string
  /** Why the output ends with this token; null while it goes on. */
  reason: Extract<StopReason, 'stop' | 'stop_string'> | null
}

/** From tokens to the text that may be shown: whole characters only, and nothing of a stop string. */
export class OutputText {
  readonly #pieces: TokenPieces
  readonly #stream: TextStream
  readonly #isEndToken: (token: number) => boolean
  readonly #requestStops: ReadonlySet<string>
  readonly #stops: StopStrings

  constructor(options: OutputTextOptions, modules: OutputTextModules) {
    this.#pieces = modules.pieces
    this.#stream = modules.stream
    this.#isEndToken = modules.isEndToken
    this.#requestStops = new Set(options.stop)
    this.#stops = new StopStrings([...options.stop, ...options.stopTexts])
  }

  push(token: number): OutputStep {
    if (this.#isEndToken(token)) return { text: this.#stops.flush(), reason: 'stop' }
    return this.pushText(this.#stream.push(this.#pieces.of(token)))
  }

  pushText(text: string): OutputStep {
    const result = this.#stops.push(text)
    if (result.stop === null) return { text: result.text, reason: null }
    return { text: result.text, reason: this.#requestStops.has(result.stop) ? 'stop_string' : 'stop' }
  }

  /** What was held back, when the output ends for another reason. Half a character is dropped. */
  flush(): string {
    return this.#stops.flush()
  }
}
