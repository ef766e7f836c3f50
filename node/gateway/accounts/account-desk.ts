import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { GatewayError } from '../http/http-error.ts'
import { type Principal, SCOPES_OF_ROLE } from '../http/principal.ts'
import type {
  KeyInput,
  KeyView,
  NewKeyView,
  TenantChange,
  TenantInput,
  TenantView,
} from './account-schemas.ts'
import { keyView, tenantView } from './account-views.ts'
import type { Accounts } from './accounts.ts'
import type { ApiKey } from './api-keys.ts'
import { budgetFrom } from './policy.ts'
import { lesserRole, scopesWithin } from './roles.ts'

/** What people do with keys and tenants, over HTTP and at the command line, and who may. */
export class AccountDesk {
  readonly #accounts: Accounts
  readonly #clock: Clock
  readonly #log: Logger

  constructor(modules: { accounts: Accounts; clock: Clock; log: Logger }) {
    this.#accounts = modules.accounts
    this.#clock = modules.clock
    this.#log = modules.log
  }

  /** Keys of the own tenant; of all with `administer`. @throws {GatewayError} FORBIDDEN */
  keys(by: Principal, tenant: string | null = null): KeyView[] {
    requireManager(by)
    const seen = by.scopes.has('administer') ? tenant : by.tenant
    return this.#accounts.keys.list(seen).map(key => this.#view(key))
  }

  /**
   * Makes a key that may do no more than its maker and its tenant.
   * @throws {GatewayError} FORBIDDEN, NOT_FOUND, CONFLICT, REQUEST_INVALID
   */
  async createKey(by: Principal, input: KeyInput): Promise<NewKeyView> {
    requireManager(by)
    const tenant = this.#accounts.tenants.require(input.tenant ?? by.tenant)
    const isOwn = tenant.id === by.tenant
    if (!isOwn && !by.scopes.has('administer')) throw notFound('tenant', tenant.id)
    if (tenant.disabled) throw forbidden(`the tenant ${tenant.id} is disabled`, 'Enable it first.')
    const { role } = input
    if (lesserRole(role, by.role) !== role || lesserRole(role, tenant.role) !== role) {
      throw forbidden(
        `the tenant ${tenant.id} may not have keys of the role ${role}`,
        `Choose a lesser role, or raise the tenant's: shoal tenants set ${tenant.id} --role ${role}`,
      )
    }
    const scopes = [...scopesWithin(role, input.scopes ?? SCOPES_OF_ROLE[role])]
    const beyond = (input.scopes ?? []).filter(scope => !scopes.includes(scope) || !by.scopes.has(scope))
    if (beyond.length > 0)
      throw forbidden(`the role ${role} does not include ${beyond.join(', ')}`, 'Choose another role.')
    const nowMs = this.#clock.nowMs()
    const { record, key } = await this.#accounts.keys.create({
      tenant: tenant.id,
      name: input.name,
      role,
      scopes: scopes.filter(scope => by.scopes.has(scope)),
      expiresAtMs: input.expiresInSeconds === null ? null : nowMs + input.expiresInSeconds * 1_000,
      budget: await amounts(() => budgetFrom(input.budget)),
    })
    this.#log.info({ key: record.id, tenant: tenant.id, role }, 'an API key was made')
    return { ...this.#view(record), key }
  }

  /** @throws {GatewayError} FORBIDDEN, NOT_FOUND, CONFLICT */
  async rotateKey(by: Principal, id: string, overlapMs: number): Promise<NewKeyView> {
    this.#require(by, id)
    const { record, key } = await this.#accounts.keys.rotate(id, overlapMs)
    this.#log.info({ key: id, tenant: record.tenant }, 'an API key was rotated')
    return { ...this.#view(record), key }
  }

  /** @throws {GatewayError} FORBIDDEN, NOT_FOUND */
  async revokeKey(by: Principal, id: string): Promise<KeyView> {
    this.#require(by, id)
    const record = await this.#accounts.keys.revoke(id)
    this.#log.info({ key: id, tenant: record.tenant }, 'an API key was revoked')
    return this.#view(record)
  }

  /** All that were made, for whoever may `administer`. */
  tenants(): TenantView[] {
    const accounts = this.#accounts
    return accounts.tenants.list().map(tenant => tenantView(tenant, { accounts }))
  }

  /** @throws {GatewayError} NOT_FOUND */
  tenant(id: string): TenantView {
    return tenantView(this.#accounts.tenants.require(id), { accounts: this.#accounts })
  }

  /** @throws {GatewayError} CONFLICT, REQUEST_INVALID */
  async createTenant(input: TenantInput): Promise<TenantView> {
    const tenant = await amounts(() => this.#accounts.tenants.create(input))
    this.#log.info({ tenant: tenant.id, role: tenant.role }, 'a tenant was made')
    return tenantView(tenant, { accounts: this.#accounts })
  }

  /** @throws {GatewayError} NOT_FOUND, FORBIDDEN, REQUEST_INVALID */
  async changeTenant(id: string, change: TenantChange): Promise<TenantView> {
    const tenant = await amounts(() => this.#accounts.tenants.change(id, change))
    this.#log.info({ tenant: id, role: tenant.role, disabled: tenant.disabled }, 'a tenant was changed')
    return tenantView(tenant, { accounts: this.#accounts })
  }

  /** A key that this caller may have in hand; others do not exist for it. */
  #require(by: Principal, id: string): ApiKey {
    requireManager(by)
    const key = this.#accounts.keys.get(id)
    const isSeen = key !== null && (key.tenant === by.tenant || by.scopes.has('administer'))
    if (!isSeen) throw notFound('key', id)
    const isWithin =
      lesserRole(key.role, by.role) === key.role && key.scopes.every(scope => by.scopes.has(scope))
    if (!isWithin) throw forbidden('the key may do more than you', 'Ask an admin.')
    return key
  }

  #view(key: ApiKey): KeyView {
    return keyView(key, { accounts: this.#accounts, nowMs: this.#clock.nowMs() })
  }
}

/** Keys beget no keys, nor does whoever happens to run programs on this machine. */
function requireManager(by: Principal): void {
  const isPerson = by.via === 'session' || by.via === 'owner-token'
  if (!isPerson && !by.scopes.has('administer')) throw forbidden('keys are for people', 'Sign in.')
}

/** Amounts that look right may still be too long. */
async function amounts<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RangeError)
      throw new GatewayError('REQUEST_INVALID', error.message, { cause: error })
    throw error
  }
}

function forbidden(what: string, fix: string): GatewayError {
  return new GatewayError('FORBIDDEN', what, { fix })
}

function notFound(what: string, id: string): GatewayError {
  return new GatewayError('NOT_FOUND', `there is no ${what} ${id}`)
}
