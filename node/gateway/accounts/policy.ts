import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import { STRATEGIES } from '../../market/preferences.ts'
import type { TenantPolicy } from '../http/principal.ts'
import { BUDGET_PERIODS, type PolicyView, type policyInput } from './account-schemas.ts'

/** Rates and counts that nobody reaches stand for no limit. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER

/** As it is stored. */
export const budgetSchema = z.strictObject({ amount: wire.amount, per: z.enum(BUDGET_PERIODS) })
export type Budget = z.output<typeof budgetSchema>

/** As it is stored. */
export const policySchema = z.strictObject({
  models: z.nullable(z.array(z.string().max(200)).max(64)),
  maxPricePerRequest: z.nullable(wire.amount),
  dataClass: z.nullable(z.enum(DATA_CLASSES)),
  strategies: z.nullable(z.array(z.enum(STRATEGIES)).max(STRATEGIES.length)),
  requestsPerMinute: wire.count,
  concurrent: wire.count,
  budget: z.nullable(budgetSchema),
})

/** Of the node's owner, whom the node's own settings limit. */
export const OWNER_POLICY: TenantPolicy = Object.freeze({
  models: null,
  maxPricePerRequest: null,
  dataClass: null,
  strategies: null,
  requestsPerMinute: NO_LIMIT,
  concurrent: NO_LIMIT,
  budget: null,
})

/** A policy with some of it changed. @throws {RangeError} where an amount is none */
export function changedPolicy(policy: TenantPolicy, change: z.output<typeof policyInput>): TenantPolicy {
  const { budget, maxPricePerRequest, ...rest } = change
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...policy,
    ...given,
    ...(maxPricePerRequest === undefined
      ? {}
      : { maxPricePerRequest: maxPricePerRequest === null ? null : parseCredits(maxPricePerRequest) }),
    ...(budget === undefined ? {} : { budget: budgetFrom(budget) }),
  }
}

/** @throws {RangeError} where the amount is none */
export function budgetFrom(input: { amount: string; per: Budget['per'] } | null): Budget | null {
  return input === null ? null : { amount: parseCredits(input.amount), per: input.per }
}

/** With amounts as decimal credits. */
export function policyView(policy: TenantPolicy): PolicyView {
  const { maxPricePerRequest, budget, requestsPerMinute, concurrent } = policy
  return {
    models: policy.models === null ? null : [...policy.models],
    maxPricePerRequest: maxPricePerRequest === null ? null : formatCredits(maxPricePerRequest),
    dataClass: policy.dataClass,
    strategies: policy.strategies === null ? null : [...policy.strategies],
    requestsPerMinute: requestsPerMinute === NO_LIMIT ? null : requestsPerMinute,
    concurrent: concurrent === NO_LIMIT ? null : concurrent,
    budget: budget === null ? null : { amount: formatCredits(budget.amount), per: budget.per },
  }
}
