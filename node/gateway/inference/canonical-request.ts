import type { DataClass } from '../../../protocol/data-class.ts'
import type { Auction } from '../../../protocol/messages/bid.ts'
import type { CapacityMode, SlaClass } from '../../../protocol/sla-class.ts'
import type { Strategy } from '../../market/preferences.ts'

/** What every dialect is translated to. */
export interface CanonicalRequest {
  /** A digest id, a name, or a name's beginning; null takes the best for the money. */
  model: string | null
  input: CanonicalInput
  /** Null: as much as the model's context leaves, up to `gateway.maxTokens`. */
  maxTokens: number | null
  temperature: number
  topP: number
  /** 0 keeps all. */
  topK: number
  minP: number
  /** Who gives one wants the same answer again. */
  seed: number | null
  /** Output ends before the first of these. */
  stop: readonly string[]
  /** Answers wanted, 1 to 8. */
  n: number
  tools: readonly CanonicalTool[]
  toolChoice: ToolChoice
  responseFormat: ResponseFormat
  /** How many alternatives of each token are told, 0 to 20; null tells no log-probabilities. */
  logprobs: number | null
  shoal: ShoalOptions
}

export type CanonicalInput =
  | { kind: 'chat'; messages: readonly CanonicalMessage[] }
  | { kind: 'completion'; prompt: string }

export type CanonicalMessage =
  | { role: 'system' | 'user'; text: string }
  | { role: 'assistant'; text: string; toolCalls: readonly ToolCall[] }
  | { role: 'tool'; toolCallId: string; text: string }

/** A call that a model made. */
export interface ToolCall {
  id: string
  name: string
  /** JSON text, as the model wrote it. */
  arguments: string
}

export interface CanonicalTool {
  name: string
  description: string | null
  /** JSON Schema of the arguments' object. */
  parameters: Readonly<Record<string, unknown>>
}

export type ToolChoice = 'auto' | 'none' | 'required' | { name: string }

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; name: string; schema: Readonly<Record<string, unknown>>; strict: boolean }

/** How a task is to be done, beside what it is; null leaves it to the tenant's policy and the node's settings. */
export interface ShoalOptions {
  strategy: Strategy | null
  mode: CapacityMode | null
  slaClass: SlaClass | null
  dataClass: DataClass | null
  region: string | null
  minReputation: number | null
  /** Base units. */
  minStake: bigint | null
  minQuality: number | null
  deadlineMs: number | null
  auction: Auction | null
  /** Base units the whole request may cost, all its choices together. */
  maxPrice: bigint | null
  /** Who is tried first: a PeerId, a node key, `local`, or `cloud:<service>`. */
  preferredProvider: string | null
  /** Kind of work, for which routing learns. */
  taskClass: string | null
  /** Tools of configured MCP servers that the answer may use, as `server/tool`. */
  tools: readonly string[]
}

export const NO_SHOAL_OPTIONS: ShoalOptions = {
  strategy: null,
  mode: null,
  slaClass: null,
  dataClass: null,
  region: null,
  minReputation: null,
  minStake: null,
  minQuality: null,
  deadlineMs: null,
  auction: null,
  maxPrice: null,
  preferredProvider: null,
  taskClass: null,
  tools: [],
}
