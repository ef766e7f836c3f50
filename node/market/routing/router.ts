import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import type { IndexedBucket } from '../capability.ts'
import { Lowest } from '../lowest.ts'
import { STRATEGIES } from '../preferences.ts'
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
import { type BuiltCandidate, CandidateBuilder } from './candidate-builder.ts'
import { type Terms, termsOf } from './filters.ts'
import { LatencyPredictor } from './latency-predictor.ts'
import { learnedClass } from './learning/task-class.ts'
import { ListingFacts } from './listing-facts.ts'
import { Middling } from './middling.ts'
import type { Decision, RouterModules, RouterOptions, Routing } from './modules.ts'
import { NewcomerDraw } from './newcomer-draw.ts'
import { OutputLengths } from './output-lengths.ts'
import { NearnessTables } from './place.ts'
import { PrefixAffinity } from './prefix-affinity.ts'
import { isPeer, NO_CEILING } from './provider-facts.ts'
import type { Drawn } from './reservoir.ts'
import { rowsOf, type Search, scan } from './scan.ts'
import { DEFAULT_TUNING, normalised, type Scale, type Tuning } from './strategies.ts'
import { sumOf, type TrialShares, trialShares, wholeOf } from './trial-shares.ts'

const MAX_CANDIDATES = 12
/** When of those looked at closely fewer are left, the next best are looked at too. */
const ENOUGH_CANDIDATES = 4
const MAX_ROUNDS = 16
/** Strangers that are ranked like others where nobody is known. */
const HANDFUL = 8
/** Decisions whose outcome is waited for at most, of those nobody was given and of the others. */
const MAX_UNBEGUN = 128
const MAX_BEGUN = 4_096
const BASE_UNITS = 1e18

/** Who stands up to a close look. */
interface Findings {
  /** Those whose honesty is proven, the best score first. */
  proven: BuiltCandidate[]
  /** The others, in the order they were drawn in, and the weight of all there are of each kind. */
  newcomers: BuiltCandidate[]
  newcomerWeights: Record<StrangerKind, number>
  /** Who is left for want of others: proven first, then as they were drawn. */
  spare: BuiltCandidate[]
  unfit: Record<Unfit, number>
}

/** Rows worth a close look, in that order, and the weight each was drawn with; 0 where it was not. */
interface Shortlist {
  rows: number[]
  weights: number[]
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
  readonly #facts: ListingFacts
  readonly #builder: CandidateBuilder
  readonly #near: NearnessTables
  readonly #middling = new Middling()
  readonly #unbegun = new Map<string, Decision>()
  readonly #begun = new Map<string, Decision>()
  #tuning: Tuning = DEFAULT_TUNING
  /** Of the tuning, summing to 1. */
  #weights = normalisedAll(DEFAULT_TUNING.weights)
  readonly #idPrefix: string
  #decisions = 0

  constructor(options: RouterOptions, modules: RouterModules) {
    const { region, maxCandidates = MAX_CANDIDATES } = options
    this.#options = { region, maxCandidates }
    this.#modules = modules
    this.#idPrefix = Math.floor(modules.random() * 2 ** 48).toString(36)
    this.#facts = new ListingFacts({ tuning: this.#tuning }, { ...modules, predictor: this.#predictor })
    this.#builder = new CandidateBuilder({ facts: this.#facts })
    this.#near = new NearnessTables(modules)
  }

  /** Lets go of the index. Idempotent. */
  stop(): void {
    this.#facts.stop()
  }

