import { Interface } from 'ethers/abi'
import { toQuantity } from 'ethers/utils'
import pLimit from 'p-limit'
import { z } from 'zod'
import { ShoalError } from '../../protocol/errors.ts'
import { ADDRESS_PATTERN, type Address, type Bytes32 } from '../../protocol/ids.ts'
import { creditTokenAbi } from './abi/credit-token.ts'
import { emissionAbi } from './abi/emission.ts'
import { settlementAbi } from './abi/settlement.ts'
import { stakingAbi } from './abi/staking.ts'
import type { ChainClient } from './client.ts'
import {
  type AcceptedRound,
  allocate,
  allocateProviders,
  type Distribution,
  distributionOf,
  EMISSION_POOLS,
  type EmissionPool,
  learnerWeights,
  type ProposedDistribution,
  type ProviderWork,
} from './emission-allocation.ts'
import { ChainError } from './errors.ts'

export type EmissionErrorCode =
  /** The epoch runs, or its end is not deep enough in the chain. */
  | 'EMISSION_EPOCH_NOT_OVER'
  /** The chain's node does not know the state at the end of the epoch any more. */
  | 'EMISSION_STATE_UNAVAILABLE'
  /** The list of accepted rounds is not what it should be. */
  | 'EMISSION_ROUNDS_INVALID'
  /** A file is no distribution, or not the one that is meant. */
  | 'EMISSION_FILE_INVALID'
  /** Nobody gets anything of the pool. */
  | 'EMISSION_NOTHING_TO_PROPOSE'
  /** A distribution stands already. */
  | 'EMISSION_ALREADY_PROPOSED'
  /** There is no proposal to dispute, or it is right, or it is too late. */
  | 'EMISSION_NOTHING_TO_DISPUTE'
  /** The claim is not there, is not open yet, or was made before. */
  | 'EMISSION_NOT_CLAIMABLE'
  /** Only active Validators propose and dispute. */
  | 'EMISSION_NOT_VALIDATOR'
  /** The account has fewer credits than the bond. */
  | 'EMISSION_BOND_MISSING'
  | 'EMISSION_GAS_MONEY_MISSING'
  /** No key was given and the chain has no unlocked account. */
  | 'EMISSION_NO_ACCOUNT'
  /** A transaction was sent and not mined in time. */
  | 'EMISSION_PENDING'
  /** The chain refused a transaction. */
  | 'EMISSION_REFUSED'

export class EmissionError extends ShoalError<EmissionErrorCode> {
  override readonly name = 'EmissionError'
}

export interface EmissionReaderOptions {
  addresses: { creditToken: Address; settlement: Address; staking: Address; emission: Address }
  /** First block that has one of the contracts. */
  deploymentBlock: number
  /** Blocks an epoch's last one must be deep, its own included. */
  confirmations: number
}

export interface EmissionReaderModules {
  client: Pick<ChainClient, 'request'>
  /** Called after each range of an epoch's blocks that was read. */
  onBlocks?: (read: number, total: number) => void
}

/** The blocks of an epoch. */
export interface EpochBlocks {
  firstBlock: number
  /** Less than `firstBlock` when the epoch has no block. */
  lastBlock: number
}

/** What has become of a distribution, in the order of `IEmission.Status`. */
export const DISTRIBUTION_STATUS = ['none', 'proposed', 'disputed', 'lapsed', 'final'] as const

export interface OnChainDistribution extends ProposedDistribution {
  id: Bytes32
  status: (typeof DISTRIBUTION_STATUS)[number]
  proposer: Address
  /** Base units. */
  claimed: bigint
  /** Of the proposer, and as much of who disputes; base units. */
  bond: bigint
  /** When it becomes final, or its dispute lapses. */
  deadlineMs: number
}

/** Blocks asked for at once; public RPCs allow a few thousand. */
const MAX_BLOCK_RANGE = 2_000
const MAX_CALLS_AT_ONCE = 20
const MAX_ROUNDS = 10_000
const MAX_LEARNERS_PER_ROUND = 10_000
const MAX_ROUND_CHARS = 200
/** Any kind of provider, as in Roles.sol. */
const PROVIDER_ROLES = 28n

