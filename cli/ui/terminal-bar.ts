import cliProgress from 'cli-progress'

/** A bar that is taken away when its work is done. @param stream a terminal */
export function terminalBar(
  stream: NodeJS.WritableStream,
  options: { format: string; barChars: number },
): cliProgress.SingleBar {
  return new cliProgress.SingleBar(
    {
      ...{ format: options.format, barsize: options.barChars, stream, clearOnComplete: true },
      // Signals are the command's to handle, and it may be ended by force.
      ...{ gracefulExit: false, hideCursor: false },
    },
    cliProgress.Presets.shades_classic,
  )
}
