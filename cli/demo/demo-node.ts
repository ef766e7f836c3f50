import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DataDir } from '../../node/data-dir.ts'
import { ControlClient } from '../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../node/gateway/control-endpoint.ts'
import type { StatusView } from '../../node/gateway/views.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { EventLine } from '../ui/narrate.ts'

const STOP_TIMEOUT_MS = 12_000
const MAX_KEPT_EVENTS = 10_000

/** One node of the demo: `shoal up` in a process of its own, heard through its JSON lines. */
export class DemoNode {
  readonly name: string
  readonly dataDir: DataDir
  readonly control: ControlClient
  status: StatusView | null = null
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #events: EventLine[] = []
  readonly #waiting = new Set<() => void>()
  #failure: ShoalError | null = null

  constructor(options: { name: string; dataDir: DataDir; flags: readonly string[] }) {
    this.name = options.name
    this.dataDir = options.dataDir
    this.control = new ControlClient(controlEndpoint(options.dataDir))
    const main = fileURLToPath(
      new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    )
    const flags = ['up', '--json', '--data', options.dataDir.root, ...options.flags]
    this.#child = fork(main, flags, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    let complaints = ''
    this.#child.stderr?.on('data', (data: Buffer) => {
      complaints = (complaints + data.toString()).slice(-2_000)
    })
    createInterface({ input: this.#child.stdout! }).on('line', line => this.#hear(line))
    this.#exited = new Promise(resolve => {
      this.#child.once('exit', code => {
        this.#failure ??= new ShoalError(
          'DEMO_NODE_ENDED',
          `the node ${this.name} ended with status ${code}`,
          {
            fix: complaints.trim() === '' ? `Its log is in ${this.dataDir.log}.` : complaints.trim(),
          },
        )
        this.#wake()
        resolve()
      })
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /**
   * Waits for an event, one that has come already included.
   * @throws {ShoalError} DEMO_STEP_FAILED after `timeoutMs`, or why the node ended
   */
  async waitFor(what: string, matches: (event: EventLine) => boolean, timeoutMs: number): Promise<EventLine> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const found = this.#events.find(matches)
      if (found !== undefined) return found
      if (this.#failure !== null) throw this.#failure
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) {
        throw new ShoalError(
          'DEMO_STEP_FAILED',
          `${this.name}: ${what} did not happen within ${Math.round(timeoutMs / 1_000)} s`,
          {
            fix: `Its log is in ${this.dataDir.log}.`,
          },
        )
      }
      await this.#news(leftMs)
    }
  }

  /** Ends the process in good order, by force if that takes too long. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.#exited
    clearTimeout(force)
  }

  #hear(line: string): void {
    let event: EventLine & { error?: { code: string; message: string; fix?: string } }
    try {
      event = JSON.parse(line) as typeof event
    } catch {
      return
    }
    if (event.error !== undefined && event.type === undefined) {
      const { code, message, fix } = event.error
      this.#failure = new ShoalError(code, `${this.name}: ${message}`, fix === undefined ? {} : { fix })
    } else {
      if (event.type === 'ready') this.status = event as unknown as StatusView
      if (this.#events.length < MAX_KEPT_EVENTS) this.#events.push(event)
    }
    this.#wake()
  }

  #news(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const done of this.#waiting) done()
  }
}
