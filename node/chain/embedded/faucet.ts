import { Interface, type TransactionLike, Wallet } from 'ethers'
import { creditTokenAbi } from '../abi/credit-token.ts'
import { settlementAbi } from '../abi/settlement.ts'
import type { KnownDeployment } from '../addresses.ts'
import type { JournaledChain } from './chain.ts'
import { RPC_CODES, RpcError } from './json-rpc.ts'

export interface FaucetOptions {
  deployment: KnownDeployment
  /** Key of the account that has the gas money and the genesis supply. */
  privateKey: string
}

/** What an address was given; amounts are decimal strings, 0 when it has enough. */
export interface Funding {
  address: string
  wei: string
  /** Base units. */
  credits: string
  transactionHashes: string[]
}

const GIFT_WEI = 10n * 10n ** 18n
const GIFT_CREDITS = 1_000n * 10n ** 18n
/** Who still has more than this part of a gift gets none. */
const ENOUGH_DIVISOR = 10n
const GAS_LIMIT = 200_000n
const PRIORITY_FEE = 1_000_000_000n

/** Gives new wallets gas money and credits out of the deployer's own, by transactions like all others. */
export class Faucet {
  readonly #deployment: KnownDeployment
  readonly #wallet: Wallet
  readonly #chain: JournaledChain
  readonly #token = new Interface(creditTokenAbi)
  readonly #settlement = new Interface(settlementAbi)
  /** One at a time, so that two do not take the same nonce. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: FaucetOptions, modules: { chain: JournaledChain }) {
    this.#deployment = options.deployment
    this.#wallet = new Wallet(options.privateKey)
    this.#chain = modules.chain
  }

  /**
   * Fills a wallet that is empty, or nearly so: its own balances and what it has in Settlement count.
   * @throws {RpcError} limitExceeded when the credits are used up
   */
  fund(address: string): Promise<Funding> {
    const done = this.#last.then(() => this.#fund(address))
    this.#last = done.catch(() => {})
    return done
  }

  async #fund(address: string): Promise<Funding> {
    const { creditToken, settlement } = this.#deployment.addresses
    const wei = BigInt((await this.#chain.read('eth_getBalance', [address, 'latest'])) as string)
    const credits =
      (await this.#view(creditToken, this.#token, 'balanceOf', [address])) +
      (await this.#view(settlement, this.#settlement, 'balanceOf', [address]))
    const needsWei = wei < GIFT_WEI / ENOUGH_DIVISOR
    const needsCredits = credits < GIFT_CREDITS / ENOUGH_DIVISOR
    if (
      needsCredits &&
      (await this.#view(creditToken, this.#token, 'balanceOf', [this.#wallet.address])) < GIFT_CREDITS
    ) {
      throw new RpcError(
        RPC_CODES.limitExceeded,
        'the credits to give away are used up; let someone send you theirs',
      )
    }
    const transactionHashes: string[] = []
    if (needsWei) transactionHashes.push(await this.#send({ to: address, value: GIFT_WEI }))
    if (needsCredits) {
      const data = this.#token.encodeFunctionData('transfer', [address, GIFT_CREDITS])
      transactionHashes.push(await this.#send({ to: creditToken, data }))
    }
    return {
      address,
      wei: String(needsWei ? GIFT_WEI : 0n),
      credits: String(needsCredits ? GIFT_CREDITS : 0n),
      transactionHashes,
    }
  }

  async #view(to: string, abi: Interface, name: string, args: readonly unknown[]): Promise<bigint> {
    const data = abi.encodeFunctionData(name, args)
    const result = await this.#chain.call('eth_call', [{ to, data }, 'latest'])
    return abi.decodeFunctionResult(name, result as string)[0] as bigint
  }

  async #send(transaction: TransactionLike): Promise<string> {
    const nonce = await this.#chain.read('eth_getTransactionCount', [this.#wallet.address, 'latest'])
    const block = await this.#chain.read('eth_getBlockByNumber', ['latest', false])
    const baseFee = BigInt((block as { baseFeePerGas: string }).baseFeePerGas)
    const raw = await this.#wallet.signTransaction({
      ...transaction,
      type: 2,
      chainId: this.#deployment.chainId,
      nonce: Number(nonce),
      gasLimit: GAS_LIMIT,
      maxFeePerGas: 2n * baseFee + PRIORITY_FEE,
      maxPriorityFeePerGas: PRIORITY_FEE,
    })
    return await this.#chain.sendRawTransaction(raw)
  }
}
