import type { Address, ChannelId } from '../../../../../protocol/ids.ts'

/** A channel this browser has the session key of. */
export interface SessionChannel {
  channelId: ChannelId
  chainId: number
  settlement: Address
  payer: Address
  payee: Address
  signer: Address
  /** Base units; the most the key may sign for. */
  deposit: bigint
  /** What answers have cost and are costing, of what has been received: the newest voucher is never for more. */
  spent: bigint
  /** The newest voucher. */
  signed: bigint
  signature: string | null
  salt: string
  expiresAtMs: number
  openedAtMs: number
  /** `opening`: signed for, not seen on chain yet. */
  state: 'opening' | 'open' | 'closed'
}

/** Where channels and their keys are kept. Changes of a channel go through `update`, one at a time over all tabs. */
export interface ChannelStore {
  /** Whether it outlives the page; false where the browser keeps nothing. */
  readonly isDurable: boolean
  list(): Promise<SessionChannel[]>
  get(channelId: ChannelId): Promise<SessionChannel | null>
  /** With its secret, which is wrapped before it is written. */
  add(channel: SessionChannel, secret: Uint8Array): Promise<void>
  /**
   * Reads, changes and writes a channel as one step. It is written before this returns.
   * @returns what was written; null where there is no such channel
   */
  update(
    channelId: ChannelId,
    change: (channel: SessionChannel) => SessionChannel,
  ): Promise<SessionChannel | null>
  /** Null where the key is lost. */
  secret(channelId: ChannelId): Promise<Uint8Array | null>
}

/** For a browser that keeps nothing, and for tests: gone with the page. */
export class MemoryChannelStore implements ChannelStore {
  readonly isDurable = false
  readonly #channels = new Map<ChannelId, SessionChannel>()
  readonly #secrets = new Map<ChannelId, Uint8Array>()

  async list(): Promise<SessionChannel[]> {
    return [...this.#channels.values()]
  }

  async get(channelId: ChannelId): Promise<SessionChannel | null> {
    return this.#channels.get(channelId) ?? null
  }

  async add(channel: SessionChannel, secret: Uint8Array): Promise<void> {
    this.#channels.set(channel.channelId, channel)
    this.#secrets.set(channel.channelId, secret)
  }

  async update(channelId: ChannelId, change: (channel: SessionChannel) => SessionChannel) {
    const before = this.#channels.get(channelId)
    if (before === undefined) return null
    const after = change(before)
    this.#channels.set(channelId, after)
    return after
  }

  async secret(channelId: ChannelId): Promise<Uint8Array | null> {
    return this.#secrets.get(channelId) ?? null
  }
}
