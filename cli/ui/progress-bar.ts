import cliProgress from 'cli-progress'

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
      this.#bar = new cliProgress.SingleBar(
        {
          format: '· {name} {bar} {value} of {total}, {eta_formatted} left',
          barsize: BAR_CHARS,
          stream: this.#stream,
          clearOnComplete: true,
          gracefulExit: false,
          hideCursor: false,
        },
        cliProgress.Presets.shades_classic,
      )
      this.#bar.start(total, done, { name })
    } else this.#bar.update(done, { name })
  }

  /** Takes the bar away; idempotent. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = null
  }
}
