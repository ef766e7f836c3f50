import type { Address } from '../../../protocol/ids.ts'
import { formatCredits } from '../../../protocol/money.ts'
import type { ChainClient } from '../../chain/client.ts'
import type { Clock } from '../../clock.ts'
import type { MeView } from './account-schemas.ts'

type Balances = NonNullable<MeView['balances']>

const FRESH_MS = 5_000
const WAIT_MS = 2_000
const MAX_WALLETS = 1_000

/**
 * What wallets have on chain, asked for seldom enough that pages may look often. Who one is can be told without it: a
 * chain that is slow, or does not answer, is not waited for long.
 */
export class RecentBalances {
  readonly #clock: Clock
  readonly #client: () => Pick<ChainClient, 'balances'> | null
  /** The least recently asked for first. */
  readonly #asked = new Map<Address, { atMs: number; balances: Promise<Balances | null> }>()

  /** @param modules.client null while the chain has not answered */
  constructor(modules: { clock: Clock; client: () => Pick<ChainClient, 'balances'> | null }) {
    this.#clock = modules.clock
    this.#client = modules.client
  }

  /** At most a few seconds old; null where the chain does not tell it in time. */
  async of(wallet: Address): Promise<Balances | null> {
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const timer = this.#clock.setTimer(() => resolve(null), WAIT_MS)
    try {
      return await Promise.race([this.#recent(wallet), late])
    } finally {
      timer.cancel()
    }
  }

  #recent(wallet: Address): Promise<Balances | null> {
    const nowMs = this.#clock.nowMs()
    const asked = this.#asked.get(wallet)
    if (asked !== undefined && nowMs - asked.atMs < FRESH_MS) return asked.balances
    const balances = this.#ask(wallet).catch(() => null)
    this.#asked.delete(wallet)
    this.#asked.set(wallet, { atMs: nowMs, balances })
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > MAX_WALLETS && oldest !== undefined) this.#asked.delete(oldest)
    return balances
  }

  async #ask(wallet: Address): Promise<Balances | null> {
    const client = this.#client()
    if (client === null) return null
    const { gas, credits, settlementCredits } = await client.balances(wallet)
    return {
      gas: formatCredits(gas),
      credits: formatCredits(credits),
      settlementCredits: formatCredits(settlementCredits),
    }
  }
}
