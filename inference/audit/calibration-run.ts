import { z } from 'zod'
import type { Bytes32, ModelId } from '../../protocol/ids.ts'
import { backendSchema } from '../../protocol/messages/backend.ts'
import type { CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import type { Engine, GenerateRequest, LoadedModel, SamplingParameters } from '../engine.ts'
import { type WholeOutput, wholeOutput } from '../whole-output.ts'
import { type Assessment, assess } from './assessment.ts'
import { calibrationPrompt } from './calibration-prompts.ts'
import { STATISTIC_VERSION } from './cells.ts'
import { countPrompt, fitMessage } from './measurement.ts'

export interface CalibrationPlan {
  prompts: number
  /** Outputs of each prompt, with other parameters and another seed. */
  samples: number
}

/** One honest output, with what it takes to audit it elsewhere. */
export interface HonestOutput extends WholeOutput {
  /** Number of the prompt: `calibrationPrompt`. */
  prompt: number
  maxTokens: number
  sampling: SamplingParameters
}

/** What one machine made, to be audited on another: for pairs of backends that no machine has both of. */
export interface HonestOutputs {
  version: 1
  model: ModelId
  quantization: string
  backend: z.infer<typeof backendSchema>
  contextTokens: number
  outputs: HonestOutput[]
}

export interface CalibrationProgress {
  stage: 'generating' | 'scoring'
  done: number
  total: number
}

export interface CalibrationRunModules {
  engine: Pick<Engine, 'generate' | 'score' | 'status'>
  /** A fresh seed of 32 bytes for each output. */
  seed: () => Bytes32
  nowMs: () => number
  signal?: AbortSignal
  onProgress?: (progress: CalibrationProgress) => void
}

/** As tasks have them: greedy and hot ones, with each filter and with none. */
const SAMPLINGS: readonly Omit<SamplingParameters, 'seed'>[] = [
  { temperature: 0, topK: 0, minP: 0, topP: 1 },
  { temperature: 1, topK: 0, minP: 0, topP: 1 },
  { temperature: 0.7, topK: 0, minP: 0, topP: 0.95 },
  { temperature: 0.3, topK: 0, minP: 0, topP: 1 },
  { temperature: 1, topK: 0, minP: 0.05, topP: 1 },
  { temperature: 1.5, topK: 0, minP: 0, topP: 1 },
  { temperature: 1.3, topK: 40, minP: 0, topP: 1 },
  { temperature: 0.8, topK: 50, minP: 0.02, topP: 0.9 },
]
const LENGTHS = [32, 96, 64, 192] as const
/** Prompt and output together: an embedded model holds 1,024. */
const PROMPT_ROOM = 256
/** Outputs that are made at once, in turn: neighbours in a batch change the last bits of each other. */
const CONCURRENCIES = [1, 2, 4] as const

const sampling = z.strictObject({
  temperature: z.number().min(0).max(100),
  topK: z.int().min(0).max(64),
  minP: z.number().min(0).max(1),
  topP: z.number().min(0).max(1),
  seed: z.string().regex(/^0x[0-9a-f]{64}$/),
})

export const honestOutputsSchema: z.ZodType<HonestOutputs> = z.strictObject({
  version: z.literal(1),
  model: z.string(),
  quantization: z.string(),
  backend: backendSchema,
  contextTokens: z.int().min(1),
  outputs: z
    .array(
      z.strictObject({
        prompt: z.int().min(0).max(100_000),
        maxTokens: z.int().min(1).max(4_096),
        sampling,
        tokens: z.array(z.int().min(0)).max(4_096),
        text: z.string(),
        reason: z.enum(['stop', 'stop_string', 'length']),
        promptTokens: z.int().min(0),
        promptDigest: z.nullable(z.string()),
      }),
    )
    .max(100_000),
})

/**
 * Makes outputs with this machine's own engine, as a provider would.
 * @throws {EngineError} as `Engine.generate`
 */
export async function generateHonest(
  model: LoadedModel,
  plan: CalibrationPlan,
  modules: CalibrationRunModules,
): Promise<HonestOutputs> {
  const total = plan.prompts * plan.samples
  const outputs: HonestOutput[] = []
  const longest = Math.max(1, model.contextTokens - PROMPT_ROOM)
  const options = modules.signal === undefined ? {} : { signal: modules.signal }
  let next = 0
  const workUntil = async (end: number) => {
    while (next < end) {
      const index = next++
      const prompt = Math.floor(index / plan.samples)
      // Shifted with the prompt, so that few samples of each still meet all parameters.
      const turn = prompt * (plan.samples + 1) + (index % plan.samples)
      const sampling = { ...SAMPLINGS[turn % SAMPLINGS.length]!, seed: modules.seed() }
      const maxTokens = Math.min(longest, LENGTHS[Math.floor(turn / 3) % LENGTHS.length]!)
      const request = requestOf(model.id, { prompt, maxTokens, sampling })
      const made = await wholeOutput(modules.engine.generate(request, options))
      outputs.push({ prompt, maxTokens, sampling, ...made })
      modules.onProgress?.({ stage: 'generating', done: outputs.length, total })
    }
  }
  for (const [part, concurrency] of CONCURRENCIES.entries()) {
    const end = Math.ceil((total * (part + 1)) / CONCURRENCIES.length)
    await Promise.all(Array.from({ length: Math.min(concurrency, model.slots) }, () => workUntil(end)))
  }
  const { backend } = modules.engine.status()
  return {
    version: 1,
    model: model.id,
    quantization: model.quantization,
    backend: backend?.kind ?? 'cpu',
    contextTokens: model.contextTokens,
    outputs,
  }
}

/**
 * Audits outputs that are known to be honest with this machine's own engine, and counts what it finds.
 * @throws {EngineError} as `Engine.score`; RangeError where the outputs are of another model than the one given
 */
export async function scoreHonest(
  model: LoadedModel,
  made: HonestOutputs,
  modules: CalibrationRunModules,
): Promise<CalibrationMeasurement> {
  if (made.model !== model.id) throw new RangeError('the outputs are of another model')
  const { engine, signal, onProgress, nowMs } = modules
  const byPrompt = new Map<number, Assessment[]>()
  let done = 0
  for (const output of made.outputs) {
    const { prompt, tokens, sampling, text, reason, promptTokens, promptDigest } = output
    done++
    if (tokens.length === 0) continue
    const scored = await engine.score(
      { ...requestOf(model.id, output), output: tokens },
      signal === undefined ? {} : { signal },
    )
    const assessment = assess(scored, {
      sampler: 'gumbel-64/1',
      sampling,
      outputTokens: tokens.length,
      ...{ text, reason, promptTokens, promptDigest, contextTokens: made.contextTokens },
    })
    byPrompt.set(prompt, [...(byPrompt.get(prompt) ?? []), assessment])
    onProgress?.({ stage: 'scoring', done, total: made.outputs.length })
  }
  const prompts = fitMessage([...byPrompt.values()].map(countPrompt))
  const { backend } = engine.status()
  return {
    version: 1,
    statistic: STATISTIC_VERSION,
    key: {
      model: model.id,
      quantization: model.quantization,
      providerBackend: made.backend,
      auditorBackend: backend?.kind ?? 'cpu',
      sampler: 'gumbel-64/1',
    },
    engineRelease: backend?.release ?? '',
    measuredAtMs: nowMs(),
    prompts,
  }
}

function requestOf(
  model: string,
  { prompt, maxTokens, sampling }: Pick<HonestOutput, 'prompt' | 'maxTokens' | 'sampling'>,
): GenerateRequest {
  return { model, input: calibrationPrompt(prompt), maxTokens, sampling, stop: [] }
}
