import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelSource, SamplingParameters } from '../../inference/engine.ts'
import { openLlama } from '../../inference/llama/bindings.ts'
import { LogTail } from '../../inference/llama/engine-log.ts'
import { loadLlamaModel } from '../../inference/llama/model-loading.ts'
import { ModelRunner } from '../../inference/llama/model-runner.ts'
import { OutputScoring } from '../../inference/llama/scoring.ts'
import { SharedWeights } from '../../inference/llama/shared-weights.ts'
import { TokenChoice, type TokenChooser } from '../../inference/llama/token-choice.ts'
import { TokenSource } from '../../inference/llama/token-source.ts'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { seedOf } from '../helpers/seed.ts'
import { largeModel } from './large-model.ts'
import { type Bench, type BenchRow, median, ratioRow, valueRow } from './row.ts'

const OUTPUT_TOKENS = 256
const PROMPT = 'Tell me the story of a fish that swims against the stream, and of those who follow it.'
/** llama.cpp's own defaults. */
const SAMPLING: SamplingParameters = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, seed: seedOf(1) }
const MODELS = [
  { suffix: '', name: 'the embedded mini model', rounds: 15, path: null },
  { suffix: '.large', name: 'a random model of 353 million parameters', rounds: 2, path: largeModel },
] as const

/** llama.cpp chooses by the same parameters, as it would without ours. */
const engineChoice: TokenChooser = {
  metadata: {},
  evaluate: { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, seed: 1, yieldEogToken: true },
  choose: ({ token }) => token,
  chances: null,
}

interface Measured {
  /** Of each round. */
  ours: number[]
  engines: number[]
  audits: number[]
  /** CPU time of the audit as a share of the generation's: what the machine's other work weighs on less. */
  cpuShares: number[]
}

/** What reproducible sampling costs a generation, and what an audit by prefill costs beside one. */
export const samplingBench: Bench = {
  rows: MODELS.flatMap(({ suffix }) => [`sampling.cost${suffix}`, `audit.cost${suffix}`]),
  async run(wanted) {
    const rows: BenchRow[] = []
    for (const { suffix, name, rounds, path } of MODELS) {
      if (!wanted(`sampling.cost${suffix}`) && !wanted(`audit.cost${suffix}`)) continue
      const { ours, engines, audits, cpuShares } = await measure(rounds, path)
      const perSecond = (ms: readonly number[]) => (OUTPUT_TOKENS * 1_000) / median(ms)
      const ratio = median(ours.map((ms, round) => engines[round]! / ms))
      const share = median(ours.map((ms, round) => audits[round]! / ms))
      const baseline = perSecond(engines)
      rows.push(
        ratioRow(
          {
            name: `sampling.cost${suffix}`,
            unit: 'tokens/s',
            value: ratio * baseline,
            baseline,
            note: `one stream on ${name}, our sampler beside llama.cpp's, with its default parameters; median of ${rounds} paired rounds of ${OUTPUT_TOKENS} tokens`,
          },
          { atLeast: 0.95 },
        ),
        valueRow(
          {
            name: `audit.cost${suffix}`,
            unit: 'of generation',
            value: share,
            baseline: null,
            note: `time to check an answer of ${OUTPUT_TOKENS} tokens by one prefill, as a share of the time to make it, prompt included in both; ${name}, median of ${rounds} rounds; by CPU time ${median(cpuShares).toFixed(3)}`,
          },
          { atMost: 0.1 },
        ),
      )
    }
    return rows
  },
}

async function measure(rounds: number, path: (() => Promise<string>) | null): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const runner = await open(folder, path)
  try {
    const request = {
      ...{ model: runner.description.id, input: { kind: 'completion' as const, prompt: PROMPT } },
      ...{ maxTokens: OUTPUT_TOKENS, sampling: SAMPLING, stop: [] },
    }
    const { tokens } = await runner.prepare(request, undefined)
    const measured: Measured = { ours: [], engines: [], audits: [], cpuShares: [] }
    const signal = new AbortController().signal
    for (let round = -1; round < rounds; round++) {
      const ourChoice = new TokenChoice({ sampling: SAMPLING, position: 0 }, { grammar: null })
      const [ours, engines] = await sideBySide(runner, tokens, [ourChoice, engineChoice])
      const scoring = new OutputScoring(
        { request: { ...request, output: ours.output }, signal },
        { runner, nowMs: () => performance.now() },
      )
      const cpu = process.cpuUsage()
      const { elapsedMs } = await scoring.run()
      const auditCpuMs = cpuMsSince(cpu)
      // The first one warms up.
      if (round < 0) continue
      measured.ours.push(ours.ms)
      measured.engines.push(engines.ms)
      measured.audits.push(elapsedMs)
      measured.cpuShares.push(auditCpuMs / ours.cpuMs)
    }
    return measured
  } finally {
    await runner.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

async function open(folder: string, path: (() => Promise<string>) | null): Promise<ModelRunner> {
  const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
  const source: ModelSource = await catalog.resolve(path === null ? 'shoal-mini' : await path())
  const opened = await openLlama({ gpu: 'auto' }, { log: () => {} })
  const loaded = await loadLlamaModel(
    { source, maxContextTokens: 512, slots: 2, threads: null, measureBudgetMs: 2_000 },
    {
      ...opened,
      weights: new SharedWeights(),
      threadMemory: null,
      logTail: new LogTail({ maxChars: 1_000 }),
      nowMs: () => performance.now(),
      availableBytes: () => process.availableMemory(),
    },
    undefined,
  )
  return new ModelRunner({ maxQueued: 1 }, { loaded, onChange: () => {} })
}

interface Made {
  output: number[]
  ms: number
  cpuMs: number
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

/**
 * Makes answers of a fixed length, whatever ends the model writes: each a token at a time while the others stand still, so
 * that what else the machine does weighs on all of them.
 */
async function sideBySide(
  runner: ModelRunner,
  prompt: readonly number[],
  choosers: readonly [TokenChooser, TokenChooser],
): Promise<[Made, Made]> {
  const seats = choosers.map(() => runner.pool.enter([]))
  try {
    const slots = await Promise.all(seats.map(({ slot }) => slot))
    for (const slot of slots) await slot.reset()
    const runs = choosers.map((choice, i) => ({
      source: new TokenSource({ prompt, rest: prompt }, { slot: slots[i]!, choice }),
      output: [] as number[],
      stepsMs: [] as number[],
      cpuMs: 0,
    }))
    for (let step = 0; step < OUTPUT_TOKENS; step++) {
      for (const run of step % 2 === 0 ? runs : runs.toReversed()) {
        const startedMs = performance.now()
        const cpu = process.cpuUsage()
        run.output.push((await run.source.next()).token)
        run.stepsMs.push(performance.now() - startedMs)
        run.cpuMs += cpuMsSince(cpu)
      }
    }
    for (const { source } of runs) await source.end()
    const [first, second] = runs.map(({ output, stepsMs, cpuMs }) => ({
      output,
      ms: undisturbed(stepsMs),
      cpuMs,
    }))
    return [first!, second!]
  } finally {
    for (const seat of seats) seat.leave()
  }
}

/** The sum of steps as if the slowest fifth of them, for which the machine did other things, took as long as the rest. */
function undisturbed(stepsMs: readonly number[]): number {
  const kept = stepsMs.toSorted((a, b) => a - b).slice(0, Math.ceil(stepsMs.length * 0.8))
  return (kept.reduce((sum, ms) => sum + ms, 0) * stepsMs.length) / kept.length
}
