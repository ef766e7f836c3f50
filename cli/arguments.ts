import ms, { type StringValue } from 'ms'
import { TASK_CLASS_PATTERN } from '../node/market/routing/learning/task-class.ts'
import { TASK_ID_PATTERN } from '../protocol/ids.ts'
import { parseCredits } from '../protocol/money.ts'
import { usageError } from './context.ts'

/** Readers of flags' values: each throws what is expected, with the flag's name. */

export function wholeNumber(flag: string, min: number, max: number): (value: string) => number {
  return value => {
    const parsed = /^-?\d+$/.test(value) ? Number(value) : Number.NaN
    if (Number.isSafeInteger(parsed) && parsed >= min && parsed <= max) return parsed
    throw usageError(
      `${flag} takes a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`,
      `For example: ${flag} ${Math.max(min, 1)}`,
    )
  }
}

export function decimalNumber(flag: string, min: number, max: number): (value: string) => number {
  return value => {
    const parsed = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
    if (parsed >= min && parsed <= max) return parsed
    throw usageError(
      `${flag} takes a number from ${min} to ${max}, not ${JSON.stringify(value)}`,
      `For example: ${flag} ${max < 1 ? max : 0.7}`,
    )
  }
}

/** @returns the amount as it was given, in decimal credits */
export function creditsAmount(flag: string): (value: string) => string {
  return value => {
    try {
      parseCredits(value)
      return value.trim().replaceAll('_', '')
    } catch {
      throw usageError(
        `${flag} takes an amount of credits, not ${JSON.stringify(value)}`,
        'Credits are written as 2, 0.5 or 0.000001.',
      )
    }
  }
}

/** @returns the span of time in milliseconds */
export function timeSpan(flag: string, maxMs: number): (value: string) => number {
  return value => {
    const parsed = /^\d+(\.\d+)? ?(ms|s|m|h)$/.test(value) ? ms(value as StringValue) : Number.NaN
    if (parsed >= 1 && parsed <= maxMs) return Math.round(parsed)
    throw usageError(
      `${flag} takes a time of at most ${ms(maxMs)}, not ${JSON.stringify(value)}`,
      `For example: ${flag} 30s`,
    )
  }
}

/** Values of a flag that may be given several times. */
export function collected(value: string, previous: unknown): string[] {
  return [...((previous as string[] | undefined) ?? []), value]
}

/** Id of a task, 32 hex digits. */
export function taskIdArgument(value: string): string {
  if (TASK_ID_PATTERN.test(value)) return value
  throw usageError(
    `a task's id has 32 hex digits, ${JSON.stringify(value)} has not`,
    'shoal receipts --json tells ids of tasks.',
  )
}

/** Name of a kind of work. */
export function taskClass(value: string): string {
  if (TASK_CLASS_PATTERN.test(value)) return value
  throw usageError(
    `--class takes lower-case letters, digits, dots, colons and dashes, not ${JSON.stringify(value)}`,
    'For example: --class mail-triage',
  )
}
