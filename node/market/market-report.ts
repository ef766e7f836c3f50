import type { DemandSnapshot } from './demand-log.ts'

/**
 * Why a provider earns or does not: everything a requester needs of it, looked at one after the other, each
 * with what was seen and what to do. Pure, so that every finding can be tested.
 */

/** What is looked at, in the order in which one thing needs the one before. */
export const MARKET_CHECKS = [
  'serving',
  'engine',
  'records',
  'chain',
  'registered',
  'offer',
  'peers',
  'reachable',
  'demand',
  'model',
  'price',
  'speed',
  'slots',
  'standing',
  'stake',
  'bids',
  'refusals',
] as const
export type MarketCheck = (typeof MARKET_CHECKS)[number]

/** `problem`: keeps earnings away. `hint`: could be better. `unknown`: nothing can be said. */
export type Verdict = 'ok' | 'hint' | 'problem' | 'unknown'

export interface MarketFinding {
  check: MarketCheck
  verdict: Verdict
  /** What was seen, in one sentence. */
  evidence: string
  /** What to do; null where there is nothing. */
  fix: string | null
}

/** A model this node offers, and what others ask for it. Prices are credits per million tokens. */
export interface OwnModelFacts {
  /** With its quantisation. */
  name: string
  output: number
  blended: number
  /** What the operator has set, before demand moved it. */
  baseOutput: number
  tokensPerSecond: number
  slots: number
  freeSlots: number
  queued: number
  /** Of peers that offer it too. */
  offers: number
  /** Its place by blended price among all offers, ours included; 1 is the cheapest. */
  rank: number
  medianBlended: number | null
  medianOutput: number | null
  medianTokensPerSecond: number | null
}

/** A model that others offer and this node does not. */
export interface OtherModelFacts {
  name: string
  offers: number
  slots: number
  freeSlots: number
  queued: number
}

export interface ProviderFacts {
  nowMs: number
  /** Models the operator wants to offer. */
  wanted: readonly string[]
  /** Those that could not be loaded, with why. */
  failedModels: readonly { spec: string; error: string }[]
  engine: { state: string; loaded: number; crashes: number }
  /** Whether decisions can be recorded. */
  records: boolean
  chainConnected: boolean
  /** Whether the wallet declares the node key on chain; null where that is not known. */
  registered: boolean | null
  /** Whether an offer of ours is out. */
  offered: boolean
  /** Whether the network it joins is a public one. */
  isPublic: boolean
  peers: number
  /** Connections that others have opened to us. */
  inbound: number
  /** Addresses we tell others. */
  addresses: number
  ownModels: readonly OwnModelFacts[]
  otherModels: readonly OtherModelFacts[]
  /** Credits; null where the chain has not told. */
  stake: number | null
  /** What the compute role needs, credits; null where that is not known. */
  neededStake: number | null
  /** Of providers of the same models, credits they say to have at stake: how many have any. */
  stakedRivals: number
  rivals: number
  demand: DemandSnapshot
  /** Receipts kept of tasks done for others: by how they ended, the newest first, a bounded number. */
  history: { tasks: number; failed: number; requesters: number; lastEndedAtMs: number | null }
}

const HOUR_MS = 3_600_000
/** Further above the median than this, few will come. */
const DEAR = 1.25
/** Slower than this share of the median is slow. */
const SLOW = 0.5
/** More failures than this share are noticed by requesters. */
const MANY_FAILURES = 0.1
const FEW_TASKS = 5
/** Sooner, that nobody has asked says nothing. */
const PATIENCE_MS = 10 * 60_000

/** Looks at everything, in the order of `MARKET_CHECKS`. */
export function examineMarket(facts: ProviderFacts): MarketFinding[] {
  if (facts.wanted.length === 0) {
    return [
      finding('serving', 'problem', 'this node offers no model', 'Name one: shoal up --model shoal-mini.'),
    ]
  }
  return [
    finding('serving', 'ok', `${facts.wanted.join(', ')} to be offered`),
    engineFinding(facts),
    facts.records
      ? finding('records', 'ok', 'what is done can be recorded')
      : finding(
          'records',
          'problem',
          'the audit log cannot be written, so no tasks are taken',
          'Check the disk: shoal doctor.',
        ),
    facts.chainConnected
      ? finding('chain', 'ok', 'the chain answers')
      : finding(
          'chain',
          'problem',
          'the chain does not answer, so nobody can pay',
          'Check --rpc and your connection.',
        ),
    registeredFinding(facts),
    offerFinding(facts),
    facts.peers === 0
      ? finding(
          'peers',
          'problem',
          'no peer is connected, so nobody hears the offer',
          'Name a node to join by with --bootstrap.',
        )
      : finding('peers', 'ok', `${plural(facts.peers, 'peer')} connected`),
    reachableFinding(facts),
    demandFinding(facts),
    ...facts.ownModels.flatMap(model => [priceFinding(model), speedFinding(model), slotsFinding(model)]),
    modelFinding(facts),
    standingFinding(facts),
    stakeFinding(facts),
    bidsFinding(facts),
    refusalsFinding(facts),
  ]
    .flatMap(found => found ?? [])
    .sort((a, b) => MARKET_CHECKS.indexOf(a.check) - MARKET_CHECKS.indexOf(b.check))
}

