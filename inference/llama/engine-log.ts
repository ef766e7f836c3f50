export type EngineLogLevel = 'debug' | 'warn' | 'error'

/** Where an engine tells what it does; never prompts or output. */
export type EngineLog = (level: EngineLogLevel, message: string) => void

/** The last lines of a log, bounded, for saying what came before a failure. */
export class LogTail {
  readonly #maxChars: number
  #text = ''

  constructor(options: { maxChars: number }) {
    this.#maxChars = options.maxChars
  }

  add(line: string): void {
    this.#text = `${this.#text}${line.slice(-this.#maxChars)}\n`.slice(-this.#maxChars)
  }

  clear(): void {
    this.#text = ''
  }

  toString(): string {
    return this.#text.trim()
  }
}
