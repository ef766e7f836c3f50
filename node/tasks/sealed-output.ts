import type { Bytes32, NodeKey, TaskId } from '../../protocol/ids.ts'
import type { ProviderFrame } from '../../protocol/messages/provider-frame.ts'
import {
  NO_OUTPUT_DIGEST,
  replicaCommitment,
  runningDigest,
  sealedWindowEnd,
} from '../../protocol/replica-commitment.ts'

export type SealedFrame = Extract<ProviderFrame, { kind: 'sealed' }>
export type OpenedFrame = Extract<ProviderFrame, { kind: 'opened' }>

export interface SealedOutputOptions {
  provider: NodeKey
  taskId: TaskId
  attempt: number
  /** Tokens of the answer that were made before this attempt. */
  position: number
}

/**
 * The provider's side of a sealed answer: cuts what the engine makes into windows, commits to each when it is whole, and opens them one after
 * the other when it is told to.
 */
export class SealedOutput {
  readonly #options: SealedOutputOptions
  readonly #randomSalt: () => Bytes32
  /** Sealed and not yet opened, the oldest first. */
  readonly #sealed: OpenedFrame[] = []
  /** Made since the last window's end. */
  #tokens: number[] = []
  #text = ''
  #position: number
  #digest: Bytes32 = NO_OUTPUT_DIGEST
  #windows = 0
  #hasEnded = false

  /** @param modules.randomSalt 256 random bits, new ones each time */
  constructor(options: SealedOutputOptions, modules: { randomSalt: () => Bytes32 }) {
    this.#options = options
    this.#randomSalt = modules.randomSalt
    this.#position = options.position
  }

  /** Whether a window waits to be opened. */
  get isWaiting(): boolean {
    return this.#sealed.length > 0
  }

  /** Whether all there is has been opened, and nothing more comes. */
  get isDone(): boolean {
    return this.#hasEnded && this.#sealed.length === 0
  }

  /**
   * Takes what the engine has made.
   * @param text what of it is certain now: of tokens that come together, it belongs to the last
   * @returns a commitment for each window that has become whole
   */
  add(tokens: readonly number[], text: string): SealedFrame[] {
    const frames: SealedFrame[] = []
    for (const [index, token] of tokens.entries()) {
      this.#tokens.push(token)
      if (index === tokens.length - 1) this.#text += text
      if (this.#position + this.#tokens.length === sealedWindowEnd(this.#position))
        frames.push(this.#seal(false))
    }
    if (tokens.length === 0) this.#text += text
    return frames
  }

  /** The answer has ended. @returns the commitment to its last window */
  end(): SealedFrame {
    this.#hasEnded = true
    return this.#seal(true)
  }

  /** @returns the window's content; null unless it is the next to be opened and is sealed */
  open(window: number): OpenedFrame | null {
    return this.#sealed[0]?.window === window ? this.#sealed.shift()! : null
  }

  #seal(isLast: boolean): SealedFrame {
    const { provider, taskId, attempt } = this.#options
    const window = this.#windows++
    const [tokens, text, salt] = [this.#tokens, this.#text, this.#randomSalt()]
    this.#digest = runningDigest(this.#digest, tokens, text)
    this.#sealed.push({ kind: 'opened', window, tokens, text, salt })
    this.#position += tokens.length
    this.#tokens = []
    this.#text = ''
    const sealed = { provider, taskId, attempt, window, digest: this.#digest, salt }
    return { kind: 'sealed', window, isLast, commitment: replicaCommitment(sealed) }
  }
}
