import type { Adapter } from '../../../inference/learning/adapter.ts'
import { gramMatrix } from '../../../inference/learning/factors.ts'
import { reduceToRank, stack } from '../../../inference/learning/stacking.ts'
import { averageFactors } from './average-factors.ts'
import { clipFactors } from './clipping.ts'
import { consensus } from './consensus.ts'
import { AggregationError } from './errors.ts'
import { fltrustCoefficients } from './fltrust.ts'
import { geometricMedian } from './geometric-median.ts'
import { Gram, normalise } from './gram.ts'
import { krumScores, liarsAmong, lowest } from './krum.ts'
import type { Aggregate, AggregationOptions, Update, UpdateWeight, WeightReason } from './rules.ts'

const DEFAULT_BYZANTINE_SHARE = 0.4

/**
 * Makes one adapter of many updates: parent + outer rate · Σ cᵢ (updateᵢ − parent), brought back to the rank.
 *
 * The result is the same to the last bit on every machine and for every order of the updates: only + - * / and square
 * roots, in the order of ids.
 *
 * @param parent what the updates were trained from; null where they began from nothing
 * @throws {AggregationError} NO_UPDATES, NO_TRUSTED, TOO_FEW_UPDATES, SAME_ID, BAD_OPTIONS
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE when they do not fit each other
 */
export function aggregate(
  updates: readonly Update[],
  parent: Adapter | null,
  options: AggregationOptions,
): Aggregate {
  checkOptions(options)
  const sorted = updates.toSorted((x, y) => (x.id < y.id ? -1 : x.id > y.id ? 1 : 0))
  for (const [i, { id }] of sorted.entries())
    if (i > 0 && sorted[i - 1]!.id === id) throw new AggregationError('SAME_ID', `Two updates are ${id}.`)
  const counted = sorted.filter(({ weight }) => weight > 0)
  if (counted.length === 0)
    throw new AggregationError('NO_UPDATES', 'No update has any weight.', {
      fix: 'Wait for updates that improve the model.',
    })
  if (options.rule === 'average-factors') return averageFactors(sorted, counted, options)
  const chosen = choose(counted, parent, options)
  const rate = outerRate(chosen, options.outerLearningRate ?? 1)
  const coefficients = chosen.coefficients.map(coefficient => rate * coefficient)
  const { adapter, discardedEnergy } = reduceToRank(
    stack(partsOf(counted, coefficients, parent, options)),
    options,
  )
  const weights = sorted.map(({ id }): UpdateWeight => {
    const index = counted.findIndex(update => update.id === id)
    return index < 0
      ? { id, weight: 0, reason: 'no_score' }
      : { id, weight: coefficients[index]!, reason: chosen.reasons[index]! }
  })
  return { adapter, weights, discardedEnergy, outerLearningRate: rate }
}

/** What the rule makes of each update, before the outer rate. */
interface Choice {
  gram: Gram
  coefficients: readonly number[]
  reasons: readonly WeightReason[]
}

