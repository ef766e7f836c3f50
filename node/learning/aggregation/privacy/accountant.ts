export interface PrivacyParameters {
  /** Standard deviation of the noise over the sensitivity. */
  noiseMultiplier: number
  /** Releases that are composed. */
  rounds: number
  /** Share of records that take part in a release, drawn in secret; 1 where the draw is public. */
  samplingRate: number
  delta: number
}

/** ε at δ by Rényi differential privacy (Mironov, arXiv 1702.07476). Infinity without noise. */
export function epsilonOf(parameters: PrivacyParameters): number {
  throw new Error(`not yet: ${parameters.noiseMultiplier}`)
}
