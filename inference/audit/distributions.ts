/** Special functions that bounds need; accurate to about 1e-7 relative, far more than a bound of an estimate deserves. */

/**
 * Upper tail of the standard normal distribution, for any finite `x`, also where it is tiny.
 * By the continued fraction of erfc (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.14) above 3 and its
 * series (26.2.11) below.
 */
export function normalTail(x: number): number {
  if (x < 0) return 1 - normalTail(-x)
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (x > 3) {
    let fraction = x
    for (let term = 60; term >= 1; term--) fraction = x + term / fraction
    return density / fraction
  }
  let term = x
  let sum = x
  for (let odd = 3; term > sum * 1e-16; odd += 2) {
    term *= (x * x) / odd
    sum += term
  }
  return 0.5 - density * sum
}

/** ln Γ(x) for x > 0 (Lanczos' approximation, g = 7, 9 terms). */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  const base = shifted + 7.5
  let sum = LANCZOS[0]!
  for (let index = 1; index < LANCZOS.length; index++) sum += LANCZOS[index]! / (shifted + index)
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum)
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/**
 * The regularised incomplete beta function I_x(a, b) for a, b > 0 and x in [0, 1].
 * By its continued fraction (DLMF 8.17.22), evaluated by Lentz' method.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  )
  const tiny = 1e-300
  let c = 1
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny)
  let fraction = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / (1 + even * d || tiny)
    c = 1 + even / c || tiny
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / (1 + odd * d || tiny)
    c = 1 + odd / c || tiny
    const change = d * c
    fraction *= change
    if (Math.abs(change - 1) < 1e-12) break
  }
  return Math.min(1, front * fraction)
}

/**
 * Upper bound of a proportion (Clopper and Pearson, Biometrika 26, 1934), also for sizes that are no whole numbers, as
 * the effective sizes of clustered samples are (Korn and Graubard, Survey Methodology 24, 1998).
 * @param hits 0 to `size`
 * @param error chance that the true proportion is above the bound
 */
export function proportionUpperBound(hits: number, size: number, error: number): number {
  if (size <= 0 || hits >= size) return 1
  let [low, high] = [hits / size, 1]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (1 - incompleteBeta(middle, hits + 1, size - hits) > error) low = middle
    else high = middle
  }
  return high
}

/** ln(Σ exp(x)); -Infinity of none. */
export function logSumExp(values: readonly number[]): number {
  const greatest = Math.max(...values)
  if (!Number.isFinite(greatest)) return greatest
  let sum = 0
  for (const value of values) sum += Math.exp(value - greatest)
  return greatest + Math.log(sum)
}