  rank(demand: Demand): Ranking {
    const { decisionId, scale, findings } = this.#assess(demand)
    const { proven, newcomers, newcomerWeights, spare, unfit } = findings
    // A handful of strangers is soon known: the best offer first. In a crowd chance decides, else whoever baits best
    // would be met first, under one name after another.
    const isHandful = proven.length === 0 && newcomers.length <= HANDFUL
    const ranked = isHandful ? newcomers.toSorted(byScore) : proven
    const drawn = isHandful ? [] : newcomers
    const shares = this.#trialShares(ranked, drawn)
    const trialShare = ranked.length === 0 && drawn.length > 0 ? 1 : sumOf(shares)
    const first = this.#drawTrial(shares, drawn, trialShare)
    const isTrial = first !== undefined
    for (const { candidate, weight, kind } of drawn)
      candidate.probability = (shares[kind!] * weight) / newcomerWeights[kind!]
    // Where nobody is known the others are ranked, too: they are who is asked next.
    const { order, eligible, version } = this.#order(
      demand,
      ranked.length > 0 ? ranked : drawn.filter(built => built !== first).sort(byScore),
      1 - trialShare,
    )
    const candidates: Candidate[] = isTrial ? [first.candidate] : []
    for (const candidate of order) candidates.push(candidate)
    if (ranked.length > 0) for (const built of drawn) if (built !== first) candidates.push(built.candidate)
    for (const { candidate } of spare) candidates.push(candidate)
    if (candidates.length === 0) return { decisionId, candidates, unfit, scale, ...UNDECIDED }
    const wish =
      demand.preferred === undefined
        ? undefined
        : candidates.find(candidate => isPreferred(candidate, demand))
    const isWish = wish !== undefined
    return this.#decided(demand, {
      decisionId,
      candidates: isWish ? withFirst(wish, candidates) : candidates,
      unfit,
      scale,
      decidedBy: isWish ? 'wish' : isTrial ? 'trial' : 'policy',
      policyVersion: version,
      trialShare: isWish ? 0 : trialShare,
      eligible: isWish ? [] : eligible,
      explored: !isWish && (isTrial || order[0] !== ranked[0]?.candidate),
    })
  }

  /** Shares of tasks for the newcomers that were drawn, by their kind; all there are where nobody is known. */
  #trialShares(proven: readonly BuiltCandidate[], drawn: readonly BuiltCandidate[]): TrialShares {
    const present = new Set(drawn.map(({ kind }) => kind!))
    const { reputation } = this.#modules
    const knowsPeers = proven.some(({ candidate }) => candidate.venue === 'peer')
    const shares = trialShares(present, kind => reputation.strangerRisk(kind), knowsPeers, this.#tuning)
    return proven.length > 0 ? shares : wholeOf(shares, present)
  }

  /** Whom to try out now, if anybody. */
  #drawTrial(
    shares: TrialShares,
    drawn: readonly BuiltCandidate[],
    trialShare: number,
  ): BuiltCandidate | undefined {
    if (trialShare === 0) return undefined
    let draw = this.#modules.random()
    if (draw >= trialShare) return undefined
    for (const kind of STRANGER_KINDS) {
      if (draw < shares[kind]) return drawn.find(built => built.kind === kind)
      draw -= shares[kind]
    }
    // Shares that add up to 1 but for a rounding.
    return drawn[0]
  }

  /** Has the policy order those we know. @param share of tasks that are left to them */
  #order(
    demand: Demand,
    proven: readonly BuiltCandidate[],
    share: number,
  ): { order: Candidate[]; eligible: Candidate[]; version: string | null } {
    const { policy, random } = this.#modules
    const [best] = proven
    if (best === undefined) return { order: [], eligible: [], version: null }
    // What a policy may put first costs no more than a few times the best: else a dear offer would live on being tried.
    const bound = best.worst * this.#tuning.explorationCost
    const eligible: BuiltCandidate[] = []
    const others: BuiltCandidate[] = []
    for (const one of proven) (one === best || one.worst <= bound ? eligible : others).push(one)
    const { order, probability, version } = policy.choose({
      taskClass: learnedClass(demand),
      candidates: eligible,
      random,
    })
    const chosen: Candidate[] = []
    for (const index of order) chosen.push(eligible[index]!.candidate)
    if (share > 0) chosen[0]!.probability = probability * share
    const all = chosen.slice()
    for (const { candidate } of others) all.push(candidate)
    return { order: all, eligible: share > 0 ? chosen : [], version }
  }

  #decided(demand: Demand, ranking: Ranking): Ranking {
    const { decisionId: id } = ranking
    const decision: Decision = { id, atMs: this.#modules.clock.nowMs(), demand, ranking }
    remember(this.#unbegun, id, decision, MAX_UNBEGUN)
    this.#modules.log.decided(decision)
    return ranking
  }

  preview(demand: Demand, maxCandidates = this.#options.maxCandidates): Ranking {
    const { decisionId, scale, findings } = this.#assess(demand, maxCandidates)
    const { proven, newcomers, spare, unfit } = findings
    const likeliest = newcomers.toSorted((a, b) => b.weight - a.weight)
    const candidates = [...proven, ...likeliest, ...spare].map(({ candidate }) => candidate)
    return { decisionId, candidates, unfit, scale, ...UNDECIDED }
  }

  begin(decisionId: string, provider: ProviderId): void {
    const decision = this.#unbegun.get(decisionId)
    if (decision !== undefined) {
      this.#unbegun.delete(decisionId)
      remember(this.#begun, decisionId, decision, MAX_BEGUN)
    }
    const row = this.#modules.index.providerRowOf(provider)
    if (row !== null) this.#facts.providers.begin(row)
  }

  observe(outcome: Outcome): void {
    const { decisionId, provider, status } = outcome
    const { clock, reward, policy, log, index } = this.#modules
    const nowMs = clock.nowMs()
    const providerRow = index.providerRowOf(provider)
    if (providerRow !== null) this.#facts.providers.observe(providerRow, wentWell(status), nowMs)
    const decision = this.#begun.get(decisionId) ?? this.#unbegun.get(decisionId)
    const candidate = decision?.ranking.candidates.find(one => one.provider === provider)
    if (decision === undefined || candidate === undefined) return
    const { demand } = decision
    this.#measure(demand, candidate, outcome, nowMs)
    if (outcome.ttftMs !== null)
      this.#affinity.observe(demand.prefixes, provider, candidate.model.model, nowMs)
    if (status === 'completed') this.#lengths.observe(demand.taskClass, outcome.outputTokens)
    const worth = reward(decision, candidate, outcome)
    const { model, features, score } = candidate
    if (worth !== null) {
      const taskClass = learnedClass(demand)
      policy.learn({ taskClass, model: model.model, features, score, reward: worth })
    }
    log.ended(decision, candidate, outcome, worth)
  }

  observeRoundTrip(provider: ProviderId, rttMs: number): void {
    const row = this.#modules.index.providerRowOf(provider)
    if (row !== null && rttMs >= 0) this.#facts.providers.observeRoundTrip(row, rttMs)
  }

  forget(provider: ProviderId): void {
    const row = this.#modules.index.providerRowOf(provider)
    if (row !== null) this.#facts.providers.forget(row, this.#modules.clock.nowMs())
  }

  tune(tuning: Partial<Tuning>): void {
    this.#tuning = { ...this.#tuning, ...tuning, weights: { ...this.#tuning.weights, ...tuning.weights } }
    this.#weights = normalisedAll(this.#tuning.weights)
    this.#facts.providers.setTuning(this.#tuning, this.#modules.clock.nowMs())
  }

  /** What fits, the best score first, and why the rest does not. */
  #assess(
    demand: Demand,
    maxCandidates = this.#options.maxCandidates,
  ): { decisionId: string; scale: Scale; findings: Findings } {
    const { index, clock } = this.#modules
    const { strategy } = demand.preferences
    const nowMs = clock.nowMs()
    if (demand.preferences.minReputation > 0) this.#facts.providers.wantScores(nowMs)
    this.#facts.providers.refreshSome(nowMs)
    const outputTokens = this.#lengths.expected(demand.taskClass, demand.maxTokens)
    const terms = termsOf(demand, outputTokens, index, nowMs)
    const buckets = index.match(demand)
    const { reliabilityExponent, explorationCost, newcomerPlaces } = this.#tuning
    const scale: Scale = {
      strategy,
      weights: this.#weights[strategy],
      ...this.#middling.of(buckets, terms, this.#facts),
      reliabilityExponent,
    }
    const nearness = this.#near.to(demand.preferences.region ?? this.#options.region)
    const newcomerMaxCost = scale.cost * explorationCost
    const undo = this.#mark(demand, nowMs)
    try {
      const search = {
        terms,
        scale,
        nearness,
        newcomerMaxCost,
        enough: ENOUGH_CANDIDATES,
        newcomerPlaces,
        isForSpare: false,
      }
      const newcomerMinUtility = this.#ownScore(search, buckets)
      const findings = this.#find(demand, { ...search, newcomerMinUtility }, buckets, maxCandidates)
      this.#countOthers(demand, buckets, findings.unfit)
      const decisionId = `${this.#idPrefix}-${this.#decisions++}`
      return { decisionId, scale, findings }
    } finally {
      undo()
    }
  }

  /** The best score of our own engine and services for a demand; -∞ where none of them is fit. */
  #ownScore(basis: Omit<Search, 'newcomerMinUtility'>, buckets: readonly IndexedBucket[]): number {
    const { breaker, index, random } = this.#modules
    const search = { ...basis, newcomerMinUtility: Number.NEGATIVE_INFINITY }
    if (this.#facts.own.size === 0) return search.newcomerMinUtility
    const found = findingsOf(1, random)
    for (const row of this.#facts.own) {
      const bucket = buckets.find(({ start, end }) => start <= row && row < end)
      if (bucket === undefined) continue
      const { provider, model } = index.listing(row)
      if (breaker.isOpen(provider, model.model)) continue
      scan([{ ...bucket, start: row, end: row + 1 }], search, this.#facts, random, found)
    }
    return -found.best.bound
  }

  /**
   * Scans until enough of the best stand up to a close look. While none does, it looks at twice as many each time, so
   * that in the end it finds whoever is fit. Where somebody turns out to be a newcomer of another kind than it was
   * taken for, or none, or to be one, all are drawn again: the chances of a draw hold for those that it was made of.
   */
  #find(demand: Demand, search: Search, buckets: readonly IndexedBucket[], maxCandidates: number): Findings {
    const { random } = this.#modules
    const facts = this.#facts
    const ruledOut: { row: number; why: Unfit }[] = []
    const enough = Math.min(ENOUGH_CANDIDATES, maxCandidates)
    try {
      for (let round = 1, limit = maxCandidates; ; round++) {
        const scanned = findingsOf(limit, random)
        const spareCount = scan(buckets, search, facts, random, scanned)
        const isShort = spareCount > 0 && scanned.best.size + scanned.newcomers.size < enough
        // Better one more task for somebody we know than one for a stranger because all others have their share.
        const isLacking = spareCount > 0 && scanned.best.size === 0
        const kept = isShort || isLacking ? findingsOf(limit, random) : null
        if (kept !== null) scan(buckets, { ...search, isForSpare: true }, facts, random, kept)
        const isBusy = kept !== null && scanned.best.size === 0
        const known = (isBusy ? kept : scanned).best.items()
        const places = known.length === 0 ? limit : this.#tuning.newcomerPlaces
        const drawn = scanned.newcomers.items(places)
        const listed = shortlist(known, drawn, this.#preferred(demand, search), limit)
        const listedCount = listed.rows.length
        if (kept !== null && listedCount < enough)
          addSpare(listed, isBusy ? [] : kept.best.items(), kept.newcomers.items(limit), limit)
        const { rows, weights } = listed
        const found: BuiltCandidate[] = []
        const spare: BuiltCandidate[] = []
        const newcomerWeights = scanned.newcomers.weights()
        const spareWeights = (kept ?? scanned).newcomers.weights()
        let hasChanged = false
        for (let place = 0; place < rows.length && found.length < maxCandidates; place++) {
          const row = rows[place]!
          const weight = weights[place]!
          const isListed = place < listedCount
          const built = this.#lookClosely(row, weight, demand, search)
          if (built === null) hasChanged = true
          else if (typeof built !== 'string') (isListed ? found : spare).push(built)
          else {
            ruledOut.push({ row, why: built })
            facts.table.leaveOut(row, true)
            const kind = facts.kindOf(row)
            if (kind !== null && weight > 0) (isListed ? newcomerWeights : spareWeights)[kind] -= weight
          }
        }
        const count = found.length + spare.length
        // Where none of those stands up to a close look, others are left that were not worth one.
        const isAll = rows.length < limit && (count > 0 || rows.length === 0)
        if ((!hasChanged && (isAll || count >= enough)) || round === MAX_ROUNDS) {
          const unfit = named(scanned.unfit)
          for (const { why } of ruledOut) unfit[why]++
          const isFound = found.length > 0
          const { proven, newcomers } = apart(isFound ? found : spare)
          if (isFound) return { proven, newcomers, newcomerWeights, spare, unfit }
          return { proven, newcomers, newcomerWeights: spareWeights, spare: [], unfit }
        }
        if (count === 0 && !hasChanged) limit *= 2
      }
    } finally {
      for (const { row } of ruledOut) facts.table.leaveOut(row, false)
    }
  }

  /** The row the demand wishes for, if it is fit; else null. */
  #preferred({ preferred }: Demand, search: Search): number | null {
    const row = preferred === undefined ? null : this.#facts.find(preferred.provider, preferred.model)
    if (row === null) return null
    const { random } = this.#modules
    const { best, newcomers, unfit } = findingsOf(1, random)
    const bucket = { model: preferred!.model, start: row, end: row + 1 }
    for (const isForSpare of [false, true])
      scan([bucket], { ...search, isForSpare }, this.#facts, random, { best, newcomers, unfit })
    return best.size + newcomers.size > 0 ? row : null
  }

  /**
   * Looks up what the table only guesses.
   * @returns the candidate, or why it is none; null where it is not of the kind that it was listed as
   */
  #lookClosely(row: number, weight: number, demand: Demand, search: Search): BuiltCandidate | Unfit | null {
    const { index } = this.#modules
    const { providers } = this.#facts
    const provider = index.columns.providerRow[row]!
    const kind = providers.newcomer[provider]
    providers.refreshIfOld(provider, search.terms.nowMs)
    if (providers.newcomer[provider] !== kind) return null
    const listing = index.listing(row)
    const why = this.#whyUnfit(row, listing, demand, search.terms)
    return why ?? this.#builder.build(row, listing, weight, demand, search) ?? 'too_expensive'
  }

  #whyUnfit(row: number, listing: Listing, demand: Demand, terms: Terms): Unfit | null {
    const { clearance, standing, breaker, reputation, index } = this.#modules
    const { provider, offer, model } = listing
    const { providers } = this.#facts
    const providerRow = index.columns.providerRow[row]!
    if (providers.trust[providerRow]! < 0 || (isPeer(provider) && !reputation.isWelcome(provider)))
      return 'unwelcome'
    if (providers.score[providerRow]! < terms.minReputation) return 'reputation'
    if (breaker.isOpen(provider, model.model)) return 'circuit_open'
    const { minStake } = demand.preferences
    let stake: bigint | null = null
    if (minStake > 0n && offer !== null) {
      const known = standing.of(offer.offer.wallet, offer.provider)
      stake = known?.bound === true ? known.stake : 0n
    }
    const class_ = clearance.ceiling(listing)
    const ceiling = class_ === null ? NO_CEILING : DATA_CLASSES.indexOf(class_)
    const stakeCredits = stake === null ? Number.NaN : Number(stake) / BASE_UNITS
    providers.lookedUp(providerRow, { ceiling, stake: stakeCredits }, terms.nowMs)
    if (ceiling < terms.dataClass) return 'data_class'
    // Our own engine and services have no stake: nothing of theirs is ours to fear.
    return stake !== null && stake < minStake ? 'stake' : null
  }

  /** Marks who is out and what is warm, for one decision. @returns takes the marks away */
  #mark(demand: Demand, nowMs: number): () => void {
    const { index } = this.#modules
    const facts = this.#facts
    const excluded: number[] = []
    for (const provider of demand.excluded) {
      const row = index.providerRowOf(provider)
      if (row !== null) excluded.push(row)
    }
    for (const row of excluded) facts.leaveOutProvider(row, true)
    const warm: number[] = []
    for (const { provider, model, share } of this.#affinity.warm(demand.prefixes, nowMs)) {
      const row = facts.find(provider, model)
      if (row === null) continue
      warm.push(row)
      facts.table.setWarm(row, share)
    }
    return () => {
      for (const row of excluded) facts.leaveOutProvider(row, false)
      for (const row of warm) facts.table.setWarm(row, 0)
    }
  }

  /** Counts the listings that were not looked at, being of another model or for other kinds of task. */
  #countOthers(demand: Demand, buckets: readonly IndexedBucket[], unfit: Record<Unfit, number>): void {
    const { index } = this.#modules
    const matched = rowsOf(buckets)
    if (demand.model === null) {
      unfit.other_kind = index.size - matched
      return
    }
    unfit.other_kind = rowsOf(index.match({ model: demand.model, kind: null })) - matched
    unfit.other_model = index.size - matched - unfit.other_kind
  }

  /** Learns from how fast it was. */
  #measure(demand: Demand, candidate: Candidate, outcome: Outcome, nowMs: number): void {
    const { provider, model, prediction } = candidate
    const { status, ttftMs, totalMs, promptTokens, outputTokens } = outcome
    // Only a stall says something of speed where no token came: a refusal is quick, and a crash at any time.
    if (ttftMs === null && status !== 'stalled') return
    const providerRow = this.#modules.index.providerRowOf(provider)
    const rttMs = providerRow === null ? 0 : this.#facts.providers.rttMs[providerRow]!
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
    const row = this.#facts.find(provider, model.model)
    if (row !== null) this.#facts.renew(row)
  }
}

