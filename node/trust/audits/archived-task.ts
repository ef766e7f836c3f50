import type { CidString } from '../../../protocol/ids.ts'
import type { Countersignature } from '../../../protocol/messages/countersignature.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import type { SignedRecord } from '../../../protocol/signed.ts'

/** What the provider's offer said when the task was given to it. */
export interface TaskTerms {
  /** What the task was paid by. */
  price: TokenPrice
  /** Tokens one sequence of the provider can hold, prompt and output together; 0 where it is not known. */
  contextTokens: number
}

/** A task whose receipt we have countersigned, with all its receipt commits to. */
export interface AcceptedTask {
  record: SignedRecord<Receipt>
  countersignature: SignedRecord<Countersignature>
  /** As it was sent to this provider. */
  request: TaskRequest
  /** What the provider delivered: `outputDigest(tokens, text)` is the receipt's `output`. */
  tokens: readonly number[]
  text: string
  terms: TaskTerms
}

/** What is kept of it, so that it can be audited, disputed or verified later by whoever is shown it. */
export interface ArchivedTask {
  /** CID of the provider's signed receipt record. */
  cid: CidString
  receipt: Receipt
  /** The provider's signed receipt, and our signed countersignature. */
  record: Uint8Array
  countersignature: Uint8Array
  /** The request frame as it was sent: its CID is the receipt's `request`. */
  requestFrame: Uint8Array
  request: TaskRequest
  tokens: readonly number[]
  text: string
  terms: TaskTerms
}