/** What keeps the earnings away most likely: the first problem, or null where there is none. */
export function likeliestCause(findings: readonly MarketFinding[]): MarketFinding | null {
  return findings.find(({ verdict }) => verdict === 'problem') ?? null
}

function engineFinding({ engine, failedModels }: ProviderFacts): MarketFinding {
  const failures = failedModels.map(({ spec, error }) => `${spec}: ${error}`).join('; ')
  if (engine.state === 'ready' && engine.loaded > 0) {
    if (failedModels.length > 0)
      return finding('engine', 'hint', `not all models could be loaded: ${failures}`, 'See shoal models.')
    const crashes = engine.crashes === 0 ? '' : `, after ${plural(engine.crashes, 'crash', 'crashes')}`
    return finding('engine', 'ok', `ready with ${plural(engine.loaded, 'model')}${crashes}`)
  }
  if (failedModels.length > 0)
    return finding(
      'engine',
      'problem',
      `no model could be loaded: ${failures}`,
      'See shoal models; name another with --model.',
    )
  return finding(
    'engine',
    'problem',
    `the engine is ${engine.state} and has no model yet`,
    'Wait until it is loaded: shoal models tells how far it is.',
  )
}

function registeredFinding({ registered, chainConnected }: ProviderFacts): MarketFinding {
  if (registered === null)
    return finding(
      'registered',
      'unknown',
      chainConnected ? 'the chain has not told yet' : 'the chain does not answer',
    )
  return registered
    ? finding('registered', 'ok', 'the wallet declares this node key on chain')
    : finding(
        'registered',
        'problem',
        'the wallet does not declare this node key on chain: requesters trust it less',
        "Send some of the chain's own coin for gas to the wallet (shoal wallet); the node declares itself.",
      )
}

function offerFinding({ offered, ownModels }: ProviderFacts): MarketFinding {
  return offered
    ? finding('offer', 'ok', `${plural(ownModels.length, 'model')} in the offer`)
    : finding('offer', 'problem', 'no offer is out', 'It comes once a model is loaded and the chain answers.')
}

function reachableFinding({ isPublic, peers, inbound, addresses }: ProviderFacts): MarketFinding {
  if (inbound > 0)
    return finding('reachable', 'ok', `${inbound} of ${plural(peers, 'peer')} dialled this node`)
  const fix = 'Forward the ports of p2p.listen, and name your address with --announce.'
  if (addresses === 0)
    return finding('reachable', 'problem', 'no address is confirmed: nobody can dial this node', fix)
  if (peers === 0) return finding('reachable', 'unknown', 'nobody has tried')
  if (!isPublic)
    return finding('reachable', 'ok', `${plural(addresses, 'address', 'addresses')} on a local network`)
  return finding(
    'reachable',
    'hint',
    `all ${plural(peers, 'connection')} were opened from here; whether others can dial this node nobody has shown`,
    fix,
  )
}

/** Whether anybody asks for anything: the one thing a provider cannot mend. */
function demandFinding({ demand, ownModels, otherModels, nowMs }: ProviderFacts): MarketFinding {
  const asked = total(demand.announced)
  const done = total(demand.ended)
  const span = spanOf(nowMs - demand.sinceMs)
  const busy = [...ownModels, ...otherModels].reduce(
    (sum, { slots, freeSlots, queued }) => sum + Math.max(0, slots - freeSlots) + queued,
    0,
  )
  if (done > 0 || asked > 0) {
    return finding(
      'demand',
      'ok',
      `${plural(done, 'task')} and ${plural(asked, 'announcement')} came here in ${span}`,
    )
  }
  if (busy > 0)
    return finding(
      'demand',
      'hint',
      `nobody asked here in ${span}, while ${plural(busy, 'task')} ${busy === 1 ? 'is' : 'are'} at other providers`,
      'Model, price, speed and standing, below, are what they choose by.',
    )
  if (nowMs - demand.sinceMs < PATIENCE_MS)
    return finding(
      'demand',
      'hint',
      `nobody has asked yet; this node has been up for ${span}`,
      'Give it some minutes.',
    )
  return finding(
    'demand',
    'problem',
    `nobody asked anybody this node knows of in ${span}: there is no demand now`,
    'Leave it running. Ask others to use the network, or join a busier one with --bootstrap.',
  )
}

