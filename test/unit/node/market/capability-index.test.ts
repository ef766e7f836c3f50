import assert from 'node:assert/strict'
import fc from 'fast-check'
import { withoutQuantization } from '../../../../inference/models/quantization-suffix.ts'
import { type IndexedBucket, VENUES } from '../../../../node/market/capability.ts'
import { CapabilityIndex } from '../../../../node/market/capability-index.ts'
import type { KnownOffer } from '../../../../node/market/offer-book.ts'
import type { Listing } from '../../../../node/market/routing/candidate.ts'
import { DATA_CLASSES } from '../../../../protocol/data-class.ts'
import { parseModelId } from '../../../../protocol/ids.ts'
import type { Entity, ModelOffer, Offer, TaskKind } from '../../../../protocol/messages/offer.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { SLA_CLASSES } from '../../../../protocol/sla-class.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleOffer } from '../../../helpers/samples.ts'

const MODELS = ['small-q8_0', 'small-q4_0', 'large', 'other'].map(
  (name, at) => `${name}@sha256:${String(at).repeat(64)}`,
)
const KINDS: TaskKind[][] = [['chat'], ['completion'], ['chat', 'completion'], ['embedding']]
const REGIONS = [null, 'eu', 'eu-de', 'EU-FR', 'europe', 'us-west']

const modelOffer = (model: Partial<ModelOffer>): ModelOffer => ({ ...sampleOffer.models[0]!, ...model })

function known(provider: string, offer: Partial<Offer>): KnownOffer {
  return {
    provider,
    cid: provider,
    offer: { ...sampleOffer, entities: [], models: [], ...offer },
    bytes: Uint8Array.of(1),
  }
}

const anyModel = fc
  .record({
    model: fc.constantFrom(...MODELS),
    kinds: fc.constantFrom(...KINDS),
    modalities: fc.constantFrom<ModelOffer['modalities']>(['text'], ['text', 'image']),
    outputPerMillion: fc.bigInt(0n, 20n).map(tenths => (tenths * CREDIT) / 10n),
    freeSlots: fc.nat(8),
    spot: fc.constantFrom(null, sampleOffer.models[0]!.spot),
  })
  .map(modelOffer)

const anyEntity: fc.Arbitrary<Entity> = fc.record({
  kind: fc.constantFrom('agent', 'service', 'resource'),
  name: fc.constantFrom('translator', 'gpu'),
  tags: fc.subarray(['lang:de', 'lang:fr', 'vram:24GiB']),
  endpoint: fc.constant(null),
  price: fc.option(fc.record({ amount: fc.bigInt(0n, 5n).map(n => n * CREDIT), unit: fc.constant('hour') })),
  capacity: fc.constant(null),
})

const anyOffer = fc.record({
  models: fc.array(anyModel, { maxLength: 5 }),
  entities: fc.array(anyEntity, { maxLength: 3 }),
  region: fc.constantFrom(...REGIONS),
  dataClass: fc.constantFrom(...DATA_CLASSES),
  slaClasses: fc.subarray([...SLA_CLASSES], { minLength: 1 }),
  livesMs: fc.constantFrom(1_000, 1_000_000),
})

type Step =
  | { do: 'set'; provider: number; offer: typeof anyOffer extends fc.Arbitrary<infer T> ? T : never }
  | { do: 'remove'; provider: number }
  | { do: 'local'; models: ModelOffer[]; cloud: ModelOffer[] }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('set'), provider: fc.nat(12), offer: anyOffer }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove'), provider: fc.nat(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('local'),
      models: fc.array(anyModel, { maxLength: 2 }),
      cloud: fc.array(anyModel, { maxLength: 2 }),
    }),
  },
)

type Terms = Pick<Offer, 'region' | 'dataClass' | 'slaClasses' | 'expiresAtMs'>

type PlainListing = Pick<Listing, 'provider' | 'venue' | 'model'> & { terms: Terms }

/** What the index is to hold, as a plain list. */
class PlainList {
  readonly offers = new Map<string, Offer>()
  own: Listing[] = []

