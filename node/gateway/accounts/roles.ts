import { GATEWAY_ROLES, type GatewayRole, type GatewayScope, SCOPES_OF_ROLE } from '../http/principal.ts'

/** The lesser of two roles. */
export function lesserRole(a: GatewayRole, b: GatewayRole): GatewayRole {
  return GATEWAY_ROLES.indexOf(a) <= GATEWAY_ROLES.indexOf(b) ? a : b
}

/** Those of the scopes that the role allows. */
export function scopesWithin(role: GatewayRole, scopes: readonly GatewayScope[]): Set<GatewayScope> {
  return new Set(SCOPES_OF_ROLE[role].filter(scope => scopes.includes(scope)))
}