const creditToken = new Interface(creditTokenAbi)
const emission = new Interface(emissionAbi)
const settlement = new Interface(settlementAbi)
const staking = new Interface(stakingAbi)

/** Events that pay somebody for work, and their arguments that add up to what was paid. */
const PAYMENTS: Readonly<Record<string, readonly string[]>> = {
  VoucherSettled: ['amount'],
  TicketRedeemed: ['fromDeposit', 'fromReserve'],
  ArrearsCollected: ['fromDeposit', 'fromReserve'],
}
const PAYMENT_TOPICS = Object.keys(PAYMENTS).map(name => settlement.getEvent(name)!.topicHash)

/**
 * Computes from the chain alone how the providers' pool of an epoch is to be distributed: everyone who reads the same
 * chain comes to the same root.
 */
export class EmissionReader {
  readonly #options: EmissionReaderOptions
  readonly #client: Pick<ChainClient, 'request'>
  readonly #onBlocks: (read: number, total: number) => void

  constructor(options: EmissionReaderOptions, { client, onBlocks = () => {} }: EmissionReaderModules) {
    this.#options = options
    this.#client = client
    this.#onBlocks = onBlocks
  }

  /**
   * The providers' distribution of an epoch: settled work of its blocks, stake and role as of its last one.
   * @returns null when nobody gets anything
   * @throws {EmissionError} EMISSION_EPOCH_NOT_OVER, EMISSION_STATE_UNAVAILABLE
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async providers(epoch: bigint, signal?: AbortSignal): Promise<Distribution | null> {
    const works = await this.providerWorks(epoch, signal)
    const allocations = allocateProviders(await this.poolSize(epoch, 'providers'), works)
    return distributionOf(epoch, 'providers', allocations)
  }

  /**
   * The learners' distribution of an epoch, by its accepted rounds.
   * @returns null when nobody gets anything
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async learners(epoch: bigint, rounds: readonly AcceptedRound[]): Promise<Distribution | null> {
    const allocations = allocate(await this.poolSize(epoch, 'learners'), learnerWeights(rounds))
    return distributionOf(epoch, 'learners', allocations)
  }

  /** What is there to distribute, base units. @throws {ChainError} CHAIN_UNREACHABLE */
  async poolSize(epoch: bigint, pool: EmissionPool): Promise<bigint> {
    const [size] = await this.#read('emission', emission, 'poolSizeDown', [epoch, poolNumber(pool)])
    return size as bigint
  }

  /** What was proposed on chain; null when nothing is there. @throws {ChainError} CHAIN_UNREACHABLE */
  async proposed(epoch: bigint, pool: EmissionPool): Promise<OnChainDistribution | null> {
    const args = [epoch, poolNumber(pool)]
    const [[raw], [status]] = await Promise.all([
      this.#read('emission', emission, 'distributionOf', args),
      this.#read('emission', emission, 'statusOf', args),
    ])
    const state = DISTRIBUTION_STATUS[Number(status)]
    if (state === undefined || state === 'none') return null
    const { id, root, total, claimed, bond, proposer, deadline } = raw as {
      id: Bytes32
      root: Bytes32
      total: bigint
      claimed: bigint
      bond: bigint
      proposer: Address
      deadline: bigint
    }
    return {
      id,
      root,
      total,
      claimed,
      bond,
      status: state,
      proposer: proposer.toLowerCase(),
      deadlineMs: Number(deadline) * 1_000,
    }
  }

