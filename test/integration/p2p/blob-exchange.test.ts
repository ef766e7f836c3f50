import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { BlobExchange, type BlobExchangeOptions } from '../../../node/p2p/blobs/blob-exchange.ts'
import { blobProtocol } from '../../../node/p2p/blobs/blob-protocol.ts'
import { BlobStore, type BlobStoreOptions } from '../../../node/p2p/blobs/blob-store.ts'
import { ChunkHasher, chunksOf } from '../../../node/p2p/blobs/chunk-hasher.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import type { NodeKey } from '../../../protocol/ids.ts'
import {
  type BlobDownFrame,
  type BlobUpFrame,
  blobDownMessage,
  blobUpMessage,
} from '../../../protocol/messages/learning/blob-frame.ts'
import {
  BLOB_CHUNK_BYTES,
  type BlobRef,
  chunkCount,
  chunkLength,
} from '../../../protocol/messages/learning/blob-ref.ts'
import { connect, silentLog, type TestHost, TestHosts } from '../../helpers/hosts.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { Rogue, type RogueStream } from '../../helpers/rogue.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'

const hosts = new TestHosts()
const folders = new TemporaryFolders()
const stops: (() => Promise<void>)[] = []

interface Member extends TestHost {
  key: NodeKey
  store: BlobStore
  exchange: BlobExchange
  candidates: NodeKey[]
}

async function member(
  options: BlobExchangeOptions & Partial<BlobStoreOptions> = {},
  clock: Clock = systemClock,
): Promise<Member> {
  const { folder = await folders.make(), ...rest } = options
  const test = await hosts.start()
  const { host, violations, unwelcome } = test
  const store = new BlobStore({ folder, ...rest }, { clock, log: silentLog })
  const candidates: NodeKey[] = []
  const exchange = new BlobExchange(
    { retryMs: 5, ...rest },
    {
      ...{ host, store, clock, log: silentLog, candidates: () => candidates },
      isWelcome: peer => !unwelcome.has(peer),
      onViolation: (peer, violation) => violations.push([peer, violation]),
    },
  )
  await store.start()
  await exchange.start()
  stops.push(async () => {
    await exchange.stop()
    await store.stop()
  })
  return { ...test, key: host.nodeKey, store, exchange, candidates }
}

type Say = (frame: BlobDownFrame, chunk?: Uint8Array) => void

/** Somebody who speaks the protocol and says what a test wants. */
async function rogue(
  fetcher: Member,
  bytes: Uint8Array,
  answer: (frame: BlobUpFrame, stream: RogueStream, say: Say) => void,
): Promise<Rogue> {
  const made = await Rogue.start()
  stops.push(() => made.stop())
  await made.serve(blobProtocol.id, async stream => {
    const say: Say = (frame, chunk) => {
      stream.write(encodeMessage(blobDownMessage, frame))
      if (chunk !== undefined) stream.write(chunk)
    }
    for (;;) {
      const data = await stream.read()
      if (data === null) return
      answer(decodeMessage(blobUpMessage, data), stream, say)
    }
  })
  assert.ok(bytes.length > 0)
  await fetcher.host.dialAddress(made.address)
  return made
}

const chunkOf = (bytes: Uint8Array, index: number) =>
  bytes.slice(index * BLOB_CHUNK_BYTES, index * BLOB_CHUNK_BYTES + chunkLength(bytes.length, index))

function hashed(bytes: Uint8Array): { ref: BlobRef; list: Uint8Array } {
  const hasher = new ChunkHasher({ bytes: bytes.length })
  for (const chunk of chunksOf(bytes)) hasher.add(chunk)
  return { ref: hasher.finish(), list: hasher.list }
}

