import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { systemClock } from '../../node/clock.ts'
import { createNativeNodeSigner } from '../../node/ed25519.ts'
import type { CapabilityQuery } from '../../node/market/capability.ts'
import { CapabilityIndex } from '../../node/market/capability-index.ts'
import { type KnownOffer, OfferBook } from '../../node/market/offer-book.ts'
import { TimeSlices } from '../../node/time-slices.ts'
import { DATA_CLASSES } from '../../protocol/data-class.ts'
import { parseModelId } from '../../protocol/ids.ts'
import { MAX_OFFERS_PER_EXCHANGE } from '../../protocol/limits.ts'
import { type Entity, type ModelOffer, offerMessage } from '../../protocol/messages/offer.ts'
import { createRecord } from '../../protocol/signed.ts'
import { sampleOffer } from '../helpers/samples.ts'
import { seededRandom, syntheticModelId, syntheticOffer, zipfModel } from '../helpers/synthetic-market.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const OFFERS = 100_000
const LOOKUPS = 4_000
const BASELINE_LOOKUPS = 40
const FOUND = 20
const LOOKUP_ROW = 'lookup.p99.100k'
const TURN_ROW = 'offers.turn.p99'
const MEMORY_ROW = 'offers.memory.100k'
const MIB = 1_048_576
const TAGS = ['lang:de', 'lang:fr', 'protocol:mcp', 'vram:24GiB', 'protocol:a2a']

/** What holding a hundred thousand signed offers costs, and finding a few of them by what they can do. */
export const offersBench: Bench = {
  rows: [LOOKUP_ROW, TURN_ROW, MEMORY_ROW],
  async run(wanted) {
    const random = seededRandom(4)
    const { chainId, settlement } = sampleOffer
    const before = await usedBytes()
    const index = new CapabilityIndex({ clock: systemClock })
    const book = new OfferBook({ self: '', chainId, settlement }, { clock: systemClock, index, random })
    const { turnsMs, seconds, atOnceMs } = await fill(book, random)
    const after = await usedBytes()
    const rows = [memoryRow(after - before, book), turnRow(turnsMs, seconds, atOnceMs)]
    if (wanted(LOOKUP_ROW)) rows.unshift(lookupRow(book, index, random))
    return rows
  },
}

/** Has signed offers checked as they are when they come in, and measures how long others wait for their turn. */
async function fill(book: OfferBook, random: () => number) {
  const slices = new TimeSlices({ maxWaiting: 4_096 })
  const turnsMs: number[] = []
  let [seconds, made] = [0, 0]
  let atOnceMs = Number.POSITIVE_INFINITY
  while (book.size < OFFERS) {
    const records = Array.from({ length: Math.min(2_000, OFFERS - book.size) }, () =>
      signedOffer(made++, random),
    )
    let isDone = false
    const all = Promise.all(records.map(bytes => slices.run(() => book.add(bytes)))).then(() => {
      isDone = true
    })
    const startMs = performance.now()
    // From here on, each turn of the event loop is one that a token stream or a ping would wait for.
    for (let lastMs = startMs; !isDone; ) {
      await new Promise(resolve => setImmediate(resolve))
      const nowMs = performance.now()
      turnsMs.push(nowMs - lastMs)
      lastMs = nowMs
    }
    await all
    seconds += (performance.now() - startMs) / 1_000
  }
  slices.stop()
  const { chainId, settlement } = sampleOffer
  for (let round = 0; round < 5; round++) {
    const other = new OfferBook({ self: '', chainId, settlement }, { clock: systemClock })
    const answer = Array.from({ length: MAX_OFFERS_PER_EXCHANGE }, () => signedOffer(made++, random))
    const startMs = performance.now()
    for (const bytes of answer) other.add(bytes)
    atOnceMs = Math.min(atOnceMs, performance.now() - startMs)
  }
  return { turnsMs, seconds, atOnceMs }
}

function signedOffer(place: number, random: () => number): Uint8Array {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, place + 1)
  const { offer } = syntheticOffer('', random, systemClock.nowMs())
  const entities: Entity[] =
    random() < 0.2
      ? [
          {
            kind: random() < 0.5 ? 'agent' : 'service',
            name: `entity-${Math.floor(random() * 50)}`,
            tags: TAGS.filter(() => random() < 0.4),
            endpoint: null,
            price: { amount: BigInt(Math.floor(random() * 1e9)) * 10n ** 9n, unit: 'call' },
            capacity: null,
          },
        ]
      : []
  return createRecord(offerMessage, { ...offer, entities }, createNativeNodeSigner(seed)).bytes
}