  /**
   * What everyone who was paid in an epoch did and had, sorted by account.
   * @throws {EmissionError} EMISSION_EPOCH_NOT_OVER, EMISSION_STATE_UNAVAILABLE
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async providerWorks(epoch: bigint, signal?: AbortSignal): Promise<ProviderWork[]> {
    const { firstBlock, lastBlock } = await this.epochBlocks(epoch)
    const settled = await this.#settledWork(firstBlock, lastBlock, signal)
    const limit = pLimit(MAX_CALLS_AT_ONCE)
    const works = [...settled].map(([account, amount]) =>
      limit(async (): Promise<ProviderWork> => {
        signal?.throwIfAborted()
        const [[active], [stake]] = await Promise.all([
          this.#readAt(lastBlock, 'isActive', [account, PROVIDER_ROLES]),
          this.#readAt(lastBlock, 'stakeOf', [account]),
        ])
        return { account, settled: amount, active: active as boolean, stake: stake as bigint }
      }),
    )
    return (await Promise.all(works)).sort((a, b) => (a.account < b.account ? -1 : 1))
  }

  /**
   * The last epoch that is over, by the blocks that are deep enough.
   * @throws {EmissionError} EMISSION_EPOCH_NOT_OVER when the first one is not
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async latestFinishedEpoch(): Promise<bigint> {
    const { genesis, length } = await this.#epochs()
    const deepest = await this.#deepestBlock()
    const finished = deepest === null ? 0n : ((await this.#timeOf(deepest)) - genesis) / length
    if (finished < 1n) throw this.#notOver(0n, genesis + length)
    return finished - 1n
  }

  /**
   * Finds an epoch's blocks by their times.
   * @throws {EmissionError} EMISSION_EPOCH_NOT_OVER
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async epochBlocks(epoch: bigint): Promise<EpochBlocks> {
    const { genesis, length } = await this.#epochs()
    const begin = genesis + epoch * length
    const end = begin + length
    const deepest = await this.#deepestBlock()
    if (deepest === null || (await this.#timeOf(deepest)) < end) throw this.#notOver(epoch, end)
    const firstBlock = await this.#firstBlockFrom(begin, deepest)
    const lastBlock = (await this.#firstBlockFrom(end, deepest)) - 1
    return { firstBlock, lastBlock }
  }

  /** When an epoch begins and ends, ms since the Unix epoch; the end is not in it. */
  async epochTimes(epoch: bigint): Promise<{ fromMs: number; toMs: number }> {
    const { genesis, length } = await this.#epochs()
    const begin = genesis + epoch * length
    return { fromMs: Number(begin) * 1_000, toMs: Number(begin + length) * 1_000 }
  }

