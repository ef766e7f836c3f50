import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import { type Drawn, Reservoir } from './reservoir.ts'

/** Draws newcomers, of each kind apart. */
export class NewcomerDraw {
  /** In the order of STRANGER_KINDS. */
  readonly byKind: readonly Reservoir[]

  /** @param limit newcomers of each kind at most */
  constructor(limit: number, random: () => number) {
    this.byKind = STRANGER_KINDS.map(() => new Reservoir(limit, random))
  }

  get size(): number {
    return this.byKind.reduce((sum, { size }) => sum + size, 0)
  }

  /** Goes on with fewer places for each kind; see `Reservoir`. */
  narrow(limit: number): void {
    for (const reservoir of this.byKind) reservoir.narrow(limit)
  }

  /** What all that were shown weigh together, by their kind. */
  weights(): Record<StrangerKind, number> {
    const [staked, unstaked, suspected] = this.byKind.map(({ totalWeight }) => totalWeight)
    return { staked: staked!, unstaked: unstaked!, suspected: suspected! }
  }

  /** The first `places` of each kind, all of them in the order in which they would be drawn from one urn. */
  items(places: number): Drawn[] {
    const drawn: Drawn[] = []
    for (const reservoir of this.byKind) {
      const items = reservoir.items()
      for (let place = 0; place < Math.min(items.length, places); place++) drawn.push(items[place]!)
    }
    return drawn.sort((a, b) => a.key - b.key)
  }
}
