import { Interface, type LogDescription } from 'ethers/abi'
import { JsonRpcProvider, Network, type TransactionReceipt } from 'ethers/providers'
import { FetchRequest } from 'ethers/utils'
import type { Address, Bytes32, ChannelId, NodeKey } from '../../protocol/ids.ts'
import { type MinimumStakes, ROLES, type Role, roleBits, rolesIn } from '../../protocol/roles.ts'
import { auditAnchorAbi } from './abi/audit-anchor.ts'
import { courtAbi } from './abi/court.ts'
import { courtParametersAbi } from './abi/court-parameters.ts'
import { creditTokenAbi } from './abi/credit-token.ts'
import { juryAbi } from './abi/jury.ts'
import { nodeRegistryAbi } from './abi/node-registry.ts'
import { settlementAbi } from './abi/settlement.ts'
import { stakingAbi } from './abi/staking.ts'
import { type ContractAddresses, type KnownDeployment, parseDeployment } from './addresses.ts'
import type { ContractKey } from './contracts.ts'
import { ChainError } from './errors.ts'

export const contractInterfaces = {
  creditToken: new Interface(creditTokenAbi),
  staking: new Interface(stakingAbi),
  nodeRegistry: new Interface(nodeRegistryAbi),
  settlement: new Interface(settlementAbi),
  auditAnchor: new Interface(auditAnchorAbi),
  court: new Interface(courtAbi),
  courtParameters: new Interface(courtParametersAbi),
  /** Made by the court, which says where it is. */
  jury: new Interface(juryAbi),
} as const satisfies Partial<Record<ContractKey | 'jury', Interface>>

/** The contracts a node talks to. */
export type ContractName = keyof typeof contractInterfaces

/** A channel as Settlement holds it; null where it holds none. Amounts in base units. */
export interface OnChainChannel {
  channelId: ChannelId
  payer: Address
  payee: Address
  signer: Address
  deposit: bigint
  claimed: bigint
  expiresAtMs: number
  /** When a started close may be finished; null while none is started. */
  closesAtMs: number | null
  status: 'open' | 'closing' | 'closed'
}

export interface WalletBalances {
  /** Wei, for gas. */
  gas: bigint
  /** Credits in the wallet, base units. */
  credits: bigint
  /** Credits held by Settlement for the wallet: earned or refunded, free to withdraw or to lock again. */
  settlementCredits: bigint
  stake: bigint
}

/** A wallet's stake, as Staking and NodeRegistry hold it. Amounts in base units. */
export interface OnChainStake {
  /** At stake, without what is unbonding. */
  staked: bigint
  /** As declared. */
  roles: Role[]
  /** Whether the stake is enough for all the roles; without any, false. */
  active: boolean
  minimums: MinimumStakes
  unbonding: bigint
  /** Null while nothing is unbonding. */
  withdrawableAtMs: number | null
  unbondingDelayMs: number
  /** Of all that is staked or unbonding. */
  locked: bigint
  bounty: bigint
  /** Lost to the court, ever. */
  slashed: bigint
  level: VerificationLevel
  /** Staking takes nothing in until then; may have passed. */
  depositsPausedUntilMs: number
}

/** What the chain says of a wallet, as it has been read. */
export interface OnChainStanding {
  /** Base units at stake, without what is unbonding. */
  stake: bigint
  /** The node key it declares; null when it declares none. */
  nodeKey: NodeKey | null
  level: VerificationLevel
  /** As declared. */
  roles: Role[]
}

/** What an attester said of a wallet. */
export interface Certification {
  attester: Address
  expiresAtMs: number
}

/** What names a block, and when it was made. */
export interface ChainBlock {
  number: number
  hash: Bytes32
  timeMs: number
}

/** NodeRegistry's kind of attestation for what a node runs on. */
const CERTIFIED = 2

const VERIFICATION_LEVELS = ['anonymous', 'verified', 'attested'] as const
export type VerificationLevel = (typeof VERIFICATION_LEVELS)[number]

