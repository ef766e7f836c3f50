import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { type BudgetLine, Budgets } from '../../../../../node/gateway/accounts/budgets.ts'
import type { Budget } from '../../../../../node/gateway/accounts/policy.ts'
import { GatewayError } from '../../../../../node/gateway/http/http-error.ts'
import type { Reservation } from '../../../../../node/gateway/http/purse.ts'
import { Store } from '../../../../../node/store/store.ts'
import { CREDIT, parseCredits } from '../../../../../protocol/money.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const HOUR_MS = 3_600_000
const isExceeded = (error: unknown) =>
  error instanceof GatewayError && error.code === 'BUDGET_EXCEEDED' && error.fix !== undefined

type Move =
  | { kind: 'reserve'; line: number; max: bigint }
  | { kind: 'settle'; which: number; share: number }
  | { kind: 'wait'; ms: number }
  /** The process dies at once and comes back; what it had begun is not ended. */
  | { kind: 'crash' }

const LINES: readonly (readonly BudgetLine[])[] = [
  [{ account: 'tenant:a', budget: { amount: 100n, per: 'day' } }],
  [{ account: 'tenant:b', budget: { amount: 150n, per: 'month' } }],
  [
    { account: 'tenant:a', budget: { amount: 100n, per: 'day' } },
    { account: 'key:1', budget: { amount: 120n, per: 'ever' } },
  ],
]

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      line: fc.nat(LINES.length - 1),
      max: fc.bigInt(0n, 70n),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(9),
      share: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, HOUR_MS, 25 * HOUR_MS, 24 * 32 * HOUR_MS),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' as const }) },
)

