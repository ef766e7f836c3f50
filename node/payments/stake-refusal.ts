import type { ErrorDetails } from '../../protocol/errors.ts'
import type { Address } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import { type Role, requiredStake, rolesWithin } from '../../protocol/roles.ts'
import type { OnChainStake } from '../chain/client.ts'
import type { TransactionOutcome } from '../chain/publisher.ts'
import { PaymentError, type PaymentErrorCode } from './errors.ts'

/** What the owner wants done with the stake. */
export type StakeWish =
  | { kind: 'add'; amount: bigint }
  | { kind: 'roles'; roles: readonly Role[] }
  | { kind: 'unbond'; amount: bigint }
  | { kind: 'cancel' }
  | { kind: 'withdraw' }
  | { kind: 'bounty' }

/** What it met with. */
export interface StakeSituation {
  wallet: Address
  /** In the wallet, base units. */
  credits: bigint
  stake: OnChainStake
}

/** Why the chain did not do what was wished, and what to do: the contract's error in terms of the stake as it is. */
export function stakeRefusal(
  wish: StakeWish,
  situation: StakeSituation,
  outcome: Exclude<TransactionOutcome, { status: 'confirmed' }>,
): PaymentError {
  const { wallet, credits, stake } = situation
  if (outcome.status === 'reverted') return failed('the transaction was reverted')
  if (outcome.reason === 'insufficient_gas_money') {
    return refusal('GAS_MONEY_MISSING', 'the wallet has no gas money for the transaction', {
      fix: `Send some of the chain's own coin to ${wallet}.`,
    })
  }
  switch (outcome.errorName) {
    case 'ERC20InsufficientBalance':
      return refusal('WALLET_EMPTY', `the wallet has ${formatCredits(credits)} credits`, {
        fix: `Send credits to ${wallet}, or stake less; shoal wallet withdraw moves there what Settlement holds.`,
        details: { wallet, owned: formatCredits(credits) },
      })
    case 'DepositsPaused': {
      const until = timeOf(stake.depositsPausedUntilMs)
      return refusal('DEPOSITS_PAUSED', `Staking takes nothing in until ${until}`, {
        fix: 'Add to the stake after that. Roles, unbonding and withdrawing go on meanwhile.',
        details: { until },
      })
    }
    case 'InsufficientStake':
      return wish.kind === 'roles' ? tooSmallForRoles(wish.roles, stake) : tooMuchToUnbond(stake)
    case 'BelowRequiredStake':
      return wish.kind === 'unbond' ? belowRoles(wish.amount, stake) : failed(outcome.errorName)
    case 'NothingUnbonding':
      return refusal('NOTHING_UNBONDING', 'nothing is unbonding', {
        fix: 'shoal stake unbond begins to take stake out.',
      })
    case 'StillUnbonding': {
      const until = timeOf(stake.withdrawableAtMs ?? 0)
      return refusal('STILL_UNBONDING', `${formatCredits(stake.unbonding)} credits unbond until ${until}`, {
        fix: 'Withdraw after that; shoal stake cancel puts them back at stake.',
        details: { until, unbonding: formatCredits(stake.unbonding) },
      })
    }
    case 'WithdrawalLocked':
      return refusal('STAKE_LOCKED', `the court holds ${formatCredits(stake.locked)} credits of this stake`, {
        fix: 'Withdraw when the dispute has ended; shoal stake shows what is still locked.',
        details: { locked: formatCredits(stake.locked) },
      })
    default:
      return failed(outcome.errorName ?? outcome.reason)
  }
}

function tooSmallForRoles(roles: readonly Role[], stake: OnChainStake): PaymentError {
  const needed = requiredStake(roles, stake.minimums)
  const missing = formatCredits(needed - stake.staked)
  const within = rolesWithin(roles, stake.staked, stake.minimums)
  const instead = within.length === 0 ? '' : `, or take on less: ${rolesCommand(within)}`
  return refusal('STAKE_TOO_SMALL', `${needOf(roles, needed)}; ${formatCredits(stake.staked)} are at stake`, {
    fix: `Add what is missing with shoal stake add ${missing}${instead}`,
    details: { needed: formatCredits(needed), missing, staked: formatCredits(stake.staked) },
  })
}

function tooMuchToUnbond({ staked }: OnChainStake): PaymentError {
  return refusal('STAKE_TOO_SMALL', `only ${formatCredits(staked)} credits are at stake`, {
    fix: staked === 0n ? 'There is nothing to take out.' : `Unbond ${formatCredits(staked)} or less.`,
    details: { staked: formatCredits(staked) },
  })
}

function belowRoles(amount: bigint, { staked, roles, minimums }: OnChainStake): PaymentError {
  const needed = requiredStake(roles, minimums)
  const left = staked - amount
  const free = staked > needed ? staked - needed : 0n
  const within = rolesWithin(roles, left, minimums)
  const dropped = roles.filter(role => !within.includes(role))
  const less = free === 0n ? '' : `Unbond ${formatCredits(free)} or less, or drop`
  return refusal('STAKE_TOO_SMALL', `${needOf(roles, needed)}; ${formatCredits(left)} would be left`, {
    fix: `${less === '' ? 'Drop' : less} ${dropped.join(' and ')} first: ${rolesCommand(within)}`,
    details: { needed: formatCredits(needed), free: formatCredits(free), drop: dropped },
  })
}

function needOf(roles: readonly Role[], needed: bigint): string {
  return `${roles.join(', ')} need${roles.length === 1 ? 's' : ''} ${formatCredits(needed)} credits`
}

function rolesCommand(roles: readonly Role[]): string {
  return `shoal stake roles ${roles.length === 0 ? 'none' : roles.join(' ')}`
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

function failed(why: string): PaymentError {
  return refusal('STAKE_FAILED', `the chain did not take it: ${why}`, {
    fix: 'Try again; if it stays so, look at the transaction.',
    details: { why },
  })
}

function refusal(
  code: PaymentErrorCode,
  message: string,
  more: { fix: string; details?: ErrorDetails },
): PaymentError {
  return new PaymentError(code, message, more)
}
