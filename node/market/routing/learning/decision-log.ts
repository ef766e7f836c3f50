import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../../log.ts'
import { type DecisionHistory, type LogLine, logLineSchema } from './log-line.ts'

export interface DecisionLogOptions {
  path: string
  /** Of one file; there are two at most, the older with `.1` at the end of its name. Default 16 MiB. */
  maxBytes?: number
  /** Lines that may wait to be written; more are dropped and counted. Default 4,096. */
  maxWaitingLines?: number
  /** Decisions that reading holds while it looks for what came of them. Default 20,000. */
  maxOpenDecisions?: number
}

const TOGETHER_WITHIN_MS = 20

/**
 * The decisions of this node and what came of them, a line of JSON each, in a file that only grows until another
 * takes its place. Writing never waits and never fails: what cannot be kept is counted. It survives restarts.
 */
export class DecisionLog {
  readonly #path: string
  readonly #maxBytes: number
  readonly #maxWaitingLines: number
  readonly #maxOpenDecisions: number
  readonly #log: Logger
  #waiting: (LogLine | (() => LogLine))[] = []
  #writing: Promise<void> | null = null
  #file: FileHandle | null = null
  #bytes = 0
  /** The file may end in the middle of a line. */
  #isTorn = true
  #dropped = 0
  #isStopped = false

  constructor(options: DecisionLogOptions, modules: { log: Logger }) {
    this.#path = options.path
    this.#maxBytes = options.maxBytes ?? 16 * 1_048_576
    this.#maxWaitingLines = options.maxWaitingLines ?? 4_096
    this.#maxOpenDecisions = options.maxOpenDecisions ?? 20_000
    this.#log = modules.log
  }

  /** Lines that could not be kept since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * Takes in a line; it is in the file soon after.
   * @param line where it is a function it is made only then: when the task that it is about has been sent
   */
  write(line: LogLine | (() => LogLine)): void {
    if (this.#isStopped || this.#waiting.length >= this.#maxWaitingLines) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#writing ??= this.#drain()
  }

  /** Resolves when all that was taken in has been written or dropped. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  /** Writes what waits and closes the file. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.flush()
    await this.#file?.close()
    this.#file = null
  }

  /** All lines, the oldest first; such as cannot be read are left out. */
  async *lines(): AsyncGenerator<LogLine> {
    await this.flush()
    for (const path of [this.#olderPath, this.#path]) {
      if ((await stat(path).catch(() => null)) === null) continue
      const input = createReadStream(path)
      const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
      try {
        for await (const text of reader) {
          const line = parseLine(text)
          if (line !== null) yield line
        }
      } finally {
        reader.close()
        input.destroy()
      }
    }
  }

  /**
   * Decisions with what came of them, in the order of the decisions.
   * @param options.task only those of this task
   */
  async *histories(options: { task?: string } = {}): AsyncGenerator<DecisionHistory> {
    const open = new Map<string, DecisionHistory>()
    for await (const line of this.lines()) {
      if (line.type === 'decision') {
        if (options.task !== undefined && line.task !== options.task) continue
        open.set(line.id, { decision: line, outcomes: [], ratings: [] })
        if (open.size > this.#maxOpenDecisions) {
          const [id, history] = open.entries().next().value!
          open.delete(id)
          yield history
        }
      } else if (line.type === 'outcome') open.get(line.decision)?.outcomes.push(line)
      else open.get(line.decision)?.ratings.push(line)
    }
    yield* open.values()
  }

  get #olderPath(): string {
    return `${this.#path}.1`
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What comes within a moment goes to disk together, and after the task that it is about has been sent.
      if (!this.#isStopped) await delay(TOGETHER_WITHIN_MS)
      const lines = this.#waiting
      this.#waiting = []
      try {
        await this.#append(lines.map(textOf))
      } catch (error) {
        this.#isTorn = true
        this.#dropped += lines.length
        await this.#file?.close().catch(() => {})
        this.#file = null
        this.#log.warn({ err: error, lines: lines.length }, 'decisions could not be logged')
      }
    }
    this.#writing = null
  }

  async #append(lines: readonly string[]): Promise<void> {
    this.#file ??= await this.#openFile()
    // A chunk may be larger than what is left: so the bound holds up to one chunk.
    const chunk = Buffer.from((this.#isTorn && this.#bytes > 0 ? '\n' : '') + lines.join(''))
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes) {
      await this.#file.close()
      this.#file = null
      await rename(this.#path, this.#olderPath)
      this.#file = await this.#openFile()
    }
    await this.#file.appendFile(chunk)
    this.#bytes += chunk.length
    this.#isTorn = false
  }

  async #openFile(): Promise<FileHandle> {
    const file = await open(this.#path, 'a', 0o600)
    this.#bytes = (await file.stat()).size
    return file
  }
}

function textOf(line: LogLine | (() => LogLine)): string {
  return `${JSON.stringify(typeof line === 'function' ? line() : line)}\n`
}

function parseLine(text: string): LogLine | null {
  try {
    return logLineSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
