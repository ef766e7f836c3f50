/** Why a stream of events cannot be read on; a closed set. */
export type EventStreamFault = 'line_too_long' | 'event_too_long' | 'not_utf8'

export class EventStreamError extends Error {
  override readonly name = 'EventStreamError'
  readonly fault: EventStreamFault

  constructor(fault: EventStreamFault) {
    super(`the stream of events is broken: ${fault.replaceAll('_', ' ')}`)
    this.fault = fault
  }
}

export interface EventStreamOptions {
  /** Characters of one line; default 1,048,576. */
  maxLineChars?: number
  /** Characters of one event's data over all its lines; default the same. */
  maxEventChars?: number
}

const MAX_CHARS = 1_048_576
const BYTE_ORDER_MARK = '\ufeff'

/**
 * Reads server-sent events (WHATWG HTML, 9.2.6 "Interpreting an event stream") from bytes as they come, cut
 * anywhere: UTF-8 with or without a byte order mark, lines ended by LF, CR or CRLF, `data` lines joined by LF,
 * comments and other fields skipped. An event that was not ended by an empty line is none. Stricter than the
 * standard in that bytes that are not UTF-8 are refused, and in its bounds.
 */
export class EventStream {
  readonly #maxLineChars: number
  readonly #maxEventChars: number
  /** Leaves the byte order mark: Node.js's own takes off a second one where the first is cut. */
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #isAtStart = true
  #line = ''
  #data: string[] = []
  #dataChars = 0
  /** The last character was a CR: an LF that follows belongs to it. */
  #afterReturn = false

  constructor(options: EventStreamOptions = {}) {
    this.#maxLineChars = options.maxLineChars ?? MAX_CHARS
    this.#maxEventChars = options.maxEventChars ?? MAX_CHARS
  }

  /**
   * @returns the data of the events that these bytes complete
   * @throws {EventStreamError} after which it reads nothing more
   */
  push(bytes: Uint8Array): string[] {
    let text: string
    try {
      text = this.#decoder.decode(bytes, { stream: true })
    } catch {
      throw new EventStreamError('not_utf8')
    }
    const events: string[] = []
    if (this.#isAtStart && text.length > 0) {
      this.#isAtStart = false
      if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1)
    }
    let start = 0
    if (this.#afterReturn && text.startsWith('\n')) start = 1
    if (text.length > 0) this.#afterReturn = false
    const ends = /\r\n|\r|\n/g
    ends.lastIndex = start
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#append(text.slice(start, end.index))
      this.#endLine(events)
      start = ends.lastIndex
      this.#afterReturn = end[0] === '\r' && start === text.length
    }
    this.#append(text.slice(start))
    return events
  }

  #append(part: string): void {
    if (this.#line.length + part.length > this.#maxLineChars) throw new EventStreamError('line_too_long')
    this.#line += part
  }

  #endLine(events: string[]): void {
    const line = this.#line
    this.#line = ''
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'))
      this.#data = []
      this.#dataChars = 0
      return
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    if (field !== 'data') return
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    this.#dataChars += value.length + 1
    if (this.#dataChars > this.#maxEventChars) throw new EventStreamError('event_too_long')
    this.#data.push(value)
  }
}
