import { createRequire } from 'node:module'
import type cliProgress from 'cli-progress'

/** When it is needed: nothing waits for a terminal's library that nobody looks at. */
const load = createRequire(import.meta.url)

/** A bar that is taken away when its work is done. @param stream a terminal */
export function terminalBar(
  stream: NodeJS.WritableStream,
  options: { format: string; barChars: number },
): cliProgress.SingleBar {
  const { SingleBar, Presets } = load('cli-progress') as typeof cliProgress
  return new SingleBar(
    {
      ...{ format: options.format, barsize: options.barChars, stream, clearOnComplete: true },
      // Signals are the command's to handle, and it may be ended by force.
      ...{ gracefulExit: false, hideCursor: false },
    },
    Presets.shades_classic,
  )
}
