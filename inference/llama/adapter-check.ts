import { readFile, stat } from 'node:fs/promises'
import type { LlamaModel } from 'node-llama-cpp'
import { isShoalError } from '../../protocol/errors.ts'
import { parseModelId } from '../../protocol/ids.ts'
import { type AdapterSource, EngineError, type ModelSource } from '../engine.ts'

import { DEFAULT_ADAPTER_LIMITS, type ModelDigest } from '../learning/adapter.ts'
import { adapterDigest, checkAdapter, importAdapter } from '../learning/adapter-file.ts'
import { AdapterError } from '../learning/errors.ts'
import type { LoadedWeights } from './shared-weights.ts'

/** More at once add up to nothing useful, and each costs time at every token. */
const MAX_WORN_ADAPTERS = 8

/**
 * Reads the adapters of a model before llama.cpp does, which is told only of files that are whole, finite and fit the base.
 * @returns them as they are
 * @throws {EngineError} MODEL_INVALID, `details.reason` with the code of what is wrong
 */
export async function checkedAdapters(
  source: ModelSource,
  weights: Pick<LoadedWeights, 'model' | 'digest'>,
): Promise<readonly AdapterSource[]> {
  const { adapters = [] } = source
  if (adapters.length === 0) return adapters
  if (adapters.length > MAX_WORN_ADAPTERS)
    throw refusal(source, null, 'TOO_MANY', `${adapters.length} adapters are more than ${MAX_WORN_ADAPTERS}`)
  const known = source.base === undefined ? undefined : parseModelId(source.base)?.sha256
  const base = {
    architecture: weights.model.fileInfo.metadata.general.architecture,
    digest: `sha256:${known ?? (await weights.digest())}`,
    layers: layersOf(weights.model),
  }
  for (const adapter of adapters) await check(source, adapter, base)
  return adapters
}

interface Base {
  architecture: string
  digest: ModelDigest
  /** Inputs and outputs by name. */
  layers: ReadonlyMap<string, readonly number[]>
}

async function check(source: ModelSource, worn: AdapterSource, base: Base): Promise<void> {
  if (!Number.isFinite(worn.scale)) throw refusal(source, worn, 'BAD_SCALE', 'its scale is no number')
  try {
    const bytes = await read(worn.path)
    const claimed = worn.id === undefined ? null : parseModelId(worn.id)
    if (claimed !== null && adapterDigest(bytes) !== `sha256:${claimed.sha256}`)
      throw refusal(source, worn, 'WRONG_DIGEST', 'its file holds another one')
    // One of another program may not say for what it was made; llama.cpp takes it all the same.
    const adapter = importAdapter(bytes, { base: base.digest, name: 'adapter' })
    checkAdapter(adapter, { architecture: base.architecture, base: base.digest })
    for (const { name, inputs, outputs } of adapter.modules) {
      const shape = base.layers.get(name)
      if (shape === undefined) throw refusal(source, worn, 'WRONG_MODULES', `the base has no layer ${name}`)
      if (shape.length !== 2 || shape[0] !== inputs || shape[1] !== outputs)
        throw refusal(
          source,
          worn,
          'WRONG_SHAPE',
          `layer ${name} is [${shape}] in the base and [${inputs},${outputs}] in the adapter`,
        )
    }
  } catch (error) {
    if (error instanceof EngineError || !isShoalError(error)) throw error
    throw refusal(source, worn, error.code, error.message, error)
  }
}

/** @throws {AdapterError} NOT_FOUND, OVERSIZE */
async function read(path: string): Promise<Uint8Array> {
  const { maxBytes } = DEFAULT_ADAPTER_LIMITS
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new AdapterError('OVERSIZE', `${path} is larger than ${maxBytes} bytes`)
    return await readFile(path)
  } catch (error) {
    if (error instanceof AdapterError) throw error
    throw new AdapterError('NOT_FOUND', `${path} cannot be read`, { cause: error })
  }
}

/** Shapes of the base's tensors that end in `.weight`, by their names without it: inputs, then outputs. */
function layersOf(model: LlamaModel): Map<string, readonly number[]> {
  const layers = new Map<string, readonly number[]>()
  for (const { name, dimensions } of model.fileInfo.fullTensorInfo ?? [])
    if (name.endsWith('.weight')) layers.set(name.slice(0, -'.weight'.length), dimensions.map(Number))
  return layers
}

function refusal(
  source: ModelSource,
  adapter: AdapterSource | null,
  reason: string,
  what: string,
  cause?: unknown,
): EngineError {
  return new EngineError('MODEL_INVALID', `the adapter cannot be worn: ${what}`, {
    fix: 'Use an adapter that was made for this very base model.',
    details: { model: source.id, reason, ...(adapter === null ? {} : { path: adapter.path }) },
    ...(cause === undefined ? {} : { cause }),
  })
}
