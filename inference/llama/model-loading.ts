import { realpath, stat } from 'node:fs/promises'
import { cpus } from 'node:os'
import { InsufficientMemoryError, type Llama, type LlamaContext, type LlamaModel } from 'node-llama-cpp'
import { isShoalError } from '../../protocol/errors.ts'
import { type BackendDescription, EngineError, type LoadedModel, type ModelSource } from '../engine.ts'
import { type GgufSummary, inspectGguf } from '../models/gguf.ts'
import { ModelIdentifier } from '../models/identity.ts'
import { checkedAdapters } from './adapter-check.ts'
import { messageOf } from './bindings.ts'
import { contextPlans, defaultSlots } from './context-plan.ts'
import type { LogTail } from './engine-log.ts'
import type { LoadedWeights, SharedWeights } from './shared-weights.ts'
import {
  measureThreads,
  type ThreadChoice,
  type ThreadTrial,
  threadCandidates,
} from './thread-measurement.ts'
import type { ThreadMemory } from './thread-memory.ts'
import { loadAdapters } from './worn-adapters.ts'

export interface ModelLoadOptions {
  source: ModelSource
  /** The most context a sequence gets, whatever the model was trained on. */
  maxContextTokens: number
  /** Sequences at once; null chooses by size and memory. */
  slots: number | null
  /** CPU threads; null measures, and remembers where there is a memory. */
  threads: number | null
  /** The measurement of thread counts ends within this and one token. */
  measureBudgetMs: number
}

export interface ModelLoadModules {
  llama: Llama
  backend: BackendDescription
  /** Files that are in memory. */
  weights: SharedWeights
  threadMemory: ThreadMemory | null
  /** What llama.cpp said last, for naming the cause of a failure. */
  logTail: LogTail
  nowMs: () => number
  /** Memory this process can still take; `process.availableMemory()`. */
  availableBytes: () => number
}

export interface LoadedLlama {
  description: LoadedModel
  model: LlamaModel
  context: LlamaContext
  /** Has another context of the model wear its adapters, too. */
  wear(context: LlamaContext): void
  /** Frees the context, the adapters, and the weights unless other models use them. */
  free(): Promise<void>
}

/** Prompt tokens that one batch takes. */
export const BATCH_TOKENS = 512
/** Share of the free memory that a context may take; the rest is for the model's pages and for others. */
const MEMORY_SHARE = 0.5
const GPU_MEMORY_SHARE = 0.9
/** A warm-up and the most steps of a measurement fit. */
const MEASURE_CONTEXT_TOKENS = 256
/** llama.cpp's number for mean pooling. */
const POOLING_MEAN = 1
/** Its numbers for pooling to one vector: mean, first and last. A file that names one was made to embed. */
const POOLINGS: ReadonlySet<number | null> = new Set([POOLING_MEAN, 2, 3])

/**
 * Loads a model and makes its context, as large and for as many sequences as memory allows. A file that is in memory
 * for another model is not loaded again.
 * @throws {EngineError} MODEL_INVALID, MODEL_TOO_LARGE, CANCELLED
 */
export async function loadLlamaModel(
  options: ModelLoadOptions,
  modules: ModelLoadModules,
  signal: AbortSignal | undefined,
): Promise<LoadedLlama> {
  const { source } = options
  modules.logTail.clear()
  /** Undone in reverse when a step fails, and in the end. */
  const undo: (() => Promise<void>)[] = []
  const free = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const key = await fileState(source)
    const weights = await modules.weights.hold(key, signal => loadWeights(options, modules, signal), signal)
    undo.push(() => weights.release())
    const { model, summary, threads } = weights
    const adapters = await loadAdapters(model, await checkedAdapters(source, weights))
    undo.push(() => adapters.dispose())
    signal?.throwIfAborted()
    const { context, contextTokens, slots } = await createContext(options, modules, {
      model,
      summary,
      threads: threads.threads,
    })
    undo.push(() => context.dispose())
    adapters.wear(context)
    const description: LoadedModel = {
      ...source,
      architecture: summary.architecture,
      parameterCount: summary.parameterCount,
      quantization: summary.quantization,
      contextTokens,
      slots,
      chatTemplateDigest: summary.chatTemplateDigest,
      embeddingLength: model.embeddingVectorSize,
      ...(POOLINGS.has(summary.poolingType) ? { isForEmbedding: true } : {}),
      threads: threads.threads,
      measuredTokensPerSecond: threads.tokensPerSecond,
    }
    return { description, model, context, wear: context => adapters.wear(context), free }
  } catch (error) {
    await free()
    throw loadFailure(error, source, modules.logTail, signal)
  }
}

async function loadWeights(
  options: ModelLoadOptions,
  modules: ModelLoadModules,
  signal: AbortSignal,
): Promise<LoadedWeights> {
  const { source } = options
  const summary = await inspect(source)
  const model = await modules.llama.loadModel({
    modelPath: source.path,
    gpuLayers: { fitContext: { contextSize: contextLimit(options, summary) } },
    loadSignal: signal,
    ...(summary.poolingType === null
      ? { metadataOverrides: { [summary.architecture]: { pooling_type: POOLING_MEAN } } as never }
      : {}),
  })
  try {
    const threads = await chooseThreads(options, modules, model, summary.parameterCount)
    let digest: Promise<string> | null = null
    return {
      ...{ model, summary, threads },
      digest: () => {
        digest ??= new ModelIdentifier({ cacheFolder: null }).digest(source.path)
        return digest
      },
    }
  } catch (error) {
    await model.dispose()
    throw error
  }
}

