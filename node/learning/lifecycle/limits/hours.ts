import type { Clock } from '../../../clock.ts'
import { ALLOWED, hindered, type Limit, type LimitVerdict } from './limit.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const DAY_MINUTES = 24 * 60
const SPAN =
  /^(?:(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? )?(\d\d):(\d\d)-(\d\d):(\d\d)$/

/** A span of the day, on some days; one that ends before it begins goes on into the next day. */
export interface HourSpan {
  text: string
  /** Of Monday to Sunday, on which it begins. */
  days: readonly boolean[]
  /** Minutes of the day. */
  from: number
  to: number
}

/** Reads `22:00-07:00`, `sat 08:00-20:00` or `mon-fri 18:00-24:00`. @throws {RangeError} */
export function parseHourSpan(text: string): HourSpan {
  const match = SPAN.exec(text.trim().toLowerCase())
  const [first, last] = [DAYS.indexOf(match?.[1] as never), DAYS.indexOf((match?.[2] ?? match?.[1]) as never)]
  const [from, to] = [minutesOf(match?.[3], match?.[4]), minutesOf(match?.[5], match?.[6])]
  if (match === null || from === null || to === null || from === DAY_MINUTES || from === to)
    throw new RangeError('expected hours such as 22:00-07:00 or mon-fri 18:00-24:00')
  // A week is a circle: fri-mon is four days.
  const days = DAYS.map((_, day) => match[1] === undefined || (day - first + 7) % 7 <= (last - first + 7) % 7)
  return { text: match[0], days, from, to }
}

/**
 * Lets learn in some hours only, by the clock on the wall: where an hour comes twice in autumn both count, and one that is
 * left out in spring does not.
 */
export class Hours implements Limit {
  readonly code = 'hours'
  readonly #spans: readonly HourSpan[]
  readonly #clock: Clock
  readonly #format: Intl.DateTimeFormat

  /**
   * @param options.hours as `parseHourSpan` reads them; none lets learn at all times
   * @param options.timeZone default: that of this machine
   */
  constructor(options: { hours: readonly string[]; timeZone?: string }, modules: { clock: Clock }) {
    this.#spans = options.hours.map(parseHourSpan)
    this.#clock = modules.clock
    this.#format = new Intl.DateTimeFormat('en-GB', {
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    })
  }

  async check(): Promise<LimitVerdict> {
    if (this.#spans.length === 0) return ALLOWED
    const parts = Object.fromEntries(
      this.#format.formatToParts(this.#clock.nowMs()).map(({ type, value }) => [type, value]),
    )
    const day = DAYS.indexOf(parts.weekday!.toLowerCase() as never)
    const minute = minutesOf(parts.hour, parts.minute)!
    if (this.#spans.some(span => isWithin(span, day, minute))) return ALLOWED
    return hindered(
      `it is ${parts.hour}:${parts.minute}, and learning is for ${this.#spans.map(({ text }) => text).join(', ')}`,
    )
  }
}

function isWithin({ days, from, to }: HourSpan, day: number, minute: number): boolean {
  const yesterday = (day + 6) % 7
  if (from < to) return days[day]! && minute >= from && minute < to
  return (days[day]! && minute >= from) || (days[yesterday]! && minute < to)
}

function minutesOf(hours: string | undefined, minutes: string | undefined): number | null {
  const total = Number(hours) * 60 + Number(minutes)
  return Number(minutes) < 60 && total <= DAY_MINUTES ? total : null
}
