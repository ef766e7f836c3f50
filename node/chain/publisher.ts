import type { TransactionReceipt } from 'ethers/providers'
import { Transaction } from 'ethers/transaction'
import { Wallet as EthersWallet } from 'ethers/wallet'
import pLimit from 'p-limit'
import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Bytes32 } from '../../protocol/ids.ts'
import { maxAmount } from '../../protocol/money.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Wallet } from '../payments/wallet.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { type ChainClient, type ContractName, contractInterfaces } from './client.ts'
import { ChainError } from './errors.ts'
import {
  type Broadcast,
  isFinal,
  type RejectionReason,
  type TransactionRecord,
  transactionRecordSchema,
} from './transaction-record.ts'

export interface PublisherOptions {
  /** Blocks a transaction must be deep, its own included, to count. */
  confirmations: number
  pollIntervalMs: number
  /** A transaction that waits for so long is sent again with a higher fee. */
  bumpAfterMs: number
}

export interface PublisherModules {
  client: ChainClient
  wallet: Wallet
  store: Store
  clock: Clock
  log: Logger
}

/** A call of one of our contracts. */
export interface TransactionIntent {
  /** The same id is the same transaction, over restarts: `open:<channel>`, `settle:<digest>`. */
  id: string
  contract: ContractName
  /** ABI-encoded call; see `encodeCall`. */
  data: string
}

/** ABI-encodes a call of one of our contracts. */
export function encodeCall(contract: ContractName, method: string, args: readonly unknown[]): string {
  return contractInterfaces[contract].encodeFunctionData(method, args)
}

/** How a transaction ended; a closed set. */
export type TransactionOutcome =
  | { status: 'confirmed'; hash: Bytes32; blockNumber: number }
  | { status: 'reverted'; hash: Bytes32; blockNumber: number }
  /** It was never sent, and may be submitted again. `errorName` is the contract's error, as `ChannelExists`. */
  | { status: 'rejected'; reason: RejectionReason; errorName: string | null }

/** A replacement must pay at least an eighth more; nodes differ, a quarter satisfies all. */
const BUMP_PERCENT = 125n
const MAX_BROADCASTS = 10
/** A load-balanced RPC may know of a nonce before it knows of the receipt: ask so often before giving up on one. */
const REPLACED_CHECKS = 3
/** Room for state that changes between estimate and execution. */
const GAS_MARGIN_PERCENT = 125n

