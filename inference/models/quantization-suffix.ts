/** What names of models end in, as `-q8_0` or `-Q4_K_M`: the type of the weights, which begins with their bits. */
const QUANTIZATION_SUFFIX = /-(?:i?q(?=\d)|f(?=16|32)|bf(?=16))(\d+)[a-z0-9_]*$/i

/** A model's name without its quantisation: `shoal-mini` of `shoal-mini-q8_0`. */
export function withoutQuantization(name: string): string {
  return name.replace(QUANTIZATION_SUFFIX, '')
}

/** Bits of a weight, as a model's name tells; 0 when it does not. */
export function quantizationBits(name: string): number {
  return Number(QUANTIZATION_SUFFIX.exec(name)?.[1] ?? 0)
}
