import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type CastVote,
  lossAllowance,
  type Quorum,
  tallyVotes,
} from '../../../../../node/learning/acceptance/quorum.ts'
import { stakeMedian } from '../../../../../node/learning/acceptance/stake-median.ts'
import type { NodeKey } from '../../../../../protocol/ids.ts'
import type { RoundVote } from '../../../../../protocol/messages/learning/round-vote.ts'

const GOOD = `sha256:${'a'.repeat(64)}`
const EVIL = `sha256:${'e'.repeat(64)}`
const keyOf = (index: number): NodeKey => index.toString(16).padStart(64, '0')
const ROSTER = `0x${'7'.repeat(64)}`
const TERMS = { lossTolerance: 20_000, regressionTolerance: 20_000, quorumStake: 0n }
const HONEST = {
  version: 1,
  round: 'bafyround',
  proposal: 'bafyproposal',
  adapter: GOOD,
  roster: ROSTER,
  accept: true,
  reason: 'better',
  loss: { before: 3_000_000, after: 1_000_000 },
  general: { before: 2_000_000, after: 2_000_000 },
} as const satisfies RoundVote
const cast = (index: number, changes: Partial<RoundVote> = {}): CastVote => ({
  voter: keyOf(index),
  vote: { ...HONEST, ...changes },
})
const tally = (votes: readonly CastVote[], stakes: ReadonlyMap<NodeKey, bigint>): Quorum =>
  tallyVotes(votes, { digest: ROSTER, stakes }, TERMS)
const equalStakes = (count: number) => new Map(Array.from({ length: count }, (_, i) => [keyOf(i), 5n]))

/** What liars may say. */
const anyPart = fc.integer({ min: 0, max: 32_000_000 })
const anyLoss = fc.option(fc.record({ before: anyPart, after: anyPart }), { nil: null })
const anyLie = fc.record({
  adapter: fc.constantFrom(GOOD, EVIL),
  accept: fc.boolean(),
  loss: anyLoss,
  general: anyLoss,
  roster: fc.constantFrom<string>(ROSTER, ROSTER, `0x${'8'.repeat(64)}`),
})
const anyStake = fc.bigInt({ min: 0n, max: 10n ** 24n })

describe('the median by stake', () => {
  it('stays among what more than half of the stake says', () => {
    const honest = fc.array(fc.tuple(fc.integer({ min: 100, max: 200 }), fc.bigInt(1n, 10n ** 20n)), {
      minLength: 1,
      maxLength: 8,
    })
    const liars = fc.array(fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.bigInt(1n, 10n ** 20n)), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(honest, liars, (truths, lies) => {
        const sum = (all: readonly [number, bigint][]) => all.reduce((total, [, stake]) => total + stake, 0n)
        fc.pre(sum(truths) > sum(lies))
        const median = stakeMedian([...truths, ...lies].map(([value, stake]) => ({ value, stake })))!
        assert.ok(median >= 100 && median <= 200)
      }),
    )
  })

  it('is nothing where nobody has a stake', () => {
    assert.equal(stakeMedian([{ value: 1, stake: 0n }]), null)
    assert.equal(stakeMedian([]), null)
  })
})

