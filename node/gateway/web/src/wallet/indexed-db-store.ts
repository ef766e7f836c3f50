import type { ChannelId } from '../../../../../protocol/ids.ts'
import { type ChannelStore, MemoryChannelStore, type SessionChannel } from './channel-store.ts'
import { WalletPageError } from './errors.ts'

const DATABASE = 'shoal'
const VERSION = 1
const CHANNELS = 'channels'
const KEYS = 'keys'
/** The wrapping key's place among the keys. */
const WRAPPING_KEY = 'wrapping-key'

interface WrappedSecret {
  iv: Uint8Array<ArrayBuffer>
  sealed: ArrayBuffer
}

/**
 * Channels in IndexedDB. Their keys are sealed with AES-256-GCM by a key of WebCrypto that cannot be exported: what lies
 * on disk, in a backup or in a copy of the profile's database is of no use without this browser's own key store. Scripts
 * of this page can use it all the same, which is why a session key can sign for one deposit only.
 */
export class IndexedDbChannelStore implements ChannelStore {
  readonly isDurable = true
  readonly #database: IDBDatabase
  readonly #wrapping: CryptoKey

  private constructor(database: IDBDatabase, wrapping: CryptoKey) {
    this.#database = database
    this.#wrapping = wrapping
  }

  /** A store that keeps, or, in a browser that keeps nothing, one that does not. */
  static async open(): Promise<ChannelStore> {
    try {
      const database = await openDatabase()
      return new IndexedDbChannelStore(database, await wrappingKey(database))
    } catch {
      return new MemoryChannelStore()
    }
  }

  /** Idempotent. */
  stop(): void {
    this.#database.close()
  }

  list(): Promise<SessionChannel[]> {
    return this.#do('readonly', [CHANNELS], transaction =>
      wait<SessionChannel[]>(transaction.objectStore(CHANNELS).getAll()),
    )
  }

  get(channelId: ChannelId): Promise<SessionChannel | null> {
    return this.#do('readonly', [CHANNELS], async transaction => {
      return (
        (await wait<SessionChannel | undefined>(transaction.objectStore(CHANNELS).get(channelId))) ?? null
      )
    })
  }

  async add(channel: SessionChannel, secret: Uint8Array): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: labelOf(channel.channelId) },
      this.#wrapping,
      new Uint8Array(secret),
    )
    await this.#do('readwrite', [CHANNELS, KEYS], async transaction => {
      transaction.objectStore(KEYS).put({ iv, sealed } satisfies WrappedSecret, channel.channelId)
      transaction.objectStore(CHANNELS).put(channel)
    })
  }

  /** A transaction of IndexedDB that writes excludes all others, those of other tabs too. */
  update(channelId: ChannelId, change: (channel: SessionChannel) => SessionChannel) {
    return this.#do('readwrite', [CHANNELS], async transaction => {
      const store = transaction.objectStore(CHANNELS)
      const before = await wait<SessionChannel | undefined>(store.get(channelId))
      if (before === undefined) return null
      const after = change(before)
      store.put(after)
      return after
    })
  }

  async secret(channelId: ChannelId): Promise<Uint8Array | null> {
    const wrapped = await this.#do('readonly', [KEYS], transaction =>
      wait<WrappedSecret | undefined>(transaction.objectStore(KEYS).get(channelId)),
    )
    if (wrapped === undefined) return null
    try {
      const secret = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: wrapped.iv, additionalData: labelOf(channelId) },
        this.#wrapping,
        wrapped.sealed,
      )
      return new Uint8Array(secret)
    } catch {
      return null
    }
  }

  async #do<T>(
    mode: IDBTransactionMode,
    stores: string[],
    body: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    try {
      // Strict: a voucher is not sent before its amount is on disk.
      const transaction = this.#database.transaction(stores, mode, { durability: 'strict' })
      const done = finished(transaction)
      let result: T
      try {
        result = await body(transaction)
      } catch (error) {
        done.catch(() => {})
        try {
          transaction.abort()
        } catch {
          // It has ended by itself.
        }
        throw error
      }
      await done
      return result
    } catch (cause) {
      if (cause instanceof WalletPageError) throw cause
      throw new WalletPageError('STORAGE_FAILED', 'this browser could not keep what was to be kept', {
        fix: 'Make room on the disk or leave private browsing, then load the page again.',
        cause,
      })
    }
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(CHANNELS, { keyPath: 'channelId' })
    request.result.createObjectStore(KEYS)
  }
  return wait(request)
}

/** Made once, under a lock: two tabs that begin at once must not each make one. */
async function wrappingKey(database: IDBDatabase): Promise<CryptoKey> {
  return navigator.locks.request('shoal-wrapping-key', async () => {
    const read = database.transaction(KEYS)
    const known = await wait<CryptoKey | undefined>(read.objectStore(KEYS).get(WRAPPING_KEY))
    if (known !== undefined) return known
    const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ])
    const write = database.transaction(KEYS, 'readwrite')
    write.objectStore(KEYS).put(made, WRAPPING_KEY)
    await finished(write)
    return made
  })
}

function wait<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('aborted'))
    transaction.onerror = () => reject(transaction.error)
  })
}

/** Ties a sealed key to its channel. */
function labelOf(channelId: ChannelId): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`shoal/1/session-key/${channelId}`)
}
