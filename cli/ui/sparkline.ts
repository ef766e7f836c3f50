const BARS = '▁▂▃▄▅▆▇█'

/**
 * Numbers as a line of bars, one a number; a space where there is none.
 * @param range of all lines that are to be compared; equal ends make bars of middle height
 */
export function sparkline(values: readonly (number | null)[], range: { low: number; high: number }): string {
  const { low, high } = range
  return values
    .map(value => {
      if (value === null) return ' '
      const share = high > low ? (value - low) / (high - low) : 0.5
      return BARS[Math.min(BARS.length - 1, Math.max(0, Math.round(share * (BARS.length - 1))))]!
    })
    .join('')
}

/** Fewer numbers of the same story: the means of neighbours; null where none of them is known. */
export function thinned(values: readonly (number | null)[], most: number): (number | null)[] {
  if (values.length <= most) return [...values]
  return Array.from({ length: most }, (_, index) => {
    const from = Math.floor((index * values.length) / most)
    const to = Math.floor(((index + 1) * values.length) / most)
    const known = values.slice(from, to).filter(value => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  })
}

/** Where a value lies among others: `──┼────◆──`, ┼ the middle one, ◆ the value; with what the ends stand for. */
export function scaleBar(
  scale: { low: number; middle: number; high: number },
  value: number,
  width: number,
): { low: number; bar: string; high: number } {
  const low = Math.min(scale.low, value)
  const high = Math.max(scale.high, value)
  const at = (of: number) => (high > low ? Math.round(((of - low) / (high - low)) * (width - 1)) : width >> 1)
  const cells = Array.from({ length: width }, () => '─')
  cells[at(scale.middle)] = '┼'
  cells[at(value)] = '◆'
  return { low, bar: cells.join(''), high }
}
