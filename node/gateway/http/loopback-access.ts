import { GatewayError } from './http-error.ts'
import type { GatewayPlugin } from './plugin.ts'
import { OWNER_TENANT, type Principal, type Purses, SCOPES_OF_ROLE } from './principal.ts'
import { OWNER_PURSE, type Purse } from './purse.ts'

/** Who comes from this machine without credentials: whoever can run programs here, in the owner's name. */
export const LOOPBACK_PRINCIPAL: Principal = {
  subject: 'loopback',
  tenant: OWNER_TENANT,
  role: 'user',
  scopes: new Set(SCOPES_OF_ROLE.user),
  via: 'loopback',
  wallet: null,
  policy: {
    models: null,
    maxPricePerRequest: null,
    dataClass: null,
    strategies: null,
    requestsPerMinute: 6_000,
    concurrent: 256,
    budget: null,
  },
}

/** Lets programs on this machine in; the owner pays. */
export class LoopbackAccess implements Purses {
  purseOf(_principal: Principal): Purse {
    return OWNER_PURSE
  }
}

/** Says of each request on whose behalf it comes, and refuses what it may not. */
export const loopbackGuard: GatewayPlugin = app => {
  app.addHook('onRequest', async request => {
    const { needs } = request.routeOptions.config
    request.principal = LOOPBACK_PRINCIPAL
    if (needs === undefined || needs === 'public' || LOOPBACK_PRINCIPAL.scopes.has(needs)) return
    throw new GatewayError('FORBIDDEN', `this takes the right to ${needs}`, { fix: 'Sign in as the owner.' })
  })
}
