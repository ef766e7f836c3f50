import { EmbeddedChainError } from './errors.ts'
import type { BlockHeader, Evm } from './evm.ts'
import type { DeploymentRecord, Journal } from './journal.ts'
import { RPC_CODES, RpcError, type RpcParams } from './json-rpc.ts'

export interface JournaledChainModules {
  evm: Evm
  journal: Journal
  /** Milliseconds since the Unix epoch. */
  now: () => number
}

const MAX_WAITING_WRITES = 1_024
/** Blocks at which a call means "now". */
const NOW_TAGS: readonly unknown[] = [undefined, null, 'latest', 'pending']

/**
 * A chain whose transactions are on the disk before they are in a block: what anybody was ever told of survives the
 * process being killed.
 *
 * A block's time is the clock's, and never less than the block's before. No block is mined while nothing happens, so
 * calls and gas estimates at the latest block run at the clock's time instead of that block's: a contract sees in a
 * call the time it would see in a transaction sent now. `eth_getBlockByNumber('latest')` does show the old time.
 */
export class JournaledChain {
  readonly #evm: Evm
  readonly #journal: Journal
  readonly #now: () => number
  #head: BlockHeader
  /** End of the last write that is waiting. */
  #writes: Promise<unknown> = Promise.resolve()
  #waitingWrites = 0
  #clockOffsetSeconds = 0
  #nextTimestamp: number | undefined
  #tainted = false
  #unrecordedHead = false

  constructor(options: { head: BlockHeader }, modules: JournaledChainModules) {
    this.#head = options.head
    this.#evm = modules.evm
    this.#journal = modules.journal
    this.#now = modules.now
  }

  get head(): BlockHeader {
    return this.#head
  }

  /**
   * Writes a signed transaction down and mines it.
   * @param raw hex
   * @returns its hash
   * @throws {RpcError} when the chain refuses it
   * @throws {EmbeddedChainError} CHAIN_JOURNAL_UNWRITABLE
   */
  sendRawTransaction(raw: string): Promise<string> {
    return this.#write(async () => {
      const timestamp = this.#nextTimestamp ?? this.#time()
      await this.#journal.append({ type: 'transaction', parent: this.#head.hash, timestamp, raw })
      try {
        const { hash, block } = await this.#evm.mine(raw, timestamp)
        this.#head = block
        this.#nextTimestamp = undefined
        this.#unrecordedHead = true
        return hash
      } catch (error) {
        await this.#journal.takeBackLast()
        throw error
      }
    })
  }

  /** @throws {RpcError} */
  async read(method: string, params: RpcParams): Promise<unknown> {
    return await this.#evm.request(method, params)
  }

  /**
   * Runs a call or an estimate; at the latest block it runs at the clock's time.
   * @param params transaction, block and further ones, as the method has them
   * @throws {RpcError}
   */
  async call(method: 'eth_call' | 'eth_estimateGas', params: RpcParams): Promise<unknown> {
    const [transaction, block, ...rest] = params
    if (!NOW_TAGS.includes(block)) return await this.#evm.request(method, params)
    const head = this.#head
    try {
      const [, result] = await this.#evm.sequence([
        { method: 'evm_setNextBlockTimestamp', params: [this.#nextTimestamp ?? this.#time()] },
        { method, params: [transaction, 'pending', ...rest] },
      ])
      return result
    } catch (error) {
      // A block with a later second came in between: the time above is now before the latest block's.
      if (this.#head.timestamp === head.timestamp) throw error
      return await this.call(method, params)
    }
  }

  /** Writes down that the contracts are there. */
  recordDeployment(record: Omit<DeploymentRecord, 'type' | 'head'>): Promise<void> {
    return this.#write(async () => {
      await this.#journal.append({ type: 'deployment', head: this.#head.hash, ...record })
      this.#unrecordedHead = false
    })
  }

  /** Moves the clock ahead, for tests. Blocks carry their times, so the journal stays whole. */
  increaseTime(seconds: number): number {
    this.#clockOffsetSeconds += seconds
    return this.#clockOffsetSeconds
  }

  /** Sets the time of the next block, for tests. */
  setNextBlockTimestamp(timestamp: number): void {
    if (timestamp < this.#head.timestamp) {
      throw new RpcError(RPC_CODES.invalidInput, `the latest block's time is ${this.#head.timestamp}`)
    }
    this.#nextTimestamp = timestamp
  }

  /**
   * Runs a method that changes the chain without a transaction, for tests: the folder cannot be opened again.
   * @throws {RpcError}
   */
  runUnjournaled(method: string, params: RpcParams): Promise<unknown> {
    return this.#write(async () => {
      if (!this.#tainted) await this.#journal.append({ type: 'taint', method })
      this.#tainted = true
      const time = { method: 'evm_setNextBlockTimestamp', params: [this.#nextTimestamp ?? this.#time()] }
      const mines = method === 'evm_mine' && params.length === 0
      const results = await this.#evm.sequence([...(mines ? [time] : []), { method, params }])
      this.#head = (await this.#evm.block('latest'))!
      if (mines) this.#nextTimestamp = undefined
      return results.at(-1)
    })
  }

  /** Waits for the writes that have begun, and closes the journal. Nothing may be sent afterwards. */
  async close(): Promise<void> {
    await this.#writes
    if (this.#unrecordedHead && !this.#tainted) {
      await this.#journal.append({ type: 'head', head: this.#head.hash }).catch(ignoreUnwritable)
    }
    await this.#journal.close()
  }

  /** Seconds since the Unix epoch, as the next block will have them. */
  #time(): number {
    const clock = Math.floor(this.#now() / 1_000) + this.#clockOffsetSeconds
    return Math.max(clock, this.#head.timestamp)
  }

  #write<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#waitingWrites >= MAX_WAITING_WRITES) {
      return Promise.reject(new RpcError(RPC_CODES.limitExceeded, 'too many transactions are waiting'))
    }
    this.#waitingWrites++
    const done = this.#writes.then(work).finally(() => {
      this.#waitingWrites--
    })
    this.#writes = done.catch(() => {})
    return done
  }
}

/** The last record only spares the next start from trusting the last block; without space it does without. */
function ignoreUnwritable(error: unknown): void {
  if (!(error instanceof EmbeddedChainError)) throw error
}
