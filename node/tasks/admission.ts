import type { ModelId, NodeKey } from '../../protocol/ids.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { CapacityMode } from '../../protocol/sla-class.ts'
import { PaymentRefusal } from '../payments/errors.ts'

export interface AdmissionOptions {
  /** Tasks that may wait for a slot, over all models; default 64. */
  maxQueued?: number
  /** Who would wait longer is refused at once, ms; default 30 s. */
  maxWaitMs?: number
}

export interface AdmissionModules {
  /** Tasks of a model that can run at once. */
  slots: (model: ModelId) => number
  /** How long a task of the model holds its slot, of late, ms; null while that is not known. */
  serviceMs: (model: ModelId) => number | null
  /** A requester's share against others', above 0; for who is known to be good, more. */
  weight: (requester: NodeKey) => number
}

export interface AdmissionRequest {
  requester: NodeKey
  model: ModelId
  mode: CapacityMode
  /** What the task may come to, tokens; corrected when it has ended. */
  expectedTokens: number
  /** How long the requester can wait for the end, ms; null for no limit. */
  deadlineMs: number | null
  /** A spot task is to make room: its notice is given now. */
  onPreempt: () => void
}

/** A task's place: first in the queue, then on a slot, until it leaves. */
export interface Place {
  /** Resolves when it has a slot. Rejects with {PaymentRefusal} overloaded when it was dropped for somebody who had less. */
  readonly granted: Promise<void>
  /** Tasks of the same model that come before it. */
  ahead(): number
  /** Until it has a slot, ms. */
  expectedMs(): number
  /**
   * Gives the place up. Idempotent.
   * @param tokens what the task came to, so that nobody is charged for what was not used
   */
  leave(tokens: number): void
}

/** Tasks are this long until one has been measured. */
const UNKNOWN_SERVICE_MS = 2_000
/** Of the queue, what one requester may fill. */
const MAX_SHARE = 1 / 4

interface Entry {
  readonly request: AdmissionRequest
  /** Virtual time at which its service begins. */
  readonly startTag: number
  readonly weight: number
  readonly number: number
  readonly granted: PromiseWithResolvers<void>
  state: 'waiting' | 'running' | 'left'
  isPreempted: boolean
}

/** One requester's account. */
interface Flow {
  /** Virtual time at which all its tasks so far would have been served. */
  finishTag: number
  entries: number
  waiting: number
}

/**
 * Who may use the engine, and in which order. Slots go to waiting tasks by start-time fair queueing (Goyal,
 * Vin and Cheng, 1996, section 2: start tag = max(virtual time, finish tag of the requester's last task); finish tag =
 * start tag + cost ÷ weight; the lowest start tag is served, and is the virtual time then), so that a requester with
 * many tasks keeps nobody else waiting. A full queue drops the task that has the highest tag. Who could only be kept
 * waiting in vain is refused at once, with the reason. Spot tasks use slots that are free, and make room when
 * others need them.
 */
export class Admission {
  readonly #maxQueued: number
  readonly #maxWaitMs: number
  readonly #modules: AdmissionModules
  readonly #flows = new Map<NodeKey, Flow>()
  readonly #waiting = new Set<Entry>()
  readonly #running = new Set<Entry>()
  #virtualTime = 0
  #entries = 0

  constructor(options: AdmissionOptions, modules: AdmissionModules) {
    this.#maxQueued = options.maxQueued ?? 64
    this.#maxWaitMs = options.maxWaitMs ?? 30_000
    this.#modules = modules
  }

