import { z } from 'zod'

/** The commands about the personal twin; part of `controlMethods`. */
export const twinMethods = {
  twin: z.strictObject({}),
  /** Streams how it goes; the caller going away cancels it. */
  trainTwin: z.strictObject({
    base: z.nullable(z.string().max(4_096)).default(null),
    domain: z.nullable(z.string().max(64)).default(null),
    steps: z.nullable(z.int().min(1).max(100_000)).default(null),
  }),
  forgetTwin: z.strictObject({}),
} as const
