import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { ChainClient } from './client.ts'
import { encodeCall } from './publisher.ts'
import type { RecordedCalls } from './recorded-calls.ts'

/**
 * Declares our node key in the registry, as the wallet's half of their binding (the node key's half is its
 * signature under our offers). Does nothing when it is declared already.
 * @returns whether the wallet now says so
 */
export async function bindNodeKey(
  options: { nodeKey: NodeKey; wallet: Address },
  modules: { client: ChainClient; calls: RecordedCalls },
): Promise<boolean> {
  const { nodeKey, wallet } = options
  const { client, calls } = modules
  const declared = await client.nodeKeyOf(wallet)
  if (declared === nodeKey) return true
  const outcome = await calls.run({
    // A key that comes back, after another or after none, needs a transaction of its own.
    id: `bind:${nodeKey}:nonce:${await client.bindingNonce(wallet)}`,
    contract: 'nodeRegistry',
    data: encodeCall('nodeRegistry', 'bind', [`0x${nodeKey}`]),
    event: { kind: 'wallet.bound', v: 1, wallet, chainId: client.chainId },
  })
  return outcome.status === 'confirmed'
}

const FRESH_MS = 10 * 60_000
const MAX_ENTRIES = 10_000

/** Whether wallets declare the node keys that claim them; looked up once in a while and remembered. */
export class Bindings {
  readonly #client: ChainClient
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<NodeKey, { wallet: Address; bound: boolean; atMs: number }>()
  readonly #asking = new Set<NodeKey>()

  constructor(modules: { client: ChainClient; clock: Clock; log: Logger }) {
    this.#client = modules.client
    this.#clock = modules.clock
    this.#log = modules.log
  }

  /** What is known now; null while it is not. */
  isBound(nodeKey: NodeKey, wallet: Address): boolean | null {
    const known = this.#known.get(nodeKey)
    return known?.wallet === wallet ? known.bound : null
  }

  /** Looks a pair up unless that was done lately. Never throws. */
  async check(nodeKey: NodeKey, wallet: Address): Promise<void> {
    const known = this.#known.get(nodeKey)
    const fresh = known?.wallet === wallet && this.#clock.nowMs() - known.atMs < FRESH_MS
    if (fresh || this.#asking.has(nodeKey)) return
    this.#asking.add(nodeKey)
    try {
      const bound = (await this.#client.nodeKeyOf(wallet)) === nodeKey
      this.#known.delete(nodeKey)
      this.#known.set(nodeKey, { wallet, bound, atMs: this.#clock.nowMs() })
      if (this.#known.size > MAX_ENTRIES) this.#known.delete(this.#known.keys().next().value!)
    } catch (error) {
      this.#log.debug({ err: error, nodeKey }, 'a binding could not be looked up')
    } finally {
      this.#asking.delete(nodeKey)
    }
  }
}
