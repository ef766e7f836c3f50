import { z } from 'zod'
import { DOMAIN_PATTERN } from '../../protocol/messages/learning/common.ts'

/** A version by its CID, its adapter's id or digest, or the beginning of any. */
const version = z.string().min(1).max(200)

/** The commands about versions of adapters; part of `controlMethods`. */
export const versionMethods = {
  learnVersions: z.strictObject({}),
  learnLineage: z.strictObject({ version }),
  /** To a version, or to the base alone. */
  learnRollback: z.strictObject({
    version: z.nullable(version),
    base: z.nullable(z.string().min(1).max(200)).default(null),
    domain: z.nullable(z.string().regex(DOMAIN_PATTERN)).default(null),
  }),
  /** What an epoch's accepted rounds count in the learners' pool. */
  acceptedRounds: z.strictObject({ fromMs: z.int().min(0), toMs: z.int().min(0) }),
} as const
