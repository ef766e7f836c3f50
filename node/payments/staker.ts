import pLimit from 'p-limit'
import { isShoalError } from '../../protocol/errors.ts'
import type { Bytes32 } from '../../protocol/ids.ts'
import { type Role, roleBits, rolesIn } from '../../protocol/roles.ts'
import type { ChainClient, OnChainStake } from '../chain/client.ts'
import { encodeCall } from '../chain/publisher.ts'
import type { RecordedCall, RecordedCalls } from '../chain/recorded-calls.ts'
import type { Clock } from '../clock.ts'
import { PaymentError } from './errors.ts'
import type { PayerChannels } from './payer-channels.ts'
import { signPermit } from './permit.ts'
import { type StakeWish, stakeRefusal } from './stake-refusal.ts'
import type { Wallet } from './wallet.ts'

export interface StakerModules {
  client: ChainClient
  calls: RecordedCalls
  channels: Pick<PayerChannels, 'apart'>
  wallet: Wallet
  clock: Clock
  randomId: () => string
}

/** What came into the wallet, and by which transaction. */
export interface StakePayment {
  of: 'unbonded' | 'bounty'
  transaction: Bytes32
  /** Base units. */
  amount: bigint
}

/**
 * Moves the owner's stake, one wish after the other. A wish that is still under way, since before a crash perhaps,
 * is not sent a second time when it is wished again.
 */
export class Staker {
  readonly #modules: StakerModules
  readonly #one = pLimit(1)

  constructor(modules: StakerModules) {
    this.#modules = modules
  }

  /** @throws {ChainError} CHAIN_UNREACHABLE */
  stake(): Promise<OnChainStake> {
    return this.#modules.client.stake(this.#modules.wallet.address)
  }

  /**
   * Puts credits of the wallet at stake.
   * @param amount base units
   * @throws {PaymentError} WALLET_EMPTY, GAS_MONEY_MISSING, DEPOSITS_PAUSED, STAKE_FAILED
   */
  add(amount: bigint): Promise<Bytes32> {
    const { channels, client, wallet, clock } = this.#modules
    return this.#one(() =>
      channels.apart(async () =>
        this.#fulfil(
          { kind: 'add', amount },
          'stakeWithPermit',
          [amount, await signPermit('staking', amount, { client, wallet, nowMs: clock.nowMs() })],
          { kind: 'stake.added', v: 1, amount },
        ),
      ),
    )
  }

  /**
   * Declares the roles in place of those before.
   * @returns null when they are declared already
   * @throws {PaymentError} STAKE_TOO_SMALL, GAS_MONEY_MISSING, STAKE_FAILED
   */
  setRoles(roles: readonly Role[]): Promise<Bytes32 | null> {
    return this.#one(async () => {
      const bits = roleBits(roles)
      if (roleBits((await this.stake()).roles) === bits) return null
      return this.#fulfil({ kind: 'roles', roles: rolesIn(bits) }, 'setRoles', [bits], {
        kind: 'stake.rolesSet',
        v: 1,
        roles: rolesIn(bits),
      })
    })
  }

  /**
   * Begins to take stake out.
   * @param amount base units
   * @throws {PaymentError} STAKE_TOO_SMALL, GAS_MONEY_MISSING, STAKE_FAILED
   */
  unbond(amount: bigint): Promise<Bytes32> {
    return this.#one(() =>
      this.#fulfil({ kind: 'unbond', amount }, 'startUnbonding', [amount], {
        kind: 'stake.unbonding',
        v: 1,
        amount,
      }),
    )
  }

  /**
   * Puts everything that is unbonding back at stake.
   * @returns the transaction and how much it was, base units
   * @throws {PaymentError} NOTHING_UNBONDING, GAS_MONEY_MISSING, STAKE_FAILED
   */
  cancel(): Promise<{ transaction: Bytes32; amount: bigint }> {
    return this.#one(async () => {
      const transaction = await this.#fulfil({ kind: 'cancel' }, 'cancelUnbonding', [], {
        kind: 'stake.unbondingCancelled',
        v: 1,
      })
      return { transaction, amount: await this.#moved('UnbondingCancelled', transaction) }
    })
  }

  /**
   * Moves to the wallet what may be moved: bounties, and what has unbonded as far as nothing is locked.
   * @throws {PaymentError} NOTHING_TO_WITHDRAW, and when there is no bounty STILL_UNBONDING, STAKE_LOCKED;
   * GAS_MONEY_MISSING, STAKE_FAILED
   */
  withdraw(): Promise<StakePayment[]> {
    return this.#one(async () => {
      const { unbonding, bounty } = await this.stake()
      if (unbonding === 0n && bounty === 0n) {
        throw new PaymentError('NOTHING_TO_WITHDRAW', 'nothing is unbonding, and there is no bounty', {
          fix: 'shoal stake unbond begins to take stake out.',
        })
      }
      const paid: StakePayment[] = []
      if (bounty > 0n) paid.push(await this.#withdrawBounty())
      if (unbonding > 0n) {
        try {
          paid.push(await this.#withdrawUnbonded())
        } catch (error) {
          const isHeldUp = isShoalError(error, 'STILL_UNBONDING', 'STAKE_LOCKED')
          if (paid.length === 0 || !isHeldUp) throw error
        }
      }
      return paid
    })
  }

  async #withdrawBounty(): Promise<StakePayment> {
    const event = { kind: 'stake.bountyWithdrawn', v: 1 } as const
    const transaction = await this.#fulfil({ kind: 'bounty' }, 'withdrawBounty', [], event)
    return { of: 'bounty', transaction, amount: await this.#moved('BountyWithdrawn', transaction) }
  }

  async #withdrawUnbonded(): Promise<StakePayment> {
    const event = { kind: 'stake.withdrawn', v: 1 } as const
    const transaction = await this.#fulfil({ kind: 'withdraw' }, 'withdrawUnbonded', [], event)
    return { of: 'unbonded', transaction, amount: await this.#moved('UnbondedWithdrawn', transaction) }
  }

  #moved(event: Parameters<ChainClient['stakeMoved']>[1], transaction: Bytes32): Promise<bigint> {
    return this.#modules.client.stakeMoved(this.#modules.wallet.address, event, transaction)
  }

  async #fulfil(
    wish: StakeWish,
    method: string,
    args: readonly unknown[],
    event: RecordedCall['event'],
  ): Promise<Bytes32> {
    const { calls, client, wallet, randomId } = this.#modules
    const name = `stake:${nameOf(wish)}:`
    const outcome = await calls.run({
      id: (await calls.underWay(name)) ?? `${name}${randomId()}`,
      contract: 'staking',
      data: encodeCall('staking', method, args),
      event,
    })
    if (outcome.status === 'confirmed') return outcome.hash
    const [stake, { credits }] = await Promise.all([this.stake(), client.balances(wallet.address)])
    throw stakeRefusal(wish, { wallet: wallet.address, credits, stake }, outcome)
  }
}

/** The same of wishes that are the same. */
function nameOf(wish: StakeWish): string {
  if ('amount' in wish) return `${wish.kind}:${wish.amount}`
  return 'roles' in wish ? `${wish.kind}:${roleBits(wish.roles)}` : wish.kind
}
