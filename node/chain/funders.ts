import { toQuantity, zeroPadValue } from 'ethers/utils'
import pLimit from 'p-limit'
import type { Address } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { type ChainClient, contractInterfaces } from './client.ts'

export interface FundersModules {
  client: Pick<ChainClient, 'request' | 'blockNumber' | 'addresses' | 'deployment'>
  clock: Clock
  log: Logger
}

const MAX_WALLETS = 20_000
const MAX_WAITING = 500
/** Some nodes answer for a few thousand blocks at once only. */
const FEW_BLOCKS = 2_000
const MAX_REQUESTS_PER_WALLET = 40
const RETRY_AFTER_MS = 60 * 60_000
const ZERO = `0x${'00'.repeat(20)}`
const TRANSFER = contractInterfaces.creditToken.getEvent('Transfer')!.topicHash

/**
 * Who gave a wallet its first credits, from the token's log: sybils are cheap to make and must all be paid by somebody.
 * Contracts and those that hold the token's genesis supply, whose work is to hand credits out, are nobody's operator.
 * A wallet that was first paid out of Settlement shows nothing.
 */
export class Funders {
  readonly #modules: FundersModules
  readonly #known = new Map<Address, { funder: Address | null; atMs: number; isFinal: boolean }>()
  readonly #waiting = new Set<Address>()
  readonly #one = pLimit(1)
  #distributors: Promise<ReadonlySet<Address>> | null = null
  #stopped = false

  constructor(modules: FundersModules) {
    this.#modules = modules
  }

  /** What is known now, and has it looked up otherwise; null when nobody is known. */
  of(wallet: Address): Address | null {
    const known = this.#known.get(wallet)
    const isStale = known === undefined || (!known.isFinal && this.#ageMs(known.atMs) > RETRY_AFTER_MS)
    if (isStale && !this.#stopped && this.#waiting.size < MAX_WAITING && !this.#waiting.has(wallet)) {
      this.#waiting.add(wallet)
      void this.#one(() => this.look(wallet)).finally(() => this.#waiting.delete(wallet))
    }
    return known?.funder ?? null
  }

  /** Looks a wallet up now. Never throws. */
  async look(wallet: Address): Promise<void> {
    if (this.#stopped) return
    const { clock, log } = this.#modules
    try {
      this.#distributors ??= this.#readDistributors()
      const distributors = await this.#distributors
      const { sender, isFinal } = await this.#firstSender(wallet)
      const funder = sender === null || distributors.has(sender) ? null : sender
      this.#known.delete(wallet)
      this.#known.set(wallet, { funder, atMs: clock.nowMs(), isFinal })
      if (this.#known.size > MAX_WALLETS) this.#known.delete(this.#known.keys().next().value!)
    } catch (error) {
      this.#distributors = null
      this.#known.set(wallet, { funder: null, atMs: clock.nowMs(), isFinal: false })
      log.debug({ err: error, wallet }, 'who funded a wallet could not be read')
    }
  }

  /** Looks nothing up any more. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#one.clearQueue()
    this.#waiting.clear()
  }

  #ageMs(atMs: number): number {
    return this.#modules.clock.nowMs() - atMs
  }

  /** The contracts of the deployment, and whoever its token was made for. */
  async #readDistributors(): Promise<ReadonlySet<Address>> {
    const { client } = this.#modules
    const from = client.deployment.deploymentBlock
    const mints = await this.#transfers(from, from + FEW_BLOCKS, [TRANSFER, zeroPadValue(ZERO, 32)])
    const first = mints[0]?.blockNumber
    const holders = mints.flatMap(({ blockNumber, to }) => (blockNumber === first ? [to] : []))
    return new Set([ZERO, ...holders, ...Object.values(client.addresses)])
  }

  /** In growing steps where the node answers for few blocks only. */
  async #firstSender(wallet: Address): Promise<{ sender: Address | null; isFinal: boolean }> {
    const { client } = this.#modules
    const head = await client.blockNumber()
    const topics = [TRANSFER, null, zeroPadValue(wallet, 32)]
    let from = client.deployment.deploymentBlock
    try {
      const [first] = await this.#transfers(from, head, topics)
      return { sender: first?.from ?? null, isFinal: first !== undefined }
    } catch {
      for (let i = 0; i < MAX_REQUESTS_PER_WALLET && from <= head && !this.#stopped; i++) {
        const [first] = await this.#transfers(from, Math.min(head, from + FEW_BLOCKS - 1), topics)
        if (first !== undefined) return { sender: first.from, isFinal: true }
        from += FEW_BLOCKS
      }
      return { sender: null, isFinal: false }
    }
  }

  async #transfers(
    fromBlock: number,
    toBlock: number,
    topics: readonly (string | null)[],
  ): Promise<{ from: Address; to: Address; blockNumber: number }[]> {
    const { client } = this.#modules
    const range = { fromBlock: toQuantity(fromBlock), toBlock: toQuantity(toBlock) }
    const raw = (await client.request('eth_getLogs', [
      { address: client.addresses.creditToken, ...range, topics },
    ])) as { topics: string[]; blockNumber: string; logIndex: string }[]
    return raw
      .map(log => ({
        from: addressIn(log.topics[1]!),
        to: addressIn(log.topics[2]!),
        blockNumber: Number(log.blockNumber),
        index: Number(log.logIndex),
      }))
      .sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index)
  }
}

function addressIn(topic: string): Address {
  return `0x${topic.slice(-40).toLowerCase()}`
}