/** The rule's weights, without making the adapter. */
function choose(updates: readonly Update[], parent: Adapter | null, options: AggregationOptions): Choice {
  const adapters = updates.map(({ adapter }) => adapter)
  const { trusted } = options
  const n = adapters.length
  const full = new Gram(
    n + (trusted ? 1 : 0),
    gramMatrix(trusted ? [...adapters, trusted] : adapters, parent),
  )
  const gram = trusted ? full.select(adapters.map((_, i) => i)) : full
  const weights = updates.map(({ weight }) => weight)
  const share = options.byzantineShare ?? DEFAULT_BYZANTINE_SHARE
  switch (options.rule) {
    case 'stack':
    case 'average-factors':
      return { gram, coefficients: normalise(weights), reasons: weights.map(() => 'kept') }
    case 'clip': {
      const factors = clipFactors(gram)
      return {
        gram,
        coefficients: normalise(weights).map((weight, i) => weight * factors[i]!),
        reasons: factors.map(factor => (factor < 1 ? 'clipped' : 'kept')),
      }
    }
    case 'krum':
    case 'multi-krum': {
      if (n < 3)
        throw new AggregationError('TOO_FEW_UPDATES', `Krum needs 3 updates, and there are ${n}.`, {
          fix: 'Wait for more updates, or choose another rule.',
        })
      const liars = liarsAmong(n, share)
      const kept = lowest(krumScores(gram, liars), options.rule === 'krum' ? 1 : n - liars)
      return selected(gram, weights, kept)
    }
    case 'geometric-median':
      return { gram, coefficients: geometricMedian(gram, weights), reasons: weights.map(() => 'kept') }
    case 'fltrust': {
      if (!trusted)
        throw new AggregationError('NO_TRUSTED', 'FLTrust needs a trusted update.', {
          fix: 'Give an update trained on own data, or choose another rule.',
        })
      const coefficients = fltrustCoefficients(full, weights)
      return {
        gram,
        coefficients,
        reasons: coefficients.map(coefficient => (coefficient > 0 ? 'kept' : 'outlier')),
      }
    }
    case 'default':
      return { gram, ...consensus(gram, weights) }
  }
}

/** Equal rights to those kept, by their weights. */
function selected(gram: Gram, weights: readonly number[], kept: readonly number[]): Choice {
  const shares = normalise(weights.map((weight, i) => (kept.includes(i) ? weight : 0)))
  return {
    gram,
    coefficients: shares,
    reasons: weights.map((_, i) => (kept.includes(i) ? 'kept' : 'outlier')),
  }
}

/**
 * FedExP (Jhunjhunwala, Wang, Joshi, arXiv 2301.09604, equation 8) without its factor ½, and for any weights:
 * Σ wᵢ‖δᵢ‖² / ‖Σ wᵢδᵢ‖², at least 1. The mean of n updates that have nothing in common is n times too short for each.
 */
function outerRate({ gram, coefficients }: Choice, rate: number | 'adaptive'): number {
  if (rate !== 'adaptive') return rate
  let [sum, total] = [0, 0]
  for (const [i, coefficient] of coefficients.entries()) {
    const size = Math.abs(coefficient)
    sum += size * gram.at(i, i)
    total += size
  }
  const own = gram.squaredNormOf(coefficients)
  return own === 0 || total === 0 ? 1 : Math.max(1, (total * sum) / own)
}

function partsOf(
  updates: readonly Update[],
  coefficients: readonly number[],
  parent: Adapter | null,
  { momentum }: AggregationOptions,
): { adapter: Adapter; weight: number }[] {
  const parts = updates.map(({ adapter }, i) => ({ adapter, weight: coefficients[i]! }))
  if (parent) {
    let rest = 1 + (momentum?.beta ?? 0)
    for (const { weight } of parts) rest -= weight
    parts.push({ adapter: parent, weight: rest })
    if (momentum?.previous) parts.push({ adapter: momentum.previous, weight: -momentum.beta })
  }
  const needed = parts.filter(({ weight }) => weight !== 0)
  return needed.length > 0 ? needed : parts.slice(0, 1)
}

function checkOptions({
  outerLearningRate,
  momentum,
  byzantineShare,
  rank,
  alpha,
}: AggregationOptions): void {
  const bad = (what: string) =>
    new AggregationError('BAD_OPTIONS', `${what} is out of bounds.`, {
      fix: 'Correct the settings of the round.',
    })
  if (!(Number.isInteger(rank) && rank >= 1)) throw bad('The rank')
  if (!(Number.isFinite(alpha) && alpha > 0)) throw bad('Alpha')
  if (typeof outerLearningRate === 'number' && !(outerLearningRate > 0 && outerLearningRate <= 1_000))
    throw bad('The outer learning rate')
  if (momentum && !(momentum.beta >= 0 && momentum.beta < 1)) throw bad('The momentum')
  if (byzantineShare !== undefined && !(byzantineShare >= 0 && byzantineShare < 0.5))
    throw bad('The share of liars')
}