/** All that names an anchor. */
export interface AnchorRef {
  /** Which of the node's anchors. */
  index: number
  root: string
  firstSequence: number
  lastSequence: number
  /** Seconds since the Unix epoch. */
  anchoredAt: number
}

export interface ChainClientOptions {
  rpcUrl: string
  /** Refuse any other chain. */
  expectedChainId: number | null
  /** Where the contracts are; null asks the chain, which embedded ones answer. */
  deployment: KnownDeployment | null
}

const REQUEST_TIMEOUT_MS = 15_000
const CHANNEL_STATUS = ['none', 'open', 'closing', 'closed'] as const

function anchorRef({ index, root, firstSequence, lastSequence, anchoredAt }: AnchorRef) {
  return [index, [root, firstSequence, lastSequence], anchoredAt]
}

/** Reads an EVM chain and Shoal's contracts on it. Writing is the publisher's. */
export class ChainClient {
  readonly provider: JsonRpcProvider
  readonly deployment: KnownDeployment
  #jury: Address | null = null

  private constructor(provider: JsonRpcProvider, deployment: KnownDeployment) {
    this.provider = provider
    this.deployment = deployment
  }

  /**
   * Connects and makes sure that it is the right chain with our contracts on it.
   * @throws {ChainError} CHAIN_UNREACHABLE, CHAIN_ID_MISMATCH, CONTRACTS_UNKNOWN, CONTRACTS_NOT_DEPLOYED
   */
  static async connect(options: ChainClientOptions): Promise<ChainClient> {
    const chainId = Number(await rawRequest(options.rpcUrl, 'eth_chainId'))
    const expected = options.expectedChainId ?? options.deployment?.chainId ?? chainId
    if (chainId !== expected) {
      throw new ChainError(
        'CHAIN_ID_MISMATCH',
        `the chain at ${options.rpcUrl} is ${chainId}, not ${expected}`,
        {
          fix: 'Point --rpc to the right chain, or correct chain.id or the contracts file.',
          details: { expected, actual: chainId },
        },
      )
    }
    const deployment = options.deployment ?? (await askDeployment(options.rpcUrl, chainId))
    const network = Network.from(chainId)
    const request = new FetchRequest(options.rpcUrl)
    request.timeout = REQUEST_TIMEOUT_MS
    const provider = new JsonRpcProvider(request, network, {
      staticNetwork: network,
      batchMaxCount: 20,
      cacheTimeout: -1,
    })
    const client = new ChainClient(provider, deployment)
    try {
      await client.#checkContracts()
    } catch (error) {
      provider.destroy()
      throw error
    }
    return client
  }

  get chainId(): number {
    return this.deployment.chainId
  }

  get addresses(): ContractAddresses {
    return this.deployment.addresses
  }

  /** Where a contract is. @throws {ChainError} CHAIN_UNREACHABLE */
  async addressOf(contract: ContractName): Promise<Address> {
    if (contract !== 'jury') return this.addresses[contract]
    this.#jury ??= String((await this.read('court', 'jury', []))[0]).toLowerCase()
    return this.#jury
  }

  /** Idempotent. */
  stop(): void {
    this.provider.destroy()
  }

  /** @throws {ChainError} CHAIN_UNREACHABLE */
  async blockNumber(): Promise<number> {
    return this.#reach(() => this.provider.getBlockNumber())
  }

