import type { AdapterModule } from '../../../../inference/learning/adapter.ts'
import type { TokenBatch } from '../../../../inference/learning/examples/packing.ts'
import type { DifferentiableModel } from '../../../../inference/learning/jax-trainer/training-loop.ts'

/**
 * A language model that is small enough to be derived by hand: a token's embedding is a unit vector, its logits are
 * the column of (alpha/rank)·B·A, so that it foretells the next token from the last one alone.
 */
export class LogisticModel implements DifferentiableModel {
  readonly #vocabulary: number
  readonly #scale: number
  readonly #rank: number
  #a = new Float32Array()
  #b = new Float32Array()

  constructor(options: { vocabulary: number; rank: number; alpha: number }) {
    this.#vocabulary = options.vocabulary
    this.#rank = options.rank
    this.#scale = options.alpha / options.rank
  }

  setParameters(modules: readonly AdapterModule[]): void {
    this.#a = modules[0]!.a.slice()
    this.#b = modules[0]!.b.slice()
  }

  async loss(batch: TokenBatch) {
    const { loss, weight } = await this.gradients(batch)
    return { loss, weight }
  }

  async gradients({ tokens, targets, weights }: TokenBatch) {
    const [size, rank, scale] = [this.#vocabulary, this.#rank, this.#scale]
    const a = new Float32Array(this.#a.length)
    const b = new Float32Array(this.#b.length)
    let loss = 0
    let weight = 0
    for (const [place, token] of tokens.entries()) {
      const counts = weights[place]!
      if (counts === 0) continue
      const column = Array.from({ length: rank }, (_, r) => this.#a[r * size + token]!)
      const logits = Array.from({ length: size }, (_, v) =>
        column.reduce((sum, x, r) => sum + scale * x * this.#b[v * rank + r]!, 0),
      )
      const top = Math.max(...logits)
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)
      const target = targets[place]!
      loss += counts * (top + Math.log(total) - logits[target]!)
      weight += counts
      for (const [v, logit] of logits.entries()) {
        const error = counts * (Math.exp(logit - top) / total - (v === target ? 1 : 0))
        for (const [r, x] of column.entries()) {
          a[r * size + token]! += error * scale * this.#b[v * rank + r]!
          b[v * rank + r]! += error * scale * x
        }
      }
    }
    const mean = (values: Float32Array) => values.map(value => value / Math.max(weight, 1e-9))
    return { loss: loss / Math.max(weight, 1e-9), weight, gradients: [{ a: mean(a), b: mean(b) }] }
  }
}
