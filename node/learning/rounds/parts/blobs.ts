import type { BlobExchange } from '../../../p2p/blobs/blob-exchange.ts'
import type { BlobStore } from '../../../p2p/blobs/blob-store.ts'
import type { RoundBlobs } from '../seams.ts'

/** What rounds need of the node's blobs: all that is kept for one is pinned under its name. */
export function roundBlobs(modules: { store: BlobStore; exchange: BlobExchange }): RoundBlobs {
  const { store, exchange } = modules
  return {
    async keep(path, { holder, provided }) {
      const ref = await store.putFile(path, { pin: holder })
      if (provided) exchange.provide(ref.digest)
      return ref
    },
    provide: ({ digest }) => {
      if (store.has(digest)) exchange.provide(digest)
    },
    fetch: (ref, { holder, holders, signal }) => exchange.fetch(ref, { holders, pin: holder, signal }),
    path: ({ digest }) => (store.has(digest) ? store.path(digest) : null),
    release: holder => store.unpinAll(holder),
  }
}
