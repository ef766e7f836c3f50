import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { TASK_KINDS } from '../../../protocol/messages/offer.ts'
import { costRoundedUp, type TokenPrice } from '../../../protocol/money.ts'
import type { IndexedBucket } from '../capability.ts'
import { Lowest } from '../lowest.ts'
import {
  type Candidate,
  type Demand,
  type Listing,
  type Outcome,
  type ProviderId,
  type Ranking,
  UNFIT,
  type Unfit,
} from './candidate.ts'
import { FEATURE, FEATURE_NAMES, writeFeatures } from './features.ts'
import { privacyOf, type Terms, termsOf } from './filters.ts'
import { LatencyPredictor, p95, promptFactor } from './latency-predictor.ts'
import type { Decision, RouterModules, RouterOptions, Routing } from './modules.ts'
import { OutputLengths } from './output-lengths.ts'
import { PrefixAffinity } from './prefix-affinity.ts'
import { isPeer, NO_CEILING, ProviderFacts } from './provider-facts.ts'
import { RowFacts } from './row-facts.ts'
import { type Facts, middling, type Nearness, nearnessOf, scan, waitOf } from './scan.ts'
import { type Component, DEFAULT_TUNING, normalised, type Scale, scoreOf, type Tuning } from './strategies.ts'

const MAX_CANDIDATES = 32
/** When of those looked at closely fewer are left, the next best are looked at too. */
const ENOUGH_CANDIDATES = 4
const MAX_ROUNDS = 16
/** Decisions whose outcome is waited for at most. */
const MAX_UNBEGUN = 512
const MAX_BEGUN = 4_096
const BASE_UNITS = 1e18

/** A candidate as the router knows it while it decides. */
interface Found {
  candidate: Candidate
  worst: number
  isNewcomer: boolean
  /** Of a newcomer: the weight it is drawn with. */
  weight: number
}

/** Who stands up to a close look. */
interface Findings {
  /** The best score first. */
  proven: Found[]
  /** Newcomers in the order they were drawn in, and the weight of all there are. */
  strangers: Found[]
  strangerWeight: number
  unfit: Record<Unfit, number>
}

/**
 * Chooses among all listings: peers', this node's own engine and cloud services. Filters and scores by columns
 * of numbers, looks closely only at the few best, and leaves their order to a policy. No I/O of its own: what it
 * knows it is told.
 */
export class Router implements Routing {
  readonly #options: Required<RouterOptions>
  readonly #modules: RouterModules
  readonly #predictor = new LatencyPredictor()
  readonly #affinity = new PrefixAffinity()
  readonly #lengths = new OutputLengths()
  readonly #providers: ProviderFacts
  readonly #rows: RowFacts
  readonly #unbegun = new Map<string, Decision>()
  readonly #begun = new Map<string, Decision>()
  readonly #stopObserving: () => void
  #tuning: Tuning = DEFAULT_TUNING
  readonly #idPrefix: string
  #decisions = 0

