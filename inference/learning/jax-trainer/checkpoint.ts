import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileDurably } from '../durable-file.ts'
import { LearningError } from '../errors.ts'

/** Training as it stands between two steps: all that decides how it goes on. */
export interface TrainingState {
  /** Steps done. */
  step: number
  epoch: number
  row: number
  /** Tokens of the rows computed for steps. */
  tokens: number
  beta1Power: number
  beta2Power: number
  /** Of the last steps, the newest last. */
  losses: number[]
  heldOutLoss: number | null
  /** The step of the best held-out loss, and measurements since without a better one; null without any. */
  best: { step: number; loss: number; misses: number } | null
  /** What is trained, in the model's order. */
  parameters: Float32Array[]
  firstMoments: Float32Array[]
  secondMoments: Float32Array[]
  /** `parameters` at the best step; empty where they are not kept. */
  bestParameters: Float32Array[]
}

const MAGIC = Buffer.from('SHOALCK1', 'latin1')
const DIGEST_BYTES = 32
const MAX_HEADER_BYTES = 1_048_576
const MAX_FILE_BYTES = 2 ** 32

const headerSchema = z.strictObject({
  job: z.string().regex(/^[0-9a-f]{64}$/),
  step: z.int().min(0),
  epoch: z.int().min(0),
  row: z.int().min(0),
  tokens: z.int().min(0),
  beta1Power: z.number(),
  beta2Power: z.number(),
  losses: z.array(z.number()).max(1_024),
  heldOutLoss: z.number().nullable(),
  best: z.strictObject({ step: z.int().min(0), loss: z.number(), misses: z.int().min(0) }).nullable(),
  /** Lengths of the arrays that follow. */
  sizes: z.array(z.int().min(0)).max(16_384),
  hasBest: z.boolean(),
})

/**
 * Writes training as it stands: head, numbers, SHA-256 of both. A crash leaves the checkpoint before or this one.
 * @param job names the work it belongs to, 64 hex digits
 */
export async function writeCheckpoint(path: string, job: string, state: TrainingState): Promise<void> {
  const { parameters, firstMoments, secondMoments, bestParameters, ...rest } = state
  const header: z.infer<typeof headerSchema> = {
    job,
    ...rest,
    sizes: parameters.map(({ length }) => length),
    hasBest: bestParameters.length > 0,
  }
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  const arrays = [...parameters, ...firstMoments, ...secondMoments, ...bestParameters]
  const content = Buffer.concat([
    MAGIC,
    length,
    head,
    ...arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  ])
  await writeFileDurably(path, Buffer.concat([content, createHash('sha256').update(content).digest()]))
}

/**
 * @returns null when there is no file, or one of another job
 * @throws {LearningError} CHECKPOINT_INVALID when the file is damaged or something else
 */
export async function readCheckpoint(
  path: string,
  job: string,
  sizes: readonly number[],
): Promise<TrainingState | null> {
  const bytes = await readWhole(path)
  if (bytes === null) return null
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid(path, 'is no checkpoint')
  const content = bytes.subarray(0, -DIGEST_BYTES)
  if (!createHash('sha256').update(content).digest().equals(bytes.subarray(-DIGEST_BYTES))) {
    throw invalid(path, 'is damaged')
  }
  const headBytes = content.readUInt32LE(MAGIC.length)
  const start = MAGIC.length + 4
  if (headBytes > Math.min(MAX_HEADER_BYTES, content.length - start)) throw invalid(path, 'is damaged')
  const parsed = headerSchema.safeParse(JSON.parse(content.toString('utf8', start, start + headBytes)))
  if (!parsed.success) throw invalid(path, 'is of another version')
  const { job: owner, sizes: saved, hasBest, ...rest } = parsed.data
  if (owner !== job || saved.join() !== sizes.join()) return null
  const sum = sizes.reduce((total, size) => total + size, 0)
  const sets = hasBest ? 4 : 3
  if (content.length !== start + headBytes + 4 * sum * sets) throw invalid(path, 'is damaged')
  let at = start + headBytes
  const next = () =>
    sizes.map(size => {
      const values = new Float32Array(size)
      Buffer.from(values.buffer).set(content.subarray(at, at + 4 * size))
      at += 4 * size
      return values
    })
  return {
    ...rest,
    parameters: next(),
    firstMoments: next(),
    secondMoments: next(),
    bestParameters: hasBest ? next() : [],
  }
}

async function readWhole(path: string): Promise<Buffer | null> {
  try {
    const handle = await open(path, 'r')
    try {
      const stats = await handle.stat()
      const isPlausible =
        stats.isFile() && stats.size > MAGIC.length + DIGEST_BYTES && stats.size < MAX_FILE_BYTES
      if (!isPlausible) throw invalid(path, 'is no checkpoint')
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    if (error instanceof LearningError) throw error
    throw invalid(path, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`)
  }
}

const invalid = (path: string, problem: string) =>
  new LearningError('CHECKPOINT_INVALID', `${path} ${problem}`, {
    fix: 'Remove the file to begin anew, or name another one for the checkpoint.',
    details: { path },
  })
