/**
 * Online ridge regression: a linear estimate of a value with its uncertainty, kept up by rank-one updates of the
 * inverse of the Gram matrix (Sherman & Morrison, 1950), O(d²) each. What was seen `memory` updates ago counts
 * 1/e as much as now, and the ridge is kept up against that (D-LinUCB: Russac, Vernade & Cappé, 2019), so that
 * the model follows changes and never becomes certain of what it has not seen for long.
 */
export class RidgeModel {
  readonly dimensions: number
  readonly #ridge: number
  /** γ of the paper: weight of all that was, at each update. */
  readonly #retention: number
  /** Inverse of A = λI + Σ γ^age x xᵀ, row by row. */
  readonly #inverse: Float64Array
  /** Σ γ^age x y */
  readonly #moments: Float64Array
  readonly #weights: Float64Array
  readonly #scratch: Float64Array
  readonly #places: Int32Array
  #updates: number
  #isStale = false

  /**
   * @param options.ridge λ: how many observations of unit length the prior is worth
   * @param options.memory updates after which an observation counts 1/e
   * @param options.state of another such model, to go on from
   */
  constructor(options: { dimensions: number; ridge: number; memory: number; state?: RidgeState }) {
    const { dimensions, ridge, memory, state } = options
    this.dimensions = dimensions
    this.#ridge = ridge
    this.#retention = Math.exp(-1 / memory)
    this.#weights = new Float64Array(dimensions)
    this.#scratch = new Float64Array(dimensions)
    this.#places = new Int32Array(dimensions)
    this.#updates = state?.updates ?? 0
    if (state === undefined) {
      this.#inverse = new Float64Array(dimensions * dimensions)
      for (let i = 0; i < dimensions; i++) this.#inverse[i * dimensions + i] = 1 / ridge
      this.#moments = new Float64Array(dimensions)
    } else {
      if (state.inverse.length !== dimensions ** 2 || state.moments.length !== dimensions)
        throw new RangeError(`a state of ${state.moments.length} dimensions for a model of ${dimensions}`)
      this.#inverse = Float64Array.from(state.inverse)
      this.#moments = Float64Array.from(state.moments)
      this.#isStale = true
    }
  }

  get updates(): number {
    return this.#updates
  }

  /** To be stored; see the constructor's `state`. */
  get state(): RidgeState {
    return { updates: this.#updates, inverse: this.#inverse, moments: this.#moments }
  }

  /** Expected value at `x`: θᵀx with θ = A⁻¹ Σ x y. */
  predict(x: Float64Array): number {
    return dot(this.#theta(), x)
  }

  /** Standard deviation of that expectation, in units of the noise: √(xᵀ A⁻¹ x). */
  width(x: Float64Array): number {
    const { dimensions: d } = this
    const inverse = this.#inverse
    const places = this.#places
    const values = this.#scratch
    // Most of a vector is 0: which model it is of has many places and takes one.
    let used = 0
    for (let i = 0; i < d; i++) {
      const value = x[i]!
      if (value === 0) continue
      places[used] = i
      values[used++] = value
    }
    let sum = 0
    for (let i = 0; i < used; i++) {
      const row = places[i]! * d
      let half = 0
      for (let j = 0; j < i; j++) half += inverse[row + places[j]!]! * values[j]!
      sum += values[i]! * (2 * half + inverse[row + places[i]!]! * values[i]!)
    }
    return Math.sqrt(Math.max(0, sum))
  }

  /** Takes in that `value` was observed at `x`. */
  update(x: Float64Array, value: number): void {
    const { dimensions: d } = this
    const retention = this.#retention
    for (let i = 0; i < this.#inverse.length; i++) this.#inverse[i]! /= retention
    for (let i = 0; i < d; i++) this.#moments[i] = this.#moments[i]! * retention + x[i]! * value
    this.#addToGram(x, 1)
    // Forgetting shrinks the ridge as well; d updates of one axis each give back what d updates took.
    const axis = new Float64Array(d)
    axis[this.#updates % d] = 1
    this.#addToGram(axis, d * (1 - retention) * this.#ridge)
    this.#updates++
    this.#isStale = true
  }

  /** Takes in that a value observed at `x` shortly before was in truth `by` higher. */
  correct(x: Float64Array, by: number): void {
    for (let i = 0; i < this.dimensions; i++) this.#moments[i]! += x[i]! * by
    this.#isStale = true
  }

  /** A ← A + scale · x xᵀ, on the inverse. */
  #addToGram(x: Float64Array, scale: number): void {
    const { dimensions: d } = this
    const inverse = this.#inverse
    const product = this.#scratch
    for (let i = 0; i < d; i++) {
      let sum = 0
      for (let j = 0; j < d; j++) sum += inverse[i * d + j]! * x[j]!
      product[i] = sum
    }
    const factor = scale / (1 + scale * dot(x, product))
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        // Both halves from one number: the inverse stays symmetric whatever is rounded.
        const value = inverse[i * d + j]! - factor * product[i]! * product[j]!
        inverse[i * d + j] = value
        inverse[j * d + i] = value
      }
    }
  }

  #theta(): Float64Array {
    if (this.#isStale) {
      const { dimensions: d } = this
      for (let i = 0; i < d; i++) {
        let sum = 0
        for (let j = 0; j < d; j++) sum += this.#inverse[i * d + j]! * this.#moments[j]!
        this.#weights[i] = sum
      }
      this.#isStale = false
    }
    return this.#weights
  }
}

export interface RidgeState {
  updates: number
  inverse: Float64Array
  moments: Float64Array
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
