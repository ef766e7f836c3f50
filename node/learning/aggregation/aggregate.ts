import type { Adapter } from '../../../inference/learning/adapter.ts'
import type { Aggregate, AggregationOptions, Update } from './rules.ts'

/**
 * Makes one adapter of many updates: parent + outer rate · Σ wᵢ (updateᵢ − parent), brought back to the rank.
 *
 * The result is the same to the last bit on every machine and for every order of the updates.
 *
 * @param parent what the updates were trained from; null where they began from nothing
 * @throws {AggregationError} NO_UPDATES, NO_TRUSTED, TOO_FEW_UPDATES, SAME_ID
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE when they do not fit each other
 */
export function aggregate(
  updates: readonly Update[],
  parent: Adapter | null,
  options: AggregationOptions,
): Aggregate {
  throw new Error(`not yet: ${updates.length} ${parent?.name} ${options.rule}`)
}
