import type { ModelId } from '../../protocol/ids.ts'
import type { TwinStatus } from '../learning/twin/twin.ts'

export interface TwinView {
  /** Null where there is none. */
  twin: (Omit<TwinStatus, 'trainedAtMs' | 'baseDigest'> & { trainedAt: string }) | null
  /** What own tasks name to have it; null while it is not at work. */
  model: ModelId | null
}

export function twinView({ twin, model }: { twin: TwinStatus | null; model: ModelId | null }): TwinView {
  if (twin === null) return { twin: null, model }
  const { trainedAtMs, baseDigest: _, ...rest } = twin
  return { twin: { ...rest, trainedAt: new Date(trainedAtMs).toISOString() }, model }
}
