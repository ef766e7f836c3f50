import { type OfferEntry, REGARDS, type Regard } from './offer-entry.ts'

const PICKS = 8

/** Entries by regard, so that one can be picked at random and the least regarded found. */
export class RegardRanks {
  readonly #random: () => number
  readonly #ranks: Readonly<Record<Regard, OfferEntry[]>> = {
    unknown: [],
    registered: [],
    staked: [],
    proven: [],
  }

  constructor(modules: { random: () => number }) {
    this.#random = modules.random
  }

  add(entry: OfferEntry): void {
    const rank = this.#ranks[entry.regard]
    entry.place = rank.length
    rank.push(entry)
  }

  remove(entry: OfferEntry): void {
    const rank = this.#ranks[entry.regard]
    const last = rank.pop()!
    if (last === entry) return
    rank[entry.place] = last
    last.place = entry.place
  }

  /**
   * Whom to forget: of some picked at random among the least regarded, the one known for the shortest time. Those made
   * up in a flood push out each other, and seldom whom we have known for longer; still no unknown provider holds its
   * place for ever. Of N old ones, N·(1 + 7n/N)^(-1/7) are left after n made-up ones, if nothing is to be seen on them.
   */
  leastRegarded(): OfferEntry | null {
    const rank = REGARDS.map(regard => this.#ranks[regard]).find(({ length }) => length > 0)
    if (rank === undefined) return null
    let youngest = this.#pick(rank)
    for (let picks = 1; picks < PICKS; picks++) {
      const other = this.#pick(rank)
      if (other.sinceMs > youngest.sinceMs) youngest = other
    }
    return youngest
  }

  /** Some entries, each once, at random: at most half of them of no regard while there are others. */
  sample(count: number): OfferEntry[] {
    const { unknown, registered, staked, proven } = this.#ranks
    const regarded = [...proven, ...staked, ...registered]
    const fromUnknown = Math.max(count - regarded.length, count >> 1)
    const picked = this.#some(unknown, Math.min(count, fromUnknown))
    return [...this.#some(regarded, count - picked.length), ...picked]
  }

  /** Floyd's sampling without replacement (Bentley and Floyd, CACM 30(9), 1987). */
  #some(entries: readonly OfferEntry[], count: number): OfferEntry[] {
    const picked = new Set<OfferEntry>()
    for (let last = Math.max(0, entries.length - count); last < entries.length; last++) {
      const entry = entries[Math.floor(this.#random() * (last + 1))]!
      picked.add(picked.has(entry) ? entries[last]! : entry)
    }
    return [...picked]
  }

  #pick(entries: readonly OfferEntry[]): OfferEntry {
    return entries[Math.floor(this.#random() * entries.length)]!
  }
}
