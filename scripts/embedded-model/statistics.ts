/** A share with its 95 % confidence interval. */
export interface Share {
  right: number
  of: number
  share: number
  low: number
  high: number
}

/** 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054

/** The Wilson score interval (Wilson, 1927), which stays sensible near 0 and 1. */
export function wilson(right: number, of: number): Share {
  if (!(of > 0 && right >= 0 && right <= of)) throw new RangeError(`${right} of ${of} is no share`)
  const share = right / of
  const centre = (share + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of)
  const half = (Z / (1 + Z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2))
  return {
    right,
    of,
    share,
    low: Math.min(share, Math.max(0, centre - half)),
    high: Math.max(share, Math.min(1, centre + half)),
  }
}
