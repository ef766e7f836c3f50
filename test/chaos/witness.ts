import assert from 'node:assert/strict'
import type { TaskEventView } from '../../node/gateway/views.ts'
import { coveredTokens, owedFor } from '../../node/tasks/metering.ts'
import { parseCredits, type TokenPrice } from '../../protocol/money.ts'

/** What the requester told of one attempt, up to its end or to a death. */
export interface WitnessedAttempt {
  taskId: string
  attempt: number
  channelId: string | null
  promptTokens: number
  outputTokens: number
  /** Base units this task had paid, and the channel's total with it. */
  paid: bigint
  cumulative: bigint
  /** The receipt the requester countersigned. */
  receipt: string | null
}

/** Writes down what a requester tells of one task, and checks at each word that neither side is ahead of the other. */
export class TaskWitness {
  readonly attempts: WitnessedAttempt[] = []
  readonly #terms: { price: TokenPrice; creditWindowTokens: number }
  #taskId = ''

  constructor(terms: { price: TokenPrice; creditWindowTokens: number }) {
    this.#terms = terms
  }

  hear(event: TaskEventView): void {
    if (event.type === 'started') this.#taskId = event.taskId
    else if (event.type === 'chosen') this.#begin(event.attempt)
    else if (event.type === 'channel') this.#last.channelId = event.channelId
    else if (event.type === 'accepted') this.#last.promptTokens = event.promptTokens
    else if (event.type === 'output') {
      this.#last.outputTokens += event.tokens
      this.#checkExposure()
    } else if (event.type === 'payment') {
      this.#last.paid = parseCredits(event.taskAmount)
      this.#last.cumulative = parseCredits(event.cumulativeAmount)
      this.#checkExposure()
    } else if (event.type === 'receipt') this.#last.receipt = event.receipt
  }

  #begin(attempt: number): void {
    this.attempts.push({
      taskId: this.#taskId,
      attempt,
      channelId: null,
      promptTokens: 0,
      outputTokens: 0,
      paid: 0n,
      cumulative: 0n,
      receipt: null,
    })
  }

  get #last(): WitnessedAttempt {
    return this.attempts.at(-1)!
  }

  #checkExposure(): void {
    const { promptTokens, outputTokens, paid } = this.#last
    const { price, creditWindowTokens } = this.#terms
    const received = promptTokens + outputTokens
    assert.ok(paid <= owedFor(price, { promptTokens, outputTokens }), 'no token is paid before it came')
    if (outputTokens === 0) return
    assert.ok(
      received <= coveredTokens(price, promptTokens, paid) + creditWindowTokens,
      'the provider is never more than the credit window ahead',
    )
  }
}
