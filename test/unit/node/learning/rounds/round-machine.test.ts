import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RoundSimulation, type SimulationOptions } from '../../../../helpers/learning/round-simulation.ts'
import { manifestOf } from '../../../../helpers/learning/round-world.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'

const NOW_MS = 1_700_000_000_000
const PHASE_MS = 4_000
/** More by hand, after a change of the machine: `ROUND_RUNS=500`. */
const RUNS = Number(process.env.ROUND_RUNS ?? 8)

function simulate(
  options: Partial<SimulationOptions> & { nodes: number; seed: number; quorumStake?: bigint },
) {
  const { seed, quorumStake = 0n, ...rest } = options
  const manifest = manifestOf(NOW_MS, PHASE_MS, { leastStake: 1n, quorumStake, maximumMembers: 16 })
  const simulation = new RoundSimulation({
    ...{ liars: 0, lost: 0, twice: 0, late: 0, delayMs: 100, restarts: 0, syncEveryMs: 1_000, manifest },
    random: seededRandom(seed),
    ...rest,
  })
  simulation.run()
  return simulation
}

const endsOf = ({ nodes }: RoundSimulation) => nodes.map(({ state }) => state.failure ?? state.phase)

describe('the machine of a round', () => {
  it('brings members to one adapter', () => {
    const simulation = simulate({ nodes: 4, seed: 1 })
    assert.deepEqual(endsOf(simulation), ['done', 'done', 'done', 'done'])
    assert.equal(simulation.accepted().size, 1)
  })

  it('fails with too few members, and says so', () => {
    assert.deepEqual(endsOf(simulate({ nodes: 1, seed: 1 })), ['too_few_members'])
  })

  it('fails as soon as everybody has found too little that is good', () => {
    const { nodes } = simulate({ nodes: 4, seed: 1, isWorthless: true })
    for (const { state } of nodes) {
      assert.equal(state.failure, 'too_few_accepted')
      assert.ok(state.phaseFromMs < state.manifest.deadlines.scoreMs, 'it waited')
    }
  })

  it('never accepts two adapters, whatever is lost, repeated, restarted or lied about', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 4, max: 7 }),
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        fc.nat(3_000),
        fc.nat(4),
        (seed, nodes, lost, delayMs, restarts) => {
          const liars = Math.floor((nodes - 1) / 3)
          // Two thirds of all that could take part: what a partition needs.
          const quorumStake = BigInt(Math.ceil((nodes * 10 * 2) / 3))
          const simulation = simulate({
            ...{
              nodes,
              seed,
              liars,
              lost,
              delayMs,
              restarts,
              quorumStake,
              twice: 0.2,
              late: 0.3,
              syncEveryMs: 3_000,
            },
          })
          assert.ok(simulation.accepted().size <= 1, 'two adapters were accepted')
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('comes to an adapter when messages arrive and more than two thirds are honest', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 4, max: 5 }), fc.nat(3), (seed, nodes, restarts) => {
        const liars = Math.floor((nodes - 1) / 3)
        const simulation = simulate({ nodes, seed, liars, restarts, twice: 0.2, late: 0.3, syncEveryMs: 400 })
        const honest = simulation.nodes.filter(({ isLiar }) => !isLiar)
        assert.deepEqual(
          honest.map(({ state }) => state.failure ?? state.phase),
          honest.map(() => 'done'),
        )
        assert.equal(simulation.accepted().size, 1)
      }),
      { numRuns: RUNS },
    )
  })
})
