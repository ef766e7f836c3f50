import type { ChainBlock } from './client.ts'

/** Randomness that nobody knows beforehand and everybody can look up afterwards. */
export interface Beacon {
  /**
   * The first block whose time is later than `timeMs`; null while there is none that counts.
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  after(timeMs: number): Promise<ChainBlock | null>
  /** A block that counts, by its number; null where there is none. @throws {ChainError} CHAIN_UNREACHABLE */
  at(block: number): Promise<ChainBlock | null>
}

const MAX_CACHED = 256

/**
 * The hashes of blocks as a beacon. Blocks count once they have enough confirmations, so that none is taken back. Where nothing is sent no
 * block is made (an embedded chain): then there is none until somebody sends something, as every node does that anchors its
 * log or settles; who waits has to bound its patience itself.
 */
export class BlockBeacon implements Beacon {
  readonly #confirmations: number
  readonly #client: { blockNumber(): Promise<number>; block(number: number): Promise<ChainBlock | null> }
  readonly #known = new Map<number, ChainBlock>()

  /** @param options.confirmations blocks from which on a block counts, itself among them: 1 takes the latest */
  constructor(
    options: { confirmations: number },
    modules: {
      client: { blockNumber(): Promise<number>; block(number: number): Promise<ChainBlock | null> }
    },
  ) {
    this.#confirmations = options.confirmations
    this.#client = modules.client
  }

  async after(timeMs: number): Promise<ChainBlock | null> {
    const last = await this.#last()
    let found = await this.#block(last)
    if (found === null || found.timeMs <= timeMs) return null
    // Times rise with the numbers: backwards by leaps that double, then by halves.
    let before = -1
    for (let leap = 1; found.number > 0; leap *= 2) {
      const earlier = await this.#block(Math.max(0, found.number - leap))
      if (earlier === null) return null
      if (earlier.timeMs <= timeMs) {
        before = earlier.number
        break
      }
      found = earlier
    }
    while (found.number - before > 1) {
      const middle = await this.#block(Math.floor((found.number + before) / 2))
      if (middle === null) return null
      if (middle.timeMs > timeMs) found = middle
      else before = middle.number
    }
    return found
  }

  async at(block: number): Promise<ChainBlock | null> {
    return block > (await this.#last()) ? null : this.#block(block)
  }

  async #last(): Promise<number> {
    return (await this.#client.blockNumber()) - this.#confirmations + 1
  }

  async #block(number: number): Promise<ChainBlock | null> {
    if (number < 0) return null
    const known = this.#known.get(number)
    if (known !== undefined) return known
    const block = await this.#client.block(number)
    if (block === null) return null
    this.#known.set(number, block)
    if (this.#known.size > MAX_CACHED) this.#known.delete(this.#known.keys().next().value!)
    return block
  }
}
