import {
  type AuditEvent,
  type AuditEventDetails,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { EventLog } from '../auditlog/event-log.ts'
import type { Channel } from './channels.ts'
import type { EventJournal } from './journal.ts'
import { jsonOf } from './json.ts'
import type { TaskTenants } from './task-tenants.ts'

export interface AuditFeedModules {
  log: Pick<EventLog, 'lastSequence' | 'read' | 'follow'>
  journal: EventJournal
  tenants: TaskTenants
}

/** A journal that is new takes so much of the log before it. */
const MAX_EARLIER = 1_000
/** Entries given to the journal before it is waited for. */
const AT_ONCE = 500

/**
 * Puts every entry of the audit log into the journal, also those that were written when a crash came before the journal
 * had them: which is the last one it has, it tells itself. Receipts and rounds are told in their own channels, too.
 */
export async function feedFromAuditLog(modules: AuditFeedModules): Promise<() => void> {
  const { log, journal, tenants } = modules
  const missed = { from: await firstMissed(log, journal), to: log.lastSequence }
  const later: AuditEvent[] = []
  let isCaughtUp = false
  const unfollow = log.follow(entry => {
    if (isCaughtUp) tell(entry, tenants.recent(taskOf(entry)), journal)
    else later.push(entry)
  })
  let count = 0
  // Reads the whole file to find where it stands.
  if (missed.from <= missed.to)
    for await (const { record } of log.read(missed.from, missed.to)) {
      const entry = openRecord(auditEventMessage, record, () => true).body
      tell(entry, await tenants.of(taskOf(entry)), journal)
      if (++count % AT_ONCE === 0) await journal.flushed()
    }
  for (const entry of later) tell(entry, tenants.recent(taskOf(entry)), journal)
  isCaughtUp = true
  return unfollow
}

async function firstMissed(log: AuditFeedModules['log'], journal: EventJournal): Promise<number> {
  const known = (await journal.latest({ channels: ['audit'], limit: 1 })).events[0]?.data.sequence
  // What the journal has of another log, one that was lost, says nothing of this.
  return typeof known === 'number' && known <= log.lastSequence
    ? known + 1
    : Math.max(1, log.lastSequence - MAX_EARLIER + 1)
}

function taskOf({ event }: AuditEvent): string {
  return event.kind === 'receipt.countersigned' ? event.taskId : ''
}

/** The entry itself goes last: while the journal lacks it, all of it is told again. */
function tell(entry: AuditEvent, tenant: string, journal: Pick<EventJournal, 'append'>): void {
  const { sequence, event } = entry
  const { kind, v: _, ...details } = event
  const data = jsonOf(details)
  const channel = channelOf(event)
  if (channel !== null) journal.append({ channel, type: kind, tenant, data })
  journal.append({ channel: 'audit', type: kind, data: { sequence, ...data } })
}

/** The channel beside `audit` that an entry is told in. */
function channelOf({ kind }: AuditEventDetails): Channel | null {
  if (kind.startsWith('receipt.')) return 'receipts'
  return kind.startsWith('round.') || kind.startsWith('adapter.') ? 'learning' : null
}
