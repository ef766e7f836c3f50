import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { LossRow } from '../../../inference/engine.ts'
import { sampleRows } from '../scoring/row-sample.ts'
import { readValidationText } from '../scoring/validation-text.ts'

/** Chats of the embedded models' own kind, of which they have seen none; `scripts/embedded-model/general-text.ts` makes it. */
export const SHIPPED_GENERAL_TEXT = fileURLToPath(
  new URL('../../../inference/models/embedded/general-text.jsonl', import.meta.url),
)
/** Of a base's file: those below have some ten million parameters, and forget more than any tolerance whatever they learn. */
const LEAST_BYTES = 64 * 1_048_576
const LIMITS = { maxRows: 96, maxChars: 131_072 }

/** Whether a base is large enough to learn something and stay as good as it was at the rest: then that is asked of it. */
export async function keepsWhatItKnows(path: string): Promise<boolean> {
  return (await stat(path)).size >= LEAST_BYTES
}

/**
 * Rows of a general text: what is to stay as good as it was.
 * @param path JSONL of the same forms as training data
 * @throws {ValidationTextError}
 */
export async function readGeneralRows(path: string): Promise<LossRow[]> {
  return sampleRows(await readValidationText(path), 'general', LIMITS)
}
