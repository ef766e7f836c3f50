import { createHash } from 'node:crypto'
import type { RowTokenizer } from '../../llama/row-tokenizer.ts'
import { LearningError } from '../errors.ts'
import { packRows } from '../examples/packing.ts'
import { cutToPieces, type Piece } from '../examples/pieces.ts'
import { readTrainingText, setAside, type TrainingExample } from '../examples/training-text.ts'
import type { TrainingJob, TrainingTextReport } from '../trainer.ts'

/** A job's text as the model reads it, and the shape of batches that fits it. */
export interface JobText {
  pieces: Piece[]
  heldOut: Piece[]
  rowTokens: number
  rowCount: number
  report: TrainingTextReport
}

/** 1 GiB as it is kept. */
const MAX_TOKENS = 89_478_485
/** Rows are as long as a multiple of this. */
const ROW_STEP = 16

/**
 * Reads a job's text and turns it into tokens. Short texts make rows shorter and fewer than the settings allow, since
 * padding costs as much as text.
 * @throws {LearningError} TRAINING_DATA_INVALID, TRAINING_DATA_EMPTY
 * @throws {EngineError} INPUT_INVALID
 */
export async function readJobText(job: TrainingJob, modules: { tokenizer: RowTokenizer }): Promise<JobText> {
  const { settings, dataPath, heldOutPath } = job
  const all = await readTrainingText(dataPath)
  const { training, heldOut } =
    heldOutPath === null
      ? setAside(all, { share: settings.heldOutShare, seed: settings.seed })
      : { training: all, heldOut: await readTrainingText(heldOutPath) }
  const learned = tokenize(training, settings.rowTokens, modules.tokenizer)
  const measured = tokenize(heldOut, settings.rowTokens, modules.tokenizer)
  if (learned.pieces.length === 0) {
    throw new LearningError('TRAINING_DATA_EMPTY', `${dataPath} has nothing to learn from`, {
      fix: 'Let the assistant say something, or write completions that are not empty.',
      details: { path: dataPath },
    })
  }
  const lengths = (pieces: readonly Piece[]) => pieces.map(({ tokens }) => tokens.length)
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const needed = Math.max(
    ...[learned, measured].map(({ pieces }) => Math.min(sum(lengths(pieces)), settings.rowTokens)),
    ...[learned, measured].map(({ pieces }) =>
      pieces.reduce((most, { tokens }) => Math.max(most, tokens.length), 1),
    ),
  )
  const rowTokens = Math.min(settings.rowTokens, Math.ceil(needed / ROW_STEP) * ROW_STEP)
  const rows = packRows(lengths(learned.pieces), [...learned.pieces.keys()], rowTokens).length
  return {
    pieces: learned.pieces,
    heldOut: measured.pieces,
    rowTokens,
    rowCount: Math.min(settings.batchRows, rows),
    report: {
      examples: training.length,
      splitExamples: learned.split,
      droppedExamples: learned.dropped,
      rows,
      answerTokens: learned.pieces.reduce((total, { weights }) => total + sum([...weights]), 0),
      heldOutExamples: heldOut.length,
    },
  }
}

/** Names text by its tokens: equal ones have equal digests. */
export function piecesDigest(pieces: readonly Piece[]): string {
  const hash = createHash('sha256')
  for (const { tokens, targets, weights } of pieces) {
    for (const { buffer, byteOffset, byteLength } of [tokens, targets, weights]) {
      hash.update(`${byteLength} `).update(new Uint8Array(buffer, byteOffset, byteLength))
    }
  }
  return hash.digest('hex')
}

function tokenize(
  examples: readonly TrainingExample[],
  maxTokens: number,
  tokenizer: RowTokenizer,
): { pieces: Piece[]; split: number; dropped: number } {
  const pieces: Piece[] = []
  let [split, dropped, total] = [0, 0, 0]
  for (const example of examples) {
    const rows = tokenizer.write(example)
    const cut = rows.flatMap(row => cutToPieces(row, maxTokens))
    if (cut.length === 0) dropped += 1
    else if (cut.length > rows.length) split += 1
    for (const piece of cut) {
      total += piece.tokens.length
      pieces.push(piece)
    }
    if (total > MAX_TOKENS) {
      throw new LearningError(
        'TRAINING_DATA_INVALID',
        `the training text has more than ${MAX_TOKENS} tokens`,
        {
          fix: 'Train on a part of it.',
        },
      )
    }
  }
  return { pieces, split, dropped }
}
