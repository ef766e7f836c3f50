import { z } from 'zod'

/** The commands about trust in peers; part of `controlMethods`. */
export const trustMethods = {
  /** A PeerId, or what lists show of one. */
  peer: z.strictObject({ peer: z.string().min(1).max(64) }),
} as const
