import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Adapter, AdapterModule, ModelDigest } from '../adapter.ts'
import { adapterDigest } from '../adapter-file.ts'
import { BitReader } from './bit-stream.ts'
import type { CompressionSettings } from './compression-settings.ts'
import { CompressionError } from './errors.ts'
import { addBlock, maxBlockBits } from './sparse-block.ts'

/**
 * `SHLU`, version, bits of a weight, log2 of a block's length, 0, SHA-256 of the parent's file; then, as one stream of bits, the
 * blocks of each module's A and B in the order of the parent's modules.
 */
const MAGIC = Buffer.from('SHLU')
const VERSION = 1
const DIGEST_AT = 8
export const HEADER_BYTES = 40
/** Blocks that are read or written before others have their turn: a few milliseconds. */
const ELEMENTS_IN_A_TURN = 262_144

export interface ParentOptions {
  /** What the update is added to: the adapter of the last round, or the factors that training begins with. */
  parent: Adapter
  /** Its digest, where it is known: to compute it takes a pass over all of it. */
  parentDigest?: ModelDigest
}

/** @returns the header of an update */
export function encodeHeader(
  { bits, blockLength }: Pick<CompressionSettings, 'bits' | 'blockLength'>,
  { parent, parentDigest = adapterDigest(parent) }: ParentOptions,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.set([VERSION, bits, Math.log2(blockLength), 0], MAGIC.length)
  header.write(parentDigest.slice('sha256:'.length), DIGEST_AT, 'hex')
  return header
}

/**
 * Reads an update that may come from anybody, and adds it to its parent.
 * @returns an adapter of the parent's shape, name, rank and alpha, without metadata
 * @throws {CompressionError} NOT_AN_UPDATE, TRUNCATED, OVERSIZE, WRONG_PARENT, OUT_OF_RANGE, NOT_FINITE, NOT_CANONICAL
 */
export async function decompressUpdate(bytes: Uint8Array, options: ParentOptions): Promise<Adapter> {
  const { parent } = options
  const format = readHeader(bytes, options)
  if (bytes.length > maxUpdateBytes(parent, format))
    throw new CompressionError('OVERSIZE', `no update of this shape has ${bytes.length} bytes`)
  const reader = new BitReader(bytes.subarray(HEADER_BYTES))
  const modules = parent.modules.map(module => ({
    ...module,
    a: new Float32Array(module.a),
    b: new Float32Array(module.b),
  }))
  await forEachBlock(modules, format.length, ({ block }) => addBlock(reader, format, block))
  reader.finish()
  return { ...parent, modules, metadata: {} }
}

/** The most bytes an update of an adapter's shape can have. */
export function maxUpdateBytes(parent: Adapter, format: { bits: number; length: number }): number {
  let bits = 0
  for (const { a, b } of parent.modules)
    for (const { length } of [a, b])
      bits +=
        Math.ceil(length / format.length) * maxBlockBits({ ...format, length: 0 }) +
        length * (maxBlockBits({ ...format, length: 1 }) - maxBlockBits({ ...format, length: 0 }))
  return HEADER_BYTES + Math.ceil(bits / 8)
}

/** Runs over the blocks of all tensors; gives others their turn now and then. */
export async function forEachBlock(
  modules: readonly Pick<AdapterModule, 'a' | 'b'>[],
  blockLength: number,
  visit: (at: { tensor: number; start: number; block: Float32Array }) => void,
): Promise<void> {
  let since = 0
  for (const [m, { a, b }] of modules.entries())
    for (const [f, values] of [a, b].entries())
      for (let start = 0; start < values.length; start += blockLength) {
        const block = values.subarray(start, start + blockLength)
        visit({ tensor: 2 * m + f, start, block })
        since += block.length
        if (since < ELEMENTS_IN_A_TURN) continue
        since = 0
        await othersTurn()
      }
}

function readHeader(bytes: Uint8Array, options: ParentOptions): { bits: number; length: number } {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEADER_BYTES))
  if (!header.subarray(0, MAGIC.length).equals(MAGIC))
    throw new CompressionError('NOT_AN_UPDATE', 'this is not a compressed update')
  if (header.length < HEADER_BYTES)
    throw new CompressionError('TRUNCATED', 'the update ends within its header')
  const [version, bits, logLength, zero] = header.subarray(MAGIC.length, DIGEST_AT) as unknown as [
    number,
    number,
    number,
    number,
  ]
  if (version !== VERSION)
    throw new CompressionError('NOT_AN_UPDATE', `updates of version ${version} are not understood`, {
      fix: 'Update this node.',
    })
  if (bits < 1 || bits > 8 || logLength < 6 || logLength > 16 || zero !== 0)
    throw new CompressionError('NOT_AN_UPDATE', 'the header of the update makes no sense')
  const digest = `sha256:${header.toString('hex', DIGEST_AT, HEADER_BYTES)}`
  if (digest !== (options.parentDigest ?? adapterDigest(options.parent)))
    throw new CompressionError('WRONG_PARENT', `the update is made from ${digest}`, {
      fix: 'Add it to that adapter.',
      details: { parent: digest },
    })
  return { bits, length: 2 ** logLength }
}
