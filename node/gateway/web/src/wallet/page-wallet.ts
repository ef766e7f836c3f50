import { getAddress } from 'ethers/address'
import { hexlify } from 'ethers/utils'
import { isShoalError } from '../../../../../protocol/errors.ts'
import type { Address, ChannelId } from '../../../../../protocol/ids.ts'
import { DEFAULT_CREDIT_WINDOW_TOKENS } from '../../../../../protocol/limits.ts'
import { formatCredits, minAmount } from '../../../../../protocol/money.ts'
import { AnswerPayment } from './answer-payment.ts'
import type { ChannelStore, SessionChannel } from './channel-store.ts'
import { type ChainDescription, WalletConnection } from './connection.ts'
import { type ChainChannel, type PersonBalances, ShoalContracts } from './contracts.ts'
import { DeploymentPin, type PageDeployment, readDeployment, type TextStore } from './deployment.ts'
import { type ChannelOpening, openingChannelId, openingTypedData } from './deposit.ts'
import type { AnnouncedWallet, WalletDiscovery } from './discovery.ts'
import { WalletPageError } from './errors.ts'
import { loginMessage, personalSignParams } from './login.ts'
import { type NodeRequest, PaymentClient, type PaymentTerms } from './payment-client.ts'
import { OPENING_LASTS_MS, type PersonChannel, personChannels } from './person-channels.ts'
import { httpRpc, walletRpc } from './rpc.ts'
import { newSessionSecret, SessionKey, sessionAddress } from './session-key.ts'

export interface PageWalletState {
  wallets: readonly AnnouncedWallet[]
  /** Null while no wallet is connected. */
  person: { account: Address; chainId: number; walletName: string; walletIcon: string } | null
  /** What the node says of its chain; null until it has. */
  chain: ChainDescription | null
  deployment: PageDeployment | null
  /** This browser has not used these contracts before. */
  isNewDeployment: boolean
  terms: PaymentTerms | null
  balances: PersonBalances | null
  /** Null until they have been read. */
  channels: readonly PersonChannel[] | null
  /** Whether all the chain's blocks were looked through for them. */
  isComplete: boolean
  /** Whether session keys outlive this page. */
  isDurable: boolean
  /** What is under way, in words; null while nothing is. */
  busy: string | null
  /** Of the last reading; what the person did is thrown at whoever called. */
  error: unknown
}

export interface PageWalletModules {
  discovery: WalletDiscovery
  store: ChannelStore
  texts: TextStore
  request: NodeRequest
  nowMs: () => number
  random: (bytes: number) => Uint8Array
  /** Waits before the chain is asked again. */
  pause: (ms: number) => Promise<void>
  /** Host with port, and origin, of the page. */
  place: { host: string; origin: string }
}

/** Of the embedded chain. */
const LOCAL_CHAIN = 31_337
const REMEMBERED = 'shoal.wallet'
const RPC_URL = 'shoal.rpc'
const DAY_SECONDS = 86_400
/** An answer without a price of its own may cost such a part of the deposit at most. */
const ANSWER_SHARE = 10n
/** A channel's life beside the delay a close takes. */
const CHANNEL_DAYS = 30
/** A wallet that was connected before is there again within this. */
const WALLET_WITHIN_MS = 1_000
/** Chains of one machine are quick, others take seconds: asked soon, then less often. */
const FIRST_POLL_MS = 50
const POLL_MS = 800
/** About two minutes: a block of any chain in use comes sooner. */
const MAX_POLLS = 150

/**
 * The person's wallet on this page: connects it, reads the chain through it, opens channels by one signature, keeps
 * their session keys and gives the money back. Free of any framework: `state` and `subscribe` are what a page shows.
 */
export class PageWallet {
  readonly #modules: PageWalletModules
  readonly #pin: DeploymentPin
  readonly #client: PaymentClient
  readonly #listeners = new Set<() => void>()
  #connection: WalletConnection | null = null
  /** What the node named last, whether it is believed or not. */
  #named: PageDeployment | null = null
  #state: PageWalletState
  /** Counts readings, so that a slow one does not overwrite a newer. */
  #reading = 0
  readonly #stops: (() => void)[] = []
  /** Once the wallet of last time is back, or will not be. */
  #ready: Promise<void> = Promise.resolve()

