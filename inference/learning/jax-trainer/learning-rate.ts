import type { TrainingSettings } from '../training-settings.ts'

/**
 * The rate of a step: it rises in equal steps while warming up, then falls as half a cosine to its final share
 * (Loshchilov and Hutter, SGDR, arXiv 1608.03983, equation 5, without restarts).
 * @param step from 0 to `steps` - 1
 */
export function learningRateAt(
  step: number,
  settings: Pick<TrainingSettings, 'steps' | 'learningRate' | 'finalLearningRateShare' | 'warmupShare'>,
): number {
  const { steps, learningRate, finalLearningRateShare: end } = settings
  const warmup = Math.ceil(settings.warmupShare * steps)
  if (step < warmup) return (learningRate * (step + 1)) / warmup
  const done = (step - warmup) / Math.max(1, steps - 1 - warmup)
  return learningRate * (end + ((1 - end) * (1 + Math.cos(Math.PI * Math.min(1, done)))) / 2)
}
