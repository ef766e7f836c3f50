import type { Cheat } from '../helpers/cheat-engines.ts'
import { CheatedNetwork, type Shares } from '../helpers/cheated-network.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

/** Each of two who ask. */
const TASKS = 400
const UNAUDITED_TASKS = 50
const MAX_TOKENS = 64
const RUNS = 10
/** Pairs of cheats of different kinds that take turns. */
const PAIRS: readonly (readonly [Cheat, Cheat])[] = [
  ['smaller', 'truncated'],
  ['copied', 'smaller'],
  ['truncated', 'copied'],
  ['quantised', 'truncated'],
]
const ROUND = 2
const MAX_ROUNDS = 15
const AFTERWARDS = 8

/** Cheats among six whole nodes on loopback, with real models, audits, stakes and a court. */
export const cheatsBench: Bench = {
  rows: ['cheats.share', 'honest.penalised'],
  async run(wanted) {
    const rows: BenchRow[] = []
    if (wanted('cheats.share')) rows.push(await shareRow())
    if (wanted('honest.penalised')) rows.push(await penalisedRow())
    return rows
  },
}

/** What cheats get that bait with half the price, from the first task on; beside what they get where nobody audits. */
async function shareRow(): Promise<BenchRow> {
  const found = await run({ seed: 1, cheats: PAIRS[0]! }, async cheated => {
    await cheated.ask(TASKS)
    await cheated.tried()
    const penalties = await cheated.penalties()
    if (penalties.length > 0) throw new Error(`honest nodes were penalised: ${JSON.stringify(penalties)}`)
    return { shares: cheated.shares(), last: cheated.shares(TASKS), won: wonCases(cheated) }
  })
  const unaudited = await run({ seed: 1, cheats: PAIRS[0]!, isAudited: false }, async cheated => {
    await cheated.ask(UNAUDITED_TASKS)
    return cheated.shares()
  })
  const { shares, last, won } = found
  return valueRow(
    {
      ...{ name: 'cheats.share', unit: 'of the work', value: shareOf(shares), baseline: shareOf(unaudited) },
      note: `the larger of tasks (${shares.tasksOfCheats} of ${shares.tasks}) and pay; ${last.tasksOfCheats} of the last ${last.tasks} tasks; ${won} court cases won; baseline: nobody audits`,
    },
    { atMost: 0.02 },
  )
}

/** Honest nodes to which something happened that should not have, over runs from a fresh state. */
async function penalisedRow(): Promise<BenchRow> {
  let [penalised, won, cases, tasks] = [0, 0, 0, 0]
  const what: string[] = []
  for (let seed = 1; seed <= RUNS; seed++) {
    const cheats = PAIRS[(seed - 1) % PAIRS.length]!
    await run({ seed, cheats }, async cheated => {
      for (let round = 0; round < MAX_ROUNDS && !cheated.areAllCaught; round++) await cheated.ask(ROUND)
      await cheated.ask(AFTERWARDS)
      await cheated.tried()
      const penalties = await cheated.penalties()
      penalised += new Set(penalties.map(penalty => penalty.node)).size
      what.push(...penalties.map(({ node, why }) => `run ${seed}, ${node}: ${why}`))
      won += wonCases(cheated)
      cases += cheated.cases.length
      tasks += cheated.shares().tasks
    })
  }
  return valueRow(
    {
      ...{ name: 'honest.penalised', unit: `nodes in ${RUNS} runs`, value: penalised, baseline: null },
      note: `${RUNS} runs of six traders and two validators, ${tasks} tasks, ${won} of ${cases} court cases won${what.length > 0 ? `; ${what.join('; ')}` : ''}`,
    },
    { atMost: 0 },
  )
}

async function run<T>(
  options: { seed: number; cheats: readonly Cheat[]; isAudited?: boolean },
  work: (cheated: CheatedNetwork) => Promise<T>,
): Promise<T> {
  const cheated = new CheatedNetwork({ ...options, requesters: 2, maxTokens: MAX_TOKENS })
  try {
    await cheated.start()
    return await work(cheated)
  } finally {
    await cheated.stop()
  }
}

function wonCases(cheated: CheatedNetwork): number {
  return cheated.cheats.reduce((sum, cheat) => sum + cheated.wonAgainst(cheat).length, 0)
}

function shareOf({ tasks, tasksOfCheats, paid, paidToCheats }: Shares): number {
  return Math.max(tasksOfCheats / tasks, Number(paidToCheats) / Number(paid))
}
