import { parseHourSpan } from '../learning/lifecycle/limits/hours.ts'
import type { Kind } from './kinds.ts'

/** Hours of some days, such as `mon-fri 22:00-07:00`. */
export const hourSpan: Kind<string> = {
  placeholder: 'hours',
  parse(raw) {
    if (typeof raw !== 'string') throw new RangeError('expected hours such as 22:00-07:00')
    return parseHourSpan(raw).text
  },
  show: value => value,
}