  /** Null where there is no such block. @throws {ChainError} CHAIN_UNREACHABLE */
  async block(number: number): Promise<ChainBlock | null> {
    const found = (await this.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as {
      hash: string
      timestamp: string
    } | null
    if (found === null) return null
    return { number, hash: found.hash, timeMs: Number(found.timestamp) * 1_000 }
  }

  async channel(channelId: ChannelId): Promise<OnChainChannel | null> {
    const [[raw], [status]] = await Promise.all([
      this.read('settlement', 'channelOf', [channelId]),
      this.read('settlement', 'statusOf', [channelId]),
    ])
    const state = CHANNEL_STATUS[Number(status)]
    if (state === undefined || state === 'none') return null
    const channel = raw as {
      payer: string
      payee: string
      signer: string
      deposit: bigint
      claimed: bigint
      expiresAt: bigint
      closesAt: bigint
    }
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

  async balances(wallet: Address): Promise<WalletBalances> {
    const [gas, [credits], [settlementCredits], [stake]] = await Promise.all([
      this.#reach(() => this.provider.getBalance(wallet)),
      this.read('creditToken', 'balanceOf', [wallet]),
      this.read('settlement', 'balanceOf', [wallet]),
      this.read('staking', 'stakeOf', [wallet]),
    ])
    return {
      gas,
      credits: credits as bigint,
      settlementCredits: settlementCredits as bigint,
      stake: stake as bigint,
    }
  }

  async stake(wallet: Address): Promise<OnChainStake> {
    const [
      [staked],
      [roles],
      [active],
      [minimums],
      [unbonding, withdrawableAt],
      [unbondingDelay],
      [locked],
      [bounty],
      [slashed],
      [level],
      [pausedUntil],
    ] = await Promise.all([
      this.read('staking', 'stakeOf', [wallet]),
      this.read('staking', 'rolesOf', [wallet]),
      this.read('staking', 'isActive', [wallet, roleBits(ROLES)]),
      this.read('staking', 'minimumStakes', []),
      this.read('staking', 'unbondingOf', [wallet]),
      this.read('staking', 'unbondingDelay', []),
      this.read('staking', 'lockedOf', [wallet]),
      this.read('staking', 'bountyOf', [wallet]),
      this.read('staking', 'slashedTotalOf', [wallet]),
      this.read('nodeRegistry', 'levelOf', [wallet]),
      this.read('staking', 'depositsPausedUntil', []),
    ])
    const { validator, provider, orchestrator } = minimums as MinimumStakes
    return {
      staked: staked as bigint,
      roles: rolesIn(Number(roles)),
      active: active as boolean,
      minimums: { validator, provider, orchestrator },
      unbonding: unbonding as bigint,
      withdrawableAtMs: withdrawableAt === 0n ? null : Number(withdrawableAt) * 1_000,
      unbondingDelayMs: Number(unbondingDelay) * 1_000,
      locked: locked as bigint,
      bounty: bounty as bigint,
      slashed: slashed as bigint,
      level: VERIFICATION_LEVELS[Number(level)] ?? 'anonymous',
      depositsPausedUntilMs: Number(pausedUntil) * 1_000,
    }
  }

  /** What a wallet has to show: the little of it that decides about doing business with it. */
  async standing(wallet: Address): Promise<OnChainStanding> {
    const [[stake], nodeKey, [level], [roles]] = await Promise.all([
      this.read('staking', 'stakeOf', [wallet]),
      this.nodeKeyOf(wallet),
      this.read('nodeRegistry', 'levelOf', [wallet]),
      this.read('staking', 'rolesOf', [wallet]),
    ])
    return {
      stake: stake as bigint,
      nodeKey,
      level: VERIFICATION_LEVELS[Number(level)] ?? 'anonymous',
      roles: rolesIn(Number(roles)),
    }
  }

  /** How much Staking says, by an event of a transaction, that it moved for the wallet; 0 without such an event. */
  async stakeMoved(
    wallet: Address,
    event: 'UnbondingCancelled' | 'UnbondedWithdrawn' | 'BountyWithdrawn',
    transaction: Bytes32,
  ): Promise<bigint> {
    const told = await this.eventOf('staking', transaction, ({ name, args }) => {
      return name === event && (args[0] as string).toLowerCase() === wallet
    })
    return (told?.args.amount as bigint | undefined) ?? 0n
  }

  /** The node key a wallet has declared; null when it has none. */
  async nodeKeyOf(wallet: Address): Promise<NodeKey | null> {
    const [key] = await this.read('nodeRegistry', 'nodeKeyOf', [wallet])
    const hex = (key as string).slice(2).toLowerCase()
    return /^0+$/.test(hex) ? null : hex
  }

  /** Who vouches for a wallet as CERTIFIED, while that counts; null when nobody does. */
  async certification(wallet: Address): Promise<Certification | null> {
    const [attestation, counts] = await this.read('nodeRegistry', 'attestationOf', [wallet, CERTIFIED])
    const { attester, expiresAt } = attestation as { attester: string; expiresAt: bigint }
    return counts === true
      ? { attester: attester.toLowerCase(), expiresAtMs: Number(expiresAt) * 1_000 }
      : null
  }

  /** How often the wallet has changed its binding or given a key up. */
  async bindingNonce(wallet: Address): Promise<bigint> {
    const [nonce] = await this.read('nodeRegistry', 'nonces', [wallet])
    return nonce as bigint
  }

  /** The sequence the wallet's next anchor must begin with. */
  async nextAnchorSequence(wallet: Address): Promise<number> {
    const [sequence] = await this.read('auditAnchor', 'nextSequence', [wallet])
    return Number(sequence)
  }

  /**
   * When a root was anchored, by the event of the transaction that did it, in seconds since the Unix epoch; null when
   * the transaction has no such event. `isAnchored` says whether it is so.
   */
  async anchoredAt(
    wallet: Address,
    { index, transaction }: { index: number; transaction: Bytes32 },
  ): Promise<number | null> {
    const anchored = await this.eventOf('auditAnchor', transaction, ({ name, args }) => {
      if (name !== 'Anchored') return false
      return (args.node as string).toLowerCase() === wallet && args.index === BigInt(index)
    })
    return anchored === null ? null : Number(anchored.args.anchoredAt)
  }

  /** Asks the contract whether a wallet has anchored exactly this. */
  async isAnchored(wallet: Address, anchor: AnchorRef): Promise<boolean> {
    const [anchored] = await this.read('auditAnchor', 'isAnchored', [wallet, anchorRef(anchor)])
    return anchored as boolean
  }

  /** Asks the contract whether an event is in an anchored range. */
  async verifyInclusion(
    wallet: Address,
    proof: Omit<AnchorRef, 'anchoredAt'> & {
      anchoredAt: number | null
      sequence: number
      eventHash: string
      claim: Bytes32
      proof: readonly string[]
    },
  ): Promise<boolean> {
    const { anchoredAt, sequence, eventHash, claim } = proof
    if (anchoredAt === null) return false
    const [included] = await this.read('auditAnchor', 'verify', [
      wallet,
      anchorRef({ ...proof, anchoredAt }),
      [sequence, eventHash, claim],
      [...proof.proof],
    ])
    return included as boolean
  }

  /** For the next ERC-2612 permit of the wallet. */
  async permitNonce(wallet: Address): Promise<bigint> {
    const [nonce] = await this.read('creditToken', 'nonces', [wallet])
    return nonce as bigint
  }

  /** Credits Settlement may pull from the wallet. */
  async settlementAllowance(wallet: Address): Promise<bigint> {
    const [allowance] = await this.read('creditToken', 'allowance', [wallet, this.addresses.settlement])
    return allowance as bigint
  }

  /** How long a close takes that the payee has not agreed to, ms. */
  async closeDelayMs(): Promise<number> {
    const [delay] = await this.read('settlement', 'closeDelay', [])
    return Number(delay) * 1_000
  }

  async receipt(hash: Bytes32): Promise<TransactionReceipt | null> {
    return this.#reach(() => this.provider.getTransactionReceipt(hash))
  }

  /** Sends any request. @throws {ChainError} CHAIN_UNREACHABLE, TRANSACTION_REJECTED with the chain's words */
  async request(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#reach(() => this.provider.send(method, [...params]))
  }

  /** Calls a view; what it returns, in order. @throws {ChainError} CHAIN_UNREACHABLE, TRANSACTION_REJECTED */
  async read(contract: ContractName, method: string, args: readonly unknown[]): Promise<readonly unknown[]> {
    const abi = contractInterfaces[contract]
    const to = await this.addressOf(contract)
    const data = abi.encodeFunctionData(method, args)
    const result = await this.#reach(() => this.provider.call({ to, data }))
    return abi.decodeFunctionResult(method, result)
  }

  /** The first event of a contract in a transaction that is the one looked for; null without one. */
  async eventOf(
    contract: ContractName,
    transaction: Bytes32,
    isIt: (event: LogDescription) => boolean,
  ): Promise<LogDescription | null> {
    const [receipt, address] = await Promise.all([this.receipt(transaction), this.addressOf(contract)])
    for (const log of receipt?.logs ?? []) {
      if (log.address.toLowerCase() !== address) continue
      const event = contractInterfaces[contract].parseLog(log)
      if (event !== null && isIt(event)) return event
    }
    return null
  }

  async #checkContracts(): Promise<void> {
    const names = (Object.keys(contractInterfaces) as ContractName[]).filter(name => name !== 'jury')
    const entries = names.map(name => [name, this.addresses[name]] as const)
    const codes = await Promise.all(
      entries.map(([, address]) => this.#reach(() => this.provider.getCode(address))),
    )
    const missing = entries.flatMap(([name], i) => (codes[i] === '0x' ? [name] : []))
    const wrong = missing.length > 0 ? null : await this.#foreignContract()
    if (missing.length === 0 && wrong === null) return
    const which = missing.length > 0 ? missing.join(', ') : wrong
    throw new ChainError(
      'CONTRACTS_NOT_DEPLOYED',
      `Shoal's contracts are not on chain ${this.chainId}: ${which}`,
      {
        fix: 'Check the addresses in the contracts file, or deploy them there: shoal contracts deploy --help',
        details: { chainId: this.chainId, contracts: missing },
      },
    )
  }

  /** Addresses that hold code may still be somebody else's: ours know one another. */
  async #foreignContract(): Promise<string | null> {
    for (const name of ['settlement', 'staking'] as const) {
      try {
        const [token] = await this.read(name, 'creditToken', [])
        if ((token as string).toLowerCase() !== this.addresses.creditToken)
          return `${name} uses another token`
      } catch (error) {
        if (error instanceof ChainError && error.code === 'CHAIN_UNREACHABLE') throw error
        return `${name} is another contract`
      }
    }
    return null
  }

  async #reach<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (cause) {
      throw isRefusal(cause) ? rejected(cause) : unreachable(cause)
    }
  }
}

