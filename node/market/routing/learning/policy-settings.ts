import { z } from 'zod'
import { STRATEGIES } from '../../preferences.ts'
import type { Component } from '../strategies.ts'

const share = z.number().min(0).max(1)
const weight = z.number().min(0).max(100)
/** What each component counts; only proportions matter. */
export const componentWeights = {
  cost: weight,
  time: weight,
  quality: weight,
  privacy: weight,
  nearness: weight,
} satisfies Record<Component, typeof weight>

/**
 * What an operator may change of how providers are chosen while the node runs: the policy file. All but the name
 * may be left out, and is then as in `DEFAULT_POLICY`.
 */
export const policySettingsSchema = z.strictObject({
  /** Under which decisions are logged. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be of lower-case letters, digits, dots and dashes'),
  /** `linucb` learns from outcomes; `greedy` takes what the strategy scores best. */
  kind: z.enum(['linucb', 'greedy']).default('linucb'),
  /** ε: share of decisions left to chance, so that others can be learned of and policies compared. */
  explorationRate: z.number().min(0).max(0.5).default(0.05),
  /** How many times as likely a newcomer is tried by chance as another. */
  newcomerWeight: z.number().min(1).max(100).default(4),
  /** α of LinUCB: standard deviations by which the uncertain is favoured. */
  alpha: z.number().min(0).max(10).default(0.2),
  /** λ: how much evidence stands against correcting a strategy’s score; less learns faster. */
  priorWeight: z.number().min(0.01).max(1_000).default(0.5),
  /** Tasks of a class after which an outcome counts 1/e as much. */
  memoryTasks: z.int().min(50).max(1_000_000).default(2_000),
  /** By strategy: what each component counts, in place of the built-in weights; only proportions matter. */
  weights: z
    .partialRecord(
      z.enum(STRATEGIES),
      z.strictObject(componentWeights).refine(weights => Object.values(weights).some(weight => weight > 0), {
        message: 'must count at least one component',
      }),
    )
    .default({}),
  /** Features, 0 to 1: who is below comes first only where everybody is. */
  floors: z
    .strictObject({ reliability: share.default(0), quality: share.default(0) })
    .default({ reliability: 0, quality: 0 }),
})
export type PolicySettings = z.infer<typeof policySettingsSchema>

export const DEFAULT_POLICY: PolicySettings = policySettingsSchema.parse({ name: 'default' })

/** The strategies' scores with their order and a little chance: what learning is compared with. */
export const GREEDY_POLICY: PolicySettings = policySettingsSchema.parse({ name: 'greedy', kind: 'greedy' })
