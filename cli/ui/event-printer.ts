import { DownloadBar, type Downloaded } from './download-bar.ts'
import { type EventLine, Narrator } from './narrate.ts'
import type { Output } from './output.ts'

/** Prints what a node tells: JSON for scripts; plain words for people, and in a terminal a bar for a download. */
export class EventPrinter {
  readonly #output: Output
  readonly #narrator = new Narrator()
  readonly #bar: DownloadBar | null

  constructor(options: { output: Output }) {
    this.#output = options.output
    this.#bar = !options.output.json && process.stderr.isTTY ? new DownloadBar(process.stderr) : null
  }

  print(event: EventLine): void {
    const progress = downloadedBy(event)
    if (this.#bar !== null && progress !== null) {
      this.#bar.show(String(event.spec), progress)
      return
    }
    if (event.type === 'model') this.#bar?.stop()
    this.above(() =>
      this.#output.line(event, () => {
        const words = this.#narrator.narrate(event)
        return words === null ? null : this.#output.copyable(words)
      }),
    )
  }

  /** Writes something else, above the bar if there is one. */
  above(write: () => void): void {
    if (this.#bar === null) write()
    else this.#bar.above(write)
  }

  /** Takes the bar away; idempotent. */
  stop(): void {
    this.#bar?.stop()
  }
}

/** Null where the event tells of no download, or of one whose length nobody knows. */
function downloadedBy(event: EventLine): Downloaded | null {
  if (event.type !== 'model' || event.state !== 'downloading') return null
  const { bytes, totalBytes, bytesPerSecond } = event.progress as Omit<Downloaded, 'totalBytes'> & {
    totalBytes: number | null
  }
  return totalBytes === null || totalBytes === 0 ? null : { bytes, totalBytes, bytesPerSecond }
}
