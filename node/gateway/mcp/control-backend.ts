import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import type { ControlClient } from '../control-client.ts'
import type { CheckedReceiptView } from '../dispute-views.ts'
import type { EmbeddingsView, ToolAnswerView } from '../inference-handlers.ts'
import type { LearningView } from '../learning-views.ts'
import type { MarketView } from '../market-views.ts'
import type { OfferView } from '../offer-views.ts'
import type { AskResultView, ReceiptView, StatusView, TaskEventView, WalletView } from '../views.ts'
import { walletBalance } from './answers.ts'
import type {
  McpAnswer,
  McpAskRequest,
  McpBackend,
  McpBalance,
  McpEmbeddings,
  McpEmbedRequest,
  McpOfferQuery,
  McpRight,
} from './backend.ts'
import { McpError } from './errors.ts'

/** Receipts looked through for one that is named. */
const MAX_LOOKED_AT = 10_000

/** A running node over its control socket; whoever may open that is its owner. Each call finds the node anew. */
export class ControlBackend implements McpBackend {
  readonly rights: ReadonlySet<McpRight> = new Set(['look', 'money', 'spend', 'own'])
  readonly #connect: () => Promise<ControlClient>

  /** @param modules.connect finds the running node; throws NODE_NOT_RUNNING where there is none */
  constructor(modules: { connect: () => Promise<ControlClient> }) {
    this.#connect = modules.connect
  }

  async ask(
    request: McpAskRequest,
    options: { signal: AbortSignal; onText: (text: string, tokens: number) => void },
  ): Promise<McpAnswer> {
    const { prompt, system, model, maxTokens, maxPrice, temperature, seed, strategy, dataClass, tools } =
      request
    const jsonSchema = request.schema === null ? null : JSON.stringify(request.schema)
    const client = await this.#connect()
    const receipts: string[] = []
    const result = (await client.stream(
      'ask',
      {
        messages: [
          ...(system === null ? [] : [{ role: 'system' as const, content: system }]),
          { role: 'user', content: prompt },
        ],
        ...{ model, maxTokens, temperature, seed, dataClass, jsonSchema, tools: [...tools] },
        maxPrice: formatCredits(maxPrice),
        ...(strategy === null ? {} : { strategy }),
      },
      told => {
        const event = told as TaskEventView
        if (event.type === 'output') options.onText(event.text, event.tokens)
        else if (event.type === 'receipt') receipts.push(event.receipt)
      },
      options.signal,
    )) as AskResultView & Partial<ToolAnswerView>
    return {
      ...{ text: result.text, finish: result.reason, model: result.model, provider: result.provider },
      ...{ promptTokens: result.promptTokens, outputTokens: result.outputTokens },
      ...{ cost: parseCredits(result.paid), taskIds: [result.taskId], receipts: result.receipts ?? receipts },
    }
  }

  async embed(request: McpEmbedRequest, options: { signal: AbortSignal }): Promise<McpEmbeddings> {
    const client = await this.#connect()
    const { cost, ...embeddings } = (await client.call(
      'embed',
      { ...request, texts: [...request.texts], maxPrice: formatCredits(request.maxPrice) },
      options.signal,
    )) as EmbeddingsView
    return { ...embeddings, cost: parseCredits(cost) }
  }

  async market(query: { model: string | null }): Promise<MarketView> {
    return (await (await this.#connect()).call('market', query)) as MarketView
  }

  async offers(query: McpOfferQuery): Promise<OfferView[]> {
    return (await (await this.#connect()).call('offers', { kind: 'model', ...query })) as OfferView[]
  }

  async balance(): Promise<McpBalance> {
    return walletBalance((await (await this.#connect()).call('wallet', {})) as WalletView)
  }

  async receipts(limit: number): Promise<ReceiptView[]> {
    return (await (await this.#connect()).call('receipts', { limit })) as ReceiptView[]
  }

  async receipt(cid: string): Promise<ReceiptView> {
    const found = (await this.receipts(MAX_LOOKED_AT)).find(({ receipt }) => receipt === cid)
    if (found !== undefined) return found
    throw new McpError('MCP_RECEIPT_UNKNOWN', 'there is no such receipt here', {
      fix: 'Take one that the tool receipts lists.',
    })
  }

  async verifyReceipt(receipt: string, signal: AbortSignal): Promise<CheckedReceiptView> {
    return (await (await this.#connect()).call('verifyReceipt', { receipt }, signal)) as CheckedReceiptView
  }

  async learning(): Promise<LearningView> {
    return (await (await this.#connect()).call('learning', {})) as LearningView
  }

  async status(): Promise<StatusView> {
    return (await (await this.#connect()).call('status', {})) as StatusView
  }
}
