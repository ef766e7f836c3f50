import { ADDRESS_PATTERN } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/settings.ts'
import type { Logger } from '../../log.ts'
import type { Store } from '../../store/store.ts'
import { OWNER_TENANT, type Principal, SCOPES_OF_ROLE } from '../http/principal.ts'
import { ApiKeys } from './api-keys.ts'
import { type BudgetLine, Budgets } from './budgets.ts'
import { OwnerTokens } from './owner-tokens.ts'
import { OWNER_POLICY } from './policy.ts'
import { lesserRole, scopesWithin } from './roles.ts'
import { hexOf, type RandomBytes } from './secrets.ts'
import { type Session, Sessions } from './sessions.ts'
import { Tenants } from './tenants.ts'

export interface AccountsModules {
  store: Store
  clock: Clock
  log: Logger
  random: RandomBytes
}

/** Who may use the node beside its owner, with which keys, and how much they may spend. Lives in the node's store. */
export class Accounts {
  readonly tenants: Tenants
  readonly keys: ApiKeys
  readonly budgets: Budgets
  readonly sessions: Sessions
  readonly ownerTokens: OwnerTokens

  constructor(config: Config, modules: AccountsModules) {
    const { random } = modules
    this.tenants = new Tenants(
      {
        requestsPerMinute: config['gateway.requestsPerMinute'],
        concurrent: config['gateway.concurrent'],
      },
      modules,
    )
    this.keys = new ApiKeys(modules)
    this.budgets = new Budgets({ ...modules, newId: () => hexOf(random(16)) })
    this.sessions = new Sessions({ lifetimeMs: config['gateway.sessionLifetime'] }, modules)
    this.ownerTokens = new OwnerTokens(modules)
  }

  /** @throws {StoreError} */
  async start(): Promise<void> {
    await this.tenants.start()
    await this.keys.start()
    await this.budgets.start()
    await this.sessions.start()
  }

  /** Resolves when all that is known is on disk. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([this.keys.stop(), this.budgets.stop()])
  }

  /** As whom a key comes; null when it may not be used, or its tenant may not. */
  principalOfKey(text: string): Principal | null {
    const key = this.keys.verify(text)
    const tenant = key === null ? null : this.tenants.get(key.tenant)
    if (key === null || tenant === null || tenant.disabled) return null
    const role = lesserRole(key.role, tenant.role)
    return {
      subject: `key:${key.id}`,
      tenant: tenant.id,
      role,
      scopes: scopesWithin(role, key.scopes),
      via: 'api-key',
      wallet: walletOf(tenant.id),
      policy: tenant.policy,
    }
  }

  /** As whom a session comes; null when its tenant may no longer. */
  principalOfSession(session: Session): Principal | null {
    const tenant = this.tenants.get(session.tenant)
    if (tenant === null || tenant.disabled) return null
    return {
      subject: session.subject,
      tenant: tenant.id,
      role: tenant.role,
      scopes: new Set(SCOPES_OF_ROLE[tenant.role]),
      via: session.via,
      wallet: session.wallet,
      policy: tenant.policy,
    }
  }

  /** Whose spending a request of this principal counts to; of the owner, keys with a budget alone. */
  linesOf(principal: Principal): BudgetLine[] {
    const lines: BudgetLine[] = []
    const { tenant, policy } = principal
    if (tenant !== OWNER_TENANT) lines.push({ account: `tenant:${tenant}`, budget: policy.budget })
    if (principal.via === 'api-key') {
      const budget = this.keys.get(principal.subject.slice('key:'.length))?.budget ?? null
      if (budget !== null) lines.push({ account: principal.subject, budget })
    }
    return lines
  }
}

/** The node's owner at the command line. */
export const OWNER: Principal = {
  subject: 'owner',
  tenant: OWNER_TENANT,
  role: 'admin',
  scopes: new Set(SCOPES_OF_ROLE.admin),
  via: 'owner-token',
  wallet: null,
  policy: OWNER_POLICY,
}

/** Who comes from this machine without credentials: whoever can run programs here, in the owner's name. */
export const LOOPBACK: Principal = {
  ...OWNER,
  subject: 'loopback',
  role: 'user',
  scopes: new Set(SCOPES_OF_ROLE.user),
  via: 'loopback',
}

function walletOf(tenant: string): string | null {
  return ADDRESS_PATTERN.test(tenant) ? tenant : null
}
