import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readAdapterFile, writeAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { JaxTrainer } from '../../../inference/learning/jax-trainer/jax-trainer.ts'
import { asPrivate } from '../../../inference/learning/private-adapter.ts'
import type { Trainer, Training, TrainingJob, TrainingResult } from '../../../inference/learning/trainer.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { systemClock } from '../../../node/clock.ts'
import { aggregate } from '../../../node/learning/aggregation/aggregate.ts'
import type { Aggregator } from '../../../node/learning/aggregation/aggregator.ts'
import { DataBook } from '../../../node/learning/data/data-book.ts'
import { LearningLifecycle } from '../../../node/learning/lifecycle/lifecycle.ts'
import { FileAggregator } from '../../../node/learning/rounds/parts/aggregator.ts'
import { CatalogBases } from '../../../node/learning/rounds/parts/bases.ts'
import { roundBlobs } from '../../../node/learning/rounds/parts/blobs.ts'
import { PlainCodec } from '../../../node/learning/rounds/parts/codec.ts'
import { LocalTrainer } from '../../../node/learning/rounds/parts/trainer.ts'
import type { RoundParts } from '../../../node/learning/rounds/seams.ts'
import { BlobExchange } from '../../../node/p2p/blobs/blob-exchange.ts'
import { BlobStore } from '../../../node/p2p/blobs/blob-store.ts'
import type { Address } from '../../../protocol/ids.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { connect, silentLog, TestHosts } from '../../helpers/hosts.ts'
import { JumpingClock } from '../../helpers/jumping-clock.ts'
import { LeakSearch } from '../../helpers/leak-search.ts'
import { Bus, Member, manifestOf, memberWallet, SharedBlobs } from '../../helpers/learning/round-world.ts'
import { sampleManifest } from '../../helpers/learning-samples.ts'
import { randomAdapter } from '../../helpers/random-adapter.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { WireTap } from '../../helpers/wire-tap.ts'

/** Made anew each time, so that nothing else can have them. */
const canary = () => randomBytes(24).toString('base64url').replace(/[-_]/g, 'q')
const CANARIES = Array.from({ length: 12 }, canary)
const NAME_CANARY = randomBytes(12).toString('hex')
const ROUND_NAME = 'harbour'
/** Longer than anything takes. */
const JOIN_MS = 600_000

