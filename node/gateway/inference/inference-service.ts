import type { CidString, TaskId } from '../../../protocol/ids.ts'
import type { Principal } from '../http/principal.ts'
import type { PaymentStatement, Purse } from '../http/purse.ts'
import type { CanonicalRequest, ShoalOptions, ToolCall } from './canonical-request.ts'

/** Does what any dialect asks for, through the node's own requester: peers, the own engine, cloud services. */
export interface InferenceService {
  /**
   * Runs a request to its end.
   * @throws {GatewayError} REQUEST_INVALID, MODEL_CANNOT, PAYMENT_REQUIRED, BUDGET_EXCEEDED, FORBIDDEN, GATEWAY_BUSY
   * @throws {TaskError} as `Requester.ask`; after the first output event, too
   */
  run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult>
  /**
   * Embeds texts, all with one model, in as many tasks as it takes.
   * @throws as `run`
   */
  embed(request: EmbeddingRequest, options: InferenceOptions): Promise<EmbeddingResult>
}

/** Texts to be embedded. */
export interface EmbeddingRequest {
  /** As of a `CanonicalRequest`. */
  model: string | null
  /** None of them empty. */
  inputs: readonly string[]
  shoal: ShoalOptions
}

export interface EmbeddingResult {
  /** One for each input, each of length 1. */
  vectors: readonly Float32Array[]
  usage: { promptTokens: number }
  shoal: ShoalInfo
}

export interface InferenceOptions {
  principal: Principal
  purse: Purse
  /** Fires when the client is gone: what has come by then is paid for, and nothing more is made. */
  signal: AbortSignal
  /** Told of everything as it happens; `choice` counts from 0. Must not throw. */
  onEvent: (choice: number, event: InferenceEvent) => void
}

/** Who does a choice, as people read it: a PeerId, `local`, or `cloud:<service>`. */
export type ProviderName = string

export interface TokenLogprob {
  /** The token's text; what is no UTF-8 by itself is replaced, and `bytes` has it whole. */
  token: string
  bytes: readonly number[] | null
  /** Natural logarithm. */
  logprob: number
  /** Likeliest first. */
  top: readonly { token: string; bytes: readonly number[] | null; logprob: number }[]
}

export type InferenceEvent =
  | { type: 'started'; taskId: TaskId }
  /** Who does it, at which price: base units for a million tokens. */
  | {
      type: 'provider'
      provider: ProviderName
      model: string
      pricePerMillion: { input: bigint; output: bigint }
    }
  | { type: 'text'; text: string; tokens: number; logprobs?: readonly TokenLogprob[] }
  | { type: 'tool_call'; index: number; id: string; name: string }
  | { type: 'tool_arguments'; index: number; text: string }
  /** The whole request has cost so much by now, base units. */
  | { type: 'cost'; amount: bigint }
  | { type: 'failover'; from: ProviderName; why: string; attempt: number }
  | { type: 'receipt'; cid: CidString }

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'cancelled'

export interface InferenceChoice {
  text: string
  toolCalls: readonly ToolCall[]
  finish: FinishReason
  /** Whether a stop string of the request ended it. */
  isCutByStop: boolean
  /** Null where they were not asked for, or whoever answered does not know them. */
  logprobs: readonly TokenLogprob[] | null
}

export interface InferenceResult {
  choices: readonly InferenceChoice[]
  usage: { promptTokens: number; outputTokens: number }
  shoal: ShoalInfo
}

/** What every answer says beside what its dialect knows; in the body as `shoal`. */
export interface ShoalInfo {
  /** One for each choice. */
  taskIds: readonly TaskId[]
  /** Who did it, or its last part. */
  provider: ProviderName
  /** `name@sha256:…`. */
  model: string
  /** Decimal credits for the whole request. */
  cost: string
  receipts: readonly CidString[]
  /** Providers asked, over all choices. */
  attempts: number
  /** Why there is no more of it: the whole, or what had come when the deadline passed, the payer did not pay, or it was cancelled. */
  ended: 'complete' | 'deadline' | 'unpaid' | 'cancelled'
  /** Calls made of the node's tools, where the request named some. */
  tools?: UsedTool[]
  /** What became of the payment that the request brought, where it did (x402). */
  payment?: PaymentStatement
}

export interface UsedTool {
  /** `server/tool` */
  name: string
  isError: boolean
}
