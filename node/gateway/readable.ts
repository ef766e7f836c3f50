/** Fewer decimals than this are shown as they are. */
const DECIMALS = 6
/** Of an amount so small that it has nothing but zeros there. */
const SIGNIFICANT_DIGITS = 4

/**
 * An exact amount of credits, shortened for people: six decimals, or four digits of what is smaller. Cut, not
 * rounded: nobody sees more than there is.
 * @param exact decimal, as in JSON
 */
export function readableCredits(exact: string): string {
  const [whole = '0', fraction = ''] = exact.split('.')
  if (fraction.length <= DECIMALS) return exact
  const zeros = /^0*/.exec(fraction)![0].length
  const isTiny = /^-?0+$/.test(whole) && zeros >= DECIMALS - SIGNIFICANT_DIGITS
  const kept = fraction.slice(0, isTiny ? zeros + SIGNIFICANT_DIGITS : DECIMALS).replace(/0+$/, '')
  return kept === '' ? whole : `${whole}.${kept}`
}

/** `1 credit`, `0.5 credits`: a readable amount with its unit. */
export function inCredits(exact: string): string {
  const amount = readableCredits(exact)
  return `${amount} credit${amount === '1' ? '' : 's'}`
}

/** `under 0.1 s`, `2.4 s`, `3 min`. */
export function readableSeconds(seconds: number): string {
  if (seconds < 0.1) return 'under 0.1 s'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}

/** A point in time by this machine's clock and time zone: `2026-05-01 09:30:00`. */
export function readableTime(iso: string): string {
  const at = new Date(iso)
  const two = (value: number) => String(value).padStart(2, '0')
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A span of time in its two largest units: `6 d 23 h`, `4 min 10 s`. */
export function readableSpan(spanMs: number): string {
  const ms = Math.max(0, spanMs)
  const units: [number, string, number, string][] = [
    [DAY_MS, 'd', HOUR_MS, 'h'],
    [HOUR_MS, 'h', MINUTE_MS, 'min'],
    [MINUTE_MS, 'min', 1_000, 's'],
  ]
  for (const [large, largeName, small, smallName] of units) {
    if (ms < large) continue
    const rest = Math.floor((ms % large) / small)
    return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
  }
  return `${Math.floor(ms / 1_000)} s`
}

/** `1 anchor`, `2 anchors`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** `16.2 MB`, in powers of ten as disks and downloads are told. */
export function readableBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `1.0 M`, `353 M`, `7.6 B`: parameters of a model. */
export function readableParameters(parameters: number): string {
  const [value, unit] = parameters >= 1e9 ? [parameters / 1e9, 'B'] : [parameters / 1e6, 'M']
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`
}
