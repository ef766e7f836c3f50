import { numpy as np } from '@jax-js/jax'

// All of these take ownership of their arguments, as the functions of jax-js do: an array that is needed again is
// passed as `x.ref`.

/** LoRA factors of one linear layer: a is [rank, inputs], bTransposed [rank, outputs], which multiplies faster. */
export type Factors = { a: np.Array; bTransposed: np.Array }

/**
 * Keeps jax-js from computing what follows within the kernel of a matrix product: there it is done number by
 * number, as a kernel of its own four at a time.
 */
function asOwnKernel(x: np.Array): np.Array {
  const shape = x.shape
  return x.reshape([x.size]).reshape(shape)
}

/** 1 / √(mean(x²) + ε) of each row: [..., n] to [...]. Zhang & Sennrich, RMSNorm, arXiv 1910.07467, equation 4. */
export function inverseRms(x: np.Array, epsilon: number): np.Array {
  const size = x.shape.at(-1)!
  return np.reciprocal(
    np.sqrt(
      np
        .sum(np.square(x), -1)
        .mul(1 / size)
        .add(epsilon),
    ),
  )
}

/** x · inverse · weight, inverse being `inverseRms` of x. */
export function normalized(x: np.Array, inverse: np.Array, weight: np.Array): np.Array {
  return x.mul(inverse.reshape([...inverse.shape, 1])).mul(weight)
}

/** The gradient by x of a loss whose gradient by `normalized(x, inverse, weight)` is `pull`. */
export function normalizedGradient(
  x: np.Array,
  inverse: np.Array,
  weight: np.Array,
  pull: np.Array,
): np.Array {
  const size = x.shape.at(-1)!
  const column = [...inverse.shape, 1]
  const weighted = pull.mul(weight)
  const along = np.sum(weighted.ref.mul(x.ref), -1)
  const cube = inverse.ref
    .mul(inverse.ref)
    .mul(inverse.ref)
    .mul(along)
    .mul(1 / size)
  return weighted.mul(inverse.reshape(column)).sub(x.mul(cube.reshape(column)))
}

/** x Wᵀ + scale · (x Aᵀ) Bᵀ: x is [n, inputs], weight [outputs, inputs] as files have it. */
export function linear(x: np.Array, weight: np.Array, factors: Factors | undefined, scale: number): np.Array {
  if (factors === undefined) return asOwnKernel(np.matmul(x, weight.transpose()))
  const inner = np.matmul(x.ref, factors.a.transpose()).mul(scale)
  const plain = asOwnKernel(np.matmul(x, weight.transpose()))
  return plain.add(asOwnKernel(np.matmul(inner, factors.bTransposed)))
}

/** Those by an input and by factors that were wanted and are there. */
export type LinearGradients = { input?: np.Array } & FactorGradients
/** Where A is frozen there is none for it. */
export type FactorGradients = { a?: np.Array; bTransposed?: np.Array }

/** The gradients of a loss whose gradient by `linear(x, …)` is `pull`. */
export function linearGradients(
  x: np.Array,
  weight: np.Array,
  factors: Factors | undefined,
  scale: number,
  pull: np.Array,
  wanted: { input: boolean; a: boolean },
): LinearGradients {
  const plain = wanted.input ? asOwnKernel(np.matmul(pull.ref, weight)) : undefined
  if (!wanted.input) weight.dispose()
  if (factors === undefined) {
    x.dispose()
    pull.dispose()
    return plain === undefined ? {} : { input: plain }
  }
  const inner = np.matmul(x.ref, factors.a.ref.transpose()).mul(scale)
  const bTransposed = np.matmul(inner.transpose(), pull.ref)
  // [n, rank]: by x Aᵀ.
  const byInner = np.matmul(pull, factors.bTransposed.transpose()).mul(scale)
  const gradients: LinearGradients = { bTransposed }
  if (wanted.a) gradients.a = np.matmul(byInner.ref.transpose(), x.ref)
  x.dispose()
  if (plain === undefined) {
    byInner.dispose()
    factors.a.dispose()
  } else gradients.input = plain.add(asOwnKernel(np.matmul(byInner, factors.a)))
  return gradients
}
