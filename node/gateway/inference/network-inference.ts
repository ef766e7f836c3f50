import { formatCredits } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { ShoalNode } from '../../node.ts'
import type { AskOptions } from '../../tasks/ask.ts'
import { GatewayError } from '../http/http-error.ts'
import { Bill, type UncappedAsk } from './bill.ts'
import type { CanonicalRequest } from './canonical-request.ts'
import { type ChoiceResult, ChoiceRun } from './choice-run.ts'
import { EmbeddingTasks, embeddingAsks } from './embedding-tasks.ts'
import type {
  EmbeddingRequest,
  EmbeddingResult,
  InferenceOptions,
  InferenceResult,
  InferenceService,
  ShoalInfo,
} from './inference-service.ts'
import { chosenModel } from './model-choice.ts'
import { preferencesOf, providerFrom, seeded, taskOptions } from './task-options.ts'
import { unitVector } from './unit-vector.ts'

export interface NetworkInferenceModules {
  node: ShoalNode
  clock: Clock
  /** Fires when the gateway stops. */
  stopping: AbortSignal
}

/** Answers that a request may want. */
const MAX_CHOICES = 8

/** Has requests done by the node's requester: by peers, the own engine, or cloud services. */
export class NetworkInference implements InferenceService {
  readonly #modules: NetworkInferenceModules
  /** Requests being worked on. */
  #running = 0

  constructor(modules: NetworkInferenceModules) {
    this.#modules = modules
  }

  run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    return this.#admitted(() => this.#run(request, options))
  }

  embed(request: EmbeddingRequest, options: InferenceOptions): Promise<EmbeddingResult> {
    return this.#admitted(() => this.#embed(request, options))
  }

  async #admitted<T>(work: () => Promise<T>): Promise<T> {
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
      return await work()
    } finally {
      this.#running--
    }
  }

  async #run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    const { principal, onEvent } = options
    const { node } = this.#modules
    const { requester } = node.trade
    const { config } = node
    if (!Number.isInteger(request.n) || request.n < 1 || request.n > MAX_CHOICES) {
      throw new GatewayError('REQUEST_INVALID', `n is a number from 1 to ${MAX_CHOICES}`, { param: 'n' })
    }
    const model = chosenModel(request.model, { models: node.parts.index, policy: principal.policy })
    const ask = taskOptions(request, { model, config, policy: principal.policy })
    const asks = new Array<UncappedAsk>(request.n).fill(ask)
    const bill = await Bill.open({ ...options, asks, shoal: request.shoal }, this.#modules)
    try {
      const maxPrice = bill.left === null ? null : bill.left / BigInt(request.n)
      const preferred = this.#preferred(ask, request.shoal.preferredProvider)
      const runs = Array.from(
        { length: request.n },
        (_, choice) =>
          new ChoiceRun(
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
              cover: bill.coverOf(choice),
            },
            { requester, onEvent: event => onEvent(choice, bill.told(event)) },
          ),
      )
      const choices = await allOrNone(runs, bill.signal)
      for (const [choice, { paid }] of choices.entries()) bill.paid(choice, paid)
      await bill.ask()
      const isEmpty = choices.every(({ choice }) => choice.text === '' && choice.toolCalls.length === 0)
      if (isEmpty && choices.some(({ ended }) => ended !== 'complete')) throw this.#stopped(bill)
      return await bill.settled(this.#result(choices, bill.total, bill))
    } finally {
      await bill.settle()
    }
  }

  async #embed(request: EmbeddingRequest, options: InferenceOptions): Promise<EmbeddingResult> {
    const { principal, onEvent } = options
    const { node } = this.#modules
    const { config } = node
    const model = chosenModel(request.model, { models: node.parts.index, policy: principal.policy })
    const preferences = preferencesOf(request, config, principal.policy)
    if (preferences.slaClass !== 'B') {
      throw new GatewayError('MODEL_CANNOT', 'vectors of several providers differ in their last bits', {
        param: 'shoal.slaClass',
        fix: 'Embed in the SLA class B.',
      })
    }
    const asks = embeddingAsks(request, { model, preferences })
    const bill = await Bill.open({ ...options, asks, shoal: request.shoal }, this.#modules)
    try {
      const preferred = this.#preferred(asks[0]!, request.shoal.preferredProvider)
      const run = new EmbeddingTasks(
        { asks: asks.map(ask => ({ ...ask, ...preferred, tenant: principal.tenant })) },
        { requester: node.trade.requester, bill, onEvent: event => onEvent(0, event) },
      )
      const done = await run.run()
      await bill.ask()
      if (done.vectors.length === 0) throw this.#stopped(bill)
      const { vectors, promptTokens, ...shoal } = done
      return await bill.settled({
        vectors: vectors.map(unitVector),
        usage: { promptTokens },
        shoal: { ...shoal, cost: formatCredits(bill.total), ended: 'complete' },
      })
    } finally {
      await bill.settle()
    }
  }

  /** Who was stopped before anything had come is told why: an empty answer would say that there is none. */
  #stopped({ isUnpaid }: Bill): GatewayError {
    if (isUnpaid) {
      return new GatewayError('PAYMENT_REQUIRED', 'nothing was paid before the first token', {
        fix: 'Send a voucher that covers what the answer has cost so far, or raise the budget.',
      })
    }
    if (this.#modules.stopping.aborted)
      return new GatewayError('GATEWAY_STOPPING', 'the node is being stopped')
    return new GatewayError('CLIENT_GONE', 'the request was given up')
  }

  #preferred(ask: UncappedAsk, wanted: string | null): Pick<AskOptions, 'preferred'> {
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
