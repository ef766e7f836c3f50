import { CapabilityIndex } from '../../node/market/capability-index.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { Demand, Listing, ProviderId } from '../../node/market/routing/candidate.ts'
import { FEATURE } from '../../node/market/routing/features.ts'
import { LinUcbPolicy } from '../../node/market/routing/learning/lin-ucb.ts'
import type { PolicySettings } from '../../node/market/routing/learning/policy-settings.ts'
import { SizeQuality } from '../../node/market/routing/quality.ts'
import { rewardOf } from '../../node/market/routing/reward.ts'
import { Router } from '../../node/market/routing/router.ts'
import { DEFAULT_TUNING } from '../../node/market/routing/strategies.ts'
import { CREDIT, costRoundedUp } from '../../protocol/money.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { provenToAll } from '../helpers/synthetic-market.ts'
import { type Answer, type Answered, MAX_TOKENS } from './saving-answers.ts'
import type { Question } from './saving-workload.ts'

/** The same for all: what else runs on the machine is not to decide; price and quality are. */
const TOKENS_PER_SECOND = 500
const TTFT_MS = 50
/** The dearest of the catalogue costs a credit for a million output tokens, and a quarter of it for input. */
const INPUT_SHARE = 4n

/** What a task cost, credits, and whether it was answered rightly, 1 or 0; or the means of such. */
export interface Result {
  credits: number
  quality: number
}

/** A model at its price, with what each question comes to if it is asked, in their order. */
export interface Priced {
  name: string
  listing: Listing
  answers: readonly Answer[]
  results: readonly Result[]
}

/** Priced by what has to be read from memory for each token: the size of the file. */
export function catalogueOf(answered: readonly Answered[]): Priced[] {
  const mostBytes = Math.max(...answered.map(({ bytes }) => bytes))
  return answered.map(({ name, model, bytes, answers }) => {
    const listing = listingOf(model, bytes / mostBytes)
    const results = answers.map(answer => ({
      credits: Number(costOf(listing, answer)) / Number(CREDIT),
      quality: answer.isRight ? 1 : 0,
    }))
    return { name, listing, answers, results }
  })
}

/** Questions with the answers of all models. */
export interface Workload {
  questions: readonly Question[]
  catalogue: readonly Priced[]
}

export interface RoutingOptions {
  /** Of the order of questions and of the lots that are drawn. */
  seed: number
  settings: PolicySettings
  /** What each model is asked by name, and rated on, before; null where routing is to start knowing nothing. */
  calibration: Workload | null
}

/**
 * Has the router choose for one question after the other and learn from each, as the node of somebody who rates each
 * answer would: of a question it learns only how the model fared that it chose.
 * @returns the result of each question, in the order of `questions`
 */
export function routed(workload: Workload, { seed, settings, calibration }: RoutingOptions): Result[] {
  const { catalogue } = workload
  const index = new CapabilityIndex({ clock: new ManualClock() })
  index.setLocal(catalogue.map(({ listing }) => listing))
  let answer: Answer | null = null
  const router = new Router(
    { region: null },
    {
      index,
      standing: { of: () => null },
      reputation: {
        ...provenToAll,
        reliability: () => 1,
        score: () => ({ score: 100, tasks: 100 }),
        isWelcome: () => true,
      },
      breaker: { isOpen: () => false },
      clearance: { ceiling: () => 'SHARED' },
      quality: new SizeQuality(),
      policy: new LinUcbPolicy({ settings }),
      reward: ({ ranking }, { features }, outcome) =>
        rewardOf(
          {
            status: outcome.status,
            totalMs: outcome.totalMs,
            paid: Number(outcome.paid) / Number(CREDIT),
            quality: answer!.isRight ? 1 : 0,
            privacy: features[FEATURE.privacy]!,
            nearness: features[FEATURE.nearness]!,
          },
          ranking.scale,
        ),
      log: { decided: () => {}, ended: () => {} },
      clock: new ManualClock(),
      random: seededRandom(seed),
    },
  )
  router.tune({ weights: { ...DEFAULT_TUNING.weights, ...settings.weights } })
  const ask = ({ questions, catalogue }: Workload, at: number, model: string | null): Result => {
    const { decisionId, candidates } = router.rank(demandOf(questions[at]!, model))
    const { provider } = candidates[0]!
    const { listing, answers, results } = catalogue.find(one => one.listing.provider === provider)!
    answer = answers[at]!
    const { promptTokens, outputTokens } = answer
    router.observe({
      decisionId,
      provider,
      status: 'completed',
      ttftMs: TTFT_MS,
      totalMs: TTFT_MS + (outputTokens * 1_000) / TOKENS_PER_SECOND,
      outputTokens,
      promptTokens,
      paid: costOf(listing, answer),
    })
    return results[at]!
  }
  const random = new Random(seed)
  const inSomeOrder = ({ questions }: Workload) => random.shuffle(questions.map((_, at) => at))
  try {
    if (calibration !== null)
      for (const at of inSomeOrder(calibration))
        for (const { listing } of catalogue) ask(calibration, at, listing.model.model)
    const results: Result[] = []
    for (const at of inSomeOrder(workload)) results[at] = ask(workload, at, null)
    return results
  } finally {
    router.stop()
  }
}

function listingOf(model: Answered['model'], size: number): Listing {
  const outputPerMillion = (CREDIT * BigInt(Math.round(size * 1_000))) / 1_000n
  return {
    provider: `cloud:${model.id.split('@')[0]!}`,
    venue: 'cloud',
    offer: null,
    model: {
      model: model.id,
      adapter: null,
      kinds: ['chat'],
      modalities: ['text'],
      contextTokens: model.contextTokens,
      quantization: model.quantization,
      parameterCount: model.parameterCount,
      inputPerMillion: outputPerMillion / INPUT_SHARE,
      outputPerMillion,
      spot: null,
      tokensPerSecond: TOKENS_PER_SECOND,
      ttftMs: TTFT_MS,
      slots: 8,
      freeSlots: 8,
      queued: 0,
    },
  }
}

function costOf({ model }: Listing, { promptTokens, outputTokens }: Answer): bigint {
  return costRoundedUp(model, { inputTokens: promptTokens, outputTokens })
}

function demandOf({ kind, messages }: Question, model: string | null): Demand {
  const chars = messages.reduce((total, { content }) => total + content.length, 0)
  return {
    model,
    kind: 'chat',
    promptTokensBound: chars + 64 * (messages.length + 1),
    promptTokensExpected: Math.ceil(chars / 4),
    maxTokens: MAX_TOKENS,
    maxPrice: null,
    preferences: { ...DEFAULT_PREFERENCES, strategy: 'quality', dataClass: 'PUBLIC' },
    taskClass: kind,
    prefixes: [],
    excluded: new Set<ProviderId>(),
  }
}
