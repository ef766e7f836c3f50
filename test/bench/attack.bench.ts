import { HARDEST, NO_ATTACK } from '../sim/attacks/index.ts'
import { BASELINE_AUDITS, confront, SMALL_WORLD, type Verdict } from '../sim/experiment.ts'
import { BASELINES } from '../sim/systems/index.ts'
import { shoalWith } from '../sim/systems/shoal.ts'
import { type Bench, valueRow } from './row.ts'

const BAD_SHARE = 'attack.badshare'
const NEWCOMER = 'attack.newcomer'
const MILESTONE = 1_000
const SEEDS = [1, 2, 3]

/**
 * Seven attacks by 30 % of the providers, simulated, with the real router and trust model; see `test/sim/README.md`.
 * The baselines are in the same run: the same networks, tasks and attackers, and as many audits.
 */
export const attackBench: Bench = {
  rows: [BAD_SHARE, NEWCOMER],
  async run(wanted) {
    const shoal: Verdict[] = HARDEST.map(plan => confront(SMALL_WORLD, shoalWith(), [plan]))
    const rows = []
    if (wanted(BAD_SHARE)) {
      const world = { ...SMALL_WORLD, auditProbability: BASELINE_AUDITS }
      const best = BASELINES.map(system => ({
        name: system.name,
        bad: worstWindow(HARDEST.map(plan => confront(world, system, [plan]))),
      })).sort((a, b) => a.bad - b.bad)[0]!
      const upTo = Math.max(...shoal.map(verdict => verdict.upTo[MILESTONE]!.badWork))
      rows.push(
        valueRow(
          {
            name: BAD_SHARE,
            unit: 'of paid work',
            value: worstWindow(shoal),
            baseline: best.bad,
            note: `bad work in the worst of ${HARDEST.length} attacks by 30 % of the providers, each requester's tasks 901 to 1,000 (all from the first: ${(100 * upTo).toFixed(1)} %), beside the best of four others, ${best.name}`,
          },
          { atMost: 0.02 },
        ),
      )
    }
    if (wanted(NEWCOMER)) {
      // One market is a lottery: who is cheap enough is drawn anew with every seed.
      const peace = SEEDS.map(seed => confront({ ...SMALL_WORLD, seed }, shoalWith(), [NO_ATTACK]))
      const least = (of: (verdict: Verdict) => number) => {
        const worst = shoal.toSorted((a, b) => of(a) - of(b))[0]!
        return `${of(worst).toFixed(2)} (${worst.attack})`
      }
      const staked = least(({ stakedNewcomers }) => stakedNewcomers)
      const unstaked = least(({ unstakedNewcomers }) => unstakedNewcomers)
      rows.push(
        valueRow(
          {
            name: NEWCOMER,
            unit: 'of fair share',
            value: peace.reduce((sum, { newcomerShare }) => sum + newcomerShare, 0) / peace.length,
            baseline: null,
            note: `what honest newcomers are paid, of what twins who were there all along are, in the tasks 101 to 200 of each requester after they joined, mean of ${SEEDS.length} markets; in one under attack at least ${staked} with a stake, ${unstaked} without`,
          },
          { atLeast: 0.9 },
        ),
      )
    }
    return rows
  },
}

function worstWindow(verdicts: readonly Verdict[]): number {
  return Math.max(...verdicts.map(({ window }) => window[MILESTONE]!.badWork))
}
