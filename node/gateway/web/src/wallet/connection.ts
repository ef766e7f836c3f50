import { getAddress } from 'ethers/address'
import type { Address } from '../../../../../protocol/ids.ts'
import type { AnnouncedWallet } from './discovery.ts'
import { askWallet, CHAIN_NOT_ADDED, type Eip1193Provider, walletErrorCode } from './eip1193.ts'
import { WalletPageError } from './errors.ts'

/** What a wallet needs to add a chain (EIP-3085). */
export interface ChainDescription {
  chainId: number
  name: string
  rpcUrl: string
  gasCurrency: { name: string; symbol: string }
}

export interface ConnectionEvents {
  /** Another account, or none: what was shown of the last one is no longer true. */
  onAccount(account: Address | null): void
  onChain(chainId: number): void
}

/** One wallet the page is connected to: an account of it, and the chain it is on. */
export class WalletConnection {
  readonly wallet: AnnouncedWallet
  #account: Address
  #chainId: number
  readonly #events: ConnectionEvents
  #stopped = false

  private constructor(wallet: AnnouncedWallet, account: Address, chainId: number, events: ConnectionEvents) {
    this.wallet = wallet
    this.#account = account
    this.#chainId = chainId
    this.#events = events
    wallet.provider.on?.('accountsChanged', this.#onAccounts)
    wallet.provider.on?.('chainChanged', this.#onChain)
    wallet.provider.on?.('disconnect', this.#onDisconnect)
  }

  /**
   * Connects. With `silently`, only where the wallet has given its account to this page before: no window opens.
   * @returns null only with `silently`
   * @throws {WalletPageError} REJECTED, NO_ACCOUNT, WALLET_FAILED
   */
  static async open(
    wallet: AnnouncedWallet,
    events: ConnectionEvents,
    options: { silently: boolean },
  ): Promise<WalletConnection | null> {
    const method = options.silently ? 'eth_accounts' : 'eth_requestAccounts'
    const account = firstAccount(await askWallet(wallet.provider, method))
    if (account === null) {
      if (options.silently) return null
      throw new WalletPageError('NO_ACCOUNT', `${wallet.name} gave this page no account`, {
        fix: 'Choose an account in the wallet, then connect again.',
      })
    }
    const chainId = readChainId(await askWallet(wallet.provider, 'eth_chainId'))
    return new WalletConnection(wallet, account, chainId, events)
  }

  /** Lower case. */
  get account(): Address {
    return this.#account
  }

  get chainId(): number {
    return this.#chainId
  }

  get provider(): Eip1193Provider {
    return this.wallet.provider
  }

  /** @throws {WalletPageError} REJECTED, NO_ACCOUNT, WALLET_FAILED */
  request(method: string, params: readonly unknown[] = []): Promise<unknown> {
    return askWallet(this.wallet.provider, method, params)
  }

  /**
   * Has the wallet go to a chain, and add it where it does not know it.
   * @throws {WalletPageError} REJECTED, WRONG_CHAIN, WALLET_FAILED
   */
  async ensureChain(chain: ChainDescription): Promise<void> {
    if (this.#chainId === chain.chainId) return
    const chainId = `0x${chain.chainId.toString(16)}`
    try {
      await this.request('wallet_switchEthereumChain', [{ chainId }])
    } catch (error) {
      if (walletErrorCode(error) !== CHAIN_NOT_ADDED) throw error
      await this.request('wallet_addEthereumChain', [
        {
          chainId,
          chainName: chain.name,
          rpcUrls: [chain.rpcUrl],
          nativeCurrency: { ...chain.gasCurrency, decimals: 18 },
        },
      ])
    }
    // A wallet may add a chain and stay where it is.
    this.#onChain((await this.request('eth_chainId')) as never)
    if (this.#chainId !== chain.chainId) {
      throw new WalletPageError('WRONG_CHAIN', `the wallet stays on chain ${this.#chainId}`, {
        fix: `Choose ${chain.name} (chain ${chain.chainId}) in the wallet.`,
        details: { expected: chain.chainId, actual: this.#chainId },
      })
    }
  }

  /** @throws {WalletPageError} WRONG_CHAIN */
  requireChain(chainId: number): void {
    if (this.#chainId === chainId) return
    throw new WalletPageError('WRONG_CHAIN', `the wallet is on chain ${this.#chainId}, not ${chainId}`, {
      fix: 'Switch the chain first.',
      details: { expected: chainId, actual: this.#chainId },
    })
  }

  /** Listens no more. Idempotent. */
  stop(): void {
    this.#stopped = true
    const { provider } = this.wallet
    provider.removeListener?.('accountsChanged', this.#onAccounts)
    provider.removeListener?.('chainChanged', this.#onChain)
    provider.removeListener?.('disconnect', this.#onDisconnect)
  }

  readonly #onAccounts = (accounts: never): void => {
    const account = firstAccount(accounts)
    if (this.#stopped || account === this.#account) return
    if (account !== null) this.#account = account
    this.#events.onAccount(account)
  }

  readonly #onChain = (given: never): void => {
    const chainId = readChainId(given)
    if (this.#stopped || chainId === this.#chainId) return
    this.#chainId = chainId
    this.#events.onChain(chainId)
  }

  readonly #onDisconnect = (): void => {
    if (!this.#stopped) this.#events.onAccount(null)
  }
}

function firstAccount(accounts: unknown): Address | null {
  const first = Array.isArray(accounts) ? (accounts[0] as unknown) : null
  if (typeof first !== 'string') return null
  try {
    return getAddress(first).toLowerCase()
  } catch {
    return null
  }
}

function readChainId(given: unknown): number {
  const chainId = typeof given === 'number' ? given : typeof given === 'string' ? Number(given) : Number.NaN
  if (Number.isSafeInteger(chainId) && chainId > 0) return chainId
  throw new WalletPageError('WALLET_FAILED', 'the wallet does not say which chain it is on', {
    fix: 'Unlock it, then connect again.',
  })
}