describe('data to learn from', () => {
  const folders = new TemporaryFolders()
  const tap = new WireTap()
  const hosts = new TestHosts()
  const clock = new JumpingClock()
  const trainer = new JaxTrainer({ niceness: 0 })
  const stopping: (() => Promise<void> | void)[] = []
  const stakes = new Map<Address, bigint>()
  let root: string
  let twin: Uint8Array

  before(async () => {
    await tap.start()
    root = await folders.make()
  })

  after(async () => {
    for (const stop of stopping.reverse()) await stop()
    await Promise.all([trainer.stop(), hosts.stop()])
    tap.stop()
    await folders.remove()
  })

  /** A member with a real host, blobs, trainer and data of its own. */
  async function member(index: number, texts: readonly string[], training: Pick<Trainer, 'train'>) {
    const folder = join(root, `node-${index}`)
    const source = join(folder, `${NAME_CANARY}.jsonl`)
    await mkdir(folder)
    await writeFile(source, texts.map(text => JSON.stringify({ text })).join('\n'))
    const data = new DataBook(
      { folder: join(folder, 'learning', 'data'), seed: randomBytes(32) },
      { clock: systemClock },
    )
    await (await data.add(source, { domain: 'notes', pii: 'keep' })).commit()
    const { host } = await hosts.start({ seed: new Uint8Array(32).fill(200 + index) })
    const modules = { host, clock: systemClock, log: silentLog, isWelcome: () => true, onViolation: () => {} }
    const store = new BlobStore({ folder: join(folder, 'learning', 'blobs') }, modules)
    const exchange = new BlobExchange({}, { ...modules, store, candidates: () => host.peers() })
    await store.start()
    await exchange.start()
    const lifecycle = new LearningLifecycle({}, { clock: systemClock, log: silentLog, limits: [] })
    const bases = new CatalogBases({
      catalog: new ModelCatalog({ modelsFolder: folder, cacheFolder: folder }),
    })
    const blobs = roundBlobs({ store, exchange })
    const files = { folder: join(folder, 'learning', 'rounds') }
    const codec = new PlainCodec()
    const parts = (simple: RoundParts): RoundParts => ({
      ...{ ...simple, blobs, validation: null },
      trainer: new LocalTrainer(files, {
        trainer: { ...training, stop: async () => {} },
        data,
        lifecycle,
        bases,
        codec,
      }),
      aggregator: new FileAggregator(files, { aggregator }),
    })
    stakes.set(memberWallet(index), 10n * CREDIT)
    const world = { folder, clock, stakes, bus: new Bus(), blobs: new SharedBlobs(folder) }
    const joined = await Member.start(index, world, { parts, host })
    stopping.push(async () => {
      await joined.stop()
      await lifecycle.stop()
      await exchange.stop()
      await store.stop()
      await data.stop()
    })
    return { folder, host, blobs, joined }
  }

  it('stays where it is while its node takes part in a round from beginning to end', async () => {
    const base = await new ModelCatalog({ modelsFolder: root, cacheFolder: root }).resolve('shoal-nano')
    const secrets = CANARIES.map(
      (secret, i) => `On day ${i} the keeper of the light wrote ${secret} into the book.`,
    )
    const others = Array.from(
      { length: 12 },
      (_, i) => `On day ${i} the keeper of the light saw ${i + 2} boats go by.`,
    )
    const ada = await member(0, secrets, { train: (...job) => trainer.train(...job) })
    const bert = await member(1, others, { train: job => drawn(job) })
    const twinPath = join(ada.folder, 'learning', 'twin', 'twin.gguf')
    await mkdir(join(twinPath, '..'))
    await writeAdapterFile(twinPath, asPrivate(await randomAdapter(base.path, { seed: 77, rank: 1 })))
    twin = new Uint8Array(await readFile(twinPath))

    await connect(ada.host, bert.host)
    const manifest = manifestOf(clock.nowMs(), JOIN_MS, {
      ...{ wallet: memberWallet(0), base: base.id, name: ROUND_NAME, rank: 2, alpha: 4 },
      training: { ...sampleManifest.training, steps: 2, batchRows: 2, rowTokens: 64 },
    })
    const round = await ada.joined.rounds.propose(manifest)
    // Nobody waits for the end of the time to join.
    await waitUntil(
      'both have joined',
      () =>
        [ada, bert].every(({ joined }) =>
          joined.rounds.list().some(({ state }) => state.round === round && state.members.size === 2),
        ),
      60_000,
    )
    clock.jump(2 * JOIN_MS)
    const states = await Promise.all([ada, bert].map(({ joined }) => joined.over(round)))
    deepEqual(
      states.map(({ phase, failure }) => [phase, failure]),
      [
        ['done', null],
        ['done', null],
      ],
    )

    // What is found must have been there to find: what was sent is seen, whole updates among it.
    const sent = tap.bytes
    ok(sent.includes(ROUND_NAME))
    const update = await readFile(join(ada.folder, 'learning', 'rounds', round, 'update.gguf'))
    ok(sent.includes(update.subarray(-64)))
    ok(
      (await readFile(join(bert.folder, 'learning', 'data', (await dataOf(bert.folder))[0]!, 'rows.sealed')))
        .length > 0,
    )

    const search = new LeakSearch([...CANARIES, NAME_CANARY, twin.subarray(-4_096)])
    deepEqual(search.in(sent), [])
    // Neither in what others may ask for, nor in anything that reached them.
    for (const path of [
      ...(await filesIn(join(ada.folder, 'learning', 'blobs'))),
      ...(await filesIn(bert.folder)),
    ])
      if (!path.endsWith('.jsonl') && !path.includes(NAME_CANARY))
        deepEqual(search.in(await readFile(path)), [], path)
    await rejects(ada.blobs.keep(twinPath, { holder: 'test', provided: true }), /never leaves/)
  })

  it('would be seen if it left, whole or in pieces, however it is written', async () => {
    const search = new LeakSearch([...CANARIES, twin.subarray(-4_096)])
    const [first, second] = [CANARIES[0]!, CANARIES[1]!]
    const piece = first.slice(7, 19)
    const around = (bytes: Uint8Array | string) =>
      Buffer.concat([randomBytes(1_001), Buffer.from(bytes as string), randomBytes(77)])
    for (const leak of [
      first,
      piece,
      piece.toUpperCase(),
      Buffer.from(`x${piece}`).toString('base64'),
      Buffer.from(`xy${first}z`).toString('base64url'),
      Buffer.from(`xyz${first}`).toString('hex'),
      Buffer.from(piece, 'utf16le'),
      Buffer.from(piece, 'utf16le').swap16(),
      twin.subarray(-4_000, -3_900),
    ])
      notDeepEqual(search.in(around(leak)), [], String(leak))
    deepEqual(search.in(around(first.slice(0, 11))), [])

    // A node that gives its data away as a blob is seen by what watches the sockets.
    const folder = join(root, 'leaking')
    await mkdir(folder)
    const [from, to] = [await hosts.start(), await hosts.start()]
    const modules = { clock: systemClock, log: silentLog, isWelcome: () => true, onViolation: () => {} }
    const exchanges = []
    for (const { host } of [from, to]) {
      const store = new BlobStore({ folder: join(folder, host.nodeKey) }, modules)
      const exchange = new BlobExchange({}, { ...modules, host, store, candidates: () => host.peers() })
      await store.start()
      await exchange.start()
      stopping.push(
        () => store.stop(),
        () => exchange.stop(),
      )
      exchanges.push({ store, exchange })
    }
    await connect(from.host, to.host)
    tap.clear()
    const ref = await exchanges[0]!.store.put(Buffer.from(`a row: ${second}`))
    exchanges[0]!.exchange.provide(ref.digest)
    await exchanges[1]!.exchange.fetch(ref, {
      holders: [from.host.nodeKey],
      signal: AbortSignal.timeout(20_000),
    })
    equal(search.in(tap.bytes).length > 0, true)
  })
})