  /** When epoch 0 began and how long each is, seconds. */
  async #epochs(): Promise<{ genesis: bigint; length: bigint }> {
    const [[genesis], [length]] = await Promise.all([
      this.#read('creditToken', creditToken, 'genesisTime', []),
      this.#read('creditToken', creditToken, 'EPOCH_SECONDS', []),
    ])
    return { genesis: genesis as bigint, length: length as bigint }
  }

  /** The last block that is deep enough; null where there is none since the deployment. */
  async #deepestBlock(): Promise<number | null> {
    const head = Number(await this.#client.request('eth_blockNumber', []))
    const deepest = head - this.#options.confirmations + 1
    return deepest < this.#options.deploymentBlock ? null : deepest
  }

  #notOver(epoch: bigint, end: bigint): EmissionError {
    const { confirmations } = this.#options
    return new EmissionError('EMISSION_EPOCH_NOT_OVER', `epoch ${epoch} is not over`, {
      fix: `Try again ${confirmations} block${confirmations === 1 ? '' : 's'} after ${new Date(Number(end) * 1_000).toISOString()}.`,
      details: { epoch: String(epoch) },
    })
  }

  /** First block that is not before a time; `last` must not be. */
  async #firstBlockFrom(time: bigint, last: number): Promise<number> {
    let low = this.#options.deploymentBlock
    let high = last
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((await this.#timeOf(middle)) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  async #timeOf(block: number): Promise<bigint> {
    const found = await this.#client.request('eth_getBlockByNumber', [toQuantity(block), false])
    return BigInt((found as { timestamp: string }).timestamp)
  }

  async #settledWork(
    firstBlock: number,
    lastBlock: number,
    signal: AbortSignal | undefined,
  ): Promise<Map<Address, bigint>> {
    const settled = new Map<Address, bigint>()
    for (let fromBlock = firstBlock; fromBlock <= lastBlock; fromBlock += MAX_BLOCK_RANGE) {
      signal?.throwIfAborted()
      const logs = await this.#client.request('eth_getLogs', [
        {
          address: this.#options.addresses.settlement,
          topics: [PAYMENT_TOPICS],
          fromBlock: toQuantity(fromBlock),
          toBlock: toQuantity(Math.min(lastBlock, fromBlock + MAX_BLOCK_RANGE - 1)),
        },
      ])
      for (const log of logs as { topics: string[]; data: string }[]) {
        const event = settlement.parseLog(log)
        const parts = PAYMENTS[event?.name ?? '']
        if (event === null || parts === undefined) continue
        const payee = (event.args.payee as string).toLowerCase()
        const paid = parts.reduce((sum, part) => sum + (event.args[part] as bigint), 0n)
        settled.set(payee, (settled.get(payee) ?? 0n) + paid)
      }
      this.#onBlocks(
        Math.min(lastBlock, fromBlock + MAX_BLOCK_RANGE - 1) - firstBlock + 1,
        lastBlock - firstBlock + 1,
      )
    }
    return settled
  }

  async #readAt(block: number, method: string, args: readonly unknown[]): Promise<readonly unknown[]> {
    try {
      return await this.#read('staking', staking, method, args, toQuantity(block))
    } catch (cause) {
      // Nodes that pruned the state refuse the call; the stakes themselves never do.
      if (!(cause instanceof ChainError) || cause.code !== 'TRANSACTION_REJECTED') throw cause
      throw new EmissionError(
        'EMISSION_STATE_UNAVAILABLE',
        `the chain's node does not know the stakes at block ${block}`,
        {
          fix: 'Point --rpc to a node that keeps the state of old blocks (an archive node).',
          details: { block },
          cause,
        },
      )
    }
  }

  async #read(
    contract: keyof EmissionReaderOptions['addresses'],
    abi: Interface,
    method: string,
    args: readonly unknown[],
    block = 'latest',
  ): Promise<readonly unknown[]> {
    const call = { to: this.#options.addresses[contract], data: abi.encodeFunctionData(method, args) }
    const result = await this.#client.request('eth_call', [call, block])
    return abi.decodeFunctionResult(method, result as string)
  }
}

const roundsSchema = z
  .array(
    z.strictObject({
      round: z.string().min(1).max(MAX_ROUND_CHARS),
      learners: z
        .array(
          z.strictObject({
            account: z
              .string()
              .transform(text => text.toLowerCase())
              .pipe(z.string().regex(ADDRESS_PATTERN)),
            weight: z
              .string()
              .regex(/^\d{1,30}$/)
              .transform(BigInt),
          }),
        )
        .max(MAX_LEARNERS_PER_ROUND),
    }),
  )
  .max(MAX_ROUNDS)
  .refine(
    rounds => new Set(rounds.map(({ round }) => round)).size === rounds.length,
    'a round is there twice',
  )

/**
 * Reads the list of an epoch's accepted rounds: `[{round, learners: [{account, weight}]}]`, weights as decimal strings.
 * @throws {EmissionError} EMISSION_ROUNDS_INVALID
 */
export function parseRounds(text: string): AcceptedRound[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw roundsInvalid('it is not JSON', cause)
  }
  const parsed = roundsSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw roundsInvalid(`${issue!.path.join('.') || 'file'}: ${issue!.message}`)
  }
  return parsed.data
}

function roundsInvalid(reason: string, cause?: unknown): EmissionError {
  return new EmissionError('EMISSION_ROUNDS_INVALID', `the list of accepted rounds is not right: ${reason}`, {
    fix: 'Give a file with [{"round": NAME, "learners": [{"account": ADDRESS, "weight": "1"}]}].',
    ...(cause === undefined ? {} : { cause }),
  })
}

function poolNumber(pool: EmissionPool): number {
  return EMISSION_POOLS.indexOf(pool)
}
