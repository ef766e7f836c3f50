import { spawn } from 'node:child_process'
import { getPriority, setPriority } from 'node:os'
import { LearningError } from './errors.ts'
import { ProcessGuardian } from './process-guardian.ts'
import { residentBytes } from './resident-memory.ts'

export interface HeldProcessOptions {
  pid: number
  /** Whether it leads a group of processes that share its fate. */
  isGroup: boolean
  /** As `nice` has it. */
  niceness: number
  /** Memory that it may take; null for any. */
  maxMemoryBytes: number | null
}

const MEMORY_CHECK_INTERVAL_MS = 500

/** A process of a training from outside: stopped and gone on, watched, and ended with all that it started. */
export class HeldProcess {
  readonly #pid: number
  readonly #isGroup: boolean
  readonly #guardian: ProcessGuardian
  readonly #memoryTimer: NodeJS.Timeout | undefined
  #hasEnded = false

  /** @param modules.onTooMuchMemory called when it takes more than it may, maybe several times */
  constructor(options: HeldProcessOptions, modules: { onTooMuchMemory: (error: LearningError) => void }) {
    this.#pid = options.pid
    this.#isGroup = options.isGroup
    this.#guardian = new ProcessGuardian(options)
    // A group of its own is not told when this process ends.
    if (options.isGroup) this.#guardian.start()
    lowerPriority(options.pid, options.niceness)
    const { maxMemoryBytes: maxBytes } = options
    if (maxBytes === null) return
    this.#memoryTimer = setInterval(async () => {
      const bytes = await residentBytes(options.pid)
      if (bytes !== null && bytes > maxBytes) modules.onTooMuchMemory(tooMuchMemory(bytes, maxBytes))
    }, MEMORY_CHECK_INTERVAL_MS)
    this.#memoryTimer.unref()
  }

  /** Whether this system can stop a process; it cannot on Windows. */
  get canPause(): boolean {
    return process.platform !== 'win32'
  }

  /** It uses no processor from now on, though it keeps its memory. */
  pause(): void {
    this.#guardian.start()
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  /** Ends it and all of its group. */
  kill(): void {
    if (process.platform === 'win32' && this.#isGroup && !this.#hasEnded) {
      spawn('taskkill', ['/pid', String(this.#pid), '/T', '/F'], { stdio: 'ignore' }).on('error', () => {})
    } else this.#signal('SIGKILL')
  }

  /** To be called as soon as it has ended, since its number may be given to another. What is left of its group ends. */
  ended(): void {
    if (this.#isGroup) this.#signal('SIGKILL')
    this.#hasEnded = true
    clearInterval(this.#memoryTimer)
    this.#guardian.stop()
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#hasEnded) return
    try {
      process.kill(this.#isGroup && process.platform !== 'win32' ? -this.#pid : this.#pid, signal)
    } catch {
      // It has ended already.
    }
  }
}

export function tooMuchMemory(bytes: number, maxBytes: number): LearningError {
  return new LearningError(
    'TRAINING_MEMORY',
    `training takes ${bytes} bytes of memory, ${maxBytes} are allowed`,
    {
      fix: 'Train with fewer or shorter rows, or allow more memory.',
      details: { bytes, maxBytes },
    },
  )
}

function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, Math.max(getPriority(), niceness))
  } catch {
    // It has ended already, or the system does not allow it: slower for others, not wrong.
  }
}
