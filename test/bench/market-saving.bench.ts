import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadedModel } from '../../inference/engine.ts'
import { LlamaWorker } from '../../inference/llama/worker.ts'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { CapabilityIndex } from '../../node/market/capability-index.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { Demand, Listing, ProviderId } from '../../node/market/routing/candidate.ts'
import { FEATURE } from '../../node/market/routing/features.ts'
import { LinUcbPolicy } from '../../node/market/routing/learning/lin-ucb.ts'
import { DEFAULT_POLICY } from '../../node/market/routing/learning/policy-settings.ts'
import { SizeQuality } from '../../node/market/routing/quality.ts'
import { rewardOf } from '../../node/market/routing/reward.ts'
import { Router } from '../../node/market/routing/router.ts'
import { CREDIT, costRoundedUp } from '../../protocol/money.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { seedOf } from '../helpers/seed.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { provenToAll } from '../helpers/synthetic-market.ts'
import { type Bench, type BenchRow, ratioRow } from './row.ts'
import { type Question, savingWorkload } from './saving-workload.ts'

const ROW = 'market.saving'
/** Catalogue: the embedded models, the cheapest first. */
const MODELS = ['shoal-nano-q8_0', 'shoal-mini-q4_0', 'shoal-mini-q8_0'] as const
const PER_KIND = 100
/** Each question is asked so often, so that what learning costs is shared by a thousand tasks of each kind. */
const ROUNDS = 10
/** Routing draws lots: the mean of several runs counts. */
const RUNS = 8
const PARALLEL = 8
const MAX_TOKENS = 160
/** The same for all: what else runs on the machine is not to decide; price and quality are. */
const TOKENS_PER_SECOND = 500
const TTFT_MS = 50
/** The dearest of the catalogue costs a credit for a million output tokens, and a quarter of it for input. */
const INPUT_SHARE = 4n
/** Quality counts as equal within so much: less than one standard error of the workload's. */
const TOLERANCE = 0.01
const GOAL = 0.6

/** What a model really made of a question. */
interface Measured {
  isRight: boolean
  promptTokens: number
  outputTokens: number
}

/** A model of the catalogue with what it made of each question. */
interface Priced {
  listing: Listing
  answers: Measured[]
}

/** Of a way to choose among models. */
interface Sum {
  credits: number
  quality: number
}

/**
 * What learned routing costs on a fixed mixed workload, beside the one model that is best, at the same quality. Every
 * model really answers every question, through the engine; what routing then chooses is paid and judged by that. It
 * starts knowing nothing, so that what learning costs is in the sum.
 */
export const marketSavingBench: Bench = {
  rows: [ROW],
  async run(wanted) {
    if (!wanted(ROW)) return []
    const questions = savingWorkload(PER_KIND)
    const catalogue = await measure(questions)
    const single = catalogue.map(({ answers, listing }) =>
      sum(questions.map((_, index) => paid(listing, answers[index]!))),
    )
    const best = single.reduce((better, one) => (one.quality > better.quality ? one : better))
    const cheapest = single.reduce((cheaper, one) => (one.credits < cheaper.credits ? one : cheaper))
    const learned = sum(Array.from({ length: RUNS }, (_, run) => route(questions, catalogue, run + 1)))
    const isEqual = learned.quality >= best.quality - TOLERANCE
    const row: BenchRow = ratioRow(
      {
        name: ROW,
        unit: 'credits per million tasks',
        value: perMillion(learned),
        baseline: perMillion(best),
        note:
          `learned routing over ${ROUNDS * questions.length} tasks, all it tried included, with ${share(learned.quality)} right answers, beside always the best model with ${share(best.quality)}; ` +
          `always the cheapest: ${perMillion(cheapest).toPrecision(3)} with ${share(cheapest.quality)}; ` +
          `best and cheapest mixed by chance to the same quality: ${perMillion(mixedTo(learned.quality, cheapest, best)).toPrecision(3)}`,
      },
      { atMost: GOAL },
    )
    return [{ ...row, goal: `${row.goal} with at most ${TOLERANCE} less quality`, ok: row.ok && isEqual }]
  },
}