  constructor(modules: PageWalletModules) {
    this.#modules = modules
    this.#pin = new DeploymentPin(modules.texts)
    this.#client = new PaymentClient(modules.request)
    this.#state = {
      ...{ wallets: modules.discovery.wallets, person: null, chain: null, deployment: null },
      ...{ isNewDeployment: false, terms: null, balances: null, channels: null, isComplete: true },
      ...{ isDurable: modules.store.isDurable, busy: null, error: null },
    }
  }

  get state(): PageWalletState {
    return this.#state
  }

  /** @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks for wallets, and goes on with the one that was connected last, without any window of it. */
  start(): void {
    const { discovery } = this.#modules
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ready = promise
    let isTrying = false
    const look = () => {
      this.#set({ wallets: discovery.wallets })
      const rdns = this.#remembered()
      const last = discovery.wallets.find(wallet => wallet.rdns === rdns)
      if (last === undefined || isTrying || this.#connection !== null) return
      isTrying = true
      void this.#connect(last, true)
        .catch(() => {})
        .then(resolve)
    }
    // Wallets announce themselves at once; who waits for one that has gone does not wait for ever.
    void this.#modules.pause(WALLET_WITHIN_MS).then(resolve)
    this.#stops.push(discovery.subscribe(look), () => discovery.stop())
    discovery.start()
    look()
    void this.refresh()
  }

  /** Idempotent. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#connection?.stop()
  }

  /** @throws {WalletPageError} REJECTED, NO_ACCOUNT, WALLET_FAILED */
  async connect(wallet: AnnouncedWallet): Promise<void> {
    await this.#during('Waiting for your wallet', () => this.#connect(wallet, false))
  }

  /** The page forgets the wallet; the wallet itself may still remember the page. */
  disconnect(): void {
    this.#connection?.stop()
    this.#connection = null
    this.#remember(null)
    this.#set({ person: null, balances: null, channels: null, error: null })
  }

  /** Reads everything anew: terms from the node, money from the chain. Never throws: `state.error` says. */
  async refresh(): Promise<void> {
    const reading = ++this.#reading
    try {
      const terms = await this.#client.terms()
      const deployment = await this.#deployment(terms)
      if (reading !== this.#reading) return
      // A change is refused before anything is read from, or signed for, contracts that are not known.
      this.#named = deployment
      this.#set({ terms })
      const { isNew } = this.#pin.check(deployment)
      this.#set({ deployment, isNewDeployment: isNew })
      const person = this.#state.person
      if (person === null || person.chainId !== deployment.chainId) {
        this.#set({ balances: null, channels: null, error: null })
        return
      }
      const contracts = this.#contracts()
      await contracts.check()
      const [balances, found, nowMs, kept] = await Promise.all([
        contracts.balances(person.account),
        contracts.channelsOf(person.account),
        contracts.nowMs(this.#modules.nowMs()),
        this.#kept(person.account, deployment),
      ])
      const known = new Set(found.channels.map(({ channelId }) => channelId))
      // What this browser knows is looked for by its id where the events do not reach back that far.
      const more = await Promise.all(
        kept
          .filter(({ channelId }) => !known.has(channelId))
          .map(({ channelId }) => contracts.channel(channelId)),
      )
      const chain = [...found.channels, ...more.filter(channel => channel !== null)]
      await this.#follow(chain, kept)
      const keys = await this.#keys(kept)
      if (reading !== this.#reading) return
      this.#set({
        balances,
        channels: personChannels(chain, kept, { nowMs, payee: terms.payee, keys }),
        isComplete: found.isComplete,
        error: null,
      })
    } catch (error) {
      if (reading !== this.#reading) return
      const isMoved = isShoalError(error, 'DEPLOYMENT_CHANGED')
      this.#set(isMoved ? { error, deployment: null, balances: null, channels: null } : { error })
    }
  }

  /** Goes on with the contracts the node names now, in place of those this browser knew. */
  async trustDeployment(): Promise<void> {
    if (this.#named !== null) this.#pin.trust(this.#named)
    await this.refresh()
  }

  /** @throws {WalletPageError} REJECTED, WRONG_CHAIN, WALLET_FAILED */
  async switchChain(): Promise<void> {
    const chain = this.#state.chain
    if (chain === null) throw nodeSilent()
    await this.#during('Waiting for your wallet to switch', () => this.#connected().ensureChain(chain))
    await this.refresh()
  }

  /**
   * Signs in to the node with the wallet (ERC-4361): one signature, no payment.
   * @throws {WalletPageError} REJECTED, WALLET_FAILED, NODE_ANSWER_INVALID
   */
  async signIn(): Promise<void> {
    await this.#during('Waiting for your signature', async () => {
      const connection = this.#connected()
      const { request, nowMs, place } = this.#modules
      const given = (await request('GET', '/api/session/nonce')) as {
        nonce: string
        domain: string
        uri: string
        chainId: number
        statement: string
        expiresAt: string
      }
      if (given.domain !== place.host) {
        throw new WalletPageError(
          'NODE_ANSWER_INVALID',
          `the node wants a sign-in for ${given.domain}, but this page is at ${place.host}`,
          { fix: 'Open the page at the address the node gives, or set the node’s public address.' },
        )
      }
      const { account } = connection
      const message = loginMessage({ ...given, uri: place.origin, account, issuedAtMs: nowMs() })
      const signature = await connection.request(
        'personal_sign',
        personalSignParams(message, getAddress(account)),
      )
      await request('POST', '/api/session/wallet', { message, signature })
    })
  }

  /**
   * Opens a channel to the node by one signature; the node relays it and pays the gas. Nothing of it is believed: the
   * channel counts once the chain has it, with this amount, payee and session key.
   * @throws {WalletPageError} EMPTY_WALLET, REJECTED, WRONG_CHAIN, NODE_REFUSED, CHAIN_UNREACHABLE
   */
  async deposit(amount: bigint): Promise<ChannelId> {
    const { terms, deployment, balances } = this.#state
    const connection = this.#connected()
    if (terms === null || deployment === null) throw nodeSilent()
    connection.requireChain(deployment.chainId)
    if (balances !== null && balances.credits < amount) {
      throw new WalletPageError(
        'EMPTY_WALLET',
        balances.credits === 0n
          ? 'there are no credits in your wallet'
          : `there are only ${formatCredits(balances.credits)} credits in your wallet`,
        { fix: `Send credits to ${getAddress(connection.account)}, then try again.` },
      )
    }
    return this.#during('Waiting for your signature', async () => {
      const { random, nowMs, store } = this.#modules
      const contracts = this.#contracts()
      const secret = newSessionSecret(random)
      const nowSeconds = Math.floor((await contracts.nowMs(nowMs())) / 1_000)
      const delay = await contracts.closeDelaySeconds()
      const opening: ChannelOpening = {
        payer: connection.account,
        payee: terms.payee,
        signer: sessionAddress(secret),
        salt: hexlify(random(32)),
        expiresAt: nowSeconds + delay + CHANNEL_DAYS * DAY_SECONDS,
        amount,
        validBefore: nowSeconds + OPENING_LASTS_MS / 1_000,
      }
      const channelId = openingChannelId(deployment, opening)
      // The key is kept before anything is signed: a channel whose key is lost can only be closed.
      await store.add(rowOf(opening, channelId, deployment, nowMs()), secret)
      let signature: unknown
      try {
        const typedData = openingTypedData(deployment, opening)
        signature = await connection.request('eth_signTypedData_v4', [getAddress(opening.payer), typedData])
      } catch (error) {
        await store.update(channelId, channel => ({ ...channel, state: 'closed' }))
        throw error
      }
      this.#pin.trust(deployment)
      this.#set({ busy: 'Opening the channel on chain' })
      await this.#client.open({
        ...opening,
        authorization: { validAfter: 0, validBefore: opening.validBefore, signature: String(signature) },
      })
      await this.#until(async () => {
        const channel = await contracts.channel(channelId)
        if (channel === null) return false
        requireAsSigned(channel, opening)
        return true
      })
      await store.update(channelId, channel => ({ ...channel, state: 'open' }))
      await this.refresh()
      return channelId
    })
  }

  /**
   * What pays for an answer of this node: the channel with most left, its key and the meter.
   * @param account whose session asks
   * @param terms.maxPrice null: a part of the deposit, so that no single answer takes it all
   * @returns null where there is no such channel
   */
  async payFor(
    account: Address,
    terms: { prompt: readonly string[]; maxPrice: bigint | null },
  ): Promise<AnswerPayment | null> {
    await this.#ready
    if (this.#state.channels === null || this.#state.person?.account !== account) await this.refresh()
    const { deployment, channels, person } = this.#state
    const { store } = this.#modules
    if (deployment === null || channels === null || person?.account !== account) return null
    const candidates = channels
      .filter(({ ways }) => ways.includes('pay'))
      .toSorted((a, b) => (a.left < b.left ? 1 : -1))
    for (const { channelId } of candidates) {
      const [channel, secret] = await Promise.all([store.get(channelId), store.secret(channelId)])
      if (channel === null || secret === null || channel.spent >= channel.deposit) continue
      const key = new SessionKey({ secret, channelId, domain: deployment, limit: channel.deposit })
      const left = channel.deposit - channel.spent
      const maxPrice = minAmount(terms.maxPrice ?? channel.deposit / ANSWER_SHARE, left)
      return new AnswerPayment(
        {
          prompt: terms.prompt,
          maxPrice,
          maxPricePerMillion: null,
          windowTokens: DEFAULT_CREDIT_WINDOW_TOKENS,
        },
        { key, store, client: this.#client },
      )
    }
    return null
  }

  /**
   * Ends a channel by agreement with the node: what is left comes back at once, and the node pays the gas.
   * @throws {WalletPageError} KEY_LOST, NODE_REFUSED
   */
  async closeTogether(channelId: ChannelId): Promise<void> {
    const { store } = this.#modules
    const { deployment } = this.#state
    if (deployment === null) throw nodeSilent()
    await this.#during('Closing the channel', async () => {
      const [channel, secret] = await Promise.all([store.get(channelId), store.secret(channelId)])
      if (channel === null || secret === null) {
        throw new WalletPageError('KEY_LOST', 'this browser does not have the key of this channel', {
          fix: 'Close it with a transaction of your own: what is left comes back after the delay.',
        })
      }
      const key = new SessionKey({ secret, channelId, domain: deployment, limit: channel.deposit })
      // The node may have used less than was signed for; never more.
      const { finalAmount: final } = await this.#client.channel(channelId)
      if (final > channel.signed) {
        throw new WalletPageError('OVERCHARGED', 'the node wants more for this channel than was signed for', {
          fix: 'Announce the close yourself: the node can claim what was signed for, and nothing else.',
          details: { asked: formatCredits(final), signed: formatCredits(channel.signed) },
        })
      }
      await this.#client.close({ channelId, cumulativeAmount: final, signature: key.sign(final) })
      const contracts = this.#contracts()
      await this.#until(async () => (await contracts.channel(channelId))?.status === 'closed')
      await this.refresh()
    })
  }

  /** Announces a close with the person's own transaction. @throws {WalletPageError} REJECTED, REVERTED */
  async startClose(channelId: ChannelId): Promise<void> {
    await this.#send('Announcing the close', 'startClose', [channelId])
  }

  /** Takes back what is left. @throws {WalletPageError} REJECTED, REVERTED */
  async finishClose(channelId: ChannelId): Promise<void> {
    await this.#send('Taking your money back', 'finishClose', [channelId])
  }

  /** Moves credits from Settlement to the person's wallet. @throws {WalletPageError} REJECTED, REVERTED */
  async withdraw(amount: bigint): Promise<void> {
    await this.#send('Withdrawing', 'withdraw', [this.#connected().account, amount])
  }

  /** Contracts read through the wallet, or the RPC address the person gave; null where there is neither. */
  reader(): ShoalContracts | null {
    const { deployment, person } = this.#state
    if (deployment === null) return null
    const url = this.rpcUrl
    if (url !== null) return new ShoalContracts(deployment, httpRpc(url))
    if (person === null || person.chainId !== deployment.chainId || this.#connection === null) return null
    return new ShoalContracts(deployment, walletRpc(this.#connection.provider))
  }

  /** Where the person wants the chain to be asked instead of through the wallet. */
  get rpcUrl(): string | null {
    try {
      return this.#modules.texts.getItem(RPC_URL) || null
    } catch {
      return null
    }
  }

  set rpcUrl(url: string | null) {
    try {
      this.#modules.texts.setItem(RPC_URL, url ?? '')
    } catch {
      // For this page's life it is not kept, then.
    }
    this.#set({})
  }

  async #connect(wallet: AnnouncedWallet, silently: boolean): Promise<void> {
    const connection = await WalletConnection.open(
      wallet,
      {
        onAccount: account => (account === null ? this.disconnect() : this.#changed()),
        onChain: () => this.#changed(),
      },
      { silently },
    )
    if (connection === null) return
    this.#connection?.stop()
    this.#connection = connection
    this.#remember(wallet.rdns)
    this.#changed()
  }

  /** Another account or chain: what was shown belongs to the last one. */
  #changed(): void {
    const connection = this.#connection
    if (connection === null) return
    const { account, chainId, wallet } = connection
    const person = { account, chainId, walletName: wallet.name, walletIcon: wallet.icon }
    this.#set({ person, balances: null, channels: null, error: null })
    void this.refresh()
  }

  async #deployment(terms: PaymentTerms): Promise<PageDeployment> {
    const { request } = this.#modules
    const status = (await request('GET', '/api/status')) as { chain?: { url?: string; deployment?: unknown } }
    const deployment = readDeployment(status.chain?.deployment)
    if (
      deployment.chainId !== terms.chainId ||
      deployment.settlement !== terms.settlement ||
      deployment.creditToken !== terms.creditToken
    ) {
      throw new WalletPageError('NODE_ANSWER_INVALID', 'the node names two different deployments', {
        fix: 'Load the page again; if it stays so, do not pay.',
      })
    }
    const { chainId } = deployment
    const rpcUrl = status.chain?.url ?? ''
    this.#set({
      chain: {
        chainId,
        name: chainId === LOCAL_CHAIN ? 'Shoal local' : `Chain ${chainId}`,
        rpcUrl,
        gasCurrency: { name: 'Ether', symbol: 'ETH' },
      },
    })
    return deployment
  }

  #contracts(): ShoalContracts {
    const { deployment } = this.#state
    if (deployment === null) throw nodeSilent()
    return new ShoalContracts(deployment, walletRpc(this.#connected().provider))
  }

  async #kept(account: Address, deployment: PageDeployment): Promise<SessionChannel[]> {
    const all = await this.#modules.store.list()
    return all.filter(
      ({ payer, chainId, settlement, state }) =>
        payer === account &&
        chainId === deployment.chainId &&
        settlement === deployment.settlement &&
        state !== 'closed',
    )
  }

  async #keys(kept: readonly SessionChannel[]): Promise<Set<ChannelId>> {
    const { store } = this.#modules
    const found = await Promise.all(
      kept.map(async ({ channelId }) => ((await store.secret(channelId)) === null ? null : channelId)),
    )
    return new Set(found.filter(channelId => channelId !== null))
  }

  /** Writes down what became of channels on chain. */
  async #follow(chain: readonly ChainChannel[], kept: SessionChannel[]): Promise<void> {
    const byId = new Map(chain.map(channel => [channel.channelId, channel]))
    for (const [index, channel] of kept.entries()) {
      const seen = byId.get(channel.channelId)
      const state = seen === undefined ? channel.state : seen.status === 'closed' ? 'closed' : 'open'
      if (state === channel.state) continue
      const written = await this.#modules.store.update(channel.channelId, now => ({ ...now, state }))
      if (written !== null) kept[index] = written
    }
  }

  /** Has the wallet send a transaction to Settlement, and waits until it is mined. */
  async #send(busy: string, method: string, args: readonly unknown[]): Promise<void> {
    await this.#during('Waiting for your wallet', async () => {
      const connection = this.#connected()
      const { deployment } = this.#state
      if (deployment === null) throw nodeSilent()
      connection.requireChain(deployment.chainId)
      const call = this.#contracts().call('settlement', method, args)
      const transaction = await connection.request('eth_sendTransaction', [
        { from: getAddress(connection.account), ...call },
      ])
      this.#set({ busy })
      await this.#until(async () => {
        const receipt = (await connection.request('eth_getTransactionReceipt', [transaction])) as {
          status: string
        } | null
        if (receipt === null) return false
        if (Number(receipt.status) === 1) return true
        throw new WalletPageError('REVERTED', 'the chain has undone the transaction', {
          fix: 'Load the page again and see what the channel holds now.',
          details: { transaction: String(transaction) },
        })
      })
    })
    await this.refresh()
  }

  async #until(isDone: () => Promise<boolean>): Promise<void> {
    for (let poll = 0; poll < MAX_POLLS; poll++) {
      if (await isDone()) return
      await this.#modules.pause(Math.min(FIRST_POLL_MS * 2 ** poll, POLL_MS))
    }
    throw new WalletPageError('CHAIN_UNREACHABLE', 'the chain has not confirmed it yet', {
      fix: 'Load the page again in a while: nothing is lost.',
    })
  }

  async #during<T>(busy: string, act: () => Promise<T>): Promise<T> {
    this.#set({ busy })
    try {
      return await act()
    } finally {
      this.#set({ busy: null })
    }
  }

  #connected(): WalletConnection {
    if (this.#connection !== null) return this.#connection
    throw new WalletPageError('NO_WALLET', 'no wallet is connected', { fix: 'Connect one first.' })
  }

  #remembered(): string | null {
    try {
      return this.#modules.texts.getItem(REMEMBERED)
    } catch {
      return null
    }
  }

  #remember(rdns: string | null): void {
    try {
      this.#modules.texts.setItem(REMEMBERED, rdns ?? '')
    } catch {
      // Asked again next time, then.
    }
  }

  #set(change: Partial<PageWalletState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}

function rowOf(
  opening: ChannelOpening,
  channelId: ChannelId,
  { chainId, settlement }: PageDeployment,
  nowMs: number,
): SessionChannel {
  const { payer, payee, signer, salt, amount, expiresAt } = opening
  return {
    ...{ channelId, chainId, settlement, payer, payee, signer, salt, deposit: amount },
    ...{ spent: 0n, signed: 0n, signature: null, state: 'opening' },
    ...{ expiresAtMs: expiresAt * 1_000, openedAtMs: nowMs },
  }
}

function requireAsSigned(channel: ChainChannel, opening: ChannelOpening): void {
  const { payer, payee, signer, deposit } = channel
  const isSame =
    payer === opening.payer &&
    payee === opening.payee &&
    signer === opening.signer &&
    deposit >= opening.amount
  if (isSame) return
  throw new WalletPageError('NOT_OUR_CONTRACTS', 'the channel on chain is not the one you signed for', {
    fix: 'Do not pay. Ask whoever runs the node which contracts it uses.',
  })
}

function nodeSilent(): WalletPageError {
  return new WalletPageError('NODE_UNREACHABLE', 'the node has not said yet how it is paid', {
    fix: 'Wait until its chain answers.',
  })
}
