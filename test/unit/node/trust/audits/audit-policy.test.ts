import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  AuditPolicy,
  CALIBRATED,
  deterringProbability,
  isDeterred,
} from '../../../../../node/trust/audits/audit-policy.ts'
import { CREDIT } from '../../../../../protocol/money.ts'

const amount = fc.bigInt({ min: 0n, max: 10n ** 24n })
const chance = fc.double({ min: 0, max: 1, noNaN: true })
const situation = fc.record({
  stakes: fc.record({ gain: amount, reputation: amount, stake: amount }),
  quality: fc.record({ power: chance, escape: chance, falseAlarm: chance }),
  options: fc.record({ least: chance, safety: fc.double({ min: 1, max: 10, noNaN: true }) }),
})
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never

const probability = ({ stakes, quality, options }: Situation) =>
  deterringProbability(stakes, quality, options)

/** How a change of one symbol moves the probability: up, or down. */
const CHANGES: [symbol: string, direction: 1 | -1, change: (s: Situation, by: number) => Situation][] = [
  ['g', 1, (s, by) => ({ ...s, stakes: { ...s.stakes, gain: s.stakes.gain + BigInt(by) * CREDIT } })],
  [
    'R',
    -1,
    (s, by) => ({ ...s, stakes: { ...s.stakes, reputation: s.stakes.reputation + BigInt(by) * CREDIT } }),
  ],
  ['S', -1, (s, by) => ({ ...s, stakes: { ...s.stakes, stake: s.stakes.stake + BigInt(by) * CREDIT } })],
  [
    'd',
    -1,
    (s, by) => ({ ...s, quality: { ...s.quality, power: Math.min(1, s.quality.power + by / 1_000) } }),
  ],
  [
    'r',
    1,
    (s, by) => ({ ...s, quality: { ...s.quality, escape: Math.min(1, s.quality.escape + by / 1_000) } }),
  ],
  ['α', 1, (s, by) => ({ ...s, quality: { ...s.quality, falseAlarm: s.quality.falseAlarm + by / 1_000 } })],
  ['k', 1, (s, by) => ({ ...s, options: { ...s.options, safety: s.options.safety + by / 100 } })],
  [
    'p_min',
    1,
    (s, by) => ({ ...s, options: { ...s.options, least: Math.min(1, s.options.least + by / 1_000) } }),
  ],
]

describe('the chance of an audit', () => {
  it('is what the formula says', () => {
    const stakes = { gain: CREDIT, reputation: 10n * CREDIT, stake: 90n * CREDIT }
    const quality = { power: 0.9, escape: 0.5, falseAlarm: 0.05 }
    // 2 · 1 / ((0.9 · 0.5 − 0.05) · 100)
    assert.equal(
      deterringProbability(stakes, quality, { least: 0.01, safety: 2 }).toFixed(12),
      '0.050000000000',
    )
    assert.equal(deterringProbability(stakes, quality, { least: 0.2, safety: 2 }), 0.2)
  })

  it('is a chance, and at least the least', () => {
    fc.assert(
      fc.property(situation, s => {
        const p = probability(s)
        assert.ok(p >= s.options.least && p <= 1)
      }),
    )
  })

  for (const [symbol, direction, change] of CHANGES)
    it(`${direction > 0 ? 'rises' : 'falls'} with ${symbol}`, () => {
      fc.assert(
        fc.property(situation, fc.integer({ min: 0, max: 1_000 }), (before, by) => {
          const difference = probability(change(before, by)) - probability(before)
          assert.ok(difference * direction >= -1e-12, String(difference))
        }),
      )
    })

  it('leaves cheating unprofitable wherever it is below 1, and says where even 1 is too little', () => {
    fc.assert(
      fc.property(situation, s => {
        const { gain, reputation, stake } = s.stakes
        const { power, escape: getaway, falseAlarm } = s.quality
        const p = probability(s)
        const factor = power * (1 - getaway) - falseAlarm
        const profit = Number(gain) - p * factor * (Number(reputation) + Number(stake))
        if (p < 1 || isDeterred(s.stakes, s.quality)) assert.ok(profit <= 1e-9 * Number(gain), String(profit))
        else assert.ok(profit > -1e-9 * Number(gain), String(profit))
      }),
    )
  })

  it('is 1 where audits tell no more than chance, or nothing is at stake', () => {
    const stakes = { gain: 0n, reputation: CREDIT, stake: 0n }
    for (const quality of [
      { power: 0.5, escape: 1, falseAlarm: 0 },
      { power: 0.1, escape: 0, falseAlarm: 0.1 },
      { power: 0, escape: 0, falseAlarm: 0 },
    ])
      assert.equal(deterringProbability(stakes, quality, { least: 0 }), 1)
    assert.equal(deterringProbability({ gain: 0n, reputation: 0n, stake: 0n }, CALIBRATED, { least: 0 }), 1)
  })
})

describe('the policy of audits', () => {
  const policy = (known: { trust?: number; proof?: number; stake?: bigint; paid?: bigint }) =>
    new AuditPolicy(
      { least: 0.02, unresolvedLimit: CREDIT },
      {
        trust: (_provider, least) => Math.max(least, known.trust ?? 0),
        proofOf: () => known.proof ?? 0,
        stakeOf: () => known.stake ?? 0n,
        paidTo: () => known.paid ?? 0n,
      },
    )

  it('looks at everybody as closely as reputation or stakes ask, whichever is more', () => {
    const rich = { paid: 1_000n * CREDIT }
    assert.equal(policy({ ...rich, trust: 1 }).probability('a', 1n, CALIBRATED), 1)
    assert.equal(policy({ ...rich, trust: 0.3 }).probability('a', 1n, CALIBRATED), 0.3)
    assert.equal(policy(rich).probability('a', 1n, CALIBRATED), 0.02)
    assert.ok(policy(rich).probability('a', 100n * CREDIT, CALIBRATED) > 0.2)
    assert.equal(policy({ trust: 0.3 }).probability('a', 1n, CALIBRATED), 1)
  })

  it('lets proof and stake carry more unchecked work', () => {
    assert.equal(policy({}).unresolvedCap('a'), CREDIT)
    assert.equal(policy({ proof: 3.9 }).unresolvedCap('a'), 4n * CREDIT)
    assert.ok(policy({ stake: 100n * CREDIT }).unresolvedCap('a') > 40n * CREDIT)
    assert.ok(policy({ stake: 100n * CREDIT }).unresolvedCap('a') < 50n * CREDIT)
  })
})
