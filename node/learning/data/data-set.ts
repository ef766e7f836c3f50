import { z } from 'zod'
import { PII_KINDS, PII_MODES } from './pii/pii-kinds.ts'

/** Names of data sets, and of the domains that rounds are about: `notes`, `legal-de`. */
export const DATA_NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/

const count = z.int().min(0)

/** What is known of a data set without opening it. */
export const dataSetSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().regex(DATA_NAME_PATTERN),
  domain: z.string().regex(DATA_NAME_PATTERN),
  /** What it was made of: the last part of the path. */
  source: z.string().max(256),
  /** As the files were understood, with how many of them. */
  formats: z.record(z.string().max(32), count),
  addedAtMs: count,
  rows: count,
  /** Conversations and documents; a group is trained on or held out as a whole. */
  groups: count,
  /** A guess from characters; the base's tokenizer decides. */
  estimatedTokens: count,
  /** Of the content, before it is sealed. */
  bytes: count,
  /** What was done about personal data, and how much of each kind there was. */
  pii: z.enum(PII_MODES),
  found: z.partialRecord(z.enum(PII_KINDS), count),
})

export type DataSet = z.infer<typeof dataSetSchema>

/** One line of a JSONL file to train on; see `inference/learning/`. */
export type TrainingRow =
  | { messages: { role: 'system' | 'user' | 'assistant'; content: string }[] }
  | { prompt: string; completion: string }
  | { text: string }

/** Plain files for a trainer, readable by their owner alone, there until released. */
export interface TrainingFiles {
  /** JSONL. */
  train: string
  /** JSONL; null where there are too few groups to hold one out. */
  heldOut: string | null
  trainRows: number
  heldOutRows: number
  estimatedTokens: number
  /** Removes the files. Idempotent. */
  release(): Promise<void>
}
