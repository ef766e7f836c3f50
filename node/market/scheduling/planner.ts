import type { BatchProblem, BatchValues } from './batch-problem.ts'
import { DEFAULT_SEARCH, greedyPlans, type Plan, type SearchOptions, searchFront } from './nsga2.ts'

/** Which plan of a front is taken. `balanced` is the one nearest to the best of all objectives at once. */
export const PICKS = ['balanced', 'cost', 'time', 'reliability'] as const
export type Pick = (typeof PICKS)[number]

export interface BatchPlan {
  /** Plans of which none is better in all; by rising cost. */
  front: Plan[]
  pick: Plan
  /** What greedy choices by one objective alone come to, to compare with. */
  greedy: Record<Exclude<Pick, 'balanced'>, BatchValues>
  /** Tasks nobody can do; the front's plans are without them. */
  unassigned: number[]
  /** Whether budget, deadline and quality are held; the plans come as near as they can otherwise. */
  feasible: boolean
}

export interface PlannerOptions extends Partial<Omit<SearchOptions, 'random'>> {
  pick: Pick
  random: () => number
}

/**
 * Plans a batch.
 * @returns plans whose `providers` has −1 for unassigned tasks
 */
export function planBatch(problem: BatchProblem, options: PlannerOptions): BatchPlan {
  const steps = planInSteps(problem, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/**
 * The same, letting others run whenever a slice of time is over.
 * @param pause resolves when everybody else had a turn; with the clock the only thing it takes from outside
 */
export async function planBatchInSlices(
  problem: BatchProblem,
  options: PlannerOptions & { sliceMs: number },
  modules: { nowMs: () => number; pause: () => Promise<void> },
): Promise<BatchPlan> {
  const steps = planInSteps(problem, options)
  let sliceEndMs = modules.nowMs() + options.sliceMs
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    if (modules.nowMs() < sliceEndMs) continue
    await modules.pause()
    sliceEndMs = modules.nowMs() + options.sliceMs
  }
}

function* planInSteps(problem: BatchProblem, options: PlannerOptions): Generator<void, BatchPlan> {
  const { pick, random, ...search } = options
  const doable = tasksSomebodyCanDo(problem)
  const core = doable.length === problem.taskCount ? problem : rowsOf(problem, doable)
  const [cost, time, reliability] = greedyPlans(core) as [Plan, Plan, Plan]
  yield
  const found = yield* searchFront(core, { ...DEFAULT_SEARCH, ...search, random })
  const front = found
    .map(({ providers, values }) => ({ providers: spread(providers, doable, problem.taskCount), values }))
    .toSorted((a, b) => a.values.cost - b.values.cost)
  return {
    front,
    pick: pickFrom(front, pick),
    greedy: { cost: cost.values, time: time.values, reliability: reliability.values },
    unassigned: Array.from({ length: problem.taskCount }, (_, task) => task).filter(
      task => !doable.includes(task),
    ),
    feasible: front[0]!.values.violation === 0,
  }
}

const VALUE_OF = {
  cost: ({ cost }: BatchValues) => cost,
  time: ({ seconds }: BatchValues) => seconds,
  reliability: ({ failures }: BatchValues) => failures,
} as const
const ALL = Object.values(VALUE_OF)

/**
 * One plan of a front: the best by one objective, or the nearest to the ideal point, each objective scaled to
 * the front's span (compromise programming, Zeleny 1973, with the Euclidean distance). Ties go to the nearer.
 */
export function pickFrom(front: readonly Plan[], pick: Pick): Plan {
  const bounds = ALL.map(objective => {
    const values = front.map(({ values }) => objective(values))
    return { least: Math.min(...values), span: Math.max(...values) - Math.min(...values) }
  })
  const distance = ({ values }: Plan) =>
    Math.hypot(
      ...ALL.map((objective, k) => {
        const { least, span } = bounds[k]!
        return span === 0 ? 0 : (objective(values) - least) / span
      }),
    )
  const order = (a: Plan, b: Plan) =>
    (pick === 'balanced' ? 0 : VALUE_OF[pick](a.values) - VALUE_OF[pick](b.values)) ||
    distance(a) - distance(b)
  return front.toSorted(order)[0]!
}

function tasksSomebodyCanDo({ taskCount, providerCount, cost }: BatchProblem): number[] {
  const isDoable = (task: number) =>
    cost
      .subarray(task * providerCount, (task + 1) * providerCount)
      .some(price => price !== Number.POSITIVE_INFINITY)
  return Array.from({ length: taskCount }, (_, task) => task).filter(isDoable)
}

function rowsOf(problem: BatchProblem, tasks: readonly number[]): BatchProblem {
  const { providerCount } = problem
  const rows = (matrix: Float64Array) => {
    const made = new Float64Array(tasks.length * providerCount)
    tasks.forEach((task, i) => {
      made.set(matrix.subarray(task * providerCount, (task + 1) * providerCount), i * providerCount)
    })
    return made
  }
  return {
    ...problem,
    taskCount: tasks.length,
    cost: rows(problem.cost),
    seconds: rows(problem.seconds),
  }
}

function spread(providers: Int32Array, tasks: readonly number[], taskCount: number): Int32Array {
  if (tasks.length === taskCount) return providers
  const spread = new Int32Array(taskCount).fill(-1)
  tasks.forEach((task, i) => {
    spread[task] = providers[i]!
  })
  return spread
}