async function measure(questions: readonly Question[]): Promise<Priced[]> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const engine = new LlamaWorker({ slots: PARALLEL, threads: 1, maxContextTokens: 1_024 })
  try {
    await engine.start()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    const measured: (LoadedModel & { bytes: number; answers: Measured[] })[] = []
    for (const name of MODELS) {
      const model = await engine.load(await catalog.resolve(name))
      const answers = await answersOf(engine, model.id, questions)
      measured.push({ ...model, bytes: (await stat(model.path)).size, answers })
      await engine.unload(model.id)
    }
    const mostBytes = Math.max(...measured.map(({ bytes }) => bytes))
    return measured.map(model => ({
      listing: listingOf(model, model.bytes / mostBytes),
      answers: model.answers,
    }))
  } finally {
    await engine.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function answersOf(
  engine: LlamaWorker,
  model: string,
  questions: readonly Question[],
): Promise<Measured[]> {
  const answers: Measured[] = []
  let next = 0
  const work = async () => {
    while (next < questions.length) {
      const index = next++
      const { messages, right } = questions[index]!
      let text = ''
      let used = { promptTokens: 0, outputTokens: 0 }
      for await (const event of engine.generate({
        model,
        input: { kind: 'chat', messages },
        maxTokens: MAX_TOKENS,
        sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: seedOf(1) },
        stop: [],
      })) {
        if (event.type === 'output') text += event.text
        if (event.type === 'end') used = event
      }
      const { promptTokens, outputTokens } = used
      answers[index] = { isRight: text === right, promptTokens, outputTokens }
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  return answers
}

/** Priced by what has to be read from memory for each token: the size of the file. */
function listingOf(model: LoadedModel, size: number): Listing {
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
      slots: PARALLEL,
      freeSlots: PARALLEL,
      queued: 0,
    },
  }
}

/** Has the router choose for one question after the other and learn from each, as a node would. */
function route(questions: readonly Question[], catalogue: readonly Priced[], seed: number): Sum {
  const random = seededRandom(seed)
  const clock = new ManualClock()
  const index = new CapabilityIndex({ clock })
  index.setLocal(catalogue.map(({ listing }) => listing))
  const policy = new LinUcbPolicy({ settings: DEFAULT_POLICY })
  let answer: Measured | null = null
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
      policy,
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
      clock,
      random,
    },
  )
  try {
    const spent: Sum[] = []
    for (let task = 0; task < ROUNDS * questions.length; task++) {
      const question = task % questions.length
      const { kind, messages } = questions[question]!
      const { decisionId, candidates } = router.rank(demandOf(kind, messages))
      const { provider } = candidates[0]!
      const { listing, answers } = catalogue.find(one => one.listing.provider === provider)!
      answer = answers[question]!
      const { promptTokens, outputTokens } = answer
      router.observe({
        decisionId,
        provider,
        status: 'completed',
        ttftMs: TTFT_MS,
        totalMs: TTFT_MS + (outputTokens * 1_000) / TOKENS_PER_SECOND,
        outputTokens,
        promptTokens,
        paid: costRoundedUp(listing.model, { inputTokens: promptTokens, outputTokens }),
      })
      spent.push(paid(listing, answer))
    }
    return sum(spent)
  } finally {
    router.stop()
  }
}

function demandOf(taskClass: string, messages: Question['messages']): Demand {
  const chars = messages.reduce((total, { content }) => total + content.length, 0)
  return {
    model: null,
    kind: 'chat',
    promptTokensBound: chars + 64 * (messages.length + 1),
    promptTokensExpected: Math.ceil(chars / 4),
    maxTokens: MAX_TOKENS,
    maxPrice: null,
    preferences: { ...DEFAULT_PREFERENCES, strategy: 'quality', dataClass: 'PUBLIC' },
    taskClass,
    prefixes: [],
    excluded: new Set<ProviderId>(),
  }
}

function paid({ model }: Listing, { isRight, promptTokens, outputTokens }: Measured): Sum {
  const cost = costRoundedUp(model, { inputTokens: promptTokens, outputTokens })
  return { credits: Number(cost) / Number(CREDIT), quality: isRight ? 1 : 0 }
}

/** Credits and quality of a task, on average. */
function sum(tasks: readonly Sum[]): Sum {
  const mean = (of: (task: Sum) => number) =>
    tasks.reduce((total, task) => total + of(task), 0) / tasks.length
  return { credits: mean(({ credits }) => credits), quality: mean(({ quality }) => quality) }
}

/** What it costs to reach a quality by tossing a coin between two models. */
function mixedTo(quality: number, low: Sum, high: Sum): Sum {
  const part = Math.min(1, Math.max(0, (quality - low.quality) / (high.quality - low.quality)))
  return { quality, credits: low.credits + part * (high.credits - low.credits) }
}

function perMillion({ credits }: Sum): number {
  return credits * 1e6
}

function share(quality: number): string {
  return `${(quality * 100).toFixed(1)} %`
}