function isRefusal(error: unknown): boolean {
  const { code, error: inner } = error as { code?: string; error?: { code?: number } }
  return (
    code === 'CALL_EXCEPTION' ||
    code === 'INSUFFICIENT_FUNDS' ||
    code === 'NONCE_EXPIRED' ||
    typeof inner?.code === 'number'
  )
}

function rejected(cause: unknown): ChainError {
  const { shortMessage, message } = cause as { shortMessage?: string; message?: string }
  return new ChainError(
    'TRANSACTION_REJECTED',
    `the chain refused: ${shortMessage ?? message ?? 'no reason given'}`,
    { cause },
  )
}

function unreachable(cause: unknown, rpcUrl?: string): ChainError {
  return new ChainError(
    'CHAIN_UNREACHABLE',
    `the chain${rpcUrl === undefined ? '' : ` at ${rpcUrl}`} does not answer`,
    {
      fix: 'Check --rpc and your connection; what needs no chain goes on meanwhile.',
      cause,
    },
  )
}

async function rawRequest(rpcUrl: string, method: string): Promise<unknown> {
  let body: { result?: unknown; error?: unknown }
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    body = (await response.json()) as typeof body
  } catch (cause) {
    throw unreachable(cause, rpcUrl)
  }
  return body.result
}

/** Asks an embedded chain where the contracts are. @throws {ChainError} CHAIN_UNREACHABLE, CONTRACTS_UNKNOWN */
export async function askDeployment(rpcUrl: string, chainId: number): Promise<KnownDeployment> {
  const deployment = parseDeployment(await rawRequest(rpcUrl, 'shoal_deployment'))
  if (deployment !== null) return deployment
  throw new ChainError('CONTRACTS_UNKNOWN', `where Shoal's contracts are on chain ${chainId} is not known`, {
    fix: 'Name a file with their addresses: --contracts FILE. To deploy them there: shoal contracts deploy --help',
    details: { chainId },
  })
}
