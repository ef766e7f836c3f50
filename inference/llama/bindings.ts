import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { type BackendDescription, EngineError } from '../engine.ts'
import type { EngineLog, EngineLogLevel } from './engine-log.ts'
import { haveGraphicsCard } from './graphics-cards.ts'

export interface OpenLlamaOptions {
  /** `auto` takes the best GPU found, else the CPU; what only looks like a GPU is none. */
  gpu: 'auto' | false
}

export interface OpenedLlama {
  llama: Llama
  backend: BackendDescription
}

const LEVELS: Readonly<Record<LlamaLogLevel, EngineLogLevel>> = {
  [LlamaLogLevel.disabled]: 'debug',
  [LlamaLogLevel.fatal]: 'error',
  [LlamaLogLevel.error]: 'error',
  [LlamaLogLevel.warn]: 'warn',
  [LlamaLogLevel.info]: 'debug',
  [LlamaLogLevel.log]: 'debug',
  [LlamaLogLevel.debug]: 'debug',
}

/** Warnings that say nothing to anyone: said of each tensor of an adapter where the base's have a packed form of their own. */
const CHATTER: readonly RegExp[] = [/lora for .+ cannot use buft .+ fallback to CPU/]

/**
 * Opens llama.cpp with the binaries that were installed; never compiles or downloads any.
 * @throws {EngineError} ENGINE_UNAVAILABLE
 */
export async function openLlama(
  options: OpenLlamaOptions,
  modules: { log: EngineLog },
): Promise<OpenedLlama> {
  let llama = await openBindings(options.gpu, modules.log)
  let devices = llama.gpu === false ? [] : await llama.getGpuDeviceNames()
  if (llama.gpu !== false && !haveGraphicsCard(devices)) {
    modules.log('debug', `${llama.gpu} was found, and no graphics card: ${devices.join(', ')}`)
    await llama.dispose()
    llama = await openBindings(false, modules.log)
    devices = []
  }
  return {
    llama,
    backend: {
      kind: llama.gpu === false ? 'cpu' : llama.gpu,
      devices,
      release: llama.llamaCppRelease.release,
    },
  }
}

async function openBindings(gpu: OpenLlamaOptions['gpu'], log: EngineLog): Promise<Llama> {
  try {
    return await getLlama({
      gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      // 0 leaves the number of threads to each context, where it is chosen by measurement.
      maxThreads: 0,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) =>
        log(CHATTER.some(pattern => pattern.test(message)) ? 'debug' : LEVELS[level], message),
    })
  } catch (error) {
    throw new EngineError('ENGINE_UNAVAILABLE', `llama.cpp did not start: ${messageOf(error)}`, {
      fix: 'Reinstall the dependencies on this machine (npm install), so that binaries for its system and CPU are there.',
      details: { platform: process.platform, arch: process.arch },
      cause: error,
    })
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
