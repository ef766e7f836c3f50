/** What a wallet can stake for, one bit each, as the contracts' library `Roles` has them. No bit is an observer. */
const ROLE_BITS = { compute: 4, storage: 8, bandwidth: 16, validator: 2, orchestrator: 1 } as const

export type Role = keyof typeof ROLE_BITS

export const ROLES = Object.keys(ROLE_BITS) as readonly Role[]

/** The three kinds of provider, who need the provider's stake once between them. */
const PROVIDER: readonly Role[] = ['compute', 'storage', 'bandwidth']

/** Least stake for each role, base units. */
export interface MinimumStakes {
  validator: bigint
  provider: bigint
  orchestrator: bigint
}

export function roleBits(roles: readonly Role[]): number {
  return roles.reduce((bits, role) => bits | ROLE_BITS[role], 0)
}

/** The roles among bits, in the order of `ROLES`. */
export function rolesIn(bits: number): Role[] {
  return ROLES.filter(role => (bits & ROLE_BITS[role]) !== 0)
}

/** What roles need together, base units: Staking's `requiredStake`. */
export function requiredStake(roles: readonly Role[], minimums: MinimumStakes): bigint {
  return (
    (roles.includes('validator') ? minimums.validator : 0n) +
    (roles.some(role => PROVIDER.includes(role)) ? minimums.provider : 0n) +
    (roles.includes('orchestrator') ? minimums.orchestrator : 0n)
  )
}

/** As many of some roles as a stake is enough for, in the order of `ROLES`; providers' before others. */
export function rolesWithin(roles: readonly Role[], stake: bigint, minimums: MinimumStakes): Role[] {
  let best: Role[] = []
  for (let bits = roleBits(ROLES); bits > 0; bits--) {
    const kept = rolesIn(bits & roleBits(roles))
    if (kept.length > best.length && requiredStake(kept, minimums) <= stake) best = kept
  }
  return best
}
