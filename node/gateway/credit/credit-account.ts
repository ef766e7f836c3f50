import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { SignedVoucher } from '../../../protocol/messages/task-request.ts'
import { maxAmount, minAmount } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import { LatestWriter } from '../../store/latest-writer.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { GatewayError } from '../http/http-error.ts'
import type { Reservation } from '../http/purse.ts'

/** What a payer has brought and used. Counted up only, in base units, over the account's whole life. */
export const creditRowSchema = z.strictObject({
  /** A channel's id, or a wallet's address. */
  id: z.string().max(66),
  kind: z.enum(['channel', 'wallet']),
  payer: wire.address,
  /** Whose vouchers pay; null for a wallet's credit, which is paid ahead. */
  signer: z.nullable(wire.address),
  /** The most that can be paid: a channel's deposit. */
  ceiling: wire.amount,
  /** Paid: the best voucher, or all payments. */
  covered: wire.amount,
  signature: z.nullable(wire.ecdsaSignature),
  /** Cost of all requests that have ended. */
  consumed: wire.amount,
  /** What those that run have cost so far. After a crash they have ended: this is their price. */
  running: wire.amount,
  /** Numbers refunds, so that each is one transaction. */
  refunds: wire.count,
  pendingRefund: z.nullable(wire.amount),
})
export type CreditRow = z.infer<typeof creditRowSchema>

export interface CreditAccountModules {
  table: Table<CreditRow>
  store: { batch(operations: readonly BatchOperation[]): Promise<void> }
  clock: Clock
  /** Base units that a channel may owe at any time. */
  window: () => bigint
  /** How long a payer that owes is waited for. */
  paymentWaitMs: number
}

/** Requests at once on one account. */
const MAX_RUNNING = 64
/** Until a channel has shown that it pays: what a prompt costs is owed before anything can be asked for it. */
const MAX_RUNNING_UNPROVEN = 4

interface Running {
  readonly limit: bigint
  charged: bigint
}

/**
 * One payer's account. What it owes is what ended requests cost and what running ones have cost so far; it is served
 * only while that is covered, but for the window, and never beyond the ceiling. Nothing is charged that was not told as
 * spent or settled, and no money counts for two requests: each sets its most aside before it begins.
 */
export class CreditAccount {
  readonly row: CreditRow
  readonly #modules: CreditAccountModules
  readonly #writer: LatestWriter
  readonly #running = new Set<Running>()
  readonly #waiting = new Set<() => void>()
  /** Of `row.covered`, what is on disk: only that is served for. */
  #durable: bigint
  #isClosing = false

  constructor(row: CreditRow, modules: CreditAccountModules) {
    this.row = row
    this.#modules = modules
    this.#durable = row.covered
    row.consumed += row.running
    row.running = 0n
    this.#writer = new LatestWriter(() => modules.table.put(row.id, row, { sync: false }))
  }

  /** Base units that requests have cost, ended and running. */
  get owed(): bigint {
    return this.row.consumed + this.row.running
  }

