/**
 * Standard normal numbers from uniform 32-bit integers (Box & Muller, 1958). 53 random bits go into the radius, so the
 * tails reach 8.5 standard deviations.
 * @param random uniform in [0, 2³²); from a cryptographic source where the noise is to hide something
 */
export function gaussianSource(random: () => number): () => number {
  let spare: number | null = null
  const uniform = () => ((random() >>> 5) * 0x400_0000 + (random() >>> 6)) / 2 ** 53
  return () => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}