describe('blob exchange', () => {
  afterEach(async () => {
    await Promise.all(stops.splice(0).map(stop => stop()))
    await hosts.stop()
    await folders.remove()
  })

  it('fetches of several holders at once, of which one lies, one vanishes and one is silent', async () => {
    const bytes = new Uint8Array(randomBytes(40 * BLOB_CHUNK_BYTES + 123))
    const { list } = hashed(bytes)
    const [fetcher, first, second] = await Promise.all([member(), member(), member()])
    const ref = await first.store.put(bytes)
    assert.deepEqual(await second.store.put(bytes), ref)
    for (const holder of [first, second]) {
      holder.exchange.provide(ref.digest)
      await connect(fetcher.host, holder.host)
    }
    const asked = { liar: 0, vanisher: 0, silent: 0 }
    const open = (frame: BlobUpFrame, say: Say) => {
      if (frame.kind === 'open') say({ kind: 'have', chunks: null, list: frame.list ? list : null })
    }
    const liar = await rogue(fetcher, bytes, (frame, _, say) => {
      open(frame, say)
      if (frame.kind !== 'get') return
      asked.liar += 1
      const data = chunkOf(bytes, frame.first)
      data[7]! ^= 1
      say({ kind: 'chunk', index: frame.first }, data)
    })
    const vanisher = await rogue(fetcher, bytes, (frame, stream, say) => {
      open(frame, say)
      if (frame.kind !== 'get') return
      asked.vanisher += 1
      say({ kind: 'chunk', index: frame.first }, chunkOf(bytes, frame.first))
      stream.raw.abort(new Error('gone'))
    })
    const silent = await rogue(fetcher, bytes, (frame, _, say) => {
      open(frame, say)
      if (frame.kind === 'get') asked.silent += 1
    })
    const holders = [liar.key, vanisher.key, silent.key, first.key, second.key]
    const progress: number[] = []
    const path = await fetcher.exchange.fetch(ref, {
      holders,
      onProgress: ({ bytes: now }) => progress.push(now),
    })
    assert.deepEqual(await readFile(path), Buffer.from(bytes))
    assert.ok(asked.liar > 0 && asked.vanisher > 0 && asked.silent > 0, 'all were asked')
    assert.deepEqual(fetcher.violations, [[liar.key, 'false_content']])
    assert.equal(progress.at(-1), bytes.length)
    assert.equal(progress.length, chunkCount(bytes.length) + 1, 'each chunk was kept once')
    // Those who have it are not asked again.
    assert.equal(await fetcher.exchange.fetch(ref, { holders: [] }), path)
  })

  it('leaves a holder that is silent, and asks others', async () => {
    const bytes = new Uint8Array(randomBytes(2 * BLOB_CHUNK_BYTES))
    const { list } = hashed(bytes)
    const clock = new ManualClock()
    const [fetcher, holder] = await Promise.all([member({}, clock), member()])
    await connect(fetcher.host, holder.host)
    const ref = await holder.store.put(bytes)
    holder.exchange.provide(ref.digest)
    fetcher.candidates.push(holder.key)
    let asked = 0
    const silent = await rogue(fetcher, bytes, (frame, _, say) => {
      if (frame.kind !== 'open') return
      asked += 1
      say({ kind: 'have', chunks: null, list: frame.list ? list : null })
    })
    const fetched = fetcher.exchange.fetch(ref, { holders: [silent.key] })
    let seen = 0
    // Time passes quickly only while the silent one is waited for.
    await waitUntil('it was asked three times', async () => {
      await clock.advance(asked > seen ? 15_000 : 5)
      seen = asked
      return seen === 3
    })
    await fetched
    assert.deepEqual(await fetcher.store.read(ref.digest), bytes)
    assert.deepEqual(fetcher.violations, [])
  })

  it('goes on where an earlier process was killed', async () => {
    const bytes = new Uint8Array(randomBytes(12 * BLOB_CHUNK_BYTES))
    const { ref, list } = hashed(bytes)
    const folder = await folders.make()
    const [fetcher, holder] = await Promise.all([member({ folder }), member()])
    let given = 0
    const half = await rogue(fetcher, bytes, (frame, stream, say) => {
      if (frame.kind === 'open') say({ kind: 'have', chunks: null, list })
      if (frame.kind !== 'get') return
      for (let index = frame.first; index < frame.first + frame.count; index++) {
        if (given++ >= 5) return stream.raw.abort(new Error('gone'))
        say({ kind: 'chunk', index }, chunkOf(bytes, index))
      }
    })
    await assert.rejects(fetcher.exchange.fetch(ref, { holders: [half.key] }), { code: 'BLOB_UNAVAILABLE' })
    assert.equal(given, 6 + 2, 'it was asked three times')
    // The folder as a killed process leaves it: its list of pins, what it has, and no word of how far it came.
    const next = await member({ folder })
    await connect(next.host, holder.host)
    await holder.store.put(bytes)
    holder.exchange.provide(ref.digest)
    const progress: number[] = []
    await next.exchange.fetch(ref, {
      holders: [holder.key],
      onProgress: ({ bytes: now }) => progress.push(now / BLOB_CHUNK_BYTES),
    })
    assert.deepEqual(progress, [5, 6, 7, 8, 9, 10, 11, 12])
    assert.deepEqual(await next.store.read(ref.digest), bytes)
  })

  it('passes on what it has so far, and finds those who were not named', async () => {
    const bytes = new Uint8Array(randomBytes(8 * BLOB_CHUNK_BYTES))
    const { ref, list } = hashed(bytes)
    const [early, late] = await Promise.all([member(), member()])
    await connect(early.host, late.host)
    let lateHasSome = false
    const waiting: (() => void)[] = []
    // Gives half, and the rest only when the other has got that half.
    const source = await rogue(early, bytes, (frame, _, say) => {
      if (frame.kind === 'open') say({ kind: 'have', chunks: null, list })
      if (frame.kind !== 'get') return
      for (let index = frame.first; index < frame.first + frame.count; index++) {
        const give = () => say({ kind: 'chunk', index }, chunkOf(bytes, index))
        if (waiting.length > 0 || (early.store.partial(ref.digest)?.bytes ?? 0) >= bytes.length / 2)
          waiting.push(give)
        else give()
      }
      if (lateHasSome) for (const give of waiting.splice(0)) give()
    })
    const first = early.exchange.fetch(ref, { holders: [source.key] })
    await waitUntil('a part is there', () => (early.store.partial(ref.digest)?.bytes ?? 0) > 0)
    late.candidates.push(early.key)
    const second = late.exchange.fetch(ref, {
      holders: [],
      onProgress: ({ bytes: now }) => {
        if (now === 0) return
        lateHasSome = true
        for (const give of waiting.splice(0)) give()
      },
    })
    await Promise.all([first, second])
    assert.deepEqual(await late.store.read(ref.digest), bytes)
    assert.deepEqual([early.violations, late.violations], [[], []])
  })

  it('gives only what was announced, to those who are welcome, within their share', async () => {
    const bytes = new Uint8Array(randomBytes(3 * BLOB_CHUNK_BYTES))
    const [fetcher, holder] = await Promise.all([member(), member({ peerShareBytes: 4 * BLOB_CHUNK_BYTES })])
    await connect(fetcher.host, holder.host)
    const ref = await holder.store.put(bytes)
    const holders = [holder.key]
    const refused = { code: 'BLOB_UNAVAILABLE' }
    await assert.rejects(fetcher.exchange.fetch(ref, { holders }), refused, 'not announced')
    holder.exchange.provide(ref.digest)
    holder.unwelcome.add(fetcher.key)
    await assert.rejects(fetcher.exchange.fetch(ref, { holders }), refused, 'not welcome')
    holder.unwelcome.clear()
    const other = { ...ref, root: `0x${'00'.repeat(32)}` as const }
    await assert.rejects(fetcher.exchange.fetch(other, { holders }), refused, 'announced otherwise')
    await fetcher.exchange.fetch(ref, { holders, pin: 'round' })
    assert.equal(fetcher.store.usage.keptBytes, bytes.length)
    await fetcher.store.unpinAll('round')
    await fetcher.store.delete(ref.digest)
    const controller = new AbortController()
    const again = fetcher.exchange.fetch(ref, {
      holders,
      signal: controller.signal,
      onProgress: ({ bytes: now }) => {
        if (now === BLOB_CHUNK_BYTES) queueMicrotask(() => controller.abort())
      },
    })
    await assert.rejects(again, { code: 'CANCELLED' }, 'the share is spent, and the rest waits for more')
    assert.deepEqual([holder.violations, fetcher.violations], [[], []])
    assert.throws(() => fetcher.exchange.provide(ref.digest), { code: 'BLOB_NOT_FOUND' })
  })

  it('blames who announced a blob that does not fit its digest, and who breaks the protocol', async () => {
    const bytes = new Uint8Array(randomBytes(BLOB_CHUNK_BYTES))
    const { ref, list } = hashed(bytes)
    const fetcher = await member()
    const false_ = { ...ref, digest: `sha256:${'ab'.repeat(32)}` }
    const honest = await rogue(fetcher, bytes, (frame, _, say) => {
      if (frame.kind === 'open') say({ kind: 'have', chunks: null, list })
      if (frame.kind === 'get') say({ kind: 'chunk', index: 0 }, bytes)
    })
    await assert.rejects(fetcher.exchange.fetch(false_, { holders: [honest.key] }), { code: 'BLOB_MISMATCH' })
    assert.deepEqual(fetcher.violations, [])

    const unasked = await rogue(fetcher, bytes, (_, __, say) => say({ kind: 'chunk', index: 0 }, bytes))
    const listless = await rogue(fetcher, bytes, (_, __, say) =>
      say({ kind: 'have', chunks: null, list: null }),
    )
    const misled = await rogue(fetcher, bytes, (_, __, say) =>
      say({ kind: 'have', chunks: null, list: new Uint8Array(32) }),
    )
    const holders = [unasked.key, listless.key, misled.key]
    await assert.rejects(fetcher.exchange.fetch(ref, { holders }), { code: 'BLOB_UNAVAILABLE' })
    assert.deepEqual(
      new Map(fetcher.violations),
      new Map([
        [unasked.key, 'bad_frame'],
        [listless.key, 'bad_frame'],
        [misled.key, 'false_content'],
      ]),
    )

    const holder = await member()
    await holder.store.put(bytes)
    holder.exchange.provide(ref.digest)
    const asker = await Rogue.start()
    stops.push(() => asker.stop())
    const say = async (...frames: BlobUpFrame[]) => {
      const stream = await asker.open(holder.host.addresses()[0]!, blobProtocol.id)
      for (const frame of frames) stream.write(encodeMessage(blobUpMessage, frame))
      while ((await stream.read()) !== null);
    }
    await say({ kind: 'ask' })
    await say({ kind: 'open', blob: ref, list: false }, { kind: 'get', first: 0, count: 2 })
    await say({ kind: 'open', blob: ref, list: false }, { kind: 'open', blob: ref, list: false })
    assert.deepEqual(holder.violations, Array(3).fill([asker.key, 'bad_frame']))
  })
})