function priceFinding({
  name,
  blended,
  output,
  baseOutput,
  offers,
  rank,
  medianBlended,
  medianOutput,
}: OwnModelFacts) {
  if (medianBlended === null || medianOutput === null)
    return finding('price', 'ok', `${name}: nobody else offers it`)
  const place = `${name}: place ${rank} of ${offers + 1} by price`
  if (blended <= medianBlended || medianBlended === 0)
    return finding('price', 'ok', `${place}, the median or below`)
  const above = Math.round((blended / medianBlended - 1) * 100)
  const base = trimmed(baseOutput * (medianBlended / blended))
  return finding(
    'price',
    blended > medianBlended * DEAR ? 'problem' : 'hint',
    `${place}, ${above} % above the median (output ${trimmed(output)} against ${trimmed(medianOutput)} credits/M)`,
    `Lower the base price to about --price-output ${base}, and --price-input in proportion.`,
  )
}

function speedFinding({ name, tokensPerSecond, medianTokensPerSecond }: OwnModelFacts): MarketFinding | null {
  if (medianTokensPerSecond === null || medianTokensPerSecond === 0) return null
  const speed = `${name}: ${Math.round(tokensPerSecond)} tokens/s against a median of ${Math.round(medianTokensPerSecond)}`
  if (tokensPerSecond >= medianTokensPerSecond * SLOW) return finding('speed', 'ok', speed)
  return finding(
    'speed',
    'hint',
    speed,
    'Slower work must be cheaper to be chosen: lower the price, or offer a smaller model.',
  )
}

function slotsFinding({ name, slots, freeSlots, queued }: OwnModelFacts): MarketFinding {
  if (freeSlots > 0) return finding('slots', 'ok', `${name}: ${freeSlots} of ${slots} slots free`)
  return finding(
    'slots',
    'hint',
    `${name}: all ${slots} slots busy, ${plural(queued, 'task')} waiting`,
    'Demand raises the price by itself; more slots (--slots) take more tasks at once.',
  )
}

/** Whether others earn with models that this node does not have. */
function modelFinding({ otherModels, ownModels }: ProviderFacts): MarketFinding {
  const load = ({ slots, freeSlots, queued }: { slots: number; freeSlots: number; queued: number }) =>
    slots === 0 ? 0 : (slots - freeSlots + queued) / slots
  const busiest = otherModels
    .filter(model => load(model) > 0)
    .toSorted((a, b) => load(b) - load(a) || b.offers - a.offers)[0]
  const ownLoad = Math.max(0, ...ownModels.map(load))
  if (busiest === undefined || load(busiest) <= ownLoad)
    return finding('model', 'ok', 'no model of others is busier than those offered here')
  return finding(
    'model',
    ownLoad === 0 ? 'problem' : 'hint',
    `${busiest.name} is what is asked for: ${Math.round(load(busiest) * 100)} % of ${plural(busiest.slots, 'slot')} at ${plural(busiest.offers, 'provider')} in use`,
    `Offer it, too: shoal up --model ${busiest.name}.`,
  )
}

function standingFinding({ history, nowMs }: ProviderFacts): MarketFinding {
  const { tasks, failed, requesters, lastEndedAtMs } = history
  if (tasks === 0) {
    return finding(
      'standing',
      'hint',
      'nobody has had an answer from this node yet: newcomers are tried now and then, those with a stake sooner where many strangers cheat, and rise with each answer',
      'Keep it running and the price at the median or below until the first tasks have come.',
    )
  }
  const done = `${plural(tasks, 'task')} for ${plural(requesters, 'requester')}${lastEndedAtMs === null ? '' : `, the last ${spanOf(nowMs - lastEndedAtMs)} ago`}`
  if (tasks >= FEW_TASKS && failed > tasks * MANY_FAILURES) {
    return finding(
      'standing',
      'problem',
      `${failed} of ${done} failed here: requesters lower their opinion with each`,
      'Look for the cause in the log and with shoal doctor; fewer --slots may help.',
    )
  }
  return finding('standing', 'ok', failed === 0 ? `${done}; none failed` : `${done}; ${failed} failed`)
}

