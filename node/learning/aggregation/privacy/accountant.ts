import { AggregationError } from '../errors.ts'

export interface PrivacyParameters {
  /** Standard deviation of the noise over the clip norm. */
  noiseMultiplier: number
  /** Releases by the same node that are composed. */
  rounds: number
  /** Probability that no more than this many leaks beyond ε. */
  delta: number
  /**
   * What neighbours are. `replace`: all data of the node may be exchanged for any other, which moves a clipped update by
   * twice the clip norm. `remove`: the node's data against an update of nothing, which moves it by the clip norm.
   * Defaults to `replace`, the stricter.
   */
  adjacency?: 'replace' | 'remove'
  /**
   * Chance to take part in a round. Below 1 only where nobody can see who took part: our rounds are public, so they
   * have no amplification by sampling. Defaults to 1; with less, `adjacency` is `remove`.
   */
  samplingRate?: number
}

/** Orders α that are tried; the best depends on noise and rounds. */
const ORDERS = [
  ...Array.from({ length: 90 }, (_, i) => 1.1 + i / 10),
  ...Array.from({ length: 54 }, (_, i) => i + 11),
  ...Array.from({ length: 24 }, (_, i) => 2 ** (6 + (i + 1) / 3)),
]
const MAX_SAMPLED_ORDER = 256

/**
 * ε at δ that releases with Gaussian noise spend together: Rényi differential privacy, added up over rounds (Mironov,
 * arXiv 1702.07476, propositions 1 and 7), brought to (ε, δ) by Canonne, Kamath & Steinke, arXiv 2004.00010,
 * proposition 12. Infinity without noise.
 * @throws {AggregationError} BAD_OPTIONS
 */
export function epsilonOf(parameters: PrivacyParameters): number {
  const { noiseMultiplier, rounds, delta, samplingRate = 1 } = parameters
  const adjacency = parameters.adjacency ?? (samplingRate < 1 ? 'remove' : 'replace')
  const isFine =
    noiseMultiplier >= 0 &&
    Number.isInteger(rounds) &&
    rounds >= 0 &&
    delta > 0 &&
    delta < 1 &&
    samplingRate > 0 &&
    samplingRate <= 1 &&
    (samplingRate === 1 || adjacency === 'remove')
  if (!isFine)
    throw new AggregationError('BAD_OPTIONS', 'The privacy parameters are out of bounds.', {
      fix: 'Take noise of at least 0, δ between 0 and 1, and a sampling rate up to 1.',
    })
  if (rounds === 0) return 0
  if (noiseMultiplier === 0) return Number.POSITIVE_INFINITY
  const noise = adjacency === 'replace' ? noiseMultiplier / 2 : noiseMultiplier
  let best = Number.POSITIVE_INFINITY
  for (const order of ORDERS) {
    const isUsable = samplingRate === 1 || (Number.isInteger(order) && order <= MAX_SAMPLED_ORDER)
    if (isUsable) best = Math.min(best, toEpsilon(rounds * renyi(noise, order, samplingRate), order, delta))
  }
  return Math.max(0, best)
}

/**
 * Rényi divergence of order α that one release spends.
 * @param noise standard deviation over sensitivity
 * @param order a whole number of at least 2 where the rate is below 1
 */
export function renyi(noise: number, order: number, samplingRate: number): number {
  // Gaussian mechanism: Mironov 2017, proposition 7.
  if (samplingRate === 1) return order / (2 * noise * noise)
  // Sampled Gaussian mechanism: Mironov, Talwar & Zhang, arXiv 1908.10530, section 3.3, whole orders.
  const terms: number[] = []
  let logBinomial = 0
  for (let k = 0; k <= order; k++) {
    if (k > 0) logBinomial += Math.log(order - k + 1) - Math.log(k)
    const logShare = k * Math.log(samplingRate) + (order - k) * Math.log1p(-samplingRate)
    terms.push(logBinomial + logShare + (k * k - k) / (2 * noise * noise))
  }
  const most = Math.max(...terms)
  const logSum = most + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - most), 0))
  return logSum / (order - 1)
}

function toEpsilon(divergence: number, order: number, delta: number): number {
  return divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1)
}