  constructor(options: RouterOptions, modules: RouterModules) {
    const { region, maxCandidates = MAX_CANDIDATES } = options
    this.#options = { region, maxCandidates }
    this.#modules = modules
    const { index, quality, clock, reputation, random } = modules
    this.#idPrefix = Math.floor(random() * 2 ** 48).toString(36)
    const providers = new ProviderFacts({ reputation, tuning: this.#tuning })
    const rows = new RowFacts({ index, predictor: this.#predictor, quality, clock })
    this.#providers = providers
    this.#rows = rows
    this.#stopObserving = index.observe({
      resized: capacity => rows.resize(capacity),
      providersResized: capacity => providers.resize(capacity),
      providerAdded: (row, id) => providers.add(row, id),
      providerRemoved: row => providers.remove(row),
      added: (row, provider, model) => rows.add(row, provider, model),
      moved: (from, to) => rows.move(from, to),
      removed: row => rows.remove(row),
      changed: row => {
        rows.renew(row)
        providers.unseen[index.columns.providerRow[row]!] = 0
      },
    })
  }

  /** Lets go of the index. Idempotent. */
  stop(): void {
    this.#stopObserving()
  }

  rank(demand: Demand): Ranking {
    const { random, log, clock } = this.#modules
    const { proven, strangers, strangerWeight, ...ranking } = this.#assess(demand)
    const id = ranking.decisionId
    const tried = strangers.map(({ candidate }) => candidate)
    const trialShare = proven.length === 0 ? 1 : this.#trialShare()
    const isTrial = strangers.length > 0 && (trialShare === 1 || random() < trialShare)
    if (isTrial) {
      const [{ candidate, weight }] = strangers as [Found]
      candidate.probability = (trialShare * weight) / Math.max(strangerWeight, weight, Number.MIN_VALUE)
    }
    const { chosen, version } = this.#order(demand, proven, strangers.length > 0 ? 1 - trialShare : 1)
    const complete: Ranking = {
      ...ranking,
      candidates: isTrial ? [tried[0]!, ...chosen, ...tried.slice(1)] : [...chosen, ...tried],
      policyVersion: version,
      explored: isTrial || chosen[0] !== proven[0]?.candidate,
    }
    if (complete.candidates.length === 0) return complete
    const decision: Decision = { id, atMs: clock.nowMs(), demand, ranking: complete }
    remember(this.#unbegun, id, decision, MAX_UNBEGUN)
    log.decided(decision)
    return complete
  }

  /**
   * Share of tasks given to strangers, so that we come to know them: as much as loses no more than the risk that is
   * taken to cheats among them, as strangers turned out until now (a stranger policy that adapts: Feldman, Lai, Stoica,
   * Chuang, "Robust Incentive Techniques for Peer-to-Peer Networks", EC 2004, section 4).
   */
  #trialShare(): number {
    const { maxTrials, trialRisk } = this.#tuning
    return Math.min(maxTrials, trialRisk / Math.max(this.#modules.reputation.strangerRisk(), Number.MIN_VALUE))
  }

  /** Has the policy order those we know. @param share of tasks that are left to them */
  #order(
    demand: Demand,
    proven: readonly Found[],
    share: number,
  ): { chosen: Candidate[]; version: string | null } {
    const { policy, random } = this.#modules
    const [best] = proven
    if (best === undefined) return { chosen: [], version: null }
    // What a policy may put first costs no more than a few times the best: else a dear offer would live on being tried.
    const bound = best.worst * this.#tuning.explorationCost
    const eligible = proven.filter(({ worst }, index) => index === 0 || worst <= bound)
    const { order, probability, version } = policy.choose({
      taskClass: demand.taskClass,
      candidates: eligible.map(({ candidate: { features, score }, isNewcomer }) => ({
        features,
        score,
        isNewcomer,
      })),
      random,
    })
    const first = order.map(index => eligible[index]!.candidate)
    first[0]!.probability = probability * share
    const rest = proven.filter(({ worst }, index) => index > 0 && worst > bound)
    return { chosen: [...first, ...rest.map(({ candidate }) => candidate)], version }
  }

  preview(demand: Demand): Ranking {
    const { proven, strangers, strangerWeight: _, ...ranking } = this.#assess(demand)
    const byWeight = strangers.toSorted((a, b) => b.weight - a.weight)
    return { ...ranking, candidates: [...proven, ...byWeight].map(({ candidate }) => candidate) }
  }

  begin(decisionId: string, provider: ProviderId): void {
    const decision = this.#unbegun.get(decisionId)
    if (decision !== undefined) {
      this.#unbegun.delete(decisionId)
      remember(this.#begun, decisionId, decision, MAX_BEGUN)
    }
    const row = this.#modules.index.providerRowOf(provider)
    if (row === null) return
    this.#providers.unseen[row]!++
    this.#providers.inFlight[row]!++
  }

  observe(outcome: Outcome): void {
    const { decisionId, provider, status } = outcome
    const { clock, reward, policy, log, index } = this.#modules
    const nowMs = clock.nowMs()
    const providerRow = index.providerRowOf(provider)
    if (providerRow !== null) this.#providers.observe(providerRow, wentWell(status), nowMs)
    const decision = this.#begun.get(decisionId) ?? this.#unbegun.get(decisionId)
    const candidate = decision?.ranking.candidates.find(one => one.provider === provider)
    if (decision === undefined || candidate === undefined) return
    const { demand } = decision
    this.#measure(demand, candidate, outcome, nowMs)
    if (outcome.ttftMs !== null)
      this.#affinity.observe(demand.prefixes, provider, candidate.model.model, nowMs)
    if (status === 'completed') this.#lengths.observe(demand.taskClass, outcome.outputTokens)
    const worth = reward(decision, candidate, outcome)
    if (worth !== null)
      policy.learn({ taskClass: demand.taskClass, features: candidate.features, reward: worth })
    log.ended(decision, candidate, outcome, worth)
  }

  observeRoundTrip(provider: ProviderId, rttMs: number): void {
    const row = this.#modules.index.providerRowOf(provider)
    if (row !== null && rttMs >= 0) this.#providers.observeRoundTrip(row, rttMs)
  }

  forget(provider: ProviderId): void {
    const row = this.#modules.index.providerRowOf(provider)
    if (row !== null) this.#providers.forget(row)
  }

  tune(tuning: Partial<Tuning>): void {
    this.#tuning = { ...this.#tuning, ...tuning, weights: { ...this.#tuning.weights, ...tuning.weights } }
    this.#providers.setTuning(this.#tuning, this.#modules.clock.nowMs())
  }

  /** What fits, the best score first, and why the rest does not. */
  #assess(demand: Demand): Omit<Ranking, 'candidates'> & Findings {
    const { index, clock } = this.#modules
    const nowMs = clock.nowMs()
    const { preferences } = demand
    if (preferences.minReputation > 0) this.#providers.wantScores(nowMs)
    this.#providers.refreshSome(nowMs)
    const outputTokens = this.#lengths.expected(demand.taskClass, demand.maxTokens)
    const terms = termsOf(demand, outputTokens, index, nowMs)
    const buckets = index.match(demand)
    const facts: Facts = { columns: index.columns, rows: this.#rows, providers: this.#providers }
    const scale: Scale = {
      strategy: preferences.strategy,
      weights: normalised(this.#tuning.weights[preferences.strategy]),
      ...middling(buckets, terms, facts),
      reliabilityExponent: this.#tuning.reliabilityExponent,
    }
    const nearness = this.#nearness(demand)
    const marked = this.#mark(demand, nowMs)
    try {
      let findings = this.#find(demand, terms, scale, nearness, buckets, true)
      // Better one more task for somebody we know than one for a stranger because all others are at work.
      if (findings.proven.length === 0) findings = this.#find(demand, terms, scale, nearness, buckets, false)
      this.#countOthers(demand, buckets, findings.unfit)
      const decisionId = `${this.#idPrefix}-${this.#decisions++}`
      return { decisionId, ...findings, scale, policyVersion: null, explored: false }
    } finally {
      marked.undo()
    }
  }

  /** Scans until enough of the best stand up to a close look. */
  #find(
    demand: Demand,
    terms: Terms,
    scale: Scale,
    nearness: Nearness,
    buckets: readonly IndexedBucket[],
    isSlowStart: boolean,
  ): Findings {
    const { random, index } = this.#modules
    const { maxCandidates } = this.#options
    const facts: Facts = { columns: index.columns, rows: this.#rows, providers: this.#providers }
    const closer: Record<Unfit, number> = none()
    const ruledOut: number[] = []
    try {
      for (let round = 1; ; round++) {
        const best = new Lowest(maxCandidates)
        const newcomers = new Lowest(maxCandidates)
        const unfit = none()
        const seen = { best, newcomers, newcomerWeight: 0, unfit }
        const { explorationCost, utilityExponent, newcomerPlaces } = this.#tuning
        const maxCost = scale.cost * explorationCost
        scan(buckets, terms, scale, facts, nearness, { maxCost, utilityExponent, isSlowStart }, random, seen)
        const rows = withNewcomers(best.items(), newcomers.items(), newcomerPlaces, maxCandidates)
        const build = this.#builder(demand, terms, scale, nearness, facts, rows.length)
        const found: Found[] = []
        for (const row of rows) {
          const listing = index.listing(row)
          const problem = this.#lookClosely(row, listing, demand, terms)
          if (problem === null) {
            const one = build(row, listing)
            if (typeof one !== 'string') {
              found.push(one)
              continue
            }
            closer[one]++
          } else closer[problem]++
          ruledOut.push(row)
          this.#rows.ruledOut[row] = 1
        }
        const isAll = rows.length < maxCandidates
        if (isAll || found.length >= Math.min(ENOUGH_CANDIDATES, maxCandidates) || round === MAX_ROUNDS) {
          for (const name of UNFIT) unfit[name] += closer[name]
          const proven = found.filter(({ isNewcomer }) => !isNewcomer)
          proven.sort((a, b) => b.candidate.score - a.candidate.score)
          const strangers = found.filter(({ isNewcomer }) => isNewcomer)
          return { proven, strangers, strangerWeight: seen.newcomerWeight, unfit }
        }
      }
    } finally {
      for (const row of ruledOut) this.#rows.ruledOut[row] = 0
    }
  }

  /** Looks up what columns only guess. Null: it is fit. */
  #lookClosely(row: number, listing: Listing, demand: Demand, terms: Terms): Unfit | null {
    const { clearance, standing, breaker, reputation } = this.#modules
    const { provider, offer, model } = listing
    const facts = this.#providers
    const providerRow = this.#modules.index.columns.providerRow[row]!
    facts.refreshIfOld(providerRow, terms.nowMs)
    if (isPeer(provider) && !reputation.isWelcome(provider)) return 'unwelcome'
    if (facts.score[providerRow]! < terms.minReputation) return 'reputation'
    if (breaker.isOpen(provider, model.model)) return 'circuit_open'
    const ceiling = clearance.ceiling(listing)
    const place = ceiling === null ? NO_CEILING : DATA_CLASSES.indexOf(ceiling)
    let stake = Number.NaN
    if (terms.minStake > 0) {
      // Our own engine and services have nothing to lose to us.
      const known = offer === null ? null : standing.of(offer.offer.wallet, offer.provider)
      const staked = known !== null && known.bound === true ? known.stake : 0n
      stake = offer === null ? Number.POSITIVE_INFINITY : Number(staked) / BASE_UNITS
      facts.lookedUp(providerRow, { ceiling: place, stake }, terms.nowMs)
      if (offer !== null && staked < demand.preferences.minStake) return 'stake'
    } else facts.lookedUp(providerRow, { ceiling: place, stake }, terms.nowMs)
    return place < terms.dataClass ? 'data_class' : null
  }

  /** @returns makes candidates; those that cost more than columns said are `too_expensive` */
  #builder(
    demand: Demand,
    terms: Terms,
    scale: Scale,
    nearness: Nearness,
    facts: Facts,
    count: number,
  ): (row: number, listing: Listing) => Found | 'too_expensive' {
    const { columns, rows, providers } = facts
    // One buffer for all: many small ones would each be memory of its own.
    const buffer = new Float64Array(count * FEATURE_NAMES.length)
    const expected = { inputTokens: demand.promptTokensExpected, outputTokens: terms.outputTokens }
    const longest = { inputTokens: demand.promptTokensBound, outputTokens: demand.maxTokens }
    let made = 0
    return (row, listing) => {
      const price: TokenPrice = terms.isSpot ? listing.model.spot! : listing.model
      const expectedCost = costRoundedUp(price, expected)
      if (demand.maxPrice !== null && expectedCost > demand.maxPrice) return 'too_expensive'
      const worstCost = costRoundedUp(price, longest)
      const provider = columns.providerRow[row]!
      const warmShare = rows.warm[row]!
      const isNewcomer = providers.newcomer[provider] === 1
      const firstMs = rows.ttftMs[row]! * promptFactor(terms.promptTokens, warmShare)
      const ownMs = firstMs + terms.outputTokens * rows.msPerToken[row]!
      const waitMs = waitOf(row, ownMs, facts)
      const elsewhereMs = providers.rttMs[provider]! + waitMs
      const reliability = providers.reliability[provider]!
      const quality = rows.quality[row]!
      const prediction = {
        expectedCost,
        worstCost,
        ttftMs: elsewhereMs + firstMs,
        totalMs: elsewhereMs + ownMs,
        ttftP95Ms: elsewhereMs + p95(firstMs, rows.spread[row]!),
        waitMs,
        tokensPerSecond: 1_000 / rows.msPerToken[row]!,
        reliability,
        quality,
        warmShare,
      }
      const features = buffer.subarray(made * FEATURE_NAMES.length, ++made * FEATURE_NAMES.length)
      const { venue } = listing
      const isLocal = venue === 'local'
      writeFeatures(
        features,
        {
          ...prediction,
          cost: Number(expectedCost) / BASE_UNITS,
          privacy: isLocal ? 1 : privacyOf(columns.dataClass[row]!, providers.ceiling[provider]!),
          nearness: nearnessOf(row, nearness, facts),
          measured: rows.measured[row]!,
          isNewcomer,
          venue,
          isSpot: terms.isSpot,
        },
        scale,
      )
      const parts: Record<Component, number> = {
        cost: features[FEATURE.cost]!,
        time: features[FEATURE.time]!,
        quality,
        privacy: features[FEATURE.privacy]!,
        nearness: features[FEATURE.nearness]!,
      }
      const score = scoreOf(parts, reliability, scale)
      const candidate: Candidate = { ...listing, prediction, score, features, probability: 0 }
      const weight = isNewcomer
        ? providers.prospect[provider]! * scoreOf(parts, 1, scale) ** this.#tuning.utilityExponent
        : 0
      return { candidate, worst: Number(worstCost) / BASE_UNITS, isNewcomer, weight }
    }
  }

  /** Marks who is out and what is warm, for one decision. */
  #mark(demand: Demand, nowMs: number): { undo: () => void } {
    const { index } = this.#modules
    const excluded: number[] = []
    for (const provider of demand.excluded) {
      const row = index.providerRowOf(provider)
      if (row === null) continue
      excluded.push(row)
      this.#providers.excluded[row] = 1
    }
    const warm: number[] = []
    if (demand.prefixes.length > 0) {
      for (const { provider, model, share } of this.#affinity.warm(demand.prefixes, nowMs)) {
        const row = this.#rows.find(provider, model)
        if (row === null) continue
        warm.push(row)
        this.#rows.warm[row] = share
      }
    }
    return {
      undo: () => {
        for (const row of excluded) this.#providers.excluded[row] = 0
        for (const row of warm) this.#rows.warm[row] = 0
      },
    }
  }

  #nearness({ preferences }: Demand): Nearness {
    const { index } = this.#modules
    const region = preferences.region ?? this.#options.region
    if (region === null) return { same: null, similar: null }
    const [similar] = region.split('-') as [string]
    return { same: index.regionMask(region), similar: index.regionMask(similar) }
  }

  /** Counts the listings that were not looked at, being of another model or for other kinds of task. */
  #countOthers(demand: Demand, buckets: readonly IndexedBucket[], unfit: Record<Unfit, number>): void {
    const { index } = this.#modules
    const matched = rowsOf(buckets)
    if (demand.model === null) {
      unfit.other_kind = index.size - matched
      return
    }
    const others = new Set<IndexedBucket>()
    for (const kind of TASK_KINDS) for (const bucket of index.match({ ...demand, kind })) others.add(bucket)
    for (const bucket of buckets) others.delete(bucket)
    unfit.other_kind = rowsOf([...others])
    unfit.other_model = index.size - matched - unfit.other_kind
  }

