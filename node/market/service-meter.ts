import type { ModelId } from '../../protocol/ids.ts'

/** How fast this node serves its models, as measured at the tasks it does. */
export interface ServiceMeter {
  /** Null until a task of this model was done. Tokens a second of one stream; ms from arrival to first token. */
  speed(model: ModelId): { tokensPerSecond: number; ttftMs: number } | null
}
