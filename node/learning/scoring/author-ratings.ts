import { z } from 'zod'
import type { NodeKey } from '../../../protocol/ids.ts'
import type { UpdateVerdict } from '../../../protocol/messages/learning/update-scores.ts'
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { DecayingEvidence } from '../../trust/decaying-evidence.ts'

export interface AuthorRatingsModules {
  store: Store
  clock: Clock
}

/** Rounds take days; after two months an author may be another. */
const HALF_LIFE_MS = 30 * 24 * 3_600_000
const MAX_AUTHORS = 4_096
/** What verdicts add to the good and the bad: to send rubbish is worse than to have nothing to teach. */
const WEIGHTS: Record<UpdateVerdict, readonly [good: number, bad: number]> = {
  accepted: [1, 0],
  no_gain: [0, 0.5],
  not_own: [0, 1],
  copy: [0, 1],
  invalid: [0, 2],
  // Who could not be reached may have been cut off.
  unavailable: [0, 0.25],
}

const ratingSchema = z.array(z.int())

/**
 * How authors' updates have fared with this node over the rounds: the share of good ones as the mean of a Beta posterior
 * whose evidence fades. Says whose updates are measured first when time is short, and is shown; it does not enter
 * scores, which have to be the same for all.
 *
 * Gauntlet (arXiv 2505.21684, section 3) multiplies a moving average of the same signs (better on the own shard than on random
 * data, or not) with an OpenSkill rating from ranking peers by their gains. Ranks are not used here: they would compare
 * gains on different private domains, of which some are harder than others, and with a handful of rounds a month
 * their uncertainty stays larger than their differences.
 */
export class AuthorRatings {
  readonly #modules: AuthorRatingsModules
  readonly #table: Table<number[]>
  /** The longest unheard of first. */
  readonly #ratings = new Map<NodeKey, DecayingEvidence>()

  constructor(modules: AuthorRatingsModules) {
    this.#modules = modules
    this.#table = modules.store.table('author-ratings', ratingSchema)
  }

  /** Reads back what is known. */
  async start(): Promise<void> {
    for await (const [author, state] of this.#table.entries())
      this.#ratings.set(author, new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state }))
  }

  /** From 0 to 1; a half for whoever is not known. */
  of(author: NodeKey): number {
    const evidence = this.#ratings.get(author)
    if (evidence === undefined) return 0.5
    const [good, bad] = [
      evidence.good(this.#modules.clock.nowMs()),
      evidence.bad(this.#modules.clock.nowMs()),
    ]
    return (good + 1) / (good + bad + 2)
  }

  /** Those that are known, the best first. */
  list(): { author: NodeKey; rating: number }[] {
    return [...this.#ratings.keys()]
      .map(author => ({ author, rating: this.of(author) }))
      .sort((a, b) => b.rating - a.rating)
  }

  /** Takes the verdicts of one round, all or none. */
  async note(verdicts: readonly { author: NodeKey; verdict: UpdateVerdict }[]): Promise<void> {
    const nowMs = this.#modules.clock.nowMs()
    const changed = new Map<NodeKey, DecayingEvidence>()
    for (const { author, verdict } of verdicts) {
      const { state } = changed.get(author) ?? this.#ratings.get(author) ?? {}
      const evidence = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, ...(state && { state }) })
      evidence.add(...WEIGHTS[verdict], nowMs)
      changed.set(author, evidence)
    }
    const all = [...this.#ratings.keys()].filter(author => !changed.has(author))
    const dropped = all.slice(0, Math.max(0, all.length + changed.size - MAX_AUTHORS))
    await this.#modules.store.batch([
      ...dropped.map(author => this.#table.deleteOperation(author)),
      ...[...changed].map(([author, { state }]) => this.#table.putOperation(author, [...state])),
    ])
    for (const author of dropped) this.#ratings.delete(author)
    for (const [author, evidence] of changed) {
      this.#ratings.delete(author)
      this.#ratings.set(author, evidence)
    }
  }
}
