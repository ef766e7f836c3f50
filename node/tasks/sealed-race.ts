/** A window that one of several replicas has sealed. */
export interface RaceWindow {
  /** Where it ends at most, in tokens from the answer's start. */
  end: number
  /** Its answer ends in it. */
  isLast: boolean
  /** Has it opened. */
  open: () => void
}

interface Lane {
  /** Up to where it is bound; infinite once its answer has ended. */
  sealedTo: number
  /** Sealed and not yet asked for, the oldest first. */
  readonly pending: RaceWindow[]
}

/**
 * Decides when replicas open what they have sealed: a window once all in the race are bound up to its end, and they are a quorum. So whatever
 * one shows, nobody else can still change its mind.
 */
export class SealedRace<Id> {
  readonly #quorum: number
  readonly #lanes = new Map<Id, Lane>()

  constructor(quorum: number) {
    this.#quorum = quorum
  }

  /** Whether there are too few to open anything, however long one waits. */
  get isShort(): boolean {
    return this.#lanes.size < this.#quorum
  }

  /** @param position where it begins, in tokens from the answer's start */
  join(id: Id, position: number): void {
    this.#lanes.set(id, { sealedTo: position, pending: [] })
  }

  /** It has failed, was let go, or is waited for no longer. */
  leave(id: Id): void {
    this.#lanes.delete(id)
  }

  seal(id: Id, window: RaceWindow): void {
    const lane = this.#lanes.get(id)
    if (lane === undefined) return
    lane.sealedTo = window.isLast ? Number.POSITIVE_INFINITY : window.end
    lane.pending.push(window)
  }

  /** Output that was not sealed, of our own engine: it sees nobody else's. */
  made(id: Id, tokens: number): void {
    const lane = this.#lanes.get(id)
    if (lane !== undefined) lane.sealedTo += tokens
  }

  ended(id: Id): void {
    const lane = this.#lanes.get(id)
    if (lane !== undefined) lane.sealedTo = Number.POSITIVE_INFINITY
  }

  /** Has opened what may be opened now. */
  step(): void {
    for (const { pending } of this.#lanes.values())
      while (pending[0] !== undefined && this.#mayOpen(pending[0].end)) pending.shift()!.open()
  }

  /** Those that others wait for, and nothing of theirs waits for anybody. */
  waitedFor(): Id[] {
    const least = this.#leastEnd()
    return [...this.#lanes].flatMap(([id, { sealedTo, pending }]) =>
      pending.length === 0 && sealedTo < least ? [id] : [],
    )
  }

  /** Whether those that wait would be a quorum without the one they wait for. */
  canDoWithout(id: Id): boolean {
    const end = this.#leastEnd()
    let others = 0
    for (const [other, { sealedTo }] of this.#lanes) if (other !== id && sealedTo >= end) others++
    return others >= this.#quorum
  }

  #mayOpen(end: number): boolean {
    for (const { sealedTo } of this.#lanes.values()) if (sealedTo < end) return false
    return !this.isShort
  }

  /** Where the first window ends that waits; below all where none does, so that nobody is waited for. */
  #leastEnd(): number {
    const ends = [...this.#lanes.values()].flatMap(({ pending }) =>
      pending.length > 0 ? [pending[0]!.end] : [],
    )
    return ends.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...ends)
  }
}
