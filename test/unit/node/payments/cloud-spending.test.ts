import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { CloudSpending, type SpendingReservation } from '../../../../node/payments/cloud-spending.ts'
import { PaymentError } from '../../../../node/payments/errors.ts'
import { SpendingLimit } from '../../../../node/payments/spending.ts'
import { Store } from '../../../../node/store/store.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const LIMIT = 1_000n

describe('what cloud services bill', () => {
  const folders = new TemporaryFolders()
  let store: Store
  let limit: SpendingLimit
  let spending: CloudSpending
  let clock: ManualClock
  let path: string
  let batches: number

  async function open(): Promise<void> {
    store = await Store.open(path)
    limit = new SpendingLimit({ limitPerDay: LIMIT }, { store, clock })
    await limit.start()
    const counted = {
      batch: (...given: Parameters<Store['batch']>) => {
        batches++
        return store.batch(...given)
      },
    }
    spending = new CloudSpending({ limit, store: counted, clock })
  }

  beforeEach(async () => {
    clock = new ManualClock()
    path = join(await folders.make(), 'store')
    batches = 0
    await open()
  })
  afterEach(() => store.close())
  after(() => folders.remove())

  it('is written for many tasks at once', async () => {
    for (let task = 0; task < 32; task++) await (await spending.reserve(1n, `${task}`)).settle(1n)
    assert.equal(batches, 1)
    assert.equal(limit.remaining(), LIMIT - 32n)
    await spending.stop()
    await store.close()
    await open()
    assert.equal(limit.remaining(), LIMIT - 32n)
  })

  it('counts too much after a crash, never too little, and never goes beyond the limit', async () => {
    const move = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('reserve'), amount: fc.bigInt(0n, 400n) }) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('settle'), share: fc.integer({ min: 0, max: 100 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 0, max: 120_000 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('other'), amount: fc.bigInt(0n, 100n) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash', 'stop') }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 30 }), async moves => {
        await store.close()
        path = join(await folders.make(), 'store')
        await open()
        let running: { amount: bigint; reservation: SpendingReservation }[] = []
        let spent = 0n
        /** What a crash has made count for nothing. */
        let lost = 0n
        for (const [index, next] of moves.entries()) {
          const held = running.reduce((sum, { amount }) => sum + amount, 0n)
          if (next.kind === 'reserve' || next.kind === 'other') {
            const { amount } = next as { amount: bigint }
            const fits = spent + held + lost + amount <= LIMIT
            try {
              if (next.kind === 'reserve')
                running.push({ amount, reservation: await spending.reserve(amount, `${index}`) })
              else {
                await store.batch([limit.take(amount, `channel/${index}`)])
                spent += amount
              }
              assert.ok(fits, 'more was given than there is')
            } catch (error) {
              if (!(error instanceof PaymentError)) throw error
              assert.ok(!fits, 'there was enough')
            }
          } else if (next.kind === 'settle') {
            const ended = running.shift()
            if (ended === undefined) continue
            const billed = (ended.amount * BigInt((next as { share: number }).share)) / 100n
            await ended.reservation.settle(billed)
            spent += billed
          } else if (next.kind === 'wait') await clock.advance((next as { ms: number }).ms)
          else {
            if (next.kind === 'stop') {
              for (const { amount, reservation } of running) {
                await reservation.settle(amount)
                spent += amount
              }
              await spending.stop()
            }
            running = []
            await store.close()
            await open()
            const counted = LIMIT - limit.remaining()
            assert.ok(counted >= spent, 'a crash has made spending forgotten')
            if (next.kind === 'stop') assert.equal(counted, spent + lost)
            lost = counted - spent
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})
