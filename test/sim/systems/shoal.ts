import { CapabilityIndex } from '../../../node/market/capability-index.ts'
import type { KnownOffer } from '../../../node/market/offer-book.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { Demand } from '../../../node/market/routing/candidate.ts'
import { GreedyPolicy } from '../../../node/market/routing/policy.ts'
import { SizeQuality } from '../../../node/market/routing/quality.ts'
import { realisedScore } from '../../../node/market/routing/reward.ts'
import { Router } from '../../../node/market/routing/router.ts'
import type { Tuning } from '../../../node/market/routing/strategies.ts'
import { networkOf } from '../../../node/trust/clusters.ts'
import type { TrustParameters } from '../../../node/trust/components.ts'
import { strangerKindOf } from '../../../node/trust/honesty.ts'
import { TrustModel } from '../../../node/trust/trust-model.ts'
import type { NodeKey } from '../../../protocol/ids.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { sampleOffer } from '../../helpers/samples.ts'
import {
  type Chooser,
  MAX_OUTPUT_TOKENS,
  type SimProvider,
  type SimRequester,
  type SimSystem,
  type SimTask,
  type SystemContext,
  type View,
} from '../market.ts'

const OFFER_LIFETIME_MS = 10 * 24 * 3_600_000

/** What is tried in place of Shoal's defaults. */
export interface ShoalSettings {
  name?: string
  trust?: Partial<TrustParameters>
  tuning?: Partial<Tuning>
  /** Audits everybody alike, by the world's probability, as if nothing was known of anybody. */
  uniformAudits?: boolean
}

/** Shoal's own router and trust model, as every node has them; each requester has its own. */
export function shoalWith(settings: ShoalSettings = {}): SimSystem {
  return {
    name: settings.name ?? 'Shoal',
    start(context) {
      const directory = new Map<NodeKey, SimProvider>()
      const indices = new Map(context.views.map(view => [view, indexOf(view, directory, context)]))
      return requester =>
        new ShoalRequester(requester, indices.get(requester.view)!, directory, context, settings)
    },
  }
}

class ShoalRequester implements Chooser {
  readonly #context: SystemContext
  readonly #directory: ReadonlyMap<NodeKey, SimProvider>
  readonly #trust: TrustModel
  readonly #router: Router
  readonly #isUniform: boolean
  readonly #decisions = new Map<SimTask, string>()

