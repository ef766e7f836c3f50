import { type JsonRpcProvider, JsonRpcSigner } from 'ethers/providers'
import { Wallet as EthersWallet } from 'ethers/wallet'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { KnownDeployment } from './addresses.ts'
import { ContractReader } from './contract-reader.ts'
import type { ContractKey } from './contracts.ts'
import { CONTRACT_NAMES } from './contracts.ts'
import { EmissionError, type OnChainDistribution } from './emission.ts'
import { type Distribution, EMISSION_POOLS, type EmissionPool, proofOf } from './emission-allocation.ts'
import { ChainError } from './errors.ts'

export interface EmissionWriterOptions {
  deployment: KnownDeployment
  /** Key of the account that sends, in hex. Without it the chain's first unlocked account does. */
  privateKey?: string
  /** Blocks a transaction must be deep, its own included. */
  confirmations: number
}

export interface EmissionWriterModules {
  provider: JsonRpcProvider
  /** Called after each transaction that was sent. */
  onSent?: (what: string, hash: Bytes32) => void
}

const MINED_WITHIN_MS = 10 * 60_000
/** As in Roles.sol. */
const VALIDATOR = 2n

/** What a person does about an error of the contract. */
const FIXES: Readonly<Record<string, string>> = {
  OnlyValidator: 'Stake and take the role of a Validator with this account first.',
  ClaimsEnded: 'Nothing can be done: what is not claimed 12 epochs after its own is never minted.',
  PoolExceeded: 'Compute the distribution again: it gives more than the pool has.',
  TotalExceeded: 'The distribution gives more than its total; dispute such a proposal in its window.',
  ERC20InsufficientBalance: 'Send credits for the bond to this account.',
}
const CHANGED_FIX = 'Look again with shoal contracts emission: it may have changed meanwhile.'

/** Proposes, disputes and claims: looks first whether it can be done, so that what is refused costs nothing. */
export class EmissionWriter {
  readonly account: Address
  readonly #options: EmissionWriterOptions
  readonly #modules: EmissionWriterModules
  readonly #signer: EthersWallet | JsonRpcSigner
  readonly #reader: ContractReader

