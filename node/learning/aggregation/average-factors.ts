import type { AdapterModule } from '../../../inference/learning/adapter.ts'
import { AdapterError } from '../../../inference/learning/errors.ts'
import { checkSummable } from '../../../inference/learning/factors.ts'
import { normalise } from './gram.ts'
import type { Aggregate, AggregationOptions, Update } from './rules.ts'

/**
 * The mean of all A and the mean of all B (FedIT, arXiv 2305.05644): mean(B)·mean(A) is not mean(BA). Only to be compared with.
 * @throws {AdapterError} WRONG_RANK, WRONG_ALPHA unless all have the rank and alpha of the result
 */
export function averageFactors(
  all: readonly Update[],
  counted: readonly Update[],
  options: AggregationOptions,
): Aggregate {
  const { rank, alpha, name, metadata = {} } = options
  checkSummable(counted.map(({ adapter }) => adapter))
  for (const { adapter } of counted) {
    if (adapter.rank !== rank)
      throw new AdapterError('WRONG_RANK', `${adapter.name} has rank ${adapter.rank}.`)
    if (adapter.alpha !== alpha)
      throw new AdapterError('WRONG_ALPHA', `${adapter.name} has alpha ${adapter.alpha}.`)
  }
  const shares = normalise(counted.map(({ weight }) => weight))
  const { architecture, base, modules } = counted[0]!.adapter
  const mean = (index: number, of: (module: AdapterModule) => Float32Array) => {
    const sum = new Float64Array(of(modules[index]!).length)
    for (const [u, { adapter }] of counted.entries()) {
      const values = of(adapter.modules[index]!)
      for (let i = 0; i < sum.length; i++) sum[i]! += shares[u]! * values[i]!
    }
    return Float32Array.from(sum)
  }
  const averaged = modules.map(({ name: module, inputs, outputs }, index) => ({
    ...{ name: module, inputs, outputs },
    a: mean(index, ({ a }) => a),
    b: mean(index, ({ b }) => b),
  }))
  return {
    adapter: { architecture, base, name, rank, alpha, modules: averaged, metadata },
    weights: all.map(({ id, weight }) => ({
      id,
      weight: weight > 0 ? shares[counted.findIndex(update => update.id === id)]! : 0,
      reason: weight > 0 ? 'kept' : 'no_score',
    })),
    discardedEnergy: 0,
    outerLearningRate: 1,
  }
}
