import type { TrainingRow } from '../data-set.ts'

/** Why something of a source is not kept. */
export type DropReason =
  | 'unknown_type'
  | 'binary'
  | 'link'
  | 'unreadable'
  | 'archive'
  | 'bad_json'
  | 'unknown_shape'
  | 'no_answer'
  | 'too_long'
  | 'too_short'
  | 'duplicate'
  | 'similar'
  | 'personal_data'
  | 'over_limit'

export type SourceFormat =
  | 'text'
  | 'markdown'
  | 'jsonl'
  | 'json'
  | 'chatgpt'
  | 'claude'
  | 'whatsapp'
  | 'telegram'
  | 'discord'
  | 'slack'

/** What comes out of a source, piece by piece. Groups are named so that two of one source never have the same name. */
export type Piece =
  | { kind: 'file'; format: SourceFormat }
  /** A stretch of text, still to be cut into rows. */
  | { kind: 'text'; group: string; text: string; markdown: boolean }
  | { kind: 'row'; group: string; row: TrainingRow }
  /** Somebody who takes part in a chat. */
  | { kind: 'person'; name: string }
  /** @param sample the beginning of it, or where it was */
  | { kind: 'dropped'; reason: DropReason; sample: string }

export const MAX_ROW_CHARS = 64_000
const SAMPLE_CHARS = 200

export function dropped(reason: DropReason, sample: string): Piece {
  return { kind: 'dropped', reason, sample: sample.slice(0, SAMPLE_CHARS) }
}
