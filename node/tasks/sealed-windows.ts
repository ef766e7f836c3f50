import type { Bytes32, NodeKey, TaskId } from '../../protocol/ids.ts'
import {
  NO_OUTPUT_DIGEST,
  replicaCommitment,
  runningDigest,
  sealedWindowEnd,
} from '../../protocol/replica-commitment.ts'
import type { OpenedFrame, SealedFrame } from './sealed-output.ts'

export interface SealedWindowsOptions {
  provider: NodeKey
  taskId: TaskId
  attempt: number
  /** Tokens of the answer that were made before this attempt, and that may still come. */
  position: number
  maxTokens: number
}

/** A window that a replica has committed to. */
export interface SealedWindow {
  window: number
  /** Where it ends at most, in tokens from the answer's start. */
  end: number
  isLast: boolean
}

interface Pending extends SealedWindow {
  commitment: Bytes32
}

/**
 * The requester's side of one replica's sealed answer: takes commitments in their order, says which window may be asked for, and
 * holds what is opened against what was committed to.
 */
export class SealedWindows {
  readonly #options: SealedWindowsOptions
  /** Sealed and not yet opened, the oldest first; the first `#asked` of them have been asked for. */
  readonly #pending: Pending[] = []
  #asked = 0
  #sealedTo: number
  #openedTo: number
  #next = 0
  #digest: Bytes32 = NO_OUTPUT_DIGEST
  #hasLast = false

  constructor(options: SealedWindowsOptions) {
    this.#options = options
    this.#sealedTo = options.position
    this.#openedTo = options.position
  }

  /** Windows sealed that nobody has asked for yet. */
  get unasked(): number {
    return this.#pending.length - this.#asked
  }

  /** Whether a window was asked for and is still closed. */
  get isOwed(): boolean {
    return this.#asked > 0
  }

  /** Whether the whole answer has been opened. */
  get isDone(): boolean {
    return this.#hasLast && this.#pending.length === 0
  }

  /** @returns the window; null where there can be none, out of turn or beyond the end */
  seal({ window, isLast, commitment }: SealedFrame): SealedWindow | null {
    const { position, maxTokens } = this.#options
    const limit = position + maxTokens
    const end = sealedWindowEnd(this.#sealedTo)
    if (this.#hasLast || window !== this.#next || (!isLast && end > limit)) return null
    this.#next++
    this.#hasLast = isLast
    const pending = { window, end: Math.min(end, limit), isLast, commitment }
    this.#pending.push(pending)
    this.#sealedTo = end
    return pending
  }

  /** The next window is asked for. @returns its number; null where none is sealed that was not asked for */
  ask(): number | null {
    const next = this.#pending[this.#asked]
    if (next === undefined) return null
    this.#asked++
    return next.window
  }

  /** @returns whether this is what was committed to, opened because it was asked for */
  open({ window, tokens, text, salt }: OpenedFrame): boolean {
    const { provider, taskId, attempt } = this.#options
    const pending = this.#pending[0]
    if (pending === undefined || this.#asked === 0 || pending.window !== window) return false
    const { isLast, end, commitment } = pending
    const count = end - this.#openedTo
    if (isLast ? tokens.length > count : tokens.length !== count) return false
    const digest = runningDigest(this.#digest, tokens, text)
    if (replicaCommitment({ provider, taskId, attempt, window, digest, salt }) !== commitment) return false
    this.#pending.shift()
    this.#asked--
    this.#digest = digest
    this.#openedTo += tokens.length
    return true
  }
}
