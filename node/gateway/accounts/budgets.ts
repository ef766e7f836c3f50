import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { formatCredits } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { LatestWriter } from '../../store/latest-writer.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { GatewayError } from '../http/http-error.ts'
import type { Reservation } from '../http/purse.ts'
import { BUDGET_PERIODS, type BudgetView } from './account-schemas.ts'
import { type Periods, periodsAt, resetsAtMs, spendKey } from './budget-periods.ts'
import type { Budget } from './policy.ts'

export interface BudgetsModules {
  store: Store
  clock: Clock
  log: Logger
  /** Makes names that were never used. */
  newId: () => string
}

/** Somebody whose spending is counted, and how much it may be; null counts only. */
export interface BudgetLine {
  /** `tenant:acme`, `key:k3v9…` */
  account: string
  budget: Budget | null
}

const spendSchema = z.strictObject({ spent: wire.amount })
const reservationSchema = z.strictObject({
  accounts: z.array(z.string().max(100)).max(4),
  limit: wire.amount,
  day: z.string().max(10),
  month: z.string().max(7),
})
type StoredReservation = z.output<typeof reservationSchema>

const DAY_MS = 24 * 3_600_000
/** What was spent long ago is forgotten, but for the sum. */
const KEPT = { dayMs: 62 * DAY_MS, monthMs: 25 * 31 * DAY_MS }
/** What is in memory: more than the spans we are in, since a clock may be set back. */
const RECENT = { dayMs: 3 * DAY_MS, monthMs: 62 * DAY_MS }

/**
 * Counts what tenants and keys spend against their budgets. What a request can cost is set aside before it begins, in
 * memory at once and on disk before the work: requests at the same time never go beyond a budget together, and after
 * a crash a request that was running counts with all that was set aside, too much and never too little.
 */
export class Budgets {
  readonly #modules: BudgetsModules
  readonly #spend: Table<z.output<typeof spendSchema>>
  readonly #reservations: Table<StoredReservation>
  /** Base units by `spendKey`; of spans that have begun and not ended. What is not here is 0. */
  readonly #spent = new Map<string, bigint>()
  /** Base units by account. */
  readonly #reserved = new Map<string, bigint>()
  /** Of requests that run. */
  readonly #open = new Map<string, StoredReservation>()
  readonly #changed = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #writer = new LatestWriter(() => this.#flush())
  #today = ''

  constructor(modules: BudgetsModules) {
    this.#modules = modules
    this.#spend = modules.store.table('gatewaySpend', spendSchema)
    this.#reservations = modules.store.table('gatewayReservations', reservationSchema)
  }

