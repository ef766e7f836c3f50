import { z } from 'zod'
import { STRATEGIES, type Strategy } from '../../preferences.ts'

const share = z.number().min(0).max(1)

/**
 * What an operator may change of how providers are chosen, while the node runs: the policy file. All of it is
 * optional but its name; what is absent is as in `DEFAULT_POLICY`.
 */
export const policySettingsSchema = z.strictObject({
  /** Under which decisions are logged. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a name of lower-case letters, digits, dots and dashes'),
  /** `linucb` learns; `greedy` takes what the strategy scores best. */
  kind: z.enum(['linucb', 'greedy']).default('linucb'),
  /** ε: share of decisions left to chance, so that others can be learned of and policies compared. */
  explorationRate: z.number().min(0).max(0.5).default(0.05),
  /** How far below the best score a candidate may be to be tried by chance. */
  explorationBand: share.default(0.25),
  /** How many times as likely a newcomer is tried as another. */
  newcomerWeight: z.number().min(1).max(100).default(3),
  /** α of LinUCB: standard deviations by which the uncertain is favoured. */
  alpha: z.number().min(0).max(10).default(0.15),
  /** λ: how many tasks' worth of evidence stand against correcting the strategy's score. */
  priorWeight: z.number().min(0.01).max(1_000).default(1),
  /** Tasks of a class after which an outcome counts 1/e as much. */
  memoryTasks: z.int().min(50).max(1_000_000).default(2_000),
  /** Weights of the strategies' parts that take the place of those built in. */
  strategies: z.partialRecord(z.enum(STRATEGIES), z.record(z.string().max(40), z.number().min(0).max(100))).default({}),
  /** Below these nobody is chosen, whatever a task allows. */
  floors: z
    .strictObject({ reputation: z.number().min(0).max(100).default(0), quality: share.default(0) })
    .default({ reputation: 0, quality: 0 }),
})
export type PolicySettings = z.infer<typeof policySettingsSchema>
export type StrategyWeights = Partial<Record<Strategy, Readonly<Record<string, number>>>>

export const DEFAULT_POLICY: PolicySettings = policySettingsSchema.parse({ name: 'default' })
