import { costRoundedUp, maxAmount } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { ShoalNode, TradeParts } from '../../node.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayReply, GatewayRequest } from '../http/plugin.ts'
import { type Principal, SCOPES_OF_ROLE, type TenantPolicy } from '../http/principal.ts'
import type { Purse } from '../http/purse.ts'
import type { PayingGuest, PaymentAccess } from './payment-access.ts'
import { PaymentDesk } from './payment-desk.ts'
import { X402Purse } from './x402-purse.ts'

export interface PaymentsModules {
  node: ShoalNode
  clock: Clock
  log: Logger
}

/** Strangers run in a tenant of their own, that keeps nothing. */
const GUEST_TENANT = 'guest'
const GUEST_POLICY: TenantPolicy = {
  models: null,
  maxPricePerRequest: null,
  dataClass: null,
  strategies: null,
  requestsPerMinute: 60,
  concurrent: 64,
  budget: null,
}
const GUEST: Principal = {
  subject: 'guest',
  tenant: GUEST_TENANT,
  role: 'user',
  // What is paid is an answer: nothing of the node is shown.
  scopes: new Set(SCOPES_OF_ROLE.user.filter(scope => scope === 'infer')),
  via: 'payment',
  wallet: null,
  policy: GUEST_POLICY,
}
const WINDOW_TOKENS = 64
const REPRICE_EVERY_MS = 10_000

/** Payments of the door: there from its start, at work once the chain has answered. */
export class Payments implements PaymentAccess {
  readonly #modules: PaymentsModules
  #desk: PaymentDesk | null = null
  #starting: Promise<void> | null = null
  #stopped = false
  #window: { amount: bigint; untilMs: number } | null = null

  constructor(modules: PaymentsModules) {
    this.#modules = modules
  }

  /** Begins with the books, once the chain has answered. Idempotent. */
  start(): Promise<void> {
    const trade = this.#modules.node.tradeOrNull
    if (trade === null || this.#stopped) return Promise.resolve()
    this.#starting ??= this.#start(trade)
    return this.#starting
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#starting?.catch(() => {})
    this.#desk?.stop()
  }

  /** Null while the chain has not answered. */
  async deskOrNull(): Promise<PaymentDesk | null> {
    await this.start()
    return this.#desk
  }

  /** @throws {GatewayError} GATEWAY_BUSY while the chain has not answered */
  async desk(): Promise<PaymentDesk> {
    const desk = await this.deskOrNull()
    if (desk !== null) return desk
    throw new GatewayError('GATEWAY_BUSY', 'the chain has not answered yet: nothing can be paid', {
      headers: { 'retry-after': '5' },
      fix: 'Try again in a moment.',
    })
  }

  guest(request: GatewayRequest, reply: GatewayReply): PayingGuest | null {
    return { principal: GUEST, purse: new X402Purse({ request, reply, desk: () => this.desk() }) }
  }

  async purse(channelId: string | null, principal: Principal): Promise<Purse> {
    const { wallet } = principal
    const desk = await this.desk()
    if (wallet === null || (channelId !== null && !/^0x[0-9a-f]{64}$/.test(channelId))) throw nothing()
    if (channelId === null) {
      const credit = desk.ledger.account(wallet)
      if (credit === null) throw nothing()
      return { reserve: async (amount, { signal }) => credit.reserve(amount, { signal }) }
    }
    const account = await desk.adopt(channelId, wallet)
    return { reserve: async (amount, { signal }) => account.reserve(amount, { signal }) }
  }

  async #start({ economy }: TradeParts): Promise<void> {
    const { node, clock, log } = this.#modules
    const { client, publisher, payee, confirmations } = economy
    const { wallet, store } = node.parts
    const desk = new PaymentDesk(
      { minDeposit: node.config['gateway.minDeposit'], confirmations },
      { client, publisher, payee, wallet, store, clock, log, window: () => this.#creditWindow() },
    )
    try {
      await desk.start()
    } catch (error) {
      // The chain may have gone meanwhile; the next request tries again.
      this.#starting = null
      desk.stop()
      throw error
    }
    this.#desk = desk
  }

  /** Base units that a channel may owe. */
  #creditWindow(): bigint {
    const { node, clock } = this.#modules
    const set = node.config['gateway.creditWindow']
    if (set !== null) return set
    const nowMs = clock.nowMs()
    if (this.#window === null || this.#window.untilMs <= nowMs)
      this.#window = { amount: windowOf(node), untilMs: nowMs + REPRICE_EVERY_MS }
    return this.#window.amount
  }
}

/** The price of 64 tokens, at what this node asks or, where that is more, at what is asked in the middle of the market. */
function windowOf({ config, parts }: ShoalNode): bigint {
  const prices = parts.book
    .list()
    .flatMap(({ offer }) => offer.models.map(({ outputPerMillion }) => outputPerMillion))
    .sort((a, b) => (a < b ? -1 : 1))
  const outputPerMillion = maxAmount(config['price.output'], prices[prices.length >> 1] ?? 0n)
  const price = costRoundedUp(
    { inputPerMillion: 0n, outputPerMillion },
    { inputTokens: 0, outputTokens: WINDOW_TOKENS },
  )
  return (price * BigInt(1_000 + Math.round(config['gateway.markup'] * 1_000))) / 1_000n
}

function nothing(): GatewayError {
  return new GatewayError('PAYMENT_REQUIRED', 'nothing pays for this', {
    fix: 'Name a channel to this node in the header shoal-channel; POST /api/payment/open opens one.',
  })
}
