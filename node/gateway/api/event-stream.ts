import type { Clock } from '../../clock.ts'
import { eventView, type Gap, type JournalEvent } from '../../events/event.ts'
import { gapView } from '../event-views.ts'
import type { SseStream } from '../http/sse.ts'

/** Where a stream takes its events from. */
export interface EventSource {
  /** Null when there will be none any more. */
  next(): Promise<{ events: readonly JournalEvent[]; gaps: readonly Gap[] } | null>
  close(): void
}

/** Written at once; more waits for the client. */
const CHUNK_CHARACTERS = 65_536
/** A client that takes nothing for so long is let go; it can come back and go on where it was. */
const STALLED_AFTER_MS = 60_000

/** An event goes to many clients: its text is made once. */
const texts = new WeakMap<JournalEvent, string>()

function textOf(event: JournalEvent): string {
  let text = texts.get(event)
  if (text === undefined) {
    text = `event: ${event.channel}\nid: ${event.sequence}\ndata: ${JSON.stringify(eventView(event))}\n\n`
    texts.set(event, text)
  }
  return text
}

/** A gap has no id: who comes back goes on where it was. */
function gapText(gap: Gap): string {
  return `event: gap\ndata: ${JSON.stringify(gapView(gap))}\n\n`
}

/** Sends events until the source ends or the client goes; as fast as the client reads, and no more is held for it. */
export async function sendEvents(
  source: EventSource,
  modules: { stream: SseStream; clock: Clock },
): Promise<void> {
  const { stream, clock } = modules
  const drained = async () => {
    const timer = clock.setTimer(() => stream.abort(), STALLED_AFTER_MS)
    await stream.drained()
    timer.cancel()
  }
  for (;;) {
    const page = await source.next()
    if (page === null) break
    let text = page.gaps.map(gapText).join('')
    for (const event of page.events) {
      text += textOf(event)
      if (text.length < CHUNK_CHARACTERS) continue
      if (!stream.write(text)) await drained()
      text = ''
    }
    if (text !== '' && !stream.write(text)) await drained()
    if (stream.gone.aborted) return
  }
  if (!stream.gone.aborted) stream.end()
}
