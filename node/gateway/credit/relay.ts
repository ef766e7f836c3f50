import type { Address, Bytes32, ChannelId } from '../../../protocol/ids.ts'
import { type ChainClient, contractInterfaces } from '../../chain/client.ts'
import { ChainError } from '../../chain/errors.ts'
import {
  contractErrorOf,
  encodeCall,
  type Publisher,
  type TransactionOutcome,
} from '../../chain/publisher.ts'
import { GatewayError } from '../http/http-error.ts'
import type { PaymentRow } from './credit-ledger.ts'

export interface RelayModules {
  client: ChainClient
  publisher: Pick<Publisher, 'submit' | 'pending'>
}

/** A channel to be opened by its payer's signature. Times in seconds, the amount in base units. */
export interface SignedOpening {
  payer: Address
  payee: Address
  signer: Address
  salt: Bytes32
  expiresAt: number
  amount: bigint
  authorization: { validAfter: number; validBefore: number; signature: string }
}

/** Transactions of others that wait at once; each costs the node gas and its other transactions time. */
const MAX_PENDING = 16
const TRANSFER = 'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)'
/** How far back a payment that somebody else submitted is looked for. */
const LOOK_BACK_BLOCKS = 2_000

/** Sends for others what they have signed, and pays the gas: only what the chain says will work, and not too much at once. */
export class Relay {
  readonly #modules: RelayModules

  constructor(modules: RelayModules) {
    this.#modules = modules
  }

  /**
   * Opens a channel.
   * @returns the transaction
   * @throws {GatewayError} REQUEST_INVALID when the chain refuses it, GATEWAY_BUSY
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async open(channelId: ChannelId, opening: SignedOpening): Promise<Bytes32> {
    const { payer, payee, signer, salt, expiresAt, amount, authorization } = opening
    const { validAfter, validBefore, signature } = authorization
    const terms = [payer, payee, signer, salt, expiresAt, amount, [validAfter, validBefore, signature]]
    const call = ['settlement', 'depositWithAuthorizationAndOpen', terms] as const
    await this.#simulate(...call)
    return this.#confirmed(await this.#send(`relay-open:${channelId}`, ...call))
  }

  /** Closes a channel by agreement. @throws as `open` */
  async close(
    channelId: ChannelId,
    close: { finalAmount: bigint; deadline: number; payeeSignature: string; voucherSignature: string },
  ): Promise<Bytes32> {
    const { finalAmount, deadline, payeeSignature, voucherSignature } = close
    const terms = [channelId, finalAmount, deadline, payeeSignature, voucherSignature]
    const call = ['settlement', 'closeCooperatively', terms] as const
    await this.#simulate(...call)
    return this.#confirmed(await this.#send(`relay-close:${channelId}:${finalAmount}`, ...call))
  }

  /** The call that collects a payment. */
  static collecting(payment: {
    payer: Address
    payee: Address
    value: bigint
    validAfter: bigint
    validBefore: bigint
    nonce: Bytes32
    signature: string
  }): string {
    const { payer, payee, value, validAfter, validBefore, nonce, signature } = payment
    return encodeCall('creditToken', TRANSFER, [
      payer,
      payee,
      value,
      validAfter,
      validBefore,
      nonce,
      signature,
    ])
  }

