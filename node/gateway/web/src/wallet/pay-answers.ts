import type { TokenPrice } from '../../../../../protocol/money.ts'
import { parseCredits } from '../../../../../protocol/money.ts'
import type { AnswerTerms } from './answer-meter.ts'
import type { AnswerPayment, AnswerPaymentState } from './answer-payment.ts'

/**
 * What page Ask needs to have an answer paid by the person's wallet; nothing of the wallet's code is loaded until a
 * wallet pays.
 *
 * ```ts
 * const payment = me?.via === 'session' && me.wallet !== null ? await payForAnswer(terms, show) : null
 * const response = await send('POST', '/v1/chat/completions', body, { headers: payment?.headers, signal })
 * for await (const event of readEvents(response.body)) tellPayment(payment, JSON.parse(event.data))
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

/** A chunk of `/v1/chat/completions` as far as it is about money. */
interface AnswerChunk {
  choices?: readonly { delta?: { content?: string | null } }[]
  shoal?: {
    pricePerMillion?: { input: string; output: string }
    tokens?: number
    cost?: string
  }
}

/** Tells a payment what a chunk of the stream says: price, text with its tokens, and cost, in this order. */
export function tellPayment(payment: AnswerPayment | null, chunk: AnswerChunk): void {
  if (payment === null) return
  const { shoal, choices } = chunk
  const price = shoal?.pricePerMillion
  if (price !== undefined) payment.begin(priceOf(price))
  const text = (choices ?? []).map(({ delta }) => delta?.content ?? '').join('')
  if (text !== '') payment.receive(text, shoal?.tokens ?? text.length)
  if (shoal?.cost !== undefined) payment.cost(parseCredits(shoal.cost))
}

function priceOf({ input, output }: { input: string; output: string }): TokenPrice {
  return { inputPerMillion: parseCredits(input), outputPerMillion: parseCredits(output) }
}