function stakeFinding({ stake, neededStake, stakedRivals, rivals, demand }: ProviderFacts): MarketFinding {
  if (stake === null) return finding('stake', 'unknown', 'the chain has not told')
  const wantedByClass = demand.slaClasses.S ?? 0
  const isEnough = neededStake !== null && stake > 0 && stake >= neededStake
  const amount = `${trimmed(stake)} credits at stake`
  if (isEnough) return finding('stake', 'ok', amount)
  const fix = `Stake ${neededStake === null ? 'some' : trimmed(neededStake)} credits: shoal stake add, then shoal stake roles compute.`
  if (wantedByClass > 0)
    return finding(
      'stake',
      'problem',
      `${amount}; ${plural(wantedByClass, 'announced task')} asked for class S, which needs a stake`,
      fix,
    )
  if (stakedRivals > 0)
    return finding(
      'stake',
      'hint',
      `${amount}; ${stakedRivals} of ${plural(rivals, 'rival')} have a stake, which some requesters ask for`,
      fix,
    )
  return finding('stake', 'ok', `${amount}, and no rival has more`)
}

function bidsFinding({ demand }: ProviderFacts): MarketFinding {
  const { bids, won, lost, medianLostBy, declined } = demand
  const declines = Object.entries(declined).map(([why, count]) => `${count} ${why.replaceAll('_', ' ')}`)
  const without = declines.length === 0 ? '' : `; no bid made: ${declines.join(', ')}`
  if (bids === 0) {
    const isPriceToBlame = (declined.above_reserve ?? 0) > 0
    return finding(
      'bids',
      isPriceToBlame ? 'hint' : 'ok',
      declines.length === 0 ? 'no task was announced to this node' : without.slice(2),
      isPriceToBlame ? 'Tasks are announced for less than this node asks: lower the price.' : null,
    )
  }
  const told = `${won} of ${plural(bids, 'bid')} won${without}`
  if (lost === 0 || medianLostBy === null || won >= lost) return finding('bids', 'ok', told)
  return finding(
    'bids',
    'hint',
    `${told}; winners asked ${Math.round(medianLostBy * 100)} % less than this node did`,
    'Lower the base price by as much, if that still pays.',
  )
}

const REFUSAL_FIXES: Readonly<Record<string, string>> = {
  busy: 'Offer more slots with --slots, or raise the price.',
  overloaded: 'Offer more slots with --slots, or raise the price.',
  share_used: 'One requester asks for more than its share while others wait; nothing needs mending.',
  deadline_unmeetable: 'Tasks wanted it faster: fewer --slots make each task faster.',
  not_serving: 'The engine or the audit log was not ready: shoal doctor.',
  model_unavailable: 'A model in the offer was not loaded: shoal models.',
  prompt_too_long: 'Offer a longer context with --context, or a model with one.',
}

function refusalsFinding({ demand }: ProviderFacts): MarketFinding {
  const refused = total(demand.refused)
  const done = total(demand.ended)
  if (refused === 0) return finding('refusals', 'ok', 'no task was refused')
  const [most] = Object.entries(demand.refused).toSorted((a, b) => b[1] - a[1])[0]!
  const reasons = Object.entries(demand.refused).map(([why, count]) => `${count} ${why.replaceAll('_', ' ')}`)
  return finding(
    'refusals',
    refused > done ? 'problem' : 'hint',
    `${plural(refused, 'task')} refused: ${reasons.join(', ')}`,
    REFUSAL_FIXES[most] ?? 'The requesters were at fault; nothing needs mending.',
  )
}

function finding(
  check: MarketCheck,
  verdict: Verdict,
  evidence: string,
  fix: string | null = null,
): MarketFinding {
  return { check, verdict, evidence, fix }
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Few digits, no noise: `0.8`, `12.5`. */
function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function spanOf(spanMs: number): string {
  if (spanMs < 60_000) return plural(Math.max(1, Math.round(spanMs / 1_000)), 'second')
  if (spanMs < HOUR_MS) return plural(Math.round(spanMs / 60_000), 'minute')
  return plural(Math.round(spanMs / HOUR_MS), 'hour')
}
