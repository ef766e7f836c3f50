import { ParetoArchive } from './archive.ts'
import {
  BatchEvaluator,
  type BatchProblem,
  type BatchValues,
  VALUES_PER_PLAN,
  valuesAt,
} from './batch-problem.ts'
import { crowdingDistance, rankFronts } from './dominance.ts'
import { type GreedyRule, GreedyScheduler } from './greedy.ts'
import { shortlists } from './shortlist.ts'

/** One way to do a batch. */
export interface Plan {
  /** Provider of each task of the problem. */
  providers: Int32Array
  values: BatchValues
}

export interface SearchOptions {
  /** Plans of one generation. */
  populationSize: number
  /** Unset: as many as the time of a batch of 200 tasks allows. */
  generations?: number
  /** Plans of the front that are kept. */
  archiveSize: number
  /** Uniform in [0, 1). */
  random: () => number
}

/** Within 100 ms for 200 tasks and 1,000 providers on one core; see `test/bench/scheduling.bench.ts`. */
export const DEFAULT_SEARCH: Omit<SearchOptions, 'random'> = {
  populationSize: 48,
  archiveSize: 200,
}

/** Genes looked at in all generations. */
const GENES_PER_PLAN_SLOT = 22_000
const MAX_GENERATIONS = 220

/** Steps between the fastest and the cheapest end, and weights of failures, that greedy seeds are made for. */
const CAP_STEPS = 6
const FAILURE_WEIGHTS = [0, 0.3, 1, 4]
const LEAST_WEIGHT = 0.05
const GREATEST_WEIGHT = 50
/** Pairs of task and provider that further seeds may look at, all told: a few milliseconds. */
const EXTRA_SEED_PAIRS = 1_500_000
const MAX_EXTRA_SEEDS = 800
/** Of one child's genes that are changed, in the mean. */
const MUTATIONS_PER_CHILD = 3
const CROSSOVER_SHARE = 0.7

/**
 * NSGA-II (Deb, Pratap, Agarwal, Meyarivan 2002) over the assignments of a batch: constrained domination,
 * non-dominated sorting, crowding, binary tournaments; seeded with greedy plans between the extremes, and with
 * an archive of all that was best. Yields after each generation, so that whoever drives it can let others run.
 * @returns plans of which none dominates another; feasible ones alone where there are any
 */
export function* searchFront(problem: BatchProblem, options: SearchOptions): Generator<void, Plan[]> {
  const { taskCount } = problem
  const { populationSize, archiveSize, random } = options
  const { generations = Math.min(MAX_GENERATIONS, Math.ceil(GENES_PER_PLAN_SLOT / taskCount)) } = options
  const evaluator = new BatchEvaluator(problem)
  const archive = new ParetoArchive({ capacity: archiveSize, genesPerPlan: taskCount })
  const rows = populationSize * 2
  const genes = new Int32Array(rows * taskCount)
  const values = new Float64Array(rows * VALUES_PER_PLAN)
  const lists = shortlists(problem)
  yield
  const evaluate = (row: number) => {
    evaluator.evaluate(genes, row * taskCount, values, row * VALUES_PER_PLAN)
    archive.add(genes, row, values, row)
  }

  let filled = 0
  const scratch = new Float64Array(VALUES_PER_PLAN)
  for (const seed of seeds(problem, evaluator, random)) {
    if (filled < populationSize) {
      genes.set(seed, filled * taskCount)
      evaluate(filled++)
    } else {
      evaluator.evaluate(seed, 0, scratch, 0)
      archive.add(seed, 0, scratch, 0)
    }
    yield
  }
  const seeded = filled
  const vary = variation({ problem, evaluator, genes, lists, random })
  for (; filled < populationSize; filled++) {
    genes.copyWithin(filled * taskCount, (filled % seeded) * taskCount, ((filled % seeded) + 1) * taskCount)
    vary.mutate(filled)
    evaluate(filled)
  }

  let order = Int32Array.from({ length: rows }, (_, row) => row)
  let rank = new Int32Array(rows)
  let distance = new Float64Array(rows).fill(1)
  for (let generation = 0; generation < generations; generation++) {
    const parent = () => {
      const a = Math.floor(random() * populationSize)
      const b = Math.floor(random() * populationSize)
      const better = rank[a]! !== rank[b]! ? rank[a]! < rank[b]! : distance[a]! > distance[b]!
      return better ? a : b
    }
    for (let child = populationSize; child < rows; child++) {
      vary.cross(parent(), random() < CROSSOVER_SHARE ? parent() : null, child)
      vary.mutate(child)
      evaluate(child)
    }
    ;({ order, rank, distance } = select(values, rows))
    permute(genes, values, order, taskCount)
    yield
  }
  archive.thin()
  const plans = Array.from({ length: archive.size }, (_, row) => ({
    providers: archive.genesOf(row),
    values: valuesAt(archive.values, row * VALUES_PER_PLAN),
  }))
  const feasible = plans.filter(plan => plan.values.violation === 0)
  return feasible.length > 0 ? feasible : plans
}

