import { FEATURE_NAMES } from '../features.ts'
import { RidgeModel, type RidgeState } from './ridge-model.ts'

/** Models of which more is learned than their features tell; those beyond are judged by features alone. */
const MAX_MODELS = 16
const FEATURE_DIMENSIONS = FEATURE_NAMES.length + 2
const DIMENSIONS = FEATURE_DIMENSIONS + MAX_MODELS
/** Length of the part of a vector that says which model it is, beside that of the features, which is 1. */
const MODEL_LENGTH = 0.5

/** Brings 1 and all features, each at most 1, to a length of at most 1. */
const SCALE = 1 / Math.sqrt(FEATURE_NAMES.length + 1)

/** What can be said of a candidate: its features, within [0, 1], and which model it runs. */
export interface Subject {
  features: ArrayLike<number>
  model: string
}

/** What was learned of a class, to be stored. */
export interface ClassState extends RidgeState {
  /** In the order of their dimensions. */
  models: string[]
}

/**
 * What was learned of one class of tasks: by how much a candidate's reward differs from its score, by its features and,
 * beyond them, by its model. All subjects are equally uncertain before anything is learned.
 */
export class ClassModel {
  readonly #ridge: number
  readonly #regression: RidgeModel
  readonly #places: Map<string, number>
  /** The vector in use: one at a time, and no garbage for each candidate of each decision. */
  readonly #scratch = new Float64Array(DIMENSIONS)

  /** @param options see `RidgeModel` */
  constructor(options: { ridge: number; memory: number; state?: ClassState }) {
    const { state, ...rest } = options
    this.#ridge = options.ridge
    this.#regression = new RidgeModel({
      dimensions: DIMENSIONS,
      ...rest,
      ...(state === undefined ? {} : { state }),
    })
    this.#places = new Map(state?.models.map((model, index) => [model, FEATURE_DIMENSIONS + index]))
  }

  get updates(): number {
    return this.#regression.updates
  }

  get state(): ClassState {
    return { ...this.#regression.state, models: [...this.#places.keys()] }
  }

  /** What is expected, and the standard deviation of that in units of the noise. */
  estimate(subject: Subject): { value: number; width: number } {
    const x = this.#vector(subject)
    const width = this.#regression.width(x)
    const isUnseen = !this.#places.has(subject.model)
    return {
      value: this.#regression.predict(x),
      // A model nobody knows has a dimension of its own that nothing is known of.
      width: isUnseen ? Math.sqrt(width * width + MODEL_LENGTH ** 2 / this.#ridge) : width,
    }
  }

  /** Takes in that a subject was worth `value` more than its score. */
  update(subject: Subject, value: number): void {
    if (!this.#places.has(subject.model) && this.#places.size < MAX_MODELS)
      this.#places.set(subject.model, FEATURE_DIMENSIONS + this.#places.size)
    this.#regression.update(this.#vector(subject), value)
  }

  /** Takes in that what was taken in of a subject shortly before was in truth `by` more. */
  correct(subject: Subject, by: number): void {
    this.#regression.correct(this.#vector(subject), by)
  }

  /** Standard deviation before anything is learned. */
  static initialWidth(ridge: number): number {
    return Math.sqrt((1 + MODEL_LENGTH ** 2) / ridge)
  }

  static isState({ inverse, moments, models }: ClassState): boolean {
    return (
      moments.length === DIMENSIONS &&
      inverse.length === DIMENSIONS ** 2 &&
      models.length <= MAX_MODELS &&
      inverse.every(Number.isFinite) &&
      moments.every(Number.isFinite)
    )
  }

  /**
   * 1 and the features, scaled, completed by one more coordinate to the length of 1; then the model's own dimension.
   */
  #vector({ features, model }: Subject): Float64Array {
    const n = FEATURE_NAMES.length
    const vector = this.#scratch
    vector.fill(0, FEATURE_DIMENSIONS)
    vector[0] = SCALE
    let square = SCALE * SCALE
    for (let i = 0; i < n; i++) {
      const value = Math.min(1, Math.max(0, features[i]!)) * SCALE
      vector[i + 1] = value
      square += value * value
    }
    vector[n + 1] = Math.sqrt(Math.max(0, 1 - square))
    const place = this.#places.get(model)
    if (place !== undefined) vector[place] = MODEL_LENGTH
    return vector
  }
}
