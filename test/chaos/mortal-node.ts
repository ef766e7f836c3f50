import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DataDir } from '../../node/data-dir.ts'
import { ControlClient } from '../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../node/gateway/control-endpoint.ts'
import { waitUntil } from '../helpers/wait.ts'

/** One line of `shoal up --json`. */
export type Told = Record<string, unknown> & { type?: string }

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const READY_TIMEOUT_MS = 60_000
const MAX_COMPLAINT_CHARS = 4_000

/** `shoal up` over one data folder, killed and started again: each life is a process of its own. */
export class MortalNode {
  readonly name: string
  readonly dataDir: DataDir
  readonly control: ControlClient
  /** What all lives told, the newest last. */
  readonly told: Told[] = []
  lives = 0
  isKilled = false
  readonly #flags: readonly string[]
  readonly #isReady: (told: readonly Told[]) => boolean
  #process: ChildProcess | null = null
  #gone: Promise<unknown> = Promise.resolve()
  /** Where in `told` this life begins. */
  #from = 0
  #complaints = ''

  /** @param options.isReady whether a life that told this can do its work */
  constructor(options: {
    name: string
    dataDir: DataDir
    flags: readonly string[]
    isReady: (told: readonly Told[]) => boolean
  }) {
    this.name = options.name
    this.dataDir = options.dataDir
    this.control = new ControlClient(controlEndpoint(options.dataDir))
    this.#flags = options.flags
    this.#isReady = options.isReady
  }

  /** Begins a life; does not wait for it to get anywhere. */
  begin(): void {
    this.lives++
    this.isKilled = false
    this.#from = this.told.length
    this.#complaints = ''
    const flags = ['up', '--json', '--data', this.dataDir.root, ...this.#flags]
    const life = fork(MAIN, flags, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    life.stderr!.on('data', (data: Buffer) => {
      this.#complaints = (this.#complaints + data.toString()).slice(-MAX_COMPLAINT_CHARS)
    })
    const lines = createInterface({ input: life.stdout! })
    lines.on('line', line => this.#hear(line))
    // What it told before it died is heard before it counts as gone.
    this.#gone = Promise.all([once(life, 'exit'), once(lines, 'close')])
    this.#process = life
  }

  /** What this life has told. */
  get lifeTold(): readonly Told[] {
    return this.told.slice(this.#from)
  }

  /**
   * Resolves when this life can do its work.
   * @throws {Error} when it ends by itself instead
   */
  async ready(): Promise<void> {
    const life = this.#process!
    await waitUntil(
      `${this.name} is ready`,
      () => {
        if (life.exitCode !== null) throw new Error(`${this.name} ended: ${this.#complaints}`)
        return this.#isReady(this.lifeTold)
      },
      READY_TIMEOUT_MS,
    )
  }

  #hear(line: string): void {
    try {
      this.told.push(JSON.parse(line) as Told)
    } catch {
      // The last word of a killed process is cut off.
    }
  }

  /** Ends this life by SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.isKilled = true
    this.#process?.kill('SIGKILL')
    await this.#gone
  }

  /** Ends this life in good order. Idempotent. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM')
    await this.#gone
  }
}
