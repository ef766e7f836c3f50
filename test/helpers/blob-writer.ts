import { randomFillSync } from 'node:crypto'
import { BlobStore } from '../../node/p2p/blobs/blob-store.ts'
import { isShoalError } from '../../protocol/errors.ts'
import { ManualClock } from './manual-clock.ts'

/** A process that puts blob after blob until it is killed, or the disk is full, and says so before and after each. */
const [folder, run] = process.argv.slice(2)
const store = new BlobStore(
  { folder: folder! },
  {
    clock: new ManualClock(),
    log: { error: () => {} } as never,
    freeBytes: async () => Number.MAX_SAFE_INTEGER,
  },
)
await store.start()
const bytes = new Uint8Array(run === 'until-full' ? 300_000 : 2_000_000)
try {
  for (;;) {
    randomFillSync(bytes)
    console.log('begins')
    await store.put(bytes)
  }
} catch (error) {
  if (!isShoalError(error)) throw error
  console.log(`${error.code} and ${store.usage.blobs} blobs`)
}
