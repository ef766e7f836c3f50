import {
  type ErrorDescription,
  type FunctionFragment,
  getAddress,
  Interface,
  type InterfaceAbi,
  type Log,
  type LogDescription,
  toBeHex,
  Wallet,
} from 'ethers'
import { auditAnchorAbi } from '../../node/chain/abi/audit-anchor.ts'
import { auditAnchorBytecode } from '../../node/chain/abi/bytecode/audit-anchor.ts'
import { creditTokenBytecode } from '../../node/chain/abi/bytecode/credit-token.ts'
import { nodeRegistryBytecode } from '../../node/chain/abi/bytecode/node-registry.ts'
import { settlementBytecode } from '../../node/chain/abi/bytecode/settlement.ts'
import { stakingBytecode } from '../../node/chain/abi/bytecode/staking.ts'
import { creditTokenAbi } from '../../node/chain/abi/credit-token.ts'
import { juryAbi } from '../../node/chain/abi/jury.ts'
import { nodeRegistryAbi } from '../../node/chain/abi/node-registry.ts'
import { settlementAbi } from '../../node/chain/abi/settlement.ts'
import { stakingAbi } from '../../node/chain/abi/staking.ts'
import { timelockAbi } from '../../node/chain/abi/timelock.ts'
import { Evm } from '../../node/chain/embedded/evm.ts'
import { RpcError } from '../../node/chain/embedded/json-rpc.ts'
import { evmRuntime } from '../helpers/evm-runtime.ts'

/** A contract's own error, decoded. */
export class Revert extends Error {
  override readonly name = 'Revert'
  readonly error: string
  readonly args: readonly unknown[]

  constructor(error: string, args: readonly unknown[]) {
    super(`${error}(${args.map(String).join(', ')})`)
    this.error = error
    this.args = args
  }
}

interface Receipt {
  gasUsed: bigint
  /** Events of the called contract, decoded. */
  events: LogDescription[]
  /** What all contracts wrote; `TestContract.eventsIn` decodes one's. */
  logs: readonly Log[]
  blockNumber: number
}

/** What a function returns: its one value, or all of them by name and place. */
type Returned = unknown

export const CREDIT = 10n ** 18n
export const HOUR = 3_600
export const DAY = 24 * HOUR

const START = 1_800_000_000
const GAS_LIMIT = 16_000_000n

/** An EVM of its own whose time stands still until it is moved. */
export class TestChain {
  readonly #evm: Evm
  readonly chainId: number
  now = START

  private constructor(evm: Evm, chainId: number) {
    this.#evm = evm
    this.chainId = chainId
  }

  static async create(chainId = 31337): Promise<TestChain> {
    const evm = await Evm.create(
      {
        chainId,
        hardfork: 'osaka',
        timestamp: START,
        blockGasLimit: 60_000_000n,
        baseFeePerGas: 1n,
        balances: wallets.map(({ address }) => ({ address, balance: 10n ** 24n })),
      },
      { runtime: await evmRuntime() },
    )
    return new TestChain(evm, chainId)
  }

  async deploy(from: Wallet, abi: InterfaceAbi, bytecode: string, args: readonly unknown[]) {
    const contract = new Interface(abi)
    const data = bytecode + contract.encodeDeploy(args).slice(2)
    const { receipt } = await this.#transact(from, contract, { data })
    return new TestContract(this, getAddress(receipt.contractAddress as string), contract)
  }

  async call(
    from: Wallet | undefined,
    contract: TestContract,
    name: string,
    args: readonly unknown[],
  ): Promise<Returned> {
    const fragment = contract.abi.getFunction(name)!
    const data = contract.abi.encodeFunctionData(fragment, args)
    const request = { to: contract.address, data, ...(from === undefined ? {} : { from: from.address }) }
    return decoded(contract.abi, fragment, await this.#try(contract.abi, request))
  }

  /** @returns the receipt, and what the function would have returned to a contract */
  async send(from: Wallet, contract: TestContract, name: string, args: readonly unknown[]) {
    const fragment = contract.abi.getFunction(name)!
    const data = contract.abi.encodeFunctionData(fragment, args)
    const { receipt, returned } = await this.#transact(from, contract.abi, { to: contract.address, data })
    const logs = receipt.logs as Log[]
    const result: Receipt = {
      gasUsed: BigInt(receipt.gasUsed as string),
      events: contract.eventsIn({ logs }),
      logs,
      blockNumber: Number(receipt.blockNumber),
    }
    return { ...result, returned: decoded(contract.abi, fragment, returned) }
  }

  /** Sends any request, as over JSON-RPC. */
  request(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#evm.request(method, [...params])
  }

  /** Mines empty blocks, all at the present time. */
  async mineBlocks(count: number): Promise<void> {
    await this.#evm.sequence([
      { method: 'evm_setNextBlockTimestamp', params: [this.now] },
      { method: 'hardhat_mine', params: [toBeHex(count).replace(/^0x0+(?=.)/, '0x'), '0x0'] },
    ])
  }

  /** Remembers the chain as it is. @returns brings it back, as often as it is called */
  async snapshot(): Promise<() => Promise<void>> {
    const { now } = this
    let id = await this.#evm.request('evm_snapshot')
    return async () => {
      await this.#evm.request('evm_revert', [id as string])
      id = await this.#evm.request('evm_snapshot')
      this.now = now
    }
  }

  async #transact(from: Wallet, abi: Interface, request: { to?: string; data: string }) {
    const returned = await this.#try(abi, { ...request, from: from.address })
    const nonce = Number(await this.#evm.request('eth_getTransactionCount', [from.address, 'latest']))
    const raw = await from.signTransaction({
      ...request,
      type: 2,
      chainId: this.chainId,
      nonce,
      gasLimit: GAS_LIMIT,
      maxFeePerGas: 100n,
      maxPriorityFeePerGas: 0n,
    })
    const { hash } = await this.#evm.mine(raw, this.now)
    const receipt = (await this.#evm.request('eth_getTransactionReceipt', [hash])) as Record<string, unknown>
    if (receipt.status !== '0x1') throw new Error('the call passed and the transaction did not')
    return { receipt, returned }
  }

  async #try(abi: Interface, request: object): Promise<string> {
    try {
      const [, result] = await this.#evm.sequence([
        { method: 'evm_setNextBlockTimestamp', params: [this.now] },
        { method: 'eth_call', params: [{ ...request, gas: toBeHex(GAS_LIMIT) }, 'pending'] },
      ])
      return result as string
    } catch (error) {
      if (!(error instanceof RpcError) || typeof error.data !== 'string') throw error
      const known: ErrorDescription | null =
        [abi, ...foreign]
          .map(known => known.parseError(error.data as string))
          .find(found => found !== null) ?? null
      if (known === null) throw new Revert('unknown', [error.data])
      throw new Revert(known.name, [...known.args])
    }
  }
}

