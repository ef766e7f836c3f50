import { hypervolume, type Point } from '../../node/market/scheduling/hypervolume.ts'
import { type BatchPlan, planBatch } from '../../node/market/scheduling/planner.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { batchInstance } from './batch-instances.ts'
import { type Bench, median, ratioRow, valueRow } from './row.ts'

const RUNS = 7
const REFERENCE = { populationSize: 200, generations: 3_000, archiveSize: 2_000 }
/** Large and wide, and small ones where there is less to choose and more to search. */
const INSTANCES = [
  { seed: 1, tasks: 200, providers: 1_000 },
  { seed: 2, tasks: 200, providers: 1_000 },
  { seed: 3, tasks: 50, providers: 100 },
  { seed: 4, tasks: 100, providers: 20 },
] as const

/** Planning of batches: its time, and what of a long run's hypervolume it reaches. */
export const schedulingBench: Bench = {
  rows: ['nsga2.200x1000', 'nsga2.hypervolume'],
  run(wanted) {
    const rows = []
    const problem = batchInstance(INSTANCES[0])
    const plan = (seed: number) => planBatch(problem, { pick: 'balanced', random: seededRandom(seed) })
    if (wanted('nsga2.200x1000')) {
      plan(1)
      const timesMs = Array.from({ length: RUNS }, (_, seed) => {
        const beginMs = performance.now()
        plan(seed)
        return performance.now() - beginMs
      })
      rows.push(
        valueRow(
          {
            name: 'nsga2.200x1000',
            unit: 'ms',
            value: median(timesMs),
            baseline: null,
            note: `planning 200 tasks on 1,000 providers on one core, median of ${RUNS} runs, the slowest ${Math.max(...timesMs).toFixed(0)} ms`,
          },
          { atMost: 100 },
        ),
      )
    }
    if (wanted('nsga2.hypervolume')) {
      const shares = INSTANCES.map(instance => ({ ...instance, share: shareOfReference(instance) }))
      rows.push(
        ratioRow(
          {
            name: 'nsga2.hypervolume',
            unit: 'share',
            value: Math.min(...shares.map(({ share }) => share)),
            baseline: 1,
            note: `of a reference run with ${REFERENCE.generations} generations of ${REFERENCE.populationSize}, the worst of ${shares
              .map(({ tasks, providers, share }) => `${tasks}x${providers}: ${share.toFixed(4)}`)
              .join(', ')}`,
          },
          { atLeast: 0.98 },
        ),
      )
    }
    return Promise.resolve(rows)
  },
}

/** Hypervolume of a plain run's front over that of a long run's, in units of the spans of both together. */
function shareOfReference(instance: (typeof INSTANCES)[number]): number {
  const problem = batchInstance(instance)
  const options = { pick: 'balanced', random: seededRandom(11) } as const
  const plain = points(planBatch(problem, options))
  const reference = points(planBatch(problem, { ...options, ...REFERENCE, random: seededRandom(99) }))
  const both = [...plain, ...reference]
  const bounds = [0, 1, 2].map(k => {
    const values = both.map(values => values[k]!)
    return { least: Math.min(...values), span: Math.max(...values) - Math.min(...values) }
  })
  const scaled = (front: readonly Point[]) =>
    front.map(values => values.map((v, k) => (v - bounds[k]!.least) / bounds[k]!.span) as unknown as Point)
  const corner: Point = [1.1, 1.1, 1.1]
  return hypervolume(scaled(plain), corner) / hypervolume(scaled(reference), corner)
}

function points({ front }: BatchPlan): Point[] {
  return front.map(({ values }) => [values.cost, values.seconds, values.failures])
}
