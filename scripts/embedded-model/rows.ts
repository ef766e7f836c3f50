import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { type EncodedChat, TOKEN_CLASS } from './chat.ts'

/** Rows that still have room, kept at hand so that chats fill them well. */
const OPEN_ROWS = 64

interface Row {
  tokens: Uint16Array
  classes: Uint8Array
  used: number
}

/**
 * Packs chats into rows of one length and writes them as `NAME.tokens.u16` and `NAME.classes.u8`
 * (little-endian, row after row). Chats in one row are parted by the padding token.
 */
export class RowWriter {
  readonly length: number
  rows = 0
  readonly #padding: number
  readonly #tokens: WriteStream
  readonly #classes: WriteStream
  readonly #hash: Hash = createHash('sha256')
  #open: Row[] = []

  constructor(options: { path: string; length: number; padding: number }) {
    this.length = options.length
    this.#padding = options.padding
    this.#tokens = createWriteStream(`${options.path}.tokens.u16`)
    this.#classes = createWriteStream(`${options.path}.classes.u8`)
  }

  /** Adds a chat that fits a row, in the fullest open row that has room. */
  async add(chat: EncodedChat): Promise<void> {
    const size = chat.tokens.length + 1
    if (chat.tokens.length > this.length)
      throw new RangeError(`a chat of ${chat.tokens.length} tokens in rows of ${this.length}`)
    let best: Row | undefined
    for (const row of this.#open) {
      if (this.length - row.used >= size && (best === undefined || row.used > best.used)) best = row
    }
    if (best === undefined) {
      if (this.#open.length >= OPEN_ROWS) await this.#writeFullest()
      best = this.#newRow()
    }
    this.#put(best, chat)
  }

  /** Writes a chat as a row of its own. */
  async addAlone(chat: EncodedChat): Promise<void> {
    const row = this.#newRow()
    this.#put(row, chat)
    await this.#writeFullest()
  }

  /** Writes what is left and closes the files; returns the SHA-256 of all that was written. */
  async close(): Promise<string> {
    while (this.#open.length > 0) await this.#writeFullest()
    this.#tokens.end()
    this.#classes.end()
    await Promise.all([once(this.#tokens, 'close'), once(this.#classes, 'close')])
    return this.#hash.digest('hex')
  }

  #newRow(): Row {
    const row = {
      tokens: new Uint16Array(this.length).fill(this.#padding),
      classes: new Uint8Array(this.length),
      used: 0,
    }
    this.#open.push(row)
    return row
  }

  #put(row: Row, chat: EncodedChat): void {
    row.tokens.set(chat.tokens, row.used)
    row.classes.set(chat.classes, row.used)
    row.used += chat.tokens.length
    if (row.used < this.length) row.classes[row.used++] = TOKEN_CLASS.padding
  }

  async #writeFullest(): Promise<void> {
    const row = this.#open.reduce((fullest, other) => (other.used > fullest.used ? other : fullest))
    this.#open = this.#open.filter(other => other !== row)
    const bytes = Buffer.from(row.tokens.buffer)
    this.#hash.update(bytes).update(row.classes)
    this.rows++
    const waits = [
      ...(this.#tokens.write(bytes) ? [] : [once(this.#tokens, 'drain')]),
      ...(this.#classes.write(row.classes) ? [] : [once(this.#classes, 'drain')]),
    ]
    await Promise.all(waits)
  }
}
