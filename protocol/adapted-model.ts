import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type ModelId, parseModelId } from './ids.ts'
import { MAX_MODEL_NAME_CHARS } from './limits.ts'

/** Of what a model is made that wears one adapter at full strength: the kind that is traded. */
export interface AdaptedModel {
  /** The base's file. */
  base: ModelId
  /** The adapter's file. */
  adapter: ModelId
}

/** An adapter as a model wears it. */
export interface WornAdapter {
  id: ModelId
  /** What it adds is multiplied by this; default 1. */
  scale?: number
}

/**
 * Names a base and the adapters that it wears as one model. Its digest is
 * sha256("shoal/1/adapted-model" ‖ 0x00 ‖ digest of the base ‖ digests of the adapters in their order) of raw digests; where a
 * scale is not 1, sha256("shoal/1/scaled-model" ‖ 0x00 ‖ digest of the base ‖ (digest ‖ scale) of each), scales as 64-bit
 * IEEE 754, big-endian. Its name is the adapters', joined by `-`.
 * @throws {RangeError} when an id is none, no adapter is there, or a scale is not finite
 */
export function adaptedModelId(base: ModelId, adapters: readonly (WornAdapter | ModelId)[]): ModelId {
  const worn = adapters.map(adapter =>
    typeof adapter === 'string' ? { id: adapter, scale: 1 } : { id: adapter.id, scale: adapter.scale ?? 1 },
  )
  if (worn.length === 0) throw new RangeError('an adapted model wears at least one adapter')
  if (worn.some(({ scale }) => !Number.isFinite(scale))) throw new RangeError('a scale has to be finite')
  const isScaled = worn.some(({ scale }) => scale !== 1)
  const hash = sha256(
    concatBytes(
      utf8ToBytes(isScaled ? 'shoal/1/scaled-model' : 'shoal/1/adapted-model'),
      Uint8Array.of(0),
      parts(base).digest,
      ...worn.flatMap(({ id, scale }) =>
        isScaled ? [parts(id).digest, float64(scale)] : [parts(id).digest],
      ),
    ),
  )
  const name = worn
    .map(({ id }) => parts(id).name)
    .join('-')
    .slice(0, MAX_MODEL_NAME_CHARS)
  return `${name}@sha256:${bytesToHex(hash)}`
}

/** Whether `model` names just this base with just this adapter, whatever it is called. */
export function isAdaptedModel(model: ModelId, made: AdaptedModel): boolean {
  const digest = parseModelId(model)?.sha256
  if (digest === undefined || parseModelId(made.base) === null || parseModelId(made.adapter) === null)
    return false
  return digest === parseModelId(adaptedModelId(made.base, [made.adapter]))!.sha256
}

function parts(id: ModelId): { name: string; digest: Uint8Array } {
  const parsed = parseModelId(id)
  if (parsed === null) throw new RangeError('not the id of a model')
  return { name: parsed.name, digest: hexToBytes(parsed.sha256) }
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}
