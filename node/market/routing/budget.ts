import type { Candidate } from './candidate.ts'

const BASE_UNITS = 1e18

/** One way to have a task done. */
export interface BudgetOption {
  /** Base units. */
  cost: bigint
  /** Of the answer, 0 to 1: held against the least quality. */
  quality: number
  /** Quality that is to be expected, 0 to 1: what is summed up and made as large as can be. */
  expected: number
}

/** What each task is given to. */
export interface BudgetPlan {
  /** For each task the place of its option. */
  choices: number[]
  /** Base units, of all. */
  cost: bigint
  /** Expected, of all. */
  quality: number
  /** No plan within the budget has more. */
  qualityAtMost: number
}

/** Why there is no plan. */
export interface BudgetRefusal {
  /** Base units the least would cost; null where some task has no option that is good enough. */
  needed: bigint | null
}

/** A step of a task from one option to a better and dearer one. */
interface Step {
  task: number
  option: number
  cost: bigint
  gain: number
  /** Gain for a credit. */
  slope: number
}

/** Listings as options: what a typical answer costs, and quality with the chance that it comes. */
export function optionsOf(candidates: readonly Candidate[]): BudgetOption[] {
  return candidates.map(({ prediction: { expectedCost, quality, reliability } }) => ({
    cost: expectedCost,
    quality,
    expected: quality * reliability,
  }))
}

/**
 * Gives each of many tasks to one of its options, so that all are at least as good as asked for, cost no more than
 * the budget together, and have the most expected quality in sum: the multiple-choice knapsack problem.
 *
 * Each task starts with the cheapest option that is good enough. Of its other options only those on the upper convex
 * hull of expected quality over cost can be worth their money; the steps along all hulls are taken by quality gained
 * for a credit, the most first, as long as money is left (Sinha and Zoltners, Operations Research 27(3), 1979;
 * Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, section 11.2.1). At the first step that is too dear the
 * sum is the optimum of the linear relaxation but for a part of that step, so no plan is better than this one by more
 * than the gain of a single step. What is left is spent on whatever single change gains the most and fits.
 *
 * For a stream of tasks it is called again with what is left after each: so what was not spent is used.
 * @param tasks options of each; tasks that share one array are worked out once
 * @param budget base units
 */
export function planWithinBudget(
  tasks: readonly (readonly BudgetOption[])[],
  budget: bigint,
  minQuality: number,
): BudgetPlan | BudgetRefusal {
  const hulls = new Map<readonly BudgetOption[], number[]>()
  for (const options of tasks) if (!hulls.has(options)) hulls.set(options, hullOf(options, minQuality))
  const choices = tasks.map(options => hulls.get(options)![0] ?? -1)
  if (choices.includes(-1)) return { needed: null }
  const state = { choices, cost: 0n, quality: 0 }
  for (const [task, choice] of choices.entries()) {
    state.cost += tasks[task]![choice]!.cost
    state.quality += tasks[task]![choice]!.expected
  }
  if (state.cost > budget) return { needed: state.cost }
  const steps = tasks.flatMap((options, task) => stepsOf(options, hulls.get(options)!, task))
  // The steps of one task come in the order of its hull, for their slopes fall along it.
  steps.sort((a, b) => b.slope - a.slope || a.task - b.task)
  const ended = new Set<number>()
  let qualityAtMost: number | null = null
  for (const { task, option, cost, gain, slope } of steps) {
    if (ended.has(task)) continue
    const left = budget - state.cost
    if (cost <= left) {
      state.choices[task] = option
      state.cost += cost
      state.quality += gain
    } else {
      qualityAtMost ??= state.quality + slope * credits(left)
      ended.add(task)
    }
  }
  spendTheRest(tasks, budget, minQuality, state)
  return { ...state, qualityAtMost: Math.max(state.quality, qualityAtMost ?? state.quality) }
}

/** Places of the options on the upper convex hull, from the cheapest on; those not good enough are left out. */
function hullOf(options: readonly BudgetOption[], minQuality: number): number[] {
  const places = options
    .map((_, place) => place)
    .filter(place => options[place]!.quality >= minQuality)
    .sort(
      (a, b) => compare(options[a]!.cost, options[b]!.cost) || options[b]!.expected - options[a]!.expected,
    )
  const hull: number[] = []
  for (const place of places) {
    const { expected } = options[place]!
    if (hull.length > 0 && expected <= options[hull.at(-1)!]!.expected) continue
    while (hull.length > 1 && isBelow(options[hull.at(-2)!]!, options[hull.at(-1)!]!, options[place]!))
      hull.pop()
    hull.push(place)
  }
  return hull
}

/** Whether `middle` is on or under the line from `low` to `high`. */
function isBelow(low: BudgetOption, middle: BudgetOption, high: BudgetOption): boolean {
  const toMiddle = credits(middle.cost - low.cost)
  const toHigh = credits(high.cost - low.cost)
  return (middle.expected - low.expected) * toHigh <= (high.expected - low.expected) * toMiddle
}

function stepsOf(options: readonly BudgetOption[], hull: readonly number[], task: number): Step[] {
  return hull.slice(1).map((option, index) => {
    const before = options[hull[index]!]!
    const after = options[option]!
    const cost = after.cost - before.cost
    const gain = after.expected - before.expected
    return { task, option, cost, gain, slope: gain / credits(cost) }
  })
}

/** Makes single changes, the one that gains the most first, until none fits. */
function spendTheRest(
  tasks: readonly (readonly BudgetOption[])[],
  budget: bigint,
  minQuality: number,
  state: { choices: number[]; cost: bigint; quality: number },
): void {
  const changes: Step[] = []
  for (const [task, options] of tasks.entries()) {
    const now = options[state.choices[task]!]!
    for (const [option, { cost, quality, expected }] of options.entries()) {
      const gain = expected - now.expected
      if (gain > 0 && quality >= minQuality && cost - now.cost <= budget - state.cost)
        changes.push({ task, option, cost: cost - now.cost, gain, slope: 0 })
    }
  }
  changes.sort((a, b) => b.gain - a.gain || compare(a.cost, b.cost))
  const changed = new Set<number>()
  for (const { task, option, cost, gain } of changes) {
    if (changed.has(task) || cost > budget - state.cost) continue
    changed.add(task)
    state.choices[task] = option
    state.cost += cost
    state.quality += gain
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Amounts as numbers, to compare gains by: sums are kept exact. */
function credits(amount: bigint): number {
  return Number(amount) / BASE_UNITS
}
