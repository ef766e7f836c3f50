import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { Random } from './random.ts'

/** What a provider does with a task. `cheat`: a wrong output, at the full price, that looks right. */
export type Act = 'serve' | 'cheat' | 'fail' | 'stall'

/** How a task went, as far as its requester knows: a wrong output that was not audited looks completed. */
export type Status = 'completed' | 'refused' | 'failed' | 'stalled' | 'dishonest'

/** One identity that sells work on one model. */
export interface SimProvider {
  readonly index: number
  readonly key: NodeKey
  readonly wallet: Address
  /** Whose money the wallet began with, as a chain shows it. */
  readonly funder: Address
  /** IPv4 it is dialled at. */
  readonly ip: string
  readonly model: number
  readonly region: number
  /** Credits per million tokens. */
  inputPerMillion: number
  outputPerMillion: number
  /** As offered; the truth for honest ones. */
  readonly tokensPerSecond: number
  readonly ttftMs: number
  readonly slots: number
  /** Credits at stake, as the chain says. */
  stake: number
  /** Chance that a task fails, and that it stalls, though the provider means well. */
  readonly failureRate: number
  readonly stallRate: number
  readonly isAttacker: boolean
  isAlive: boolean
  /** Tasks it works on. */
  busy: number
  /** As gossip last told. */
  knownFreeSlots: number
  /** Tasks done, whatever came of them. */
  tasks: number
  /** Times an honest requester published that it cheated. */
  exposed: number
}

export interface SimRequester {
  readonly index: number
  readonly key: NodeKey
  readonly region: number
  readonly models: readonly number[]
  readonly view: View
  readonly isEclipsed: boolean
}

export const MAX_OUTPUT_TOKENS = 4_000

/** A task to be placed. */
export interface SimTask {
  readonly number: number
  readonly model: number
  readonly promptTokens: number
  readonly outputTokens: number
}

/** What a requester saw of one attempt. */
export interface Observation {
  task: SimTask
  provider: SimProvider
  status: Status
  /** Whether the output was checked. */
  audited: boolean
  /** Null when there was none. */
  ttftMs: number | null
  totalMs: number
  outputTokens: number
  /** Credits. */
  paid: number
  atMs: number
  /** Of the receipt; only these make a report count. */
  receiptId: string
}

/** What a node tells all others about a task it paid for. */
export interface SimReport {
  witness: NodeKey
  subject: SimProvider
  status: Exclude<Status, 'refused'>
  audited: boolean
  /** Credits. */
  paid: number
  atMs: number
  receiptId: string
}

/** Which offers some requesters know: everybody's, or what an eclipse lets through. */
export class View {
  readonly name: string
  readonly #byModel: SimProvider[][]
  readonly #sees: (provider: SimProvider) => boolean
  readonly #listeners: { changed(provider: SimProvider): void; gone(provider: SimProvider): void }[] = []

  constructor(
    options: { name: string; models: number },
    modules: { sees: (provider: SimProvider) => boolean },
  ) {
    this.name = options.name
    this.#byModel = Array.from({ length: options.models }, () => [])
    this.#sees = modules.sees
  }

  offering(model: number): readonly SimProvider[] {
    return this.#byModel[model]!
  }

  listen(listener: { changed(provider: SimProvider): void; gone(provider: SimProvider): void }): void {
    this.#listeners.push(listener)
    for (const providers of this.#byModel) for (const provider of providers) listener.changed(provider)
  }

  /** A provider is new, or its terms or load are. */
  put(provider: SimProvider): void {
    if (!this.#sees(provider)) return
    const providers = this.#byModel[provider.model]!
    if (!providers.includes(provider)) providers.push(provider)
    for (const listener of this.#listeners) listener.changed(provider)
  }

  remove(provider: SimProvider): void {
    const providers = this.#byModel[provider.model]!
    const at = providers.indexOf(provider)
    if (at < 0) return
    providers.splice(at, 1)
    for (const listener of this.#listeners) listener.gone(provider)
  }
}

/** One requester's way of choosing and of learning from what comes of it. */
export interface Chooser {
  /** The best first, a bounded number of them. */
  rank(task: SimTask, tried: ReadonlySet<SimProvider>): SimProvider[]
  /** A task of its ranking has begun there. */
  began(provider: SimProvider, task: SimTask): void
  /** How it ended; refusals are told, too, without having begun. */
  observe(observation: Observation): void
  hear(report: SimReport): void
  /** Chance that an answer of this provider is audited. */
  auditProbability(provider: SimProvider): number
}

/** A way of choosing, for all requesters of a run. */
export interface SimSystem {
  readonly name: string
  start(context: SystemContext): (requester: SimRequester) => Chooser
}

export interface SystemContext {
  clock: { nowMs(): number }
  random: Random
  views: readonly View[]
  /** Of an answer by somebody known well; what issue is made of it is each system's own. */
  auditProbability: number
  /** Honest requesters, whose own experience a system is told in full. */
  requesters: readonly SimRequester[]
  /** Nodes that founded the network and are known to be good: only EigenTrust asks for them. */
  founders: readonly NodeKey[]
}

/** Credits a task costs at most. */
export function taskCost(
  task: Pick<SimTask, 'promptTokens' | 'outputTokens'>,
  terms: Pick<SimProvider, 'inputPerMillion' | 'outputPerMillion'>,
): number {
  return (task.promptTokens * terms.inputPerMillion + task.outputTokens * terms.outputPerMillion) / 1e6
}
