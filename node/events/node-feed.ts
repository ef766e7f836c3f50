import type { NodeEvent, NodeEvents } from '../node-events.ts'
import type { Channel } from './channels.ts'
import type { EventJournal } from './journal.ts'
import { jsonOf } from './json.ts'

/** Which channel tells of what; what the audit log tells too (receipts, anchors, audits) is taken from there. */
const CHANNEL_OF: Record<NodeEvent['type'], Channel | null> = {
  chain: 'system',
  funded: 'system',
  bound: 'system',
  model: 'system',
  engine: 'system',
  'routing-policy': 'system',
  warning: 'system',
  peer: 'peers',
  offer: 'peers',
  'task-refused': 'tasks',
  'task-done': 'tasks',
  settled: 'receipts',
  round: 'learning',
  audited: null,
  anchored: null,
}

/** Puts into the journal what the node tells whoever watches it. @returns ends it */
export function feedFromNode(events: NodeEvents, journal: Pick<EventJournal, 'append'>): () => void {
  const listener = (event: NodeEvent) => {
    const channel = CHANNEL_OF[event.type]
    // How far a download has come is of no interest later.
    if (channel === null || (event.type === 'model' && event.progress !== undefined)) return
    const { type, ...data } = event
    journal.append({ channel, type, data: jsonOf(data) })
  }
  events.on('event', listener)
  return () => events.off('event', listener)
}
