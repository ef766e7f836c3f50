import type { NodeKey } from '../../protocol/ids.ts'
import type { TaskAnnouncement } from '../../protocol/messages/bid.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { EndReason } from '../../protocol/messages/receipt.ts'
import type { Clock } from '../clock.ts'

/** What others asked of this node in the last 24 hours, and what became of it. */
export interface DemandSnapshot {
  /** Since when it counts: the start of the node, or 24 hours ago. */
  sinceMs: number
  /** Announced tasks, by the model they name; `any` for those that name none, `other` for names beyond those counted apart. */
  announced: Readonly<Record<string, number>>
  /** Announced tasks, by their SLA class. */
  slaClasses: Readonly<Record<string, number>>
  /** Announced tasks we made no bid for, by why. */
  declined: Readonly<Record<string, number>>
  bids: number
  won: number
  /** Bids that expired without an award. */
  lost: number
  /** How much lower the winner was, as a share of our bid: the median of those lost bids whose winner was told. */
  medianLostBy: number | null
  /** Tasks refused, by why. */
  refused: Readonly<Record<string, number>>
  /** Tasks ended, by how. */
  ended: Readonly<Record<string, number>>
  /** Base units, by the receipts of all ended tasks. */
  earned: bigint
  /** Who asked for them, counted apart up to a bound. */
  requesters: number
}

const HOUR_MS = 3_600_000
const HOURS = 24
/** Names counted apart in an hour; more are counted as `other`. */
const MAX_NAMES = 128
const MAX_REQUESTERS = 1_024
const MAX_LOST_KEPT = 256

type Topic = 'announced' | 'slaClasses' | 'declined' | 'refused' | 'ended'

/** Counts of one hour. */
class Hour {
  readonly startMs: number
  readonly counts: Record<Topic, Map<string, number>> = {
    announced: new Map(),
    slaClasses: new Map(),
    declined: new Map(),
    refused: new Map(),
    ended: new Map(),
  }
  readonly requesters = new Set<NodeKey>()
  bids = 0
  won = 0
  lost = 0
  earned = 0n

  constructor(startMs: number) {
    this.startMs = startMs
  }

  count(topic: Topic, name: string): void {
    const counts = this.counts[topic]
    const key = counts.has(name) || counts.size < MAX_NAMES ? name : 'other'
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}

/** Counts the demand that reaches a provider, by the hour: what tells it why it earns or does not. Bounded. */
export class DemandLog {
  readonly #clock: Clock
  readonly #startedAtMs: number
  #hours: Hour[] = []
  readonly #lostBy: { atMs: number; share: number }[] = []

  constructor(modules: { clock: Clock }) {
    this.#clock = modules.clock
    this.#startedAtMs = modules.clock.nowMs()
  }

  announced({ model, slaClass }: Pick<TaskAnnouncement, 'model' | 'slaClass'>): void {
    const hour = this.#hour()
    hour.count('announced', model === null ? 'any' : model.split('@')[0]!)
    hour.count('slaClasses', slaClass)
  }

  declined(why: string): void {
    this.#hour().count('declined', why)
  }

  bid(): void {
    this.#hour().bids++
  }

  won(): void {
    this.#hour().won++
  }

  lost(): void {
    this.#hour().lost++
  }

  /** @param share how much lower the winner was, as a share of our bid */
  lostBy(share: number): void {
    this.#lostBy.push({ atMs: this.#clock.nowMs(), share })
    if (this.#lostBy.length > MAX_LOST_KEPT) this.#lostBy.shift()
  }

  refused(code: RefusalCode): void {
    this.#hour().count('refused', code)
  }

  ended(task: { requester: NodeKey; reason: EndReason; amount: bigint }): void {
    const hour = this.#hour()
    hour.count('ended', task.reason)
    hour.earned += task.amount
    if (hour.requesters.size < MAX_REQUESTERS) hour.requesters.add(task.requester)
  }

  snapshot(): DemandSnapshot {
    const nowMs = this.#clock.nowMs()
    this.#hour()
    const shares = this.#lostBy
      .filter(({ atMs }) => atMs > nowMs - HOURS * HOUR_MS)
      .map(({ share }) => share)
      .toSorted((a, b) => a - b)
    const sum = (of: (hour: Hour) => number) => this.#hours.reduce((total, hour) => total + of(hour), 0)
    return {
      sinceMs: Math.max(this.#startedAtMs, nowMs - HOURS * HOUR_MS),
      announced: this.#total('announced'),
      slaClasses: this.#total('slaClasses'),
      declined: this.#total('declined'),
      bids: sum(({ bids }) => bids),
      won: sum(({ won }) => won),
      lost: sum(({ lost }) => lost),
      medianLostBy: shares[shares.length >> 1] ?? null,
      refused: this.#total('refused'),
      ended: this.#total('ended'),
      earned: this.#hours.reduce((total, { earned }) => total + earned, 0n),
      requesters: new Set(this.#hours.flatMap(({ requesters }) => [...requesters])).size,
    }
  }

  #total(topic: Topic): Record<string, number> {
    const total = new Map<string, number>()
    for (const { counts } of this.#hours)
      for (const [name, count] of counts[topic]) total.set(name, (total.get(name) ?? 0) + count)
    return Object.fromEntries([...total].sort((a, b) => b[1] - a[1]))
  }

  /** The running hour; those too old go. */
  #hour(): Hour {
    const startMs = Math.floor(this.#clock.nowMs() / HOUR_MS) * HOUR_MS
    const last = this.#hours.at(-1)
    if (last?.startMs === startMs) return last
    this.#hours = this.#hours.filter(hour => hour.startMs > startMs - HOURS * HOUR_MS)
    const hour = new Hour(startMs)
    this.#hours.push(hour)
    return hour
  }
}