  /** Learns from how fast it was. */
  #measure(demand: Demand, candidate: Candidate, outcome: Outcome, nowMs: number): void {
    const { provider, model, prediction } = candidate
    const { status, ttftMs, totalMs, promptTokens, outputTokens } = outcome
    // Only a stall says something of speed where no token came: a refusal is quick, and a crash at any time.
    if (ttftMs === null && status !== 'stalled') return
    const providerRow = this.#modules.index.providerRowOf(provider)
    const rttMs = providerRow === null ? 0 : this.#providers.rttMs[providerRow]!
    this.#predictor.observe(
      provider,
      model.model,
      model,
      {
        ttftMs,
        totalMs,
        promptTokens: promptTokens > 0 ? promptTokens : demand.promptTokensExpected,
        outputTokens,
        elsewhereMs: rttMs + prediction.waitMs,
        warmShare: prediction.warmShare,
      },
      nowMs,
    )
    const row = this.#rows.find(provider, model.model)
    if (row !== null) this.#rows.renew(row)
  }
}

function none(): Record<Unfit, number> {
  return Object.fromEntries(UNFIT.map(name => [name, 0])) as Record<Unfit, number>
}

function rowsOf(buckets: readonly IndexedBucket[]): number {
  return buckets.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** The best, the last of which give their places to a few newcomers; all to newcomers where there is nobody else. */
function withNewcomers(
  best: readonly number[],
  newcomers: readonly number[],
  places: number,
  limit: number,
): number[] {
  const others = best.length === 0 ? newcomers : newcomers.slice(0, Math.min(places, limit))
  return [...best.slice(0, limit - others.length), ...others]
}

/** Whether it speaks for its provider; null where it says nothing. */
function wentWell(status: Outcome['status']): boolean | null {
  if (status === 'completed') return true
  return status === 'preempted' || status === 'refused' ? null : false
}

function remember<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.set(key, value)
  if (map.size > limit) map.delete(map.keys().next().value!)
}