  /** Set aside for requests that run, base units. */
  get reserved(): bigint {
    let sum = 0n
    for (const { limit } of this.#running) sum += limit
    return sum
  }

  /** Paid and not used, nor set aside. */
  get available(): bigint {
    return maxAmount(0n, this.#durable - this.row.consumed - this.reserved)
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  /** What a request on a channel may be promised: not used, and set aside for no other. */
  get free(): bigint {
    return maxAmount(0n, this.row.ceiling - this.row.consumed - this.reserved)
  }

  /**
   * Sets money aside for one request.
   * @param options.isPrepaid all of it must have been paid already
   * @throws {GatewayError} PAYMENT_REQUIRED, TOO_MANY_REQUESTS_AT_ONCE, CONFLICT while it is being closed
   */
  reserve(wanted: bigint, options: { isPrepaid?: boolean; signal?: AbortSignal } = {}): Reservation {
    const { row } = this
    const isPrepaid = options.isPrepaid === true || row.kind === 'wallet'
    if (this.#isClosing) throw closing()
    const proven = row.kind === 'wallet' || row.signature !== null
    if (this.#running.size >= (proven ? MAX_RUNNING : MAX_RUNNING_UNPROVEN)) {
      throw new GatewayError(
        'TOO_MANY_REQUESTS_AT_ONCE',
        'too many requests are paid from this account at once',
        {
          headers: { 'retry-after': '1' },
          fix: proven ? 'Wait until one has ended.' : 'Pay for the first one: send a voucher.',
        },
      )
    }
    if (this.owed > this.#durable + this.#window()) {
      throw short('what was used before has not been paid', { due: this.owed })
    }
    const free = isPrepaid ? this.available : this.free
    if (wanted > free) {
      throw short('the account does not hold what this request can cost', {
        needed: wanted,
        available: free,
        ...(isPrepaid ? { due: row.consumed + this.reserved + wanted } : {}),
      })
    }
    const running: Running = { limit: wanted, charged: 0n }
    this.#running.add(running)
    return new CreditReservation(running, this, options.signal)
  }

  /** For `CreditReservation`: takes down what a running request has cost, and waits until it is covered. */
  async charge(running: Running, total: bigint, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#running.has(running)) return
    const amount = minAmount(total, running.limit)
    if (amount > running.charged) {
      this.row.running += amount - running.charged
      running.charged = amount
      await this.#writer.write()
    }
    if (total > running.limit) throw short('the request has cost all that was set aside for it', {})
    await this.#covered(signal)
  }

  /** For `CreditReservation`: the request has ended at its price. */
  async end(running: Running, total: bigint): Promise<void> {
    if (!this.#running.delete(running)) return
    const price = minAmount(total, running.limit)
    this.row.running -= running.charged
    this.row.consumed += price
    await this.#write()
    // What was set aside and not used may be what another one waits for.
    this.#wake()
  }

  /**
   * Takes a voucher that is better than the best; on disk when this resolves. Its signature has been checked.
   * @returns whether it was better
   */
  async takeVoucher({ cumulativeAmount, signature }: SignedVoucher): Promise<boolean> {
    const { row } = this
    if (cumulativeAmount <= this.#durable) return false
    const isBetter = cumulativeAmount > row.covered
    if (isBetter) {
      row.covered = cumulativeAmount
      row.signature = signature
    }
    // One that is as good comes while the first is being written, or after that has failed.
    await this.#write()
    this.#count(cumulativeAmount)
    return isBetter
  }

  /** Counts money that was paid ahead, together with other records. */
  async takePayment(amount: bigint, operations: readonly BatchOperation[]): Promise<void> {
    const { row } = this
    const { table, store } = this.#modules
    let paid = 0n
    // In one piece with the records of the payment: written with anything else, it could count twice after a crash.
    await this.#writer.change(() => {
      row.covered += amount
      row.ceiling = maxAmount(row.ceiling, row.covered)
      paid = row.covered
      return store.batch([table.putOperation(row.id, row), ...operations])
    })
    this.#count(paid)
  }

  /** The payer has locked more. */
  async raiseCeiling(deposit: bigint): Promise<void> {
    if (deposit <= this.row.ceiling) return
    this.row.ceiling = deposit
    await this.#write()
  }

  /**
   * Takes what is left of a wallet's credit out, to be sent back. What an earlier call took out and has not arrived is
   * meant first.
   * @returns the amount and its number; null when nothing is left
   * @throws {GatewayError} CONFLICT while requests run on it
   */
  async beginRefund(least: bigint): Promise<{ amount: bigint; number: number } | null> {
    const { row } = this
    if (row.pendingRefund !== null) return { amount: row.pendingRefund, number: row.refunds }
    if (!this.isIdle) {
      throw new GatewayError('CONFLICT', 'requests are being paid from this credit', {
        fix: 'Wait until they have ended.',
      })
    }
    const amount = this.available
    if (amount === 0n || amount < least) return null
    row.consumed += amount
    row.refunds += 1
    row.pendingRefund = amount
    await this.#write()
    return { amount, number: row.refunds }
  }

  /** @param isSent whether the credits have left; else they are there again */
  async endRefund(isSent: boolean): Promise<void> {
    const { row } = this
    const amount = row.pendingRefund
    if (amount === null) return
    row.pendingRefund = null
    if (!isSent) row.consumed -= amount
    await this.#write()
  }

  /**
   * Lets no request begin any more, until `reopen`.
   * @throws {GatewayError} CONFLICT while requests run, or when it is being closed
   */
  close(): void {
    if (this.#isClosing) throw closing()
    if (!this.isIdle) {
      throw new GatewayError('CONFLICT', 'requests are being paid from this channel', {
        fix: 'Wait until they have ended.',
      })
    }
    this.#isClosing = true
  }

  reopen(): void {
    this.#isClosing = false
  }

  async #covered(signal: AbortSignal | undefined): Promise<void> {
    const isCovered = () => this.owed <= this.#durable + this.#window()
    if (isCovered()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const check = () => {
      if (isCovered()) resolve()
    }
    const timer = this.#modules.clock.setTimer(
      () => reject(short('nothing more has been paid', { due: this.owed })),
      this.#modules.paymentWaitMs,
    )
    const onAbort = () => reject(new GatewayError('CLIENT_GONE', 'the request was given up'))
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    this.#waiting.add(check)
    try {
      await promise
    } finally {
      this.#waiting.delete(check)
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #window(): bigint {
    return this.row.kind === 'channel' ? this.#modules.window() : 0n
  }

  #count(covered: bigint): void {
    this.#durable = maxAmount(this.#durable, covered)
    this.#wake()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }

  /** The row as it is, or newer, is on disk when this resolves. */
  #write(): Promise<void> {
    const { table, store } = this.#modules
    return this.#writer.change(() => store.batch([table.putOperation(this.row.id, this.row)]))
  }
}

/** Money of an account, set aside for one request. */
class CreditReservation implements Reservation {
  readonly #running: Running
  readonly #account: CreditAccount
  readonly #signal: AbortSignal | undefined

  constructor(running: Running, account: CreditAccount, signal: AbortSignal | undefined) {
    this.#running = running
    this.#account = account
    this.#signal = signal
  }

  get limit(): bigint {
    return this.#running.limit
  }

  spent(total: bigint): Promise<void> {
    return this.#account.charge(this.#running, total, this.#signal)
  }

  settle(total: bigint): Promise<void> {
    return this.#account.end(this.#running, total)
  }
}

function closing(): GatewayError {
  return new GatewayError('CONFLICT', 'the channel is being closed', { fix: 'Open another one.' })
}

function short(why: string, details: Record<string, bigint>): GatewayError {
  return new GatewayError('PAYMENT_REQUIRED', why, {
    fix: 'Send a voucher, or open a channel that holds more.',
    details: Object.fromEntries(Object.entries(details).map(([name, amount]) => [name, String(amount)])),
  })
}
