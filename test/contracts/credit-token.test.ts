import assert from 'node:assert/strict'
import { MaxUint256, TypedDataEncoder, type Wallet, ZeroAddress } from 'ethers'
import { creditTokenBytecode } from '../../node/chain/abi/bytecode/credit-token.ts'
import { creditTokenAbi } from '../../node/chain/abi/credit-token.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { deployRelay } from './fixtures/relay.ts'
import { signPermit } from './permit.ts'
import {
  alice,
  bob,
  CREDIT,
  carol,
  DAY,
  deployer,
  deployShoal,
  EPOCH_SUPPLY,
  GENESIS_SUPPLY,
  type Shoal,
  TestChain,
} from './test-chain.ts'

/** Any contract will do as the emission contract here; this one mints for whoever calls it. */
async function deployWithEmission() {
  const { chain, creditToken } = await deployShoal()
  const emission = await deployRelay(chain, creditToken.address, creditTokenAbi)
  await creditToken.send(deployer, 'setEmission', emission.address)
  return { chain, creditToken, emission }
}

const EPOCH = 30 * DAY

describe('CreditToken', () => {
  let shoal: Shoal

  beforeEach(async () => {
    shoal = await deployShoal()
  })

  it('has a name, a symbol, 18 decimals, and the genesis supply at first', async () => {
    const { chain, creditToken } = shoal
    assert.equal(await creditToken.view('name'), 'Shoal Credit')
    assert.equal(await creditToken.view('symbol'), 'SHC')
    assert.equal(await creditToken.view('decimals'), 18n)
    assert.equal(await creditToken.view('totalSupply'), GENESIS_SUPPLY)
    assert.equal(await creditToken.view('balanceOf', deployer.address), GENESIS_SUPPLY)
    assert.equal(await creditToken.view('genesisSupply'), GENESIS_SUPPLY)
    assert.equal(await creditToken.view('epochSupply'), EPOCH_SUPPLY)
    assert.equal(await creditToken.view('EPOCH_SECONDS'), BigInt(EPOCH))
    assert.equal(await creditToken.view('genesisTime'), BigInt(chain.now))
    assert.equal(await creditToken.view('deployer'), deployer.address)
    assert.equal(await creditToken.view('emission'), ZeroAddress)
  })

  it('refuses an epoch supply of zero, supplies above 96 bits, and a genesis supply for nobody', async () => {
    const chain = await TestChain.create()
    const deploy = (...args: unknown[]) => chain.deploy(deployer, creditTokenAbi, creditTokenBytecode, args)
    const maximum = (1n << 96n) - 1n
    await assertReverts(deploy(0n, alice.address, 0n), 'ZeroEpochSupply')
    await assertReverts(deploy(maximum + 1n, alice.address, 0n), 'SupplyTooLarge', maximum + 1n, maximum)
    await assertReverts(deploy(1n, alice.address, maximum + 1n), 'SupplyTooLarge', maximum + 1n, maximum)
    await assertReverts(deploy(1n, ZeroAddress, 1n), 'ERC20InvalidReceiver', ZeroAddress)
    const largest = await deploy(maximum, alice.address, maximum)
    assert.equal(await largest.view('MAX_SUPPLY'), maximum)
    assert.equal(await largest.view('balanceOf', alice.address), maximum)
    const empty = await deploy(1n, ZeroAddress, 0n)
    assert.equal(await empty.view('totalSupply'), 0n)
  })

  it('has no owner', () => {
    const { abi } = shoal.creditToken
    for (const name of ['owner', 'transferOwnership', 'renounceOwnership', 'pause']) {
      assert.equal(abi.getFunction(name), null, name)
    }
  })

  describe('setEmission', () => {
    it('is for the deployer, for a contract, and once', async () => {
      const { creditToken, settlement, auditAnchor } = shoal
      const set = (from: Wallet, account: string) => creditToken.send(from, 'setEmission', account)
      await assertReverts(set(alice, settlement.address), 'OnlyDeployer', deployer.address)
      await assertReverts(set(deployer, alice.address), 'NotAContract', alice.address)
      await assertReverts(set(deployer, ZeroAddress), 'NotAContract', ZeroAddress)
      assertEvents(await set(deployer, settlement.address), ['EmissionSet', settlement.address])
      assert.equal(await creditToken.view('emission'), settlement.address)
      await assertReverts(set(deployer, auditAnchor.address), 'EmissionAlreadySet', settlement.address)
      await assertReverts(set(deployer, settlement.address), 'EmissionAlreadySet', settlement.address)
      await assertReverts(set(alice, auditAnchor.address), 'OnlyDeployer', deployer.address)
    })
  })

  describe('mint', () => {
    it('is for the emission contract only, the deployer is no exception', async () => {
      const { chain, creditToken } = shoal
      chain.now += EPOCH
      const mint = (from: Wallet) => creditToken.send(from, 'mint', from.address, 0n, 1n)
      await assertReverts(mint(deployer), 'OnlyEmission', ZeroAddress)
      const emission = await deployRelay(chain, creditToken.address, creditTokenAbi)
      await creditToken.send(deployer, 'setEmission', emission.address)
      await assertReverts(mint(deployer), 'OnlyEmission', emission.address)
      await assertReverts(mint(alice), 'OnlyEmission', emission.address)
      await emission.send(alice, 'mint', alice.address, 0n, 1n)
      assert.equal(await creditToken.view('balanceOf', alice.address), 1n)
    })

    it('mints up to the supply of the epoch and not a unit more', async () => {
      const { chain, creditToken, emission } = await deployWithEmission()
      const mint = (to: string, amount: bigint) => emission.send(bob, 'mint', to, 0n, amount)
      chain.now += EPOCH
      const receipt = await mint(alice.address, EPOCH_SUPPLY - 1n)
      assertEvents(
        { events: creditToken.eventsIn(receipt) },
        ['CreditsMinted', 0n, alice.address, EPOCH_SUPPLY - 1n],
        ['Transfer', ZeroAddress, alice.address, EPOCH_SUPPLY - 1n],
      )
      assert.equal(await creditToken.view('mintable', 0n), 1n)
      await assertReverts(mint(alice.address, 2n), 'EpochSupplyExceeded', 2n, 1n)
      await mint(bob.address, 1n)
      await assertReverts(mint(alice.address, 1n), 'EpochSupplyExceeded', 1n, 0n)
      await assertReverts(mint(alice.address, MaxUint256), 'EpochSupplyExceeded', MaxUint256, 0n)
      assert.equal(await creditToken.view('mintable', 0n), 0n)
      assert.equal(await creditToken.view('mintedInEpoch', 0n), EPOCH_SUPPLY)
      assert.equal(await creditToken.view('totalSupply'), GENESIS_SUPPLY + EPOCH_SUPPLY)
    })

    it('mints of an epoch from the second it is over, whatever was minted of others', async () => {
      const { chain, creditToken, emission } = await deployWithEmission()
      const genesis = chain.now
      const mint = (epoch: bigint, amount: bigint) => emission.send(bob, 'mint', alice.address, epoch, amount)
      chain.now = genesis + EPOCH - 1
      assert.equal(await creditToken.view('currentEpoch'), 0n)
      assert.equal(await creditToken.view('mintable', 0n), 0n)
      await assertReverts(mint(0n, 1n), 'EpochNotOver', 0n, 0n)
      await assertReverts(mint(1n, 1n), 'EpochNotOver', 1n, 0n)
      chain.now = genesis + EPOCH
      assert.equal(await creditToken.view('currentEpoch'), 1n)
      assert.equal(await creditToken.view('mintable', 0n), EPOCH_SUPPLY)
      assert.equal(await creditToken.view('mintable', 1n), 0n)
      await mint(0n, CREDIT)
      await assertReverts(mint(1n, 1n), 'EpochNotOver', 1n, 1n)
      chain.now = genesis + 3 * EPOCH + 5
      assert.equal(await creditToken.view('currentEpoch'), 3n)
      assert.equal(await creditToken.view('mintable', 0n), EPOCH_SUPPLY - CREDIT)
      assert.equal(await creditToken.view('mintable', 2n), EPOCH_SUPPLY)
      await mint(2n, EPOCH_SUPPLY)
      await mint(0n, EPOCH_SUPPLY - CREDIT)
      assert.equal(await creditToken.view('mintedInEpoch', 0n), EPOCH_SUPPLY)
      assert.equal(await creditToken.view('mintedInEpoch', 1n), 0n)
      assert.equal(await creditToken.view('mintedInEpoch', 2n), EPOCH_SUPPLY)
      await assertReverts(mint(MaxUint256, 1n), 'EpochNotOver', MaxUint256, 3n)
    })

    it('mints to nobody not', async () => {
      const { chain, emission } = await deployWithEmission()
      chain.now += EPOCH
      await assertReverts(
        emission.send(bob, 'mint', ZeroAddress, 0n, 1n),
        'ERC20InvalidReceiver',
        ZeroAddress,
      )
    })
  })

  describe('burn', () => {
    it("destroys the caller's own credits and gives nothing back to the epochs' supplies", async () => {
      const { chain, creditToken, emission } = await deployWithEmission()
      chain.now += EPOCH
      await emission.send(bob, 'mint', alice.address, 0n, EPOCH_SUPPLY)
      assertEvents(await creditToken.send(alice, 'burn', 3n), ['Transfer', alice.address, ZeroAddress, 3n])
      assert.equal(await creditToken.view('totalSupply'), GENESIS_SUPPLY + EPOCH_SUPPLY - 3n)
      assert.equal(await creditToken.view('mintable', 0n), 0n)
      await assertReverts(
        creditToken.send(alice, 'burn', EPOCH_SUPPLY),
        'ERC20InsufficientBalance',
        alice.address,
        EPOCH_SUPPLY - 3n,
        EPOCH_SUPPLY,
      )
    })

    it('destroys those of others only as far as they approved it', async () => {
      const { creditToken } = shoal
      await creditToken.send(deployer, 'transfer', alice.address, 10n)
      await assertReverts(
        creditToken.send(bob, 'burnFrom', alice.address, 1n),
        'ERC20InsufficientAllowance',
        bob.address,
        0n,
        1n,
      )
      await creditToken.send(alice, 'approve', bob.address, 4n)
      await creditToken.send(bob, 'burnFrom', alice.address, 4n)
      assert.equal(await creditToken.view('balanceOf', alice.address), 6n)
      assert.equal(await creditToken.view('allowance', alice.address, bob.address), 0n)
      assert.equal(await creditToken.view('totalSupply'), GENESIS_SUPPLY - 4n)
    })
  })

  describe('ERC-20', () => {
    it('moves credits and reports what is missing', async () => {
      const { creditToken } = shoal
      await creditToken.send(deployer, 'transfer', alice.address, 10n)
      await creditToken.send(alice, 'transfer', bob.address, 4n)
      assert.equal(await creditToken.view('balanceOf', alice.address), 6n)
      await assertReverts(
        creditToken.send(alice, 'transfer', bob.address, 7n),
        'ERC20InsufficientBalance',
        alice.address,
        6n,
        7n,
      )
      await creditToken.send(alice, 'approve', carol.address, 5n)
      await creditToken.send(carol, 'transferFrom', alice.address, bob.address, 5n)
      await assertReverts(
        creditToken.send(carol, 'transferFrom', alice.address, bob.address, 1n),
        'ERC20InsufficientAllowance',
        carol.address,
        0n,
        1n,
      )
      assert.equal(await creditToken.view('balanceOf', bob.address), 9n)
    })
  })

  describe('permit', () => {
    it('approves by signature, once and in time', async () => {
      const { chain, creditToken } = shoal
      const permit = await signPermit(shoal, alice, bob.address, 7n)
      const args = [alice.address, bob.address, 7n, permit.deadline, permit.v, permit.r, permit.s]
      await creditToken.send(carol, 'permit', ...args)
      assert.equal(await creditToken.view('allowance', alice.address, bob.address), 7n)
      assert.equal(await creditToken.view('nonces', alice.address), 1n)
      await assert.rejects(creditToken.send(carol, 'permit', ...args), { error: 'ERC2612InvalidSigner' })
      const late = await signPermit(shoal, alice, bob.address, 7n)
      chain.now = Number(late.deadline) + 1
      await assertReverts(
        creditToken.send(
          carol,
          'permit',
          alice.address,
          bob.address,
          7n,
          late.deadline,
          late.v,
          late.r,
          late.s,
        ),
        'ERC2612ExpiredSignature',
        late.deadline,
      )
    })

    it('has the domain that wallets compute', async () => {
      const { chain, creditToken } = shoal
      const separator = await creditToken.view('DOMAIN_SEPARATOR')
      const domain = {
        name: 'Shoal Credit',
        version: '1',
        chainId: chain.chainId,
        verifyingContract: creditToken.address,
      }
      assert.equal(separator, TypedDataEncoder.hashDomain(domain))
    })
  })
})