  constructor(
    requester: SimRequester,
    index: CapabilityIndex,
    directory: ReadonlyMap<NodeKey, SimProvider>,
    context: SystemContext,
    settings: ShoalSettings,
  ) {
    const { clock, random } = context
    this.#context = context
    this.#directory = directory
    const { trust: parameters = {}, tuning = {} } = settings
    const trust = new TrustModel({ secret: requester.key, parameters }, { facts: factsOf(directory) })
    this.#trust = trust
    this.#isUniform = settings.uniformAudits ?? false
    this.#router = new Router(
      { region: `r${requester.region}` },
      {
        index,
        clock,
        random: random.fork().uniform,
        standing: { of: () => null },
        reputation: {
          honesty: provider => trust.honesty(provider, clock.nowMs()),
          strangerRisk: kind => trust.strangerRisk(kind),
          reliability: provider => trust.reliability(provider, clock.nowMs()),
          score: provider => trust.score(provider, clock.nowMs()),
          isWelcome: provider => trust.isWelcome(provider, clock.nowMs()),
        },
        breaker: { isOpen: () => false },
        clearance: { ceiling: () => 'SHARED' },
        quality: new SizeQuality(),
        policy: new GreedyPolicy(),
        reward: realisedScore,
        log: { decided() {}, ended() {} },
      },
    )
    this.#router.tune(tuning)
  }

  rank(task: SimTask, tried: ReadonlySet<SimProvider>): SimProvider[] {
    const { decisionId, candidates } = this.#router.rank(demandOf(task, tried))
    this.#decisions.set(task, decisionId)
    return candidates.map(({ provider }) => this.#directory.get(provider)!)
  }

  began(provider: SimProvider, task: SimTask): void {
    this.#router.begin(this.#decisions.get(task)!, provider.key)
  }

  observe(seen: Parameters<Chooser['observe']>[0]): void {
    const { task, provider, status, audited, atMs, ttftMs, totalMs, outputTokens, paid } = seen
    const peer = provider.key
    // An audit comes after the task: until then a wrong output is a completed task like any other.
    const atFirst = status === 'dishonest' ? 'completed' : status
    if (atFirst !== 'refused') {
      const promisedMs = provider.ttftMs + (outputTokens / provider.tokensPerSecond) * 1_000
      this.#trust.add({ kind: 'task', peer, atMs, result: atFirst, pace: Math.min(1, promisedMs / totalMs) })
    }
    if (audited) {
      const as = strangerKindOf(this.#trust.honesty(peer, atMs))
      this.#trust.add({ kind: 'audit', peer, atMs, passed: status === 'completed', as })
    }
    this.#router.observe({
      ...{ decisionId: this.#decisions.get(task)!, provider: peer, status: atFirst, ttftMs, totalMs },
      ...{ outputTokens, promptTokens: task.promptTokens, paid: BigInt(Math.round(paid * 1e12)) * 10n ** 6n },
    })
    if (audited) this.#router.forget(peer)
  }

  hear({ witness, subject, status, audited, receiptId, atMs }: Parameters<Chooser['hear']>[0]): void {
    const result = audited && status === 'completed' ? 'verified' : status
    this.#trust.add({ kind: 'report', peer: subject.key, witness, receipt: receiptId, result, atMs })
    this.#router.forget(subject.key)
  }

  auditProbability({ key }: SimProvider): number {
    const { clock, auditProbability } = this.#context
    if (this.#isUniform) return auditProbability
    return this.#trust.auditProbability(key, clock.nowMs(), auditProbability)
  }
}

function demandOf(task: SimTask, tried: ReadonlySet<SimProvider>): Demand {
  return {
    model: modelId(task.model),
    kind: 'chat',
    promptTokensBound: task.promptTokens,
    promptTokensExpected: task.promptTokens,
    maxTokens: MAX_OUTPUT_TOKENS,
    maxPrice: null,
    preferences: DEFAULT_PREFERENCES,
    taskClass: `chat:${task.model}`,
    prefixes: [],
    excluded: new Set([...tried].map(({ key }) => key)),
  }
}

/** What a node knows from offers and from the chain about who is behind others. */
function factsOf(directory: ReadonlyMap<NodeKey, SimProvider>) {
  const known = new Map<NodeKey, string[]>()
  return {
    clustersOf(peer: NodeKey) {
      const clusters = known.get(peer)
      if (clusters !== undefined) return clusters
      const provider = directory.get(peer)
      if (provider === undefined) return []
      const { wallet, funder, ip } = provider
      const network = networkOf(ip)
      const found = [
        `wallet:${wallet}`,
        `wallet:${funder}`,
        ...(network === null ? [] : [`network:${network}`]),
      ]
      known.set(peer, found)
      return found
    },
    isOrchestrator: () => false,
    hasStake: (peer: NodeKey) => (directory.get(peer)?.stake ?? 0) > 0,
  }
}

function indexOf(
  view: View,
  directory: Map<NodeKey, SimProvider>,
  { clock }: SystemContext,
): CapabilityIndex {
  const index = new CapabilityIndex({ clock: { ...clock, nowMs: () => clock.nowMs(), setTimer } })
  view.listen({
    changed(provider) {
      directory.set(provider.key, provider)
      index.set(offerOf(provider, clock.nowMs()))
    },
    gone: provider => index.remove(provider.key),
  })
  return index
}

function setTimer(): never {
  throw new Error('the index sets no timers')
}

function offerOf(provider: SimProvider, nowMs: number): KnownOffer {
  const model = {
    ...sampleOffer.models[0]!,
    model: modelId(provider.model),
    contextTokens: 32_768,
    inputPerMillion: credits(provider.inputPerMillion),
    outputPerMillion: credits(provider.outputPerMillion),
    spot: null,
    tokensPerSecond: provider.tokensPerSecond,
    ttftMs: provider.ttftMs,
    slots: provider.slots,
    freeSlots: provider.knownFreeSlots,
    queued: 0,
  }
  const offer = {
    ...sampleOffer,
    models: [model],
    entities: [],
    wallet: provider.wallet,
    region: `r${provider.region}`,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + OFFER_LIFETIME_MS,
  }
  return { provider: provider.key, cid: `offer-${provider.index}`, offer, bytes: new Uint8Array() }
}

function modelId(model: number): string {
  return `model-${model}@sha256:${model.toString(16).padStart(2, '0').repeat(32)}`
}

function credits(amount: number): bigint {
  return (BigInt(Math.round(amount * 1e9)) * CREDIT) / 1_000_000_000n
}