  private constructor(
    options: EmissionWriterOptions,
    modules: EmissionWriterModules,
    signer: EthersWallet | JsonRpcSigner,
  ) {
    const { provider } = modules
    this.#options = options
    this.#modules = modules
    this.#signer = signer
    this.account = signer.address.toLowerCase()
    this.#reader = new ContractReader(
      { deployment: options.deployment },
      {
        provider: {
          request: ({ method, params }) => provider.send(method, (params as unknown[] | undefined) ?? []),
        },
      },
    )
  }

  /** @throws {EmissionError} EMISSION_NO_ACCOUNT */
  static async make(options: EmissionWriterOptions, modules: EmissionWriterModules): Promise<EmissionWriter> {
    if (options.privateKey !== undefined) {
      return new EmissionWriter(options, modules, new EthersWallet(options.privateKey, modules.provider))
    }
    const accounts = (await modules.provider.send('eth_accounts', []).catch(() => [])) as string[]
    if (accounts[0] === undefined) {
      throw new EmissionError('EMISSION_NO_ACCOUNT', 'the chain has no unlocked account to send from', {
        fix: 'Give the key of the account that is to send: --key-file FILE.',
      })
    }
    return new EmissionWriter(options, modules, new JsonRpcSigner(modules.provider, accounts[0]))
  }

  /** What a proposal takes now, base units. */
  proposalBond(): Promise<bigint> {
    return this.#reader.read<bigint>('emission', 'proposalBond')
  }

  /**
   * Proposes a distribution; approves the bond first where needed.
   * @throws {EmissionError} EMISSION_NOT_VALIDATOR, EMISSION_BOND_MISSING, EMISSION_GAS_MONEY_MISSING,
   * EMISSION_PENDING, EMISSION_REFUSED
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async propose({ epoch, pool, root, total, contentHash }: Distribution): Promise<Bytes32> {
    await this.#pledge(await this.proposalBond())
    return await this.#send('emission', 'propose', [epoch, poolNumber(pool), root, total, contentHash])
  }

  /** Disputes a proposal and no other that may have taken its place; errors as of `propose`. */
  async dispute(epoch: bigint, pool: EmissionPool, { id, bond }: OnChainDistribution): Promise<Bytes32> {
    await this.#pledge(bond)
    return await this.#send('emission', 'dispute', [epoch, poolNumber(pool), id])
  }

  /**
   * Mints what an account may claim.
   * @throws {EmissionError} EMISSION_NOT_CLAIMABLE, EMISSION_GAS_MONEY_MISSING, EMISSION_PENDING, EMISSION_REFUSED
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async claim(
    distribution: Distribution,
    account: Address,
  ): Promise<{ amount: bigint; transaction: Bytes32 }> {
    const { epoch, pool } = distribution
    const proof = proofOf(distribution, account)
    const allocation = distribution.allocations.find(each => each.account === account)
    if (proof === null || allocation === undefined) {
      throw notClaimable(`${account} gets nothing of epoch ${epoch}`, 'Name another account with --account.')
    }
    if (await this.#reader.read<boolean>('emission', 'isClaimed', epoch, poolNumber(pool), account)) {
      throw notClaimable(
        `${account} has claimed its part of epoch ${epoch} before`,
        'There is nothing left to do: the credits are in its wallet.',
      )
    }
    const args = [epoch, poolNumber(pool), account, allocation.amount, proof]
    return { amount: allocation.amount, transaction: await this.#send('emission', 'claim', args) }
  }

  /** Makes sure that the account may pledge a bond, and that Emission may take it. */
  async #pledge(bond: bigint): Promise<void> {
    const { emission } = this.#options.deployment.addresses
    const [isValidator, balance, allowance] = await Promise.all([
      this.#reader.read<boolean>('staking', 'isActive', this.account, VALIDATOR),
      this.#reader.read<bigint>('creditToken', 'balanceOf', this.account),
      this.#reader.read<bigint>('creditToken', 'allowance', this.account, emission),
    ])
    if (!isValidator) {
      throw new EmissionError('EMISSION_NOT_VALIDATOR', `${this.account} is no active Validator`, {
        fix: FIXES.OnlyValidator!,
        details: { account: this.account },
      })
    }
    if (balance < bond) {
      throw new EmissionError(
        'EMISSION_BOND_MISSING',
        `the bond is ${formatCredits(bond)} credits and ${this.account} has ${formatCredits(balance)}`,
        {
          fix: `Send at least ${formatCredits(bond - balance)} credits to ${this.account}.`,
          details: { account: this.account, bond: String(bond) },
        },
      )
    }
    if (allowance < bond) await this.#send('creditToken', 'approve', [emission, bond])
  }

  async #send(contract: ContractKey, method: string, args: readonly unknown[]): Promise<Bytes32> {
    const abi = this.#reader.interfaceOf(CONTRACT_NAMES[contract])
    const call = {
      to: this.#options.deployment.addresses[contract],
      data: abi.encodeFunctionData(method, [...args]),
    }
    try {
      const sent = await this.#signer.sendTransaction(call)
      this.#modules.onSent?.(method, sent.hash)
      await sent.wait(this.#options.confirmations, MINED_WITHIN_MS)
      return sent.hash
    } catch (cause) {
      throw this.#refusal(method, cause)
    }
  }

  #refusal(method: string, cause: unknown): EmissionError | ChainError {
    const { code, data, message, shortMessage } = cause as {
      code?: unknown
      data?: unknown
      message: string
      shortMessage?: string
    }
    if (code === 'INSUFFICIENT_FUNDS' || /enough funds/i.test(message)) {
      return new EmissionError('EMISSION_GAS_MONEY_MISSING', `${this.account} has no money for gas`, {
        fix: `Send some of the chain's currency to ${this.account}.`,
        details: { account: this.account },
        cause,
      })
    }
    if (code === 'TIMEOUT') {
      return new EmissionError('EMISSION_PENDING', `the ${method} was sent and has not been mined in time`, {
        fix: 'Look again later with shoal contracts emission before you send it once more.',
        cause,
      })
    }
    if (code === 'NETWORK_ERROR' || code === 'SERVER_ERROR' || code === 'ECONNREFUSED') {
      return new ChainError('CHAIN_UNREACHABLE', 'the chain does not answer', {
        fix: 'Check --rpc and your connection, and look what became of it before you send it once more.',
        cause,
      })
    }
    const name = typeof data === 'string' ? this.#errorName(data) : null
    return new EmissionError(
      'EMISSION_REFUSED',
      `the chain refused the ${method}: ${name ?? shortMessage ?? message}`,
      { fix: FIXES[name ?? ''] ?? CHANGED_FIX, cause },
    )
  }

  #errorName(data: string): string | null {
    for (const contract of ['Emission', 'CreditToken'] as const) {
      const found = this.#reader.interfaceOf(contract).parseError(data)
      if (found !== null) return found.name
    }
    return null
  }
}

function notClaimable(message: string, fix: string): EmissionError {
  return new EmissionError('EMISSION_NOT_CLAIMABLE', message, { fix })
}

function poolNumber(pool: EmissionPool): number {
  return EMISSION_POOLS.indexOf(pool)
}
