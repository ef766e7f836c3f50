import ms, { type StringValue } from 'ms'
import { TASK_CLASS_PATTERN } from '../node/market/routing/learning/task-class.ts'
import { parseCredits } from '../protocol/money.ts'
import { usageError } from './context.ts'

/** As in `protocol/ids.ts`, which takes longer to load than most commands to run. */
const TASK_ID_PATTERN = /^[0-9a-f]{32}$/

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
    const parsed = /^\d+(\.\d+)? ?(ms|s|m|h|d)$/.test(value) ? ms(value as StringValue) : Number.NaN
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

/** 32 bytes in hex. @returns with `0x` before it */
export function bytes32(flag: string): (value: string) => string {
  return value => {
    const digits = value.toLowerCase().replace(/^0x/, '')
    if (/^[0-9a-f]{64}$/.test(digits)) return `0x${digits}`
    throw usageError(`${flag} takes 32 bytes as 64 hex digits, not ${JSON.stringify(value)}`)
  }
}

/** A moment. @returns milliseconds since the Unix epoch */
export function momentMs(flag: string): (value: string) => number {
  return value => {
    const atMs = /^\d{4}-\d{2}-\d{2}(T.+)?$/.test(value) ? Date.parse(value) : Number.NaN
    if (!Number.isNaN(atMs)) return atMs
    throw usageError(
      `${flag} takes a moment, not ${JSON.stringify(value)}`,
      `For example: ${flag} 2026-01-31T12:00:00Z`,
    )
  }
}

/** Name of a kind of work. */
export function taskClass(value: string): string {
  if (TASK_CLASS_PATTERN.test(value)) return value
  throw usageError(
    `--class takes lower-case letters, digits, dots, colons and dashes, not ${JSON.stringify(value)}`,
    'For example: --class mail-triage',
  )
}
