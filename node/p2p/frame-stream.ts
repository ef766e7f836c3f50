import type { Stream } from '@libp2p/interface'
import { LengthPrefixedDecoder } from '@libp2p/utils'
import { encode as encodeVarint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { decodeMessage, type MessageDefinition, ProtocolError } from '../../protocol/codec.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import { P2PError, type Violation } from './errors.ts'

/** Frames that may wait to be received before the other side is told to stop sending. */
const MAX_WAITING_FRAMES = 16

/**
 * A stream as frames, each prefixed by its length as a varint: checked for length before it is collected
 * and validated before it is seen. A reader that falls behind pauses the sender.
 */
export class FrameStream<Out, In> {
  readonly remote: NodeKey
  readonly #stream: Stream
  readonly #decoder: LengthPrefixedDecoder
  readonly #encode: (frame: Out) => Uint8Array
  readonly #incoming: MessageDefinition<In>
  readonly #onViolation: (violation: Violation) => void
  readonly #waiting: Uint8Array[] = []
  #end: 'open' | 'closed' | P2PError = 'open'
  #wake: (() => void) | null = null

  constructor(
    options: { remote: NodeKey; encode: (frame: Out) => Uint8Array; incoming: MessageDefinition<In> },
    modules: { stream: Stream; onViolation: (violation: Violation) => void },
  ) {
    this.remote = options.remote
    this.#encode = options.encode
    this.#incoming = options.incoming
    this.#stream = modules.stream
    this.#onViolation = modules.onViolation
    this.#decoder = new LengthPrefixedDecoder({
      maxDataLength: options.incoming.maxBytes,
      maxBufferSize: options.incoming.maxBytes + this.#stream.maxReadBufferLength,
    })
    this.#stream.addEventListener('message', event => this.#collect(event.data))
    this.#stream.addEventListener('remoteCloseWrite', () => this.#finish('closed'))
    this.#stream.addEventListener('close', event => {
      this.#finish(event.error === undefined ? 'closed' : reset(event.error))
    })
    // An end that came before there were listeners is told by no event; what was sent before it comes first.
    if (this.#stream.remoteWriteStatus === 'closed') {
      const { status } = this.#stream
      queueMicrotask(() => this.#finish(status === 'reset' || status === 'aborted' ? reset() : 'closed'))
    }
  }

  /**
   * Writes one frame; resolves when the transport has room for more, so that a slow reader slows the writer.
   * @throws {ProtocolError} when `frame` is not a valid message: our own defect
   * @throws {P2PError} STREAM_RESET, TIMED_OUT
   */
  async send(frame: Out, signal?: AbortSignal): Promise<void> {
    await this.sendBytes(this.#encode(frame), signal)
  }

  /**
   * Writes a frame of bytes as they are, which the other side expects as such: for content that has a check of its own.
   * @throws {P2PError} STREAM_RESET, TIMED_OUT
   */
  async sendBytes(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    try {
      if (!this.#stream.send(new Uint8ArrayList(encodeVarint(bytes.length), bytes))) {
        await this.#stream.onDrain({ signal })
      }
    } catch (cause) {
      throw signal?.aborted === true
        ? new P2PError('TIMED_OUT', 'the peer did not take the data in time', { cause })
        : reset(cause)
    }
  }

  /**
   * The next frame; null when the other side has closed in good order. One caller at a time.
   * @throws {P2PError} STREAM_RESET, TIMED_OUT (the signal's), BAD_FRAME (already reported as a violation)
   */
  async receive(signal?: AbortSignal): Promise<In | null> {
    const bytes = await this.receiveBytes(signal)
    if (bytes === null) return null
    try {
      return decodeMessage(this.#incoming, bytes)
    } catch (cause) {
      if (cause instanceof ProtocolError)
        throw this.#violate('bad_frame', 'the peer sent an invalid frame', cause)
      throw cause
    }
  }

  /**
   * The next frame, whatever is in it; no longer than frames may be.
   * @throws {P2PError} STREAM_RESET, TIMED_OUT (the signal's)
   */
  async receiveBytes(signal?: AbortSignal): Promise<Uint8Array | null> {
    while (this.#waiting.length === 0) {
      if (this.#end === 'closed') return null
      if (this.#end !== 'open') throw this.#end
      await this.#news(signal)
    }
    const bytes = this.#waiting.shift()!
    if (this.#waiting.length === 0 && this.#stream.readStatus === 'paused') this.#stream.resume()
    return bytes
  }

  /** Says that no more will be sent, and lets what was sent arrive. */
  async close(signal: AbortSignal = AbortSignal.timeout(2_000)): Promise<void> {
    try {
      await this.#stream.close({ signal })
    } catch {
      this.abort('close failed')
    }
  }

  /** Ends both directions at once. */
  abort(reason: string): void {
    this.#stream.abort(new Error(reason))
  }

  #collect(data: Uint8Array | Uint8ArrayList): void {
    try {
      for (const frame of this.#decoder.decode(data)) this.#waiting.push(frame.subarray())
    } catch (cause) {
      this.#end = this.#violate(
        'oversize_frame',
        'the peer sent a frame longer than the protocol allows',
        cause,
      )
    }
    if (this.#waiting.length >= MAX_WAITING_FRAMES && this.#stream.readStatus === 'readable')
      this.#stream.pause()
    this.#wake?.()
  }

  #finish(end: 'closed' | P2PError): void {
    if (this.#end === 'open') this.#end = end
    this.#wake?.()
  }

  #news(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timedOut = () => {
        this.#wake = null
        reject(new P2PError('TIMED_OUT', 'the peer did not answer in time', { cause: signal?.reason }))
      }
      if (signal?.aborted === true) return timedOut()
      signal?.addEventListener('abort', timedOut, { once: true })
      this.#wake = () => {
        this.#wake = null
        signal?.removeEventListener('abort', timedOut)
        resolve()
      }
    })
  }

  #violate(violation: Violation, message: string, cause: unknown): P2PError {
    this.#onViolation(violation)
    this.abort(message)
    return new P2PError('BAD_FRAME', message, { cause })
  }
}

const reset = (cause?: unknown) => new P2PError('STREAM_RESET', 'the connection to the peer broke', { cause })
