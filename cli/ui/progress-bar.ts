import type cliProgress from 'cli-progress'
import { terminalBar } from './terminal-bar.ts'

const BAR_CHARS = 24

/** A bar for work of known length, on a terminal; elsewhere nothing is shown. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream
  #bar: cliProgress.SingleBar | null = null
  #name = ''

  /** @param stream where it is drawn, if that is a terminal */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(name: string, done: number, total: number): void {
    if (!this.#stream.isTTY) return
    if (this.#bar === null || name !== this.#name) {
      this.stop()
      this.#name = name
      this.#bar = terminalBar(this.#stream, {
        format: '· {name} {bar} {value} of {total}, {eta_formatted} left',
        barChars: BAR_CHARS,
      })
      this.#bar.start(total, done, { name })
    } else this.#bar.update(done, { name })
  }

  /** Takes the bar away; idempotent. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = null
  }
}