describe('budgets', () => {
  const folders = new TemporaryFolders()
  const stores: Store[] = []
  const closeAll = () => Promise.all(stores.splice(0).map(store => store.close()))
  afterEach(async () => {
    await closeAll()
    await folders.remove()
  })

  async function open(path: string, clock: ManualClock) {
    const store = await Store.open(path)
    stores.push(store)
    let id = 0
    const budgets = new Budgets({ store, clock, log: silentLog, newId: () => `${clock.nowMs()}-${id++}` })
    await budgets.start()
    return { store, budgets }
  }

  it('let through what a plain account book does, over crashes too, and never more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 30 }), async moves => {
        const clock = new ManualClock(Date.UTC(2026, 10, 21, 10))
        const path = join(await folders.make(), 'store')
        let { budgets } = await open(path, clock)
        /** Every amount that counts, where it counts, and when it began. */
        const book: { accounts: string[]; amount: bigint; atMs: number }[] = []
        let running: { reservation: Reservation; entry: (typeof book)[number] }[] = []
        const used = ({ account, budget }: BudgetLine) =>
          book
            .filter(
              entry =>
                entry.accounts.includes(account) &&
                (isSamePeriod(budget!, entry.atMs, clock.nowMs()) ||
                  running.some(one => one.entry === entry)),
            )
            .reduce((sum, { amount }) => sum + amount, 0n)
        for (const next of moves) {
          if (next.kind === 'reserve') {
            const lines = LINES[next.line]!
            const fits = lines.every(line => used(line) + next.max <= line.budget!.amount)
            if (!fits) await assert.rejects(budgets.reserve(lines, next.max), isExceeded)
            else {
              const reservation = await budgets.reserve(lines, next.max)
              const accounts = lines.map(({ account }) => account)
              const entry = { accounts, amount: next.max, atMs: clock.nowMs() }
              book.push(entry)
              running.push({ reservation, entry })
            }
          } else if (next.kind === 'settle') {
            const [one] = running.splice(next.which % Math.max(1, running.length), 1)
            if (one === undefined) continue
            const price = (one.entry.amount * BigInt(next.share)) / 100n
            await one.reservation.settle(price)
            await one.reservation.settle(price + 1n)
            one.entry.amount = price
          } else if (next.kind === 'wait') await clock.advance(next.ms)
          else {
            await closeAll()
            ;({ budgets } = await open(path, clock))
            // What ran counts in full, on the day it began.
            running = []
          }
          for (const line of LINES.flat()) {
            const { spent, reserved } = budgets.view(line.account, line.budget!)
            assert.equal(parseCredits(spent) + parseCredits(reserved), used(line))
          }
        }
        await closeAll()
      }),
      { numRuns: 25 },
    )
  })

  it('never go beyond what is there when many ask at once', async () => {
    const { budgets } = await open(join(await folders.make(), 'store'), new ManualClock())
    const line: BudgetLine = { account: 'tenant:a', budget: { amount: 10n * CREDIT, per: 'day' } }
    const asked = await Promise.allSettled(Array.from({ length: 64 }, () => budgets.reserve([line], CREDIT)))
    const granted = asked.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    assert.equal(granted.length, 10)
    assert.equal(budgets.view(line.account, line.budget!).remaining, '0')
    await Promise.all(granted.map(reservation => reservation.settle(CREDIT / 2n)))
    assert.deepEqual(
      { ...budgets.view(line.account, line.budget!), resetsAt: null },
      { amount: '10', per: 'day', spent: '5', reserved: '0', remaining: '5', resetsAt: null },
    )
  })

  it('take of all the lines or of none', async () => {
    const { budgets } = await open(join(await folders.make(), 'store'), new ManualClock())
    const tenant: BudgetLine = { account: 'tenant:a', budget: { amount: 10n, per: 'ever' } }
    const key: BudgetLine = { account: 'key:1', budget: { amount: 5n, per: 'ever' } }
    await assert.rejects(budgets.reserve([tenant, key], 6n), isExceeded)
    const reservation = await budgets.reserve([tenant], 10n)
    assert.equal(reservation.limit, 10n)
    await assert.rejects(reservation.spent(11n), isExceeded)
    await reservation.spent(10n)
  })

  it('do not begin what cannot be written', async () => {
    const { store, budgets } = await open(join(await folders.make(), 'store'), new ManualClock())
    const line: BudgetLine = { account: 'tenant:a', budget: { amount: 10n, per: 'day' } }
    await store.close()
    await assert.rejects(budgets.reserve([line], 10n))
    assert.equal(budgets.view('tenant:a', line.budget!).reserved, '0')
  })

  it('count where no limit is, and know it after a restart', async () => {
    const clock = new ManualClock()
    const path = join(await folders.make(), 'store')
    const { budgets } = await open(path, clock)
    const first = await budgets.reserve([{ account: 'tenant:a', budget: null }], CREDIT)
    await first.settle(CREDIT / 4n)
    await budgets.stop()
    await closeAll()
    const again = await open(path, clock)
    assert.deepEqual(again.budgets.spent('tenant:a'), {
      day: CREDIT / 4n,
      month: CREDIT / 4n,
      ever: CREDIT / 4n,
    })
  })

  it('forget no spending when the clock is set back over midnight', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 23, 59))
    const { budgets } = await open(join(await folders.make(), 'store'), clock)
    const line: BudgetLine = { account: 'tenant:a', budget: { amount: 10n, per: 'day' } }
    await (await budgets.reserve([line], 10n)).settle(10n)
    clock.jump(2 * 60_000)
    await (await budgets.reserve([line], 1n)).settle(1n)
    clock.jump(-2 * 60_000)
    await assert.rejects(budgets.reserve([line], 1n), isExceeded)
  })
})

function isSamePeriod(budget: Budget, aMs: number, bMs: number): boolean {
  const [a, b] = [new Date(aMs).toISOString(), new Date(bMs).toISOString()]
  return (
    budget.per === 'ever' ||
    a.slice(0, budget.per === 'day' ? 10 : 7) === b.slice(0, budget.per === 'day' ? 10 : 7)
  )
}
