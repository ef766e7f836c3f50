import assert from 'node:assert/strict'
import { MaxUint256, type Wallet, ZeroAddress } from 'ethers'
import { stakingBytecode } from '../../node/chain/abi/bytecode/staking.ts'
import { stakingAbi } from '../../node/chain/abi/staking.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { signPermit } from './permit.ts'
import {
  alice,
  bob,
  CREDIT,
  carol,
  session as court,
  DAY,
  deployer,
  deployShoal,
  MIN_UNBONDING_DELAY,
  MINIMUM_STAKES,
  pauser,
  type Shoal,
  UNBONDING_DELAY,
} from './test-chain.ts'

const ORCHESTRATOR = 1n
const VALIDATOR = 2n
const COMPUTE = 4n
const STORAGE = 8n
const BANDWIDTH = 16n
const [VALIDATOR_MINIMUM, PROVIDER_MINIMUM, ORCHESTRATOR_MINIMUM] = MINIMUM_STAKES
const MAX_DELAY = BigInt(60 * DAY)

describe('Staking', () => {
  let shoal: Shoal

  beforeEach(async () => {
    shoal = await deployShoal()
    const { creditToken, staking } = shoal
    await creditToken.send(deployer, 'transfer', alice.address, 100_000n * CREDIT)
    await creditToken.send(alice, 'approve', staking.address, MaxUint256)
    await staking.send(deployer, 'announceCourt', court.address)
  })

  const unbonding = async (wallet: Wallet) => [
    ...(await shoal.staking.view<bigint[]>('unbondingOf', wallet.address)),
  ]
  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)
  const stakeOf = (wallet: Wallet) => shoal.staking.view('stakeOf', wallet.address)
  const lockedOf = (wallet: Wallet) => shoal.staking.view('lockedOf', wallet.address)
  const isActive = (wallet: Wallet, mask: bigint) =>
    shoal.staking.view<boolean>('isActive', wallet.address, mask)
  /** The change of votes that goes with every change of stake. */
  const votes = (wallet: Wallet, before: bigint, after: bigint) =>
    ['DelegateVotesChanged', wallet.address, before, after] as const

  describe('construction', () => {
    const deploy = (changes: Record<number, unknown>) => {
      const args: unknown[] = [
        shoal.creditToken.address,
        deployer.address,
        pauser.address,
        MIN_UNBONDING_DELAY,
        UNBONDING_DELAY,
        MINIMUM_STAKES,
      ]
      for (const [index, value] of Object.entries(changes)) args[Number(index)] = value
      return shoal.chain.deploy(deployer, stakingAbi, stakingBytecode, args)
    }

    it('fixes the token, the pauser and the bounds', async () => {
      const { creditToken } = shoal
      const staking = await deploy({})
      assert.equal(await staking.view('creditToken'), creditToken.address)
      assert.equal(await staking.view('owner'), deployer.address)
      assert.equal(await staking.view('pauser'), pauser.address)
      assert.equal(await staking.view('minUnbondingDelay'), BigInt(MIN_UNBONDING_DELAY))
      assert.equal(await staking.view('unbondingDelay'), BigInt(UNBONDING_DELAY))
      assert.equal(await staking.view('MAX_UNBONDING_DELAY'), MAX_DELAY)
      assert.equal(await staking.view('COURT_NOTICE_MARGIN'), BigInt(DAY))
      assert.equal(await staking.view('MINIMUM_STAKE_RANGE'), 10n)
      assert.deepEqual([...(await staking.view<bigint[]>('minimumStakes'))], [...MINIMUM_STAKES])
      assert.deepEqual([...(await staking.view<bigint[]>('defaultMinimumStakes'))], [...MINIMUM_STAKES])
      assert.equal(await staking.view('court'), ZeroAddress)
      assert.deepEqual([...(await staking.view<unknown[]>('announcedCourt'))], [ZeroAddress, 0n])
    })

    it('refuses no token, no owner, no delay, and delays out of bounds', async () => {
      await assertReverts(deploy({ 0: ZeroAddress }), 'ZeroToken')
      await assertReverts(deploy({ 1: ZeroAddress }), 'OwnableInvalidOwner', ZeroAddress)
      await assertReverts(deploy({ 3: 0 }), 'DelayOutOfBounds', 0n, 1n, MAX_DELAY)
      const least = BigInt(MIN_UNBONDING_DELAY)
      await assertReverts(deploy({ 4: least - 1n }), 'DelayOutOfBounds', least - 1n, least, MAX_DELAY)
      await assertReverts(deploy({ 4: MAX_DELAY + 1n }), 'DelayOutOfBounds', MAX_DELAY + 1n, least, MAX_DELAY)
      await deploy({ 4: least })
      await deploy({ 4: MAX_DELAY })
    })

    it('refuses minimums that could be set to nothing, or too large to be multiplied', async () => {
      const highest = ((1n << 80n) - 1n) / 10n
      for (const index of [0, 1, 2]) {
        for (const wrong of [9n, highest + 1n]) {
          const minimums: bigint[] = [...MINIMUM_STAKES]
          minimums[index] = wrong
          await assertReverts(deploy({ 5: minimums }), 'MinimumOutOfBounds', wrong, 10n, highest)
        }
      }
      await deploy({ 5: [10n, 10n, highest] })
    })
  })

  describe('stake', () => {
    it('takes credits, adds them up and votes with them', async () => {
      const { staking } = shoal
      assertEvents(
        await staking.send(alice, 'stake', 3n),
        ['Staked', alice.address, 3n, 3n],
        votes(alice, 0n, 3n),
      )
      assertEvents(
        await staking.send(alice, 'stake', 4n),
        ['Staked', alice.address, 4n, 7n],
        votes(alice, 3n, 7n),
      )
      assert.equal(await stakeOf(alice), 7n)
      assert.equal(await staking.view('getVotes', alice.address), 7n)
      assert.equal(await tokens(staking.address), 7n)
      assert.equal(await tokens(alice.address), 100_000n * CREDIT - 7n)
      assert.equal(await stakeOf(bob), 0n)
    })

    it('refuses nothing, too much, and what was not approved', async () => {
      const { staking } = shoal
      await assertReverts(staking.send(alice, 'stake', 0n), 'ZeroAmount')
      await assertReverts(
        staking.send(bob, 'stake', 1n),
        'ERC20InsufficientAllowance',
        staking.address,
        0n,
        1n,
      )
      await assertReverts(
        staking.send(alice, 'stake', 1n << 96n),
        'SafeCastOverflowedUintDowncast',
        96n,
        1n << 96n,
      )
    })

    it('takes a permit in the same transaction, even one that was already used', async () => {
      const { creditToken, staking } = shoal
      await creditToken.send(alice, 'transfer', bob.address, 10n)
      const permit = await signPermit(shoal, bob, staking.address, 10n)
      const { value, deadline, v, r, s } = permit
      await creditToken.send(alice, 'permit', bob.address, staking.address, value, deadline, v, r, s)
      await staking.send(bob, 'stakeWithPermit', 10n, permit)
      assert.equal(await stakeOf(bob), 10n)
      await assertReverts(
        staking.send(bob, 'stakeWithPermit', 1n, permit),
        'ERC20InsufficientAllowance',
        staking.address,
        0n,
        1n,
      )
      const zero = await signPermit(shoal, bob, staking.address, 0n)
      await assertReverts(staking.send(bob, 'stakeWithPermit', 0n, zero), 'ZeroAmount')
    })

    it('waits for the end of a pause; nothing else does', async () => {
      const { chain, staking } = shoal
      await staking.send(alice, 'stake', 10n)
      await staking.send(alice, 'startUnbonding', 6n)
      await staking.send(pauser, 'pauseDeposits')
      const until = BigInt(chain.now + 14 * DAY)
      await assertReverts(staking.send(alice, 'stake', 1n), 'DepositsPaused', until)
      const permit = await signPermit(shoal, alice, staking.address, 1n)
      await assertReverts(staking.send(alice, 'stakeWithPermit', 1n, permit), 'DepositsPaused', until)
      await staking.send(alice, 'cancelUnbonding')
      await staking.send(alice, 'startUnbonding', 6n)
      await staking.send(court, 'slash', alice.address, 1n, bob.address, 1n)
      await staking.send(bob, 'withdrawBounty')
      chain.now += UNBONDING_DELAY
      await staking.send(alice, 'withdrawUnbonded')
      chain.now = Number(until)
      await staking.send(alice, 'stake', 1n)
    })
  })

  describe('roles', () => {
    it('ask for their minimums together, any providing once', async () => {
      const { staking } = shoal
      const required = (roles: bigint) => staking.view('requiredStake', roles)
      assert.equal(await required(0n), 0n)
      assert.equal(await required(ORCHESTRATOR), ORCHESTRATOR_MINIMUM)
      assert.equal(await required(VALIDATOR), VALIDATOR_MINIMUM)
      for (const provider of [COMPUTE, STORAGE, BANDWIDTH, COMPUTE | STORAGE | BANDWIDTH])
        assert.equal(await required(provider), PROVIDER_MINIMUM)
      assert.equal(await required(31n), VALIDATOR_MINIMUM + PROVIDER_MINIMUM + ORCHESTRATOR_MINIMUM)
      assert.equal(await required(0xe0n), 0n)
    })

    it('are declared with enough stake, and dropped at any time', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', PROVIDER_MINIMUM - 1n)
      await assertReverts(
        staking.send(alice, 'setRoles', COMPUTE),
        'InsufficientStake',
        PROVIDER_MINIMUM,
        PROVIDER_MINIMUM - 1n,
      )
      assert.equal(await isActive(alice, COMPUTE), false)
      await staking.send(alice, 'stake', 1n)
      assertEvents(
        await staking.send(alice, 'setRoles', COMPUTE | STORAGE),
        ['RolesSet', alice.address, COMPUTE | STORAGE, 0n],
        ['ProviderActivityChanged', alice.address, true, 1n],
      )
      assert.equal(await staking.view('rolesOf', alice.address), COMPUTE | STORAGE)
      assert.equal(await isActive(alice, COMPUTE), true)
      assert.equal(await isActive(alice, STORAGE | VALIDATOR), true)
      assert.equal(await isActive(alice, BANDWIDTH | VALIDATOR | ORCHESTRATOR), false)
      assert.equal(await isActive(alice, 0n), false)
      assert.equal(await staking.view('activeProviders'), 1n)
      await assertReverts(
        staking.send(alice, 'setRoles', COMPUTE | VALIDATOR),
        'InsufficientStake',
        PROVIDER_MINIMUM + VALIDATOR_MINIMUM,
        PROVIDER_MINIMUM,
      )
      await staking.send(court, 'slash', alice.address, 1n, ZeroAddress, 0n)
      assertEvents(await staking.send(alice, 'setRoles', STORAGE), [
        'RolesSet',
        alice.address,
        STORAGE,
        COMPUTE | STORAGE,
      ])
      await assertReverts(
        staking.send(alice, 'setRoles', COMPUTE | STORAGE),
        'InsufficientStake',
        PROVIDER_MINIMUM,
        PROVIDER_MINIMUM - 1n,
      )
      await staking.send(alice, 'setRoles', 0n)
      assert.equal(await staking.view('rolesOf', alice.address), 0n)
    })

    it('are none beyond the known', async () => {
      for (const roles of [32n, 64n, 128n, 255n])
        await assertReverts(shoal.staking.send(alice, 'setRoles', roles), 'UnknownRoles', roles)
    })

    it('keep the stake they ask for from unbonding', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', VALIDATOR_MINIMUM + 5n)
      await staking.send(alice, 'setRoles', VALIDATOR)
      await assertReverts(
        staking.send(alice, 'startUnbonding', 6n),
        'BelowRequiredStake',
        VALIDATOR_MINIMUM - 1n,
        VALIDATOR_MINIMUM,
      )
      await staking.send(alice, 'startUnbonding', 5n)
      assert.equal(await isActive(alice, VALIDATOR), true)
      await staking.send(alice, 'setRoles', 0n)
      await staking.send(alice, 'startUnbonding', VALIDATOR_MINIMUM)
    })

    it('of a validator are listed once, for ever', async () => {
      const { creditToken, staking } = shoal
      await creditToken.send(deployer, 'transfer', bob.address, VALIDATOR_MINIMUM)
      await creditToken.send(bob, 'approve', staking.address, VALIDATOR_MINIMUM)
      await staking.send(alice, 'stake', VALIDATOR_MINIMUM)
      await staking.send(bob, 'stake', VALIDATOR_MINIMUM)
      assertEvents(
        await staking.send(bob, 'setRoles', VALIDATOR),
        ['RolesSet', bob.address, VALIDATOR, 0n],
        ['ValidatorListed', bob.address, 0n],
      )
      assertEvents(
        await staking.send(alice, 'setRoles', VALIDATOR),
        ['RolesSet', alice.address, VALIDATOR, 0n],
        ['ValidatorListed', alice.address, 1n],
      )
      await staking.send(bob, 'setRoles', 0n)
      assertEvents(await staking.send(bob, 'setRoles', VALIDATOR), ['RolesSet', bob.address, VALIDATOR, 0n])
      assertEvents(await staking.send(bob, 'setRoles', VALIDATOR), [
        'RolesSet',
        bob.address,
        VALIDATOR,
        VALIDATOR,
      ])
      assert.equal(await staking.view('validatorCount'), 2n)
      assert.equal(await staking.view('validatorAt', 0n), bob.address)
      assert.equal(await staking.view('validatorAt', 1n), alice.address)
    })

    it('rest while a slash has left too little, and come back with a top up', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', PROVIDER_MINIMUM)
      await staking.send(alice, 'setRoles', COMPUTE)
      assertEvents(
        await staking.send(court, 'slash', alice.address, 1n, ZeroAddress, 5n),
        ['Slashed', alice.address, 1n, ZeroAddress, 0n],
        votes(alice, PROVIDER_MINIMUM, PROVIDER_MINIMUM - 1n),
        ['ProviderActivityChanged', alice.address, false, 0n],
      )
      assert.equal(await isActive(alice, COMPUTE), false)
      assert.equal(await staking.view('rolesOf', alice.address), COMPUTE)
      assertEvents(
        await staking.send(alice, 'stake', 1n),
        ['Staked', alice.address, 1n, PROVIDER_MINIMUM],
        votes(alice, PROVIDER_MINIMUM - 1n, PROVIDER_MINIMUM),
        ['ProviderActivityChanged', alice.address, true, 1n],
      )
      assert.equal(await isActive(alice, COMPUTE), true)
    })
  })

  describe('minimum stakes', () => {
    const raised = [VALIDATOR_MINIMUM, PROVIDER_MINIMUM * 2n, ORCHESTRATOR_MINIMUM]

    it('make wallets inactive at once and are counted when poked', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', PROVIDER_MINIMUM)
      await staking.send(alice, 'setRoles', COMPUTE)
      const { events } = await staking.send(deployer, 'setMinimumStakes', raised)
      assert.deepEqual(
        events.map(({ name, args }) => [name, [...args[0]]]),
        [['MinimumStakesSet', raised]],
      )
      assert.equal(await isActive(alice, COMPUTE), false)
      assert.equal(await staking.view('activeProviders'), 1n)
      assertEvents(await staking.send(bob, 'poke', alice.address), [
        'ProviderActivityChanged',
        alice.address,
        false,
        0n,
      ])
      assertEvents(await staking.send(bob, 'poke', alice.address))
      assertEvents(await staking.send(bob, 'poke', bob.address))
      await staking.send(deployer, 'setMinimumStakes', MINIMUM_STAKES)
      assert.equal(await isActive(alice, COMPUTE), true)
      await staking.send(alice, 'poke', alice.address)
      assert.equal(await staking.view('activeProviders'), 1n)
    })

    it('are counted when a wallet acts', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', PROVIDER_MINIMUM)
      await staking.send(alice, 'startUnbonding', 1n)
      await staking.send(alice, 'cancelUnbonding')
      await staking.send(alice, 'setRoles', COMPUTE)
      await staking.send(deployer, 'setMinimumStakes', raised)
      assertEvents(
        await staking.send(alice, 'setRoles', COMPUTE),
        ['RolesSet', alice.address, COMPUTE, COMPUTE],
        ['ProviderActivityChanged', alice.address, false, 0n],
      )
      await assertReverts(
        staking.send(alice, 'startUnbonding', 1n),
        'BelowRequiredStake',
        PROVIDER_MINIMUM - 1n,
        PROVIDER_MINIMUM * 2n,
      )
      await staking.send(alice, 'setRoles', 0n)
      await staking.send(alice, 'startUnbonding', PROVIDER_MINIMUM)
    })

    it('stay within a tenth and ten times of the first ones', async () => {
      const { staking } = shoal
      await assertReverts(
        staking.send(alice, 'setMinimumStakes', MINIMUM_STAKES),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
      for (const index of [0, 1, 2]) {
        const lowest = MINIMUM_STAKES[index]! / 10n
        const highest = MINIMUM_STAKES[index]! * 10n
        const set = (minimum: bigint) => {
          const minimums: bigint[] = [...MINIMUM_STAKES]
          minimums[index] = minimum
          return staking.send(deployer, 'setMinimumStakes', minimums)
        }
        await assertReverts(set(lowest - 1n), 'MinimumOutOfBounds', lowest - 1n, lowest, highest)
        await assertReverts(set(highest + 1n), 'MinimumOutOfBounds', highest + 1n, lowest, highest)
        await set(highest)
        await set(lowest)
        assert.equal((await staking.view<bigint[]>('minimumStakes'))[index], lowest)
      }
      assert.deepEqual([...(await staking.view<bigint[]>('defaultMinimumStakes'))], [...MINIMUM_STAKES])
    })
  })

  describe('unbonding', () => {
    beforeEach(async () => {
      await shoal.staking.send(alice, 'stake', 10n)
    })

    it('pays after the delay, not a second sooner', async () => {
      const { chain, staking } = shoal
      const until = BigInt(chain.now + UNBONDING_DELAY)
      assertEvents(
        await staking.send(alice, 'startUnbonding', 4n),
        ['UnbondingStarted', alice.address, 4n, 4n, until],
        votes(alice, 10n, 6n),
      )
      assert.equal(await stakeOf(alice), 6n)
      assert.deepEqual(await unbonding(alice), [4n, until])
      chain.now = Number(until) - 1
      await assertReverts(staking.send(alice, 'withdrawUnbonded'), 'StillUnbonding', until)
      chain.now = Number(until)
      const withdrawal = await staking.send(alice, 'withdrawUnbonded')
      assertEvents(withdrawal, ['UnbondedWithdrawn', alice.address, 4n])
      assert.equal(withdrawal.returned, 4n)
      assert.equal(await tokens(alice.address), 100_000n * CREDIT - 6n)
      assert.deepEqual(await unbonding(alice), [0n, 0n])
      await assertReverts(staking.send(alice, 'withdrawUnbonded'), 'NothingUnbonding')
    })

    it('begins the delay anew for all of it when more joins', async () => {
      const { chain, staking } = shoal
      await staking.send(alice, 'startUnbonding', 4n)
      chain.now += UNBONDING_DELAY - 1
      const until = BigInt(chain.now + UNBONDING_DELAY)
      assertEvents(
        await staking.send(alice, 'startUnbonding', 5n),
        ['UnbondingStarted', alice.address, 5n, 9n, until],
        votes(alice, 6n, 1n),
      )
      chain.now += 2
      await assertReverts(staking.send(alice, 'withdrawUnbonded'), 'StillUnbonding', until)
    })

    it('can be called off', async () => {
      const { chain, staking } = shoal
      await staking.send(alice, 'startUnbonding', 4n)
      assertEvents(
        await staking.send(alice, 'cancelUnbonding'),
        ['UnbondingCancelled', alice.address, 4n],
        votes(alice, 6n, 10n),
      )
      assert.equal(await stakeOf(alice), 10n)
      assert.deepEqual(await unbonding(alice), [0n, 0n])
      chain.now += UNBONDING_DELAY
      await assertReverts(staking.send(alice, 'withdrawUnbonded'), 'NothingUnbonding')
      await assertReverts(staking.send(alice, 'cancelUnbonding'), 'NothingUnbonding')
    })

    it('called off makes a wallet active again', async () => {
      const { staking } = shoal
      await staking.send(alice, 'stake', PROVIDER_MINIMUM * 2n)
      await staking.send(alice, 'startUnbonding', PROVIDER_MINIMUM + 10n)
      await staking.send(alice, 'setRoles', COMPUTE)
      await staking.send(court, 'slash', alice.address, 1n, ZeroAddress, 0n)
      assert.equal(await staking.view('activeProviders'), 0n)
      await staking.send(alice, 'cancelUnbonding')
      assert.equal(await staking.view('activeProviders'), 1n)
    })

    it('refuses nothing and more than there is', async () => {
      const { staking } = shoal
      await assertReverts(staking.send(alice, 'startUnbonding', 0n), 'ZeroAmount')
      await assertReverts(staking.send(alice, 'startUnbonding', 11n), 'InsufficientStake', 11n, 10n)
      await assertReverts(staking.send(bob, 'startUnbonding', 1n), 'InsufficientStake', 1n, 0n)
    })

    it('takes the delay that holds when it begins', async () => {
      const { chain, staking } = shoal
      await staking.send(alice, 'startUnbonding', 4n)
      const until = BigInt(chain.now + UNBONDING_DELAY)
      assertEvents(await staking.send(deployer, 'setUnbondingDelay', MAX_DELAY), [
        'UnbondingDelaySet',
        MAX_DELAY,
      ])
      assert.deepEqual(await unbonding(alice), [4n, until])
      await staking.send(alice, 'startUnbonding', 1n)
      assert.deepEqual(await unbonding(alice), [5n, BigInt(chain.now) + MAX_DELAY])
    })

    it('has a delay that the owner sets within bounds', async () => {
      const { staking } = shoal
      const least = BigInt(MIN_UNBONDING_DELAY)
      await assertReverts(
        staking.send(alice, 'setUnbondingDelay', least),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
      await assertReverts(
        staking.send(deployer, 'setUnbondingDelay', least - 1n),
        'DelayOutOfBounds',
        least - 1n,
        least,
        MAX_DELAY,
      )
      await assertReverts(
        staking.send(deployer, 'setUnbondingDelay', MAX_DELAY + 1n),
        'DelayOutOfBounds',
        MAX_DELAY + 1n,
        least,
        MAX_DELAY,
      )
      await staking.send(deployer, 'setUnbondingDelay', least)
      assert.equal(await staking.view('unbondingDelay'), least)
    })
  })

  describe('locks', () => {
    beforeEach(async () => {
      await shoal.staking.send(alice, 'stake', 10n)
    })

    it('add up to what there is, and are let go', async () => {
      const { staking } = shoal
      const first = await staking.send(court, 'lock', alice.address, 4n)
      assertEvents(first, ['StakeLocked', alice.address, 4n, 4n])
      assert.equal(first.returned, 4n)
      await staking.send(alice, 'startUnbonding', 3n)
      const second = await staking.send(court, 'lock', alice.address, 7n)
      assertEvents(second, ['StakeLocked', alice.address, 6n, 10n])
      assert.equal(second.returned, 6n)
      assert.equal(await lockedOf(alice), 10n)
      const release = await staking.send(court, 'unlock', alice.address, 4n)
      assertEvents(release, ['StakeUnlocked', alice.address, 4n, 6n])
      assert.equal(release.returned, 4n)
      const rest = await staking.send(court, 'unlock', alice.address, 7n)
      assertEvents(rest, ['StakeUnlocked', alice.address, 6n, 0n])
      assert.equal(rest.returned, 6n)
      assert.equal(await lockedOf(alice), 0n)
    })

    it('hold back what they need of a withdrawal, and only that', async () => {
      const { chain, staking } = shoal
      await staking.send(court, 'lock', alice.address, 7n)
      await staking.send(alice, 'startUnbonding', 5n)
      const until = BigInt(chain.now + UNBONDING_DELAY)
      chain.now = Number(until)
      const withdrawal = await staking.send(alice, 'withdrawUnbonded')
      assertEvents(withdrawal, ['UnbondedWithdrawn', alice.address, 3n])
      assert.equal(withdrawal.returned, 3n)
      assert.deepEqual(await unbonding(alice), [2n, until])
      await assertReverts(staking.send(alice, 'withdrawUnbonded'), 'WithdrawalLocked', 7n)
      await staking.send(court, 'unlock', alice.address, 7n)
      assert.equal((await staking.send(alice, 'withdrawUnbonded')).returned, 2n)
      assert.deepEqual(await unbonding(alice), [0n, 0n])
    })

    it('are made and let go by the court alone', async () => {
      const { staking } = shoal
      for (const caller of [alice, bob, deployer]) {
        await assertReverts(staking.send(caller, 'lock', alice.address, 1n), 'OnlyCourt')
        await assertReverts(staking.send(caller, 'unlock', alice.address, 1n), 'OnlyCourt')
        await assertReverts(staking.send(caller, 'slash', alice.address, 1n, caller.address, 1n), 'OnlyCourt')
      }
    })
  })

  describe('slash', () => {
    beforeEach(async () => {
      await shoal.staking.send(alice, 'stake', 10n)
      await shoal.staking.send(alice, 'startUnbonding', 4n)
    })

    it('takes from the stake first, credits a bounty and burns the rest', async () => {
      const { chain, creditToken, staking } = shoal
      const supply = await creditToken.view('totalSupply')
      const slash = await staking.send(court, 'slash', alice.address, 5n, bob.address, 2n)
      assertEvents(slash, ['Slashed', alice.address, 5n, bob.address, 2n], votes(alice, 6n, 1n))
      assert.deepEqual([...(slash.returned as bigint[])], [5n, 2n])
      assert.equal(await stakeOf(alice), 1n)
      assert.equal((await unbonding(alice))[0], 4n)
      assert.equal(await creditToken.view('totalSupply'), supply - 3n)
      assert.equal(await staking.view('bountyOf', bob.address), 2n)
      assert.equal(await staking.view('lastSlashedAt', alice.address), BigInt(chain.now))
      assert.equal(await staking.view('slashedTotalOf', alice.address), 5n)
      assert.equal(await staking.view('lastSlashedAt', bob.address), 0n)
      assert.equal(await tokens(staking.address), 7n)
    })

    it('goes on with what is unbonding and stops at nothing left', async () => {
      const { chain, creditToken, staking } = shoal
      const until = BigInt(chain.now + UNBONDING_DELAY)
      const supply = await creditToken.view('totalSupply')
      await staking.send(court, 'slash', alice.address, 7n, bob.address, 7n)
      assert.equal(await stakeOf(alice), 0n)
      assert.deepEqual(await unbonding(alice), [3n, until])
      assert.equal(await creditToken.view('totalSupply'), supply)
      const rest = await staking.send(court, 'slash', alice.address, MaxUint256, bob.address, MaxUint256)
      assertEvents(rest, ['Slashed', alice.address, 3n, bob.address, 3n])
      assert.deepEqual(await unbonding(alice), [0n, 0n])
      chain.now += 5
      const nothing = await staking.send(court, 'slash', alice.address, 1n, bob.address, 1n)
      assertEvents(nothing, ['Slashed', alice.address, 0n, bob.address, 0n])
      assert.equal(await staking.view('lastSlashedAt', alice.address), BigInt(chain.now))
      assert.equal(await staking.view('slashedTotalOf', alice.address), 10n)
    })

    it('uses locks up', async () => {
      const { staking } = shoal
      await staking.send(court, 'lock', alice.address, 6n)
      await staking.send(court, 'slash', alice.address, 4n, ZeroAddress, 0n)
      assert.equal(await lockedOf(alice), 2n)
      await staking.send(court, 'slash', alice.address, 3n, ZeroAddress, 0n)
      assert.equal(await lockedOf(alice), 0n)
      assert.equal((await staking.send(court, 'unlock', alice.address, 2n)).returned, 0n)
    })

    it('leaves bounties to be withdrawn', async () => {
      const { staking } = shoal
      await staking.send(court, 'slash', alice.address, 3n, bob.address, 3n)
      await staking.send(court, 'slash', alice.address, 2n, bob.address, 1n)
      await staking.send(court, 'slash', alice.address, 1n, alice.address, 1n)
      const withdrawal = await staking.send(bob, 'withdrawBounty')
      assertEvents(withdrawal, ['BountyWithdrawn', bob.address, 4n])
      assert.equal(withdrawal.returned, 4n)
      assert.equal(await tokens(bob.address), 4n)
      await assertReverts(staking.send(bob, 'withdrawBounty'), 'NoBounty')
      assert.equal(await staking.view('bountyOf', alice.address), 1n)
    })
  })

  describe('the court', () => {
    const announced = async () => [...(await shoal.staking.view<unknown[]>('announcedCourt'))]

    it('takes office at once only as the first', async () => {
      const { chain, creditToken, staking } = shoal
      const fresh = await chain.deploy(deployer, stakingAbi, stakingBytecode, [
        creditToken.address,
        deployer.address,
        pauser.address,
        MIN_UNBONDING_DELAY,
        UNBONDING_DELAY,
        MINIMUM_STAKES,
      ])
      assertEvents(await fresh.send(deployer, 'announceCourt', court.address), [
        'CourtChanged',
        court.address,
        ZeroAddress,
      ])
      assert.equal(await fresh.view('court'), court.address)
      const applicableAt = BigInt(chain.now + UNBONDING_DELAY + DAY)
      assertEvents(await staking.send(deployer, 'announceCourt', carol.address), [
        'CourtAnnounced',
        carol.address,
        applicableAt,
      ])
      assert.deepEqual(await announced(), [carol.address, applicableAt])
      assert.equal(await staking.view('court'), court.address)
      chain.now = Number(applicableAt) - 1
      await assertReverts(staking.send(bob, 'applyCourt'), 'CourtTooEarly', applicableAt)
      chain.now = Number(applicableAt)
      assertEvents(await staking.send(bob, 'applyCourt'), ['CourtChanged', carol.address, court.address])
      assert.equal(await staking.view('court'), carol.address)
      assert.deepEqual(await announced(), [ZeroAddress, 0n])
      await assertReverts(staking.send(bob, 'applyCourt'), 'NoCourtAnnounced')
    })

    it('is announced by the owner, an address, once', async () => {
      const { chain, staking } = shoal
      await assertReverts(
        staking.send(alice, 'announceCourt', alice.address),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
      await assertReverts(staking.send(deployer, 'announceCourt', ZeroAddress), 'ZeroCourt')
      await assertReverts(
        staking.send(deployer, 'announceCourt', court.address),
        'CourtAlreadyUsed',
        court.address,
      )
      await staking.send(deployer, 'announceCourt', carol.address)
      chain.now += UNBONDING_DELAY + DAY
      await staking.send(deployer, 'applyCourt')
      await assertReverts(
        staking.send(deployer, 'announceCourt', court.address),
        'CourtAlreadyUsed',
        court.address,
      )
    })

    it('waits anew when another is announced, and not at all when it is taken back', async () => {
      const { chain, staking } = shoal
      await staking.send(deployer, 'announceCourt', carol.address)
      chain.now += UNBONDING_DELAY + DAY
      const applicableAt = BigInt(chain.now + UNBONDING_DELAY + DAY)
      await staking.send(deployer, 'announceCourt', bob.address)
      await assertReverts(staking.send(bob, 'applyCourt'), 'CourtTooEarly', applicableAt)
      await assertReverts(staking.send(alice, 'cancelCourt'), 'OwnableUnauthorizedAccount', alice.address)
      await assertReverts(staking.send(deployer, 'setUnbondingDelay', MAX_DELAY), 'CourtPending')
      assertEvents(await staking.send(deployer, 'cancelCourt'), ['CourtCancelled', bob.address])
      await assertReverts(staking.send(deployer, 'cancelCourt'), 'NoCourtAnnounced')
      chain.now = Number(applicableAt)
      await assertReverts(staking.send(bob, 'applyCourt'), 'NoCourtAnnounced')
      await staking.send(deployer, 'setUnbondingDelay', MAX_DELAY)
    })

    it('loses all power with its office, and its locks lapse', async () => {
      const { chain, staking } = shoal
      await staking.send(alice, 'stake', 10n)
      await staking.send(court, 'lock', alice.address, 10n)
      await staking.send(deployer, 'announceCourt', carol.address)
      chain.now += UNBONDING_DELAY + DAY
      await staking.send(court, 'lock', alice.address, 0n)
      await staking.send(bob, 'applyCourt')
      assert.equal(await lockedOf(alice), 0n)
      for (const [name, args, nothing] of [
        ['lock', [alice.address, 5n], 0n],
        ['unlock', [alice.address, 5n], 0n],
        ['slash', [alice.address, 5n, court.address, 5n], [0n, 0n]],
      ] as const) {
        const call = await staking.send(court, name, ...args)
        assertEvents(call)
        assert.deepEqual(
          typeof nothing === 'bigint' ? call.returned : [...(call.returned as bigint[])],
          nothing,
        )
      }
      assert.equal(await stakeOf(alice), 10n)
      assert.equal((await staking.send(carol, 'lock', alice.address, 99n)).returned, 10n)
    })
  })

  describe('votes', () => {
    it('are the own stake by the clock in seconds', async () => {
      const { chain, staking } = shoal
      const before = chain.now
      await staking.send(alice, 'stake', 10n)
      chain.now += 100
      await staking.send(alice, 'startUnbonding', 4n)
      chain.now += 1
      assert.equal(await staking.view('clock'), BigInt(chain.now))
      assert.equal(await staking.view<string>('CLOCK_MODE'), 'mode=timestamp')
      const past = (time: number) => staking.view('getPastVotes', alice.address, time)
      assert.equal(await past(before - 1), 0n)
      assert.equal(await past(before), 10n)
      assert.equal(await past(before + 99), 10n)
      assert.equal(await past(before + 100), 6n)
      assert.equal(await staking.view('getPastTotalSupply', before + 99), 10n)
      assert.equal(await staking.view('getPastTotalSupply', before + 100), 6n)
      await assertReverts(past(chain.now), 'ERC5805FutureLookup', BigInt(chain.now), BigInt(chain.now))
    })

    it('can not be delegated', async () => {
      const { staking } = shoal
      assert.equal(await staking.view('delegates', alice.address), alice.address)
      await assertReverts(staking.send(alice, 'delegate', bob.address), 'DelegationNotSupported')
      const word = `0x${'11'.repeat(32)}`
      await assertReverts(
        staking.send(alice, 'delegateBySig', bob.address, 0n, MaxUint256, 27n, word, word),
        'DelegationNotSupported',
      )
    })
  })
})
