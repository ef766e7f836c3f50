import { EXIT } from './exit-codes.ts'

/** Ends like a program that gets SIGPIPE, when `shoal … | head` has read enough. */
export function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.noReader)
  throw error
}
