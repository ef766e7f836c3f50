import { formatCredits, maxAmount, minAmount } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { ShoalNode } from '../../node.ts'
import type { AskOptions } from '../../tasks/ask.ts'
import { GatewayError } from '../http/http-error.ts'
import { OWNER_TENANT } from '../http/principal.ts'
import type { Reservation } from '../http/purse.ts'
import type { CanonicalRequest } from './canonical-request.ts'
import { type ChoiceResult, ChoiceRun } from './choice-run.ts'
import type {
  InferenceEvent,
  InferenceOptions,
  InferenceResult,
  InferenceService,
  ShoalInfo,
} from './inference-service.ts'
import { chosenModel } from './model-choice.ts'
import { SpendMeter, withoutMarkup } from './spend-meter.ts'
import { providerFrom, seeded, taskOptions } from './task-options.ts'

export interface NetworkInferenceModules {
  node: ShoalNode
  clock: Clock
  /** Fires when the gateway stops. */
  stopping: AbortSignal
}

/** Answers that a request may want. */
const MAX_CHOICES = 8
/** Whoever is worth asking is among so many. */
const QUOTED_CANDIDATES = 8
/** A payer that owes is waited for so long; providers wait for us a little longer. */
const PAYMENT_WAIT_MS = 10_000

/** Has requests done by the node's requester: by peers, the own engine, or cloud services. */
export class NetworkInference implements InferenceService {
  readonly #modules: NetworkInferenceModules
  #running = 0

  constructor(modules: NetworkInferenceModules) {
    this.#modules = modules
  }

  /** Requests being worked on. */
  get running(): number {
    return this.#running
  }

  async run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    const { config } = this.#modules.node
    if (this.#modules.stopping.aborted)
      throw new GatewayError('GATEWAY_STOPPING', 'the node is being stopped')
    if (this.#running >= config['gateway.maxRunning']) {
      throw new GatewayError('GATEWAY_BUSY', 'as many requests as this node takes are being worked on', {
        headers: { 'retry-after': '1' },
        fix: 'Try again in a moment.',
      })
    }
    this.#running++
    try {
      return await this.#run(request, options)
    } finally {
      this.#running--
    }
  }

  async #run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    const { principal, purse, onEvent } = options
    const { node, stopping } = this.#modules
    const { requester } = node.trade
    const { config } = node
    if (!Number.isInteger(request.n) || request.n < 1 || request.n > MAX_CHOICES) {
      throw new GatewayError('REQUEST_INVALID', `n is a number from 1 to ${MAX_CHOICES}`, { param: 'n' })
    }
    const model = chosenModel(request.model, { models: node.parts.index, policy: principal.policy })
    const ask = taskOptions(request, { model, config, policy: principal.policy })
    const isOwner = principal.tenant === OWNER_TENANT && purse.isUnmetered === true
    const markup = isOwner ? 0 : config['gateway.markup']
    const wanted = smallest(request.shoal.maxPrice, principal.policy.maxPricePerRequest)
    const cap = wanted ?? (purse.isUnmetered ? null : this.#quote(ask, request.n, markup))
    const signals = AbortSignal.any([options.signal, stopping])
    const reservation = await purse.reserve(cap ?? 0n, { signal: signals })
    const meter = new SpendMeter({
      markup,
      ownPrice: isOwner ? null : id => node.parts.desk.pricing.terms(id),
    })
    const unpaid = new AbortController()
    const signal = AbortSignal.any([signals, unpaid.signal])
    const limit = cap === null ? null : minAmount(cap, purse.isUnmetered ? cap : reservation.limit)
    try {
      const maxPrice = limit === null ? null : withoutMarkup(limit, markup) / BigInt(request.n)
      const preferred = this.#preferred(ask, request.shoal.preferredProvider)
      const runs = Array.from({ length: request.n }, (_, choice) => {
        const run = new ChoiceRun(
          {
            ask: {
              ...ask,
              ...preferred,
              tenant: principal.tenant,
              maxPrice,
              sampling: seeded(ask, request.seed, choice),
            },
            tools: request.tools,
            toolChoice: request.toolChoice,
            cover: async spending => {
              meter.spending(choice, spending)
              const { total } = meter
              onEvent(choice, { type: 'cost', amount: total })
              if (purse.isUnmetered === true || signal.aborted) return
              if (limit !== null && total > limit) unpaid.abort()
              else await this.#covered(reservation, total, signal).catch(() => unpaid.abort())
            },
          },
          { requester, clock: this.#modules.clock, onEvent: event => onEvent(choice, billed(event, meter)) },
        )
        return run
      })
      const choices = await allOrNone(runs, signal)
      for (const [choice, { paid }] of choices.entries()) meter.paid(choice, paid)
      if (purse.isUnmetered !== true) await reservation.spent(meter.total).catch(() => {})
      this.#refuseEmpty(choices, { isUnpaid: unpaid.signal.aborted })
      return this.#result(choices, meter.total, { isUnpaid: unpaid.signal.aborted })
    } finally {
      await reservation.settle(limit === null ? meter.total : minAmount(meter.total, limit))
    }
  }

  /** Who was stopped before anything had come is told why: an empty answer would say that there is none. */
  #refuseEmpty(choices: readonly ChoiceResult[], { isUnpaid }: { isUnpaid: boolean }): void {
    const isEmpty = choices.every(({ choice }) => choice.text === '' && choice.toolCalls.length === 0)
    if (!isEmpty || choices.every(({ ended }) => ended === 'complete')) return
    if (isUnpaid) {
      throw new GatewayError('PAYMENT_REQUIRED', 'nothing was paid before the first token', {
        fix: 'Send a voucher that covers what the answer has cost so far, or raise the budget.',
      })
    }
    if (this.#modules.stopping.aborted)
      throw new GatewayError('GATEWAY_STOPPING', 'the node is being stopped')
    throw new GatewayError('CLIENT_GONE', 'the request was given up')
  }

  /** The most a request can cost at those who are likeliest to do it, base units. */
  #quote(ask: Omit<AskOptions, 'maxPrice'>, n: number, markup: number): bigint {
    const { node } = this.#modules
    const { candidates } = node.trade.requester.rank({ ...ask, maxPrice: null })
    let worst = 0n
    for (const { prediction, provider, model } of candidates.slice(0, QUOTED_CANDIDATES)) {
      worst = maxAmount(worst, prediction.worstCost)
      if (provider !== 'local') continue
      const own = node.parts.desk.pricing.terms(model.model)
      const inputTokens = BigInt(model.contextTokens)
      worst = maxAmount(
        worst,
        (own.inputPerMillion * inputTokens + own.outputPerMillion * BigInt(ask.maxTokens)) / 1_000_000n + 1n,
      )
    }
    return (worst * BigInt(n) * BigInt(1_000 + Math.round(markup * 1_000)) + 999n) / 1_000n
  }

