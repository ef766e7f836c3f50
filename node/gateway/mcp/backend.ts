import type { DataClass } from '../../../protocol/data-class.ts'
import type { Strategy } from '../../market/preferences.ts'
import type { CheckedReceiptView } from '../dispute-views.ts'
import type { LearningView } from '../learning-views.ts'
import type { MarketView } from '../market-views.ts'
import type { OfferView } from '../offer-views.ts'
import type { ReceiptView, StatusView } from '../views.ts'

/**
 * What a caller may do. `look`: see the market; `money`: see what there is to spend, and own receipts; `spend`: have work
 * done; `own`: see what only the node's owner sees.
 */
export type McpRight = 'look' | 'money' | 'spend' | 'own'

/** A question with the most its answer may cost. */
export interface McpAskRequest {
  system: string | null
  prompt: string
  model: string | null
  maxTokens: number
  /** Base units; 0 takes only what is free. */
  maxPrice: bigint
  temperature: number
  seed: number | null
  /** JSON Schema that the answer is to be of. */
  schema: Readonly<Record<string, unknown>> | null
  strategy: Strategy | null
  dataClass: DataClass | null
  /** Of configured MCP servers, as `server/tool`. */
  tools: readonly string[]
}

export interface McpAnswer {
  text: string
  finish: string
  model: string
  provider: string
  promptTokens: number
  outputTokens: number
  /** Base units. */
  cost: bigint
  taskIds: string[]
  receipts: string[]
}

export interface McpEmbedRequest {
  texts: readonly string[]
  model: string | null
  maxPrice: bigint
  dataClass: DataClass | null
}

export interface McpEmbeddings {
  vectors: number[][]
  model: string
  provider: string
  promptTokens: number
  cost: bigint
  receipts: string[]
}

/** What the caller can spend: the node's wallet for its owner, else the caller's own budget or channels. Decimal credits. */
export interface McpBalance {
  /** Whose money: the node's wallet, or the tenant's. */
  holder: string
  address: string | null
  /** What may be spent now; null where nothing limits it. */
  spendable: string | null
  /** Of the node's own wallet; null for anybody but its owner. */
  wallet: {
    credits: string
    settlementCredits: string
    locked: string
    unclaimed: string
    stake: string
    gas: string
    limitPerDay: string
  } | null
}

/** Which offers are wanted; null for any. */
export interface McpOfferQuery {
  model: string | null
  region: string | null
  /** Credits for a million tokens, decimal. */
  maxPrice: string | null
  limit: number
}

export interface McpCallOptions {
  signal: AbortSignal
  /** Of the header `shoal-channel`: a channel to this node that pays in place of a budget. */
  channelId: string | null
}

/**
 * What the MCP server does things with: the node in this process, or a running one over its control socket. Methods throw
 * `ShoalError`s.
 */
export interface McpBackend {
  readonly rights: ReadonlySet<McpRight>
  /** Has a question answered for at most `maxPrice`; the signal cancels it at the provider. */
  ask(
    request: McpAskRequest,
    options: McpCallOptions & { onText: (text: string, tokens: number) => void },
  ): Promise<McpAnswer>
  embed(request: McpEmbedRequest, options: McpCallOptions): Promise<McpEmbeddings>
  market(query: { model: string | null }): Promise<MarketView>
  offers(query: McpOfferQuery): Promise<OfferView[]>
  balance(): Promise<McpBalance>
  /** Of the caller's tasks, the newest first; for the node's owner of all it asked for and did. */
  receipts(limit: number): Promise<ReceiptView[]>
  /** @throws {ShoalError} where there is none of the caller's */
  receipt(cid: string): Promise<ReceiptView>
  verifyReceipt(receipt: string, signal: AbortSignal): Promise<CheckedReceiptView>
  learning(): Promise<LearningView>
  /** To strangers, no more than the network knows. */
  status(): Promise<Partial<StatusView>>
}