  /** Reads what was spent; requests cut off by a crash are counted in full. @throws {StoreError} */
  async start(): Promise<void> {
    const { clock, store, log } = this.#modules
    const nowMs = clock.nowMs()
    this.#today = periodsAt(nowMs).day
    const unsettled: [id: string, reservation: StoredReservation][] = []
    for await (const entry of this.#reservations.entries()) unsettled.push(entry)
    const cutOff = new Set(unsettled.flatMap(([, one]) => rowsOf(one)))
    const stale: BatchOperation[] = []
    for await (const [key, { spent }] of this.#spend.entries()) {
      if (isWithin(key, nowMs, RECENT) || cutOff.has(key)) this.#spent.set(key, spent)
      else if (!isWithin(key, nowMs, KEPT)) stale.push(this.#spend.deleteOperation(key))
    }
    for (const [, one] of unsettled) for (const key of rowsOf(one)) this.#add(key, one.limit)
    const operations = [
      ...stale,
      ...[...cutOff].map(key => this.#spend.putOperation(key, { spent: this.#spent.get(key)! })),
      ...unsettled.map(([id]) => this.#reservations.deleteOperation(id)),
    ]
    if (operations.length > 0) await store.batch(operations)
    if (unsettled.length > 0) {
      log.warn({ requests: unsettled.length }, 'requests that a crash cut off count with all they could cost')
    }
  }

  /** Resolves when all that was settled is on disk. Idempotent. */
  async stop(): Promise<void> {
    await this.#writer.write()
  }

  /**
   * Sets money of all the lines aside, or of none.
   * @param maxAmount base units
   * @throws {GatewayError} BUDGET_EXCEEDED
   * @throws {StoreError} when it cannot be written; nothing is set aside then
   */
  async reserve(lines: readonly BudgetLine[], maxAmount: bigint): Promise<Reservation> {
    if (maxAmount < 0n) throw new RangeError('an amount is not negative')
    const periods = this.#now()
    for (const { account, budget } of lines) if (budget !== null) this.#check(account, budget, maxAmount)
    const id = this.#modules.newId()
    const stored = { accounts: lines.map(({ account }) => account), limit: maxAmount, ...periods }
    // At once: who asks at the same time must see it.
    this.#hold(stored, maxAmount)
    this.#open.set(id, stored)
    // What only counts has nothing to lose by a crash.
    const isBound = lines.some(({ budget }) => budget !== null)
    if (isBound) {
      try {
        await this.#reservations.put(id, stored)
      } catch (error) {
        this.#open.delete(id)
        this.#hold(stored, -maxAmount)
        throw error
      }
    }
    let settled: Promise<void> | null = null
    return {
      limit: maxAmount,
      spent: async total => {
        if (total > maxAmount) throw exceeded('the request costs more than was set aside for it', maxAmount)
      },
      settle: total => {
        settled ??= this.#settle(id, stored, total)
        return settled
      },
    }
  }

  /** How much is left of a budget, and when it begins anew. */
  view(account: string, budget: Budget): BudgetView {
    const { spent, reserved } = this.#used(account, budget.per)
    const left = budget.amount - spent - reserved
    const resets = resetsAtMs(budget.per, this.#modules.clock.nowMs())
    return {
      amount: formatCredits(budget.amount),
      per: budget.per,
      spent: formatCredits(spent),
      reserved: formatCredits(reserved),
      remaining: formatCredits(left > 0n ? left : 0n),
      resetsAt: resets === null ? null : new Date(resets).toISOString(),
    }
  }

  /** Base units spent today, this month and ever. */
  spent(account: string): Record<Budget['per'], bigint> {
    const periods = this.#now()
    const of = (per: Budget['per']) => this.#spent.get(spendKey(account, per, periods)) ?? 0n
    return { day: of('day'), month: of('month'), ever: of('ever') }
  }

  async #settle(id: string, stored: StoredReservation, total: bigint): Promise<void> {
    this.#open.delete(id)
    this.#hold(stored, -stored.limit)
    for (const key of rowsOf(stored)) {
      if (total > 0n) {
        this.#add(key, total)
        this.#changed.add(key)
      }
    }
    this.#ended.add(id)
    // In memory it is settled. A write that fails leaves the reservation, which counts for more than was spent.
    await this.#writer
      .write()
      .catch(error =>
        this.#modules.log.warn({ err: error }, 'what a request has cost could not be written yet'),
      )
  }

  async #flush(): Promise<void> {
    const changed = [...this.#changed]
    const ended = [...this.#ended]
    this.#changed.clear()
    this.#ended.clear()
    if (changed.length + ended.length === 0) return
    try {
      await this.#modules.store.batch(
        [
          ...changed.map(key => this.#spend.putOperation(key, { spent: this.#spent.get(key) ?? 0n })),
          ...ended.map(id => this.#reservations.deleteOperation(id)),
        ],
        // Lost with the machine, it leaves the reservations, which were synced.
        { sync: false },
      )
    } catch (error) {
      for (const key of changed) this.#changed.add(key)
      for (const id of ended) this.#ended.add(id)
      throw error
    }
  }

  #check(account: string, budget: Budget, maxAmount: bigint): void {
    const { spent, reserved } = this.#used(account, budget.per)
    const left = budget.amount - spent - reserved
    if (maxAmount <= left) return
    const resets = resetsAtMs(budget.per, this.#modules.clock.nowMs())
    throw exceeded('the budget does not cover what this request can cost', left > 0n ? left : 0n, {
      needed: maxAmount,
      ...(resets === null ? {} : { resetsAtMs: resets, nowMs: this.#modules.clock.nowMs() }),
    })
  }

  #used(account: string, per: Budget['per']): { spent: bigint; reserved: bigint } {
    const spent = this.#spent.get(spendKey(account, per, this.#now())) ?? 0n
    return { spent, reserved: this.#reserved.get(account) ?? 0n }
  }

  #hold(stored: StoredReservation, amount: bigint): void {
    for (const account of stored.accounts) {
      const held = (this.#reserved.get(account) ?? 0n) + amount
      if (held === 0n) this.#reserved.delete(account)
      else this.#reserved.set(account, held)
    }
  }

  #add(key: string, amount: bigint): void {
    this.#spent.set(key, (this.#spent.get(key) ?? 0n) + amount)
  }

  /** The spans we are in; with a new day, those that have ended are let go. */
  #now(): Periods {
    const nowMs = this.#modules.clock.nowMs()
    const now = periodsAt(nowMs)
    if (now.day !== this.#today) {
      this.#today = now.day
      const open = new Set([...this.#open.values()].flatMap(rowsOf))
      for (const key of this.#spent.keys()) {
        const isNeeded = isWithin(key, nowMs, RECENT) || open.has(key) || this.#changed.has(key)
        if (!isNeeded) this.#spent.delete(key)
      }
    }
    return now
  }
}

function rowsOf({ accounts, day, month }: StoredReservation): string[] {
  return accounts.flatMap(account => BUDGET_PERIODS.map(per => spendKey(account, per, { day, month })))
}

/** Whether the span of a row began less than so long ago; sums over all time always have. */
function isWithin(key: string, nowMs: number, { dayMs, monthMs }: typeof KEPT): boolean {
  const [, per, period] = /\/(day|month)\/([\d-]+)$/.exec(key) ?? []
  if (per === undefined || period === undefined) return true
  const begunMs = Date.parse(per === 'day' ? period : `${period}-01`)
  return begunMs >= nowMs - (per === 'day' ? dayMs : monthMs)
}

function exceeded(
  what: string,
  left: bigint,
  about: { needed?: bigint; resetsAtMs?: number; nowMs?: number } = {},
): GatewayError {
  const { needed, resetsAtMs: atMs, nowMs } = about
  return new GatewayError('BUDGET_EXCEEDED', what, {
    fix:
      atMs === undefined
        ? 'Ask for fewer tokens or a lower price, or have the budget raised.'
        : `Ask for fewer tokens or a lower price, have the budget raised, or wait until ${new Date(atMs).toISOString()}.`,
    details: {
      remaining: formatCredits(left),
      ...(needed === undefined ? {} : { needed: formatCredits(needed) }),
    },
    ...(atMs === undefined || nowMs === undefined
      ? {}
      : { headers: { 'retry-after': String(Math.ceil((atMs - nowMs) / 1_000)) } }),
  })
}