  /** @throws whatever `spent` throws, or when it takes too long */
  async #covered(reservation: Reservation, total: bigint, signal: AbortSignal): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<void>()
    const timer = this.#modules.clock.setTimer(
      () => reject(new GatewayError('PAYMENT_REQUIRED', 'nothing more has been paid')),
      PAYMENT_WAIT_MS,
    )
    const gone = Promise.withResolvers<void>()
    const onGone = () => gone.resolve()
    signal.addEventListener('abort', onGone, { once: true })
    try {
      await Promise.race([reservation.spent(total), late, gone.promise])
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', onGone)
    }
  }

  #preferred(ask: Omit<AskOptions, 'maxPrice'>, wanted: string | null): Pick<AskOptions, 'preferred'> {
    if (wanted === null) return {}
    const provider = providerFrom(wanted)
    const { candidates } = this.#modules.node.trade.requester.rank({ ...ask, maxPrice: null })
    const candidate = candidates.find(each => each.provider === provider)
    return candidate === undefined ? {} : { preferred: candidate }
  }

  #result(
    choices: readonly ChoiceResult[],
    total: bigint,
    { isUnpaid }: { isUnpaid: boolean },
  ): InferenceResult {
    const sum = (of: (choice: ChoiceResult) => number) => choices.reduce((all, choice) => all + of(choice), 0)
    const last = choices.at(-1)!
    const ended = isUnpaid
      ? 'unpaid'
      : (choices.find(choice => choice.ended !== 'complete')?.ended ?? 'complete')
    const shoal: ShoalInfo = {
      taskIds: choices.map(({ taskId }) => taskId),
      provider: last.provider,
      model: last.model,
      cost: formatCredits(total),
      receipts: choices.flatMap(({ receipts }) => receipts),
      attempts: sum(({ attempts }) => attempts),
      ended,
    }
    return {
      choices: choices.map(({ choice }) => choice),
      usage: {
        promptTokens: Math.max(...choices.map(({ promptTokens }) => promptTokens)),
        outputTokens: sum(({ outputTokens }) => outputTokens),
      },
      shoal,
    }
  }
}

/** All choices, or the first error once none of them runs any more. */
async function allOrNone(runs: readonly ChoiceRun[], signal: AbortSignal): Promise<ChoiceResult[]> {
  if (runs.length === 1) return [await runs[0]!.run(signal)]
  const failed = new AbortController()
  const all = AbortSignal.any([signal, failed.signal])
  const ended = await Promise.allSettled(
    runs.map(run =>
      run.run(all).catch((error: unknown) => {
        if (!failed.signal.aborted) failed.abort(error)
        throw error
      }),
    ),
  )
  if (failed.signal.aborted) throw failed.signal.reason
  return ended.map(each => (each as PromiseFulfilledResult<ChoiceResult>).value)
}

/** The price that is told is the one that is billed. */
function billed(event: InferenceEvent, meter: SpendMeter): InferenceEvent {
  if (event.type !== 'provider') return event
  return { ...event, pricePerMillion: meter.price(event.provider, event.model, event.pricePerMillion) }
}

function smallest(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null) return b
  return b === null ? a : minAmount(a, b)
}
