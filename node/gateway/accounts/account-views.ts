import { formatCredits } from '../../../protocol/money.ts'
import type { KeyView, TenantView } from './account-schemas.ts'
import type { Accounts } from './accounts.ts'
import { type ApiKey, isPast } from './api-keys.ts'
import { policyView } from './policy.ts'
import type { Tenant } from './tenants.ts'

export function keyView(key: ApiKey, modules: { accounts: Accounts; nowMs: number }): KeyView {
  const { accounts, nowMs } = modules
  const old = key.secrets[1]
  return {
    id: key.id,
    name: key.name,
    tenant: key.tenant,
    role: key.role,
    scopes: key.scopes,
    state: key.revokedAtMs !== null ? 'revoked' : isPast(key.expiresAtMs, nowMs) ? 'expired' : 'active',
    createdAt: timestamp(key.createdAtMs),
    expiresAt: timestampOrNull(key.expiresAtMs),
    revokedAt: timestampOrNull(key.revokedAtMs),
    lastUsedAt: timestampOrNull(accounts.keys.lastUsedAtMs(key.id)),
    oldSecretUntil: old === undefined || isPast(old.untilMs, nowMs) ? null : timestampOrNull(old.untilMs),
    budget: key.budget === null ? null : accounts.budgets.view(`key:${key.id}`, key.budget),
  }
}

export function tenantView(tenant: Tenant, modules: { accounts: Accounts }): TenantView {
  const { budgets } = modules.accounts
  const account = `tenant:${tenant.id}`
  const { budget } = tenant.policy
  const { day, month, ever } = budgets.spent(account)
  return {
    id: tenant.id,
    name: tenant.name,
    state: tenant.disabled ? 'disabled' : 'active',
    role: tenant.role,
    policy: policyView(tenant.policy),
    budget: budget === null ? null : budgets.view(account, budget),
    spent: { day: formatCredits(day), month: formatCredits(month), ever: formatCredits(ever) },
    createdAt: timestamp(tenant.createdAtMs),
  }
}

function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function timestampOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : timestamp(timeMs)
}
