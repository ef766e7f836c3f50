import { randomBytes } from 'node:crypto'
import { JsonRpcProvider, Wallet } from 'ethers'
import type { Page } from 'playwright-core'

export interface InjectedWalletOptions {
  /** The one chain it can reach. */
  rpcUrl: string
  chainId: number
  name?: string
  /** Which chain it is on at first; default the one it can reach. */
  startsOn?: number
  /** Whether it knows the chain already; else the page has to add it. Default true. */
  knowsChain?: boolean
  privateKey?: string
}

interface Call {
  method: string
  params?: unknown[]
}

/** A person's answer to what a wallet asks: EIP-1193's 4001. */
const REJECTED = { code: 4001, message: 'User rejected the request.' }
const UNAUTHORIZED = { code: 4100, message: 'The account has not been given to this page.' }
const CHAIN_NOT_ADDED = { code: 4902, message: 'Unrecognized chain ID.' }

/** What opens a window in a real wallet. */
const ASKS_THE_PERSON: ReadonlySet<string> = new Set([
  'eth_requestAccounts',
  'personal_sign',
  'eth_signTypedData_v4',
  'eth_sendTransaction',
  'wallet_switchEthereumChain',
  'wallet_addEthereumChain',
])

const ICON = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1a6a86"/><path d="M24 16c-4-5-10-5-14 0l-4-3v6l4-3c4 5 10 5 14 0z" fill="#fff"/></svg>',
).toString('base64')}`

/**
 * A wallet extension as a page meets it: announced by EIP-6963, spoken to by EIP-1193, with a key of its own that signs
 * and sends for real. It can be told to say no, to be on another chain, and to change its account.
 */
export class InjectedWallet {
  readonly #options: InjectedWalletOptions
  readonly #provider: JsonRpcProvider
  readonly #pages = new Set<Page>()
  #wallet: Wallet
  #chainId: number
  #knowsChain: boolean
  #isConnected = false
  /** Methods the person says no to. */
  readonly rejects = new Set<string>()
  /** What opened a window, in order. */
  readonly windows: string[] = []

  constructor(options: InjectedWalletOptions) {
    this.#options = options
    this.#provider = new JsonRpcProvider(options.rpcUrl, options.chainId, {
      staticNetwork: true,
      cacheTimeout: -1,
    })
    this.#wallet = new Wallet(options.privateKey ?? `0x${randomBytes(32).toString('hex')}`, this.#provider)
    this.#chainId = options.startsOn ?? options.chainId
    this.#knowsChain = options.knowsChain ?? true
  }

  /** Lower case. */
  get address(): string {
    return this.#wallet.address.toLowerCase()
  }

  get chainId(): number {
    return this.#chainId
  }

  /** Puts it into a page that has not been opened yet. */
  async inject(page: Page): Promise<void> {
    this.#pages.add(page)
    await page.exposeBinding('__walletRequest', (_, call: Call) => this.#answer(call))
    await page.addInitScript(announce, {
      uuid: crypto.randomUUID(),
      name: this.#options.name ?? 'Reef Wallet',
      icon: ICON,
      rdns: 'org.example.reef',
    })
  }

  /** The person chooses another account in the wallet. */
  async changeAccount(privateKey: string): Promise<void> {
    this.#wallet = new Wallet(privateKey, this.#provider)
    await this.#tell('accountsChanged', [this.#wallet.address])
  }

  async changeChain(chainId: number): Promise<void> {
    this.#chainId = chainId
    await this.#tell('chainChanged', hex(chainId))
  }

  stop(): void {
    this.#provider.destroy()
  }

  /** An error crosses into the page as a value: a binding carries its message only. */
  async #answer(call: Call): Promise<{ result: unknown } | { error: { code: number; message: string } }> {
    try {
      return { result: await this.#do(call.method, call.params ?? []) }
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: string }
      return { error: { code: typeof code === 'number' ? code : -32603, message: message ?? 'failed' } }
    }
  }

  async #do(method: string, params: unknown[]): Promise<unknown> {
    if (ASKS_THE_PERSON.has(method)) this.windows.push(method)
    if (this.rejects.has(method)) throw REJECTED
    switch (method) {
      case 'eth_requestAccounts':
        this.#isConnected = true
        return [this.#wallet.address]
      case 'eth_accounts':
        return this.#isConnected ? [this.#wallet.address] : []
      case 'eth_chainId':
        return hex(this.#chainId)
      case 'wallet_switchEthereumChain':
        return this.#switch((params[0] as { chainId: string }).chainId)
      case 'wallet_addEthereumChain':
        this.#knowsChain = true
        return this.#switch((params[0] as { chainId: string }).chainId)
      case 'personal_sign': {
        const [message, account] = params as [string, string]
        this.#requireAccount(account)
        return this.#wallet.signMessage(Buffer.from(message.slice(2), 'hex'))
      }
      case 'eth_signTypedData_v4': {
        const [account, json] = params as [string, string]
        this.#requireAccount(account)
        const { domain, types, message } = JSON.parse(json)
        // As wallets do: what is signed for another chain than the one they are on is refused.
        if (Number(domain.chainId) !== this.#chainId)
          throw { code: -32602, message: 'Provided chainId must match.' }
        delete types.EIP712Domain
        return this.#wallet.signTypedData(domain, types, message)
      }
      case 'eth_sendTransaction': {
        const [{ from, to, data, value }] = params as [
          { from: string; to: string; data?: string; value?: string },
        ]
        this.#requireAccount(from)
        const sent = await this.#wallet.sendTransaction({ to, data: data ?? '0x', value: value ?? 0n })
        return sent.hash
      }
      default:
        if (this.#chainId !== this.#options.chainId)
          throw { code: -32603, message: 'no endpoint for this chain' }
        return this.#provider.send(method, params)
    }
  }

  async #switch(chainId: string): Promise<null> {
    const wanted = Number(chainId)
    if (wanted === this.#options.chainId && !this.#knowsChain) throw CHAIN_NOT_ADDED
    await this.changeChain(wanted)
    return null
  }

  #requireAccount(account: string): void {
    if (!this.#isConnected || account.toLowerCase() !== this.address) throw UNAUTHORIZED
  }

  async #tell(event: string, value: unknown): Promise<void> {
    for (const page of this.#pages) {
      if (page.isClosed()) continue
      await page.evaluate(
        ([event, value]) =>
          window.dispatchEvent(new CustomEvent('__walletEvent', { detail: { event, value } })),
        [event, value] as const,
      )
    }
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

declare global {
  interface Window {
    __walletRequest(call: Call): Promise<{ result?: unknown; error?: { code: number; message: string } }>
  }
}

/** Runs in the page, before its own scripts. */
function announce(info: { uuid: string; name: string; icon: string; rdns: string }): void {
  const listeners = new Map<string, Set<(value: unknown) => void>>()
  const provider = {
    async request(call: Call): Promise<unknown> {
      const { result, error } = await window.__walletRequest(call)
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code })
      return result
    },
    on(event: string, listener: (value: unknown) => void) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener))
    },
    removeListener(event: string, listener: (value: unknown) => void) {
      listeners.get(event)?.delete(listener)
    },
  }
  window.addEventListener('__walletEvent', told => {
    const { event, value } = (told as CustomEvent).detail
    for (const listener of listeners.get(event) ?? []) listener(value)
  })
  const tell = () =>
    window.dispatchEvent(
      new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }),
    )
  window.addEventListener('eip6963:requestProvider', tell)
  tell()
}
