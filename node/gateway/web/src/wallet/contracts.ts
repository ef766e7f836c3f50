import { Interface, type InterfaceAbi } from 'ethers/abi'
import type { Address, Bytes32, ChannelId, NodeKey } from '../../../../../protocol/ids.ts'
import { auditAnchorAbi } from '../../../../chain/abi/audit-anchor.ts'
import { creditTokenAbi } from '../../../../chain/abi/credit-token.ts'
import { nodeRegistryAbi } from '../../../../chain/abi/node-registry.ts'
import { settlementAbi } from '../../../../chain/abi/settlement.ts'
import type { PageDeployment } from './deployment.ts'
import type { RpcRequest } from './eip1193.ts'
import { WalletPageError } from './errors.ts'

const contractInterfaces = {
  creditToken: new Interface(creditTokenAbi as InterfaceAbi),
  settlement: new Interface(settlementAbi as InterfaceAbi),
  auditAnchor: new Interface(auditAnchorAbi as InterfaceAbi),
  nodeRegistry: new Interface(nodeRegistryAbi as InterfaceAbi),
}

export type PageContract = keyof typeof contractInterfaces

/** A channel as Settlement holds it. Amounts in base units. */
export interface ChainChannel {
  channelId: ChannelId
  payer: Address
  payee: Address
  signer: Address
  deposit: bigint
  claimed: bigint
  expiresAtMs: number
  closesAtMs: number | null
  status: 'open' | 'closing' | 'closed'
}

export interface PersonBalances {
  /** Wei, for gas. */
  gas: bigint
  /** Credits in the wallet, base units. */
  credits: bigint
  /** Credits in Settlement: given back or earned, free to withdraw. */
  settlementCredits: bigint
}

/** All that names an anchor. */
export interface AnchorRef {
  index: number
  root: Bytes32
  firstSequence: number
  lastSequence: number
  /** Seconds since the Unix epoch. */
  anchoredAt: number
}

/** A transaction for a wallet to send. */
export interface CallRequest {
  to: Address
  data: string
}

const STATUS = ['none', 'open', 'closing', 'closed'] as const
/** Blocks asked for at once: public endpoints refuse more than a few thousand. */
const LOG_SPAN_BLOCKS = 5_000
/** How many such spans are read for one person at most; older channels are named by the node, and checked. */
const MAX_LOG_SPANS = 40
const MAX_CHANNELS = 500

/** Reads Shoal's contracts by the wallet's own provider or an RPC endpoint; asks no Shoal node. */
export class ShoalContracts {
  readonly deployment: PageDeployment
  readonly #rpc: RpcRequest

  constructor(deployment: PageDeployment, rpc: RpcRequest) {
    this.deployment = deployment
    this.#rpc = rpc
  }

