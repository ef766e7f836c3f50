import type { LossRow } from '../../../inference/engine.ts'
import type { NodeKey } from '../../../protocol/ids.ts'
import type { ValidationText } from '../rounds/seams.ts'
import { type SampleLimits, sampleRows } from './row-sample.ts'
import { readValidationText, ValidationTextError } from './validation-text.ts'

/** Rows of a text to measure with. */
export interface TextSample {
  /** Empty for general data, which nobody of the round gave. */
  authors: ReadonlySet<NodeKey>
  /** Null for general data. */
  domain: string | null
  rows: LossRow[]
}

/**
 * What of each text is measured with: so many rows that a round's cost is bounded, drawn by a seed. A text that several
 * give counts once, and is everybody's who gave it.
 * @param onInvalid told of texts that nobody can measure with, which are left out
 */
export async function sampleTexts(
  texts: readonly ValidationText[],
  options: SampleLimits & { seed: string },
  onInvalid: (author: NodeKey, error: ValidationTextError) => void,
): Promise<TextSample[]> {
  const byDigest = new Map<string, ValidationText[]>()
  for (const text of texts) byDigest.set(text.blob.digest, [...(byDigest.get(text.blob.digest) ?? []), text])
  const samples: TextSample[] = []
  for (const [digest, same] of [...byDigest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    try {
      const rows = await readValidationText(same[0]!.path)
      const sample = sampleRows(rows, `${options.seed}|${digest}`, options)
      for (const domain of new Set(same.map(text => text.domain))) {
        const authors = new Set(same.filter(text => text.domain === domain).map(({ author }) => author))
        samples.push({ authors, domain, rows: sample })
      }
    } catch (error) {
      if (!(error instanceof ValidationTextError)) throw error
      for (const { author } of same) onInvalid(author, error)
    }
  }
  return samples
}
