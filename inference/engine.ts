import { ShoalError } from '../protocol/errors.ts'
import type { Bytes32, ModelId } from '../protocol/ids.ts'
import type { TokenLogprobs } from '../protocol/messages/provider-frame.ts'

/**
 * The interface every engine implements: the child-process llama engine, the same worker called
 * directly in one process, and upstream services. An engine runs models; it knows nothing of
 * peers or money. What it offers to those who do is exact metering and a brake: `grant`.
 */
export interface Engine {
  /** Starts what the engine needs (a process, a GPU). Idempotent. */
  start(): Promise<void>
  /** Cancels everything that runs and frees it. Idempotent; ends within 5 s. */
  stop(): Promise<void>
  /**
   * Loads a model file so that it can be named in requests.
   * @throws {EngineError} MODEL_INVALID, MODEL_TOO_LARGE, ENGINE_UNAVAILABLE, ENGINE_CRASHED, CANCELLED
   */
  load(model: ModelSource, options?: { signal?: AbortSignal }): Promise<LoadedModel>
  /** Frees a model once its running requests end; weights that others of its base use stay. */
  unload(modelId: string): Promise<void>
  /**
   * Describes one generation. It takes its place in the queue when iteration begins, and nothing is
   * computed past the tokens granted.
   */
  generate(request: GenerateRequest, options?: GenerateOptions): Generation
  /**
   * Embeds each input (not normalised), pooled as the model's file says; a file that says nothing is
   * mean-pooled where llama.cpp can, else the last token's state is taken.
   * @throws {EngineError} MODEL_NOT_LOADED, INPUT_INVALID, PROMPT_TOO_LONG, ENGINE_UNAVAILABLE,
   * ENGINE_CRASHED, CANCELLED
   */
  embed(request: EmbedRequest, options?: { signal?: AbortSignal }): Promise<Embedding>
  /**
   * Tokens of each input as `embed` counts them, without computing anything; about so many where an engine cannot tokenise.
   * @throws {EngineError} as `embed`
   */
  countTokens(request: EmbedRequest, options?: { signal?: AbortSignal }): Promise<readonly number[]>
  /**
   * Runs the model once over a prompt and an output that was made elsewhere, and says of each of its tokens
   * how it stood: an audit by prefill. It waits behind the generations that want a slot.
   * @throws {EngineError} MODEL_NOT_LOADED, INPUT_INVALID, PROMPT_TOO_LONG, SCHEMA_INVALID, ENGINE_BUSY,
   * ENGINE_UNAVAILABLE (always where logits cannot be had), ENGINE_CRASHED (only after retries), CANCELLED
   */
  score(request: ScoreRequest, options?: { signal?: AbortSignal }): Promise<ScoredOutput>
  /**
   * How well the model foretells text: exact negative log-probabilities over the whole vocabulary, temperature 1, at the
   * tokens that count. Rows run side by side in slots that nobody else wants; generations go first. What a row lost
   * comes out the same within the last bits, whatever runs beside it.
   * @throws {EngineError} MODEL_NOT_LOADED, INPUT_INVALID (`details.row` where it is one row's fault), ENGINE_BUSY,
   * ENGINE_UNAVAILABLE (always where logits cannot be had), ENGINE_CRASHED (only after retries), CANCELLED
   */
  measureLoss(request: LossRequest, options?: { signal?: AbortSignal }): Promise<MeasuredLoss>
  /** A snapshot; cheap enough to ask for on every offer. */
  status(): EngineStatus
  /** Called after each change of `status()` that matters to offers: loads, crashes, restarts, slots. */
  onStatus(listener: (status: EngineStatus) => void): () => void
}

/** A LoRA adapter file as a model wears it. */
export interface AdapterSource {
  /** Standard GGUF of llama.cpp, made for the base it is loaded on. */
  path: string
  /** What it adds is multiplied by this; 1 is what it was trained for. */
  scale: number
  /** `name@sha256:…` of the file, where it is known. */
  id?: ModelId
}

/**
 * A model file with its proven identity, or one that wears adapters. The weights of a file are in memory once, however
 * many ids wear adapters on it; each id has its own context, slots and warm prefixes.
 */
export interface ModelSource {
  /** `name@sha256:<64 hex>`; see `models/identity.ts`. With adapters that of all together: `adaptedModelId`. */
  id: string
  /** The base's file. */
  path: string
  /** Added up: a shared adapter and a personal one on top of it. None: the base as it is. */
  adapters?: readonly AdapterSource[]
  /** The base's own id, where `id` names it together with adapters. */
  base?: ModelId
}

