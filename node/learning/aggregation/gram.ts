/**
 * Inner products of updates: all that robust rules need to know of them. Lengths, distances and angles of updates and
 * of any Σ cᵢ δᵢ follow from them, however large the model.
 */
export class Gram {
  readonly size: number
  readonly #values: Float64Array

  /** @param values [size][size], row-major and symmetric */
  constructor(size: number, values: Float64Array) {
    this.size = size
    this.#values = values
  }

  at(i: number, j: number): number {
    return this.#values[i * this.size + j]!
  }

  norm(i: number): number {
    return root(this.at(i, i))
  }

  norms(): number[] {
    return Array.from({ length: this.size }, (_, i) => this.norm(i))
  }

  squaredDistance(i: number, j: number): number {
    return notBelowZero(this.at(i, i) - 2 * this.at(i, j) + this.at(j, j))
  }

  /** Cosine of the angle between two updates; 0 where one is nothing. */
  cosine(i: number, j: number): number {
    const product = this.norm(i) * this.norm(j)
    return product === 0 ? 0 : this.at(i, j) / product
  }

  /** ⟨δᵢ, Σ cⱼ δⱼ⟩ for each i. */
  products(coefficients: readonly number[]): number[] {
    return Array.from({ length: this.size }, (_, i) => {
      let sum = 0
      for (let j = 0; j < this.size; j++) sum += this.at(i, j) * coefficients[j]!
      return sum
    })
  }

  /** ‖Σ cᵢ δᵢ‖². */
  squaredNormOf(coefficients: readonly number[]): number {
    const products = this.products(coefficients)
    let sum = 0
    for (let i = 0; i < this.size; i++) sum += coefficients[i]! * products[i]!
    return notBelowZero(sum)
  }

  /** The Gram matrix of the updates times a factor each. */
  scaled(factors: readonly number[]): Gram {
    const values = this.#values.map((value, index) => {
      const [i, j] = [Math.floor(index / this.size), index % this.size]
      return factors[i]! * factors[j]! * value
    })
    return new Gram(this.size, values)
  }

  /** Some of the updates. */
  select(indices: readonly number[]): Gram {
    return new Gram(indices.length, Float64Array.from(indices.flatMap(i => indices.map(j => this.at(i, j)))))
  }
}

/** The middle one, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median of nothing')
  const sorted = values.toSorted((x, y) => x - y)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Shares of a whole, all equal where all are nothing. */
export function normalise(weights: readonly number[]): number[] {
  let sum = 0
  for (const weight of weights) sum += weight
  return weights.map(weight => (sum === 0 ? 1 / weights.length : weight / sum))
}

function root(value: number): number {
  return Math.sqrt(notBelowZero(value))
}

/** Rounding can make a squared length of next to nothing negative. */
function notBelowZero(value: number): number {
  return Math.max(value, 0)
}
