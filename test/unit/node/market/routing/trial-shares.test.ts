import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DEFAULT_TUNING } from '../../../../../node/market/routing/strategies.ts'
import { sumOf, trialShares, wholeOf } from '../../../../../node/market/routing/trial-shares.ts'
import { STRANGER_KINDS, type StrangerKind } from '../../../../../node/trust/evidence.ts'

const chance = fc.double({ min: 0, max: 1, noNaN: true })
const terms = fc.record({
  maxTrials: chance,
  trialRisk: fc.double({ min: 0, max: 0.1, noNaN: true }),
  trialRiskShares: fc.record({ staked: chance, unstaked: chance, suspected: chance }),
})
const risks = fc.record({ staked: chance, unstaked: chance, suspected: chance })
const kinds = fc.subarray([...STRANGER_KINDS]).map(list => new Set<StrangerKind>(list))
const lossOf = (shares: Record<StrangerKind, number>, risk: Record<StrangerKind, number>) =>
  STRANGER_KINDS.reduce((sum, kind) => sum + shares[kind] * risk[kind], 0)

describe('shares of trials', () => {
  it('lose no more to cheats than the risk that is taken, and none go to kinds that are not there', () => {
    fc.assert(
      fc.property(terms, risks, kinds, (given, risk, present) => {
        const shares = trialShares(present, kind => risk[kind], true, given)
        assert.ok(sumOf(shares) <= given.maxTrials + 1e-12)
        assert.ok(lossOf(shares, risk) <= given.trialRisk + 1e-12)
        for (const kind of STRANGER_KINDS)
          assert.ok(shares[kind] >= 0 && (present.has(kind) || shares[kind] === 0))
      }),
    )
  })

  it('are bounded where no peer is known, too', () => {
    fc.assert(
      fc.property(terms, risks, kinds, (given, risk, present) => {
        const shares = trialShares(present, kind => risk[kind], false, given)
        assert.ok(sumOf(shares) <= given.maxTrials + 1e-12)
        assert.ok(lossOf(shares, risk) <= given.trialRisk + given.maxTrials / 4 + 1e-12)
      }),
    )
  })

  it('of those with a stake do not depend on how many without one cheat', () => {
    fc.assert(
      fc.property(risks, chance, (risk, other) => {
        const present = new Set<StrangerKind>(STRANGER_KINDS)
        const one = trialShares(present, kind => risk[kind], true, DEFAULT_TUNING)
        const same = trialShares(present, kind => ({ ...risk, unstaked: other })[kind], true, DEFAULT_TUNING)
        assert.equal(one.staked, same.staked)
      }),
    )
  })

  it('are made a whole where nobody is known', () => {
    fc.assert(
      fc.property(terms, risks, kinds, (given, risk, present) => {
        const whole = wholeOf(
          trialShares(present, kind => risk[kind], false, given),
          present,
        )
        assert.ok(Math.abs(sumOf(whole) - (present.size === 0 ? 0 : 1)) < 1e-9)
        for (const kind of STRANGER_KINDS) assert.ok(present.has(kind) || whole[kind] === 0)
      }),
    )
  })
})
