import { fileURLToPath } from 'node:url'
import type { LossRow } from '../../../inference/engine.ts'
import { sampleRows } from '../scoring/row-sample.ts'
import { readValidationText } from '../scoring/validation-text.ts'

/** Chats of the embedded models' own kind, of which they have seen none; `scripts/embedded-model/general-text.ts` makes it. */
export const SHIPPED_GENERAL_TEXT = fileURLToPath(
  new URL('../../../inference/models/embedded/general-text.jsonl', import.meta.url),
)
const LIMITS = { maxRows: 96, maxChars: 131_072 }

/**
 * Rows of a general text: what is to stay as good as it was.
 * @param path JSONL of the same forms as training data
 * @throws {ValidationTextError}
 */
export async function readGeneralRows(path: string): Promise<LossRow[]> {
  return sampleRows(await readValidationText(path), 'general', LIMITS)
}
