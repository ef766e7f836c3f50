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

/**
 * Has the router choose for one question after the other, in an order of the seed, and learn from each, as the node of
 * somebody who rates each answer would. It starts knowing nothing, and of a question it learns only how the model
 * fared that it chose.
 * @returns the result of each question, in the order of `questions`
 */
export function routed(
  questions: readonly Question[],
  catalogue: readonly Priced[],
  { seed, settings }: { seed: number; settings: PolicySettings },
): Result[] {
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
  const results: Result[] = []
  try {
    for (const at of new Random(seed).shuffle(questions.map((_, at) => at))) {
      const { decisionId, candidates } = router.rank(demandOf(questions[at]!))
      const { provider } = candidates[0]!
      const chosen = catalogue.find(({ listing }) => listing.provider === provider)!
      answer = chosen.answers[at]!
      const { promptTokens, outputTokens } = answer
      router.observe({
        decisionId,
        provider,
        status: 'completed',
        ttftMs: TTFT_MS,
        totalMs: TTFT_MS + (outputTokens * 1_000) / TOKENS_PER_SECOND,
        outputTokens,
        promptTokens,
        paid: costOf(chosen.listing, answer),
      })
      results[at] = chosen.results[at]!
    }
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

function demandOf({ kind, messages }: Question): Demand {
  const chars = messages.reduce((total, { content }) => total + content.length, 0)
  return {
    model: null,
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
