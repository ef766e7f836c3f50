import { z } from 'zod'
import { TASK_ID_PATTERN } from '../../protocol/ids.ts'
import { policySettingsSchema } from '../market/routing/learning/policy-settings.ts'

const taskId = z.string().regex(TASK_ID_PATTERN)

/** The commands about how providers are chosen; part of `controlMethods`. */
export const routeMethods = {
  routeExplain: z.strictObject({ taskId }),
  /** Another policy to be evaluated beside the one in use. */
  routeReplay: z.strictObject({ policy: z.nullable(policySettingsSchema).default(null) }),
  routePolicy: z.strictObject({ forget: z.boolean().default(false) }),
  /** How good the answer of a task was, 0 to 1. */
  routeRate: z.strictObject({ taskId, quality: z.number().min(0).max(1) }),
} as const
