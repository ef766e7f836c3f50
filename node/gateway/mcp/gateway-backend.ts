import { formatCredits, minAmount, parseCredits } from '../../../protocol/money.ts'
import { disputeHandlers } from '../dispute-handlers.ts'
import type { CheckedReceiptView } from '../dispute-views.ts'
import type { GatewayContext } from '../http/plugin.ts'
import { OWNER_TENANT, type Principal } from '../http/principal.ts'
import type { Purse } from '../http/purse.ts'
import { type CanonicalRequest, NO_SHOAL_OPTIONS } from '../inference/canonical-request.ts'
import { type LearningView, learningView } from '../learning-views.ts'
import { type MarketView, marketView } from '../market-views.ts'
import { type OfferView, offerViews } from '../offer-views.ts'
import { type ReceiptView, receiptView, type StatusView, statusView, walletView } from '../views.ts'
import { walletBalance } from './answers.ts'
import type {
  McpAnswer,
  McpAskRequest,
  McpBackend,
  McpBalance,
  McpCallOptions,
  McpEmbeddings,
  McpEmbedRequest,
  McpPublicStatus,
  McpRight,
} from './backend.ts'
import { McpError } from './errors.ts'

/** Receipts looked through for those of one tenant, the newest first. */
const MAX_LOOKED_THROUGH = 10_000

/** The node in this process, for a caller of its HTTP server: with that caller's rights and that caller's money. */
export class GatewayBackend implements McpBackend {
  readonly rights: ReadonlySet<McpRight>
  readonly #principal: Principal
  readonly #context: GatewayContext

  constructor(principal: Principal, context: GatewayContext) {
    this.#principal = principal
    this.#context = context
    this.rights = rightsOf(principal)
  }

  async ask(
    request: McpAskRequest,
    { signal, channelId, onText }: McpCallOptions & { onText: (text: string, tokens: number) => void },
  ): Promise<McpAnswer> {
    const { choices, usage, shoal } = await this.#context.inference.run(canonical(request), {
      principal: this.#principal,
      purse: await this.#purse(channelId),
      signal,
      onEvent: (_choice, event) => {
        if (event.type === 'text') onText(event.text, event.tokens)
      },
    })
    const { text, finish } = choices[0]!
    return {
      ...{ text, finish, model: shoal.model, provider: shoal.provider },
      ...usage,
      cost: parseCredits(shoal.cost),
      ...{ taskIds: [...shoal.taskIds], receipts: [...shoal.receipts] },
    }
  }

  async embed(
    { texts, model, maxPrice, dataClass }: McpEmbedRequest,
    { signal, channelId }: McpCallOptions,
  ): Promise<McpEmbeddings> {
    const { vectors, usage, shoal } = await this.#context.inference.embed(
      { model, inputs: texts, shoal: { ...NO_SHOAL_OPTIONS, maxPrice, dataClass } },
      { principal: this.#principal, purse: await this.#purse(channelId), signal, onEvent: () => {} },
    )
    return {
      vectors: vectors.map(vector => [...vector]),
      ...{ model: shoal.model, provider: shoal.provider, promptTokens: usage.promptTokens },
      ...{ cost: parseCredits(shoal.cost), receipts: [...shoal.receipts] },
    }
  }

  async market({ model }: { model: string | null }): Promise<MarketView> {
    const { node, served } = this.#context
    return marketView(node, served.list(), { model, span: null })
  }

  async offers(query: {
    model: string | null
    region: string | null
    maxPrice: string | null
    limit: number
  }): Promise<OfferView[]> {
    const all = { kind: 'model' as const, tags: [], dataClass: null, slaClass: null }
    return offerViews(this.#context.node, { ...all, ...query }) as OfferView[]
  }

  async balance(): Promise<McpBalance> {
    const { node } = this.#context
    const { tenant, wallet } = this.#principal
    const balance = this.#isOwner
      ? walletBalance(await walletView(node, node.trade))
      : { holder: tenant, address: wallet, spendable: null, wallet: null }
    const { accounts } = node.parts
    let spendable = balance.spendable === null ? null : parseCredits(balance.spendable)
    for (const { account, budget } of accounts.linesOf(this.#principal)) {
      if (budget === null) continue
      const left = parseCredits(accounts.budgets.view(account, budget).remaining)
      spendable = spendable === null ? left : minAmount(spendable, left)
    }
    return { ...balance, spendable: spendable === null ? null : formatCredits(spendable) }
  }

  async receipts(limit: number): Promise<ReceiptView[]> {
    const { receipts, eventDesk } = this.#context.node.parts
    const { tenant } = this.#principal
    const views: ReceiptView[] = []
    for await (const receipt of receipts.list({ limit: this.#isOwner ? limit : MAX_LOOKED_THROUGH })) {
      const isOurs =
        this.#isOwner ||
        (receipt.role === 'requester' && (await eventDesk.tenants.of(receipt.receipt.taskId)) === tenant)
      if (isOurs && views.push(receiptView(receipt)) === limit) break
    }
    return views
  }

  async verifyReceipt(receipt: string, signal: AbortSignal): Promise<CheckedReceiptView> {
    if (!this.#isOwner && !(await this.receipts(MAX_LOOKED_THROUGH)).some(own => own.receipt === receipt)) {
      throw new McpError('MCP_RECEIPT_UNKNOWN', 'you have no such receipt here', {
        fix: 'Take one that the tool receipts lists.',
      })
    }
    const check = disputeHandlers(this.#context.node).verifyReceipt
    const parameters = { receipt, evidence: null, export: false }
    return (await check(parameters, () => {}, signal)) as CheckedReceiptView
  }

  learning(): Promise<LearningView> {
    return learningView(this.#context.node.parts.learner)
  }

  async status(): Promise<StatusView | McpPublicStatus> {
    const status = statusView(this.#context.node)
    if (this.#isOwner) return status
    const { version, peerId, wallet, peers, offers, models } = status
    return { version, peerId, wallet, peers, offers, models }
  }

  get #isOwner(): boolean {
    return this.#principal.tenant === OWNER_TENANT
  }

  async #purse(channelId: string | null): Promise<Purse> {
    return this.#context.accounts.purseOf(this.#principal, { channelId })
  }
}

function rightsOf({ tenant, scopes }: Principal): ReadonlySet<McpRight> {
  const rights = new Set<McpRight>()
  if (scopes.has('look')) rights.add('look')
  if (scopes.has('look') && tenant === OWNER_TENANT) rights.add('own')
  if (scopes.has('spend')) rights.add('money')
  if (scopes.has('infer') && scopes.has('spend')) rights.add('spend')
  return rights
}

function canonical(request: McpAskRequest): CanonicalRequest {
  const { prompt, system, model, maxTokens, maxPrice, temperature, seed } = request
  const { schema, strategy, dataClass, tools } = request
  return {
    model,
    input: {
      kind: 'chat',
      messages: [
        ...(system === null ? [] : [{ role: 'system' as const, text: system }]),
        { role: 'user', text: prompt },
      ],
    },
    ...{ maxTokens, temperature, topP: 1, topK: 0, minP: 0, seed },
    ...{ stop: [], n: 1, tools: [], toolChoice: 'auto', logprobs: null },
    responseFormat:
      schema === null ? { type: 'text' } : { type: 'json_schema', name: 'answer', schema, strict: true },
    shoal: { ...NO_SHOAL_OPTIONS, maxPrice, strategy, dataClass, tools },
  }
}
