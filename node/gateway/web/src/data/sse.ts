/** Server-sent events over `fetch`: unlike `EventSource` with a body, headers, an end and an error that says why. */
export interface ServerEvent {
  id: string | null
  /** `message` unless the stream names it. */
  type: string
  data: string
}

/** Nothing sensible is longer; what is would be kept in memory whole. */
const MAX_EVENT_CHARACTERS = 1_000_000

/**
 * Reads events as they come, until the stream ends.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 * @throws {Error} when an event is longer than a million characters
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser()
  const reader = body.getReader()
  const decoder = new TextDecoder()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parser.push(decoder.decode(value, { stream: true }))
    }
  } finally {
    // Ending the loop early ends the request.
    await reader.cancel().catch(() => {})
  }
}

/** Takes a stream of text in pieces of any size and gives the events that are whole. */
export class EventParser {
  #rest = ''
  #data: string[] = []
  #type = ''
  #id: string | null = null
  #characters = 0
  #endedOnReturn = false

  /** @returns the events that `text` completes */
  push(text: string): ServerEvent[] {
    // A line may end in \r\n whose halves come apart.
    const from = this.#endedOnReturn && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') this.#endedOnReturn = text.endsWith('\r')
    const lines = (this.#rest + from).split(/\r\n|\n|\r/)
    this.#rest = lines.pop()!
    if (this.#characters + this.#rest.length > MAX_EVENT_CHARACTERS) throw new Error('an event is too long')
    return lines.flatMap(line => this.#take(line))
  }

  #take(line: string): ServerEvent[] {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return []
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#type = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'data') {
      this.#characters += value.length
      this.#data.push(value)
    }
    return []
  }

  #dispatch(): ServerEvent[] {
    const [data, type] = [this.#data, this.#type]
    this.#data = []
    this.#type = ''
    this.#characters = 0
    if (data.length === 0) return []
    return [{ id: this.#id, type: type === '' ? 'message' : type, data: data.join('\n') }]
  }
}