/** Names the file and its content, as far as the file system tells. */
async function fileState(source: ModelSource): Promise<string> {
  try {
    const path = await realpath(source.path)
    const { size, mtimeNs, ino } = await stat(path, { bigint: true })
    return `${path}\0${size}\0${mtimeNs}\0${ino}`
  } catch {
    // What is wrong with it is told when it is read.
    return source.path
  }
}

async function inspect(source: ModelSource): Promise<GgufSummary> {
  try {
    return await inspectGguf(source.path)
  } catch (error) {
    if (!isShoalError(error)) throw error
    throw new EngineError('MODEL_INVALID', error.message, {
      ...(error.fix === undefined ? {} : { fix: error.fix }),
      details: { ...error.details, model: source.id },
      cause: error,
    })
  }
}

function contextLimit(options: ModelLoadOptions, summary: GgufSummary): number {
  return Math.min(summary.trainContextTokens ?? options.maxContextTokens, options.maxContextTokens)
}

/** Where the GPU has all layers the CPU's threads matter little: one count is measured, for its speed alone. */
async function chooseThreads(
  options: ModelLoadOptions,
  modules: ModelLoadModules,
  model: LlamaModel,
  parameterCount: number,
): Promise<ThreadChoice> {
  const { llama, backend, threadMemory, nowMs } = modules
  const { source } = options
  const key = {
    // What wears adapters is about as fast as its base.
    model: source.base ?? ((source.adapters ?? []).length === 0 ? source.id : source.path),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: llama.cpuMathCores,
    backend: backend.kind,
    release: backend.release,
    fixedThreads: options.threads,
  }
  const known = await threadMemory?.recall(key)
  if (known != null) return known
  const cores = Math.max(1, llama.cpuMathCores)
  const isOnCpu = model.gpuLayers < model.fileInsights.totalLayers
  const candidates =
    options.threads === null
      ? isOnCpu
        ? threadCandidates(cores, parameterCount)
        : [cores]
      : [options.threads]
  const trials: (ThreadTrial & { close(): Promise<void> })[] = []
  try {
    for (const threads of candidates) trials.push(await openTrial(model, threads))
    const measured = await measureThreads({ budgetMs: options.measureBudgetMs }, { trials, nowMs })
    // What a busy machine did not let us measure, or cannot be remembered, is measured again: slower, not wrong.
    if (measured.isComplete) await threadMemory?.remember(key, measured).catch(() => {})
    return measured
  } finally {
    for (const trial of trials) await trial.close()
  }
}

async function openTrial(
  model: LlamaModel,
  threads: number,
): Promise<ThreadTrial & { close(): Promise<void> }> {
  const context = await model.createContext({
    contextSize: MEASURE_CONTEXT_TOKENS,
    sequences: 1,
    batchSize: 32,
    threads,
  })
  const start = model.tokens.bos ?? model.tokenize('a')[0]
  const tokens = context
    .getSequence()
    .evaluate(start === undefined ? [] : [start], { temperature: 0, yieldEogToken: true })
  return {
    threads,
    async step() {
      await tokens.next()
    },
    async close() {
      await tokens.return(undefined)
      await context.dispose()
    },
  }
}

async function createContext(
  options: ModelLoadOptions,
  modules: ModelLoadModules,
  loaded: { model: LlamaModel; summary: GgufSummary; threads: number },
): Promise<{ context: LlamaContext; contextTokens: number; slots: number }> {
  const { llama, backend } = modules
  const { model, summary, threads } = loaded
  const freeRam = modules.availableBytes() * MEMORY_SHARE
  const freeVram = backend.kind === 'cpu' ? 0 : (await llama.getVramState()).free * GPU_MEMORY_SHARE
  const plans = contextPlans({
    trainContextTokens: model.trainContextSize,
    maxContextTokens: options.maxContextTokens,
    slots: options.slots ?? defaultSlots(summary.parameterCount, backend.kind !== 'cpu'),
  })
  let lastFailure: unknown
  for (const { contextTokens, slots } of plans) {
    const request = { contextSize: contextTokens, sequences: slots, batchSize: BATCH_TOKENS }
    const needed = await model.fileInsights.estimateContextResourceRequirementsV2({
      ...request,
      modelGpuLayers: model.gpuLayers,
    })
    if (needed.cpuRam > freeRam || needed.gpuVram > freeVram) continue
    try {
      const context = await model.createContext({ ...request, threads, failedCreationRemedy: false })
      return { context, contextTokens, slots }
    } catch (error) {
      lastFailure = error
    }
  }
  throw new InsufficientMemoryError(lastFailure === undefined ? 'no context fits' : messageOf(lastFailure))
}

function loadFailure(
  error: unknown,
  source: ModelSource,
  logTail: LogTail,
  signal: AbortSignal | undefined,
): EngineError {
  if (error instanceof EngineError) return error
  if (signal?.aborted === true) {
    return new EngineError('CANCELLED', `loading ${source.id} was cancelled`, { cause: error })
  }
  if (error instanceof InsufficientMemoryError) {
    return new EngineError(
      'MODEL_TOO_LARGE',
      `${source.id} does not fit into the free memory: ${error.message}`,
      {
        fix: 'Free memory, or use a smaller model or a stronger quantisation.',
        details: { model: source.id },
        cause: error,
      },
    )
  }
  const said = logTail.toString()
  return new EngineError('MODEL_INVALID', `llama.cpp could not load ${source.path}: ${messageOf(error)}`, {
    fix: 'Use a GGUF file whose architecture this llama.cpp knows, or download it again.',
    details: { model: source.id, ...(said === '' ? {} : { log: said }) },
    cause: error,
  })
}
