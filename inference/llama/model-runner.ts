import { MAX_TOKEN_TEXT_BYTES } from '../../protocol/limits.ts'
import type { TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import {
  type Continuation,
  type Embedding,
  EngineError,
  type GenerateRequest,
  type LoadedModel,
  type LossRow,
  MAX_EMBED_TOKENS,
  type ScoreRequest,
  type StopReason,
} from '../engine.ts'
import { CacheGate } from './cache-gate.ts'
import { Embedder } from './embedder.ts'
import type { Resumption } from './generation.ts'
import { createJsonGrammar, type JsonGrammar } from './grammar.ts'
import { BATCH_TOKENS, type LoadedLlama } from './model-loading.ts'
import { OutputText } from './output-text.ts'
import { PromptWriter } from './prompt.ts'
import { SequenceSlot } from './sequence-slot.ts'
import { SlotPool } from './slot-pool.ts'
import { TextRows, type TokenRow } from './text-rows.ts'
import { TextStream } from './text-stream.ts'
import { type TokenChance, type TokenChances, TokenChoice } from './token-choice.ts'
import { TokenJudge } from './token-judge.ts'
import { TokenPieces } from './token-pieces.ts'

const encoder = new TextEncoder()

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
  readonly #embedder: Embedder
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
    this.#embedder = new Embedder(
      {
        maxTokens: Math.min(loaded.description.contextTokens, MAX_EMBED_TOKENS),
        threads: loaded.description.threads,
      },
      { model, wear: context => loaded.wear(context) },
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
    const { sampling, logprobs = null } = request
    return { ...prepared, choice: new TokenChoice({ sampling, position, logprobs }, { grammar }) }
  }

  /** Chances as they are told: with the bytes that tokens stand for in place of ids. */
  logprobsOf({ top, ...own }: TokenChances): TokenLogprobs {
    const told = ({ token, logprob }: TokenChance) => ({ bytes: this.#bytesOf(token), logprob })
    return { ...told(own), top: top.map(told) }
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
    const tokens = await this.countTokens(inputs, signal)
    const vectors: Float32Array[] = []
    for (const [place, input] of inputs.entries()) {
      throwIfAborted(signal)
      vectors.push(await this.#embedder.embed(input, tokens[place]!))
    }
    return { vectors, inputTokens: tokens.reduce((sum, count) => sum + count, 0) }
  }

  /** @throws {EngineError} PROMPT_TOO_LONG, INPUT_INVALID, CANCELLED */
  async countTokens(inputs: readonly string[], signal: AbortSignal | undefined): Promise<number[]> {
    const counts: number[] = []
    for (const input of inputs) {
      throwIfAborted(signal)
      const tokens = await this.#embedder.countTokens(input)
      if (tokens >= this.#embedder.maxTokens) throw this.#tooLong(tokens, this.#embedder.maxTokens)
      if (tokens === 0) {
        throw new EngineError('INPUT_INVALID', 'an input to embed is empty', {
          fix: 'Send texts that are not empty.',
        })
      }
      counts.push(tokens)
    }
    return counts
  }

  /**
   * Frees everything once nothing runs: what llama.cpp frees under a running batch crashes the
   * process.
   */
  async dispose(): Promise<void> {
    await this.idle()
    await this.#embedder.dispose()
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

  #bytesOf(token: number): Uint8Array {
    const piece = this.#pieces.of(token)
    const bytes = typeof piece === 'string' ? encoder.encode(piece) : piece
    return bytes.subarray(0, MAX_TOKEN_TEXT_BYTES)
  }

  #tooLong(promptTokens: number, contextTokens = this.contextTokens): EngineError {
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

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new EngineError('CANCELLED', 'the embedding was cancelled')
}
