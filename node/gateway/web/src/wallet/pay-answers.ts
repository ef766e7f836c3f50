import { parseCredits } from '../../../../../protocol/money.ts'
import type { AskEventView } from '../../../api/ask.ts'
import type { AnswerTerms } from './answer-meter.ts'
import type { AnswerPayment, AnswerPaymentState } from './answer-payment.ts'

/**
 * What page Ask needs to have an answer paid by the person's wallet; nothing of the wallet's code is loaded until a
 * wallet pays.
 *
 * ```ts
 * const payment = me?.via === 'session' && me.wallet !== null ? await payForAnswer(terms, show) : null
 * const response = await send('POST', '/api/ask', body, { headers: payment?.headers ?? {}, signal })
 * for await (const { data } of readEvents(response.body)) tellPayment(payment, JSON.parse(data))
 * await payment?.end()
 * ```
 * Join `payment.signal` to the request's: it aborts when the answer must not go on, and `payment.failure` says why.
 */
export async function payForAnswer(
  terms: AnswerTerms,
  onChange?: (state: AnswerPaymentState) => void,
): Promise<AnswerPayment | null> {
  const { browserWallet } = await import('./browser-wallet.ts')
  const wallet = await browserWallet()
  if (wallet.state.channels === null) await wallet.refresh()
  return wallet.payFor(terms, onChange)
}

/** Tells a payment an event of the answer's stream: its price, its text, what it has cost so far. */
export function tellPayment(payment: AnswerPayment | null, event: AskEventView): void {
  if (payment === null) return
  switch (event.type) {
    case 'provider':
      payment.begin({
        inputPerMillion: parseCredits(event.inputPerMillion),
        outputPerMillion: parseCredits(event.outputPerMillion),
      })
      return
    case 'text':
      payment.receive(event.text, event.tokens)
      return
    case 'cost':
      payment.cost(parseCredits(event.amount))
      return
    case 'done':
      payment.cost(parseCredits(event.cost))
      return
    default:
  }
}
