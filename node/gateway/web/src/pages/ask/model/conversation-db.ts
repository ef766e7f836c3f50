import type { Conversation } from './conversation.ts'

export type ConversationSummary = Pick<Conversation, 'id' | 'title' | 'updatedAtMs'>

export function summaryOf({ id, title, updatedAtMs }: Conversation): ConversationSummary {
  return { id, title, updatedAtMs }
}

const NAME = 'shoal-conversations'
const STORE = 'conversations'
/** The oldest go when there are more. */
const MAX_CONVERSATIONS = 500

/** Conversations stay in this browser: the node keeps no prompt and no answer. */
export class ConversationDb {
  #opened: Promise<IDBDatabase> | null = null

  /** @throws {DOMException} where the browser keeps nothing */
  async list(tenant: string): Promise<ConversationSummary[]> {
    const all = (await this.#do<Conversation[]>('readonly', store => store.getAll())).filter(
      conversation => conversation.tenant === tenant,
    )
    return all.map(summaryOf).sort((a, b) => b.updatedAtMs - a.updatedAtMs)
  }

  async get(id: string): Promise<Conversation | null> {
    return (await this.#do<Conversation | undefined>('readonly', store => store.get(id))) ?? null
  }

  /** @returns the id of the one that had to go for it; null where there was room */
  async put(conversation: Conversation): Promise<string | null> {
    await this.#do('readwrite', store => store.put(conversation))
    const count = await this.#do<number>('readonly', store => store.count())
    if (count <= MAX_CONVERSATIONS) return null
    const [oldest] = (await this.#do<Conversation[]>('readonly', store => store.getAll())).sort(
      (a, b) => a.updatedAtMs - b.updatedAtMs,
    )
    if (oldest === undefined) return null
    await this.remove(oldest.id)
    return oldest.id
  }

  async remove(id: string): Promise<void> {
    await this.#do('readwrite', store => store.delete(id))
  }

  async #do<T>(mode: IDBTransactionMode, request: (store: IDBObjectStore) => IDBRequest): Promise<T> {
    this.#opened ??= open()
    const transaction = (await this.#opened).transaction(STORE, mode)
    const made = request(transaction.objectStore(STORE))
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(made.result as T)
      transaction.onerror = () => reject(transaction.error)
      transaction.onabort = () => reject(transaction.error)
    })
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' })
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
