/** One credit in base units: CreditToken has 18 decimals. */
export const CREDIT = 10n ** 18n

/** Price of a model, in base units per million tokens. */
export interface TokenPrice {
  inputPerMillion: bigint
  outputPerMillion: bigint
}

export interface TokenUsage {
  inputTokens: number
  outputTokens: number
}

const TOKENS_PER_PRICE = 1_000_000n

/**
 * What `usage` costs at `price`, in base units, rounded up once over the whole so that no amount of
 * free work hides in the rounding of parts. Monotonic in every argument.
 * @throws {RangeError} on negative or fractional token counts
 */
export function costRoundedUp(price: TokenPrice, usage: TokenUsage): bigint {
  const { inputTokens, outputTokens } = usage
  if (
    !Number.isSafeInteger(inputTokens) ||
    !Number.isSafeInteger(outputTokens) ||
    inputTokens < 0 ||
    outputTokens < 0
  ) {
    throw new RangeError('token counts are non-negative integers')
  }
  const total = price.inputPerMillion * BigInt(inputTokens) + price.outputPerMillion * BigInt(outputTokens)
  return (total + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE
}

/**
 * Reads an amount of credits as people write it: `12`, `0.5`, `1_000.25`.
 * @returns base units
 * @throws {RangeError} on anything else, on more than 18 decimals, and on negative amounts
 */
export function parseCredits(text: string): bigint {
  const match = /^(\d{1,21}(?:_\d{3})*)(?:\.(\d{1,18}))?$/.exec(text.trim())
  if (!match) throw new RangeError(`not an amount of credits: ${JSON.stringify(text.slice(0, 40))}`)
  const whole = BigInt(match[1]!.replaceAll('_', ''))
  return whole * CREDIT + BigInt((match[2] ?? '').padEnd(18, '0'))
}

/** Writes base units as an exact decimal number of credits, without trailing zeros. Inverse of `parseCredits`. */
export function formatCredits(baseUnits: bigint): string {
  const sign = baseUnits < 0n ? '-' : ''
  const absolute = baseUnits < 0n ? -baseUnits : baseUnits
  const fraction = (absolute % CREDIT).toString().padStart(18, '0').replace(/0+$/, '')
  return `${sign}${absolute / CREDIT}${fraction === '' ? '' : `.${fraction}`}`
}

/** The smaller of two amounts. */
export function minAmount(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** The larger of two amounts. */
export function maxAmount(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
