import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Logger } from '../../log.ts'
import { revealOf } from './proposal-check.ts'
import { isOpened } from './round-machine.ts'
import type { RoundState } from './round-state.ts'
import type { RevealedUpdate, RoundBlobs, ValidationText } from './seams.ts'

/** Blobs fetched at once. */
const LANES = 4

/** Gets what was revealed in a round from whoever has it. */
export class Gathering {
  readonly #blobs: RoundBlobs
  readonly #log: Logger

  constructor(modules: { blobs: RoundBlobs; log: Logger }) {
    this.#blobs = modules.blobs
    this.#log = modules.log
  }

  /** The files of updates, null for those that nobody gives. */
  async updates(
    state: RoundState,
    updates: readonly CidString[],
    signal: AbortSignal,
  ): Promise<RevealedUpdate[]> {
    return inLanes(updates, async update => {
      const reveal = revealOf(state, update)
      if (reveal === null) throw new Error('an update is to be had that nobody revealed')
      const { encoding, privacy, domain, update: blob } = reveal.body
      const author = reveal.signer
      const { wallet } = state.members.get(author)!.join.body
      const path = await this.#get(state, blob, [author], signal)
      return { update, author, wallet, domain, encoding, privacy, blob, path }
    })
  }

  /** The texts that members gave, as many as can be had. */
  async texts(state: RoundState, signal: AbortSignal): Promise<ValidationText[]> {
    const given = [...state.members.values()]
      .filter(member => member.isStaked === true && isOpened(state, member))
      .flatMap(({ node, reveal }) => reveal!.body.validation.map(set => ({ ...set, author: node })))
    const texts = await inLanes(given, async set => {
      const path = await this.#get(state, set.blob, [set.author], signal)
      return path === null ? null : { ...set, path }
    })
    return texts.filter(text => text !== null)
  }

  /** A blob of the round, from those named first and then from its members; null when nobody gives it. */
  async blob(
    state: RoundState,
    ref: BlobRef,
    first: readonly NodeKey[],
    signal: AbortSignal,
  ): Promise<string | null> {
    return this.#get(state, ref, first, signal)
  }

  async #get(
    state: RoundState,
    ref: BlobRef,
    first: readonly NodeKey[],
    signal: AbortSignal,
  ): Promise<string | null> {
    const here = this.#blobs.path(ref)
    if (here !== null) return here
    const holders = [...new Set([...first, ...state.members.keys()])].filter(node => node !== state.self)
    try {
      return await this.#blobs.fetch(ref, { holder: state.round, holders, signal })
    } catch (error) {
      if (signal.aborted) throw error
      this.#log.debug({ err: error, digest: ref.digest }, 'what was revealed in a round could not be had')
      return null
    }
  }
}

async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!)
  }
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane))
  return results
}
