import type cliProgress from 'cli-progress'
import { readableBytes, readableSpan } from './readable.ts'
import { terminalBar } from './terminal-bar.ts'

/** How far a download is. */
export interface Downloaded {
  bytes: number
  totalBytes: number
  bytesPerSecond: number
}

const MAX_NAME_CHARS = 32
const BAR_CHARS = 16

/** A bar at the foot of a terminal; other lines scroll by above it. */
export class DownloadBar {
  readonly #stream: NodeJS.WritableStream
  #bar: cliProgress.SingleBar | null = null
  #told: { name: string; downloaded: Downloaded } | null = null

  /** @param stream a terminal */
  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
  }

  show(name: string, downloaded: Downloaded): void {
    this.#told = { name, downloaded }
    const values = valuesOf(name, downloaded)
    if (this.#bar !== null) {
      this.#bar.update(downloaded.bytes, values)
      return
    }
    this.#bar = terminalBar(this.#stream, {
      format: '· {name} {bar} {percentage} % of {size}, {speed}/s, {left}',
      barChars: BAR_CHARS,
    })
    this.#bar.start(downloaded.totalBytes, downloaded.bytes, values)
  }

  /** Writes something above the bar. */
  above(write: () => void): void {
    const told = this.#told
    this.stop()
    write()
    if (told !== null) this.show(told.name, told.downloaded)
  }

  /** Takes the bar away; idempotent. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = null
    this.#told = null
  }
}

function valuesOf(name: string, { bytes, totalBytes, bytesPerSecond }: Downloaded): Record<string, string> {
  const isStalled = bytesPerSecond < 1
  return {
    name: name.length > MAX_NAME_CHARS ? `…${name.slice(1 - MAX_NAME_CHARS)}` : name,
    size: readableBytes(totalBytes),
    speed: readableBytes(bytesPerSecond),
    left: isStalled ? 'waiting' : `${readableSpan(((totalBytes - bytes) / bytesPerSecond) * 1_000)} left`,
  }
}
