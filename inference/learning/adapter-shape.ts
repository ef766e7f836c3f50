import { readGgufHead, textOf } from '../models/gguf-head.ts'
import { ModelIdentifier } from '../models/identity.ts'
import type { AdapterShape, ModuleShape } from './adapter.ts'
import { BLOCK_MODULES } from './block-modules.ts'
import type { ModuleKind } from './training-settings.ts'

const LAYER_PATTERN = new RegExp(`^(?:blk\\.\\d+\\.(?:${BLOCK_MODULES.join('|')})|output)$`)

/**
 * Reads from a base's file which layers an adapter can change.
 * @param modules.identifier remembers digests: the file is read through only the first time
 * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
 */
export async function adapterShapeOf(
  basePath: string,
  modules: { identifier: ModelIdentifier } = { identifier: new ModelIdentifier({ cacheFolder: null }) },
): Promise<AdapterShape> {
  const { metadata, tensors } = await readGgufHead(basePath)
  const architecture = textOf(metadata, 'general.architecture') ?? ''
  const digest = `sha256:${await modules.identifier.digest(basePath)}`
  return { architecture, digest, modules: layersIn(tensors) }
}

/** The linear layers among a base's tensors that can carry an adapter. */
export function layersIn(tensors: readonly { name: string; shape: readonly number[] }[]): ModuleShape[] {
  return tensors
    .map(({ name, shape }) => ({
      name: name.replace(/\.weight$/, ''),
      inputs: shape[0] ?? 1,
      outputs: shape[1] ?? 1,
      isMatrix: name.endsWith('.weight') && shape.length === 2,
    }))
    .filter(({ name, isMatrix }) => isMatrix && LAYER_PATTERN.test(name))
    .map(({ name, inputs, outputs }) => ({ name, inputs, outputs }))
    .sort((x, y) => (x.name < y.name ? -1 : 1))
}

/** Those of a base's layers that settings name. */
export function layersOf(shape: AdapterShape, kinds: readonly ModuleKind[]): ModuleShape[] {
  return shape.modules.filter(({ name }) => kinds.some(kind => name === kind || name.endsWith(`.${kind}`)))
}
