import { type FileHandle, open } from 'node:fs/promises'
import type { SealedBox } from '../../trust/audits/sealed-box.ts'
import { DataError } from './errors.ts'

const LENGTH_BYTES = 4
/** Of a piece, before it is sealed. */
const PIECE_BYTES = 256 * 1024
const MAX_SEALED_BYTES = 1024 * 1024

/**
 * Writes a file of any length in sealed pieces: `length(4, big-endian) ‖ sealed`, each under the name of the file and
 * its own number, the last one under a name that says so. Pieces cannot be changed, moved, left out or cut off unnoticed.
 */
export class SealedWriter {
  readonly #file: FileHandle
  readonly #box: SealedBox
  readonly #name: string
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #pieces = 0
  /** Sealed so far. */
  bytes = 0

  private constructor(file: FileHandle, box: SealedBox, name: string) {
    this.#file = file
    this.#box = box
    this.#name = name
  }

  static async create(path: string, box: SealedBox, name: string): Promise<SealedWriter> {
    return new SealedWriter(await open(path, 'wx', 0o600), box, name)
  }

  /** @param content at most 256 KiB; never divided between pieces */
  async write(content: Uint8Array): Promise<void> {
    if (this.#waitingBytes + content.length > PIECE_BYTES) await this.#flush(false)
    this.#waiting.push(content)
    this.#waitingBytes += content.length
  }

  /** On disk when this returns. */
  async end(): Promise<void> {
    await this.#flush(true)
    await this.#file.sync()
    await this.#file.close()
  }

  /** Gives it up. Idempotent. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {})
  }

  async #flush(isLast: boolean): Promise<void> {
    const sealed = this.#box.seal(pieceName(this.#name, this.#pieces++, isLast), Buffer.concat(this.#waiting))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(sealed.length)
    await this.#file.writev([length, sealed])
    this.bytes += LENGTH_BYTES + sealed.length
    this.#waiting = []
    this.#waitingBytes = 0
  }
}

/** The pieces of a sealed file, opened. @throws {DataError} DATA_CORRUPT */
export async function* sealedPieces(path: string, box: SealedBox, name: string): AsyncGenerator<Uint8Array> {
  const corrupt = (cause?: unknown) =>
    new DataError('DATA_CORRUPT', `${name} cannot be opened`, {
      fix: 'The disk or another program has damaged it, or the node key was exchanged; remove it and add it again.',
      details: { name },
      cause,
    })
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw corrupt(cause)
  })
  try {
    const { size } = await file.stat()
    for (let at = 0, number = 0; ; number++) {
      const length = Buffer.alloc(LENGTH_BYTES)
      const { bytesRead } = await file.read(length, 0, LENGTH_BYTES, at)
      const bytes = length.readUInt32BE()
      at += LENGTH_BYTES
      if (bytesRead < LENGTH_BYTES || bytes > MAX_SEALED_BYTES || at + bytes > size) throw corrupt()
      const { buffer: sealed } = await file.read(Buffer.alloc(bytes), 0, bytes, at)
      at += bytes
      let piece: Uint8Array
      try {
        piece = box.open(pieceName(name, number, at === size), sealed)
      } catch (cause) {
        throw corrupt(cause)
      }
      yield piece
      if (at === size) return
    }
  } finally {
    await file.close()
  }
}

function pieceName(name: string, number: number, isLast: boolean): string {
  return `${name}/${number}${isLast ? '/end' : ''}`
}
