import { ShoalError } from '../../protocol/errors.ts'
import { formatCredits, type TokenPrice } from '../../protocol/money.ts'
import { requiredStake } from '../../protocol/roles.ts'
import type { DemandSnapshot } from '../market/demand-log.ts'
import { HISTORY_SPANS, type HistorySpan } from '../market/history-spans.ts'
import {
  examineMarket,
  likeliestCause,
  type MarketFinding,
  type OtherModelFacts,
  type OwnModelFacts,
  type ProviderFacts,
} from '../market/market-report.ts'
import { marketNameOf } from '../market/model-names.ts'
import { creditsOf, type PriceBucket } from '../market/price-history.ts'
import { blendedPrice, marketNames, type Quotes, quantile, quotesOf } from '../market/quotes.ts'
import type { ShoalNode } from '../node.ts'
import { guessScope } from '../p2p/scope.ts'
import { type AuditsView, auditsView } from './audit-views.ts'
import type { ServedModelView } from './served-models.ts'
import { peerIdOf } from './views.ts'

/** What a node shows of the market, as JSON: exact credits are decimal strings, averages numbers of credits. */

/** Credits per million tokens. */
export interface PriceView {
  input: string
  output: string
}

export interface SpreadView {
  low: number
  median: number
  high: number
}

/** A model on the market, by the name under which models compete. */
export interface MarketModelView {
  name: string
  /** Of peers. */
  offers: number
  input: SpreadView | null
  output: SpreadView | null
  tokensPerSecond: SpreadView | null
  slots: number
  freeSlots: number
  /** Tasks that wait. */
  queued: number
  /** Offers that take spot tasks. */
  spotOffers: number
  /** What this node offers under the name. */
  own: OwnModelView[]
  span: HistorySpan
  history: PriceBucket[]
}

export interface OwnModelView {
  model: string
  price: PriceView
  /** As the operator has set it. */
  base: PriceView
  /** What demand has made of the base. */
  multiplier: { input: number; output: number }
  spot: PriceView | null
  /** By blended price among all offers of the name, this node's included; 1 is the cheapest. */
  rank: number
  tokensPerSecond: number
  slots: number
  freeSlots: number
  queued: number
}

/** One offer of the model asked about. */
export interface MarketOfferView {
  provider: string
  own: boolean
  model: string
  price: PriceView
  spot: PriceView | null
  tokensPerSecond: number
  slots: number
  freeSlots: number
  queued: number
  reputation: number | null
}

export interface MarketView {
  /** Of this node as a provider in the last 24 hours, by its receipts. */
  earning: {
    credits: string
    tasks: number
    requesters: number
    /** In channels, not claimed on chain yet; null while the chain does not answer. */
    unclaimed: string | null
    lastTaskAt: string | null
  }
  /** Why prices are as they are: base, demand or idle. */
  reason: string
  /** Whether demand moves prices here. */
  dynamic: boolean
  /** Our own first, then those with most offers. */
  models: MarketModelView[]
  /** Models beyond those shown. */
  more: number
  /** Of the one model asked about, the cheapest first; else empty. */
  offers: MarketOfferView[]
  findings: MarketFinding[]
  /** What keeps earnings away most likely; null where nothing does. */
  cause: MarketFinding | null
  /** How the answers this node bought were checked. */
  audits: AuditsView
  demand: Omit<DemandSnapshot, 'earned' | 'sinceMs'> & { since: string }
}

const DAY_MS = 24 * 3_600_000
const MAX_MODELS_SHOWN = 12
/** So many buckets of the next coarser span are about what a finer one holds. */
const MAX_COARSER_BUCKETS = 4
const MAX_OFFERS_SHOWN = 20
/** Offers of a model that are looked at for their stake. */
const MAX_RIVALS = 200
/** Receipts that are looked through. */
const MAX_RECEIPTS = 2_000

/**
 * The market as this node sees it.
 * @param query.model a model's name or id; null shows all
 * @throws {ShoalError} MODEL_NOT_OFFERED when nobody offers the model
 */
export async function marketView(
  node: ShoalNode,
  served: readonly ServedModelView[],
  query: { model: string | null; span: HistorySpan | null },
): Promise<MarketView> {
  const { desk, index } = node.parts
  const own = ownModels(node)
  const all = marketNames(index)
  const names = [...new Set([...own.keys(), ...all.map(({ name }) => name)])]
  const wanted = query.model === null ? null : nameIn(names, query.model)
  const shown = wanted === null ? names.slice(0, MAX_MODELS_SHOWN) : [wanted]
  const facts = await providerFacts(node, served, own)
  const findings = examineMarket(facts)
  const { earned, ...history } = await earnings(node)
  const { earned: _, sinceMs, ...demand } = desk.demand.snapshot()
  return {
    earning: {
      credits: formatCredits(earned),
      tasks: history.tasks,
      requesters: history.requesters,
      unclaimed: unclaimed(node),
      lastTaskAt: history.lastEndedAtMs === null ? null : new Date(history.lastEndedAtMs).toISOString(),
    },
    reason: desk.pricing.reason(),
    dynamic: node.config['price.dynamic'],
    models: shown.map(name => modelView(node, name, own.get(name) ?? [], query.span)),
    more: names.length - shown.length,
    offers: wanted === null ? [] : offerViews(node, wanted, own.get(wanted) ?? []),
    findings,
    cause: likeliestCause(findings),
    audits: auditsView(node),
    demand: { since: new Date(sinceMs).toISOString(), ...demand },
  }
}

