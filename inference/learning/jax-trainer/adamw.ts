/** Numbers that are trained together, each with its running moments. */
export interface Moments {
  first: Float32Array
  second: Float32Array
}

export interface AdamWOptions {
  beta1: number
  beta2: number
  epsilon: number
  weightDecay: number
}

/** What the optimiser carries from step to step. */
export interface AdamWState {
  /** One for each array that is trained. */
  moments: Moments[]
  /** β₁ and β₂ to the power of the steps done; kept as products, so that they are the same everywhere. */
  beta1Power: number
  beta2Power: number
}

export function initialAdamWState(sizes: readonly number[]): AdamWState {
  return {
    moments: sizes.map(size => ({ first: new Float32Array(size), second: new Float32Array(size) })),
    beta1Power: 1,
    beta2Power: 1,
  }
}

/**
 * One step of Adam with decoupled weight decay and bias correction, in place (Loshchilov and Hutter, arXiv 1711.05101,
 * algorithm 2; Kingma and Ba, arXiv 1412.6980, algorithm 1). The decay is scaled by the rate of the step.
 * @param scale gradients are multiplied by it first, as clipping asks
 */
export function adamWStep(
  parameters: readonly Float32Array[],
  gradients: readonly Float32Array[],
  state: AdamWState,
  options: AdamWOptions & { learningRate: number; scale: number },
): void {
  const { beta1, beta2, epsilon, weightDecay, learningRate, scale } = options
  state.beta1Power *= beta1
  state.beta2Power *= beta2
  const firstCorrection = 1 / (1 - state.beta1Power)
  const secondCorrection = 1 / (1 - state.beta2Power)
  for (const [index, values] of parameters.entries()) {
    const gradient = gradients[index]!
    const { first, second } = state.moments[index]!
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i]! * scale
      const m = beta1 * first[i]! + (1 - beta1) * g
      const v = beta2 * second[i]! + (1 - beta2) * g * g
      first[i] = m
      second[i] = v
      const value = values[i]!
      const step = (m * firstCorrection) / (Math.sqrt(v * secondCorrection) + epsilon)
      values[i] = value - learningRate * (step + weightDecay * value)
    }
  }
}

/** Euclidean norm of all gradients together. */
export function globalNorm(gradients: readonly Float32Array[]): number {
  let sum = 0
  for (const gradient of gradients)
    for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!
  return Math.sqrt(sum)
}

/** What brings a norm down to the largest one allowed (Pascanu et al., arXiv 1211.5063, algorithm 1). */
export function clipScale(norm: number, maxNorm: number): number {
  return norm > maxNorm ? maxNorm / norm : 1
}
