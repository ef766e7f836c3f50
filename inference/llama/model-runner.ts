import type { LlamaContext, LlamaEmbeddingContext } from 'node-llama-cpp'
import {
  type Continuation,
  type Embedding,
  EngineError,
  type GenerateRequest,
  type LoadedModel,
  type LossRow,
  type ScoreRequest,
  type StopReason,
} from '../engine.ts'
import { CacheGate } from './cache-gate.ts'
import type { Resumption } from './generation.ts'
import { createJsonGrammar, type JsonGrammar } from './grammar.ts'
import { BATCH_TOKENS, type LoadedLlama } from './model-loading.ts'
import { OutputText } from './output-text.ts'
import { PromptWriter } from './prompt.ts'
import { SequenceSlot } from './sequence-slot.ts'
import { SlotPool } from './slot-pool.ts'
import { TextRows, type TokenRow } from './text-rows.ts'
import { TextStream } from './text-stream.ts'
import { TokenChoice } from './token-choice.ts'
import { TokenJudge } from './token-judge.ts'
import { TokenPieces } from './token-pieces.ts'

/** A request made ready: where its output begins and what makes it text. */
interface PreparedOutput {
  /** Prompt, continuation and resumption. */
  tokens: number[]
  /** Place in the answer of the first token to come. */
  position: number
  maxTokens: number
  output: OutputText
  isEndToken: (token: number) => boolean
  /** Stands before the first token to come. */
  grammar: JsonGrammar | null
  /** Text of the continuation's tokens that was not shown yet and has become certain. */
  heldText: string
  /** Why there is nothing left to compute, if so. */
  finished: StopReason | null
}

/** A request made ready to run. */
export interface PreparedGeneration extends PreparedOutput {
  choice: TokenChoice
}

/** An output made ready to be judged. */
export interface PreparedScore extends PreparedOutput {
  judge: TokenJudge
  /** The output's tokens up to the first that the model does not have. */
  known: readonly number[]
}

/** Output that is there already: its tokens, the state of its text, and what of that was not shown. */
interface Written {
  tokens: readonly number[]
  stream: TextStream
  held: string
}

/** Runs one loaded model: its slots, its queue, its prompts and its embeddings. */
export class ModelRunner {
  readonly description: LoadedModel
  readonly pool: SlotPool<SequenceSlot>
  readonly batchTokens = BATCH_TOKENS
  readonly #loaded: LoadedLlama
  readonly #slots: readonly SequenceSlot[]
  readonly #prompts: PromptWriter
  readonly #rows: TextRows
  readonly #pieces: TokenPieces
  readonly #endTokens: (boolean | undefined)[] = []
  #embedding: Promise<LlamaEmbeddingContext> | null = null
  #holds = 0
  #released: (() => void)[] = []

  constructor(options: { maxQueued: number }, modules: { loaded: LoadedLlama; onChange: () => void }) {
    const { loaded, onChange } = modules
    const { model, context } = loaded
    this.#loaded = loaded
    this.description = loaded.description
    const gate = new CacheGate()
    this.#slots = Array.from(
      { length: context.totalSequences },
      () => new SequenceSlot({ sequence: context.getSequence(), gate }),
    )
    this.pool = new SlotPool({ maxQueued: options.maxQueued }, { slots: this.#slots, onChange })
    this.#prompts = new PromptWriter({ model })
    this.#rows = new TextRows({ model, prompts: this.#prompts })
    const { ggml } = model.fileInfo.metadata.tokenizer
    this.#pieces = new TokenPieces(
      { model: ggml.model, tokens: ggml.tokens, types: ggml.token_type },
      token => model.detokenize([token as never]),
    )
  }

  get contextTokens(): number {
    return this.description.contextTokens
  }

  /** Keeps the model from being freed, between slots too, until what is returned is called. */
  hold(): () => void {
    this.#holds += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holds -= 1
      if (this.#holds > 0) return
      const released = this.#released
      this.#released = []
      for (const resolve of released) resolve()
    }
  }

  /** Resolves when nobody holds it, nothing runs and nothing waits. */
  async idle(): Promise<void> {
    if (this.#holds > 0) await new Promise<void>(resolve => this.#released.push(resolve))
    await this.pool.drain()
  }

  /** Tokens run through the model for generations so far. */
  get computedTokens(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.computedTokens, 0)
  }

  /** @throws {EngineError} INPUT_INVALID, PROMPT_TOO_LONG, SCHEMA_INVALID */
  async prepare(request: GenerateRequest, resumption: Resumption | undefined): Promise<PreparedGeneration> {
    const prepared = await this.#prepare(request, resumption)
    const { position, grammar } = prepared
    return { ...prepared, choice: new TokenChoice({ sampling: request.sampling, position }, { grammar }) }
  }

