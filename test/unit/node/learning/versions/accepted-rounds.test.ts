import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  acceptedRounds,
  type RewardedVersion,
} from '../../../../../node/learning/versions/accepted-rounds.ts'

const walletOf = (node: string) => `0x${node.repeat(40).slice(0, 40)}`
const version = (round: string, endedAtMs: number, roster: Record<string, bigint>): RewardedVersion => ({
  ...{ round, endedAtMs },
  contributors: Object.keys(roster).map((node, _, { length }) => ({
    ...{ node, wallet: walletOf(node), weight: Math.floor(1_000_000 / length) },
  })),
  roster: Object.entries(roster).map(([node, stake]) => ({ node, stake })),
})
const EPOCH = { fromMs: 100, toMs: 200 }
const everybody = () => true

describe('accepted rounds in the learners’ pool', () => {
  it('count by the stake behind them, split by what their contributors gave', () => {
    const rounds = acceptedRounds([version('r', 150, { a: 300n, b: 100n })], EPOCH, everybody)
    assert.deepEqual(rounds, [
      {
        round: 'r',
        learners: [
          { account: walletOf('a'), weight: 200n },
          { account: walletOf('b'), weight: 200n },
        ],
      },
    ])
  })

  it('are those of the epoch, by the time of their manifests, each once, in one order', () => {
    const [early, first, last, late] = [99, 100, 199, 200].map((at, i) => version(`r${i}`, at, { a: 10n }))
    const all = [late!, last!, first!, early!, last!]
    const found = acceptedRounds(all, EPOCH, everybody)
    assert.deepEqual(
      found.map(({ round }) => round),
      ['r1', 'r2'],
    )
    assert.deepEqual(acceptedRounds(all.toReversed(), EPOCH, everybody), found)
  })

  it('give nothing to wallets that the chain does not bind', () => {
    const versions = [version('r', 150, { a: 300n, b: 100n })]
    const [round] = acceptedRounds(versions, EPOCH, node => node === 'a')
    assert.deepEqual(
      round!.learners.map(({ account }) => account),
      [walletOf('a')],
    )
  })

  it('never count more in all than the stake behind them, however many rounds are held', () => {
    const anyRoster = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.bigInt(0n, 10n ** 24n), {
      minKeys: 1,
    })
    fc.assert(
      fc.property(fc.array(anyRoster, { minLength: 1, maxLength: 12 }), rosters => {
        const versions = rosters.map((roster, i) => version(`r${i}`, 150, roster))
        const given = acceptedRounds(versions, EPOCH, everybody)
          .flatMap(({ learners }) => learners)
          .reduce((sum, { weight }) => sum + weight, 0n)
        const most = new Map<string, bigint>()
        for (const [node, stake] of rosters.flatMap(roster => Object.entries(roster)))
          if (stake > (most.get(node) ?? 0n)) most.set(node, stake)
        assert.ok(given <= [...most.values()].reduce((sum, stake) => sum + stake, 0n))
      }),
    )
  })
})
