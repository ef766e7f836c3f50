/** How far a call has come: tokens made, and the text since the last report. */
export interface Progress {
  progress: number
  total: number
  message: string
}

/**
 * Tells a client how an answer grows, one report at a time: text that comes while one is on its way goes with the next, so
 * that a slow reader costs the node no queue.
 */
export class ProgressReporter {
  readonly #send: (progress: Progress) => Promise<void>
  readonly #total: number
  #tokens = 0
  #text = ''
  #sending: Promise<void> | null = null

  /** @param options.total the most tokens there can be */
  constructor(options: { total: number }, modules: { send: (progress: Progress) => Promise<void> }) {
    this.#total = options.total
    this.#send = modules.send
  }

  add(text: string, tokens: number): void {
    this.#tokens += tokens
    this.#text += text
    this.#sending ??= this.#drain()
  }

  /** Resolves when all is told; what cannot be told is no failure of the answer. */
  async end(): Promise<void> {
    await this.#sending
  }

  async #drain(): Promise<void> {
    try {
      while (this.#text !== '') {
        const message = this.#text
        this.#text = ''
        await this.#send({ progress: this.#tokens, total: Math.max(this.#total, this.#tokens), message })
      }
    } catch {
      // The client is gone: its request's signal ends the answer.
      this.#text = ''
    } finally {
      this.#sending = null
    }
  }
}
