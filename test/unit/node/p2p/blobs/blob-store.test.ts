import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BlobStore, type BlobStoreOptions } from '../../../../../node/p2p/blobs/blob-store.ts'
import { ChunkHasher, chunksOf } from '../../../../../node/p2p/blobs/chunk-hasher.ts'
import { BLOB_CHUNK_BYTES, type BlobRef } from '../../../../../protocol/messages/learning/blob-ref.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { onSmallDisk, whyNoSmallDisk } from '../../../../helpers/small-disk.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
const stores: BlobStore[] = []
const writer = join(import.meta.dirname, '../../../../helpers/blob-writer.ts')

/** Bytes that differ from seed to seed and from chunk to chunk. */
function content(bytes: number, seed: number): Uint8Array {
  const made = new Uint8Array(bytes)
  for (let at = 0, word = seed * 2_654_435_761; at < bytes; at++) {
    word = (Math.imul(word ^ (word >>> 15), 2_246_822_519) + at) >>> 0
    made[at] = word >>> 24
  }
  return made
}

function hashed(bytes: Uint8Array): { ref: BlobRef; list: Uint8Array } {
  const hasher = new ChunkHasher({ bytes: bytes.length })
  for (const chunk of chunksOf(bytes)) hasher.add(chunk)
  return { ref: hasher.finish(), list: hasher.list }
}

async function open(
  folder: string,
  clock = new ManualClock(),
  options: Partial<BlobStoreOptions> & { freeBytes?: number } = {},
): Promise<BlobStore> {
  const { freeBytes = Number.MAX_SAFE_INTEGER, ...rest } = options
  const store = new BlobStore(
    { folder, ...rest },
    { clock, log: silentLog, freeBytes: async () => freeBytes },
  )
  stores.push(store)
  await store.start()
  return store
}

