import {
  ContractDecoder,
  EdrContext,
  L1_CHAIN_TYPE,
  l1GenesisState,
  l1HardforkFromString,
  l1ProviderFactory,
  MineOrdering,
  type Provider,
} from '@nomicfoundation/edr'
import { RPC_CODES, type RpcCall, RpcError, type RpcParams } from './json-rpc.ts'

/** All that makes the first block, and with it every block after it, come out the same again. */
export interface EvmGenesis {
  chainId: number
  /** As EDR names it, such as `osaka`. */
  hardfork: string
  /** Time of block 0, seconds since the Unix epoch. */
  timestamp: number
  blockGasLimit: bigint
  /** Wei per gas of block 0. */
  baseFeePerGas: bigint
  /** Wei. */
  balances: readonly { address: string; balance: bigint }[]
}

export interface BlockHeader {
  number: number
  hash: string
  /** Seconds since the Unix epoch. */
  timestamp: number
}

/** What `mine` made of one transaction. */
export interface MinedTransaction {
  hash: string
  block: BlockHeader
}

/** EIP-7825: what one transaction may use from Osaka on; also the gas of calls that name none. */
export const TRANSACTION_GAS_CAP = 16_777_216n

/**
 * Makes the runtime that EVMs live in. EDR wants one a process.
 */
export async function createEvmRuntime(): Promise<EdrContext> {
  const context = new EdrContext()
  await context.registerProviderFactory(L1_CHAIN_TYPE, l1ProviderFactory())
  return context
}

/**
 * Hardhat's simulated network (EDR), in memory: one block a transaction, no accounts of its own, and deterministic:
 * equal genesis, transactions and block times give equal block hashes.
 *
 * EDR is used directly rather than through Hardhat, whose import costs twice the time and memory of the chain itself.
 */
export class Evm {
  readonly #provider: Provider

  private constructor(provider: Provider) {
    this.#provider = provider
  }

  static async create(genesis: EvmGenesis, modules: { runtime: EdrContext }): Promise<Evm> {
    const balances = genesis.balances.map(({ address, balance }) => ({
      address: Uint8Array.from(Buffer.from(address.slice(2), 'hex')),
      balance,
      nonce: 0n,
      code: new Uint8Array(0),
    }))
    const provider = await modules.runtime.createProvider(
      L1_CHAIN_TYPE,
      {
        chainId: BigInt(genesis.chainId),
        networkId: BigInt(genesis.chainId),
        hardfork: genesis.hardfork,
        genesisState: [...l1GenesisState(l1HardforkFromString(genesis.hardfork)), ...balances],
        network: {
          genesisBlockGasLimit: genesis.blockGasLimit,
          genesisBlockTime: BigInt(genesis.timestamp),
        },
        initialBaseFeePerGas: genesis.baseFeePerGas,
        mining: {
          autoMine: true,
          blockGasLimit: genesis.blockGasLimit,
          memPool: { order: MineOrdering.Fifo },
        },
        // Many blocks a second must not push the chain's time ahead of the clock.
        allowBlocksWithSameTimestamp: true,
        allowUnlimitedContractSize: false,
        bailOnCallFailure: true,
        bailOnTransactionFailure: false,
        coinbase: new Uint8Array(20),
        defaultTransactionGasLimit: TRANSACTION_GAS_CAP,
        minGasPrice: 0n,
        observability: {},
        ownedAccounts: [],
        precompileOverrides: [],
      },
      { enable: false, decodeConsoleLogInputsCallback: () => [], printLineCallback: () => {} },
      { subscriptionCallback: () => {} },
      new ContractDecoder(),
    )
    return new Evm(provider)
  }

  /**
   * @throws {RpcError} the EVM's answer; a revert has code 3 and its data
   */
  async request(method: string, params: RpcParams = []): Promise<unknown> {
    return await this.#handle({ jsonrpc: '2.0', id: 0, method, params })
  }

  /**
   * Runs requests in order with nothing in between, up to the first that fails.
   * @returns the results
   * @throws {RpcError} the first failure; what ran before it has been done
   */
  async sequence(calls: readonly RpcCall[]): Promise<unknown[]> {
    const requests = calls.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
    return (await this.#handle(requests)) as unknown[]
  }

  /**
   * Mines one signed transaction into a block of its own, with that block's time.
   * @param raw the signed transaction in hex
   * @param timestamp seconds; at least the latest block's
   * @throws {RpcError} when the transaction is not valid; the chain is then as it was
   */
  async mine(raw: string, timestamp: number): Promise<MinedTransaction> {
    const [, hash, block] = await this.sequence([
      { method: 'evm_setNextBlockTimestamp', params: [timestamp] },
      { method: 'eth_sendRawTransaction', params: [raw] },
      { method: 'eth_getBlockByNumber', params: ['latest', false] },
    ])
    return { hash: hash as string, block: blockHeader(block) }
  }

  /** @returns a block's header; undefined when there is none with this number */
  async block(number: number | 'latest'): Promise<BlockHeader | undefined> {
    const tag = number === 'latest' ? number : `0x${number.toString(16)}`
    const block = await this.request('eth_getBlockByNumber', [tag, false])
    return block === null ? undefined : blockHeader(block)
  }

  async #handle(request: unknown): Promise<unknown> {
    const { data } = await this.#provider.handleRequest(JSON.stringify(request))
    const answer = (typeof data === 'string' ? JSON.parse(data) : data) as EdrAnswer
    if (answer.error !== undefined) throw rpcError(answer.error)
    return answer.result
  }
}

interface EdrAnswer {
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}

function blockHeader(block: unknown): BlockHeader {
  const { number, hash, timestamp } = block as { number: string; hash: string; timestamp: string }
  return { number: Number(number), hash, timestamp: Number(timestamp) }
}

/**
 * Puts a failed call into the form other Ethereum nodes give it, which clients know how to decode, and keeps EDR's
 * echo of the request out of everything else.
 */
function rpcError({ code, message, data }: { code: number; message: string; data?: unknown }): RpcError {
  if (typeof data !== 'object' || data === null || !('data' in data)) return new RpcError(code, message)
  const reverted = /revert/i.test(message)
  return new RpcError(RPC_CODES.reverted, reverted ? 'execution reverted' : message, data.data)
}