  /**
   * Whether the chain would collect a payment now.
   * @throws {GatewayError} PAYMENT_REQUIRED when it would not, with the contract's error as `details.reason`
   */
  async checkPayment(data: string): Promise<void> {
    this.#requireRoom()
    const { client } = this.#modules
    try {
      await client.request('eth_call', [{ to: client.addresses.creditToken, data }, 'latest'])
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'TRANSACTION_REJECTED') throw error
      const reason = contractErrorOf(error) ?? 'refused'
      throw new GatewayError('PAYMENT_REQUIRED', `the payment cannot be collected: ${reason}`, {
        fix: 'Check the balance, and sign a new authorisation.',
        details: { reason },
      })
    }
  }

  /**
   * Collects a payment; the same payment is one transaction, over restarts.
   * @returns the transaction by which the credits came, whoever sent it; null when they did not come and never will
   *   by this
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async collect(
    payment: Pick<PaymentRow, 'payer' | 'nonce' | 'value' | 'data'>,
    payee: Address,
  ): Promise<Bytes32 | null> {
    const id = `x402:${payment.payer}:${payment.nonce}`
    const outcome = await this.#modules.publisher.submit({ id, contract: 'creditToken', data: payment.data })
    if (outcome.status === 'confirmed') return outcome.hash
    // Anyone may submit it: then ours fails, and the credits are here all the same.
    return this.findPayment(payment, payee)
  }

  /** Sends credits from the node's wallet. @returns whether they have arrived */
  async refund(id: string, to: Address, amount: bigint): Promise<{ transaction: Bytes32 } | null> {
    const data = encodeCall('creditToken', 'transfer', [to, amount])
    const outcome = await this.#modules.publisher.submit({ id, contract: 'creditToken', data })
    return outcome.status === 'confirmed' ? { transaction: outcome.hash } : null
  }

  /** The transaction by which a payment came to us, where somebody else submitted it; null when none is found. */
  async findPayment(
    { payer, nonce, value }: Pick<PaymentRow, 'payer' | 'nonce' | 'value'>,
    payee: Address,
  ): Promise<Bytes32 | null> {
    const { client } = this.#modules
    const [isSpent] = await client.read('creditToken', 'authorizationState', [payer, nonce])
    if (isSpent !== true) return null
    const abi = contractInterfaces.creditToken
    const used = abi.encodeFilterTopics('AuthorizationUsed', [payer, nonce])
    const first = Math.max(0, (await client.blockNumber()) - LOOK_BACK_BLOCKS)
    const address = client.addresses.creditToken
    const logs = (await client.request('eth_getLogs', [
      { address, topics: used, fromBlock: `0x${first.toString(16)}`, toBlock: 'latest' },
    ])) as { transactionHash: Bytes32 }[]
    const [log] = logs
    if (log === undefined) return null
    // The nonce may have been used for somebody else.
    const paid = await client.eventOf('creditToken', log.transactionHash, ({ name, args }) => {
      if (name !== 'Transfer') return false
      const { from, to } = args as unknown as { from: string; to: string }
      return from.toLowerCase() === payer && to.toLowerCase() === payee && args.value === value
    })
    return paid === null ? null : log.transactionHash
  }

  /** @throws {GatewayError} REQUEST_INVALID with the contract's error */
  async #simulate(...[contract, method, args]: Call): Promise<void> {
    this.#requireRoom()
    try {
      await this.#modules.client.read(contract, method, args)
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'TRANSACTION_REJECTED') throw error
      throw refused(contractErrorOf(error))
    }
  }

  #send(id: string, ...[contract, method, args]: Call): Promise<TransactionOutcome> {
    return this.#modules.publisher.submit({ id, contract, data: encodeCall(contract, method, args) })
  }

  #confirmed(outcome: TransactionOutcome): Bytes32 {
    if (outcome.status === 'confirmed') return outcome.hash
    if (outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money') {
      throw new GatewayError('GATEWAY_BUSY', 'the node has no gas money left to send this', {
        fix: 'Send the transaction from your own wallet, or try another node.',
      })
    }
    throw refused(outcome.status === 'rejected' ? outcome.errorName : null)
  }

  #requireRoom(): void {
    if (this.#modules.publisher.pending().length < MAX_PENDING) return
    throw new GatewayError('GATEWAY_BUSY', 'too many transactions wait for the chain', {
      headers: { 'retry-after': '5' },
      fix: 'Try again in a moment, or send it from your own wallet.',
    })
  }
}

type Call = [contract: 'settlement', method: string, args: readonly unknown[]]

function refused(errorName: string | null): GatewayError {
  return new GatewayError('REQUEST_INVALID', `the chain refuses this: ${errorName ?? 'reverted'}`, {
    fix: 'contracts/interfaces says what the error means; nothing was sent, and nothing has moved.',
    details: { reason: errorName },
  })
}
