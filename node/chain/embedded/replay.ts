import type { EdrContext } from '@nomicfoundation/edr'
import { EmbeddedChainError } from './errors.ts'
import { type BlockHeader, Evm, type EvmGenesis } from './evm.ts'
import type { DeploymentRecord, GenesisRecord, JournalEntry, TransactionRecord } from './journal.ts'
import { RpcError } from './json-rpc.ts'

/** Transactions run in one go; the block hash is checked after each. */
const BATCH_TRANSACTIONS = 64
const PROGRESS_TRANSACTIONS = 1_024

type TransactionEntry = JournalEntry & { record: TransactionRecord }

export interface ReplayModules {
  runtime: EdrContext
  /** Called now and then with the number of transactions replayed so far. */
  onProgress?: (transactions: number) => void
}

/** What a journal led to. */
export interface Replayed {
  evm: Evm
  genesis: GenesisRecord
  head: BlockHeader
  deployment: DeploymentRecord | undefined
  transactions: number
  /**
   * Where the last record begins when it is a transaction that the chain refuses: the process died between writing it
   * down and taking it back. Nobody was told of it.
   */
  refusedOffset: number | undefined
}

/**
 * Makes a chain anew from the records of its journal, and checks every block against the hash its successor names.
 */
export class Replay {
  readonly #journal: string
  readonly #modules: ReplayModules
  #evm: Evm | undefined
  #genesis: GenesisRecord | undefined
  #head: BlockHeader | undefined
  #deployment: DeploymentRecord | undefined
  #waiting: TransactionEntry[] = []
  /** Those whose blocks are mined and not yet checked. */
  #unchecked: TransactionEntry[] = []
  #transactions = 0
  #refused: { entry: TransactionEntry; error: RpcError } | undefined

  constructor(options: { journal: string }, modules: ReplayModules) {
    this.#journal = options.journal
    this.#modules = modules
  }

  /**
   * Takes the next record.
   * @throws {EmbeddedChainError} CHAIN_REPLAY_MISMATCH, CHAIN_TAINTED, CHAIN_JOURNAL_CORRUPT
   */
  async visit(entry: JournalEntry): Promise<void> {
    const { record } = entry
    if ((record.type === 'genesis') !== (this.#evm === undefined)) throw this.#misplaced(entry)
    switch (record.type) {
      case 'genesis':
        this.#genesis = record
        this.#evm = await Evm.create(evmGenesis(record), this.#modules)
        this.#head = await this.#evm.block('latest')
        return
      case 'transaction':
        this.#waiting.push(entry as TransactionEntry)
        if (this.#waiting.length === BATCH_TRANSACTIONS) await this.#mineWaiting()
        return
      case 'deployment':
        await this.#check(entry, record.head)
        this.#deployment = record
        return
      case 'head':
        await this.#check(entry, record.head)
        return
      case 'taint':
        throw new EmbeddedChainError(
          'CHAIN_TAINTED',
          `The chain of ${this.#journal} was changed by the test method ${record.method}, which cannot be replayed.`,
          { fix: 'Move the folder away to begin a new chain.', details: { journal: this.#journal } },
        )
    }
  }

  /** @returns undefined when the journal was empty */
  async finish(): Promise<Replayed | undefined> {
    if (this.#evm === undefined || this.#genesis === undefined) return undefined
    await this.#mineWaiting()
    return {
      evm: this.#evm,
      genesis: this.#genesis,
      head: this.#head!,
      deployment: this.#deployment,
      transactions: this.#transactions,
      refusedOffset: this.#refused?.entry.offset,
    }
  }

  async #mineWaiting(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    const [first] = batch
    if (first === undefined) return
    await this.#check(first, first.record.parent)
    const evm = this.#evm!
    const before = this.#head!.number
    const calls = batch.flatMap(({ record }) => [
      { method: 'evm_setNextBlockTimestamp', params: [record.timestamp] },
      { method: 'eth_sendRawTransaction', params: [record.raw] },
    ])
    let error: RpcError | undefined
    try {
      await evm.sequence(calls)
    } catch (caught) {
      if (!(caught instanceof RpcError)) throw caught
      error = caught
    }
    this.#head = (await evm.block('latest'))!
    const mined = this.#head.number - before
    this.#unchecked = batch.slice(0, mined)
    if (error !== undefined) {
      this.#refused = { entry: batch[mined]!, error }
      const next = batch[mined + 1]
      if (next !== undefined) await this.#check(next, next.record.parent)
    }
    this.#report(mined)
  }

  #report(mined: number): void {
    const before = Math.floor(this.#transactions / PROGRESS_TRANSACTIONS)
    this.#transactions += mined
    if (Math.floor(this.#transactions / PROGRESS_TRANSACTIONS) > before) {
      this.#modules.onProgress?.(this.#transactions)
    }
  }

  /** Compares the chain with the hash that a record says it had when it was written. */
  async #check(entry: JournalEntry, expectedHead: string): Promise<void> {
    if (entry.record.type !== 'transaction') await this.#mineWaiting()
    if (this.#refused !== undefined) {
      const { entry: refused, error } = this.#refused
      throw this.#mismatch(refused, `its transaction is refused: ${error.message}`)
    }
    if (this.#head!.hash === expectedHead) {
      this.#unchecked = []
      return
    }
    const number = this.#head!.number - this.#unchecked.length
    for (const [index, unchecked] of this.#unchecked.entries()) {
      const successor = this.#unchecked[index + 1]
      const block = await this.#evm!.block(number + index + 1)
      if (block?.hash !== (successor?.record.parent ?? expectedHead)) {
        throw this.#mismatch(unchecked, `it leads to block ${block?.hash}`)
      }
    }
    throw this.#mismatch(entry, `it names a block ${expectedHead} that is not its parent`)
  }

  #mismatch(entry: JournalEntry, what: string): EmbeddedChainError {
    return new EmbeddedChainError(
      'CHAIN_REPLAY_MISMATCH',
      `The journal ${this.#journal} does not lead to the chain it was written for: line ${entry.line}, ${what}.`,
      {
        fix: 'Use the version of Shoal that wrote it, restore it from a backup, or move the folder away to begin a new chain.',
        details: { journal: this.#journal, line: entry.line, offset: entry.offset },
      },
    )
  }

  #misplaced(entry: JournalEntry): EmbeddedChainError {
    return new EmbeddedChainError(
      'CHAIN_JOURNAL_CORRUPT',
      `Line ${entry.line} of the chain's journal ${this.#journal} is a ${entry.record.type} record, which does not belong there.`,
      {
        fix: 'Restore the file from a backup, or move the folder away to begin a new chain.',
        details: { journal: this.#journal, line: entry.line, offset: entry.offset },
      },
    )
  }
}

/** A genesis as the EVM takes it. */
export function evmGenesis(record: GenesisRecord): EvmGenesis {
  return {
    chainId: record.chainId,
    hardfork: record.hardfork,
    timestamp: record.timestamp,
    blockGasLimit: BigInt(record.blockGasLimit),
    baseFeePerGas: BigInt(record.baseFeePerGas),
    balances: [{ address: record.deployer, balance: BigInt(record.deployerBalance) }],
  }
}
