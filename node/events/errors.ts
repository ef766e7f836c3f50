import { ShoalError } from '../../protocol/errors.ts'

export type EventsErrorCode =
  /** A reader or group asked for something that cannot be. */
  | 'BAD_EVENT_QUERY'
  /** The group belongs to another tenant, or there are too many. */
  | 'GROUP_REFUSED'
  | 'JOURNAL_CLOSED'

export class EventsError extends ShoalError<EventsErrorCode> {
  override readonly name = 'EventsError'
}
