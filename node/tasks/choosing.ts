import type { TaskId } from '../../protocol/ids.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import type { CapacityMode, SlaClass } from '../../protocol/sla-class.ts'
import type { Candidate, Demand, Outcome, ProviderId, Ranking } from '../market/routing/candidate.ts'
import type { AskOptions } from './ask.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { demandOf } from './demand.ts'
import type { PriceCap } from './price-cap.ts'
import type { Choice } from './venue.ts'

/** Chooses whom a task is given to, and learns how it went. */
export interface TaskRouter {
  rank(demand: Demand): Ranking
  /** As `rank`, without a trace. */
  preview(demand: Demand, maxCandidates?: number): Ranking
  /** A candidate has been given the task; until its outcome it counts as one slot less there. */
  begin?(decisionId: string, provider: ProviderId): void
  observe(outcome: Outcome): void
}

export interface ChooserModules {
  router: TaskRouter
  breaker: Pick<CircuitBreaker, 'isOpen'>
  cap: PriceCap
  clock: { nowMs(): number }
  /** Who gets no tasks of a class, for what it did. */
  excludedFrom?: (slaClass: SlaClass) => readonly ProviderId[]
}

/** A ranking is gone back to for so long; later the market is asked anew. */
const MAX_RANKING_AGE_MS = 30_000

/** Chooses for one task, nobody twice. */
export class Chooser {
  readonly #ask: AskOptions & { taskId: TaskId }
  readonly #modules: ChooserModules
  readonly #tried = new Set<ProviderId>()
  #latest: { ranking: Ranking; mode: CapacityMode; atMs: number } | null = null

  constructor(ask: AskOptions & { taskId: TaskId }, modules: ChooserModules) {
    this.#ask = ask
    this.#modules = modules
  }

  /**
   * Asks the market anew, leaving out who was tried.
   * @param options.mode in which the task goes on; default: as was asked for
   * @param options.model another than was asked for: that of other replicas
   */
  rank(options: { mode?: CapacityMode; model?: string } = {}): Ranking {
    const { router, cap, clock, excludedFrom } = this.#modules
    const barred = excludedFrom?.(this.#ask.preferences.slaClass) ?? []
    const mode = options.mode ?? this.#ask.preferences.mode
    const ranking = router.rank(
      demandOf(
        {
          ...this.#ask,
          model: options.model ?? this.#ask.model,
          preferences: { ...this.#ask.preferences, mode },
        },
        { excluded: new Set([...this.#tried, ...barred]), maxPrice: cap.available() },
      ),
    )
    this.#latest = { ranking, mode, atMs: clock.nowMs() }
    return ranking
  }

  /** The best of the last ranking who can still be asked; null when there is nobody. Not yet taken. */
  best(isFit: (choice: Choice) => boolean = () => true): Choice | null {
    return this.all().find(isFit) ?? null
  }

  /** All of the last ranking who can still be asked, the best first. */
  all(): Choice[] {
    return this.#all(this.#modules.cap.available())
  }

  #all(available: bigint | null): Choice[] {
    if (this.#latest === null) return []
    const { ranking, mode } = this.#latest
    return ranking.candidates
      .filter(candidate => this.#mayAsk(candidate, mode, available))
      .map(candidate => choiceOf(candidate, ranking.decisionId, mode))
  }

  /** Who could go on later, when what is held for running attempts is free; null when there is nobody. */
  successor(isFit: (choice: Choice) => boolean = () => true): Choice | null {
    const { clock, cap } = this.#modules
    if (this.#latest === null || clock.nowMs() - this.#latest.atMs > MAX_RANKING_AGE_MS) return null
    return this.#all(cap.remaining()).find(isFit) ?? null
  }

  /** Marks a provider as asked: it is not chosen again. */
  take(choice: Choice): Choice {
    this.#tried.add(choice.candidate.provider)
    return choice
  }

  /** Whether a choice made before can still be made. */
  isOpen({ candidate, mode }: Choice): boolean {
    return this.#mayAsk(candidate, mode, this.#modules.cap.available())
  }

  #mayAsk(candidate: Candidate, mode: CapacityMode, available: bigint | null): boolean {
    const { provider, offer, model } = candidate
    const { breaker, clock } = this.#modules
    if (this.#tried.has(provider) || breaker.isOpen(provider, model.model)) return false
    if (offer !== null && offer.offer.expiresAtMs <= clock.nowMs()) return false
    const price = priceOf(candidate, mode)
    return (
      price !== null &&
      (available === null || costRoundedUp(price, { inputTokens: 1, outputTokens: 1 }) <= available)
    )
  }
}

function choiceOf(candidate: Candidate, decisionId: string, mode: CapacityMode): Choice {
  return { candidate, decisionId, price: priceOf(candidate, mode)!, mode, award: null }
}

/** Null where the candidate has nothing left to spot tasks. */
function priceOf({ model }: Candidate, mode: CapacityMode): Choice['price'] | null {
  return mode === 'spot' ? model.spot : model
}
