import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { systemClock } from '../../node/clock.ts'
import { createNativeNodeSigner } from '../../node/ed25519.ts'
import type { CapabilityQuery } from '../../node/market/capability.ts'
import { CapabilityIndex } from '../../node/market/capability-index.ts'
import { type KnownOffer, OfferBook } from '../../node/market/offer-book.ts'
import { DATA_CLASSES } from '../../protocol/data-class.ts'
import { parseModelId } from '../../protocol/ids.ts'
import { type Entity, type ModelOffer, offerMessage } from '../../protocol/messages/offer.ts'
import { createRecord } from '../../protocol/signed.ts'
import { sampleOffer } from '../helpers/samples.ts'
import { seededRandom, syntheticModelId, syntheticOffer, zipfModel } from '../helpers/synthetic-market.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const OFFERS = 100_000
const LOOKUPS_PER_ROUND = 1_000
const ROUNDS = 7
const BASELINE_LOOKUPS = 40
const FOUND = 20
const LOOKUP_ROW = 'lookup.p99.100k'
const MEMORY_ROW = 'offers.memory.100k'
const MIB = 1_048_576
const TAGS = ['lang:de', 'lang:fr', 'protocol:mcp', 'vram:24GiB', 'protocol:a2a']

/** What holding a hundred thousand signed offers costs, and finding a few of them by what they can do. */
export const offersBench: Bench = {
  rows: [LOOKUP_ROW, MEMORY_ROW],
  async run(wanted) {
    const random = seededRandom(4)
    const { chainId, settlement } = sampleOffer
    const before = await usedBytes()
    const index = new CapabilityIndex({ clock: systemClock })
    const book = new OfferBook({ self: '', chainId, settlement }, { clock: systemClock, index, random })
    for (let place = 0; place < OFFERS; place++) book.add(signedOffer(place, random))
    const after = await usedBytes()
    const rows = [memoryRow(after - before, book)]
    if (wanted(LOOKUP_ROW)) rows.unshift(lookupRow(book, index, random))
    return rows
  },
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
  const round = () => Array.from({ length: LOOKUPS_PER_ROUND }, () => anyQuery(random))
  const queries = round()
  for (const query of queries.slice(0, 500)) found(query)
  const rounds = Array.from({ length: ROUNDS }, () => round().map(query => timed(() => found(query))))
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
      value: median(rounds.map(timesMs => percentile(timesMs, 0.99))),
      baseline: percentile(plainMs, 0.99),
      note: `the ${FOUND} cheapest of a model, conditions or tags among ${book.size} offers with ${index.size} listings, median ${median(rounds.flat()).toFixed(2)} ms; beside a scan of the same offers as objects`,
    },
    { atMost: 10 },
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
