import { utf8Length } from '../../../protocol/codec.ts'
import type { CidString, TaskId } from '../../../protocol/ids.ts'
import { MAX_EMBEDDED_TEXTS, MAX_TASK_FRAME_BYTES, MAX_TEXT_BYTES } from '../../../protocol/limits.ts'
import type { Preferences } from '../../market/preferences.ts'
import type { TaskEvent } from '../../tasks/ask.ts'
import type { Requester } from '../../tasks/requester.ts'
import { seedFrom } from '../ask-options.ts'
import { GatewayError } from '../http/http-error.ts'
import { peerIdOf } from '../views.ts'
import type { Bill, UncappedAsk } from './bill.ts'
import type { EmbeddingRequest, InferenceEvent } from './inference-service.ts'

/** Of a request's frame, what texts may take: what is around them has room beside. */
const MAX_INPUT_BYTES = MAX_TASK_FRAME_BYTES - 65_536

/**
 * The tasks that embed a request's texts, each with as many as one takes.
 * @throws {GatewayError} REQUEST_INVALID for a text that is empty or too long, or none at all
 */
export function embeddingAsks(
  { inputs, shoal }: EmbeddingRequest,
  { model, preferences }: { model: string | null; preferences: Preferences },
): UncappedAsk[] {
  if (inputs.length === 0)
    throw new GatewayError('REQUEST_INVALID', 'there is no text to embed', { param: 'input' })
  const parts: string[][] = []
  let bytes = MAX_INPUT_BYTES
  for (const [i, text] of inputs.entries()) {
    const length = utf8Length(text)
    if (length === 0 || length > MAX_TEXT_BYTES) {
      throw new GatewayError('REQUEST_INVALID', `input ${i} is ${length === 0 ? 'empty' : 'too long'}`, {
        param: 'input',
        fix: `Send texts of 1 to ${MAX_TEXT_BYTES} bytes.`,
      })
    }
    if (bytes + length > MAX_INPUT_BYTES || parts.at(-1)!.length === MAX_EMBEDDED_TEXTS) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(text)
    bytes += length
  }
  return parts.map(texts => ({
    ...{ input: { kind: 'embedding', inputs: texts }, model, maxTokens: 1, stop: [], jsonSchema: null },
    sampling: { temperature: 0, topP: 1, minP: 0, topK: 0, ...seedFrom(null) },
    preferences,
    ...(shoal.taskClass === null ? {} : { taskClass: shoal.taskClass }),
  }))
}

export interface Embedded {
  vectors: Float32Array[]
  promptTokens: number
  taskIds: TaskId[]
  provider: string
  model: string
  receipts: CidString[]
  attempts: number
}

/** Embeds a request's texts, one task after the other: the first settles the model, since vectors of two do not compare. */
export class EmbeddingTasks {
  readonly #asks: readonly UncappedAsk[]
  readonly #requester: Pick<Requester, 'ask'>
  readonly #bill: Bill
  readonly #onEvent: (event: InferenceEvent) => void
  readonly #done: Embedded = {
    ...{ vectors: [], promptTokens: 0, taskIds: [], provider: '', model: '', receipts: [], attempts: 0 },
  }

  constructor(
    options: { asks: readonly UncappedAsk[] },
    modules: {
      requester: Pick<Requester, 'ask'>
      bill: Bill
      onEvent: (event: InferenceEvent) => void
    },
  ) {
    this.#asks = options.asks
    this.#requester = modules.requester
    this.#bill = modules.bill
    this.#onEvent = modules.onEvent
  }

  /**
   * @returns all vectors, or none where it was stopped before the last
   * @throws {TaskError} as `Requester.ask`
   */
  async run(): Promise<Embedded> {
    const bill = this.#bill
    const done = this.#done
    for (const [task, ask] of this.#asks.entries()) {
      const result = await this.#requester.ask(
        {
          ...ask,
          ...(done.model === '' ? {} : { model: done.model }),
          ...{ maxPrice: bill.left, cover: bill.coverOf(task) },
        },
        event => this.#take(event),
        bill.signal,
      )
      bill.paid(task, result.paid)
      done.promptTokens += result.promptTokens
      done.attempts += result.attempts
      done.taskIds.push(result.taskId)
      done.provider = peerIdOf(result.provider)
      done.model = result.model
      if (result.vectors === undefined) return { ...done, vectors: [] }
      done.vectors.push(...result.vectors)
    }
    return done
  }

  #take(event: TaskEvent): void {
    if (event.type === 'started') this.#onEvent({ type: 'started', taskId: event.taskId })
    else if (event.type === 'chosen') {
      const { provider, model } = event.candidate
      this.#onEvent({
        ...{ type: 'provider', provider: peerIdOf(provider), model: model.model },
        pricePerMillion: { input: model.inputPerMillion, output: model.outputPerMillion },
      })
    } else if (event.type === 'receipt') {
      this.#done.receipts.push(event.record.cid)
      this.#onEvent({ type: 'receipt', cid: event.record.cid })
    }
  }
}
