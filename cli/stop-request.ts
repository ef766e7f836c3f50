import { EXIT } from './exit-codes.ts'
import { endWithoutReader } from './no-reader.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What tells a running node to stop: the first time in good order, the second time at once. */
export class StopRequest {
  readonly asked: Promise<void>
  isAsked = false
  readonly #resolve: () => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.asked = promise
    this.#resolve = resolve
  }

  ask(): void {
    this.isAsked = true
    this.#resolve()
  }

  /**
   * Listens to signals and to the reader of standard output.
   * @param options.withParent stop also when the program that started this one is gone
   */
  listen(options: { withParent: boolean }): void {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        // A closing terminal may say so twice, and is not in a hurry.
        if (this.isAsked && signal !== 'SIGHUP') process.exit(EXIT.interrupted)
        this.ask()
      })
    }
    process.stdout.off('error', endWithoutReader).on('error', () => this.ask())
    if (options.withParent && process.channel !== undefined) process.once('disconnect', () => this.ask())
  }
}
