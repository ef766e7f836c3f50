import ms, { type StringValue } from 'ms'
import { formatCredits, parseCredits } from '../../protocol/money.ts'

/** How one kind of value is read from text (flags, environment) or from YAML, and shown again. */
export interface Kind<T> {
  /** What a reader of `--help` sees in place of the value. */
  readonly placeholder: string
  /** @throws {RangeError} saying what is expected */
  parse(raw: unknown): T
  show(value: T): string
}

const expected = (what: string): never => {
  throw new RangeError(`expected ${what}`)
}

export const text = (placeholder = 'text', maxChars = 1_024): Kind<string> => ({
  placeholder,
  parse: raw =>
    typeof raw === 'string' && raw.length <= maxChars
      ? raw
      : expected(`text of at most ${maxChars} characters`),
  show: value => value,
})

export const choice = <const Choices extends readonly string[]>(choices: Choices): Kind<Choices[number]> => ({
  placeholder: choices.join('|'),
  parse: raw => choices.find(value => value === raw) ?? expected(`one of ${choices.join(', ')}`),
  show: value => value,
})

export const flag: Kind<boolean> = {
  placeholder: '',
  parse: raw =>
    raw === true || raw === 'true' || raw === '1' || raw === 'yes'
      ? true
      : raw === false || raw === 'false' || raw === '0' || raw === 'no'
        ? false
        : expected('true or false'),
  show: String,
}

export const integer = (min: number, max: number): Kind<number> => ({
  placeholder: 'n',
  parse(raw) {
    const value =
      typeof raw === 'number'
        ? raw
        : typeof raw === 'string' && /^-?\d+$/.test(raw)
          ? Number(raw)
          : Number.NaN
    return Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : expected(`a whole number from ${min} to ${max}`)
  },
  show: String,
})

/** A share of a whole, such as `0.1`. */
export const fraction: Kind<number> = {
  placeholder: 'share',
  parse(raw) {
    const isWritten = typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw)
    const value = typeof raw === 'number' ? raw : isWritten ? Number(raw) : Number.NaN
    return value >= 0 && value <= 1 ? value : expected('a share from 0 to 1, such as 0.1')
  },
  show: String,
}

/** A span of time such as `90s` or `12h`, in milliseconds. */
export const duration = (minMs: number, maxMs: number): Kind<number> => ({
  placeholder: 'time',
  parse(raw) {
    const value =
      typeof raw === 'string' && /^\d+(\.\d+)? ?(ms|s|m|h|d)$/.test(raw) ? ms(raw as StringValue) : Number.NaN
    return value >= minMs && value <= maxMs
      ? value
      : expected(`a time from ${ms(minMs)} to ${ms(maxMs)}, such as 30s or 12h`)
  },
  show: value => (value % 1_000 === 0 ? ms(value) : `${value}ms`),
})

/** A node, by its PeerId or its node key; `nodeKeyFrom` makes the key of either. */
export const node: Kind<string> = {
  placeholder: 'peer',
  parse: raw =>
    typeof raw === 'string' && /^(12D3Koo[1-9A-HJ-NP-Za-km-z]{45}|[0-9a-f]{64})$/.test(raw)
      ? raw
      : expected('a PeerId, as shoal peers shows them'),
  show: value => value,
}

/** A wallet or contract. */
export const address: Kind<string> = {
  placeholder: 'address',
  parse: raw =>
    typeof raw === 'string' && /^0x[0-9a-f]{40}$/i.test(raw)
      ? raw.toLowerCase()
      : expected('an address: 0x and 40 hex digits'),
  show: value => value,
}

/** An amount of credits, in base units. */
export const credits = (min: bigint): Kind<bigint> => ({
  placeholder: 'credits',
  parse(raw) {
    let value: bigint
    try {
      value = parseCredits(String(raw))
    } catch {
      return expected('an amount of credits, such as 1.5')
    }
    return value >= min ? value : expected(`at least ${formatCredits(min)} credits`)
  },
  show: formatCredits,
})

/** A list in YAML, or text with commas. */
export const list = (of: Kind<string>, maxItems = 32): Kind<string[]> => ({
  placeholder: `${of.placeholder},…`,
  parse(raw) {
    const items = Array.isArray(raw)
      ? raw
      : typeof raw === 'string'
        ? raw.split(',').map(item => item.trim())
        : expected('a list')
    const filled = items.filter(item => item !== '')
    if (filled.length > maxItems) return expected(`at most ${maxItems} entries`)
    return filled.map(item => of.parse(item))
  },
  show: value => value.map(item => of.show(item)).join(','),
})

/** A value that may be left open. */
export const optional = <T>(of: Kind<T>): Kind<T | null> => ({
  placeholder: of.placeholder,
  parse: raw => (raw === null || raw === '' ? null : of.parse(raw)),
  show: value => (value === null ? '' : of.show(value)),
})
