import { createHash } from 'node:crypto'
import type { LossRow } from '../../../inference/engine.ts'

/** How much of each text is measured with, unless somebody says otherwise. */
export const MAX_ROWS_PER_TEXT = 32
export const MAX_ROW_CHARS_PER_TEXT = 65_536

export interface SampleLimits {
  maxRows: number
  maxChars: number
}

/**
 * Rows of a text, chosen by a seed: those whose hash with it is smallest, each content once, as many as fit. Does not depend
 * on how the text is sorted, so that nobody places rows where they will be drawn; and different seeds share no rows
 * but by chance.
 */
export function sampleRows(
  rows: readonly LossRow[],
  seed: string,
  { maxRows, maxChars }: SampleLimits,
): LossRow[] {
  const byHash = new Map(rows.map(row => [hashOf(seed, row), row]))
  const sample: LossRow[] = []
  let chars = 0
  for (const hash of [...byHash.keys()].sort()) {
    if (sample.length >= maxRows) break
    const row = byHash.get(hash)!
    const length = charsOf(row)
    if (chars + length > maxChars) continue
    chars += length
    sample.push(row)
  }
  return sample
}

/** Characters of a row that the model reads. */
export function charsOf(row: LossRow): number {
  if ('messages' in row) return row.messages.reduce((sum, { content }) => sum + content.length, 0)
  return 'text' in row ? row.text.length : row.prompt.length + row.completion.length
}

function hashOf(seed: string, row: LossRow): string {
  return createHash('sha256').update(seed).update('\0').update(JSON.stringify(row)).digest('hex')
}
