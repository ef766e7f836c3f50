import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { BidRequest, BidResponse } from '../../../protocol/messages/bid.ts'
import type { FrameStream } from '../../p2p/frame-stream.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { bidProtocol } from './protocols.ts'

type BidStream = FrameStream<BidRequest, BidResponse>

/** An open stream to one provider, over which bids are asked for; answers find their question by its CID. */
export class BidLine {
  readonly provider: NodeKey
  readonly #opening: Promise<BidStream>
  readonly #asked = new Map<CidString, (response: BidResponse | null) => void>()
  #stream: BidStream | null = null
  #isClosed = false

  /** @param modules.onClosed once, when the line can no longer be used */
  constructor(provider: NodeKey, modules: { host: Pick<P2PHost, 'openStream'>; onClosed: () => void }) {
    this.provider = provider
    this.#opening = modules.host.openStream(provider, bidProtocol)
    void this.#read(modules.onClosed)
  }

  /**
   * Asks for a bid.
   * @param signal ends the wait; a later answer is dropped
   * @returns null when there was no answer
   */
  async ask(
    announcement: { cid: CidString; bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<BidResponse | null> {
    if (this.#isClosed || signal.aborted) return null
    const answer = Promise.withResolvers<BidResponse | null>()
    const giveUp = () => answer.resolve(null)
    this.#asked.set(announcement.cid, answer.resolve)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      this.#send({ kind: 'announcement', record: announcement.bytes })
      return await answer.promise
    } finally {
      this.#asked.delete(announcement.cid)
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Tells who won in the provider's place. */
  tell(bid: CidString, winner: Uint8Array): void {
    this.#send({ kind: 'outcome', bid, winner })
  }

  /** Idempotent. */
  close(): void {
    this.#end()
    this.#opening.then(stream => stream.close()).catch(() => {})
  }

  #send(request: BidRequest): void {
    const sent =
      this.#stream === null ? this.#opening.then(stream => stream.send(request)) : this.#stream.send(request)
    sent.catch(() => this.#end())
  }

  async #read(onClosed: () => void): Promise<void> {
    try {
      this.#stream = await this.#opening
      while (!this.#isClosed) {
        const response = await this.#stream.receive()
        if (response === null) break
        this.#asked.get(response.announcement)?.(response)
      }
      // What remains is closed on both sides.
      await this.#stream.close()
    } catch {
      // Unreachable, broken, or against the protocol, which the stream has told already.
    } finally {
      this.#end()
      onClosed()
    }
  }

  #end(): void {
    this.#isClosed = true
    for (const resolve of this.#asked.values()) resolve(null)
  }
}
