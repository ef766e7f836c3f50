import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

export interface SessionEventsOptions {
  maxEvents: number
  maxBytes: number
}

interface StoredEvent {
  id: string
  streamId: string
  message: JSONRPCMessage
  bytes: number
}

/**
 * The last messages of a session, so that a client whose connection broke goes on where it was. What no longer fits is
 * forgotten, the oldest first: who was away for longer hears that it cannot go on from there.
 */
export class SessionEvents implements EventStore {
  readonly #options: SessionEventsOptions
  readonly #events: StoredEvent[] = []
  #bytes = 0
  #next = 0

  constructor(options: SessionEventsOptions) {
    this.#options = options
  }

  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String(this.#next++)
    const bytes = Buffer.byteLength(JSON.stringify(message))
    this.#events.push({ id, streamId, message, bytes })
    this.#bytes += bytes
    while (this.#events.length > this.#options.maxEvents || this.#bytes > this.#options.maxBytes)
      this.#bytes -= this.#events.shift()!.bytes
    return id
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#events.find(({ id }) => id === eventId)?.streamId
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const at = this.#events.findIndex(({ id }) => id === lastEventId)
    if (at < 0) throw new RangeError('the event is not kept any more')
    const { streamId } = this.#events[at]!
    for (const event of this.#events.slice(at + 1))
      if (event.streamId === streamId) await send(event.id, event.message)
    return streamId
  }
}