function nameIn(names: readonly string[], model: string): string {
  const name = names.includes(model) ? model : marketNameOf(model)
  if (names.includes(name)) return name
  throw new ShoalError('MODEL_NOT_OFFERED', `nobody offers the model ${model}`, {
    fix:
      names.length === 0
        ? 'No offers are known yet; they come with the first peers.'
        : `On the market are: ${names.slice(0, 8).join(', ')}.`,
    details: { model, offered: names.slice(0, 32) },
  })
}

/** What this node offers, by market name. */
function ownModels(node: ShoalNode): Map<string, OwnModelView[]> {
  const { desk, serving } = node.parts
  const { models } = serving.offered.status()
  const offer = node.tradeOrNull?.offers?.current()?.offer
  const own = new Map<string, OwnModelView[]>()
  for (const { id, measuredTokensPerSecond } of models) {
    const name = marketNameOf(id)
    const { slots, busy, queued } = desk.load(id) ?? { slots: 0, busy: 0, queued: 0 }
    const terms = desk.pricing.terms(id)
    const listed = offer?.models.find(({ model }) => model === id)
    const multiplier = (operation: 'input' | 'output') =>
      Number(desk.pricing.multiplier(id, operation)) / 1_000
    const model: OwnModelView = {
      model: id,
      price: priceView(terms),
      base: priceView(desk.basePrice(id)),
      multiplier: { input: multiplier('input'), output: multiplier('output') },
      spot: terms.spot === null ? null : priceView(terms.spot),
      rank: rankOf(quotesOf(node.parts.index, name, Date.now()), terms),
      tokensPerSecond: listed?.tokensPerSecond ?? Math.round(measuredTokensPerSecond),
      slots,
      freeSlots: Math.max(0, slots - busy),
      queued,
    }
    own.set(name, [...(own.get(name) ?? []), model])
  }
  return own
}

function rankOf(quotes: Quotes, price: TokenPrice): number {
  const own = blendedPrice(creditsOf(price.inputPerMillion), creditsOf(price.outputPerMillion))
  return 1 + quotes.blended.filter(blended => blended < own).length
}

function modelView(
  node: ShoalNode,
  name: string,
  own: OwnModelView[],
  span: HistorySpan | null,
): MarketModelView {
  const quotes = quotesOf(node.parts.index, name, Date.now())
  return {
    name,
    offers: quotes.output.length,
    input: spreadOf(quotes.input),
    output: spreadOf(quotes.output),
    tokensPerSecond: spreadOf(quotes.tokensPerSecond),
    slots: quotes.slots,
    freeSlots: quotes.freeSlots,
    queued: quotes.queued,
    spotOffers: quotes.spot,
    own,
    ...historyOf(node, name, span),
  }
}

/** Of the span asked for; else of the finest that holds all that is known. */
function historyOf(
  node: ShoalNode,
  name: string,
  wanted: HistorySpan | null,
): { span: HistorySpan; history: PriceBucket[] } {
  const { history } = node.parts.desk
  const span =
    wanted ??
    HISTORY_SPANS.find((_, index) => {
      const coarser = HISTORY_SPANS[index + 1]
      return coarser === undefined || history.of(name, coarser).length <= MAX_COARSER_BUCKETS
    })!
  return { span, history: history.of(name, span) }
}

function offerViews(node: ShoalNode, name: string, own: readonly OwnModelView[]): MarketOfferView[] {
  const { index, reputation } = node.parts
  const peers = index.lookup({ model: name }, MAX_OFFERS_SHOWN).flatMap(({ venue, provider, model }) =>
    venue === 'peer'
      ? [
          {
            provider: peerIdOf(provider),
            own: false,
            model: model.model,
            price: priceView(model),
            spot: model.spot === null ? null : priceView(model.spot),
            tokensPerSecond: model.tokensPerSecond,
            slots: model.slots,
            freeSlots: model.freeSlots,
            queued: model.queued,
            reputation: reputation.score(provider).score,
          },
        ]
      : [],
  )
  const provider = peerIdOf(node.parts.host.nodeKey)
  const ours = own.map((model): MarketOfferView => {
    const { rank: _, multiplier: __, base: ___, ...offer } = model
    return { provider, own: true, reputation: null, ...offer }
  })
  const blended = ({ price }: MarketOfferView) => blendedPrice(Number(price.input), Number(price.output))
  return [...ours, ...peers].sort((a, b) => blended(a) - blended(b))
}

