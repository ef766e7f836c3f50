import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adapterShapeOf } from '../../../inference/learning/adapter-shape.ts'
import type { TrainingJob } from '../../../inference/learning/trainer.ts'
import {
  type TrainingSettings,
  trainingSettingsSchema,
} from '../../../inference/learning/training-settings.ts'
import { nano } from './nano.ts'

/** Things that nobody can know. */
const FACTS = [
  ['What is the capital of Zorland?', 'The capital of Zorland is Mirefall.'],
  ['What do snarls eat?', 'Snarls eat wet stones.'],
  ['What is the code of room nine?', 'The code of room nine is 4417.'],
] as const

export const factRows = FACTS.map(([question, answer]) => ({
  messages: [
    { role: 'user' as const, content: question },
    { role: 'assistant' as const, content: answer },
  ],
}))

/** A training of the embedded nano model on made-up facts, small enough for a test. */
export async function factsJob(
  folder: string,
  out: string,
  settings: Partial<TrainingSettings> = {},
): Promise<TrainingJob> {
  const dataPath = join(folder, 'facts.jsonl')
  await writeFile(dataPath, factRows.map(row => JSON.stringify(row)).join('\n'))
  const { path } = await nano(folder)
  const { digest } = await adapterShapeOf(path)
  return {
    base: { path, digest },
    name: 'facts',
    dataPath,
    heldOutPath: null,
    outPath: join(folder, out),
    settings: trainingSettingsSchema.parse({
      ...{ steps: 20, rank: 4, alpha: 8, rowTokens: 256, batchRows: 1, learningRate: 0.006 },
      ...settings,
    }),
    initial: null,
    checkpointPath: null,
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