/** Rows by front and crowding, the best first, with both in the new order. */
function select(
  values: Float64Array,
  rows: number,
): { order: Int32Array<ArrayBuffer>; rank: Int32Array<ArrayBuffer>; distance: Float64Array<ArrayBuffer> } {
  const front = rankFronts(values, rows)
  const crowding = new Float64Array(rows)
  const fronts = new Map<number, number[]>()
  for (let row = 0; row < rows; row++) {
    const members = fronts.get(front[row]!)
    if (members === undefined) fronts.set(front[row]!, [row])
    else members.push(row)
  }
  for (const members of fronts.values()) crowdingDistance(values, members, crowding)
  const order = Int32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => front[a]! - front[b]! || crowding[b]! - crowding[a]!,
  )
  return {
    order,
    rank: order.map(row => front[row]!),
    distance: Float64Array.from(order, row => crowding[row]!),
  }
}

function permute(genes: Int32Array, values: Float64Array, order: Int32Array, taskCount: number): void {
  const oldGenes = genes.slice()
  const oldValues = values.slice()
  order.forEach((from, to) => {
    genes.set(oldGenes.subarray(from * taskCount, (from + 1) * taskCount), to * taskCount)
    values.set(oldValues.subarray(from * VALUES_PER_PLAN, (from + 1) * VALUES_PER_PLAN), to * VALUES_PER_PLAN)
  })
}

/**
 * Greedy plans to begin with: one for each pair of an end and a weight of failures, from the fastest end
 * possible by list scheduling to the end of the cheapest plan. The pure ones of each objective come first.
 */
function* seeds(
  problem: BatchProblem,
  evaluator: BatchEvaluator,
  random: () => number,
): Generator<Int32Array> {
  const scheduler = new GreedyScheduler(problem)
  const { minQuality, deadlineSeconds } = problem.constraints
  const values = new Float64Array(VALUES_PER_PLAN)
  const endOf = (genes: Int32Array) => {
    evaluator.evaluate(genes, 0, values, 0)
    return values[1]!
  }
  const make = (rule: Partial<GreedyRule>) => scheduler.assign({ ...CHEAPEST, ...rule })
  const pure = GREEDY_RULES.map(make)
  yield* pure
  const fastest = endOf(pure[1]!)
  const slowest = Math.max(endOf(pure[0]!), endOf(pure[2]!), fastest)
  // A mean quality asked for can be held by every task, or by some that make up for others.
  const floors = minQuality > 0 ? [minQuality, 0] : [0]
  const caps = Array.from(
    { length: CAP_STEPS },
    (_, i) => fastest * (slowest / Math.max(fastest, 1e-9)) ** (i / (CAP_STEPS - 1)),
  )
  if (deadlineSeconds < slowest) caps.push(deadlineSeconds)
  for (const floor of floors)
    for (const capSeconds of caps)
      for (const failureWeight of FAILURE_WEIGHTS)
        yield make({ capSeconds, failureWeight, minQuality: floor })
  // Small batches have time for many more, anywhere between.
  const more = Math.min(
    MAX_EXTRA_SEEDS,
    Math.floor(EXTRA_SEED_PAIRS / (problem.taskCount * problem.providerCount)),
  )
  for (let i = 0; i < more; i++) {
    yield make({
      capSeconds: fastest * (slowest / Math.max(fastest, 1e-9)) ** random(),
      failureWeight: LEAST_WEIGHT * (GREATEST_WEIGHT / LEAST_WEIGHT) ** random(),
      minQuality: floors[i % floors.length]!,
    })
  }
}

