import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { CreditLedger } from '../../../../../node/gateway/credit/credit-ledger.ts'
import { GatewayError } from '../../../../../node/gateway/http/http-error.ts'
import type { Reservation } from '../../../../../node/gateway/http/purse.ts'
import { SessionKey } from '../../../../../node/payments/vouchers.ts'
import type { ChannelId } from '../../../../../protocol/ids.ts'
import { minAmount } from '../../../../../protocol/money.ts'
import { GatedStore } from '../../../../helpers/gated-store.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const DOMAIN = { chainId: 31337, settlement: `0x${'5e'.repeat(20)}` as const }
const CHANNEL = `0x${'c4'.repeat(32)}` as ChannelId
const PAYER = `0x${'aa'.repeat(20)}`
const NONCE = `0x${'01'.repeat(32)}`
const HASH = `0x${'02'.repeat(32)}`
const DEPOSIT = 1_000n
const WINDOW = 20n
const WAIT_MS = 15_000

const key = new SessionKey({ privateKey: `0x${'77'.repeat(32)}`, channelId: CHANNEL, domain: DOMAIN })
const channel = { channelId: CHANNEL, payer: PAYER, signer: key.address, deposit: DEPOSIT, claimed: 0n }
const voucher = (cumulativeAmount: bigint) => ({ cumulativeAmount, signature: key.sign(cumulativeAmount) })

/** A ledger on a real disk, that dies and comes back at will. */
class World {
  readonly clock = new ManualClock()
  readonly #path: string
  store!: GatedStore
  ledger!: CreditLedger

  private constructor(path: string) {
    this.#path = path
  }

  static async open(folders: TemporaryFolders): Promise<World> {
    const world = new World(join(await folders.make(), 'store'))
    await world.begin()
    return world
  }