  listings(): PlainListing[] {
    const peers = [...this.offers].flatMap(([provider, offer]) =>
      offer.models.map(model => ({
        ...{ provider, venue: 'peer' as const, model },
        terms: offer,
      })),
    )
    const own = this.own.map(listing => ({ ...listing, terms: ownTerms(listing) }))
    return [...peers, ...own]
  }
}

function ownTerms({ venue }: Listing): Terms {
  const dataClass = venue === 'local' ? 'PRIVATE' : 'PUBLIC'
  return { region: null, dataClass, slaClasses: ['B'], expiresAtMs: Number.POSITIVE_INFINITY }
}

function isMeant(wanted: string, { model }: ModelOffer): boolean {
  const { name, sha256 } = parseModelId(model)!
  return [model, name, withoutQuantization(name), sha256, `sha256:${sha256}`].includes(wanted)
}

const nameOf = ({ provider, model }: Pick<Listing, 'provider' | 'model'>) =>
  `${provider} ${model.model} ${model.kinds} ${model.outputPerMillion} ${model.freeSlots} ${model.spot !== null} ${model.modalities}`
const names = (listings: readonly Pick<Listing, 'provider' | 'model'>[]) => listings.map(nameOf).sort()

describe('capability index', () => {
  let clock: ManualClock
  let index: CapabilityIndex
  let plain: PlainList
  beforeEach(() => {
    clock = new ManualClock()
    index = new CapabilityIndex({ clock })
    plain = new PlainList()
  })

  function take(step: Step): void {
    const id = 'provider' in step ? `p${step.provider}` : ''
    if (step.do === 'set') {
      const { livesMs, ...rest } = step.offer
      const offer = { ...sampleOffer, ...rest, expiresAtMs: clock.nowMs() + livesMs }
      index.set({ ...known(id, offer), bytes: new Uint8Array() })
      plain.offers.set(id, offer)
    } else if (step.do === 'remove') {
      index.remove(id)
      plain.offers.delete(id)
    } else {
      plain.own = [
        ...step.models.map(model => ({
          provider: 'local' as const,
          venue: 'local' as const,
          offer: null,
          model,
        })),
        ...step.cloud.map(model => ({
          provider: 'cloud:x' as const,
          venue: 'cloud' as const,
          offer: null,
          model,
        })),
      ]
      index.setLocal(plain.own)
    }
  }

  function inAnyState(check: () => void): void {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), steps => {
        index = new CapabilityIndex({ clock })
        plain = new PlainList()
        for (const step of steps) take(step)
        check()
      }),
      { numRuns: 150 },
    )
  }

  /** Every row of the buckets. */
  function rows(model: string | null, kind: TaskKind): number[] {
    return index
      .match({ model, kind })
      .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))
  }

  it('finds the listings that are meant, each in one row', () => {
    inAnyState(() => {
      assert.equal(index.size, plain.listings().length)
      for (const wanted of [null, 'small', 'small-q8_0', MODELS[2]!, `sha256:${'3'.repeat(64)}`, 'none']) {
        for (const kind of ['chat', 'completion', 'embedding'] as const) {
          const found = rows(wanted, kind)
          assert.equal(new Set(found).size, found.length)
          const expected = plain
            .listings()
            .filter(({ model }) => model.kinds.includes(kind) && (wanted === null || isMeant(wanted, model)))
          assert.deepEqual(names(found.map(row => index.listing(row))), names(expected))
        }
      }
    })
  })

  it('says in numbers what the listing says', () => {
    inAnyState(() => {
      const { columns } = index
      for (const kind of ['chat', 'completion', 'embedding'] as const) {
        for (const row of rows(null, kind)) {
          const { provider, venue, model } = index.listing(row)
          const { terms } = plain.listings().find(listing => listing.provider === provider)!
          assert.equal(columns.outputPerMillion[row], Number(model.outputPerMillion) / 1e18)
          assert.equal(columns.spotOutput[row], model.spot === null ? Number.NaN : 0.5)
          assert.equal(columns.freeSlots[row], model.freeSlots)
          assert.equal(columns.contextTokens[row], model.contextTokens)
          assert.equal(VENUES[columns.venue[row]!], venue)
          assert.equal(DATA_CLASSES[columns.dataClass[row]!], terms.dataClass)
          assert.equal(columns.expiresAtMs[row], terms.expiresAtMs)
          for (const [bit, slaClass] of SLA_CLASSES.entries())
            assert.equal((columns.slaMask[row]! >> bit) & 1, terms.slaClasses.includes(slaClass) ? 1 : 0)
          assert.equal(index.providerAt(columns.providerRow[row]!), provider)
          assert.equal(index.providerRowOf(provider), columns.providerRow[row])
          const region = terms.region?.toLowerCase() ?? ''
          assert.equal(
            index.regionMask('eu')[columns.region[row]!] === 1,
            region === 'eu' || region.startsWith('eu-'),
          )
        }
      }
    })
  })

  it('lets an observer keep columns of its own', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), fc.nat(40), (steps, from) => {
        index = new CapabilityIndex({ clock })
        plain = new PlainList()
        const kept = new Map<number, string>()
        const providers = new Map<number, string>()
        let end = () => {}
        for (const [at, step] of [...steps, ...steps].entries()) {
          if (at === Math.min(from, steps.length)) {
            end = index.observe({
              added: (row, provider, model) => kept.set(row, `${provider} ${model}`),
              changed: row => assert.ok(kept.has(row)),
              moved: (before, row) => {
                kept.set(row, kept.get(before)!)
                kept.delete(before)
              },
              removed: row => assert.ok(kept.delete(row)),
              providerAdded: (row, provider) => providers.set(row, provider),
              providerRemoved: row => assert.ok(providers.delete(row)),
            })
          }
          take(step)
        }
        if (steps.length === 0) return
        const all = (['chat', 'completion', 'embedding'] as const).flatMap(kind => rows(null, kind))
        const there = new Map(
          all.map(row => [row, `${index.listing(row).provider} ${index.listing(row).model.model}`]),
        )
        assert.deepEqual(new Map([...kept].sort()), new Map([...there].sort()))
        for (const [row, provider] of providers) assert.equal(index.providerAt(row), provider)
        end()
        const { size } = kept
        take({ do: 'remove', provider: 1 })
        assert.equal(kept.size, size)
      }),
      { numRuns: 100 },
    )
  })

  it('grows, gives room back, and tells of it', () => {
    const capacities: number[] = []
    const providerCapacities: number[] = []
    index.observe({
      resized: capacity => capacities.push(capacity),
      providersResized: capacity => providerCapacities.push(capacity),
    })
    const many = (prefix: string, model: string) => {
      for (let at = 0; at < 3_000; at++)
        index.set(known(`${prefix}${at}`, { models: [modelOffer({ model, freeSlots: at })] }))
    }
    many('0-', MODELS[0]!)
    assert.equal(index.size, 3_000)
    const grown = index.capacity
    assert.ok(grown >= 3_000 && grown <= 8_192)
    // One is left of each bucket that was large: others have its room.
    for (let round = 1; round < 12; round++) {
      for (let at = 1; at < 3_000; at++) index.remove(`${round - 1}-${at}`)
      many(`${round}-`, `${MODELS[0]!.split('@')[0]}@sha256:${String(10 + round).repeat(32)}`)
    }
    for (let round = 0; round < 11; round++) index.remove(`${round}-0`)
    assert.ok(index.capacity <= 2 * grown, `${index.capacity} of ${grown}`)
    assert.equal(capacities.at(-1), index.capacity)
    assert.equal(providerCapacities.at(-1), index.providerCapacity)
    const [{ start, end }] = index.match({ model: null, kind: 'chat' }) as [IndexedBucket]
    assert.equal(end - start, 3_000)
    assert.ok(end <= index.capacity)
    const free = new Set(index.columns.freeSlots.subarray(start, end))
    assert.equal(free.size, 3_000)
  })

  it('looks up by what is asked for, the cheapest first', () => {
    const query = fc.record(
      {
        kind: fc.constantFrom('chat' as const, 'embedding' as const),
        model: fc.constantFrom('small', MODELS[1]!, 'large'),
        modality: fc.constantFrom('text' as const, 'image' as const),
        region: fc.constantFrom('eu', 'eu-de', 'us'),
        dataClass: fc.constantFrom(...DATA_CLASSES),
        slaClass: fc.constantFrom(...SLA_CLASSES),
        maxPrice: fc.constantFrom(0, 0.5, 1),
      },
      { requiredKeys: [] },
    )
    const queries = fc.array(query, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 40 }),
        queries,
        fc.integer({ min: 1, max: 6 }),
        (steps, asked, limit) => {
          clock = new ManualClock()
          index = new CapabilityIndex({ clock })
          plain = new PlainList()
          for (const step of steps) take(step)
          // Some are over by then.
          void clock.advance(2_000)
          for (const q of asked) {
            const expected = plain.listings().filter(({ model, terms }) => {
              const region = terms.region?.toLowerCase() ?? ''
              return (
                terms.expiresAtMs > clock.nowMs() &&
                (q.kind === undefined || model.kinds.includes(q.kind)) &&
                (q.model === undefined || isMeant(q.model, model)) &&
                (q.modality === undefined || model.modalities.includes(q.modality)) &&
                (q.region === undefined || region === q.region || region.startsWith(`${q.region}-`)) &&
                (q.dataClass === undefined ||
                  DATA_CLASSES.indexOf(terms.dataClass) >= DATA_CLASSES.indexOf(q.dataClass)) &&
                (q.slaClass === undefined || terms.slaClasses.includes(q.slaClass)) &&
                (q.maxPrice === undefined || Number(model.outputPerMillion) / 1e18 <= q.maxPrice)
              )
            })
            assert.deepEqual(names(index.lookup(q, 1_000)), names(expected))
            const prices = expected.map(({ model }) => model.outputPerMillion).sort((a, b) => Number(a - b))
            assert.deepEqual(
              index.lookup(q, limit).map(({ model }) => model.outputPerMillion),
              prices.slice(0, limit),
            )
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('looks up agents, services and resources by kind, tags, region and price', () => {
    const query = fc.record(
      {
        entity: fc.constantFrom('agent' as const, 'service' as const),
        tags: fc.subarray(['lang:de', 'vram:24GiB', 'name:gpu', 'unheard']),
        region: fc.constant('eu'),
        maxPrice: fc.constantFrom(0, 2),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 30 }), query, (steps, q) => {
        index = new CapabilityIndex({ clock })
        plain = new PlainList()
        for (const step of steps) take(step)
        const expected = [...plain.offers].flatMap(([provider, { entities, region }]) => {
          const there = region?.toLowerCase() ?? ''
          return entities
            .filter(
              ({ kind, name, tags, price }) =>
                (q.entity === undefined || kind === q.entity) &&
                (q.tags ?? []).every(tag => [...tags, `name:${name}`].includes(tag)) &&
                (q.region === undefined || there === 'eu' || there.startsWith('eu-')) &&
                (q.maxPrice === undefined || (price?.amount ?? 0n) <= BigInt(q.maxPrice) * CREDIT),
            )
            .map(entity => ({ provider, entity }))
        })
        const text = (found: { provider: string; entity: Entity }[]) =>
          found
            .map(
              ({ provider, entity }) =>
                `${provider} ${entity.kind} ${entity.name} ${entity.tags} ${entity.price?.amount}`,
            )
            .sort()
        assert.deepEqual(text(index.lookupEntities(q, 1_000)), text(expected))
        const prices = index.lookupEntities(q, 1_000).map(({ entity }) => entity.price?.amount ?? 0n)
        assert.deepEqual(
          prices,
          prices.toSorted((a, b) => Number(a - b)),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('counts its changes, and leaves the entities of an offer alone when its terms change', () => {
    const offer = known('p', { entities: sampleOffer.entities, models: sampleOffer.models })
    index.set(offer)
    const { version } = index
    index.set({ ...offer, offer: { ...offer.offer, models: [modelOffer({ freeSlots: 1 })] } })
    assert.ok(index.version > version)
    assert.equal(index.entityCount, 1)
    assert.equal(index.lookup({}, 9)[0]!.model.freeSlots, 1)
    index.remove('p')
    assert.deepEqual([index.size, index.entityCount, index.models()], [0, 0, []])
    for (const region of ['a', 'b', 'c', null]) index.set(known('p', { region }))
    index.remove('p')
    assert.equal(index.regionMask('a').length, 2, 'numbers of regions are used again')
  })
})
