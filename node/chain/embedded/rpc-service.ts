import type { ShoalError } from '../../../protocol/errors.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { KnownDeployment } from '../addresses.ts'
import type { JournaledChain } from './chain.ts'
import { RPC_CODES, type RpcCall, RpcError, type RpcParams } from './json-rpc.ts'

export interface RpcServiceOptions {
  deployment: KnownDeployment
  /** Lets tests move time and undo blocks. */
  allowTestMethods: boolean
}

export interface RpcServiceModules {
  chain: JournaledChain
  /** Fills a wallet; see `Faucet`. */
  fund: (address: string) => Promise<unknown>
}

/** Go to the EVM as they are. Everything else is refused unless it has a case of its own below. */
const READ_METHODS: ReadonlySet<string> = new Set([
  'eth_blobBaseFee',
  'eth_blockNumber',
  'eth_chainId',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getFilterChanges',
  'eth_getFilterLogs',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_newBlockFilter',
  'eth_newFilter',
  'eth_newPendingTransactionFilter',
  'eth_syncing',
  'eth_uninstallFilter',
  'net_listening',
  'net_peerCount',
  'net_version',
  'web3_clientVersion',
  'web3_sha3',
])
const TEST_METHOD = /^(?:evm|hardhat)_/
const ADDRESS = /^0x[0-9a-fA-F]{40}$/
/** Twice the 128 KiB that nodes take, as hex, with 0x. */
const RAW_TRANSACTION = /^0x[0-9a-fA-F]{2,262144}$/

/**
 * What the chain's JSON-RPC offers: reading, sending signed transactions, and two methods of Shoal's own.
 * `shoal_deployment()` says where the contracts are; `shoal_fund(address)` fills a wallet.
 */
export class RpcService {
  readonly #options: RpcServiceOptions
  readonly #chain: JournaledChain
  readonly #fund: (address: string) => Promise<unknown>

  constructor(options: RpcServiceOptions, modules: RpcServiceModules) {
    this.#options = options
    this.#chain = modules.chain
    this.#fund = modules.fund
  }

  /** @throws {RpcError} */
  async handle({ method, params }: RpcCall): Promise<unknown> {
    try {
      return await this.#dispatch(method, params)
    } catch (error) {
      throw error instanceof RpcError ? error : internalError(error)
    }
  }

  async #dispatch(method: string, params: RpcParams): Promise<unknown> {
    if (READ_METHODS.has(method)) return await this.#chain.read(method, params)
    switch (method) {
      case 'eth_call':
      case 'eth_estimateGas':
        return await this.#chain.call(method, params)
      case 'eth_sendRawTransaction':
        return await this.#chain.sendRawTransaction(
          hexParameter(params, RAW_TRANSACTION, 'a signed transaction'),
        )
      case 'eth_accounts':
        return []
      case 'shoal_deployment':
        return this.#options.deployment
      case 'shoal_fund':
        return await this.#fund(hexParameter(params, ADDRESS, 'an address'))
    }
    if (this.#options.allowTestMethods && TEST_METHOD.test(method)) return await this.#test(method, params)
    throw new RpcError(RPC_CODES.methodNotFound, `the method ${method.slice(0, 64)} is not offered`)
  }

  async #test(method: string, params: RpcParams): Promise<unknown> {
    switch (method) {
      case 'evm_increaseTime':
        return this.#chain.increaseTime(Number(params[0]))
      case 'evm_setNextBlockTimestamp':
        return this.#chain.setNextBlockTimestamp(Number(params[0]))
      case 'evm_snapshot':
        return await this.#chain.read(method, params)
      default:
        return await this.#chain.runUnjournaled(method, params)
    }
  }
}

function hexParameter(params: RpcParams, pattern: RegExp, what: string): string {
  const [value] = params
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new RpcError(RPC_CODES.invalidParams, `the first parameter has to be ${what} in hex`)
}

function internalError(error: unknown): RpcError {
  if (!isShoalError(error)) return new RpcError(RPC_CODES.internalError, 'internal error')
  const { code, message, fix }: ShoalError = error
  return new RpcError(RPC_CODES.internalError, fix === undefined ? message : `${message} ${fix}`, { code })
}
