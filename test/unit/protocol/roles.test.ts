import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { ROLES, requiredStake, roleBits, rolesIn, rolesWithin } from '../../../protocol/roles.ts'

const roles = fc.uniqueArray(fc.constantFrom(...ROLES))
const minimum = fc.bigInt(1n, 100n)
const minimums = fc.record({ validator: minimum, provider: minimum, orchestrator: minimum })

describe('roles', () => {
  it('have the bits that the contracts give them', () => {
    const library = readFileSync(new URL('../../../contracts/libraries/Roles.sol', import.meta.url), 'utf8')
    const inSolidity = [...library.matchAll(/constant (?:PROVIDER_)?([A-Z]+) = (\d+);/g)].map(
      ([, name, bits]) => [name!.toLowerCase(), Number(bits)] as const,
    )
    assert.deepEqual(
      Object.fromEntries(ROLES.map(role => [role, roleBits([role])])),
      Object.fromEntries(inSolidity),
    )
  })

  it('are the same as bits and back', () => {
    fc.assert(fc.property(roles, some => assert.deepEqual(rolesIn(roleBits(some)).sort(), [...some].sort())))
  })

  it("need the provider's stake once", () => {
    const least = { validator: 1n, provider: 10n, orchestrator: 100n }
    assert.equal(requiredStake([], least), 0n)
    assert.equal(requiredStake(['compute', 'storage', 'bandwidth'], least), 10n)
    assert.equal(requiredStake(ROLES, least), 111n)
  })

  it('are cut down to as many as a stake is enough for, and no further', () => {
    fc.assert(
      fc.property(roles, fc.bigInt(0n, 300n), minimums, (some, stake, least) => {
        const within = rolesWithin(some, stake, least)
        assert.ok(within.every(role => some.includes(role)))
        assert.ok(requiredStake(within, least) <= stake)
        for (const role of some)
          if (!within.includes(role)) assert.ok(requiredStake([...within, role], least) > stake)
        if (requiredStake(some, least) <= stake) assert.equal(within.length, some.length)
      }),
    )
  })

  it('of providers are kept before others', () => {
    const least = { validator: 100n, provider: 100n, orchestrator: 50n }
    assert.deepEqual(rolesWithin(['validator', 'compute', 'orchestrator'], 150n, least), [
      ...['compute', 'orchestrator'],
    ])
    assert.deepEqual(rolesWithin(['validator', 'compute'], 120n, least), ['compute'])
  })
})
