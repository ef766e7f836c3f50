import type { Entity } from '../../protocol/messages/offer.ts'

/** One entity of a provider, as far as it is looked for by. */
export interface EntityEntry<Owner> {
  readonly owner: Owner
  /** Place among the provider's entities. */
  readonly index: number
  readonly kind: Entity['kind']
  /** Credits for one unit; 0 where it is free or agreed on otherwise. */
  readonly price: number
  readonly tags: readonly string[]
  /** Place in the dense list. */
  place: number
}

/** Finds agents, services and resources by kind and tags. A tag with a name also counts as one: `name:translator`. */
export class EntityIndex<Owner> {
  readonly #entries: EntityEntry<Owner>[] = []
  readonly #tags = new Map<string, Set<EntityEntry<Owner>>>()

  get size(): number {
    return this.#entries.length
  }

  add(owner: Owner, entities: readonly Entity[]): EntityEntry<Owner>[] {
    return entities.map((entity, index) => {
      const entry: EntityEntry<Owner> = {
        owner,
        index,
        kind: entity.kind,
        price: entity.price === null ? 0 : Number(entity.price.amount) / 1e18,
        tags: [...new Set([...entity.tags, `name:${entity.name}`])],
        place: this.#entries.length,
      }
      this.#entries.push(entry)
      for (const tag of entry.tags) {
        const tagged = this.#tags.get(tag)
        if (tagged === undefined) this.#tags.set(tag, new Set([entry]))
        else tagged.add(entry)
      }
      return entry
    })
  }

  remove(entries: readonly EntityEntry<Owner>[]): void {
    for (const entry of entries) {
      const last = this.#entries.pop()!
      if (last !== entry) {
        this.#entries[entry.place] = last
        last.place = entry.place
      }
      for (const tag of entry.tags) {
        const tagged = this.#tags.get(tag)
        tagged?.delete(entry)
        if (tagged?.size === 0) this.#tags.delete(tag)
      }
    }
  }

  /** Entities that have all the tags, in no order. */
  *find(tags: readonly string[]): Generator<EntityEntry<Owner>> {
    if (tags.length === 0) return yield* this.#entries
    const sets = tags.map(tag => this.#tags.get(tag))
    if (sets.includes(undefined)) return
    const [rarest, ...others] = (sets as Set<EntityEntry<Owner>>[]).sort((a, b) => a.size - b.size)
    for (const entry of rarest!) if (others.every(set => set.has(entry))) yield entry
  }
}