/**
 * The one place that sends transactions: one after the other, each signed form written to disk before it
 * is sent, so that after a crash the same transaction is found again and never a second one made. Waiting
 * ones are sent again with higher fees; a block that is taken back sends them again as they were.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #modules: PublisherModules
  readonly #signer: EthersWallet
  readonly #records: Table<TransactionRecord>
  readonly #ids: Table<number>
  /** Not final yet, by order. */
  readonly #open = new Map<number, TransactionRecord>()
  readonly #waiters = new Map<
    string,
    { resolve: (outcome: TransactionOutcome) => void; promise: Promise<TransactionOutcome> }
  >()
  /** Sent in a former run, and perhaps never heard of by the chain. */
  readonly #resend = new Set<number>()
  readonly #seenReplaced = new Map<number, number>()
  /** Submissions are taken in one after the other: reads of the disk come back in any order. */
  readonly #admission = pLimit(1)
  #nextOrder = 0
  #timer: Timer | null = null
  #running: Promise<void> | null = null
  #again = false
  #stopped = false

  constructor(options: PublisherOptions, modules: PublisherModules) {
    this.#options = options
    this.#modules = modules
    this.#signer = new EthersWallet(modules.wallet.privateKey)
    this.#records = modules.store.table('transactions', transactionRecordSchema)
    this.#ids = modules.store.table('transaction-ids', wire.count)
  }

  /** Goes on with what a former run left unfinished. */
  async start(): Promise<void> {
    for await (const record of this.#records.values()) {
      this.#nextOrder = record.order + 1
      if (isFinal(record)) continue
      this.#open.set(record.order, record)
      if (record.state === 'sent') this.#resend.add(record.order)
    }
    this.#wake()
  }

  /** Sends nothing more; unfinished transactions stay on disk. Idempotent; waits for the step in progress. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#running
  }

  /** Transactions that are not final yet. */
  pending(): readonly { id: string; state: TransactionRecord['state']; hash: Bytes32 | null }[] {
    return [...this.#open.values()].map(({ id, state, broadcasts }) => ({
      id,
      state,
      hash: broadcasts.at(-1)?.hash ?? null,
    }))
  }

  /**
   * Sends a transaction, once per id and in the order of the calls, and waits until it is final. A caller that died and asks again gets the
   * outcome of the first time; only a rejected one is tried anew.
   */
  async submit(intent: TransactionIntent): Promise<TransactionOutcome> {
    const waiting = this.#waiters.get(intent.id)
    if (waiting !== undefined) return waiting.promise
    const waiter = Promise.withResolvers<TransactionOutcome>()
    this.#waiters.set(intent.id, waiter)
    try {
      await this.#admission(() => this.#admit(intent))
    } catch (error) {
      this.#waiters.delete(intent.id)
      throw error
    }
    this.#wake()
    return waiter.promise
  }

  async #admit(intent: TransactionIntent): Promise<void> {
    const earlier = await this.#find(intent.id)
    if (earlier !== null && isFinal(earlier) && earlier.state !== 'rejected') this.#finish(earlier)
    else if (earlier === null || earlier.state === 'rejected') await this.#enqueue(intent)
  }

  async #find(id: string): Promise<TransactionRecord | null> {
    const order = await this.#ids.get(id)
    if (order === undefined) return null
    return this.#open.get(order) ?? (await this.#records.get(keyOf(order))) ?? null
  }

  async #enqueue(intent: TransactionIntent): Promise<void> {
    const order = this.#nextOrder++
    const record: TransactionRecord = {
      id: intent.id,
      order,
      to: await this.#modules.client.addressOf(intent.contract),
      data: intent.data,
      state: 'queued',
      nonce: null,
      gasLimit: null,
      broadcasts: [],
      hash: null,
      blockNumber: null,
      rejection: null,
      errorName: null,
    }
    await this.#modules.store.batch([
      this.#records.putOperation(keyOf(order), record),
      this.#ids.putOperation(intent.id, order),
    ])
    this.#open.set(order, record)
  }

  /** Runs steps until nothing more can be done now, then sleeps for the poll interval. */
  #wake(): void {
    if (this.#stopped) return
    if (this.#running !== null) {
      this.#again = true
      return
    }
    this.#timer?.cancel()
    this.#timer = null
    this.#running = this.#steps().finally(() => {
      this.#running = null
      if (this.#stopped) return
      if (this.#again) {
        this.#again = false
        this.#wake()
      } else if (this.#open.size > 0) {
        this.#timer = this.#modules.clock.setTimer(() => this.#wake(), this.#options.pollIntervalMs)
      }
    })
  }

  async #steps(): Promise<void> {
    try {
      let changed = true
      while (changed && !this.#stopped) {
        changed = false
        for (const record of [...this.#open.values()].sort((a, b) => a.order - b.order)) {
          changed = (await this.#step(record)) || changed
          // Nonces are given out in order: nothing passes what is not mined.
          if (record.state === 'queued' || record.state === 'sent') break
        }
      }
    } catch (error) {
      const expected = error instanceof ChainError
      this.#modules.log[expected ? 'warn' : 'error']({ err: error }, 'publishing transactions is interrupted')
    }
  }

  /** @returns whether the record's state changed */
  #step(record: TransactionRecord): Promise<boolean> {
    if (record.state === 'queued') return this.#send(record)
    return this.#follow(record)
  }

  async #send(record: TransactionRecord): Promise<boolean> {
    const { client } = this.#modules
    const from = this.#signer.address
    let gas: bigint
    try {
      gas = BigInt(
        (await client.request('eth_estimateGas', [{ from, to: record.to, data: record.data }])) as string,
      )
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'TRANSACTION_REJECTED') throw error
      return this.#reject(record, error)
    }
    const nonce = await client.provider.getTransactionCount(from, 'latest')
    record.nonce = nonce
    record.gasLimit = (gas * GAS_MARGIN_PERCENT) / 100n
    return this.#broadcast(record, await this.#fees(null))
  }

  /** Signs, writes to disk, sends: in that order. */
  async #broadcast(record: TransactionRecord, fees: Fees): Promise<boolean> {
    const { client, clock, log } = this.#modules
    const transaction = Transaction.from({
      type: 2,
      chainId: client.chainId,
      to: record.to,
      data: record.data,
      nonce: record.nonce!,
      gasLimit: record.gasLimit!,
      ...fees,
    })
    const raw = await this.#signer.signTransaction(transaction)
    const hash = Transaction.from(raw).hash!
    record.broadcasts = [...record.broadcasts, { hash, raw, ...fees, atMs: clock.nowMs() }]
    record.state = 'sent'
    await this.#save(record)
    log.info({ transaction: hash, id: record.id, nonce: record.nonce }, 'sending transaction')
    return this.#sendRaw(record, raw)
  }

  async #sendRaw(record: TransactionRecord, raw: string): Promise<boolean> {
    try {
      await this.#modules.client.request('eth_sendRawTransaction', [raw])
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'TRANSACTION_REJECTED') throw error
      const words = reasonOf(error)
      if (record.broadcasts.length === 1 && /insufficient funds|enough funds/i.test(words)) {
        record.broadcasts = []
        return this.#reject(record, error)
      }
      // Known already, nonce used, underpriced: following it tells which.
      this.#modules.log.debug({ id: record.id, reason: words }, 'transaction was not taken')
      return false
    }
    return true
  }

  /** Looks for a sent or mined transaction on the chain. */
  async #follow(record: TransactionRecord): Promise<boolean> {
    const { client } = this.#modules
    const receipt = await this.#findReceipt(record)
    if (receipt === null) {
      if (record.state === 'mined') {
        this.#modules.log.warn(
          { id: record.id, transaction: record.hash },
          'block was taken back; sending again',
        )
        await this.#update(record, { state: 'sent', hash: null, blockNumber: null })
        await this.#sendRaw(record, record.broadcasts.at(-1)!.raw)
        return true
      }
      return this.#unmined(record)
    }
    const changed =
      record.state !== 'mined' || record.blockNumber !== receipt.blockNumber || record.hash !== receipt.hash
    if (changed)
      await this.#update(record, { state: 'mined', hash: receipt.hash, blockNumber: receipt.blockNumber })
    const depth = (await client.blockNumber()) - receipt.blockNumber + 1
    if (depth < this.#options.confirmations) return changed
    await this.#update(record, { state: receipt.status === 1 ? 'confirmed' : 'reverted' })
    this.#finish(record)
    return true
  }

  async #findReceipt(record: TransactionRecord): Promise<TransactionReceipt | null> {
    for (const { hash } of record.broadcasts.toReversed()) {
      const receipt = await this.#modules.client.receipt(hash)
      if (receipt !== null) return receipt
    }
    return null
  }

  /** Sent and in no block: wait, pay more, or begin anew when another transaction has used its nonce. */
  async #unmined(record: TransactionRecord): Promise<boolean> {
    const { client, clock, log } = this.#modules
    if (this.#resend.delete(record.order)) return this.#sendRaw(record, record.broadcasts.at(-1)!.raw)
    const nextNonce = await client.provider.getTransactionCount(this.#signer.address, 'latest')
    if (nextNonce > record.nonce!) {
      const seen = (this.#seenReplaced.get(record.order) ?? 0) + 1
      this.#seenReplaced.set(record.order, seen)
      if (seen < REPLACED_CHECKS) return false
      this.#seenReplaced.delete(record.order)
      log.warn({ id: record.id, nonce: record.nonce }, 'nonce was used by another transaction of this wallet')
      await this.#update(record, { state: 'queued', nonce: null, broadcasts: [] })
      return true
    }
    const last = record.broadcasts.at(-1)!
    if (clock.nowMs() - last.atMs < this.#options.bumpAfterMs) return false
    if (record.broadcasts.length < MAX_BROADCASTS) return this.#broadcast(record, await this.#fees(last))
    last.atMs = clock.nowMs()
    await this.#sendRaw(record, last.raw)
    return false
  }

  async #fees(previous: Broadcast | null): Promise<Fees> {
    const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await this.#modules.client.provider.getFeeData()
    const suggested = {
      maxFeePerGas: maxFeePerGas ?? gasPrice ?? 0n,
      maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
    }
    if (previous === null) return suggested
    const raised = (amount: bigint) => (amount * BUMP_PERCENT) / 100n + 1n
    return {
      maxFeePerGas: maxAmount(suggested.maxFeePerGas, raised(previous.maxFeePerGas)),
      maxPriorityFeePerGas: maxAmount(suggested.maxPriorityFeePerGas, raised(previous.maxPriorityFeePerGas)),
    }
  }

  async #reject(record: TransactionRecord, error: ChainError): Promise<boolean> {
    const words = reasonOf(error)
    const rejection: RejectionReason = /insufficient funds|enough funds/i.test(words)
      ? 'insufficient_gas_money'
      : revertData(error) !== null || /revert/i.test(words)
        ? 'would_revert'
        : 'refused'
    await this.#update(record, { state: 'rejected', rejection, errorName: contractErrorOf(error) })
    this.#modules.log.warn(
      { id: record.id, rejection, errorName: record.errorName, reason: words },
      'transaction rejected',
    )
    this.#finish(record)
    return true
  }

  async #update(record: TransactionRecord, change: Partial<TransactionRecord>): Promise<void> {
    Object.assign(record, change)
    await this.#save(record)
  }

  async #save(record: TransactionRecord): Promise<void> {
    await this.#records.put(keyOf(record.order), record)
  }

  #finish(record: TransactionRecord): void {
    this.#open.delete(record.order)
    this.#waiters.get(record.id)?.resolve(outcomeOf(record))
    this.#waiters.delete(record.id)
  }
}