/**
 * The best, the last of which give their places to those drawn and to who is wished for.
 * @param best none of them is among `drawn`
 */
function shortlist(
  best: readonly number[],
  drawn: readonly Drawn[],
  preferred: number | null,
  limit: number,
): Shortlist {
  const rows: number[] = []
  const weights: number[] = []
  let isMissing = preferred !== null && !best.includes(preferred)
  for (const { item } of drawn) if (item === preferred) isMissing = false
  const bestCount = Math.min(best.length, Math.max(0, limit - drawn.length - (isMissing ? 1 : 0)))
  for (let place = 0; place < bestCount; place++) {
    rows.push(best[place]!)
    weights.push(0)
  }
  for (const { item, weight } of drawn) {
    rows.push(item)
    weights.push(weight)
  }
  if (isMissing) {
    rows.push(preferred!)
    weights.push(0)
  }
  return { rows, weights }
}

/** Adds those kept for want of others, as long as there is room; who is wished for may be on the list already. */
function addSpare(
  { rows, weights }: Shortlist,
  best: readonly number[],
  drawn: readonly Drawn[],
  limit: number,
): void {
  const listed = new Set(rows)
  const add = (row: number, weight: number) => {
    if (rows.length >= limit || listed.has(row)) return
    rows.push(row)
    weights.push(weight)
  }
  for (const row of best) add(row, 0)
  for (const { item, weight } of drawn) add(item, weight)
}

