import type { ScoredOutput } from '../../../inference/engine.ts'
import type { Bytes32 } from '../../../protocol/ids.ts'

/**
 * A job whose truth its sender knows. `altered`: some tokens are others, and we know which. `reseeded`: the output is genuine and
 * fluent, but not of the seed it is said to be of; only who runs the model can tell. `genuine`: as it was made, and confirmed.
 */
export type CanaryKind = 'altered' | 'reseeded' | 'genuine'

export interface Canary {
  kind: CanaryKind
  output: readonly number[]
  seed: Bytes32
  /** Places whose tokens are not the model's. */
  altered: readonly number[]
  /** Tokens that who is honest finds lost at least; 0 for genuine ones. */
  leastLost: number
}

/** What of a task a canary is made of. */
export interface CanaryBase {
  tokens: readonly number[]
  seed: Bytes32
  temperature: number
  /** Expected number of tokens that another draw would have turned, at temperature 1; null where it is not known. */
  turns: number | null
  /** Whether it is known to be honest work. */
  isConfirmed: boolean
}

export const MIN_CANARY_TOKENS = 24
const MIN_ALTERED = 6
const ALTERED_SHARES = [0.08, 0.5] as const
/** Of altered tokens, one or the other may win by chance; not half of them. */
const LEAST_FOUND = 0.5
/** A colder draw, or a filtered one, turns fewer tokens than one at temperature 1. */
const MIN_TEMPERATURE = 0.7
const TURNS_KEPT = 0.4
/** So many expected that half of them come: of 30 expected by Poisson's law, fewer than 15 come once in a thousand times. */
const MIN_TURNS = 30
const GENUINE_SHARE = 1 / 3

/** Expected number of tokens that another draw would turn, by what an auditor said of each: the sum of 1 − p. */
export function expectedTurns({ logProbs }: Pick<ScoredOutput, 'logProbs'>): number {
  return logProbs.reduce((sum, log) => sum + (Number.isFinite(log) ? -Math.expm1(log) : 0), 0)
}

/**
 * Makes a canary of a task of ours.
 * @param others tokens that outputs of the model are made of, to alter with
 * @param random uniform in [0, 1)
 * @returns null where none can be made of this task
 */
export function makeCanary(
  base: CanaryBase,
  {
    others,
    random,
    randomSeed,
  }: { others: readonly number[]; random: () => number; randomSeed: () => Bytes32 },
): Canary | null {
  if (base.tokens.length < MIN_CANARY_TOKENS) return null
  if (base.isConfirmed && random() < GENUINE_SHARE)
    return { kind: 'genuine', output: base.tokens, seed: base.seed, altered: [], leastLost: 0 }
  const turns = base.temperature >= MIN_TEMPERATURE ? TURNS_KEPT * (base.turns ?? 0) : 0
  // Fluent ones first: they are the harder to tell.
  if (turns >= MIN_TURNS)
    return { kind: 'reseeded', output: base.tokens, seed: randomSeed(), altered: [], leastLost: turns / 2 }
  return alter(base, others, random)
}

function alter({ tokens, seed }: CanaryBase, others: readonly number[], random: () => number): Canary | null {
  const [least, most] = ALTERED_SHARES
  const wanted = Math.max(MIN_ALTERED, Math.round((least + (most - least) * random()) * tokens.length))
  // The last token may be one that no other can stand in for.
  const places = shuffled(
    Array.from({ length: tokens.length - 1 }, (_, place) => place),
    random,
  )
  const output = [...tokens]
  const altered: number[] = []
  for (const place of places) {
    if (altered.length >= wanted) break
    const other = others[Math.floor(random() * others.length)]
    if (other === undefined || other === tokens[place]) continue
    output[place] = other
    altered.push(place)
  }
  if (altered.length < MIN_ALTERED) return null
  return { kind: 'altered', output, seed, altered, leastLost: LEAST_FOUND * altered.length }
}

/**
 * Whether an auditor's word on a canary is right.
 * @param isAgainst whether it speaks against the output, by its scores
 */
export function isRight(
  canary: Canary,
  { states }: Pick<ScoredOutput, 'states'>,
  isAgainst: boolean,
): boolean {
  if (canary.kind === 'genuine') return !isAgainst
  const places = canary.kind === 'altered' ? canary.altered : states.keys()
  let lost = 0
  for (const place of places) if (states[place] !== 0) lost++
  return lost >= canary.leastLost
}

function shuffled(items: number[], random: () => number): number[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other]!, items[last]!]
  }
  return items
}