describe('the quorum on an adapter', () => {
  it('accepts with two thirds of the stake and not with less', () => {
    const two = [cast(0), cast(1)]
    assert.equal(tally(two, equalStakes(3)).state, 'accepted')
    assert.equal(tally(two, equalStakes(4)).state, 'open')
    const stakes = new Map([...equalStakes(3), [keyOf(2), 6n]])
    assert.equal(tally(two, stakes).state, 'open')
    const roster = { digest: ROSTER, stakes: equalStakes(2) }
    assert.equal(tallyVotes(two, roster, { ...TERMS, quorumStake: 10n }).state, 'accepted')
    assert.equal(tallyVotes(two, roster, { ...TERMS, quorumStake: 11n }).state, 'rejected')
  })

  it('is rejected once it cannot come together any more', () => {
    const against = { accept: false, reason: 'worse' } as const
    const votes = [cast(0), cast(1), cast(2, against), cast(3, against)]
    assert.equal(tally(votes.slice(0, 3), equalStakes(4)).state, 'open')
    const result = tally(votes, equalStakes(4))
    assert.ok(result.state === 'rejected' && result.reason === 'refused')
  })

  it('is rejected by what the voters measured, however they vote', () => {
    const worse = { general: { before: 2_000_000, after: 2_060_000 } }
    const general = tally([cast(0, worse), cast(1, worse), cast(2)], equalStakes(3))
    assert.ok(general.state === 'rejected' && general.reason === 'regression')
    const useless = { loss: { before: 3_000_000, after: 3_000_000 } }
    const gain = tally([cast(0, useless), cast(1, useless), cast(2, useless)], equalStakes(3))
    assert.ok(gain.state === 'rejected' && gain.reason === 'no_gain')
  })

  it('does not count who votes twice, strangers, or measurements far off', () => {
    const stakes = equalStakes(3)
    assert.equal(tally([cast(0), cast(1), cast(1, { adapter: EVIL })], stakes).state, 'open')
    assert.equal(tally([cast(0), cast(1), cast(1, { adapter: EVIL }), cast(2)], stakes).state, 'accepted')
    assert.equal(tally([cast(0), cast(7), cast(8)], stakes).state, 'open')
    assert.equal(tally([cast(0), cast(1), cast(1)], stakes).state, 'accepted')
    assert.equal(tally([cast(0), cast(1, { roster: EVIL })], stakes).state, 'open')
    const off = tally([cast(0), cast(1, { loss: { before: 3_000_000, after: 1_500_000 } })], stakes)
    assert.equal(off.stakeFor, 5n)
  })

  it('never accepts with less than two thirds of the stake for one adapter, in any order', () => {
    const anyVotes = fc.array(fc.tuple(fc.nat(9), anyLie), { maxLength: 24 })
    const anyStakes = fc.array(anyStake, { minLength: 10, maxLength: 10 })
    fc.assert(
      fc.property(anyVotes, anyStakes, fc.infiniteStream(fc.nat()), (lies, amounts, order) => {
        const votes = lies.map(([index, lie]) => cast(index, lie))
        const stakes = new Map(amounts.map((stake, i) => [keyOf(i), stake]))
        const result = tally(votes, stakes)
        const shuffled = votes
          .map(vote => ({ vote, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ vote }) => vote)
        assert.deepEqual(tally(shuffled, stakes), result)
        if (result.state !== 'accepted') return
        const participating = amounts.reduce((sum, stake) => sum + stake, 0n)
        const isFor = (key: NodeKey) =>
          votes.some(({ voter, vote }) => voter === key && vote.adapter === result.adapter && vote.accept)
        const supporting = [...stakes]
          .filter(([key]) => isFor(key))
          .reduce((sum, [, stake]) => sum + stake, 0n)
        assert.ok(supporting * 3n >= participating * 2n && participating > 0n)
        assert.ok(result.losses.loss.after < result.losses.loss.before)
      }),
      { numRuns: 300 },
    )
  })

  it('cannot be moved by liars with less than a third of the stake', () => {
    // Honest voters measure within half a tolerance of the truth.
    const honestStakes = fc.array(fc.bigInt(1n, 10n ** 20n), { minLength: 1, maxLength: 7 })
    const noise = fc.array(fc.integer({ min: -4_000, max: 4_000 }), { minLength: 7, maxLength: 7 })
    const liars = fc.array(fc.tuple(anyLie, fc.bigInt(1n, 10n ** 20n)), { maxLength: 7 })
    fc.assert(
      fc.property(honestStakes, noise, liars, fc.boolean(), (amounts, errors, lies, isGood) => {
        const honest = amounts.reduce((sum, stake) => sum + stake, 0n)
        const lying = lies.reduce((sum, [, stake]) => sum + stake, 0n)
        fc.pre(lying * 2n < honest)
        const truth: Partial<RoundVote> = isGood
          ? {}
          : { accept: false, reason: 'worse', loss: { before: 3_000_000, after: 3_020_000 } }
        const votes = [
          ...amounts.map((_, i) => {
            const vote: RoundVote = { ...HONEST, ...truth }
            const { before, after } = vote.loss!
            return cast(i, { ...vote, loss: { before, after: after + errors[i]! } })
          }),
          ...lies.map(([lie], i) => cast(100 + i, lie)),
        ]
        const stakes = new Map([
          ...amounts.map((stake, i) => [keyOf(i), stake] as const),
          ...lies.map(([, stake], i) => [keyOf(100 + i), stake] as const),
        ])
        const result = tally(votes, stakes)
        assert.equal(result.state, isGood ? 'accepted' : 'rejected')
        if (result.state !== 'accepted') return
        assert.equal(result.adapter, GOOD)
        const allowed = lossAllowance(HONEST.loss.after, TERMS)
        assert.ok(Math.abs(result.losses.loss.after - HONEST.loss.after) <= allowed)
      }),
      { numRuns: 300 },
    )
  })
})
