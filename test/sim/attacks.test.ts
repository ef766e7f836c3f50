import assert from 'node:assert/strict'
import { ATTACKS, HARDEST, NO_ATTACK } from './attacks/index.ts'
import { confront, SMALL_WORLD } from './experiment.ts'
import { Random } from './random.ts'
import { cheapest } from './systems/cheapest.ts'
import { shoalWith } from './systems/shoal.ts'
import type { WorldOptions } from './world.ts'

/** Small enough for every change; `run.ts` has the figures that are claimed. */
const TINY: WorldOptions = {
  ...SMALL_WORLD,
  honestProviders: 60,
  requesters: 8,
  models: 2,
  tasks: 200,
  newcomers: 12,
  newcomersJoinAt: 60,
}
/** Of each attack a variant that begins to cheat soon. */
const EARLY = [...Map.groupBy(ATTACKS, ({ name }) => name).values()].map(([first]) => first!)
const last = (verdict: ReturnType<typeof confront>) => verdict.window[200]!.badWork

describe('the market under attack', () => {
  it('is the same for the same seed, and another for another', () => {
    const tiny = { ...TINY, requesters: 3, tasks: 100 }
    const [plan] = HARDEST
    const [one, same, other] = [1, 1, 2].map(seed => confront({ ...tiny, seed }, shoalWith(), [plan!]))
    assert.deepEqual(one, same)
    assert.notDeepEqual(one, other)
  })

  it('gives attackers nothing to gain where nobody attacks', () => {
    const peace = confront(TINY, shoalWith(), [NO_ATTACK])
    assert.equal(peace.upTo[200]!.badWork, 0)
    assert.ok(peace.lostShare < 0.02, `${peace.lostShare}`)
    assert.ok(peace.newcomerTasks > 1, `${peace.newcomerTasks}`)
  })

  for (const plan of EARLY)
    it(`leaves ${plan.name} little, and less than choosing the cheapest does`, () => {
      const shoal = last(confront(TINY, shoalWith(), [plan]))
      // Two hundred tasks are the beginning: see the benchmark for a thousand.
      assert.ok(shoal < 0.08, `${shoal}`)
      const theirs = last(confront(TINY, cheapest, [plan]))
      assert.ok(shoal < theirs / 2, `cheapest: ${theirs}, Shoal: ${shoal}`)
    })
})

describe('simulated randomness', () => {
  it('is uniform, and weighted choices follow their weights', () => {
    const random = new Random(5)
    const counts = [0, 0, 0]
    for (let i = 0; i < 6_000; i++) counts[random.weighted([1, 2, 3])]!++
    for (const [i, count] of counts.entries()) assert.ok(Math.abs(count - 1_000 * (i + 1)) < 200, `${counts}`)
    assert.equal(random.weighted([0, 0]), -1)
    const mean = Array.from({ length: 10_000 }, random.uniform).reduce((sum, x) => sum + x, 0) / 10_000
    assert.ok(Math.abs(mean - 0.5) < 0.02, `${mean}`)
  })
})
