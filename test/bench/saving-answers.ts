import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadedModel } from '../../inference/engine.ts'
import { LlamaWorker } from '../../inference/llama/worker.ts'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { seedOf } from '../helpers/seed.ts'
import type { Question } from './saving-workload.ts'

/** The embedded models as they are shipped, the cheapest first. */
const MODELS = ['shoal-nano-q8_0', 'shoal-mini-q4_0', 'shoal-mini-q8_0'] as const
/** Sequences at once. */
const PARALLEL = 8
const MAX_CONTEXT_TOKENS = 1_024
export const MAX_TOKENS = 160

/** What a model really made of a question. */
export interface Answer {
  isRight: boolean
  promptTokens: number
  outputTokens: number
}

/** A model with its answer to each question, in their order. */
export interface Answered {
  name: string
  model: Pick<LoadedModel, 'id' | 'contextTokens' | 'quantization' | 'parameterCount'>
  /** Of its file. */
  bytes: number
  answers: Answer[]
}

/** Has every embedded model answer every question, by the node's own engine, greedily. */
export async function answersTo(questions: readonly Question[]): Promise<Answered[]> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const engine = new LlamaWorker({ slots: PARALLEL, threads: 1, maxContextTokens: MAX_CONTEXT_TOKENS })
  try {
    await engine.start()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    const answered: Answered[] = []
    for (const name of MODELS) {
      const { path, ...model } = await engine.load(await catalog.resolve(name))
      const answers = await answersOf(engine, model.id, questions)
      answered.push({ name, model, bytes: (await stat(path)).size, answers })
      await engine.unload(model.id)
    }
    return answered
  } finally {
    await engine.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function answersOf(
  engine: LlamaWorker,
  model: string,
  questions: readonly Question[],
): Promise<Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const work = async () => {
    while (next < questions.length) {
      const index = next++
      answers[index] = await answerTo(engine, model, questions[index]!)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  return answers
}

async function answerTo(engine: LlamaWorker, model: string, { messages, right }: Question): Promise<Answer> {
  let text = ''
  let used = { promptTokens: 0, outputTokens: 0 }
  for await (const event of engine.generate({
    model,
    input: { kind: 'chat', messages },
    maxTokens: MAX_TOKENS,
    sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: seedOf(1) },
    stop: [],
  })) {
    if (event.type === 'output') text += event.text
    if (event.type === 'end') used = event
  }
  const { promptTokens, outputTokens } = used
  return { isRight: text === right, promptTokens, outputTokens }
}
