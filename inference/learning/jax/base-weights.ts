import { closeSync, openSync, readSync } from 'node:fs'
import { dequantize } from '../../models/dequantize.ts'
import { readGgufHead } from '../../models/gguf-head.ts'
import { type Base, baseOf, type WeightEntry } from './base-shape.ts'

/** Packed bytes read at a time, so that they take little room beside the elements they become. */
const PIECE_BYTES = 8 * 1024 * 1024

/**
 * The weights of a base, read from its file when they are needed: what is not in use is the system's file cache at
 * most, and no memory of ours. Reading blocks this thread, which has nothing else to do meanwhile.
 */
export class BaseWeights {
  readonly base: Base
  readonly #file: number
  #packed = new Uint8Array(0)

  private constructor(options: { base: Base }, modules: { file: number }) {
    this.base = options.base
    this.#file = modules.file
  }

  /**
   * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
   * @throws {LearningError} BASE_UNSUPPORTED
   */
  static async open(path: string): Promise<BaseWeights> {
    const base = baseOf(await readGgufHead(path))
    return new BaseWeights({ base }, { file: openSync(path, 'r') })
  }

  /** All elements of a tensor, or the given rows of it (`count` from `first` on). */
  read(name: string, rows?: { first: number; count: number }): Float32Array {
    const entry = this.#entry(name)
    const rowElements = entry.shape[0]!
    const allRows = entry.elements / rowElements
    const { first, count } = rows ?? { first: 0, count: allRows }
    if (first < 0 || count < 0 || first + count > allRows) {
      throw new RangeError(`${name} has ${allRows} rows, asked for ${count} from ${first}`)
    }
    const rowBytes = entry.bytes / allRows
    const out = new Float32Array(count * rowElements)
    const rowsAtOnce = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
    for (let done = 0; done < count; done += rowsAtOnce) {
      const now = Math.min(rowsAtOnce, count - done)
      const packed = this.#bytes(entry.offset + (first + done) * rowBytes, now * rowBytes)
      dequantize(entry.type, packed, out.subarray(done * rowElements, (done + now) * rowElements))
    }
    return out
  }

  /** The rows with the given numbers, one after the other, as they are asked for. */
  gather(name: string, ids: Int32Array): Float32Array {
    const entry = this.#entry(name)
    const rowElements = entry.shape[0]!
    const out = new Float32Array(ids.length * rowElements)
    const seen = new Map<number, number>()
    for (const [at, id] of ids.entries()) {
      const to = at * rowElements
      const before = seen.get(id)
      if (before !== undefined) out.copyWithin(to, before, before + rowElements)
      else {
        out.set(this.read(name, { first: id, count: 1 }), to)
        seen.set(id, to)
      }
    }
    return out
  }

  /** To be called once. */
  close(): void {
    closeSync(this.#file)
  }

  #entry(name: string): WeightEntry {
    const entry = this.base.tensors.get(name)
    if (entry === undefined) throw new RangeError(`the base has no tensor ${name}`)
    return entry
  }

  #bytes(offset: number, count: number): Uint8Array {
    if (this.#packed.length < count) this.#packed = new Uint8Array(count)
    let done = 0
    while (done < count) {
      const bytesRead = readSync(this.#file, this.#packed, done, count - done, offset + done)
      if (bytesRead === 0) throw new RangeError('the base model became shorter while it was read')
      done += bytesRead
    }
    return this.#packed.subarray(0, count)
  }
}