  /** @throws {EngineError} INPUT_INVALID, PROMPT_TOO_LONG (the output included), SCHEMA_INVALID */
  async prepareScore(request: ScoreRequest): Promise<PreparedScore> {
    const { output, sampling } = request
    const prepared = await this.#prepare(request, undefined)
    const { position, grammar } = prepared
    const total = prepared.tokens.length + output.length
    if (total > this.contextTokens) throw this.#tooLong(total)
    const unknown = output.findIndex(token => !this.#isToken(token))
    return {
      ...prepared,
      judge: new TokenJudge({ sampling, position, tokens: output.length }, { grammar }),
      known: unknown < 0 ? output : output.slice(0, unknown),
    }
  }

  /** @throws {EngineError} INPUT_INVALID */
  tokenRows(row: LossRow): TokenRow[] {
    return this.#rows.write(row)
  }

  /** Tokens that the model knows. */
  get vocabularySize(): number {
    return this.#pieces.size
  }

  async #prepare(request: GenerateRequest, resumption: Resumption | undefined): Promise<PreparedOutput> {
    const prompt = this.#prompts.write(request.input)
    const written = this.#written(request.continuation, resumption)
    const tokens = prompt.tokens.concat(written.tokens)
    if (tokens.length >= this.contextTokens) throw this.#tooLong(tokens.length)

    const grammar = await this.#grammar(request.jsonSchema, written.tokens)
    const isEndToken = (token: number) => prompt.stopTokens.has(token) || this.#isEndOfGeneration(token)
    const output = new OutputText(
      { stop: request.stop, stopTexts: prompt.stopTexts },
      { pieces: this.#pieces, stream: written.stream, isEndToken },
    )
    const held = output.pushText(written.held)
    const maxTokens = request.maxTokens - (resumption?.tokens.length ?? 0)
    const last = written.tokens.at(-1)
    const hasEnded = last !== undefined && isEndToken(last)
    return {
      tokens,
      position: written.tokens.length,
      maxTokens,
      output,
      isEndToken,
      grammar,
      heldText: held.text,
      finished: held.reason ?? (hasEnded ? 'stop' : maxTokens <= 0 ? 'length' : null),
    }
  }

  /** @throws {EngineError} PROMPT_TOO_LONG, INPUT_INVALID, CANCELLED */
  async embed(inputs: readonly string[], signal: AbortSignal | undefined): Promise<Embedding> {
    const context = await this.#embeddingContext()
    const vectors: Float32Array[] = []
    let inputTokens = 0
    for (const input of inputs) {
      if (signal?.aborted === true) throw new EngineError('CANCELLED', 'the embedding was cancelled')
      const tokens = context.calculateInputLength(input)
      if (tokens >= this.contextTokens) throw this.#tooLong(tokens)
      if (tokens === 0) {
        throw new EngineError('INPUT_INVALID', 'an input to embed is empty', {
          fix: 'Send texts that are not empty.',
        })
      }
      const { vector } = await context.getEmbeddingFor(input)
      vectors.push(Float32Array.from(vector))
      inputTokens += tokens
    }
    return { vectors, inputTokens }
  }

  /**
   * Frees everything once nothing runs: what llama.cpp frees under a running batch crashes the
   * process.
   */
  async dispose(): Promise<void> {
    await this.idle()
    const embedding = await this.#embedding?.catch(() => null)
    await embedding?.dispose()
    await this.#loaded.free()
  }

  async #grammar(
    jsonSchema: GenerateRequest['jsonSchema'],
    written: readonly number[],
  ): Promise<JsonGrammar | null> {
    if (jsonSchema === undefined) return null
    const { model } = this.#loaded
    return createJsonGrammar({ llama: model.llama, model }, jsonSchema, written)
  }

  /** Given tokens count only when they are this model's and spell what was shown; else the text is tokenised. */
  #written(continuation: Continuation | undefined, resumption: Resumption | undefined): Written {
    let stream = new TextStream()
    let tokens: readonly number[] = continuation?.tokens ?? []
    const shown = continuation?.text ?? ''
    let spelled = this.#spell(stream, tokens)
    if (!spelled.startsWith(shown)) {
      stream = new TextStream()
      tokens = this.#loaded.model.tokenize(shown)
      spelled = shown
    }
    let held = spelled.slice(shown.length)
    if (resumption !== undefined) {
      tokens = tokens.concat(resumption.tokens)
      held = (held + this.#spell(stream, resumption.tokens)).slice(resumption.text.length)
    }
    return { tokens, stream, held }
  }

  /** The whole characters of `tokens`; text that matches nothing when one is no token of this model. */
  #spell(stream: TextStream, tokens: readonly number[]): string {
    let text = ''
    for (const token of tokens) {
      if (!this.#isToken(token)) return '\u0000'
      text += stream.push(this.#pieces.of(token))
    }
    return text
  }

  #isToken(token: number): boolean {
    return Number.isInteger(token) && token >= 0 && token < this.#pieces.size
  }

  #isEndOfGeneration(token: number): boolean {
    const known = this.#endTokens[token]
    if (known !== undefined) return known
    const isEnd = this.#loaded.model.isEogToken(token as never)
    this.#endTokens[token] = isEnd
    return isEnd
  }

  #embeddingContext(): Promise<LlamaEmbeddingContext> {
    this.#embedding ??= this.#openEmbedding()
    return this.#embedding
  }

  async #openEmbedding(): Promise<LlamaEmbeddingContext> {
    // One batch must take a whole input: pooling reaches no further.
    const { contextTokens } = this
    const embedding = await this.#loaded.model.createEmbeddingContext({
      contextSize: contextTokens,
      batchSize: contextTokens,
      threads: this.description.threads,
    })
    // node-llama-cpp hands adapters to plain contexts only.
    this.#loaded.wear((embedding as unknown as { _llamaContext: LlamaContext })._llamaContext)
    return embedding
  }

  #tooLong(promptTokens: number): EngineError {
    const { contextTokens } = this
    return new EngineError(
      'PROMPT_TOO_LONG',
      `the prompt has ${promptTokens} tokens and the context of ${this.description.id} ends at ${contextTokens}`,
      {
        fix: 'Shorten the prompt, or use a model with a longer context.',
        details: { promptTokens, contextTokens },
      },
    )
  }
}