/** What the file itself says, plus what loading it chose. */
export interface LoadedModel extends ModelSource {
  architecture: string
  parameterCount: number
  /** llama.cpp's name of the dominant tensor type, as `Q8_0`. */
  quantization: string
  /** Tokens one sequence can hold, prompt and output together. */
  contextTokens: number
  /** Sequences that run at once. */
  slots: number
  /** `sha256:<64 hex>` of the chat template in the file; null when it has none. */
  chatTemplateDigest: string | null
  embeddingLength: number
  /** Whether the file says how to pool embeddings: it was made for them, and is not asked for text. */
  isForEmbedding?: boolean
  /** CPU threads chosen by measurement on first load and remembered. */
  threads: number
  /** Median tokens per second of one stream in that measurement. */
  measuredTokensPerSecond: number
}

export type ChatRole = 'system' | 'user' | 'assistant'
export interface ChatMessage {
  role: ChatRole
  content: string
}

export type GenerateInput =
  | { kind: 'chat'; messages: readonly ChatMessage[] }
  | { kind: 'completion'; prompt: string }

export interface SamplingParameters {
  /** 0 is greedy. */
  temperature: number
  topP: number
  /** At most 64; 0 keeps all 64 candidates. */
  topK: number
  minP: number
  /**
   * Of `samplingSeed`. Same request, seed, file and machine give the same output, as far as the logits
   * are the same: neighbours in a batch and a warm prefix change their last bits, which now and then
   * turns a near tie. Draws go by a token's place in the answer, a continuation counted, so that a continued
   * answer is the one that an engine would have made alone.
   */
  seed: Bytes32
}

/**
 * Output that was already made elsewhere, to be gone on from. Where `tokens` are those of the same
 * model file and begin with `text`, they are used as they are, and what they hold beyond `text` (half
 * a character, the start of a stop string) is made output once it is certain. Otherwise `text` is
 * tokenised anew.
 */
export interface Continuation {
  text: string
  tokens?: readonly number[]
}

export interface GenerateRequest {
  /** A loaded model's id. */
  model: string
  input: GenerateInput
  /** Output tokens to make, not counting a continuation. */
  maxTokens: number
  sampling: SamplingParameters
  /** Output ends before the first of these; they are never part of it. */
  stop: readonly string[]
  /** Constrains the output to JSON of this schema (the subset llama.cpp grammars know). */
  jsonSchema?: Readonly<Record<string, unknown>>
  continuation?: Continuation
  /** So many of the likeliest tokens are told beside each token of the output; left out where none are wanted. */
  logprobs?: number
}

export interface GenerateOptions {
  signal?: AbortSignal
  /**
   * Metered tokens that may be computed before the first `grant`. Defaults to no limit.
   *
   * Metered are the prompt as the model sees it (template and continuation included, tokens found
   * warm too) and each output token: `promptTokens + outputTokens` in the events. With a grant of G
   * the model is run over at most G tokens and `outputTokens` stays within G − `promptTokens`; the
   * generation keeps its sequence while it waits for more.
   */
  grantedTokens?: number
}

/**
 * One running generation: iterate it once. Leaving the loop early cancels it.
 * Iteration throws {EngineError}: MODEL_NOT_LOADED, INPUT_INVALID, PROMPT_TOO_LONG, SCHEMA_INVALID,
 * ENGINE_BUSY, ENGINE_UNAVAILABLE, ENGINE_CRASHED (only after retries), CANCELLED.
 */
export interface Generation extends AsyncIterable<GenerationEvent> {
  /** Raises the total of metered tokens that may be computed; lower values than before are ignored. */
  grant(totalTokens: number): void
  cancel(): void
}

export type GenerationEvent =
  /**
   * The prompt was tokenised, a continuation with it; nothing has been computed yet. Always first. An engine
   * that cannot tokenise says about how many they are, and the exact number at the end. `promptDigest` is their
   * `tokensDigest`, null where they are not known.
   */
  | { type: 'start'; promptTokens: number; promptDigest: Bytes32 | null }
  /**
   * So many of `promptTokens` have been computed or were found warm: once for each batch and each
   * pause for a grant, rising, the last one with all of them. Never beyond the grant.
   */
  | { type: 'prefill'; promptTokens: number }
  /**
   * New output. `tokens` are the ids sampled since the last event, `text` what has become certain: a
   * token may end inside a character or a possible stop string, so either may run ahead of the other.
   * The token with which the model ends its turn is among them and has no text. Where the ids are not known
   * `tokens` is empty, and `count` says about how many there are. `logprobs`, one for each token whether its id is known or not,
   * only where they were asked for and can be had.
   */
  | {
      type: 'output'
      tokens: readonly number[]
      text: string
      count?: number
      logprobs?: readonly TokenLogprobs[]
    }
  /** Always last. `outputTokens` counts every token of this generation, exactly where that can be known. */
  | { type: 'end'; reason: StopReason; promptTokens: number; outputTokens: number }

/** `stop`: the model ended; `stop_string`; `length`: `maxTokens` or the context is full. */
export type StopReason = 'stop' | 'stop_string' | 'length'

