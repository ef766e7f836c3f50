import type { TokenPrice } from '../../../../../protocol/money.ts'

/** Pays for one answer while it streams, from the person's own wallet. */
export interface AnswerPayer {
  /** Sent with the question. */
  readonly headers: Record<string, string>
  /** Fires when no more is paid; `failure` says why. */
  readonly signal: AbortSignal
  readonly failure: Error | null
  begin(price: TokenPrice): void
  receive(text: string, tokens: number): void
  /** @param claimed base units the answer has cost so far, as the node says */
  cost(claimed: bigint): void
  /** Waits until what is due has been paid; never throws. */
  end(): Promise<unknown>
}

export interface PayerTerms {
  /** All texts of the prompt, as they are sent. */
  prompt: readonly string[]
  /** Base units the person wants to pay at most; null leaves it to the channel. */
  maxPrice: bigint | null
}

/** @returns null where nothing has to be paid from here: the node, or its tenant's budget, does */
export type MakePayer = (terms: PayerTerms) => Promise<AnswerPayer | null>

let load: (() => Promise<MakePayer>) | null = null

/** The wallet says how answers are paid for; its code is loaded when there is something to pay. */
export function providePayer(loader: () => Promise<MakePayer>): void {
  load = loader
}

/** Who pays for an answer; null where the page need not. */
export async function payerFor(terms: PayerTerms): Promise<AnswerPayer | null> {
  return load === null ? null : (await load())(terms)
}