describe('blob store', () => {
  afterEach(async () => {
    await Promise.all(stores.splice(0).map(store => store.stop()))
    await folders.remove()
  })

  it('keeps bytes and files under their digest, and gives them back after a restart', async () => {
    const folder = await folders.make()
    const store = await open(folder)
    const bytes = content(BLOB_CHUNK_BYTES * 2 + 17, 1)
    const ref = await store.put(bytes)
    assert.equal(ref.digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    assert.deepEqual(ref, hashed(bytes).ref)
    assert.deepEqual(await store.put(bytes), ref, 'twice is once')

    const path = join(folder, 'elsewhere')
    await writeFile(path, content(300, 2))
    const second = await store.putFile(path)
    assert.deepEqual(await readFile(store.path(second.digest)), Buffer.from(content(300, 2)))

    const again = await open(folder)
    assert.deepEqual(again.ref(ref.digest), ref)
    assert.deepEqual(await again.read(ref.digest), bytes)
    assert.equal(again.usage.blobs, 2)
    await assert.rejects(again.read(`sha256:${'0'.repeat(64)}`), { code: 'BLOB_NOT_FOUND' })
    await assert.rejects(again.put(new Uint8Array(0)), { code: 'BLOB_TOO_LARGE' })
  })

  it('deletes what was used longest ago, never what is pinned, held or under way', async () => {
    const folder = await folders.make()
    const clock = new ManualClock()
    const store = await open(folder, clock, { maxBytes: 4_000 })
    const put = async (seed: number, pin?: string) => {
      await clock.advance(60_001)
      return (await store.put(content(1_000, seed), pin === undefined ? {} : { pin })).digest
    }
    const pinned = await put(1, 'round')
    const held = await put(2)
    const letGo = store.hold(held)
    const used = await put(3)
    const oldest = await put(4)
    await clock.advance(60_001)
    await store.read(used)
    const fifth = await put(5)
    assert.deepEqual(
      [pinned, held, used, oldest, fifth].map(digest => store.has(digest)),
      [true, true, true, false, true],
    )
    const under = hashed(content(1_000, 6))
    const partial = await store.begin(under.ref, under.list)
    assert.equal(store.has(used), false)
    const seventh = await put(7)
    assert.equal(store.has(fifth), false)
    await store.pin(seventh, 'version')
    await assert.rejects(put(8), { code: 'QUOTA_EXCEEDED' })
    letGo()
    letGo()
    await put(8)
    assert.equal(store.has(held), false)
    await store.leave(partial)
    await put(9)
    assert.deepEqual((await open(folder, clock)).usage.blobs, 4, 'what was left unfinished has gone, too')

    const again = await open(folder, clock, { maxBytes: 2_000 })
    assert.deepEqual([again.has(pinned), again.has(seventh), again.usage.blobs], [true, true, 2])
    await again.unpinAll('round')
    assert.equal(await again.delete(pinned), true)
    assert.equal(await again.delete(seventh), false)
  })

  it('goes on with a partial blob, and believes no chunk that it has not checked again', async () => {
    const folder = await folders.make()
    const bytes = content(BLOB_CHUNK_BYTES * 3 + 5, 1)
    const { ref, list } = hashed(bytes)
    const chunks = [...chunksOf(bytes)]
    const first = await open(folder)
    const partial = await first.begin(ref, list)
    assert.equal(partial.fits(1, chunks[2]!), false)
    await partial.write(3, chunks[3]!)
    await partial.write(1, chunks[1]!)
    assert.deepEqual([partial.missing, partial.bytes], [2, BLOB_CHUNK_BYTES + 5])
    await first.stop()

    const torn = await readFile(join(folder, `${ref.digest.slice(7)}.part`))
    torn[BLOB_CHUNK_BYTES + 9]! ^= 1
    await writeFile(join(folder, `${ref.digest.slice(7)}.part`), torn)
    const second = await open(folder)
    assert.deepEqual(await second.knownList(ref), list)
    assert.equal(second.has(ref.digest), false)
    const resumed = await second.begin(ref, list)
    assert.deepEqual(
      [0, 1, 2, 3].map(index => resumed.has(index)),
      [false, false, false, true],
    )
    assert.deepEqual(resumed.bitmap(), Uint8Array.of(0b1000))
    for (const index of [0, 1, 2]) await resumed.write(index, chunks[index]!)
    assert.deepEqual(await readFile(await second.finish(resumed)), Buffer.from(bytes))
    assert.deepEqual(
      (await readdir(folder)).map(name => name.slice(64)).toSorted(),
      ['.blob', '.chunks'],
      'nothing is left over',
    )
  })

  it('takes nothing whose chunks are not of its digest', async () => {
    const store = await open(await folders.make())
    const { ref, list } = hashed(content(100, 1))
    const other = hashed(content(100, 2))
    const partial = await store.begin({ ...ref, digest: other.ref.digest }, list)
    await partial.write(0, content(100, 1))
    await assert.rejects(store.finish(partial), { code: 'BLOB_MISMATCH' })
    assert.deepEqual([store.has(other.ref.digest), store.usage.bytes], [false, 0])
    await assert.rejects(store.begin(ref, other.list), RangeError)
  })

  it('gives out nothing that the disk has changed', async () => {
    const folder = await folders.make()
    const store = await open(folder)
    const damage = async (seed: number, change: (path: string) => Promise<void>) => {
      const { digest } = await store.put(content(BLOB_CHUNK_BYTES + 9, seed))
      await change(store.path(digest))
      await assert.rejects(store.read(digest), { code: 'BLOB_DAMAGED' })
      assert.equal(store.has(digest), false, 'it can be fetched again')
    }
    await damage(1, path => writeFile(path, content(BLOB_CHUNK_BYTES + 9, 3)))
    await damage(2, path => truncate(path, BLOB_CHUNK_BYTES + 1))

    const { digest } = await store.put(content(50, 4))
    await copyFile(store.path(digest), join(folder, `${'ab'.repeat(32)}.blob`))
    await writeFile(join(folder, 'half.part'), 'x')
    const again = await open(folder)
    assert.deepEqual(again.usage.blobs, 1, 'a file without a list is nothing')
    await writeFile(join(folder, 'pins.json'), '[[')
    await assert.rejects(open(folder), { code: 'STORE_UNREADABLE' })
  })

  it('says that the disk is full, and keeps what it has', async function () {
    const folder = await folders.make()
    const store = await open(folder)
    const { digest } = await store.put(content(1_000, 1))
    const full = await open(folder, new ManualClock(), { freeBytes: 64 * 1024 * 1024 })
    await assert.rejects(full.put(content(1_000, 2)), { code: 'DISK_FULL' })
    assert.equal(full.has(digest), true)

    const disk = await folders.make()
    if ((await whyNoSmallDisk(disk)) !== null) this.skip()
    const [command, ...args] = onSmallDisk(disk, '1m')
    const child = spawn(command!, [...args, process.execPath, writer, disk, 'until-full'])
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) lines.push(line)
    assert.equal(lines.at(-1), 'DISK_FULL and 3 blobs')
  })

  it('has whole blobs only when it was killed while it wrote', async () => {
    const folder = await folders.make()
    for (let run = 0; run < 2; run++) {
      const child = spawn(process.execPath, [writer, folder, String(run)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let begun = 0
      for await (const _ of createInterface({ input: child.stdout }))
        if (++begun === 5 + run * 3) child.kill('SIGKILL')
      const store = await open(folder)
      assert.ok(store.usage.blobs >= 4, 'those that were said to be kept are there')
      for (const name of await readdir(folder)) {
        assert.match(name, /^[0-9a-f]{64}\.(blob|chunks)$/)
        if (name.endsWith('.blob')) await store.read(`sha256:${name.slice(0, 64)}`)
      }
      await store.stop()
    }
  })
})
