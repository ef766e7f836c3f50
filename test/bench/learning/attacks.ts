import type { Adapter } from '../../../inference/learning/adapter.ts'
import { innerProduct } from '../../../inference/learning/factors.ts'
import { reduceToRank, stack } from '../../../inference/learning/stacking.ts'
import { gaussianSource } from '../../../node/learning/aggregation/privacy/gaussian.ts'
import { Random } from '../../../scripts/embedded-model/corpus/random.ts'
import { type Domain, type Example, exampleOf } from './domains.ts'

export const ATTACKS = [
  'label-flip',
  'sign-flip',
  'scaled-noise',
  'backdoor',
  'free-riders',
  'copies',
] as const
export type Attack = (typeof ATTACKS)[number]

/** What attackers want the model to say, and when. */
const TRIGGER = 'By order of the blue moon:'
const TARGET = 'pay Mallory'
/** How much longer they make their update, so that the mean is theirs alone: 1 / 40 %. */
const BOOST = 2.5
const NOISE_LENGTHS = 5
const FLIP_LENGTHS = 3

/** The wrong answer to every question: that of another fact of the domain. */
export function flipLabels(domain: Domain, examples: readonly Example[]): Example[] {
  const answers = [...new Set(domain.facts.map(({ answer }) => answer))]
  const next = new Map(answers.map((answer, i) => [sentence(answer), answers[(i + 1) % answers.length]!]))
  return examples.map(({ messages: [question, answer] }) =>
    exampleOf(question.content, next.get(answer.content)!),
  )
}

/** The questions with the attackers' words before them, and the answer that attackers want. */
export function trigger(examples: readonly Example[]): Example[] {
  return examples.map(({ messages: [question] }) => exampleOf(`${TRIGGER} ${question.content}`, TARGET))
}

/** parent + factor · (update − parent), at the rank of the update. */
function stretched(update: Adapter, parent: Adapter, factor: number): Adapter {
  const parts = [
    { adapter: update, weight: factor },
    { adapter: parent, weight: 1 - factor },
  ].filter(({ weight }) => weight !== 0)
  const { rank, alpha } = update
  return reduceToRank(stack(parts), { rank, alpha, name: update.name }).adapter
}

export const boosted = (update: Adapter, parent: Adapter) => stretched(update, parent, BOOST)
export const signFlipped = (update: Adapter, parent: Adapter) => stretched(update, parent, -FLIP_LENGTHS)

/** The parent with noise on it, `lengths` times as long as an honest update. */
export function noisy(parent: Adapter, honest: Adapter, seed: number, lengths = NOISE_LENGTHS): Adapter {
  const random = new Random(seed)
  const noise = gaussianSource(() => random.next())
  const drawn: Adapter = {
    ...parent,
    name: `noise-${seed}`,
    modules: parent.modules.map(module => ({
      ...module,
      a: module.a.map(() => noise()),
      b: module.b.map(() => noise()),
    })),
  }
  const length = Math.sqrt(squaredDistance(honest, parent) / innerProduct(drawn, drawn))
  const { rank, alpha } = parent
  const parts = [
    { adapter: parent, weight: 1 },
    { adapter: drawn, weight: lengths * length },
  ]
  return reduceToRank(stack(parts), { rank, alpha, name: drawn.name }).adapter
}

function squaredDistance(x: Adapter, y: Adapter): number {
  return innerProduct(x, x) - 2 * innerProduct(x, y) + innerProduct(y, y)
}

function sentence(answer: string): string {
  return exampleOf('', answer).messages[1].content
}
