import { EXIT } from '../exit-codes.ts'

/** Aborts at the first interrupt typed into the terminal; the second ends the program at once. */
export function abortOnInterrupt(): AbortSignal {
  const abort = new AbortController()
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    abort.abort()
  })
  return abort.signal
}
