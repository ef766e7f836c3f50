import type { AttackPlan } from './attack.ts'
import type { SimSystem } from './market.ts'
import { STAKE_CREDITS } from './population.ts'
import type { Shares } from './tally.ts'
import { type RunResult, World, type WorldOptions } from './world.ts'

/** Tasks of every requester after which shares are told. */
export const MILESTONES = [100, 200, 500, 1_000] as const
/** The last tasks before a milestone: how things are then, not how they came to be. */
const WINDOW_TASKS = 100

/** 257 providers, 77 of them attackers', and the names attacks make, up to some thousands; 30 requesters. */
export const SMALL_WORLD: WorldOptions = {
  seed: 1,
  honestProviders: 180,
  attackerShare: 0.3,
  requesters: 30,
  models: 5,
  tasks: 1_000,
  inFlight: 2,
  newcomers: 36,
  newcomersJoinAt: 700,
  attackerStakes: 1,
  auditProbability: 0.1,
  auditPower: 0.99,
  auditFalseAlarm: 0.001,
}

/** Baselines audit whomever they deal with alike: as many answers as Shoal does in all. */
export const BASELINE_AUDITS = 0.42

/** 2,000 providers and 240 requesters: the same market, eight times as big. */
export const FULL_WORLD: WorldOptions = {
  ...SMALL_WORLD,
  honestProviders: 1_400,
  requesters: 240,
  models: 24,
  newcomers: 280,
}

/** What a way of choosing came to under an attack: of each figure the worst of the variants that were run. */
export interface Verdict {
  system: string
  attack: string
  /** By milestone: of all tasks up to it, and of the last hundred. */
  upTo: Record<number, Shares>
  window: Record<number, Shares>
  /** The variant with the most bad work up to the last milestone. */
  worstVariant: string
  /** Bad work among the first thousand tasks of the whole network. */
  networkFirst: number
  /** Means over the variants. */
  auditShare: number
  auditCost: number
  lostShare: number
  /** What newcomers were paid, of what their twins were: in the hundred tasks that end 200 after they joined. */
  newcomerShare: number
  /** The same of those with a stake, and of those without. */
  stakedNewcomers: number
  unstakedNewcomers: number
  /** Tasks each newcomer had had by then. */
  newcomerTasks: number
  /** Credits attackers have locked up for each they were paid for bad work, in the variant where that is least. */
  stakedPerGain: number
}

/** Runs a way of choosing against variants of one attack. */
export function confront(options: WorldOptions, system: SimSystem, plans: readonly AttackPlan[]): Verdict {
  return judge(
    options,
    plans.map(plan => new World(options, { system, plan }).run()),
  )
}

function judge(options: WorldOptions, results: readonly RunResult[]): Verdict {
  const milestones = MILESTONES.filter(milestone => milestone <= options.tasks)
  const last = milestones.at(-1)!
  const badWork = ({ tally }: RunResult) => tally.ofRequesters(0, last).badWork
  const worst = results.toSorted((a, b) => badWork(b) - badWork(a))[0]!
  const byMilestone = (from: (milestone: number) => number) =>
    Object.fromEntries(
      milestones.map(milestone => [
        milestone,
        worstOf(results.map(({ tally }) => tally.ofRequesters(from(milestone), milestone))),
      ]),
    )
  const mean = (of: (result: RunResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length
  return {
    system: worst.system,
    attack: worst.attack,
    worstVariant: worst.variant,
    upTo: byMilestone(() => 0),
    window: byMilestone(milestone => milestone - WINDOW_TASKS),
    networkFirst: Math.max(...results.map(({ tally }) => tally.ofNetwork(0, 1_000).badWork)),
    auditShare: mean(({ auditShare }) => auditShare),
    auditCost: mean(({ auditCost }) => auditCost),
    lostShare: mean(({ lostShare }) => lostShare),
    newcomerShare: mean(({ newcomerShare }) => newcomerShare(100, 200)),
    stakedNewcomers: mean(({ newcomerShare }) => newcomerShare(100, 200, true)),
    unstakedNewcomers: mean(({ newcomerShare }) => newcomerShare(100, 200, false)),
    stakedPerGain: Math.min(
      ...results.map(
        ({ attackerStakes, attackerGain }) => (attackerStakes * STAKE_CREDITS) / Math.max(1e-9, attackerGain),
      ),
    ),
    newcomerTasks: mean(({ newcomerTasks }) => newcomerTasks(200)),
  }
}

function worstOf(shares: readonly Shares[]): Shares {
  const most = (of: (share: Shares) => number) => Math.max(...shares.map(of))
  return {
    badWork: most(({ badWork }) => badWork),
    toAttackers: most(({ toAttackers }) => toAttackers),
    badTasks: most(({ badTasks }) => badTasks),
  }
}
