import {
  type ChatHistoryItem,
  type ChatWrapper,
  type LlamaModel,
  type LlamaText,
  resolveChatWrapper,
  type Token,
} from 'node-llama-cpp'
import { type ChatMessage, EngineError, type GenerateInput } from '../engine.ts'
import { messageOf } from './bindings.ts'

/** A prompt as the model sees it, and what ends the model's turn besides its end-of-generation tokens. */
export interface RenderedPrompt {
  tokens: number[]
  stopTokens: ReadonlySet<number>
  stopTexts: readonly string[]
}

const NO_TOKENS: ReadonlySet<number> = new Set()

/**
 * Writes prompts the way one model reads them: chats by the Jinja template in its file, or, when it
 * has none, by the format its name and architecture are known for. What people wrote is tokenised as
 * plain text, so that it cannot pose as a control token.
 */
export class PromptWriter {
  readonly #model: LlamaModel
  #wrapper: ChatWrapper | null = null

  constructor(modules: { model: LlamaModel }) {
    this.#model = modules.model
  }

  /** @throws {EngineError} INPUT_INVALID */
  write(input: GenerateInput): RenderedPrompt {
    return input.kind === 'chat' ? this.#chat(input.messages) : this.#completion(input.prompt)
  }

  /** Plain text as a model reads it from its beginning; nothing for an empty one, but where texts begin with a token. */
  begun(text: string): number[] {
    return this.#begun(this.#model.tokenize(text))
  }

  #completion(prompt: string): RenderedPrompt {
    const tokens = this.#begun(this.#model.tokenize(prompt))
    const { bos } = this.#model.tokens
    if (tokens.length === 0 && bos !== null) tokens.push(bos)
    if (tokens.length === 0) {
      throw new EngineError('INPUT_INVALID', 'the prompt is empty', { fix: 'Send some text to go on from.' })
    }
    return { tokens, stopTokens: NO_TOKENS, stopTexts: [] }
  }

  #chat(messages: readonly ChatMessage[]): RenderedPrompt {
    if (messages.length === 0) {
      throw new EngineError('INPUT_INVALID', 'the chat has no messages', {
        fix: 'Send at least one message.',
      })
    }
    const chatHistory: ChatHistoryItem[] = messages.map(historyItem)
    chatHistory.push({ type: 'model', response: [''] })
    try {
      const state = this.#chatWrapper().generateContextState({ chatHistory })
      return {
        tokens: this.#begun(state.contextText.tokenize(this.#model.tokenizer)),
        ...this.#ends(state.stopGenerationTriggers),
      }
    } catch (error) {
      throw new EngineError(
        'INPUT_INVALID',
        `the model's chat template refused the messages: ${messageOf(error)}`,
        {
          fix: 'Let user and assistant take turns, with the system message first.',
          cause: error,
        },
      )
    }
  }

  /** The file's own template; node-llama-cpp's knowledge of model families where it cannot be rendered. */
  #chatWrapper(): ChatWrapper {
    if (this.#wrapper !== null) return this.#wrapper
    const options = { warningLogs: false, fallbackToOtherWrappersOnJinjaError: false } as const
    try {
      this.#wrapper = resolveChatWrapper(this.#model, { ...options, type: 'jinjaTemplate' })
    } catch {
      this.#wrapper = resolveChatWrapper(this.#model, { ...options, noJinja: true })
    }
    return this.#wrapper
  }

  #begun(tokens: Token[]): Token[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens
    if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos)
    return tokens
  }

  /** A trigger that begins with a control token is known by that token, any other by its text. */
  #ends(triggers: readonly LlamaText[]): Omit<RenderedPrompt, 'tokens'> {
    const stopTokens = new Set<number>()
    const stopTexts: string[] = []
    for (const trigger of triggers) {
      // A template's end of turn is often followed by a line break that the model need not write.
      const tokens = trigger.trimEnd().tokenize(this.#model.tokenizer)
      const first = tokens[0]
      if (first === undefined) continue
      if (this.#model.isSpecialToken(first)) stopTokens.add(first)
      else stopTexts.push(this.#model.detokenize(tokens))
    }
    return { stopTokens, stopTexts }
  }
}

function historyItem(message: ChatMessage): ChatHistoryItem {
  switch (message.role) {
    case 'system':
      return { type: 'system', text: message.content }
    case 'user':
      return { type: 'user', text: message.content }
    case 'assistant':
      return { type: 'model', response: [message.content] }
  }
}