  async begin(): Promise<void> {
    this.store = await GatedStore.open(this.#path)
    this.ledger = new CreditLedger(
      { domain: DOMAIN, paymentWaitMs: WAIT_MS },
      { store: this.store.store, clock: this.clock, window: () => WINDOW },
    )
    await this.ledger.start()
  }

  /** The process dies: what it had in memory is gone. */
  async crash(): Promise<void> {
    await this.store.store.close()
    await this.begin()
  }
}

const refusal = (code: string) => (error: unknown) => {
  assert.ok(error instanceof GatewayError)
  assert.equal(error.code, code)
  return true
}

/** Lets time pass until a promise has ended, whatever it waits for: the disk, or a payer that does not pay. */
async function ended(world: World, promise: Promise<unknown>): Promise<void> {
  const pending = Symbol('pending')
  const done = promise.catch(() => {})
  while ((await Promise.race([done, Promise.resolve(pending)])) === pending) {
    await world.clock.advance(WAIT_MS)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Whether a promise has been resolved by what has happened so far. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  // A turn of the event loop lets the disk answer.
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

describe('CreditLedger', () => {
  const folders = new TemporaryFolders()
  let world: World

  beforeEach(async () => {
    world = await World.open(folders)
  })
  afterEach(() => world.store.store.close())
  after(() => folders.remove())

  it('serves a channel within the window, and on once a voucher covers it', async () => {
    const account = await world.ledger.adopt(channel)
    const reservation = account.reserve(100n)
    await reservation.spent(WINDOW)
    const more = reservation.spent(WINDOW + 1n)
    assert.equal(await isDone(more), false)
    assert.equal(await world.ledger.takeVoucher(CHANNEL, voucher(1n)), true)
    await more
    const rest = reservation.spent(60n)
    assert.equal(await world.ledger.takeVoucher(CHANNEL, voucher(39n)), true)
    assert.equal(await isDone(rest), false)
    assert.equal(await world.ledger.takeVoucher(CHANNEL, voucher(60n)), true)
    await rest
    await reservation.settle(55n)
    assert.equal(account.row.consumed, 55n)
    assert.equal(account.available, 5n)
    assert.equal(account.free, DEPOSIT - 55n)
    await reservation.settle(60n)
    assert.equal(account.row.consumed, 55n)
  })

  it('gives up on a payer that does not pay in time, and serves it no more until it has', async () => {
    const account = await world.ledger.adopt(channel)
    const reservation = account.reserve(100n)
    const unpaid = assert.rejects(reservation.spent(50n), refusal('PAYMENT_REQUIRED'))
    await ended(world, unpaid)
    await unpaid
    await reservation.settle(50n)
    assert.throws(() => account.reserve(1n), refusal('PAYMENT_REQUIRED'))
    await world.crash()
    const again = world.ledger.account(CHANNEL)!
    assert.throws(() => again.reserve(1n), refusal('PAYMENT_REQUIRED'))
    await world.ledger.takeVoucher(CHANNEL, voucher(50n))
    await again.reserve(1n).settle(0n)
  })

  it('promises no money to two requests', async () => {
    const account = await world.ledger.adopt(channel)
    await world.ledger.takeVoucher(CHANNEL, voucher(10n))
    const first = account.reserve(600n)
    assert.throws(() => account.reserve(401n), refusal('PAYMENT_REQUIRED'))
    const second = account.reserve(400n)
    assert.throws(() => account.reserve(1n), refusal('PAYMENT_REQUIRED'))
    await first.settle(0n)
    await account.reserve(600n).settle(0n)
    await second.settle(0n)
    assert.throws(() => account.reserve(11n, { isPrepaid: true }), refusal('PAYMENT_REQUIRED'))
    const prepaid = account.reserve(10n, { isPrepaid: true })
    assert.throws(() => account.reserve(1n, { isPrepaid: true }), refusal('PAYMENT_REQUIRED'))
    await prepaid.settle(10n)
  })

  it('ends at what was set aside', async () => {
    const account = await world.ledger.adopt(channel)
    await world.ledger.takeVoucher(CHANNEL, voucher(500n))
    const reservation = account.reserve(100n)
    await assert.rejects(reservation.spent(101n), refusal('PAYMENT_REQUIRED'))
    await reservation.settle(150n)
    assert.equal(account.row.consumed, 100n)
  })

  it('has few requests at once on a channel that has never paid', async () => {
    const account = await world.ledger.adopt(channel)
    const running = [1, 2, 3, 4].map(() => account.reserve(10n))
    assert.throws(() => account.reserve(10n), refusal('TOO_MANY_REQUESTS_AT_ONCE'))
    await world.ledger.takeVoucher(CHANNEL, voucher(1n))
    running.push(account.reserve(10n))
    await Promise.all(running.map(each => each.settle(0n)))
  })

  it('gives up a wait when the request is given up', async () => {
    const account = await world.ledger.adopt(channel)
    const gone = new AbortController()
    const reservation = account.reserve(100n, { signal: gone.signal })
    const waiting = assert.rejects(reservation.spent(50n), refusal('CLIENT_GONE'))
    await isDone(waiting)
    gone.abort()
    await waiting
    await reservation.settle(50n)
    assert.deepEqual(world.clock.pendingMs(), [])
  })

  it('takes only vouchers of the channel’s key, within its deposit', async () => {
    await world.ledger.adopt(channel)
    const { ledger } = world
    const wrong = [
      [{ ...voucher(10n), cumulativeAmount: 11n }, 'REQUEST_INVALID'],
      [voucher(DEPOSIT + 1n), 'REQUEST_INVALID'],
      [{ cumulativeAmount: 10n, signature: `0x${'00'.repeat(65)}` }, 'REQUEST_INVALID'],
    ] as const
    for (const [bad, code] of wrong) await assert.rejects(ledger.takeVoucher(CHANNEL, bad), refusal(code))
    await assert.rejects(ledger.takeVoucher(HASH as ChannelId, voucher(1n)), refusal('NOT_FOUND'))
    assert.equal(await ledger.takeVoucher(CHANNEL, voucher(10n)), true)
    assert.equal(await ledger.takeVoucher(CHANNEL, voucher(10n)), false)
    assert.equal(await ledger.takeVoucher(CHANNEL, voucher(9n)), false)
    assert.equal(ledger.account(CHANNEL)!.row.covered, 10n)
  })

  it('serves for no voucher that is not on disk yet', async () => {
    const account = await world.ledger.adopt(channel)
    const reservation = account.reserve(100n)
    const waiting = reservation.spent(50n)
    await isDone(waiting)
    // A voucher whose writing waits behind this does not count.
    const gate = world.store.gate('credit-accounts')
    const writing = reservation.spent(51n)
    await gate.reached
    const taken = world.ledger.takeVoucher(CHANNEL, voucher(100n))
    assert.equal(await isDone(waiting), false)
    gate.open()
    await Promise.all([taken, waiting, writing])
    await reservation.settle(51n)
  })

  it('lets nothing begin on a channel that is being closed', async () => {
    const account = await world.ledger.adopt(channel)
    const reservation = account.reserve(10n)
    assert.throws(() => account.close(), refusal('CONFLICT'))
    await reservation.settle(3n)
    account.close()
    assert.throws(() => account.close(), refusal('CONFLICT'))
    assert.throws(() => account.reserve(1n), refusal('CONFLICT'))
    account.reopen()
    await account.reserve(1n).settle(0n)
  })

  it('keeps what was claimed on a closed channel and not used as its payer’s credit', async () => {
    const account = await world.ledger.adopt(channel)
    await world.ledger.takeVoucher(CHANNEL, voucher(100n))
    await account.reserve(70n).settle(70n)
    await world.ledger.retire(CHANNEL, 100n)
    await world.crash()
    assert.equal(world.ledger.account(CHANNEL), null)
    assert.equal(world.ledger.account(PAYER)!.available, 30n)
    await world.ledger.adopt({ ...channel, claimed: 100n })
    await world.ledger.retire(CHANNEL, 100n)
    assert.equal(world.ledger.account(PAYER)!.available, 30n)
  })

  describe('a payment ahead', () => {
    const payment = { payer: PAYER, nonce: NONCE, value: 100n, validBeforeMs: 1_700_000_060_000, data: '0x' }

    it('counts once, however often it is shown and whenever the node dies', async () => {
      assert.equal(await world.ledger.beginPayment(payment), true)
      assert.equal(await world.ledger.beginPayment(payment), false)
      await world.crash()
      assert.deepEqual(
        (await world.ledger.unfinishedPayments()).map(({ nonce }) => nonce),
        [NONCE],
      )
      assert.equal(await world.ledger.beginPayment(payment), false)
      await Promise.all([
        world.ledger.paymentCollected(payment, HASH),
        world.ledger.paymentCollected(payment, HASH),
      ])
      await world.crash()
      await world.ledger.paymentCollected(payment, HASH)
      assert.equal(await world.ledger.beginPayment(payment), false)
      assert.equal(world.ledger.account(PAYER)!.available, 100n)
    })

    it('that never arrived may be shown again', async () => {
      await world.ledger.beginPayment(payment)
      await world.ledger.paymentFailed(payment)
      await world.ledger.paymentCollected(payment, HASH)
      assert.equal(world.ledger.account(PAYER)?.available ?? 0n, 0n)
      assert.equal(await world.ledger.beginPayment(payment), true)
      await world.ledger.paymentCollected(payment, HASH)
      await world.ledger.paymentFailed(payment)
      assert.equal(world.ledger.account(PAYER)!.available, 100n)
    })

    it('is forgotten when it has expired, and not before', async () => {
      await world.ledger.beginPayment(payment)
      await world.ledger.paymentCollected(payment, HASH)
      await world.ledger.prune()
      assert.equal(await world.ledger.beginPayment(payment), false)
      await world.clock.advance(2 * 3_600_000)
      await world.ledger.prune()
      assert.equal(await world.ledger.beginPayment(payment), true)
    })

    it('goes back once, however the node dies', async () => {
      await world.ledger.beginPayment(payment)
      const account = await world.ledger.paymentCollected(payment, HASH)
      const running = account.reserve(60n)
      await assert.rejects(account.beginRefund(1n), refusal('CONFLICT'))
      await running.settle(40n)
      assert.equal(await account.beginRefund(61n), null)
      assert.deepEqual(await account.beginRefund(1n), { amount: 60n, number: 1 })
      await world.crash()
      const again = world.ledger.account(PAYER)!
      assert.equal(again.available, 0n)
      assert.throws(() => again.reserve(1n), refusal('PAYMENT_REQUIRED'))
      assert.deepEqual(await again.beginRefund(1n), { amount: 60n, number: 1 })
      await again.endRefund(false)
      assert.equal(again.available, 60n)
      assert.deepEqual(await again.beginRefund(1n), { amount: 60n, number: 2 })
      await again.endRefund(true)
      await again.endRefund(false)
      assert.equal(await again.beginRefund(0n), null)
      await world.crash()
      assert.equal(world.ledger.account(PAYER), null)
    })
  })

  it('never serves more than is covered and the window, nor charges more than was served, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('reserve' as const), amount: fc.bigInt(0n, 400n), prepaid: fc.boolean() }),
      fc.record({ do: fc.constant('spend' as const), which: fc.nat(7), more: fc.bigInt(0n, 120n) }),
      fc.record({ do: fc.constant('settle' as const), which: fc.nat(7), share: fc.bigInt(0n, 100n) }),
      fc.record({ do: fc.constant('pay' as const), amount: fc.bigInt(0n, 200n) }),
      fc.record({ do: fc.constant('crash' as const) }),
    )
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
      const own = await World.open(folders)
      let account = await own.ledger.adopt(channel)
      let signed = 0n
      /** Told as spent and let go on, by request: the least that was served. */
      let running: { reservation: Reservation; told: bigint; served: bigint }[] = []
      /** Price of all that has ended; an upper bound where the node died. */
      let [endedLeast, endedMost] = [0n, 0n]
      const waiting: Promise<void>[] = []
      for (const each of steps) {
        if (each.do === 'reserve') {
          try {
            const reservation = account.reserve(each.amount, { isPrepaid: each.prepaid })
            running.push({ reservation, told: 0n, served: 0n })
          } catch (error) {
            assert.ok(error instanceof GatewayError)
          }
        } else if (each.do === 'spend' && running.length > 0) {
          const task = running[each.which % running.length]!
          task.told += each.more
          const total = task.told
          waiting.push(
            task.reservation.spent(total).then(
              () => {
                if (total > task.served) task.served = total
                // What was let go on had been covered at that moment; the voucher that did it never goes away.
                const served = running.reduce((sum, { served }) => sum + served, 0n)
                assert.ok(endedLeast + served <= signed + WINDOW, 'served unpaid')
              },
              () => {},
            ),
          )
          await isDone(waiting.at(-1)!)
        } else if (each.do === 'settle' && running.length > 0) {
          const [task] = running.splice(each.which % running.length, 1)
          const { limit } = task!.reservation
          const told = minAmount(task!.told, limit)
          const price = (told * each.share) / 100n
          await task!.reservation.settle(price)
          endedLeast += price
          endedMost += price
        } else if (each.do === 'pay') {
          signed = signed + each.amount > DEPOSIT ? DEPOSIT : signed + each.amount
          await own.ledger.takeVoucher(CHANNEL, voucher(signed))
        } else if (each.do === 'crash') {
          await isDone(Promise.allSettled(waiting))
          await own.crash()
          account = own.ledger.account(CHANNEL)!
          for (const { served, told, reservation } of running) {
            endedLeast += minAmount(served, reservation.limit)
            endedMost += minAmount(told, reservation.limit)
          }
          running = []
          assert.equal(account.row.covered, signed, 'a voucher was lost')
        }
        const { consumed } = account.row
        assert.ok(consumed >= endedLeast, 'served and not charged')
        assert.ok(consumed <= endedMost, 'charged and not served')
        assert.ok(account.owed <= DEPOSIT, 'more than the deposit')
        endedLeast = consumed
        endedMost = consumed
      }
      for (const { reservation } of running) await reservation.settle(0n)
      await ended(own, Promise.allSettled(waiting))
      await own.store.store.close()
    })
    await fc.assert(property, { numRuns: 40 })
  })
})
