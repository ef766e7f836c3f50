import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './log-levels.ts'

export type { Logger }

/**
 * The root logger: one JSON line each, to a file that is synced line by line, or to a given stream.
 * Messages are constant; what varies goes into fields. Text from peers appears at debug at most, prompts
 * and outputs never.
 */
export function createLogger(
  options: { level: LogLevel; file?: string },
  destination?: DestinationStream,
): Logger {
  const target =
    destination ?? pino.destination({ dest: options.file ?? 2, sync: true, mkdir: true, mode: 0o600 })
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, target)
}