/** Those whose honesty is proven, the best score first, and the others as they come. */
function apart(found: readonly BuiltCandidate[]): Pick<Findings, 'proven' | 'newcomers'> {
  const proven: BuiltCandidate[] = []
  const newcomers: BuiltCandidate[] = []
  for (const one of found) (one.kind === null ? proven : newcomers).push(one)
  return { proven: proven.sort(byScore), newcomers }
}

function byScore(a: BuiltCandidate, b: BuiltCandidate): number {
  return b.candidate.score - a.candidate.score
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

function isPreferred({ provider, model }: Candidate, { preferred }: Demand): boolean {
  return provider === preferred?.provider && model.model === preferred.model
}

/** Chosen by wish, not by the policy: it is no choice to be judged. */
function withFirst(wish: Candidate, candidates: readonly Candidate[]): Candidate[] {
  for (const candidate of candidates) candidate.probability = 0
  wish.probability = 1
  return [wish, ...candidates.filter(other => other !== wish)]
}

/** Before anybody has decided. */
const UNDECIDED = {
  decidedBy: null,
  policyVersion: null,
  trialShare: 0,
  eligible: [],
  explored: false,
} as const

/** What is to be filled by a scan. */
function findingsOf(limit: number, random: () => number) {
  return {
    best: new Lowest(limit),
    newcomers: new NewcomerDraw(limit, random),
    unfit: new Int32Array(UNFIT.length),
  }
}

function normalisedAll(weights: Tuning['weights']): Tuning['weights'] {
  return Object.fromEntries(
    STRATEGIES.map(strategy => [strategy, normalised(weights[strategy])]),
  ) as Tuning['weights']
}

const NONE = Object.fromEntries(UNFIT.map(why => [why, 0])) as Record<Unfit, number>

/** Counts by their names. */
function named(counts: Int32Array): Record<Unfit, number> {
  const unfit = { ...NONE }
  for (let place = 0; place < UNFIT.length; place++)
    if (counts[place]! > 0) unfit[UNFIT[place]!] = counts[place]!
  return unfit
}
