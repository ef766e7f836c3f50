import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Ends a process, or a whole group, when this one is gone, which a process that is stopped cannot see by itself: a shell
 * waits at the end of a pipe for nothing to come. On Windows there is neither stopping nor a shell, and it does nothing.
 */
export class ProcessGuardian {
  readonly #target: number
  #shell: ChildProcess | null = null

  /** @param options.isGroup whether `pid` leads a group that is to end with it */
  constructor(options: { pid: number; isGroup: boolean }) {
    this.#target = options.isGroup ? -options.pid : options.pid
  }

  /** Idempotent. */
  start(): void {
    if (this.#shell !== null || process.platform === 'win32') return
    // In a session of its own, so that an interrupt typed into the terminal does not reach it.
    this.#shell = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$0"', String(this.#target)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    })
    // Without a shell, whoever ends this process by force ends the other one, too.
    this.#shell.on('error', () => {})
    this.#shell.stdin?.on('error', () => {})
    this.#shell.unref()
    ;(this.#shell.stdin as unknown as { unref(): void }).unref()
  }

  /** Idempotent; to be called as soon as the process is known to have ended, since its number may be given away. */
  stop(): void {
    this.#shell?.kill('SIGKILL')
    this.#shell = null
  }
}