/** A deployed contract with its interface. */
export class TestContract {
  readonly address: string
  readonly abi: Interface
  readonly #chain: TestChain

  constructor(chain: TestChain, address: string, abi: Interface) {
    this.#chain = chain
    this.address = address
    this.abi = abi
  }

  /** Calls a view. */
  async view<Result = bigint>(name: string, ...args: readonly unknown[]): Promise<Result> {
    return (await this.#chain.call(undefined, this, name, args)) as Result
  }

  /** This contract's events among those of a transaction, decoded. */
  eventsIn({ logs }: { logs: readonly Log[] }): LogDescription[] {
    return logs
      .filter(log => log.address.toLowerCase() === this.address.toLowerCase())
      .map(log => this.abi.parseLog(log)!)
  }

  send(from: Wallet, name: string, ...args: readonly unknown[]) {
    return this.#chain.send(from, this, name, args)
  }
}

/** Accounts with gas money, the same in every run. */
export const wallets: readonly Wallet[] = Array.from(
  { length: 40 },
  (_, index) => new Wallet(toBeHex(0x5110a1n * 1_000n + BigInt(index) + 1n, 32)),
)
export const [deployer, alice, bob, carol, session, pauser] = wallets as [
  Wallet,
  Wallet,
  Wallet,
  Wallet,
  Wallet,
  Wallet,
]

export interface Shoal {
  chain: TestChain
  creditToken: TestContract
  staking: TestContract
  nodeRegistry: TestContract
  settlement: TestContract
  auditAnchor: TestContract
}

export const CLOSE_DELAY = 3_600
export const MIN_UNBONDING_DELAY = 24 * HOUR
export const UNBONDING_DELAY = 2 * DAY
export const MIN_HISTORY = 3_600
export const HISTORY = 30 * DAY
/** Of a validator, a provider, an orchestrator. */
export const MINIMUM_STAKES = [10_000n * CREDIT, 10_000n * CREDIT, 5_000n * CREDIT] as const
export const EPOCH_SUPPLY = 100_000n * CREDIT
export const GENESIS_SUPPLY = 1_000_000_000n * CREDIT

/** All contracts on a fresh chain, always at the same addresses; `deployer` has all credits. */
export async function deployShoal(chainId?: number): Promise<Shoal> {
  const chain = await TestChain.create(chainId)
  const creditToken = await chain.deploy(deployer, creditTokenAbi, creditTokenBytecode, [
    EPOCH_SUPPLY,
    deployer.address,
    GENESIS_SUPPLY,
  ])
  const staking = await chain.deploy(deployer, stakingAbi, stakingBytecode, [
    creditToken.address,
    deployer.address,
    pauser.address,
    MIN_UNBONDING_DELAY,
    UNBONDING_DELAY,
    MINIMUM_STAKES,
  ])
  // Third, as the vectors in test/vectors have its address.
  const settlement = await chain.deploy(deployer, settlementAbi, settlementBytecode, [
    creditToken.address,
    staking.address,
    pauser.address,
    CLOSE_DELAY,
  ])
  const nodeRegistry = await chain.deploy(deployer, nodeRegistryAbi, nodeRegistryBytecode, [
    staking.address,
    deployer.address,
    MIN_HISTORY,
    HISTORY,
  ])
  const auditAnchor = await chain.deploy(deployer, auditAnchorAbi, auditAnchorBytecode, [])
  return { chain, creditToken, staking, nodeRegistry, settlement, auditAnchor }
}

/** The errors of these come through the contracts that call them. */
const foreign = [creditTokenAbi, juryAbi, settlementAbi, stakingAbi, timelockAbi].map(
  abi => new Interface(abi),
)

function decoded(abi: Interface, fragment: FunctionFragment, data: string): Returned {
  const result = abi.decodeFunctionResult(fragment, data)
  return fragment.outputs.length === 1 ? result[0] : result
}
