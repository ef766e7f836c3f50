import {
  getLlama,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  LlamaLogLevel,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp'
import type { ChatMessage } from '../../inference/engine.ts'
import { END, START } from './chat.ts'

/** Conversations answered at once. */
const SEQUENCES = 8
const CONTEXT_TOKENS = 1024
const MAX_ANSWER_TOKENS = 160

/** Answers conversations greedily with a packed model, the way a user of llama.cpp gets them. */
export class Answerer {
  readonly #llama: Llama
  readonly model: LlamaModel
  readonly #context: LlamaContext

  private constructor(llama: Llama, model: LlamaModel, context: LlamaContext) {
    this.#llama = llama
    this.model = model
    this.#context = context
  }

  /** One thread and `maxThreads: 0`: the fastest way to run models this small. */
  static async load(modelPath: string): Promise<Answerer> {
    const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 0, logLevel: LlamaLogLevel.error })
    const model = await llama.loadModel({ modelPath })
    const context = await model.createContext({
      sequences: SEQUENCES,
      contextSize: CONTEXT_TOKENS,
      threads: 1,
    })
    return new Answerer(llama, model, context)
  }

  /** The answers, in the order of the conversations. */
  async answers(conversations: readonly (readonly ChatMessage[])[]): Promise<string[]> {
    const results: string[] = []
    let next = 0
    const work = async () => {
      const sequence = this.#context.getSequence()
      try {
        while (next < conversations.length) {
          const index = next++
          results[index] = await this.#answer(sequence, conversations[index] ?? [])
        }
      } finally {
        await sequence.dispose()
      }
    }
    await Promise.all(Array.from({ length: SEQUENCES }, work))
    return results
  }

  /** Tokens per second of one stream, over `tokens` greedy tokens after a short prompt. */
  async speed(tokens: number, threads: number): Promise<number> {
    const context = await this.model.createContext({ sequences: 1, contextSize: CONTEXT_TOKENS, threads })
    try {
      const sequence = context.getSequence()
      const prompt = this.model.tokenize(chatText([{ role: 'user', content: 'What is Shoal?' }]), true)
      const stream = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })
      await stream.next()
      const begin = performance.now()
      let count = 0
      for (; count < tokens; count++) if ((await stream.next()).done) break
      await stream.return(undefined)
      return (1000 * count) / (performance.now() - begin)
    } finally {
      await context.dispose()
    }
  }

  async close(): Promise<void> {
    await this.#context.dispose()
    await this.model.dispose()
    await this.#llama.dispose()
  }

  async #answer(sequence: LlamaContextSequence, messages: readonly ChatMessage[]): Promise<string> {
    await sequence.clearHistory()
    const answer: Token[] = []
    for await (const token of sequence.evaluate(this.model.tokenize(chatText(messages), true), {
      temperature: 0,
    })) {
      answer.push(token)
      if (answer.length >= MAX_ANSWER_TOKENS) break
    }
    return this.model.detokenize(answer)
  }
}

function chatText(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content }) => `${START}${role}\n${content}${END}\n`)
  return `${turns.join('')}${START}assistant\n`
}
