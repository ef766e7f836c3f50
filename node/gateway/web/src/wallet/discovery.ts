import type { Eip1193Provider } from './eip1193.ts'

/** A wallet that has announced itself (EIP-6963). */
export interface AnnouncedWallet {
  /** New at each load of the page. */
  uuid: string
  name: string
  /** A `data:` image; the empty string where what the wallet gave is none. */
  icon: string
  /** Reverse domain name: the same at each load. */
  rdns: string
  provider: Eip1193Provider
}

/** Where wallets announce themselves: the window. */
export interface AnnouncementTarget {
  addEventListener(type: string, listener: (event: Event) => void): void
  removeEventListener(type: string, listener: (event: Event) => void): void
  dispatchEvent(event: Event): boolean
}

/** Pages full of extensions exist; a page that announces without end is none. */
const MAX_WALLETS = 32
const MAX_NAME_CHARS = 64
const MAX_ICON_CHARS = 65_536

/**
 * The wallets of this browser by EIP-6963: each announces itself, also when it comes late, and none takes another's
 * place as with `window.ethereum`.
 */
export class WalletDiscovery {
  readonly #target: AnnouncementTarget
  readonly #wallets = new Map<string, AnnouncedWallet>()
  readonly #listeners = new Set<() => void>()
  #list: readonly AnnouncedWallet[] = []

  constructor(target: AnnouncementTarget) {
    this.#target = target
  }

  /** Listens, and asks all wallets to announce themselves. */
  start(): void {
    this.#target.addEventListener('eip6963:announceProvider', this.#onAnnounced)
    this.#target.dispatchEvent(new Event('eip6963:requestProvider'))
  }

  /** Idempotent. */
  stop(): void {
    this.#target.removeEventListener('eip6963:announceProvider', this.#onAnnounced)
  }

  /** In the order in which they came; the same array while nothing has changed. */
  get wallets(): readonly AnnouncedWallet[] {
    return this.#list
  }

  /** @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly #onAnnounced = (event: Event): void => {
    const wallet = readAnnouncement((event as CustomEvent<unknown>).detail)
    if (wallet === null || this.#wallets.has(wallet.uuid) || this.#wallets.size >= MAX_WALLETS) return
    this.#wallets.set(wallet.uuid, wallet)
    this.#list = [...this.#wallets.values()]
    for (const listener of this.#listeners) listener()
  }
}

function readAnnouncement(detail: unknown): AnnouncedWallet | null {
  const { info, provider } = (detail ?? {}) as { info?: Record<string, unknown>; provider?: Eip1193Provider }
  if (typeof info !== 'object' || info === null || typeof provider?.request !== 'function') return null
  const { uuid, name, icon, rdns } = info
  if (typeof uuid !== 'string' || typeof name !== 'string' || typeof rdns !== 'string') return null
  return {
    uuid,
    rdns: rdns.slice(0, MAX_NAME_CHARS),
    name: name.slice(0, MAX_NAME_CHARS) || rdns.slice(0, MAX_NAME_CHARS),
    // Only an image that is in the text itself: nothing is fetched because a wallet says so. Shown in an <img>, where
    // an SVG runs no script.
    icon: typeof icon === 'string' && icon.length <= MAX_ICON_CHARS && /^data:image\//.test(icon) ? icon : '',
    provider,
  }
}