  /** Tasks that wait for a slot; of one model, or of all. */
  queued(model?: ModelId): number {
    if (model === undefined) return this.#waiting.size
    return count(this.#waiting, ({ request }) => request.model === model)
  }

  /**
   * Takes a task in.
   * @throws {PaymentRefusal} overloaded, share_used, deadline_unmeetable, spot_unavailable
   */
  enter(request: AdmissionRequest): Place {
    const { requester, model, mode, deadlineMs } = request
    const isFree = this.#isFree(model)
    if (mode === 'spot' && !isFree)
      throw refuse('spot_unavailable', 'no slot is left over for spot tasks now')
    const flow = this.#flows.get(requester) ?? { finishTag: 0, entries: 0, waiting: 0 }
    const weight = Math.max(Number.EPSILON, this.#modules.weight(requester))
    const startTag = Math.max(this.#virtualTime, flow.finishTag)
    const entry: Entry = {
      ...{ request, startTag, weight, number: this.#entries++, state: 'waiting', isPreempted: false },
      granted: Promise.withResolvers<void>(),
    }
    // Whoever is dropped hears of it where it waits; nobody else need.
    entry.granted.promise.catch(() => {})
    if (!isFree) this.#mayWait(entry, flow, deadlineMs)
    this.#flows.set(requester, flow)
    flow.finishTag = startTag + request.expectedTokens / weight
    flow.entries++
    if (isFree) this.#grant(entry)
    else {
      flow.waiting++
      this.#waiting.add(entry)
      this.#preempt(model)
    }
    return {
      granted: entry.granted.promise,
      ahead: () => this.#ahead(entry),
      expectedMs: () => (entry.state === 'waiting' ? this.#expectedMs(entry) : 0),
      leave: tokens => this.#leave(entry, tokens),
    }
  }

  /** @throws {PaymentRefusal} */
  #mayWait(entry: Entry, flow: Flow, deadlineMs: number | null): void {
    if (flow.waiting >= Math.max(1, Math.floor(this.#maxQueued * MAX_SHARE)))
      throw refuse('share_used', `${flow.waiting} tasks of yours wait already`)
    const expectedMs = this.#expectedMs(entry)
    const hint = `about ${Math.ceil(expectedMs / 1_000)} s of waiting`
    if (deadlineMs !== null && expectedMs + this.#serviceMs(entry.request.model) > deadlineMs)
      throw refuse('deadline_unmeetable', `${hint}, and then the task itself`)
    if (expectedMs > this.#maxWaitMs) throw refuse('overloaded', hint)
    if (this.#waiting.size < this.#maxQueued) return
    const last = highest(this.#waiting)
    if (last === null || !isBefore(entry, last)) throw refuse('overloaded', `the queue is full: ${hint}`)
    this.#leave(last, 0)
    last.granted.reject(refuse('overloaded', `the queue is full, and others have asked for less: ${hint}`))
  }

  #grant(entry: Entry): void {
    entry.state = 'running'
    this.#running.add(entry)
    this.#virtualTime = Math.max(this.#virtualTime, entry.startTag)
    entry.granted.resolve()
  }

  #leave(entry: Entry, tokens: number): void {
    if (entry.state === 'left') return
    const { requester, model, expectedTokens } = entry.request
    const wasWaiting = entry.state === 'waiting'
    entry.state = 'left'
    this.#waiting.delete(entry)
    this.#running.delete(entry)
    const flow = this.#flows.get(requester)!
    flow.finishTag -= Math.max(0, expectedTokens - tokens) / entry.weight
    flow.entries--
    if (wasWaiting) flow.waiting--
    // Who has nothing here and nothing to make up for is forgotten.
    if (flow.entries === 0 && flow.finishTag <= this.#virtualTime) this.#flows.delete(requester)
    this.#dispatch(model)
    if (this.#running.size === 0 && this.#waiting.size === 0) this.#flows.clear()
  }

  #dispatch(model: ModelId): void {
    while (this.#used(model) < this.#modules.slots(model)) {
      const next = lowest(this.#waiting, model)
      if (next === null) return
      this.#waiting.delete(next)
      this.#flows.get(next.request.requester)!.waiting--
      this.#grant(next)
    }
  }

  /** Asks as many spot tasks to make room as tasks wait that nobody makes room for yet; the youngest first. */
  #preempt(model: ModelId): void {
    const spot = [...this.#running].filter(
      ({ request }) => request.model === model && request.mode === 'spot',
    )
    let needed = this.queued(model) - count(spot, ({ isPreempted }) => isPreempted)
    for (const entry of spot.reverse()) {
      if (needed <= 0) return
      if (entry.isPreempted) continue
      entry.isPreempted = true
      needed--
      entry.request.onPreempt()
    }
  }

  #isFree(model: ModelId): boolean {
    return this.#used(model) < this.#modules.slots(model) && this.queued(model) === 0
  }

  #used(model: ModelId): number {
    return count(this.#running, ({ request }) => request.model === model)
  }

  #ahead(entry: Entry): number {
    if (entry.state !== 'waiting') return 0
    const { model } = entry.request
    return count(this.#waiting, other => other.request.model === model && isBefore(other, entry))
  }

  /** Each slot is free once in a service time: the next at half of one, on average. */
  #expectedMs(entry: Entry): number {
    const { model } = entry.request
    const slots = Math.max(1, this.#modules.slots(model))
    return Math.round((this.#serviceMs(model) * (this.#ahead(entry) + 0.5)) / slots)
  }

  #serviceMs(model: ModelId): number {
    return this.#modules.serviceMs(model) ?? UNKNOWN_SERVICE_MS
  }
}

/** A requester of the best reputation has three times the share of one that is known for the worst. */
export function requesterWeight({ score }: { score: number }): number {
  return 1 + score / 50
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.startTag < b.startTag || (a.startTag === b.startTag && a.number < b.number)
}

function lowest(entries: Iterable<Entry>, model: ModelId): Entry | null {
  let best: Entry | null = null
  for (const entry of entries)
    if (entry.request.model === model && (best === null || isBefore(entry, best))) best = entry
  return best
}

function highest(entries: Iterable<Entry>): Entry | null {
  let worst: Entry | null = null
  for (const entry of entries) if (worst === null || isBefore(worst, entry)) worst = entry
  return worst
}

function count(entries: Iterable<Entry>, matches: (entry: Entry) => boolean): number {
  let matching = 0
  for (const entry of entries) if (matches(entry)) matching++
  return matching
}

function refuse(code: RefusalCode, message: string): PaymentRefusal {
  return new PaymentRefusal(code, message)
}
