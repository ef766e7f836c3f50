import assert from 'node:assert/strict'
import { AbiCoder, keccak256, MaxUint256, toBeHex, type Wallet, ZeroAddress, ZeroHash } from 'ethers'
import { emissionBytecode } from '../../node/chain/abi/bytecode/emission.ts'
import { emissionAbi } from '../../node/chain/abi/emission.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import {
  CHALLENGE_WINDOW,
  claimTree,
  deployEmission,
  type EmissionShoal,
  EPOCH,
  emissionArgs,
  governance,
  LEARNERS,
  PROPOSAL_BOND,
  PROVIDERS,
  RESOLVE_WINDOW,
  resign,
  SHARES,
  TREASURY,
} from './fixtures/emission.ts'
import { alice, bob, CREDIT, carol, DAY, deployer, EPOCH_SUPPLY, HOUR } from './test-chain.ts'

const ROOT = toBeHex(0xabcn, 32)
const CONTENT = toBeHex(0xc0ffeen, 32)
const POOL_SIZE = (EPOCH_SUPPLY * SHARES.providers) / 10_000n
/** As in IEmission. */
const status = { none: 0n, proposed: 1n, disputed: 2n, lapsed: 3n, final: 4n }
const CLAIM_EPOCHS = 12

describe('Emission', () => {
  let shoal: EmissionShoal

  /** In epoch 1, with epoch 0 to give out. */
  beforeEach(async () => {
    shoal = await deployEmission()
    shoal.chain.now = shoal.genesis + EPOCH
  })

  interface Proposal {
    from?: Wallet
    epoch?: bigint
    pool?: bigint
    root?: string
    total?: bigint
  }
  const propose = ({
    from = alice,
    epoch = 0n,
    pool = PROVIDERS,
    root = ROOT,
    total = CREDIT,
  }: Proposal = {}) => shoal.emission.send(from, 'propose', epoch, pool, root, total, CONTENT)
  const proposed = async (proposal: Proposal = {}) => (await propose(proposal)).returned as string
  const dispute = (id: string, from = bob) => shoal.emission.send(from, 'dispute', 0n, PROVIDERS, id)
  const resolve = (id: string, upheld: boolean, from = governance) =>
    shoal.emission.send(from, 'resolve', 0n, PROVIDERS, id, upheld)
  const release = (from = carol) => shoal.emission.send(from, 'release', 0n, PROVIDERS)
  const statusNow = (epoch = 0n, pool = PROVIDERS) => shoal.emission.view('statusOf', epoch, pool)
  const bondOf = (wallet: Wallet) => shoal.emission.view('bondOf', wallet.address)
  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)
  const pass = (seconds: number) => {
    shoal.chain.now += seconds
  }
  const distribution = async () => {
    const found = await shoal.emission.view<{ toObject(): Record<string, unknown> }>(
      'distributionOf',
      0n,
      PROVIDERS,
    )
    return found.toObject()
  }
  const emptyDistribution = {
    id: ZeroHash,
    root: ZeroHash,
    proposer: ZeroAddress,
    total: 0n,
    claimed: 0n,
    bond: 0n,
    deadline: 0n,
    status: status.none,
    disputer: ZeroAddress,
  }

  describe('constructor', () => {
    it('fixes contracts and windows, sets the rest, and says so', async () => {
      const { creditToken, staking, emission } = shoal
      assert.equal(await emission.view('creditToken'), creditToken.address)
      assert.equal(await emission.view('staking'), staking.address)
      assert.equal(await emission.view('owner'), governance.address)
      assert.equal(await emission.view('treasury'), TREASURY)
      assert.equal(await emission.view('challengeWindow'), BigInt(CHALLENGE_WINDOW))
      assert.equal(await emission.view('resolveWindow'), BigInt(RESOLVE_WINDOW))
      assert.equal(await emission.view('proposalBond'), PROPOSAL_BOND)
      assert.deepEqual(
        [...(await emission.view<bigint[]>('proposalBondBounds'))],
        [PROPOSAL_BOND / 10n, PROPOSAL_BOND * 10n],
      )
      assert.deepEqual([...(await emission.view<bigint[]>('sharesOf', 0n))], Object.values(SHARES))
      assert.equal(await emission.view('poolSizeDown', 0n, PROVIDERS), POOL_SIZE)
      assert.equal(await emission.view('poolSizeDown', 0n, LEARNERS), EPOCH_SUPPLY / 5n)
      assert.equal(await emission.view('treasurySizeDown', 0n), EPOCH_SUPPLY / 10n)
      assert.equal(await emission.view('BASIS_POINTS'), 10_000n)
      assert.equal(await emission.view('MAX_TREASURY_BPS'), 1_000n)
      assert.equal(await emission.view('CLAIM_EPOCHS'), BigInt(CLAIM_EPOCHS))
    })

    it('refuses what is out of bounds', async () => {
      const { chain, creditToken, staking } = shoal
      const deploy = (other: Record<string, unknown>) =>
        chain.deploy(deployer, emissionAbi, emissionBytecode, [
          ...emissionArgs(creditToken.address, staking.address, other),
        ])
      for (const name of ['creditToken', 'staking', 'treasury']) {
        await assertReverts(deploy({ [name]: ZeroAddress }), 'ZeroAddress')
      }
      await assertReverts(deploy({ owner: ZeroAddress }), 'OwnableInvalidOwner', ZeroAddress)
      const [lowest, highest] = [BigInt(HOUR), BigInt(60 * DAY)]
      for (const name of ['challengeWindow', 'resolveWindow']) {
        for (const window of [lowest - 1n, highest + 1n]) {
          await assertReverts(deploy({ [name]: window }), 'WindowOutOfBounds', window, lowest, highest)
        }
        await deploy({ [name]: lowest })
        await deploy({ [name]: highest })
      }
      const highestBond = ((1n << 96n) - 1n) / 10n
      for (const bond of [0n, 9n, highestBond + 1n]) {
        await assertReverts(deploy({ proposalBond: bond }), 'BondOutOfBounds', bond, 10n, highestBond)
      }
      await deploy({ proposalBond: 10n })
      await deploy({ proposalBond: highestBond })
      await assertReverts(deploy({ shares: [9_000n, 1_000n, 1n] }), 'SharesExceedSupply', 10_001n)
      await assertReverts(deploy({ shares: [0n, 0n, 1_001n] }), 'TreasuryShareTooLarge', 1_001n, 1_000n)
    })
  })

  describe('propose', () => {
    it('keeps what was proposed, with the bond', async () => {
      const { chain, creditToken, emission } = shoal
      const before = await tokens(alice.address)
      const receipt = await propose({ total: POOL_SIZE })
      const id = receipt.returned as string
      const finalAt = BigInt(chain.now + CHALLENGE_WINDOW)
      assert.equal(
        id,
        keccak256(
          AbiCoder.defaultAbiCoder().encode(
            ['uint256', 'uint8', 'bytes32', 'uint256', 'bytes32', 'address', 'uint256'],
            [0n, PROVIDERS, ROOT, POOL_SIZE, CONTENT, alice.address, chain.now],
          ),
        ),
      )
      assertEvents(receipt, [
        'DistributionProposed',
        0n,
        PROVIDERS,
        id,
        ROOT,
        POOL_SIZE,
        CONTENT,
        alice.address,
        PROPOSAL_BOND,
        finalAt,
      ])
      assert.deepEqual(await distribution(), {
        ...emptyDistribution,
        id,
        root: ROOT,
        proposer: alice.address,
        total: POOL_SIZE,
        bond: PROPOSAL_BOND,
        deadline: finalAt,
        status: status.proposed,
      })
      assert.equal(await tokens(alice.address), before - PROPOSAL_BOND)
      assert.equal(await creditToken.view('balanceOf', emission.address), PROPOSAL_BOND)
      assert.equal(await statusNow(), status.proposed)
      assert.equal(await statusNow(0n, LEARNERS), status.none)
    })

    it('is for active Validators', async () => {
      await assertReverts(propose({ from: deployer }), 'OnlyValidator', deployer.address)
      await assertReverts(propose({ from: governance }), 'OnlyValidator', governance.address)
      await resign(shoal, alice)
      await assertReverts(propose(), 'OnlyValidator', alice.address)
      await propose({ from: bob })
    })

    it('is of an epoch that is over and can be claimed', async () => {
      const { chain, genesis } = shoal
      await assertReverts(propose({ epoch: 1n }), 'EpochNotOver', 1n, 1n)
      await assertReverts(propose({ epoch: MaxUint256 }), 'EpochNotOver', MaxUint256, 1n)
      chain.now = genesis + EPOCH - 1
      await assertReverts(propose(), 'EpochNotOver', 0n, 0n)
      chain.now = genesis + (CLAIM_EPOCHS + 1) * EPOCH
      await assertReverts(propose(), 'ClaimsEnded', 0n, 13n)
      await propose({ epoch: 1n })
    })

    it('is neither empty nor more than the pool', async () => {
      await assertReverts(propose({ root: ZeroHash }), 'EmptyDistribution')
      await assertReverts(propose({ total: 0n }), 'EmptyDistribution')
      await assertReverts(propose({ total: POOL_SIZE + 1n }), 'PoolExceeded', POOL_SIZE + 1n, POOL_SIZE)
      await assertReverts(propose({ total: MaxUint256 }), 'PoolExceeded', MaxUint256, POOL_SIZE)
      const learners = EPOCH_SUPPLY / 5n
      await assertReverts(
        propose({ pool: LEARNERS, total: learners + 1n }),
        'PoolExceeded',
        learners + 1n,
        learners,
      )
      await propose({ pool: LEARNERS, total: learners })
    })

    it('waits for one that is proposed or disputed, and for a final one for ever', async () => {
      const id = await proposed()
      await assertReverts(propose({ from: bob }), 'DistributionExists', id)
      await dispute(id)
      await assertReverts(propose({ from: carol }), 'DistributionExists', id)
      await resolve(id, true)
      await assertReverts(propose({ from: carol }), 'DistributionExists', id)
      const other = await proposed({ pool: LEARNERS })
      pass(CHALLENGE_WINDOW)
      await assertReverts(propose({ pool: LEARNERS }), 'DistributionExists', other)
    })

    it('needs the bond', async () => {
      const { creditToken, emission } = shoal
      await creditToken.send(alice, 'approve', emission.address, PROPOSAL_BOND - 1n)
      await assertReverts(
        propose(),
        'ERC20InsufficientAllowance',
        emission.address,
        PROPOSAL_BOND - 1n,
        PROPOSAL_BOND,
      )
      assert.equal(await statusNow(), status.none)
    })
  })

  describe('dispute', () => {
    it('pledges the same bond, to the last second of the window', async () => {
      const { chain, creditToken, emission } = shoal
      const id = await proposed()
      await emission.send(governance, 'setProposalBond', PROPOSAL_BOND * 2n)
      pass(CHALLENGE_WINDOW - 1)
      const before = await tokens(bob.address)
      const lapsesAt = BigInt(chain.now + RESOLVE_WINDOW)
      assertEvents(await dispute(id), ['DistributionDisputed', 0n, PROVIDERS, id, bob.address, lapsesAt])
      assert.equal(before - (await tokens(bob.address)), PROPOSAL_BOND)
      assert.equal(await creditToken.view('balanceOf', emission.address), 2n * PROPOSAL_BOND)
      const found = await distribution()
      assert.equal(found.disputer, bob.address)
      assert.equal(found.deadline, lapsesAt)
      assert.equal(found.status, status.disputed)
    })

    it('is too late once the distribution is final', async () => {
      const id = await proposed()
      pass(CHALLENGE_WINDOW)
      await assertReverts(dispute(id), 'WrongStatus', status.final)
    })

    it('is for active Validators other than the proposer, and once', async () => {
      const id = await proposed()
      await assertReverts(dispute(id, alice), 'OwnProposal')
      await assertReverts(dispute(id, deployer), 'OnlyValidator', deployer.address)
      await resign(shoal, bob)
      await assertReverts(dispute(id), 'OnlyValidator', bob.address)
      await dispute(id, carol)
      await assertReverts(dispute(id, carol), 'WrongStatus', status.disputed)
    })

    it('is of the distribution that is meant', async () => {
      await assertReverts(dispute(ZeroHash), 'OtherDistribution', ZeroHash)
      await assertReverts(dispute(ROOT), 'OtherDistribution', ZeroHash)
      const first = await proposed()
      await assertReverts(dispute(ROOT), 'OtherDistribution', first)
      await dispute(first)
      await resolve(first, false)
      pass(1)
      const second = await proposed()
      await assertReverts(dispute(first), 'OtherDistribution', second)
      await assertReverts(
        shoal.emission.send(bob, 'dispute', 0n, LEARNERS, second),
        'OtherDistribution',
        ZeroHash,
      )
    })

    it('needs the bond', async () => {
      const { creditToken } = shoal
      const id = await proposed()
      const all = await tokens(bob.address)
      await creditToken.send(bob, 'transfer', carol.address, all)
      await assertReverts(dispute(id), 'ERC20InsufficientBalance', bob.address, 0n, PROPOSAL_BOND)
    })
  })

  describe('resolve', () => {
    const reward = PROPOSAL_BOND / 2n
    const burned = PROPOSAL_BOND - reward

    it('upholds: final at once, the disputer pays the proposer and the fire', async () => {
      const { creditToken, emission } = shoal
      const id = await proposed()
      await dispute(id)
      const supply = await creditToken.view('totalSupply')
      const receipt = await resolve(id, true)
      assertEvents(
        receipt,
        ['BondCredited', alice.address, PROPOSAL_BOND + reward],
        ['DisputeResolved', 0n, PROVIDERS, id, true, alice.address, reward, burned],
      )
      assert.equal(await statusNow(), status.final)
      assert.equal(await bondOf(alice), PROPOSAL_BOND + reward)
      assert.equal(await bondOf(bob), 0n)
      assert.equal(await creditToken.view('totalSupply'), supply - burned)
      assert.equal(await tokens(emission.address), PROPOSAL_BOND + reward)
      await assertReverts(release(), 'NothingToRelease')
      await assertReverts(resolve(id, false), 'WrongStatus', status.final)
      pass(CHALLENGE_WINDOW + RESOLVE_WINDOW)
      assert.equal(await statusNow(), status.final)
    })

    it('refuses: as if never proposed, the proposer pays', async () => {
      const { chain, emission } = shoal
      const id = await proposed()
      await dispute(id)
      pass(RESOLVE_WINDOW - 1)
      assertEvents(
        await resolve(id, false),
        ['BondCredited', bob.address, PROPOSAL_BOND + reward],
        ['DisputeResolved', 0n, PROVIDERS, id, false, bob.address, reward, burned],
      )
      assert.deepEqual(await distribution(), emptyDistribution)
      assert.equal(await bondOf(bob), PROPOSAL_BOND + reward)
      await assertReverts(resolve(id, true), 'OtherDistribution', ZeroHash)
      await assertReverts(release(), 'WrongStatus', status.none)
      chain.now += 1
      const next = await proposed({ from: carol })
      assert.notEqual(next, id)
      // A decision about the first one does not meet the second.
      await dispute(next)
      await assertReverts(resolve(id, true), 'OtherDistribution', next)
      assert.equal(await emission.view('bondOf', alice.address), 0n)
    })

    it('is for the owner, of a disputed distribution, in time', async () => {
      const id = await proposed()
      await assertReverts(resolve(id, true), 'WrongStatus', status.proposed)
      await dispute(id)
      for (const from of [alice, bob, deployer]) {
        await assertReverts(resolve(id, true, from), 'OwnableUnauthorizedAccount', from.address)
      }
      pass(RESOLVE_WINDOW)
      await assertReverts(resolve(id, true), 'WrongStatus', status.lapsed)
      await assertReverts(resolve(id, false), 'WrongStatus', status.lapsed)
    })
  })

  describe('release', () => {
    it("gives back the proposer's bond once the distribution is final, once", async () => {
      await assertReverts(release(), 'WrongStatus', status.none)
      await proposed()
      await assertReverts(release(), 'WrongStatus', status.proposed)
      pass(CHALLENGE_WINDOW)
      assertEvents(await release(), ['BondCredited', alice.address, PROPOSAL_BOND])
      await assertReverts(release(), 'NothingToRelease')
      assert.equal(await statusNow(), status.final)
      assert.equal(await bondOf(alice), PROPOSAL_BOND)
    })

    it('gives back both bonds of a dispute that nobody decided', async () => {
      const id = await proposed()
      await dispute(id)
      await assertReverts(release(), 'WrongStatus', status.disputed)
      pass(RESOLVE_WINDOW)
      assert.equal(await statusNow(), status.lapsed)
      assertEvents(
        await release(),
        ['BondCredited', alice.address, PROPOSAL_BOND],
        ['BondCredited', bob.address, PROPOSAL_BOND],
        ['DistributionLapsed', 0n, PROVIDERS, id],
      )
      assert.deepEqual(await distribution(), emptyDistribution)
      await assertReverts(release(), 'WrongStatus', status.none)
      await propose({ from: carol })
    })

    it('is done by the next proposal too, and long after the claims have ended', async () => {
      const { chain } = shoal
      const first = await proposed()
      await dispute(first)
      pass(RESOLVE_WINDOW)
      const receipt = await propose({ from: bob })
      assert.deepEqual(
        receipt.events.map(({ name }) => name),
        ['BondCredited', 'BondCredited', 'DistributionLapsed', 'DistributionProposed'],
      )
      assert.equal(await bondOf(alice), PROPOSAL_BOND)
      assert.equal(await bondOf(bob), PROPOSAL_BOND)
      const found = await distribution()
      assert.equal(found.disputer, ZeroAddress)
      assert.equal(found.proposer, bob.address)
      chain.now += 100 * EPOCH
      await release()
      assert.equal(await bondOf(bob), 2n * PROPOSAL_BOND)
    })
  })

  describe('withdrawBond', () => {
    it('pays what was credited, once, also to who is no Validator any more', async () => {
      const { emission } = shoal
      await proposed()
      await resign(shoal, alice)
      pass(CHALLENGE_WINDOW)
      await release()
      const before = await tokens(alice.address)
      const receipt = await emission.send(alice, 'withdrawBond')
      assertEvents(receipt, ['BondWithdrawn', alice.address, PROPOSAL_BOND])
      assert.equal(receipt.returned, PROPOSAL_BOND)
      assert.equal(await tokens(alice.address), before + PROPOSAL_BOND)
      assert.equal(await tokens(emission.address), 0n)
      await assertReverts(emission.send(alice, 'withdrawBond'), 'NoBond')
      await assertReverts(emission.send(bob, 'withdrawBond'), 'NoBond')
    })
  })

  describe('claim', () => {
    const claims = [
      { account: alice.address, amount: 5n * CREDIT },
      { account: bob.address, amount: 7n * CREDIT },
      { account: governance.address, amount: 1n },
    ]
    const tree = claimTree(0n, PROVIDERS, claims)
    const claim = (index: number, other: Partial<{ epoch: bigint; pool: bigint; amount: bigint }> = {}) => {
      const { account, amount } = claims[index]!
      const { epoch = 0n, pool = PROVIDERS, amount: asked = amount } = other
      return shoal.emission.send(carol, 'claim', epoch, pool, account, asked, tree.proof(index))
    }
    const finalized = async (proposal: Proposal = {}) => {
      await propose({ root: tree.root, total: tree.total, ...proposal })
      pass(CHALLENGE_WINDOW)
    }

    it('has the leaves of the npm package', async () => {
      const [single] = claims
      const { root } = claimTree(3n, LEARNERS, [single!])
      const leaf = await shoal.emission.view('leafOf', 3n, LEARNERS, single!.account, single!.amount)
      assert.equal(leaf, root)
    })

    it('mints to the account, whoever calls, once', async () => {
      const { creditToken, emission } = shoal
      await finalized()
      const before = await tokens(alice.address)
      const receipt = await claim(0)
      assertEvents(receipt, ['Claimed', 0n, PROVIDERS, alice.address, 5n * CREDIT])
      assertEvents(
        { events: creditToken.eventsIn(receipt) },
        ['CreditsMinted', 0n, alice.address, 5n * CREDIT],
        ['Transfer', ZeroAddress, alice.address, 5n * CREDIT],
      )
      assert.equal(await tokens(alice.address), before + 5n * CREDIT)
      assert.equal(await emission.view('isClaimed', 0n, PROVIDERS, alice.address), true)
      assert.equal(await emission.view('isClaimed', 0n, LEARNERS, alice.address), false)
      assert.equal(await emission.view('isClaimed', 0n, PROVIDERS, bob.address), false)
      await assertReverts(claim(0), 'AlreadyClaimed', alice.address)
      await claim(1)
      await claim(2)
      assert.equal(await creditToken.view('mintedInEpoch', 0n), tree.total)
      assert.equal((await distribution()).claimed, tree.total)
    })

    it('waits until the distribution is final', async () => {
      await assertReverts(claim(0), 'WrongStatus', status.none)
      const id = await proposed({ root: tree.root, total: tree.total })
      pass(CHALLENGE_WINDOW - 1)
      await assertReverts(claim(0), 'WrongStatus', status.proposed)
      await dispute(id)
      await assertReverts(claim(0), 'WrongStatus', status.disputed)
      pass(RESOLVE_WINDOW)
      await assertReverts(claim(0), 'WrongStatus', status.lapsed)
      const next = await proposed({ root: tree.root, total: tree.total })
      await dispute(next)
      await resolve(next, true)
      await claim(0)
    })

    it("refuses another amount, another's proof, another pool's and epoch's", async () => {
      const { emission, chain, genesis } = shoal
      chain.now = genesis + 2 * EPOCH
      await propose({ root: tree.root, total: tree.total })
      await propose({ root: tree.root, total: tree.total, pool: LEARNERS })
      await propose({ root: tree.root, total: tree.total, epoch: 1n })
      pass(CHALLENGE_WINDOW)
      await assertReverts(claim(0, { amount: 5n * CREDIT + 1n }), 'InvalidProof')
      await assertReverts(claim(0, { pool: LEARNERS }), 'InvalidProof')
      await assertReverts(claim(0, { epoch: 1n }), 'InvalidProof')
      await assertReverts(
        emission.send(alice, 'claim', 0n, PROVIDERS, alice.address, 5n * CREDIT, tree.proof(1)),
        'InvalidProof',
      )
      await assertReverts(
        emission.send(alice, 'claim', 0n, PROVIDERS, carol.address, 5n * CREDIT, tree.proof(0)),
        'InvalidProof',
      )
      await assertReverts(
        emission.send(alice, 'claim', 0n, PROVIDERS, alice.address, 5n * CREDIT, []),
        'InvalidProof',
      )
      await claim(0)
    })

    it('pays leaves that add up to more than the total until it is reached', async () => {
      await finalized({ total: 11n * CREDIT })
      await claim(1)
      await assertReverts(claim(0), 'TotalExceeded', 5n * CREDIT, 4n * CREDIT)
      await claim(2)
      assert.equal((await distribution()).claimed, 7n * CREDIT + 1n)
    })

    it('pays an account once, though the tree has it twice', async () => {
      const { emission } = shoal
      const twice = [1n, 2n].map(amount => ({ account: alice.address, amount }))
      const other = claimTree(0n, PROVIDERS, twice)
      await finalized({ root: other.root, total: other.total })
      await emission.send(alice, 'claim', 0n, PROVIDERS, alice.address, 1n, other.proof(0))
      await assertReverts(
        emission.send(alice, 'claim', 0n, PROVIDERS, alice.address, 2n, other.proof(1)),
        'AlreadyClaimed',
        alice.address,
      )
    })

    it('pays nobody not', async () => {
      const { emission } = shoal
      const nobody = claimTree(0n, PROVIDERS, [{ account: ZeroAddress, amount: 1n }])
      await finalized({ root: nobody.root, total: 1n })
      await assertReverts(
        emission.send(alice, 'claim', 0n, PROVIDERS, ZeroAddress, 1n, []),
        'ERC20InvalidReceiver',
        ZeroAddress,
      )
    })

    it('ends 12 epochs after the epoch', async () => {
      const { chain, genesis } = shoal
      await finalized()
      chain.now = genesis + 13 * EPOCH - 1
      await claim(0)
      chain.now = genesis + 13 * EPOCH
      await assertReverts(claim(1), 'ClaimsEnded', 0n, 13n)
      await assertReverts(claim(0, { epoch: 13n }), 'EpochNotOver', 13n, 13n)
      assert.equal(await shoal.creditToken.view('mintedInEpoch', 0n), 5n * CREDIT)
    })
  })

  describe('claimTreasury', () => {
    const claimTreasury = (epoch = 0n) => shoal.emission.send(carol, 'claimTreasury', epoch)

    it('mints the share to the treasury, once an epoch', async () => {
      const receipt = await claimTreasury()
      const amount = EPOCH_SUPPLY / 10n
      assertEvents(receipt, ['TreasuryClaimed', 0n, TREASURY, amount])
      assert.equal(receipt.returned, amount)
      assert.equal(await tokens(TREASURY), amount)
      assert.equal(await shoal.emission.view('isTreasuryClaimed', 0n), true)
      assert.equal(await shoal.emission.view('isTreasuryClaimed', 1n), false)
      await assertReverts(claimTreasury(), 'TreasuryAlreadyClaimed', 0n)
      pass(EPOCH)
      await claimTreasury(1n)
      assert.equal(await tokens(TREASURY), 2n * amount)
    })

    it('is of an epoch that is over, for 12 epochs', async () => {
      const { chain, genesis } = shoal
      await assertReverts(claimTreasury(1n), 'EpochNotOver', 1n, 1n)
      chain.now = genesis + 13 * EPOCH
      await assertReverts(claimTreasury(), 'ClaimsEnded', 0n, 13n)
      await claimTreasury(1n)
    })
  })

  describe('setShares', () => {
    const setShares = (shares: readonly bigint[], from = governance) =>
      shoal.emission.send(from, 'setShares', shares)
    const sharesOf = async (epoch: bigint) => [...(await shoal.emission.view<bigint[]>('sharesOf', epoch))]

    it('holds from the next epoch on, and can be set anew until that begins', async () => {
      const { emission } = shoal
      const [event] = (await setShares([1n, 2n, 3n])).events
      assert.equal(event!.name, 'SharesSet')
      assert.equal(event!.args.fromEpoch, 2n)
      assert.deepEqual([...event!.args.shares], [1n, 2n, 3n])
      assert.deepEqual(await sharesOf(1n), Object.values(SHARES))
      assert.deepEqual(await sharesOf(2n), [1n, 2n, 3n])
      await setShares([9_000n, 0n, 1_000n])
      assert.deepEqual(await sharesOf(2n), [9_000n, 0n, 1_000n])
      pass(EPOCH)
      await setShares([0n, 10_000n, 0n])
      assert.deepEqual(await sharesOf(0n), Object.values(SHARES))
      assert.deepEqual(await sharesOf(1n), Object.values(SHARES))
      assert.deepEqual(await sharesOf(2n), [9_000n, 0n, 1_000n])
      assert.deepEqual(await sharesOf(3n), [0n, 10_000n, 0n])
      assert.deepEqual(await sharesOf(MaxUint256), [0n, 10_000n, 0n])
      assert.equal(await emission.view('poolSizeDown', 3n, PROVIDERS), 0n)
      assert.equal(await emission.view('poolSizeDown', 3n, LEARNERS), EPOCH_SUPPLY)
      assert.equal(await emission.view('treasurySizeDown', 3n), 0n)
    })

    it('is for the owner, within the supply and the bound of the treasury', async () => {
      await assertReverts(setShares([0n, 0n, 0n], alice), 'OwnableUnauthorizedAccount', alice.address)
      await assertReverts(setShares([5_000n, 4_001n, 1_000n]), 'SharesExceedSupply', 10_001n)
      await assertReverts(setShares([65_535n, 65_535n, 65_535n]), 'SharesExceedSupply', 3n * 65_535n)
      await assertReverts(setShares([0n, 0n, 1_001n]), 'TreasuryShareTooLarge', 1_001n, 1_000n)
      await setShares([0n, 0n, 0n])
      pass(2 * EPOCH)
      await assertReverts(propose({ epoch: 2n, total: 1n }), 'PoolExceeded', 1n, 0n)
    })
  })

  describe('setProposalBond', () => {
    it('is for the owner, within a tenth and ten times the first', async () => {
      const { emission } = shoal
      const set = (bond: bigint, from = governance) => emission.send(from, 'setProposalBond', bond)
      const [lowest, highest] = [PROPOSAL_BOND / 10n, PROPOSAL_BOND * 10n]
      await assertReverts(set(lowest, bob), 'OwnableUnauthorizedAccount', bob.address)
      await assertReverts(set(lowest - 1n), 'BondOutOfBounds', lowest - 1n, lowest, highest)
      await assertReverts(set(highest + 1n), 'BondOutOfBounds', highest + 1n, lowest, highest)
      await set(highest)
      assertEvents(await set(lowest), ['ProposalBondSet', lowest])
      await propose()
      assert.equal((await distribution()).bond, lowest)
    })
  })

  describe('setTreasury', () => {
    it('is for the owner, and never nobody', async () => {
      const { emission } = shoal
      const set = (account: string, from = governance) => emission.send(from, 'setTreasury', account)
      await assertReverts(set(bob.address, bob), 'OwnableUnauthorizedAccount', bob.address)
      await assertReverts(set(ZeroAddress), 'ZeroAddress')
      assertEvents(await set(deployer.address), ['TreasurySet', deployer.address])
      const before = await tokens(deployer.address)
      await emission.send(alice, 'claimTreasury', 0n)
      assert.equal(await tokens(deployer.address), before + EPOCH_SUPPLY / 10n)
    })
  })
})
