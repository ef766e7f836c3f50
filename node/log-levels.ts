/** Apart from the logger, so that naming a level does not load it. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
