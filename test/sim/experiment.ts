import type { AttackPlan } from './attack.ts'
import type { SimSystem } from './market.ts'
import type { Shares } from './tally.ts'
import { type RunResult, World, type WorldOptions } from './world.ts'

/** A task of every requester's after which shares are told. */
export const MILESTONES = [100, 200, 500, 1_000] as const
/** Tasks up to a milestone that its window has. */
const WINDOW_TASKS = 100

/**
 * 2,000 providers, 600 of them attackers', and what else of names an attack makes: some thousands of nodes. Sixty
 * requesters with a thousand tasks each, and some more for newcomers who join late.
 */
export const FULL_WORLD: WorldOptions = {
  seed: 1,
  honestProviders: 1_400,
  attackerShare: 0.3,
  requesters: 60,
  models: 12,
  tasks: 1_000,
  inFlight: 4,
  newcomers: 120,
  newcomersJoinAt: 700,
  auditProbability: 0.1,
  auditPower: 0.99,
  auditFalseAlarm: 0.001,
}

/** A quarter of that, for a benchmark that is waited for. */
export const SMALL_WORLD: WorldOptions = {
  ...FULL_WORLD,
  honestProviders: 350,
  requesters: 24,
  models: 6,
  newcomers: 60,
}

/** What a way of choosing came to under one attack: of each figure the worst of the attack's variants. */
export interface Verdict {
  system: string
  attack: string
  /** By milestone: of the tasks up to it, and of the last hundred before it. */
  upTo: Record<number, Shares>
  window: Record<number, Shares>
  /** The variant with the greatest share of bad work up to the last milestone. */
  worstVariant: string
  /** Bad work among the network's first thousand tasks. */
  networkFirst: number
  auditShare: number
  auditCost: number
  lostShare: number
  /** What newcomers were paid, of what their twins were, in the second hundred tasks after joining, and the third. */
  newcomers: { second: number; third: number; tasks: number }
  /** What honest providers were paid, of what all were that did right work. */
}

export function runVariant(options: WorldOptions, system: SimSystem, plan: AttackPlan): RunResult {
  return new World(options, { system, plan }).run()
}

/** Puts the variants of one attack together. */
export function judge(options: WorldOptions, results: readonly RunResult[]): Verdict {
  const milestones = MILESTONES.filter(milestone => milestone <= options.tasks)
  const last = milestones[milestones.length - 1]!
  const worst = results.toSorted(
    (a, b) => b.tally.ofRequesters(0, last).badWork - a.tally.ofRequesters(0, last).badWork,
  )[0]!
  const worstOf = (sharesOf: (result: RunResult) => Shares): Shares => {
    const shares = results.map(sharesOf)
    return {
      badWork: Math.max(...shares.map(({ badWork }) => badWork)),
      toAttackers: Math.max(...shares.map(({ toAttackers }) => toAttackers)),
      badTasks: Math.max(...shares.map(({ badTasks }) => badTasks)),
    }
  }
  const most = (of: (result: RunResult) => number) => Math.max(...results.map(of))
  const mean = (of: (result: RunResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length
  return {
    system: worst.system,
    attack: worst.attack,
    worstVariant: worst.variant,
    upTo: Object.fromEntries(
      milestones.map(milestone => [milestone, worstOf(({ tally }) => tally.ofRequesters(0, milestone))]),
    ),
    window: Object.fromEntries(
      milestones.map(milestone => [
        milestone,
        worstOf(({ tally }) => tally.ofRequesters(milestone - WINDOW_TASKS, milestone)),
      ]),
    ),
    networkFirst: most(({ tally }) => tally.ofNetwork(0, 1_000).badWork),
    auditShare: mean(({ auditShare }) => auditShare),
    auditCost: mean(({ auditCost }) => auditCost),
    lostShare: most(({ lostShare }) => lostShare),
    newcomers: {
      second: mean(({ newcomerShare }) => newcomerShare(100, 200)),
      third: mean(({ newcomerShare }) => newcomerShare(200, 300)),
      tasks: mean(({ newcomerTasks }) => newcomerTasks(200)),
    },
  }
}
