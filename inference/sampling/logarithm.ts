/**
 * Natural logarithm and exponential made of + - * / and the bits of a double alone, which IEEE 754 defines to the
 * last bit. `Math.log` and `Math.exp` may differ between JavaScript engines, and a sampler must not.
 * Method and coefficients: fdlibm 5.3, e_log.c and e_exp.c (Sun Microsystems, 1993); errors below 1 ulp.
 */

const view = new DataView(new ArrayBuffer(8))

const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
const TWO_54 = 18_014_398_509_481_984

/**
 * ln x.
 * @param x 0 gives -Infinity, Infinity itself, what is below 0 NaN
 */
export function ln(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (!(x > 0)) return Number.NaN
  if (x === Number.POSITIVE_INFINITY) return x
  let exponent = 0
  let normal = x
  if (x < 2.2250738585072014e-308) {
    normal = x * TWO_54
    exponent = -54
  }
  view.setFloat64(0, normal)
  const high = view.getInt32(0)
  exponent += (high >> 20) - 1023
  const mantissa = high & 0x000f_ffff
  // x = 2^exponent (1 + f) with sqrt(2)/2 < 1 + f < sqrt(2).
  const carry = (mantissa + 0x9_5f64) & 0x10_0000
  view.setInt32(0, mantissa | (carry ^ 0x3ff0_0000))
  exponent += carry >> 20
  const f = view.getFloat64(0) - 1
  if ((0x000f_ffff & (2 + mantissa)) < 3) {
    // |f| < 2^-20
    if (f === 0) return exponent * LN2_HIGH + exponent * LN2_LOW
    const r = f * f * (0.5 - 0.3333333333333333 * f)
    return exponent === 0 ? f - r : exponent * LN2_HIGH - (r - exponent * LN2_LOW - f)
  }
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const t1 = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const t2 =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const r = t2 + t1
  const isFar = ((mantissa - 0x6_147a) | (0x6_b851 - mantissa)) > 0
  if (isFar) {
    const half = 0.5 * f * f
    return exponent === 0
      ? f - (half - s * (half + r))
      : exponent * LN2_HIGH - (half - (s * (half + r) + exponent * LN2_LOW) - f)
  }
  return exponent === 0 ? f - s * (f - r) : exponent * LN2_HIGH - (s * (f - r) - exponent * LN2_LOW - f)
}

const LOG2_E = Math.LOG2E
/** Below, e^x is less than the least subnormal half. */
const UNDERFLOW = -745.1332191019411
const OVERFLOW = 709.782712893384

/** e^x. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > OVERFLOW) return Number.POSITIVE_INFINITY
  if (x < UNDERFLOW) return 0
  // x = k ln 2 + r with |r| <= ln(2) / 2
  const k = Math.abs(x) > 0.5 * LN2_HIGH ? Math.trunc(LOG2_E * x + (x < 0 ? -0.5 : 0.5)) : 0
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  const y = 1 - (low - (r * c) / (2 - c) - high)
  return scale(y, k)
}

/** y 2^k; in two steps where the result is subnormal or 2^k itself no double. */
function scale(y: number, k: number): number {
  if (k > 1023) return y * 2 * powerOfTwo(k - 1)
  if (k < -1022) return y * powerOfTwo(k + 1000) * powerOfTwo(-1000)
  return y * powerOfTwo(k)
}

function powerOfTwo(k: number): number {
  view.setInt32(0, (k + 1023) << 20)
  view.setInt32(4, 0)
  return view.getFloat64(0)
}