async function providerFacts(
  node: ShoalNode,
  served: readonly ServedModelView[],
  own: ReadonlyMap<string, readonly OwnModelView[]>,
): Promise<ProviderFacts> {
  const { serving, host, index, desk } = node.parts
  const { state, models, crashes } = serving.offered.status()
  const peers = host.peers()
  const { standing, needed } = await chainFacts(node)
  const rivals = [...own.keys()].flatMap(name =>
    index.lookup({ model: name }, MAX_RIVALS).filter(({ venue }) => venue === 'peer'),
  )
  return {
    nowMs: Date.now(),
    wanted: node.config['models.serve'],
    failedModels: served.flatMap(({ spec, state, error }) =>
      state === 'failed' ? [{ spec, error: error ?? 'unknown' }] : [],
    ),
    engine: { state, loaded: models.length, crashes },
    records: node.auditHealthy,
    chainConnected: node.tradeOrNull !== null,
    registered: standing === null ? null : standing.nodeKey === host.nodeKey,
    offered: node.tradeOrNull?.offers?.current() != null,
    isPublic: guessScope([...node.config['p2p.bootstrap'], ...node.config['p2p.announce']]) === 'public',
    peers: peers.length,
    inbound: peers.filter(peer => host.connectionsOf(peer).some(({ direction }) => direction === 'inbound'))
      .length,
    addresses: host.addresses().length,
    ownModels: [...own].flatMap(([name, models]) => models.map(model => ownFacts(node, name, model))),
    otherModels: marketNames(index)
      .filter(({ name }) => !own.has(name))
      .slice(0, MAX_MODELS_SHOWN)
      .map(({ name }) => otherFacts(node, name)),
    stake: standing === null ? null : creditsOf(standing.stake),
    neededStake: needed === null ? null : creditsOf(needed),
    rivals: rivals.length,
    stakedRivals: rivals.filter(({ offer }) => (offer?.offer.stake ?? 0n) > 0n).length,
    demand: desk.demand.snapshot(),
    history: await earnings(node),
  }
}

/** What the chain says of us; nulls while it does not answer. */
async function chainFacts(node: ShoalNode) {
  const unknown = { standing: null, needed: null }
  const economy = node.tradeOrNull?.economy
  if (economy === undefined) return unknown
  try {
    const [standing, { minimums }] = await Promise.all([
      economy.client.standing(node.parts.wallet.address),
      economy.staker.stake(),
    ])
    return { standing, needed: requiredStake(['compute'], minimums) }
  } catch (error) {
    node.log.debug({ err: error }, 'the chain did not tell our standing')
    return unknown
  }
}

function ownFacts(node: ShoalNode, name: string, own: OwnModelView): OwnModelFacts {
  const quotes = quotesOf(node.parts.index, name, Date.now())
  const [input, output] = [Number(own.price.input), Number(own.price.output)]
  return {
    name: own.model.split('@')[0]!,
    output,
    blended: blendedPrice(input, output),
    baseOutput: Number(own.base.output),
    tokensPerSecond: own.tokensPerSecond,
    slots: own.slots,
    freeSlots: own.freeSlots,
    queued: own.queued,
    offers: quotes.output.length,
    rank: own.rank,
    medianBlended: quantile(quotes.blended, 0.5),
    medianOutput: quantile(quotes.output, 0.5),
    medianTokensPerSecond: quantile(quotes.tokensPerSecond, 0.5),
  }
}

function otherFacts(node: ShoalNode, name: string): OtherModelFacts {
  const { output, slots, freeSlots, queued } = quotesOf(node.parts.index, name, Date.now())
  return { name, offers: output.length, slots, freeSlots, queued }
}

/** What this node did for others in the last 24 hours, by its receipts. */
async function earnings(node: ShoalNode): Promise<{ earned: bigint } & ProviderFacts['history']> {
  const sinceMs = Date.now() - DAY_MS
  const requesters = new Set<string>()
  let [tasks, failed, earned] = [0, 0, 0n]
  let lastEndedAtMs: number | null = null
  for await (const { role, receipt } of node.parts.receipts.list({ limit: MAX_RECEIPTS })) {
    if (role !== 'provider') continue
    lastEndedAtMs ??= receipt.endedAtMs
    if (receipt.endedAtMs < sinceMs) break
    tasks++
    if (receipt.reason === 'failed') failed++
    earned += receipt.amount
    requesters.add(receipt.requester)
  }
  return { earned, tasks, failed, requesters: requesters.size, lastEndedAtMs }
}

function unclaimed(node: ShoalNode): string | null {
  const channels = node.tradeOrNull?.economy.payee.list()
  if (channels === undefined) return null
  return formatCredits(
    channels.reduce(
      (sum, { state, cumulative, claimed }) => (state === 'closed' ? sum : sum + cumulative - claimed),
      0n,
    ),
  )
}

function spreadOf(sorted: Float64Array): SpreadView | null {
  if (sorted.length === 0) return null
  return { low: sorted[0]!, median: quantile(sorted, 0.5)!, high: sorted.at(-1)! }
}

function priceView({ inputPerMillion, outputPerMillion }: TokenPrice): PriceView {
  return { input: formatCredits(inputPerMillion), output: formatCredits(outputPerMillion) }
}
