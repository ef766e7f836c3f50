import { useEffect, useRef } from 'react'
import { backoffMs, pause } from './backoff.ts'
import { send } from './http.ts'
import { readEvents } from './sse.ts'
import { Store } from './store.ts'
import type { EventView } from './views.ts'

/** One of the node's events, as `/api/events` tells it. */
export type LiveEvent = EventView

/** The node's events as they happen come over one connection, however many parts of the page listen. */
export const liveState = new Store<'off' | 'on' | 'lost'>('off')

/** The connection outlasts its last listener by so long: going from page to page does not open it anew. */
const LINGER_MS = 3_000

const listeners = new Set<(event: LiveEvent) => void>()
let connection: AbortController | null = null
let lastId: string | null = null

/**
 * Listens until the returned function is called. Events that came while the connection was away are sent
 * again by the node: none is lost, none comes twice.
 */
function listen(tell: (event: LiveEvent) => void): () => void {
  listeners.add(tell)
  if (connection === null) {
    connection = new AbortController()
    void follow(connection)
  }
  return () => {
    listeners.delete(tell)
    setTimeout(() => {
      if (listeners.size > 0) return
      connection?.abort()
      connection = null
    }, LINGER_MS)
  }
}

/** Calls `handle` with each event of these channels while the component is there. */
export function useLive(channels: readonly string[], handle: (event: LiveEvent) => void): void {
  const latest = useRef(handle)
  latest.current = handle
  const names = channels.join(',')
  useEffect(() => {
    const wanted = new Set(names.split(','))
    return listen(event => {
      if (wanted.has(event.channel)) latest.current(event)
    })
  }, [names])
}

async function follow({ signal }: AbortController): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const { body } = await send('GET', '/api/events', undefined, {
        signal,
        headers: { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) },
      })
      liveState.set('on')
      for await (const { id, type, data } of readEvents(body!)) {
        attempt = 0
        if (id !== null) lastId = id
        // Of what was removed before we came, lists tell anyway.
        if (type === 'gap') continue
        const event = JSON.parse(data) as LiveEvent
        for (const tell of listeners) tell(event)
      }
    } catch {
      // Whatever it was, it is tried again, later and later.
    }
    if (!signal.aborted) liveState.set('lost')
    await pause(backoffMs(attempt), signal)
  }
  liveState.set('off')
}
