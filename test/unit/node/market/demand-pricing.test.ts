import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  DemandPricing,
  type DemandPricingOptions,
  type LoadSource,
  type ModelLoad,
  nextStep,
  pressureOf,
  REVIEW_EVERY_MS,
  stepsAt,
} from '../../../../node/market/demand-pricing.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const MODEL = `shoal-nano@sha256:${'ab'.repeat(32)}`
const MINUTE = 60_000

/** A model's load, changed at will. */
class Board implements LoadSource {
  #load: ModelLoad | null
  readonly #listeners = new Set<() => void>()

  constructor(load: ModelLoad | null = { slots: 4, busy: 0, queued: 0 }) {
    this.#load = load
  }

  get listeners(): number {
    return this.#listeners.size
  }

  models(): string[] {
    return this.#load === null ? [] : [MODEL]
  }

  load(model: string): ModelLoad | null {
    return model === MODEL ? this.#load : null
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(change: Partial<ModelLoad> | null): void {
    this.#load = change === null ? null : { slots: 4, busy: 0, queued: 0, ...this.#load, ...change }
    for (const listener of this.#listeners) listener()
  }
}

const BASE = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }

function make(board: Board, clock: ManualClock, options: Partial<DemandPricingOptions> = {}): DemandPricing {
  const pricing = new DemandPricing(
    {
      base: () => BASE,
      dynamic: true,
      floorPercent: 50,
      ceilingPercent: 200,
      spotDiscountPercent: 40,
      spotNoticeMs: 5_000,
      averageOverMs: 2 * MINUTE,
      ...options,
    },
    { load: board, clock },
  )
  pricing.start()
  return pricing
}

const loads = fc.record({ slots: fc.integer({ min: 0, max: 64 }), busy: fc.nat(80), queued: fc.nat(200) })
/** Even over its range, as `fc.double` is not. */
const thousandths = (most: number) => fc.integer({ min: -most, max: most }).map(value => value / 1_000)
/** What happens to a provider: loads, each for a while. */
const days = fc.array(fc.record({ load: loads, forMs: fc.integer({ min: 0, max: 10 * MINUTE }) }), {
  maxLength: 12,
})

describe('demand pricing', () => {
  let clock: ManualClock
  let board: Board
  let pricing: DemandPricing

  beforeEach(() => {
    clock = new ManualClock()
    board = new Board({ slots: 4, busy: 2, queued: 1 })
    pricing = make(board, clock)
  })
  afterEach(() => pricing.stop())

  it('begins at the base, and says so', () => {
    const { inputPerMillion, outputPerMillion, spot } = pricing.terms(MODEL)
    assert.deepEqual({ inputPerMillion, outputPerMillion }, BASE)
    assert.deepEqual(spot, {
      inputPerMillion: (BASE.inputPerMillion * 6n) / 10n,
      outputPerMillion: (BASE.outputPerMillion * 6n) / 10n,
      noticeMs: 5_000,
    })
    assert.equal(pricing.reason(), 'base')
  })

  it('doubles in lasting demand and halves in lasting idleness, and says why', async () => {
    board.set({ busy: 4, queued: 4 })
    await clock.advance(30 * MINUTE)
    assert.equal(pricing.terms(MODEL).outputPerMillion, 2n * BASE.outputPerMillion)
    assert.equal(pricing.terms(MODEL).inputPerMillion, 2n * BASE.inputPerMillion)
    assert.equal(pricing.reason(), 'demand')
    assert.equal(pricing.terms(MODEL).spot, null, 'nothing is left to spot tasks')
    board.set({ busy: 0, queued: 0 })
    await clock.advance(30 * MINUTE)
    assert.equal(pricing.terms(MODEL).outputPerMillion, BASE.outputPerMillion / 2n)
    assert.equal(pricing.reason(), 'idle')
  })

  it('raises output for slots that are held, and input for prompts that wait', async () => {
    board.set({ busy: 4, queued: 0 })
    await clock.advance(30 * MINUTE)
    assert.equal(pricing.multiplier(MODEL, 'input'), 1_000n)
    assert.equal(pricing.multiplier(MODEL, 'output'), 1_414n)
    board.set({ queued: 2 })
    await clock.advance(30 * MINUTE)
    assert.ok(pricing.multiplier(MODEL, 'input') > 1_000n)
  })

  it('tells of each change once, and no oftener than it is reviewed', async () => {
    let told = 0
    pricing.onChange(() => told++)
    board.set({ busy: 4, queued: 8 })
    assert.equal(told, 1, 'the last slot went, and spot with it')
    await clock.advance(REVIEW_EVERY_MS - 1)
    assert.equal(told, 1)
    let prices = new Set([pricing.terms(MODEL).outputPerMillion])
    for (let reviews = 0; reviews < 40; reviews++) {
      await clock.advance(REVIEW_EVERY_MS)
      prices = prices.add(pricing.terms(MODEL).outputPerMillion)
    }
    assert.ok(told <= prices.size * 2, 'one change of input and one of output at the most for each price')
    assert.ok(prices.size <= 5)
  })

  it('stays at the base when demand may not move it', async () => {
    const fixed = make(board, clock, { dynamic: false })
    board.set({ busy: 4, queued: 100 })
    await clock.advance(60 * MINUTE)
    assert.equal(fixed.terms(MODEL).outputPerMillion, BASE.outputPerMillion)
    assert.equal(fixed.reason(), 'base')
    board.set({ busy: 0, queued: 0 })
    assert.deepEqual(fixed.bidTerms(MODEL, 'on-demand'), BASE)
    fixed.stop()
  })

  it('keeps to the operator’s own bounds', async () => {
    const bounded = make(board, clock, { floorPercent: 80, ceilingPercent: 110 })
    board.set({ busy: 4, queued: 100 })
    await clock.advance(60 * MINUTE)
    assert.equal(bounded.multiplier(MODEL, 'output'), 1_100n)
    board.set({ busy: 0, queued: 0 })
    await clock.advance(60 * MINUTE)
    assert.equal(bounded.multiplier(MODEL, 'output'), 800n)
    bounded.stop()
  })

  it('offers no spot where the discount is nothing', () => {
    const plain = make(board, clock, { spotDiscountPercent: 0 })
    assert.equal(plain.terms(MODEL).spot, null)
    assert.equal(plain.bidTerms(MODEL, 'spot'), null)
    plain.stop()
  })

  it('bids less than it offers where the load of now is below its average, and nothing while it is full', async () => {
    board.set({ busy: 4, queued: 4 })
    await clock.advance(60 * MINUTE)
    assert.equal(pricing.bidTerms(MODEL, 'on-demand'), null)
    board.set({ busy: 0, queued: 0 })
    const bid = pricing.bidTerms(MODEL, 'on-demand')!
    assert.equal(bid.outputPerMillion, BASE.outputPerMillion / 2n, 'idle now')
    assert.equal(pricing.terms(MODEL).outputPerMillion, 2n * BASE.outputPerMillion, 'busy until now')
    assert.equal(pricing.bidTerms('other', 'on-demand'), null)
  })

  it('forgets a model that is gone, and takes it up again at the base', async () => {
    board.set({ busy: 4, queued: 4 })
    await clock.advance(60 * MINUTE)
    board.set(null)
    assert.equal(pricing.terms(MODEL).spot, null)
    board.set({ busy: 1 })
    assert.equal(pricing.multiplier(MODEL, 'output'), 1_000n)
  })

  it('leaves nothing behind when it stops', () => {
    pricing.stop()
    pricing.stop()
    assert.equal(board.listeners, 0)
    assert.deepEqual(clock.pendingMs(), [])
  })

  it('is always within half and double the base, offers and bids alike, whatever the load', async () => {
    await fc.assert(
      fc.asyncProperty(days, async day => {
        const [time, load] = [new ManualClock(), new Board()]
        const priced = make(load, time)
        for (const { load: next, forMs } of day) {
          load.set(next)
          await time.advance(forMs)
          const terms = priced.terms(MODEL)
          const bid = priced.bidTerms(MODEL, 'on-demand')
          for (const side of ['inputPerMillion', 'outputPerMillion'] as const) {
            for (const amount of [terms[side], bid?.[side] ?? terms[side]]) {
              assert.ok(amount * 2n >= BASE[side] && amount <= 2n * BASE[side])
            }
            assert.ok((bid?.[side] ?? 0n) <= terms[side], 'no bid is above the offer')
            if (terms.spot !== null) assert.ok(terms.spot[side] < terms[side])
          }
        }
        priced.stop()
      }),
      { numRuns: 50 },
    )
  })

  it('never asks less of more load: a busier twin is at least as dear at every moment', async () => {
    const more = fc.record({ busy: fc.nat(64), queued: fc.nat(64) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(loads, more, fc.integer({ min: 0, max: 3 * MINUTE })), { maxLength: 16 }),
        async day => {
          const time = new ManualClock()
          const [calm, busy] = [new Board(), new Board()]
          const [cheap, dear] = [make(calm, time), make(busy, time)]
          for (const [load, extra, forMs] of day) {
            calm.set(load)
            busy.set({ ...load, busy: load.busy + extra.busy, queued: load.queued + extra.queued })
            await time.advance(forMs)
            for (const operation of ['input', 'output'] as const)
              assert.ok(dear.multiplier(MODEL, operation) >= cheap.multiplier(MODEL, operation))
          }
          cheap.stop()
          dear.stop()
        },
      ),
      { numRuns: 50 },
    )
  })

  it('does not turn around under noise: what stays within half a step of a load moves the price one way', () => {
    const noise = fc.array(thousandths(250), { maxLength: 50 })
    fc.assert(
      fc.property(fc.integer({ min: -4, max: 4 }), thousandths(4_000), noise, (start, centre, wiggles) => {
        let step = start
        const moves: number[] = []
        for (const wiggle of wiggles) {
          const next = nextStep(step, Math.min(4, Math.max(-4, centre + wiggle)))
          if (next !== step) moves.push(Math.sign(next - step))
          step = next
        }
        assert.ok(new Set(moves).size <= 1, `it turned around: ${moves}`)
      }),
    )
  })

  it('keeps the order of prices: of two, the one with the higher step and the higher load stays the higher', () => {
    const steps = fc.integer({ min: -4, max: 4 })
    fc.assert(
      fc.property(steps, fc.nat(8), thousandths(4_000), fc.nat(8_000), (step, above, wanted, more) => {
        assert.ok(
          nextStep(step, wanted) <= nextStep(Math.min(4, step + above), Math.min(4, wanted + more / 1_000)),
        )
      }),
    )
  })

  it('follows load in its steps: pressure and steps rise with it, and steps stay on the ladder', () => {
    fc.assert(
      fc.property(
        loads,
        fc.nat(64),
        fc.nat(64),
        fc.integer({ min: -4, max: 4 }),
        (load, busy, queued, step) => {
          const busier = { ...load, busy: load.busy + busy, queued: load.queued + queued }
          for (const operation of ['input', 'output'] as const) {
            const [low, high] = [pressureOf(operation, load), pressureOf(operation, busier)]
            assert.ok(0 <= low && low <= high && high <= 1)
            assert.ok(nextStep(step, stepsAt(low)) <= nextStep(step, stepsAt(high)))
            assert.ok(Math.abs(nextStep(step, stepsAt(high))) <= 4)
          }
        },
      ),
    )
  })
})