interface Fees {
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

function keyOf(order: number): string {
  return String(order).padStart(12, '0')
}

function outcomeOf(record: TransactionRecord): TransactionOutcome {
  if (record.state === 'rejected') {
    return { status: 'rejected', reason: record.rejection ?? 'refused', errorName: record.errorName }
  }
  const { hash, blockNumber, state } = record
  return { status: state === 'confirmed' ? 'confirmed' : 'reverted', hash: hash!, blockNumber: blockNumber! }
}

const rpcErrorSchema = z.object({
  error: z.object({ message: z.string().optional(), data: z.unknown().optional() }).optional(),
  info: z
    .object({ error: z.object({ message: z.string().optional(), data: z.unknown().optional() }).optional() })
    .optional(),
  data: z.unknown().optional(),
  message: z.string().optional(),
})

function reasonOf(error: ChainError): string {
  const parsed = rpcErrorSchema.safeParse(error.cause)
  return (
    parsed.data?.error?.message ??
    parsed.data?.info?.error?.message ??
    parsed.data?.message ??
    error.message
  ).slice(0, 300)
}

/** The bytes a contract reverted with, wherever the chain's software puts them. */
function revertData(error: ChainError): string | null {
  const parsed = rpcErrorSchema.safeParse(error.cause).data
  for (const candidate of [parsed?.data, parsed?.error?.data, parsed?.info?.error?.data]) {
    if (typeof candidate === 'string' && candidate.startsWith('0x')) return candidate
    const nested = z.object({ data: z.string() }).safeParse(candidate)
    if (nested.success && nested.data.data.startsWith('0x')) return nested.data.data
  }
  return null
}

/** The name of the contract's own error that a call failed with; null where it has none. */
export function contractErrorOf(error: ChainError): string | null {
  const data = revertData(error)
  if (data === null || data === '0x') return null
  for (const abi of Object.values(contractInterfaces)) {
    const parsed = abi.parseError(data)
    if (parsed !== null) return parsed.name
  }
  return null
}