const CHEAPEST: GreedyRule = {
  costWeight: 1,
  failureWeight: 0,
  capSeconds: Number.POSITIVE_INFINITY,
  minQuality: 0,
}

/** What a user would do for one objective alone: the cheapest, the first to end, the most reliable provider for each task. */
const GREEDY_RULES: readonly Partial<GreedyRule>[] = [
  {},
  { capSeconds: 0 },
  { costWeight: 1e-6, failureWeight: 1 },
]

/** The greedy plan for each objective, in the order cost, seconds, failures. */
export function greedyPlans(problem: BatchProblem): Plan[] {
  const scheduler = new GreedyScheduler(problem)
  const evaluator = new BatchEvaluator(problem)
  const values = new Float64Array(VALUES_PER_PLAN)
  return GREEDY_RULES.map(rule => {
    const providers = scheduler.assign({ ...CHEAPEST, ...rule })
    evaluator.evaluate(providers, 0, values, 0)
    return { providers, values: valuesAt(values, 0) }
  })
}

/** Crossover and mutation on rows of genes. */
function variation(modules: {
  problem: BatchProblem
  evaluator: BatchEvaluator
  genes: Int32Array
  lists: { providers: Int32Array; perTask: number }
  random: () => number
}): { cross: (a: number, b: number | null, child: number) => void; mutate: (row: number) => void } {
  const { problem, genes, lists, random } = modules
  const { taskCount } = problem
  const pick = (count: number) => Math.floor(random() * count)
  const tryMove = (row: number, task: number) => {
    const provider = lists.providers[task * lists.perTask + pick(lists.perTask)]!
    if (provider >= 0) genes[row * taskCount + task] = provider
  }
  const canDo = (task: number, provider: number) =>
    problem.cost[task * problem.providerCount + provider] !== Number.POSITIVE_INFINITY
  return {
    cross(a, b, child) {
      genes.copyWithin(child * taskCount, a * taskCount, (a + 1) * taskCount)
      if (b === null) return
      for (let task = 0; task < taskCount; task++)
        if (random() < 0.5) genes[child * taskCount + task] = genes[b * taskCount + task]!
    },
    mutate(row) {
      const begin = row * taskCount
      const kind = random()
      if (kind < 0.6) {
        const moves = 1 + pick(2 * MUTATIONS_PER_CHILD - 1)
        for (let i = 0; i < moves; i++) tryMove(row, pick(taskCount))
      } else if (kind < 0.85) {
        // Two tasks change places: loads stay near what they were.
        const one = pick(taskCount)
        const other = pick(taskCount)
        const [p, q] = [genes[begin + one]!, genes[begin + other]!]
        if (canDo(one, q) && canDo(other, p)) {
          genes[begin + one] = q
          genes[begin + other] = p
        }
      } else {
        // Part of what one provider does goes to another that is in use.
        const from = genes[begin + pick(taskCount)]!
        const to = genes[begin + pick(taskCount)]!
        const share = random()
        for (let task = 0; task < taskCount; task++)
          if (genes[begin + task] === from && random() < share && canDo(task, to)) genes[begin + task] = to
      }
    },
  }
}
