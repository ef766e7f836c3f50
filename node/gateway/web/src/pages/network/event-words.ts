import { readableCredits } from '../../../../readable.ts'
import type { EventView } from '../../data/views.ts'
import { nameOf } from '../ask/ledger.tsx'

/** An event in a sentence, and whom it is about; null for what is not worth one. */
export function eventWords({ type, data }: Pick<EventView, 'type' | 'data'>): {
  words: string | null
  peer: string | null
} {
  const text = (name: string) => (typeof data[name] === 'string' ? data[name] : '')
  const peer = text('provider') || text('peer') || text('requester') || null
  const who = peer === null ? 'somebody' : nameOf(peer)
  switch (type) {
    case 'peer':
      return { words: `${who} ${text('state') === 'connected' ? 'came' : 'is gone'}.`, peer }
    case 'offer': {
      const models = Array.isArray(data.models) ? data.models.map(id => String(id).split('@')[0]) : []
      return { words: `${who} offers ${models.length === 0 ? 'nothing more' : models.join(', ')}.`, peer }
    }
    case 'price': {
      const output = data.output as { median?: number } | null
      const median = output?.median
      return {
        words:
          median === undefined
            ? null
            : `${text('model')} now costs ${readableCredits(String(median))} a million.`,
        peer: null,
      }
    }
    case 'task-given':
      return { words: `A task goes to ${who} (${text('model').split('@')[0]}).`, peer }
    case 'task-ended':
      return { words: `${who} has done a task.`, peer }
    case 'task-done':
      return { words: `A task of ${who} is done here for ${readableCredits(text('amount'))} credits.`, peer }
    case 'task-failover':
      return { words: `${nameOf(text('from'))} failed; another goes on.`, peer: text('from') || null }
    case 'task-refused':
      return { words: `A task of ${who} was refused: ${text('code')}.`, peer }
    default:
      return { words: null, peer }
  }
}
