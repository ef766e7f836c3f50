import type { Readable } from 'node:stream'

/** What was not read yet is no more than this and one part, bytes. */
const MAX_UNREAD_BYTES = 262_144

/**
 * The parts of a stream as they come, for one reader. As the stream's own iterator, which asks the stream for each part in
 * a later tick and makes more of it: felt where a part is a token. Who reads no further leaves the stream as it is.
 */
export class BodyParts implements AsyncIterableIterator<Uint8Array> {
  readonly #stream: Readable
  #unread: Uint8Array[] = []
  #unreadBytes = 0
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | null = null
  #hasEnded = false
  #error: Error | null = null

  constructor(stream: Readable) {
    this.#stream = stream
    stream.on('data', this.#onData)
    stream.once('end', () => this.#end(null))
    stream.on('error', error => this.#end(error))
    stream.once('close', () => this.#end(stream.readableEnded ? null : new Error('the stream broke off')))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws {Error} when the stream has failed, after all that had come before */
  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#unread.shift()
    if (value !== undefined) {
      this.#unreadBytes -= value.length
      if (this.#unreadBytes <= MAX_UNREAD_BYTES && this.#stream.isPaused()) this.#stream.resume()
      return { value, done: false }
    }
    if (this.#error !== null) throw this.#error
    if (this.#hasEnded) return { value: undefined, done: true }
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#stream.off('data', this.#onData)
    this.#unread = []
    this.#hasEnded = true
    return { value: undefined, done: true }
  }

  readonly #onData = (value: Uint8Array): void => {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting !== null) {
      waiting.resolve({ value, done: false })
      return
    }
    this.#unread.push(value)
    this.#unreadBytes += value.length
    if (this.#unreadBytes > MAX_UNREAD_BYTES) this.#stream.pause()
  }

  #end(error: Error | null): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#error = error
    const waiting = this.#waiting
    this.#waiting = null
    if (error === null) waiting?.resolve({ value: undefined, done: true })
    else waiting?.reject(error)
  }
}