  /**
   * Makes sure that this is the chain, that the contracts are there, and that Settlement holds this token.
   * @throws {WalletPageError} WRONG_CHAIN, NOT_OUR_CONTRACTS, CHAIN_UNREACHABLE
   */
  async check(): Promise<void> {
    const { chainId, settlement, creditToken } = this.deployment
    const actual = Number(await this.#rpc('eth_chainId', []))
    if (actual !== chainId) {
      throw new WalletPageError('WRONG_CHAIN', `this is chain ${actual}, not ${chainId}`, {
        fix: 'Switch the chain, or give the RPC address of the right one.',
        details: { expected: chainId, actual },
      })
    }
    const code = await this.#rpc('eth_getCode', [settlement, 'latest'])
    const held = code === '0x' ? null : String((await this.#read('settlement', 'creditToken', []))[0])
    if (held?.toLowerCase() !== creditToken) {
      throw new WalletPageError(
        'NOT_OUR_CONTRACTS',
        'there is no Settlement of these credits at the address the node names',
        {
          fix: 'Do not pay. Ask whoever runs the node which contracts it uses.',
          details: { settlement, creditToken },
        },
      )
    }
  }

  async balances(account: Address): Promise<PersonBalances> {
    const [gas, [credits], [settlementCredits]] = await Promise.all([
      this.#rpc('eth_getBalance', [account, 'latest']),
      this.#read('creditToken', 'balanceOf', [account]),
      this.#read('settlement', 'balanceOf', [account]),
    ])
    return {
      gas: BigInt(gas as string),
      credits: credits as bigint,
      settlementCredits: settlementCredits as bigint,
    }
  }

  /** Null where there is none. */
  async channel(channelId: ChannelId): Promise<ChainChannel | null> {
    const [[raw], [status]] = await Promise.all([
      this.#read('settlement', 'channelOf', [channelId]),
      this.#read('settlement', 'statusOf', [channelId]),
    ])
    const state = STATUS[Number(status)]
    if (state === undefined || state === 'none') return null
    const channel = raw as Record<'payer' | 'payee' | 'signer', string> &
      Record<'deposit' | 'claimed' | 'expiresAt' | 'closesAt', bigint>
    return {
      channelId,
      payer: channel.payer.toLowerCase(),
      payee: channel.payee.toLowerCase(),
      signer: channel.signer.toLowerCase(),
      deposit: channel.deposit,
      claimed: channel.claimed,
      expiresAtMs: Number(channel.expiresAt) * 1_000,
      closesAtMs: channel.closesAt === 0n ? null : Number(channel.closesAt) * 1_000,
      status: state,
    }
  }

  /**
   * Every channel an account has ever opened, by the chain's events: also those this browser and the node know nothing
   * of. Looks back from the latest block, as far as is reasonable.
   */
  async channelsOf(payer: Address): Promise<{ channels: ChainChannel[]; isComplete: boolean }> {
    const event = contractInterfaces.settlement.getEvent('ChannelOpened')!
    const topics = [event.topicHash, null, `0x${payer.slice(2).padStart(64, '0')}`]
    const latest = Number(await this.#rpc('eth_blockNumber', []))
    const ids: ChannelId[] = []
    let to = latest
    let spans = 0
    const { deploymentBlock, settlement } = this.deployment
    while (to >= deploymentBlock && spans++ < MAX_LOG_SPANS && ids.length < MAX_CHANNELS) {
      const from = Math.max(deploymentBlock, to - LOG_SPAN_BLOCKS + 1)
      const logs = (await this.#rpc('eth_getLogs', [
        { address: settlement, topics, fromBlock: hex(from), toBlock: hex(to) },
      ])) as { topics: string[] }[]
      ids.push(...logs.toReversed().map(log => log.topics[1]!.toLowerCase()))
      to = from - 1
    }
    const found = await Promise.all(ids.slice(0, MAX_CHANNELS).map(id => this.channel(id)))
    return { channels: found.filter(channel => channel !== null), isComplete: to < deploymentBlock }
  }

  /** Seconds a payee can claim after its payer announced the close. */
  async closeDelaySeconds(): Promise<number> {
    return Number((await this.#read('settlement', 'closeDelay', []))[0])
  }

  /** Whether a wallet has anchored exactly this. */
  async isAnchored(wallet: Address, { index, root, firstSequence, lastSequence, anchoredAt }: AnchorRef) {
    const ref = [index, [root, firstSequence, lastSequence], anchoredAt]
    return (await this.#read('auditAnchor', 'isAnchored', [wallet, ref]))[0] === true
  }

  /** The node key a wallet declares on chain; null when it declares none. */
  async nodeKeyOf(wallet: Address): Promise<NodeKey | null> {
    const [key] = await this.#read('nodeRegistry', 'nodeKeyOf', [wallet])
    const text = (key as string).slice(2).toLowerCase()
    return /^0+$/.test(text) ? null : text
  }

  /** The chain's time: of the latest block or now, whichever is later, ms. */
  async nowMs(clockMs: number): Promise<number> {
    const block = (await this.#rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: string }
    return Math.max(Number(block.timestamp) * 1_000, clockMs)
  }

  /** What a wallet has to send for a call of a contract. */
  call(contract: 'settlement' | 'creditToken', method: string, args: readonly unknown[]): CallRequest {
    return {
      to: this.deployment[contract],
      data: contractInterfaces[contract].encodeFunctionData(method, args),
    }
  }

  async #read(contract: PageContract, method: string, args: readonly unknown[]) {
    const abi = contractInterfaces[contract]
    const data = abi.encodeFunctionData(method, args)
    const result = await this.#rpc('eth_call', [{ to: this.deployment[contract], data }, 'latest'])
    try {
      return abi.decodeFunctionResult(method, result as string)
    } catch (cause) {
      throw new WalletPageError(
        'NOT_OUR_CONTRACTS',
        `what is at ${this.deployment[contract]} is no ${contract}`,
        {
          fix: 'Check the chain and the contracts the node names.',
          cause,
        },
      )
    }
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}
