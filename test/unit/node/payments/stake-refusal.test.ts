import assert from 'node:assert/strict'
import type { OnChainStake } from '../../../../node/chain/client.ts'
import type { TransactionOutcome } from '../../../../node/chain/publisher.ts'
import { type StakeWish, stakeRefusal } from '../../../../node/payments/stake-refusal.ts'

const STAKE: OnChainStake = {
  staked: 220n,
  roles: ['compute', 'validator'],
  active: true,
  minimums: { validator: 100n, provider: 100n, orchestrator: 50n },
  unbonding: 0n,
  withdrawableAtMs: null,
  unbondingDelayMs: 0,
  locked: 0n,
  bounty: 0n,
  slashed: 0n,
  level: 'anonymous',
  depositsPausedUntilMs: 0,
}
type Failure = Exclude<TransactionOutcome, { status: 'confirmed' }>

describe('a refused wish about the stake', () => {
  const told = (wish: StakeWish, outcome: Failure, stake: Partial<OnChainStake> = {}) => {
    const situation = { wallet: '0xaa' as const, credits: 0n, stake: { ...STAKE, ...stake } }
    const { code, fix, details } = stakeRefusal(wish, situation, outcome)
    return { code, fix, details }
  }
  const wouldRevert = (errorName: string): Failure => ({
    status: 'rejected',
    reason: 'would_revert',
    errorName,
  })
  const unbond: StakeWish = { kind: 'unbond', amount: 120n }

  it('says which roles to drop, and how much could leave without', () => {
    const { code, fix, details } = told(unbond, wouldRevert('BelowRequiredStake'))
    assert.equal(code, 'STAKE_TOO_SMALL')
    assert.match(fix!, /^Unbond 0\.0+2 or less, or drop validator first: shoal stake roles compute$/)
    assert.deepEqual(details.drop, ['validator'])
  })

  it('offers no smaller amount where the roles need all there is, or more since a minimum was raised', () => {
    for (const staked of [200n, 150n]) {
      const { fix } = told(unbond, wouldRevert('BelowRequiredStake'), { staked })
      assert.match(fix!, /^Drop compute and validator first: shoal stake roles none$/)
    }
  })

  it('is told in the words of the chain where there are no better ones', () => {
    const hash = `0x${'00'.repeat(32)}` as const
    for (const outcome of [
      { status: 'reverted', hash, blockNumber: 1 },
      { status: 'rejected', reason: 'refused', errorName: null },
      wouldRevert('ERC20InsufficientAllowance'),
    ] satisfies Failure[])
      assert.equal(told({ kind: 'add', amount: 1n }, outcome).code, 'STAKE_FAILED')
    assert.equal(
      told({ kind: 'add', amount: 1n }, wouldRevert('ERC20InsufficientAllowance')).details.why,
      'ERC20InsufficientAllowance',
    )
  })
})
