import { numpy as np } from '@jax-js/jax'
import {
  type Factors,
  inverseRms,
  type LinearGradients,
  linear,
  linearGradients,
  normalized,
} from './operations.ts'

// The last layer gives one number for each token of the vocabulary, which are too many to hold for all positions of
// a large model. So it is computed for a run of the vocabulary at a time, and only where a target counts.

/** The last norm: hidden states [n, width] to what the last layer takes. */
export function headInput(
  hidden: np.Array,
  weight: np.Array,
  epsilon: number,
): { input: np.Array; inverse: np.Array } {
  const inverse = inverseRms(hidden.ref, epsilon)
  return { input: normalized(hidden, inverse.ref, weight), inverse }
}

/** Logits of a run of the vocabulary: [n, run]. */
export function headLogits(
  scale: number,
  input: np.Array,
  weight: np.Array,
  factors: readonly Factors[],
): np.Array {
  return linear(input, weight, factors[0], scale)
}

/**
 * What the log-probability of targets needs from a run of the vocabulary: the largest logit of each position, powers
 * of e less that, their sum, and the target's logit, 0 where it lies in another run.
 * @param targets [n], counted from the run's beginning; negative or beyond its end where it lies in another
 */
export function headScores(
  scale: number,
  input: np.Array,
  weight: np.Array,
  factors: readonly Factors[],
  targets: np.Array,
): { largest: np.Array; powers: np.Array; sum: np.Array; target: np.Array } {
  const logits = linear(input, weight, factors[0], scale)
  const [n, run] = logits.shape as [number, number]
  const largest = np.max(logits.ref, -1)
  const powers = np.exp(logits.ref.sub(largest.ref.reshape([n, 1])))
  const target = np.sum(np.where(isTarget(targets, run), logits, 0), -1)
  return { largest, sum: np.sum(powers.ref, -1), powers, target }
}

/**
 * Of the loss, by the last layer's input and factors, as far as a run of the vocabulary makes them.
 * @param share [n]: what turns powers into probabilities times the position's part of the loss
 * @param part [n]: each position's part of the loss
 */
export function headGradients(
  scale: number,
  byA: boolean,
  input: np.Array,
  weight: np.Array,
  factors: readonly Factors[],
  targets: np.Array,
  powers: np.Array,
  share: np.Array,
  part: np.Array,
): LinearGradients {
  const [n, run] = powers.shape as [number, number]
  // Of cross-entropy by the logits: probability, less 1 at the target.
  const byLogits = powers
    .mul(share.reshape([n, 1]))
    .sub(np.where(isTarget(targets, run), part.reshape([n, 1]), 0))
  return linearGradients(input, weight, factors[0], scale, byLogits, { input: true, a: byA })
}

function isTarget(targets: np.Array, run: number): np.Array {
  return np.equal(targets.reshape([targets.size, 1]), np.arange(run))
}
