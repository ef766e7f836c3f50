import type {
  ChatMessage,
  GenerateRequest,
  Generation,
  GenerationEvent,
  ModelSource,
} from '../../../inference/engine.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { seedOf } from '../../helpers/seed.ts'

/** The embedded model, as a node would find it. */
export function nano(folder: string): Promise<ModelSource> {
  return new ModelCatalog({ modelsFolder: folder, cacheFolder: folder }).resolve('shoal-nano')
}

export const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: seedOf(1) }

/** What the embedded model answers at length, the same each time. */
export const QUESTION = 'What is Shoal?'

/** A chat with the embedded model: one question, or a whole conversation. */
export function chat(
  model: ModelSource,
  messages: string | readonly ChatMessage[],
  options: Partial<GenerateRequest> = {},
): GenerateRequest {
  return {
    model: model.id,
    input: {
      kind: 'chat',
      messages: typeof messages === 'string' ? [{ role: 'user', content: messages }] : messages,
    },
    maxTokens: 200,
    sampling: greedy,
    stop: [],
    ...options,
  }
}

export interface Result {
  text: string
  tokens: number[]
  reason: string
  promptTokens: number
  outputTokens: number
  events: GenerationEvent[]
}

/** Runs a generation to its end. */
export async function run(
  generation: Generation,
  onEvent: (event: GenerationEvent) => void | Promise<void> = () => {},
): Promise<Result> {
  const result: Result = { text: '', tokens: [], reason: '', promptTokens: 0, outputTokens: 0, events: [] }
  for await (const event of generation) {
    result.events.push(event)
    if (event.type === 'output') {
      result.text += event.text
      result.tokens.push(...event.tokens)
    } else if (event.type === 'end') {
      result.reason = event.reason
      result.promptTokens = event.promptTokens
      result.outputTokens = event.outputTokens
    }
    await onEvent(event)
  }
  return result
}