/** An output to be looked at, with the request it is said to answer. */
export interface ScoreRequest extends GenerateRequest {
  /** The output's tokens, the continuation's not among them. */
  output: readonly number[]
}

/** How each token of an output stood, in the order of the output. */
export interface ScoredOutput {
  /** The prompt as the model sees it, a continuation included. */
  promptTokens: number
  /** Its `tokensDigest`. */
  promptDigest: Bytes32
  /**
   * By how much the token lost, in nats at temperature 1 (`TokenMargin.margin`): 0 for the winner, Infinity where
   * it was filtered out or absent.
   */
  margins: Float32Array
  /** ln of its probability among the 64 likeliest at temperature 1; -Infinity where it is none of them. */
  logProbs: Float32Array
  /** `TOKEN_STATES` by place. */
  states: Uint8Array
  /**
   * How far each position's winner was ahead of the next, nats at temperature 1; Infinity where it was alone. How near
   * a tie a position was says how easily honest numeric noise turns it; without it audits judge less well.
   */
  gaps?: Float32Array
  /** Whether the last token is one with which the model ends its turn. */
  endsTurn: boolean
  /** Where and why the output ends by the request's own rules; null where it had to go on. */
  ending: { tokens: number; reason: StopReason } | null
  /** The text that an engine gives out for the tokens up to there. */
  text: string
  elapsedMs: number
  /** Tokens the model was run over. */
  computedTokens: number
}

/** What `ScoredOutput.states` says. */
export const TOKEN_STATES = ['won', 'lost', 'filtered', 'absent'] as const

/**
 * Text to be foretold, in the forms of training data. What counts: each assistant turn of a chat with its end of turn, as
 * the model would have been asked for it; a completion with the end of the text; all of a plain text but its first token.
 */
export type LossRow =
  | { messages: readonly ChatMessage[] }
  | { prompt: string; completion: string }
  | { text: string }

export interface LossRequest {
  /** A loaded model's id. */
  model: string
  /** At most `MAX_LOSS_ROWS`, together at most `MAX_LOSS_CHARS` characters. */
  rows: readonly LossRow[]
  /** Whether each token's loss is wanted, too. */
  perToken?: boolean
}

export const MAX_LOSS_ROWS = 1_024
export const MAX_LOSS_CHARS = 4_194_304

export interface RowLoss {
  /** Mean over the counted tokens, nats per token; 0 where none counts; Infinity where the model's logits are no numbers. */
  loss: number
  /** Counted tokens. */
  tokens: number
  /** Whether each counted token was the likeliest one: a greedy answer would have been the same. False where none counts. */
  isExact: boolean
  /** Whether it was longer than the context and only its beginning was measured. */
  isCut: boolean
  /** Nats of each counted token in order, where `perToken`. */
  tokenLosses?: Float32Array
}

export interface MeasuredLoss {
  /** Mean over the counted tokens of all rows, nats per token; 0 where none counts. */
  loss: number
  /** Counted tokens of all rows. */
  tokens: number
  /** Rows whose counted tokens were all the likeliest ones. */
  exactRows: number
  /** One for each row of the request. */
  rows: readonly RowLoss[]
  elapsedMs: number
  /** Tokens the model was run over. */
  computedTokens: number
}

export interface EmbedRequest {
  model: string
  inputs: readonly string[]
}
export interface Embedding {
  vectors: readonly Float32Array[]
  inputTokens: number
}

/** Tokens of a text to embed at most: one batch must take it whole. */
export const MAX_EMBED_TOKENS = 8_192

export type BackendKind = 'cpu' | 'cuda' | 'vulkan' | 'metal'
export interface BackendDescription {
  kind: BackendKind
  /** As the driver names them; empty on cpu. */
  devices: readonly string[]
  /** `llama.cpp` release of the bindings. */
  release: string
}

export interface EngineStatus {
  state: 'stopped' | 'starting' | 'ready' | 'restarting'
  backend: BackendDescription | null
  models: readonly LoadedModel[]
  /** Generations and audits that hold a sequence, over all models. */
  active: number
  /** Generations that wait for one. */
  queued: number
  freeSlots: number
  /** Crashes of the engine process since `start`. */
  crashes: number
  /** Tokens run through models for generations and audits since `start`; those found warm are not among them. */
  computedTokens: number
}

export type EngineErrorCode =
  | 'MODEL_INVALID'
  | 'MODEL_NOT_LOADED'
  | 'MODEL_TOO_LARGE'
  | 'INPUT_INVALID'
  | 'PROMPT_TOO_LONG'
  | 'SCHEMA_INVALID'
  | 'ENGINE_BUSY'
  | 'ENGINE_CRASHED'
  | 'ENGINE_UNAVAILABLE'
  | 'CANCELLED'

export class EngineError extends ShoalError<EngineErrorCode> {
  override readonly name = 'EngineError'
}
