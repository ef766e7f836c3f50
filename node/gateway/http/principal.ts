import type { DataClass } from '../../../protocol/data-class.ts'
import type { Address } from '../../../protocol/ids.ts'
import type { Strategy } from '../../market/preferences.ts'
import type { Purse } from './purse.ts'

/** What a caller may be; each includes those before it. */
export const GATEWAY_ROLES = ['observer', 'user', 'operator', 'admin'] as const
export type GatewayRole = (typeof GATEWAY_ROLES)[number]

/**
 * What a route asks for. `look`: read what the node tells; `infer` and `spend`: own tasks and own money; `operate`:
 * models, prices, stake, settlement, learning; `administer`: keys, tenants, settings.
 */
export const GATEWAY_SCOPES = ['look', 'infer', 'spend', 'operate', 'administer'] as const
export type GatewayScope = (typeof GATEWAY_SCOPES)[number]

/** What each role may do, unless a key is scoped further. */
export const SCOPES_OF_ROLE: Readonly<Record<GatewayRole, readonly GatewayScope[]>> = {
  observer: ['look'],
  user: ['look', 'infer', 'spend'],
  operator: ['look', 'infer', 'spend', 'operate'],
  admin: ['look', 'infer', 'spend', 'operate', 'administer'],
}

/** The tenant whose node it is. */
export const OWNER_TENANT = 'owner'

/** What a tenant may do, and how much of it. */
export interface TenantPolicy {
  /** Names or ids; null for all. */
  models: readonly string[] | null
  /** Base units. */
  maxPricePerRequest: bigint | null
  /** At least this strict; null leaves it to the request. */
  dataClass: DataClass | null
  strategies: readonly Strategy[] | null
  requestsPerMinute: number
  /** Requests at once. */
  concurrent: number
  budget: { amount: bigint; per: 'day' | 'month' | 'ever' } | null
}

/** On whose behalf a request comes. */
export interface Principal {
  /** A key's id, a wallet's address, `loopback`, … ; unique within the tenant. */
  subject: string
  /** Whose data and money: `owner`, a wallet's address, or a name. */
  tenant: string
  role: GatewayRole
  scopes: ReadonlySet<GatewayScope>
  via: 'loopback' | 'owner-token' | 'api-key' | 'session' | 'payment'
  wallet: Address | null
  policy: TenantPolicy
}

/** What routes ask of the accounts. */
export interface Purses {
  /**
   * Who pays for a request of this principal.
   * @param options.channelId of the header `shoal-channel`: a channel to this node that pays in place of a budget
   * @throws {GatewayError} PAYMENT_REQUIRED when there is no such channel of this principal
   */
  purseOf(principal: Principal, options: { channelId: string | null }): Purse | Promise<Purse>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard before any route runs; null where a public route is asked for without credentials. */
    principal: Principal | null
    /** Set where this one request brought its own money (x402); null: the principal's purse pays. */
    purse: Purse | null
  }
}
