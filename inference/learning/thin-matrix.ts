/**
 * A few long vectors side by side, and what sums of low-rank products need of them. Only + - * / and square roots, in a
 * fixed order: IEEE 754 gives the same bits on every machine, which is what nodes vote on.
 */
export class ThinMatrix {
  readonly count: number
  readonly length: number
  /** [count][length], row-major: each vector is contiguous. */
  readonly values: Float64Array

  constructor(count: number, length: number, values = new Float64Array(count * length)) {
    this.count = count
    this.length = length
    this.values = values
  }

  vector(index: number): Float64Array {
    return this.values.subarray(index * this.length, (index + 1) * this.length)
  }

  /** Inner products of all pairs of vectors, [count][count]. */
  gram(): Float64Array {
    const { count } = this
    const result = new Float64Array(count * count)
    const sums = new Float64Array(4)
    for (let i = 0; i < count; i++) {
      const x = this.vector(i)
      let j = i
      for (; j + 3 < count; j += 4) {
        dotFour(x, this.vector(j), this.vector(j + 1), this.vector(j + 2), this.vector(j + 3), sums)
        for (let k = 0; k < 4; k++) result[i * count + j + k] = sums[k]!
      }
      for (; j < count; j++) result[i * count + j] = dot(x, this.vector(j))
      for (let k = i + 1; k < count; k++) result[k * count + i] = result[i * count + k]!
    }
    return result
  }

  /**
   * Linear combinations of the vectors.
   * @param coefficients [combinations][count], row-major
   */
  combine(coefficients: Float64Array, combinations: number): ThinMatrix {
    const { count } = this
    const result = new ThinMatrix(combinations, this.length)
    for (let c = 0; c < combinations; c++) {
      const out = result.vector(c)
      const at = (i: number) => coefficients[c * count + i]!
      let i = 0
      for (; i + 3 < count; i += 4) {
        const [p, q, r, s] = [at(i), at(i + 1), at(i + 2), at(i + 3)]
        if (p === 0 && q === 0 && r === 0 && s === 0) continue
        addFour(out, this.vector(i), p, this.vector(i + 1), q, this.vector(i + 2), r, this.vector(i + 3), s)
      }
      for (; i < count; i++) add(out, this.vector(i), at(i))
    }
    return result
  }
}

/** vectors = Q·R: Q has orthonormal columns and is kept as reflections, R is [steps][count] and upper triangular. */
export interface QrFactors {
  /** min(count, length). */
  steps: number
  r: Float64Array
  /** Q·x for each of the given x, which have `steps` coordinates, or more up to `length`: [combinations][coordinates]. */
  expand(coordinates: Float64Array, combinations: number): ThinMatrix
}

/** Householder QR (Golub & Van Loan, Matrix Computations, 4th ed., section 5.2.1) of the matrix whose columns are the vectors. */
export function qr(matrix: ThinMatrix): QrFactors {
  const { count, length } = matrix
  const steps = Math.min(count, length)
  const work = new ThinMatrix(count, length, matrix.values.slice())
  const r = new Float64Array(steps * count)
  const scales = new Float64Array(steps)
  const sums = new Float64Array(4)
  for (let k = 0; k < steps; k++) {
    const v = work.vector(k).subarray(k)
    const norm = Math.sqrt(dot(v, v))
    const first = v[0]!
    const head = first > 0 ? -norm : norm
    r[k * count + k] = head
    if (norm !== 0) {
      v[0] = first - head
      scales[k] = 2 / dot(v, v)
    }
    const scale = scales[k]!
    let j = k + 1
    if (scale !== 0) {
      for (; j + 3 < count; j += 4) {
        const [x, y, z, w] = [0, 1, 2, 3].map(d => work.vector(j + d).subarray(k)) as [
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
        ]
        dotFour(v, x, y, z, w, sums)
        for (let d = 0; d < 4; d++) sums[d]! *= -scale
        addToFour(v, x, sums[0]!, y, sums[1]!, z, sums[2]!, w, sums[3]!)
      }
      for (; j < count; j++) {
        const x = work.vector(j).subarray(k)
        add(x, v, -scale * dot(v, x))
      }
    }
    for (j = k + 1; j < count; j++) r[k * count + j] = work.values[j * length + k]!
  }
  return {
    steps,
    r,
    expand(coordinates, combinations) {
      const size = coordinates.length / combinations
      const result = new ThinMatrix(combinations, length)
      for (let c = 0; c < combinations; c++)
        result.vector(c).set(coordinates.subarray(c * size, (c + 1) * size))
      for (let k = steps - 1; k >= 0; k--) {
        if (scales[k] === 0) continue
        const v = work.vector(k).subarray(k)
        for (let c = 0; c < combinations; c++) {
          const x = result.vector(c).subarray(k)
          add(x, v, -scales[k]! * dot(v, x))
        }
      }
      return result
    },
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  const length = x.length
  let i = 0
  for (; i + 3 < length; i += 4) {
    a += x[i]! * y[i]!
    b += x[i + 1]! * y[i + 1]!
    c += x[i + 2]! * y[i + 2]!
    d += x[i + 3]! * y[i + 3]!
  }
  for (; i < length; i++) a += x[i]! * y[i]!
  return a + b + (c + d)
}

/** Four inner products at once: x is read from memory once. */
function dotFour(
  x: Float64Array,
  p: Float64Array,
  q: Float64Array,
  r: Float64Array,
  s: Float64Array,
  sums: Float64Array,
): void {
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    a += value * p[i]!
    b += value * q[i]!
    c += value * r[i]!
    d += value * s[i]!
  }
  sums[0] = a
  sums[1] = b
  sums[2] = c
  sums[3] = d
}

function add(out: Float64Array, x: Float64Array, factor: number): void {
  if (factor === 0) return
  for (let i = 0; i < out.length; i++) out[i]! += factor * x[i]!
}

function addFour(
  out: Float64Array,
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  z: Float64Array,
  r: number,
  w: Float64Array,
  s: number,
): void {
  for (let i = 0; i < out.length; i++) out[i]! += p * x[i]! + q * y[i]! + (r * z[i]! + s * w[i]!)
}

function addToFour(
  v: Float64Array,
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  z: Float64Array,
  r: number,
  w: Float64Array,
  s: number,
): void {
  for (let i = 0; i < v.length; i++) {
    const value = v[i]!
    x[i]! += p * value
    y[i]! += q * value
    z[i]! += r * value
    w[i]! += s * value
  }
}
