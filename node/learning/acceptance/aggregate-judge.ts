import type { LossRow } from '../../../inference/engine.ts'
import { checkAdapter, readAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import type { NodeKey } from '../../../protocol/ids.ts'
import type { LossPair } from '../../../protocol/messages/learning/common.ts'
import type { MeasuredAdapter, RoundContext, RoundJudge, ValidationText } from '../rounds/seams.ts'
import { microNats, pairOf } from '../scoring/gain.ts'
import type { LossMeter } from '../scoring/loss-meter.ts'
import type { BaseModels, RoundBase } from '../scoring/round-base.ts'
import { MAX_ROW_CHARS_PER_TEXT, MAX_ROWS_PER_TEXT } from '../scoring/row-sample.ts'
import { sampleTexts } from '../scoring/text-samples.ts'
import { readGeneralRows } from './general-text.ts'

export type JudgeErrorCode = 'NOTHING_TO_MEASURE'

class JudgeError extends ShoalError<JudgeErrorCode> {
  override readonly name = 'JudgeError'
}

export interface AggregateJudgeOptions {
  /** Rows of each text that are measured. */
  maxRowsPerText?: number
}

export interface AggregateJudgeModules {
  meter: LossMeter
  bases: BaseModels
  /** General text that is looked at where a round names none; null for none. */
  ownGeneralRows: (base: RoundBase) => Promise<readonly LossRow[] | null>
  /** A text is nothing to measure with. */
  onInvalid: (author: NodeKey, code: string) => void
}

/**
 * Measures a round's new adapter against what the round went on from: on all that members revealed, and on general text. All
 * members draw the same rows, so that what they measure can be compared: honest measurements differ by what
 * processors and kernels differ by.
 */
export class AggregateJudge implements RoundJudge {
  readonly #maxRows: number
  readonly #modules: AggregateJudgeModules

  constructor(options: AggregateJudgeOptions, modules: AggregateJudgeModules) {
    this.#maxRows = options.maxRowsPerText ?? MAX_ROWS_PER_TEXT
    this.#modules = modules
  }

  /**
   * @throws {AdapterError} when the file is no adapter of the round
   * @throws {JudgeError} NOTHING_TO_MEASURE when no text can be measured with
   * @throws {EngineError} {ModelError}
   */
  async measure(
    { manifest, round, parentPath }: RoundContext,
    {
      path,
      texts,
      generalPath,
    }: { path: string; texts: readonly ValidationText[]; generalPath: string | null },
    signal: AbortSignal,
  ): Promise<MeasuredAdapter> {
    const { bases, meter, ownGeneralRows, onInvalid } = this.#modules
    const base = await bases.find(manifest.base)
    checkAdapter(await readAdapterFile(path), await bases.expected(base, manifest))
    const limits = { maxRows: this.#maxRows, maxChars: MAX_ROW_CHARS_PER_TEXT }
    const samples = await sampleTexts(texts, { seed: round, ...limits }, (author, { code }) =>
      onInvalid(author, code),
    )
    const general = generalPath === null ? await ownGeneralRows(base) : await readGeneralRows(generalPath)
    const rows = [...samples.map(sample => sample.rows), ...(general === null ? [] : [general])]
    const before = await meter.measure({ base, adapterPath: parentPath }, rows, signal)
    const after = await meter.measure({ base, adapterPath: path }, rows, signal)
    const pairs = rows.map((_, i) => ({
      before: microNats(before[i]!.loss),
      after: microNats(after[i]!.loss),
      counts: before[i]!.tokens > 0,
    }))
    const generalPair = general === null ? null : pairs.pop()!
    const loss = meanByAuthor(
      samples.flatMap(({ authors }, i) => (pairs[i]!.counts ? [{ authors, pair: pairs[i]! }] : [])),
    )
    if (loss === null)
      throw new JudgeError('NOTHING_TO_MEASURE', 'no text of the round can be measured with', {
        fix: 'Members have to give validation texts; shoal learn add makes some.',
      })
    return { loss, general: generalPair?.counts === true ? pairOf(generalPair) : null }
  }
}

/** The mean over members of the means over their texts: a member with many texts has one voice. Null without any text. */
export function meanByAuthor(
  texts: readonly { authors: ReadonlySet<NodeKey>; pair: LossPair }[],
): LossPair | null {
  const byAuthor = new Map<NodeKey, LossPair[]>()
  for (const { authors, pair } of texts)
    for (const author of authors) byAuthor.set(author, [...(byAuthor.get(author) ?? []), pair])
  return meanOf([...byAuthor.values()].map(pairs => meanOf(pairs)!))
}

function meanOf(pairs: readonly LossPair[]): LossPair | null {
  if (pairs.length === 0) return null
  const mean = (part: keyof LossPair) =>
    Math.round(pairs.reduce((sum, pair) => sum + pair[part], 0) / pairs.length)
  return { before: mean('before'), after: mean('after') }
}
