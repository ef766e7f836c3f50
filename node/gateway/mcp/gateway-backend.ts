import { formatCredits, minAmount, parseCredits } from '../../../protocol/money.ts'
import { seesAll } from '../api/control-routes.ts'
import { publicStatus } from '../api/look-routes.ts'
import { receiptOf, receiptsOf } from '../api/receipt-routes.ts'
import { disputeHandlers } from '../dispute-handlers.ts'
import type { CheckedReceiptView } from '../dispute-views.ts'
import type { GatewayContext } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
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
  McpOfferQuery,
  McpRight,
} from './backend.ts'

/** The node in this process, for a caller of its HTTP server: with that caller's rights and that caller's money. */
export class GatewayBackend implements McpBackend {
  readonly rights: ReadonlySet<McpRight>
  readonly #caller: () => Principal
  readonly #context: GatewayContext

  /** @param caller whose scopes stay as they are, while budgets and policies may change */
  constructor(caller: () => Principal, context: GatewayContext) {
    this.#caller = caller
    this.#context = context
    this.rights = rightsOf(caller())
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

  async offers(query: McpOfferQuery): Promise<OfferView[]> {
    const all = { kind: 'model' as const, tags: [], dataClass: null, slaClass: null }
    return offerViews(this.#context.node, { ...all, ...query }) as OfferView[]
  }

  async balance(): Promise<McpBalance> {
    const { node } = this.#context
    const { tenant, wallet } = this.#principal
    const balance = this.#seesAll
      ? walletBalance(await walletView(node, node.trade))
      : { holder: tenant, address: wallet, spendable: await this.#paidHere(), wallet: null }
    const { accounts } = node.parts
    let spendable = balance.spendable === null ? null : parseCredits(balance.spendable)
    for (const { account, budget } of accounts.linesOf(this.#principal)) {
      if (budget === null) continue
      const left = parseCredits(accounts.budgets.view(account, budget).remaining)
      spendable = spendable === null ? left : minAmount(spendable, left)
    }
    return { ...balance, spendable: spendable === null ? null : formatCredits(spendable) }
  }

  /** What a wallet that pays for itself has here, in credits: paid ahead, and left in open channels. */
  async #paidHere(): Promise<string | null> {
    const { wallet, policy } = this.#principal
    const { payments } = this.#context
    if (wallet === null || policy.budget !== null || payments === null) return null
    const { channels, credit } = (await payments.desk()).ofPayer(wallet)
    const open = channels.filter(({ state }) => state === 'open')
    const left = open.reduce(
      (sum, { deposit, consumed, reserved }) => sum + deposit - consumed - reserved,
      credit,
    )
    return formatCredits(left)
  }

  receipts(limit: number): Promise<ReceiptView[]> {
    return receiptsOf(this.#context.node, this.#principal, limit)
  }

  async receipt(cid: string): Promise<ReceiptView> {
    return receiptView(await receiptOf(this.#context.node, cid, this.#principal))
  }

  async verifyReceipt(receipt: string, signal: AbortSignal): Promise<CheckedReceiptView> {
    if (!this.#seesAll) await this.receipt(receipt)
    const check = disputeHandlers(this.#context.node).verifyReceipt
    const parameters = { receipt, evidence: null, export: false }
    return (await check(parameters, () => {}, signal)) as CheckedReceiptView
  }

  learning(): Promise<LearningView> {
    return learningView(this.#context.node.parts.learner)
  }

  async status(): Promise<StatusView | ReturnType<typeof publicStatus>> {
    const status = statusView(this.#context.node)
    return this.#seesAll ? status : publicStatus(status)
  }

  get #principal(): Principal {
    return this.#caller()
  }

  get #seesAll(): boolean {
    return seesAll(this.#principal)
  }

  async #purse(channelId: string | null): Promise<Purse> {
    return this.#context.accounts.purseOf(this.#principal, { channelId })
  }
}

function rightsOf({ tenant, scopes }: Principal): ReadonlySet<McpRight> {
  const rights = new Set<McpRight>()
  if (scopes.has('look')) rights.add('look')
  if (scopes.has('look') && seesAll({ tenant, scopes })) rights.add('own')
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
