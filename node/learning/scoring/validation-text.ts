import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { LossRow } from '../../../inference/engine.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import { charsOf } from './row-sample.ts'

export type ValidationTextErrorCode = 'TEXT_TOO_LARGE' | 'TEXT_INVALID' | 'TEXT_TOO_SHORT'

/** A text that nobody can measure with; whoever gave it is at fault. */
export class ValidationTextError extends ShoalError<ValidationTextErrorCode> {
  override readonly name = 'ValidationTextError'
}

/** Of the file. */
export const MAX_TEXT_FILE_BYTES = 4_194_304
const MAX_ROWS = 20_000
const MAX_ROW_CHARS = 32_768
/** Fewer different rows, or so little to foretell, say nothing. */
const MIN_ROWS = 4
const MIN_CHARS = 64

const filled = z.string().min(1).max(MAX_ROW_CHARS)
const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string().max(MAX_ROW_CHARS),
})
const rowSchema = z.union([
  z
    .object({ messages: z.array(message).min(1).max(64) })
    .refine(({ messages }) => messages.some(({ role, content }) => role === 'assistant' && content !== '')),
  z.object({ prompt: z.string().max(MAX_ROW_CHARS), completion: filled }),
  z.object({ text: filled }),
])

/**
 * Reads a stranger's JSONL of examples: `{"messages"}`, `{"prompt", "completion"}` or `{"text"}` a line. What is the same
 * row twice counts once; rows without an answer are nothing.
 * @throws {ValidationTextError} TEXT_TOO_LARGE; TEXT_INVALID when a line is no example; TEXT_TOO_SHORT when fewer than
 *   `MIN_ROWS` different rows are there, or next to no text
 */
export async function readValidationText(path: string): Promise<LossRow[]> {
  return parseValidationText(await readBounded(path))
}

/** The same of text that is here already. */
export function parseValidationText(text: string): LossRow[] {
  const rows = new Map<string, LossRow>()
  let chars = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const row = parseRow(line)
    if (row === null) throw new ValidationTextError('TEXT_INVALID', 'a line is no example')
    if (charsOf(row) > MAX_ROW_CHARS) continue
    const key = JSON.stringify(row)
    if (rows.has(key)) continue
    rows.set(key, row)
    chars += charsOf(row)
    if (rows.size > MAX_ROWS) throw new ValidationTextError('TEXT_TOO_LARGE', `more than ${MAX_ROWS} rows`)
  }
  if (rows.size < MIN_ROWS || chars < MIN_CHARS)
    throw new ValidationTextError(
      'TEXT_TOO_SHORT',
      `fewer than ${MIN_ROWS} different rows, or next to no text`,
    )
  return [...rows.values()]
}

function parseRow(line: string): LossRow | null {
  try {
    const parsed = rowSchema.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > MAX_TEXT_FILE_BYTES)
      throw new ValidationTextError('TEXT_TOO_LARGE', `longer than ${MAX_TEXT_FILE_BYTES} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
