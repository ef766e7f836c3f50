import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './log-levels.ts'

export type { Logger }

/** Of lines that could not be written; those beyond are lost. */
const MAX_WAITING_BYTES = 1_048_576

/**
 * The root logger: one JSON line each, to a file that is synced line by line, or to a given stream.
 * Messages are constant; what varies goes into fields. Text from peers appears at debug at most, prompts
 * and outputs never.
 */
export function createLogger(
  options: { level: LogLevel; file?: string },
  destination?: DestinationStream,
): Logger {
  const target = destination ?? logFile(options.file ?? 2)
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, target)
}

/** A disk without room costs log lines, not the node. */
function logFile(dest: string | number): DestinationStream {
  const file = pino.destination({
    ...{ dest, sync: true, mkdir: true, mode: 0o600 },
    maxLength: MAX_WAITING_BYTES,
  })
  file.on('error', () => {})
  return file
}
