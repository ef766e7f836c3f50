import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { ADDRESS_PATTERN } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'
import { LatestWriter } from '../../store/latest-writer.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { GatewayError } from '../http/http-error.ts'
import { GATEWAY_ROLES, type GatewayRole, OWNER_TENANT, type TenantPolicy } from '../http/principal.ts'
import type { TenantChange, TenantInput } from './account-schemas.ts'
import { changedPolicy, OWNER_POLICY, policySchema } from './policy.ts'

export interface Tenant {
  id: string
  name: string
  /** The most that its keys and people may be. */
  role: GatewayRole
  disabled: boolean
  policy: TenantPolicy
  createdAtMs: number
}

export interface TenantsOptions {
  /** Of tenants that are not told otherwise. */
  requestsPerMinute: number
  concurrent: number
}

const tenantSchema = z.strictObject({
  id: z.string().max(64),
  name: z.string().max(80),
  role: z.enum(GATEWAY_ROLES),
  disabled: z.boolean(),
  policy: policySchema,
  createdAtMs: wire.timeMs,
})

const MAX_TENANTS = 10_000
/** Whoever pays for a single request without an account is `guest`. */
const TAKEN: ReadonlySet<string> = new Set([OWNER_TENANT, 'guest'])

/** Who uses the node beside its owner, each with limits of its own. */
export class Tenants {
  readonly #options: TenantsOptions
  readonly #clock: Clock
  readonly #table: Table<z.output<typeof tenantSchema>>
  readonly #tenants = new Map<string, Tenant>()
  readonly #owner: Tenant
  /** One change at a time, in order. */
  readonly #changes = new LatestWriter(async () => {})

  constructor(options: TenantsOptions, modules: { store: Store; clock: Clock }) {
    this.#options = options
    this.#clock = modules.clock
    this.#table = modules.store.table('gatewayTenants', tenantSchema)
    this.#owner = {
      id: OWNER_TENANT,
      name: 'Owner of the node',
      role: 'admin',
      disabled: false,
      policy: OWNER_POLICY,
      createdAtMs: 0,
    }
  }

  /** @throws {StoreError} */
  async start(): Promise<void> {
    for await (const tenant of this.#table.values()) this.#tenants.set(tenant.id, tenant)
  }

  /** Those that were made, by name of id. */
  list(): Tenant[] {
    return [...this.#tenants.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /**
   * A tenant; wallets need not be made known before, since they bring their own money.
   * Null where there is none.
   */
  get(id: string): Tenant | null {
    if (id === OWNER_TENANT) return this.#owner
    return this.#tenants.get(id) ?? (ADDRESS_PATTERN.test(id) ? this.#fresh(id) : null)
  }

  /** @throws {GatewayError} NOT_FOUND */
  require(id: string): Tenant {
    const tenant = this.get(id)
    if (tenant !== null) return tenant
    throw new GatewayError('NOT_FOUND', `there is no tenant ${id}`, { fix: 'shoal tenants lists them.' })
  }

  /**
   * @throws {GatewayError} CONFLICT when there is one already, or too many
   * @throws {RangeError} where an amount is none
   */
  async create(input: TenantInput): Promise<Tenant> {
    const { id } = input
    await this.#changes.change(async () => {
      if (TAKEN.has(id) || this.#tenants.has(id)) {
        throw new GatewayError('CONFLICT', `there is a tenant ${id} already`, {
          fix: 'Choose another name, or change that one.',
        })
      }
      const fresh = this.#fresh(id)
      const policy = changedPolicy(fresh.policy, input.policy)
      await this.#put({ ...fresh, name: input.name ?? id, role: input.role, policy })
    })
    return this.require(id)
  }

  /**
   * @throws {GatewayError} NOT_FOUND, FORBIDDEN for the owner
   * @throws {RangeError} where an amount is none
   */
  async change(id: string, change: TenantChange): Promise<Tenant> {
    await this.#changes.change(async () => {
      const tenant = this.require(id)
      if (tenant === this.#owner) {
        throw new GatewayError('FORBIDDEN', 'the owner has no limits here', {
          fix: 'Set the node’s own: spending.limitPerDay and others.',
        })
      }
      const { name, disabled, role, policy } = change
      await this.#put({
        ...tenant,
        ...(name === undefined ? {} : { name }),
        ...(disabled === undefined ? {} : { disabled }),
        ...(role === undefined ? {} : { role }),
        ...(policy === undefined ? {} : { policy: changedPolicy(tenant.policy, policy) }),
      })
    })
    return this.require(id)
  }

  async #put(tenant: Tenant): Promise<void> {
    if (!this.#tenants.has(tenant.id) && this.#tenants.size >= MAX_TENANTS) {
      throw new GatewayError('CONFLICT', `there are ${MAX_TENANTS} tenants already`, {
        fix: 'A node cannot have more.',
      })
    }
    const { models, strategies } = tenant.policy
    await this.#table.put(tenant.id, {
      ...tenant,
      policy: {
        ...tenant.policy,
        models: models === null ? null : [...models],
        strategies: strategies === null ? null : [...strategies],
      },
    })
    this.#tenants.set(tenant.id, tenant)
  }

  #fresh(id: string): Tenant {
    const { requestsPerMinute, concurrent } = this.#options
    return {
      id,
      name: id,
      role: 'user',
      disabled: false,
      policy: { ...OWNER_POLICY, requestsPerMinute, concurrent },
      createdAtMs: this.#clock.nowMs(),
    }
  }
}
