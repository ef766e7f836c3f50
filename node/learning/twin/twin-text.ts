import { createReadStream } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { LossRow } from '../../../inference/engine.ts'
import { drawByWeight, type Surprise, surpriseWeights } from '../../../inference/learning/surprise.ts'

/** Rows read from a file: evenly spread over it where it has more. */
export async function sampleRows(path: string, rows: number, most: number): Promise<LossRow[]> {
  const sampled: LossRow[] = []
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line === '') continue
    if (Math.floor((number * most) / rows) !== Math.floor(((number - 1) * most) / rows) || rows <= most)
      sampled.push(JSON.parse(line) as LossRow)
    number++
  }
  return sampled.slice(0, most)
}

/** What the text looked like to the model. */
export interface SurpriseReport {
  rows: number
  /** Nats per token of the row in the middle. */
  median: number
  /** Rows so surprising that they are more likely garbage. */
  garbage: number
  /** The most often drawn rows and the least, how often. */
  draws: { most: number; least: number }
}

/**
 * Writes rows to train on, each as often as its surprise says; as many as there are.
 * @param start in [0, 1); from a seed, so that a repeat is the same
 */
export async function writeBySurprise(
  path: string,
  rows: readonly LossRow[],
  surprises: readonly Surprise[],
  start: number,
): Promise<SurpriseReport> {
  const { weights, median, garbage } = surpriseWeights(surprises)
  const drawn = drawByWeight(weights, rows.length, start)
  await writeFile(path, '', { mode: 0o600, flag: 'wx' })
  for (let from = 0; from < drawn.length; from += WRITE_ROWS) {
    const lines = drawn.slice(from, from + WRITE_ROWS).map(index => `${JSON.stringify(rows[index])}\n`)
    await appendFile(path, lines.join(''))
  }
  const counts = new Map<number, number>()
  for (const index of drawn) counts.set(index, (counts.get(index) ?? 0) + 1)
  const times = rows.map((_, index) => counts.get(index) ?? 0)
  return {
    rows: rows.length,
    median,
    garbage,
    draws: { most: Math.max(0, ...times), least: Math.min(...times) },
  }
}

const WRITE_ROWS = 256
