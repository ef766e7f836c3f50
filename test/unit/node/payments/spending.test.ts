import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { PaymentError } from '../../../../node/payments/errors.ts'
import { SpendingLimit } from '../../../../node/payments/spending.ts'
import { Store } from '../../../../node/store/store.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const DAY_MS = 24 * 3_600_000

type Move =
  | { kind: 'take'; amount: bigint }
  | { kind: 'giveBack'; which: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'restart' }

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('take' as const), amount: fc.bigInt(0n, 60n) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('giveBack' as const), which: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(DAY_MS), fc.constantFrom(1, DAY_MS - 1, DAY_MS, DAY_MS + 1)),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

describe('spending limit', () => {
  const folders = new TemporaryFolders()
  const stores: Store[] = []
  afterEach(async () => {
    await Promise.all(stores.splice(0).map(store => store.close()))
    await folders.remove()
  })

  async function open(path: string, clock: ManualClock, limitPerDay = 100n) {
    const store = await Store.open(path)
    stores.push(store)
    const limit = new SpendingLimit({ limitPerDay }, { store, clock })
    await limit.start()
    return { store, limit }
  }

  async function closeAll(): Promise<void> {
    await Promise.all(stores.splice(0).map(store => store.close()))
  }

  it('lets through no more than the limit in any 24 hours, over restarts too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 40 }), async moves => {
        const clock = new ManualClock()
        const path = join(await folders.make(), 'store')
        let { store, limit } = await open(path, clock)
        let taken: { purpose: string; atMs: number; amount: bigint }[] = []
        const within = () => taken.filter(({ atMs }) => atMs >= clock.nowMs() - DAY_MS)
        const spent = () => within().reduce((sum, { amount }) => sum + amount, 0n)
        for (const [index, next] of moves.entries()) {
          if (next.kind === 'take') {
            const purpose = `0xchannel/${index}`
            if (spent() + next.amount > 100n) {
              assert.throws(
                () => limit.take(next.amount, purpose),
                (error: unknown) =>
                  error instanceof PaymentError && error.code === 'SPENDING_LIMIT' && error.fix !== undefined,
              )
            } else {
              await store.batch([limit.take(next.amount, purpose)])
              taken.push({ purpose, atMs: clock.nowMs(), amount: next.amount })
            }
          } else if (next.kind === 'giveBack') {
            const [back] = within().slice(next.which, next.which + 1)
            if (back === undefined) continue
            await store.batch(limit.giveBack(back.purpose))
            taken = taken.filter(other => other !== back)
          } else if (next.kind === 'wait') await clock.advance(next.ms)
          else {
            await closeAll()
            ;({ store, limit } = await open(path, clock))
          }
          assert.equal(limit.remaining(), 100n - spent())
        }
        await closeAll()
      }),
      { numRuns: 60 },
    )
  })

  it('takes at once, so that two who ask together do not both get the rest', async () => {
    const { limit } = await open(join(await folders.make(), 'store'), new ManualClock())
    limit.take(60n, 'a')
    assert.throws(() => limit.take(60n, 'b'), PaymentError)
    assert.equal(limit.remaining(), 40n)
  })

  it('counts what was never written only until a restart', async () => {
    const clock = new ManualClock()
    const path = join(await folders.make(), 'store')
    const { limit } = await open(path, clock)
    limit.take(60n, 'never written')
    await closeAll()
    const again = await open(path, clock)
    assert.equal(again.limit.remaining(), 100n)
  })

  it('gives back for one purpose only', async () => {
    const { store, limit } = await open(join(await folders.make(), 'store'), new ManualClock())
    await store.batch([limit.take(10n, '0xab'), limit.take(10n, '0xab/1'), limit.take(10n, '0xab/11')])
    await store.batch(limit.giveBack('0xab'))
    assert.equal(limit.remaining(), 80n)
    await store.batch(limit.giveBack('0xab/1'))
    assert.equal(limit.remaining(), 90n)
    assert.deepEqual(limit.giveBack('0xcd'), [])
  })

  it('of nothing allows nothing', async () => {
    const { limit } = await open(join(await folders.make(), 'store'), new ManualClock(), 0n)
    assert.equal(limit.remaining(), 0n)
    assert.throws(() => limit.take(1n, 'a'), PaymentError)
    limit.take(0n, 'b')
  })

  it('says what is left in credits', async () => {
    const { limit } = await open(join(await folders.make(), 'store'), new ManualClock(), 3n * CREDIT)
    limit.take(CREDIT, 'a')
    assert.throws(() => limit.take(3n * CREDIT, 'b'), /leaves 2 credits/)
  })
})
