import { createHash, hash as digestOf } from 'node:crypto'
import {
  BLOB_CHUNK_BYTES,
  type BlobRef,
  chunkCount,
  chunkLength,
  chunksRoot,
} from '../../../protocol/messages/learning/blob-ref.ts'

const HASH_BYTES = 32

/** Makes a blob's name and the list of its chunks' hashes, a chunk at a time. */
export class ChunkHasher {
  readonly list: Uint8Array
  readonly #bytes: number
  readonly #whole = createHash('sha256')
  #index = 0

  constructor(options: { bytes: number }) {
    this.#bytes = options.bytes
    this.list = new Uint8Array(chunkCount(options.bytes) * HASH_BYTES)
  }

  /** @param chunk the next one, whole */
  add(chunk: Uint8Array): void {
    if (chunk.length !== chunkLength(this.#bytes, this.#index))
      throw new RangeError('not a chunk of this blob')
    this.#whole.update(chunk)
    this.list.set(digestOf('sha256', chunk, 'buffer'), this.#index * HASH_BYTES)
    this.#index += 1
  }

  finish(): BlobRef {
    if (this.#index !== chunkCount(this.#bytes)) throw new RangeError('not the whole blob')
    return {
      digest: `sha256:${this.#whole.digest('hex')}`,
      bytes: this.#bytes,
      root: chunksRoot(this.#bytes, this.list),
    }
  }
}

/** Pieces of a buffer as chunks. */
export function* chunksOf(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += BLOB_CHUNK_BYTES)
    yield content.subarray(at, at + BLOB_CHUNK_BYTES)
}
