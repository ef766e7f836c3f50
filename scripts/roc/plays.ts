import { type Assessment, assess } from '../../inference/audit/assessment.ts'
import {
  type CalibrationPlan,
  type CalibrationProgress,
  generateHonest,
  type HonestOutputs,
  scoreHonest,
} from '../../inference/audit/calibration-run.ts'
import type { ModelSource } from '../../inference/engine.ts'
import { wholeOutput } from '../../inference/whole-output.ts'
import type { CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import { nonceOfSeed, samplingSeed } from '../../protocol/sampling-seed.ts'
import { type Answer, type Ask, requestOf } from './answers.ts'
import { type EngineRoom, type Machine, type Running, USUAL } from './engines.ts'
import type { Notebook } from './notebook.ts'

/** One audited receipt. */
export interface Receipt {
  prompt: number
  sample: number
  assessment: Assessment
  /** What the audit took, and how many tokens it went over. */
  elapsedMs: number
  computedTokens: number
}

export interface PlaysModules {
  engines: EngineRoom
  notebook: Notebook
  onProgress: (what: string, done: number, total: number) => void
}

export interface Provider {
  model: ModelSource
  machine?: Machine
  /** Tasks at once. */
  concurrency?: number
  /** Each task twice in a row, the second answer counts: its prompt is warm. */
  isWarm?: boolean
  /** What it runs in place of an ask. */
  instead?: (ask: Ask) => Ask
}

/** Plays providers and auditors with real engines, and notes all that they do. */
export class Plays {
  readonly #engines: EngineRoom
  readonly #notebook: Notebook
  readonly #onProgress: PlaysModules['onProgress']

  constructor(modules: PlaysModules) {
    this.#engines = modules.engines
    this.#notebook = modules.notebook
    this.#onProgress = modules.onProgress
  }

  /** Has a provider answer. @param name of what is noted: other providers, other names */
  async answers(name: string, asks: readonly Ask[], provider: Provider): Promise<Answer[]> {
    const { model, machine = USUAL, concurrency = 4, isWarm = false, instead = ask => ask } = provider
    const made = await this.#resumed<Answer, Ask>(
      `answers ${name}`,
      asks,
      { model, machine, concurrency },
      async (ask, running) => {
        const request = instead(ask)
        if (isWarm) await answerOf(request, running)
        return answerOf(request, running)
      },
    )
    return made.filter(({ tokens }) => tokens.length > 0)
  }

  /**
   * Has an auditor who runs the claimed model look at answers. Cheats are careful: the text and the digest of the prompt
   * in their receipts are what the auditor expects.
   */
  async audits(
    name: string,
    asks: readonly Ask[],
    answers: readonly Answer[],
    auditor: { model: ModelSource; machine?: Machine; isHonest: boolean },
  ): Promise<Receipt[]> {
    const asked = new Map(asks.map(ask => [keyOf(ask), ask]))
    return this.#resumed<Receipt, Answer>(
      `audits ${name}`,
      answers,
      { model: auditor.model, machine: auditor.machine ?? USUAL, concurrency: 1 },
      async (answer, { engine, model }) => {
        const ask = asked.get(keyOf(answer))!
        const scored = await engine.score({ ...requestOf(ask, model.id), output: answer.tokens })
        const { tokens, reason, ...said } = answer
        const { promptTokens, promptDigest, text } = auditor.isHonest ? said : scored
        const assessment = assess(scored, {
          sampler: 'gumbel-64/1',
          sampling: ask.sampling,
          outputTokens: tokens.length,
          contextTokens: model.contextTokens,
          ...{ text, reason, promptTokens, promptDigest },
        })
        const { elapsedMs, computedTokens } = scored
        return { prompt: ask.prompt, sample: ask.sample, assessment, elapsedMs, computedTokens }
      },
    )
  }

  /** As `shoal audit calibrate` does. */
  async calibration(
    name: string,
    source: ModelSource,
    plan: CalibrationPlan,
  ): Promise<CalibrationMeasurement> {
    return this.#notebook.once(`calibration ${name}`, async () => {
      const { engine, model } = await this.#engines.run(source, USUAL)
      let number = 0
      const modules = {
        engine,
        seed: () => samplingSeed(nonceOfSeed(2_000_000 + number++), null),
        nowMs: () => Date.now(),
        onProgress: ({ stage, done, total }: CalibrationProgress) =>
          this.#onProgress(`calibration ${name}, ${stage}`, done, total),
      }
      const outputs = await this.#notebook.once<HonestOutputs>(`calibration outputs ${name}`, () =>
        generateHonest(model, plan, modules),
      )
      return scoreHonest(model, outputs, modules)
    })
  }

  async #resumed<Made extends Key, Task extends Key>(
    name: string,
    tasks: readonly Task[],
    run: { model: ModelSource; machine: Machine; concurrency: number },
    make: (task: Task, running: Running) => Promise<Made>,
  ): Promise<Made[]> {
    const noted = new Map((await this.#notebook.read<Made>(name)).map(made => [keyOf(made), made]))
    const missing = tasks.filter(task => !noted.has(keyOf(task)))
    if (missing.length > 0) {
      const running = await this.#engines.run(run.model, run.machine)
      const work = async () => {
        for (let task = missing.shift(); task !== undefined; task = missing.shift()) {
          const made = await make(task, running)
          noted.set(keyOf(made), made)
          await this.#notebook.add(name, made)
          this.#onProgress(name, noted.size, tasks.length)
        }
      }
      await Promise.all(Array.from({ length: run.concurrency }, work))
    }
    return tasks.flatMap(task => noted.get(keyOf(task)) ?? [])
  }
}

type Key = Pick<Ask, 'prompt' | 'sample'>
function keyOf({ prompt, sample }: Key): string {
  return `${prompt}/${sample}`
}

async function answerOf(ask: Ask, { engine, model }: Running): Promise<Answer> {
  const { prompt, sample } = ask
  return { prompt, sample, ...(await wholeOutput(engine.generate(requestOf(ask, model.id)))) }
}