/** The same mathematics without a thread, which would take longer to start than this takes. */
const aggregator: Pick<Aggregator, 'run'> = {
  async run({ updates, options, outPath }) {
    const read = updates.map(async update => ({ ...update, adapter: await readAdapterFile(update.path) }))
    const { adapter, ...result } = aggregate(await Promise.all(read), null, options)
    return { ...result, ...(await writeAdapterFile(outPath, adapter)) }
  },
}

/** What a member of no interest here comes to, without training. */
function drawn({ base, outPath, settings: { rank, alpha, modules } }: TrainingJob): Training {
  const written = async (): Promise<TrainingResult> => {
    const adapter = await randomAdapter(base.path, { seed: 5, rank, alpha, size: 0.01 })
    const trained = adapter.modules.filter(({ name }) => modules.some(kind => name.endsWith(`.${kind}`)))
    const file = await writeAdapterFile(outPath, { ...adapter, modules: trained })
    return {
      ...file,
      steps: 1,
      loss: 1,
      heldOutLoss: null,
      tokens: 1,
      tokensPerSecond: 1,
      ended: 'budget',
      resumedAtStep: 0,
      text: null,
    }
  }
  const result = written()
  return Object.assign(result, { result, pause: async () => {}, resume: async () => {} })
}

async function dataOf(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'learning', 'data'))).filter(name => !name.startsWith('.'))
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}