/** What people and agents look for: a model, a model under conditions, anything under conditions, an entity. */
function anyQuery(random: () => number): CapabilityQuery {
  const model = syntheticModelId(zipfModel(random))
  const region = ['eu', 'us', 'ap-jp'][Math.floor(random() * 3)]!
  const draw = Math.floor(random() * 6)
  return [
    { model, kind: 'chat' as const },
    { model: withoutQuantization(parseModelId(model)!.name), region },
    { kind: 'chat' as const, dataClass: 'CONFIDENTIAL' as const, region, maxPrice: random() },
    { slaClass: 'S' as const, modality: 'text' as const },
    { entity: 'agent' as const, tags: [TAGS[Math.floor(random() * TAGS.length)]!] },
    { tags: TAGS.slice(0, 2), region, maxPrice: random() },
  ][draw]!
}

function lookupRow(book: OfferBook, index: CapabilityIndex, random: () => number): BenchRow {
  const isEntity = (query: CapabilityQuery) => query.entity !== undefined || query.tags !== undefined
  const found = (query: CapabilityQuery) =>
    isEntity(query) ? index.lookupEntities(query, FOUND).length : index.lookup(query, FOUND).length
  const queries = Array.from({ length: LOOKUPS }, () => anyQuery(random))
  for (const query of queries.slice(0, 500)) found(query)
  const timesMs = queries.map(query => timed(() => found(query)))
  const offers = book.list()
  const plainMs = queries
    .slice(0, BASELINE_LOOKUPS)
    .map(query =>
      timed(() =>
        (isEntity(query) ? scanEntities(offers, query) : scanModels(offers, query)).slice(0, FOUND),
      ),
    )
  return valueRow(
    {
      name: LOOKUP_ROW,
      unit: 'ms',
      value: percentile(timesMs, 0.99),
      baseline: percentile(plainMs, 0.99),
      note: `the ${FOUND} cheapest of a model, conditions or tags among ${book.size} offers with ${index.size} listings, median ${median(timesMs).toFixed(2)} ms; beside a scan of the same offers as objects`,
    },
    { atMost: 10 },
  )
}

function turnRow(turnsMs: number[], seconds: number, atOnceMs: number): BenchRow {
  return valueRow(
    {
      name: TURN_ROW,
      unit: 'ms',
      value: percentile(turnsMs, 0.99),
      baseline: atOnceMs,
      note: `a turn of the event loop while ${OFFERS} signed offers are checked, ${Math.round(OFFERS / seconds)} a second; longest ${Math.max(...turnsMs).toFixed(1)} ms with garbage collection; beside checking the ${MAX_OFFERS_PER_EXCHANGE} of one answer at once`,
    },
    { atMost: 5 },
  )
}

function memoryRow(bytes: number, book: OfferBook): BenchRow {
  return valueRow(
    {
      name: MEMORY_ROW,
      unit: 'MiB',
      value: bytes / MIB,
      baseline: book.weightBytes / MIB,
      note: `heap and buffers that ${book.size} offers take, ${Math.round(bytes / book.size)} bytes each; beside what the book reckons, which its bound of 256 MiB is on`,
    },
    { atMost: 256 },
  )
}

function scanModels(offers: readonly KnownOffer[], query: CapabilityQuery): ModelOffer[] {
  return offers
    .filter(({ offer }) => isFit(offer, query))
    .flatMap(({ offer }) => offer.models)
    .filter(
      model =>
        (query.kind === undefined || model.kinds.includes(query.kind)) &&
        (query.model === undefined || isMeant(query.model, model.model)) &&
        (query.modality === undefined || model.modalities.includes(query.modality)) &&
        Number(model.outputPerMillion) / 1e18 <= (query.maxPrice ?? Number.POSITIVE_INFINITY),
    )
    .sort((a, b) => Number(a.outputPerMillion - b.outputPerMillion))
}

function scanEntities(offers: readonly KnownOffer[], query: CapabilityQuery): Entity[] {
  return offers
    .filter(({ offer }) => isFit(offer, query))
    .flatMap(({ offer }) => offer.entities)
    .filter(
      entity =>
        (query.entity === undefined || entity.kind === query.entity) &&
        (query.tags ?? []).every(tag => entity.tags.includes(tag)) &&
        Number(entity.price?.amount ?? 0n) / 1e18 <= (query.maxPrice ?? Number.POSITIVE_INFINITY),
    )
    .sort((a, b) => Number((a.price?.amount ?? 0n) - (b.price?.amount ?? 0n)))
}

function isFit({ region, dataClass, slaClasses }: KnownOffer['offer'], query: CapabilityQuery): boolean {
  return (
    (query.region === undefined || (region?.startsWith(query.region) ?? false)) &&
    (query.dataClass === undefined ||
      DATA_CLASSES.indexOf(dataClass) >= DATA_CLASSES.indexOf(query.dataClass)) &&
    (query.slaClass === undefined || slaClasses.includes(query.slaClass))
  )
}

function isMeant(wanted: string, id: string): boolean {
  const name = parseModelId(id)?.name ?? ''
  return wanted === id || wanted === name || wanted === withoutQuantization(name)
}

function timed(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** Heap and buffers in use, without what only waits to be collected. */
async function usedBytes(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
