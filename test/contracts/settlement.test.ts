import assert from 'node:assert/strict'
import { toBeHex, ZeroAddress, ZeroHash } from 'ethers'
import { settlementBytecode } from '../../node/chain/abi/bytecode/settlement.ts'
import { settlementAbi } from '../../node/chain/abi/settlement.ts'
import { channelIdOf } from '../../protocol/typed-data.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { signPermit } from './permit.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  carol,
  DAY,
  deployer,
  deployShoal,
  pauser,
  type Shoal,
  session,
} from './test-chain.ts'
import { malleated, type SignedVoucher, signClose, signVoucher } from './vouchers.ts'

const SALT = toBeHex(1n, 32)
const OTHER_SALT = toBeHex(2n, 32)
const FUNDS = 1_000n * CREDIT
const DEPOSIT = 100n * CREDIT
const UNKNOWN = toBeHex(0xdeadn, 32)

/** A contract that confirms every signature: it answers any call with ERC-1271's selector. */
const CONFIRMING_CODE = '0x631626ba7e60e01b5f5260205ff3'
/** Creates a contract with the code that follows. */
const CREATION_CODE = '0x600e600b5f39600e5ff3fe'
const PAUSE = 14 * DAY

/** As in IChannels. */
const outcome = { settled: 0n, unknownChannel: 1n, channelClosed: 2n, nothingNew: 3n, badSignature: 4n }
const status = { none: 0n, open: 1n, closing: 2n, closed: 3n }

describe('Settlement', () => {
  let shoal: Shoal
  let expiresAt: bigint

  beforeEach(async () => {
    shoal = await deployShoal()
    const { chain, creditToken, settlement } = shoal
    expiresAt = BigInt(chain.now + 10 * DAY)
    await creditToken.send(deployer, 'transfer', alice.address, FUNDS)
    await creditToken.send(alice, 'approve', settlement.address, FUNDS)
  })

  const balance = (account: string) => shoal.settlement.view('balanceOf', account)
  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)
  const idOf = (payee = bob.address, salt = SALT) =>
    shoal.settlement.view<string>('channelIdOf', alice.address, payee, salt)
  const depositAndOpen = (amount = DEPOSIT, salt = SALT, payee = bob.address) =>
    shoal.settlement.send(alice, 'depositAndOpen', payee, session.address, salt, expiresAt, amount)
  const opened = async (amount = DEPOSIT, salt = SALT, payee = bob.address) => {
    await depositAndOpen(amount, salt, payee)
    return await idOf(payee, salt)
  }
  const settle = (...vouchers: SignedVoucher[]) => shoal.settlement.send(carol, 'settleMany', vouchers)
  const voucher = (channelId: string, amount: bigint, signer = session) =>
    signVoucher(shoal, signer, channelId, amount)
  const channelOf = async (channelId: string) => {
    const channel = await shoal.settlement.view<{ toObject(): Record<string, unknown> }>(
      'channelOf',
      channelId,
    )
    return channel.toObject()
  }

  it('is fixed to a token, a Staking, a pauser and a delay', async () => {
    const { creditToken, settlement, staking } = shoal
    assert.equal(await settlement.view('creditToken'), creditToken.address)
    assert.equal(await settlement.view('staking'), staking.address)
    assert.equal(await settlement.view('pauser'), pauser.address)
    assert.equal(await settlement.view('closeDelay'), BigInt(CLOSE_DELAY))
  })

  it('is not deployed without a token or a Staking, or with a delay that is none or too long', async () => {
    const { chain } = shoal
    const deploy = (token: string, staking: string, delay: bigint) =>
      chain.deploy(deployer, settlementAbi, settlementBytecode, [token, staking, ZeroAddress, delay])
    const longest = BigInt(30 * DAY)
    await assertReverts(deploy(ZeroAddress, bob.address, 1n), 'ZeroAddress')
    await assertReverts(deploy(bob.address, ZeroAddress, 1n), 'ZeroAddress')
    for (const delay of [0n, longest + 1n]) {
      await assertReverts(deploy(bob.address, bob.address, delay), 'CloseDelayOutOfRange', delay, longest)
    }
    for (const delay of [1n, longest]) {
      const settlement = await deploy(bob.address, bob.address, delay)
      assert.equal(await settlement.view('closeDelay'), delay)
      assert.equal(await settlement.view('MAX_CLOSE_DELAY'), longest)
    }
  })

  it('says in which domain vouchers are signed', async () => {
    const { chain, settlement } = shoal
    const [, name, version, chainId, contract] = await settlement.view<unknown[]>('eip712Domain')
    assert.deepEqual(
      [name, version, chainId, contract],
      ['Shoal Settlement', '1', BigInt(chain.chainId), settlement.address],
    )
  })

  describe('deposit', () => {
    it('moves credits into a balance, also of another account', async () => {
      const { settlement } = shoal
      assertEvents(await settlement.send(alice, 'deposit', alice.address, 5n), [
        'Deposited',
        alice.address,
        alice.address,
        5n,
      ])
      assertEvents(await settlement.send(alice, 'deposit', bob.address, 7n), [
        'Deposited',
        bob.address,
        alice.address,
        7n,
      ])
      assert.equal(await balance(alice.address), 5n)
      assert.equal(await balance(bob.address), 7n)
      assert.equal(await tokens(settlement.address), 12n)
      assert.equal(await tokens(alice.address), FUNDS - 12n)
    })

    it('refuses nobody, nothing, and what was not approved', async () => {
      const { settlement } = shoal
      await assertReverts(settlement.send(alice, 'deposit', ZeroAddress, 1n), 'ZeroAddress')
      await assertReverts(settlement.send(alice, 'deposit', alice.address, 0n), 'ZeroAmount')
      await assertReverts(
        settlement.send(bob, 'deposit', bob.address, 1n),
        'ERC20InsufficientAllowance',
        settlement.address,
        0n,
        1n,
      )
    })

    it('takes a permit in the same transaction', async () => {
      const { creditToken, settlement } = shoal
      await creditToken.send(alice, 'transfer', carol.address, 10n)
      const permit = await signPermit(shoal, carol, settlement.address, 10n)
      assertEvents(await settlement.send(carol, 'depositWithPermit', bob.address, 10n, permit), [
        'Deposited',
        bob.address,
        carol.address,
        10n,
      ])
      assert.equal(await balance(bob.address), 10n)
      assert.equal(await tokens(carol.address), 0n)
    })

    it('takes a permit that somebody else has already submitted', async () => {
      const { creditToken, settlement } = shoal
      await creditToken.send(alice, 'transfer', carol.address, 10n)
      const permit = await signPermit(shoal, carol, settlement.address, 10n)
      const { value, deadline, v, r, s } = permit
      await creditToken.send(bob, 'permit', carol.address, settlement.address, value, deadline, v, r, s)
      await settlement.send(carol, 'depositWithPermit', bob.address, 10n, permit)
      assert.equal(await balance(bob.address), 10n)
      const next = await signPermit(shoal, carol, settlement.address, 10n)
      await assertReverts(settlement.send(carol, 'depositWithPermit', bob.address, 0n, next), 'ZeroAmount')
      await assertReverts(settlement.send(carol, 'depositWithPermit', ZeroAddress, 1n, next), 'ZeroAddress')
      await assertReverts(
        settlement.send(carol, 'depositWithPermit', bob.address, 11n, { ...next, s: SALT }),
        'ERC20InsufficientAllowance',
        settlement.address,
        0n,
        11n,
      )
    })
  })

  describe('withdraw', () => {
    it('pays out, also to another account', async () => {
      const { settlement } = shoal
      await settlement.send(alice, 'deposit', alice.address, 10n)
      assertEvents(await settlement.send(alice, 'withdraw', bob.address, 4n), [
        'Withdrawn',
        alice.address,
        bob.address,
        4n,
      ])
      assert.equal(await balance(alice.address), 6n)
      assert.equal(await tokens(bob.address), 4n)
    })

    it('refuses nobody, nothing, and more than there is', async () => {
      const { settlement } = shoal
      await settlement.send(alice, 'deposit', alice.address, 10n)
      await assertReverts(settlement.send(alice, 'withdraw', ZeroAddress, 1n), 'ZeroAddress')
      await assertReverts(settlement.send(alice, 'withdraw', alice.address, 0n), 'ZeroAmount')
      await assertReverts(
        settlement.send(alice, 'withdraw', alice.address, 11n),
        'InsufficientBalance',
        11n,
        10n,
      )
      await assertReverts(settlement.send(bob, 'withdraw', bob.address, 1n), 'InsufficientBalance', 1n, 0n)
    })
  })

  describe('open', () => {
    const open = (...args: unknown[]) => shoal.settlement.send(alice, 'open', ...args)
    const args = () => [bob.address, session.address, SALT, expiresAt, DEPOSIT]

    it('locks money of the internal balance under an id known before', async () => {
      const { chain, settlement } = shoal
      await settlement.send(alice, 'deposit', alice.address, FUNDS)
      const id = await idOf()
      const domain = { chainId: chain.chainId, settlement: settlement.address as `0x${string}` }
      const hex = (text: string) => text as `0x${string}`
      assert.equal(id, channelIdOf(domain, hex(alice.address), hex(bob.address), hex(SALT)))
      assert.equal(await settlement.view('statusOf', id), status.none)
      const receipt = await open(...args())
      assertEvents(receipt, [
        'ChannelOpened',
        id,
        alice.address,
        bob.address,
        session.address,
        SALT,
        expiresAt,
        DEPOSIT,
      ])
      assert.equal(receipt.returned, id)
      assert.equal(await balance(alice.address), FUNDS - DEPOSIT)
      assert.equal(await settlement.view('statusOf', id), status.open)
      assert.equal(await settlement.view('closableAt', id), expiresAt)
      assert.deepEqual(await channelOf(id), {
        payer: alice.address,
        deposit: DEPOSIT,
        payee: bob.address,
        claimed: 0n,
        signer: session.address,
        expiresAt,
        closesAt: 0n,
      })
    })

    it('refuses what would not make a channel', async () => {
      const { chain, settlement } = shoal
      const earliest = BigInt(chain.now + CLOSE_DELAY)
      await assertReverts(open(ZeroAddress, session.address, SALT, expiresAt, DEPOSIT), 'ZeroAddress')
      await assertReverts(open(bob.address, ZeroAddress, SALT, expiresAt, DEPOSIT), 'ZeroAddress')
      await assertReverts(open(bob.address, session.address, SALT, expiresAt, 0n), 'ZeroAmount')
      await assertReverts(
        open(bob.address, session.address, SALT, earliest - 1n, DEPOSIT),
        'ExpiryTooEarly',
        earliest,
        earliest - 1n,
      )
      await assertReverts(open(...args()), 'InsufficientBalance', DEPOSIT, 0n)
      await settlement.send(alice, 'deposit', alice.address, DEPOSIT)
      await open(bob.address, session.address, SALT, earliest, DEPOSIT)
      const id = await idOf()
      await assertReverts(open(...args()), 'ChannelExists', id)
      const tooMuch = 1n << 96n
      await assertReverts(
        open(bob.address, session.address, OTHER_SALT, expiresAt, tooMuch),
        'SafeCastOverflowedUintDowncast',
        96n,
        tooMuch,
      )
    })

    it('opens several channels of a pair, and never one twice, not even a closed one', async () => {
      const id = await opened()
      await opened(1n, OTHER_SALT)
      await shoal.settlement.send(bob, 'closeByPayee', id)
      await assertReverts(depositAndOpen(), 'ChannelExists', id)
    })
  })

  describe('depositAndOpen', () => {
    it('pulls only what the internal balance lacks', async () => {
      const { settlement } = shoal
      await settlement.send(alice, 'deposit', alice.address, 30n)
      const id = await idOf()
      assertEvents(
        await depositAndOpen(50n),
        ['ChannelOpened', id, alice.address, bob.address, session.address, SALT, expiresAt, 50n],
        ['Deposited', alice.address, alice.address, 20n],
      )
      assert.equal(await balance(alice.address), 0n)
      assert.equal(await tokens(settlement.address), 50n)
      await settlement.send(alice, 'deposit', alice.address, 60n)
      const before = await tokens(alice.address)
      await depositAndOpen(50n, OTHER_SALT)
      assert.equal(await balance(alice.address), 10n)
      assert.equal(await tokens(alice.address), before)
    })

    it('fails whole when the tokens are not there', async () => {
      const { creditToken, settlement } = shoal
      await creditToken.send(alice, 'approve', settlement.address, DEPOSIT - 1n)
      await assertReverts(
        depositAndOpen(),
        'ERC20InsufficientAllowance',
        settlement.address,
        DEPOSIT - 1n,
        DEPOSIT,
      )
      assert.equal(await settlement.view('statusOf', await idOf()), status.none)
      await assertReverts(depositAndOpen(0n), 'ZeroAmount')
    })

    it('takes a permit in the same transaction', async () => {
      const { creditToken, settlement } = shoal
      await creditToken.send(alice, 'approve', settlement.address, 0n)
      const permit = await signPermit(shoal, alice, settlement.address, DEPOSIT)
      const args = [bob.address, session.address, SALT, expiresAt, DEPOSIT]
      const receipt = await settlement.send(alice, 'depositWithPermitAndOpen', ...args, permit)
      const id = await idOf()
      assert.equal(receipt.returned, id)
      assert.equal(await tokens(settlement.address), DEPOSIT)
      await assertReverts(
        settlement.send(alice, 'depositWithPermitAndOpen', ...args, permit),
        'ChannelExists',
        id,
      )
    })
  })

  describe('topUp', () => {
    it('locks more, from the balance or with what it lacks', async () => {
      const { settlement } = shoal
      const id = await opened()
      await settlement.send(alice, 'deposit', alice.address, 10n)
      assertEvents(await settlement.send(alice, 'topUp', id, 4n), ['ChannelToppedUp', id, 4n, DEPOSIT + 4n])
      assert.equal(await balance(alice.address), 6n)
      assertEvents(
        await settlement.send(alice, 'depositAndTopUp', id, 9n),
        ['ChannelToppedUp', id, 9n, DEPOSIT + 13n],
        ['Deposited', alice.address, alice.address, 3n],
      )
      assert.equal(await balance(alice.address), 0n)
      assert.equal((await channelOf(id)).deposit, DEPOSIT + 13n)
    })

    it('refuses nothing, strangers, and channels that are not open', async () => {
      const { settlement } = shoal
      const id = await opened()
      for (const name of ['topUp', 'depositAndTopUp']) {
        await assertReverts(settlement.send(alice, name, id, 0n), 'ZeroAmount')
        await assertReverts(settlement.send(alice, name, UNKNOWN, 1n), 'ChannelUnknown', UNKNOWN)
        await assertReverts(settlement.send(bob, name, id, 1n), 'OnlyPayer', alice.address)
      }
      await assertReverts(settlement.send(alice, 'topUp', id, 1n), 'InsufficientBalance', 1n, 0n)
      await settlement.send(alice, 'startClose', id)
      await assertReverts(settlement.send(alice, 'topUp', id, 1n), 'ChannelAlreadyClosing', id)
      await settlement.send(bob, 'closeByPayee', id)
      await assertReverts(settlement.send(alice, 'topUp', id, 1n), 'ChannelAlreadyClosed', id)
    })
  })

  describe('settleMany', () => {
    it('pays what is new, to the payee, whoever calls', async () => {
      const id = await opened()
      const first = await settle(await voucher(id, 10n))
      assertEvents(first, ['VoucherSettled', id, bob.address, 10n, 10n])
      assert.deepEqual([...(first.returned as unknown[])].flat(), [10n, outcome.settled])
      const second = await settle(await voucher(id, 25n))
      assertEvents(second, ['VoucherSettled', id, bob.address, 15n, 25n])
      assert.equal(await balance(bob.address), 25n)
      assert.equal(await balance(carol.address), 0n)
      assert.equal((await channelOf(id)).claimed, 25n)
    })

    it('pays a voucher once, and nothing for a smaller one', async () => {
      const id = await opened()
      const voucher10 = await voucher(id, 10n)
      await settle(voucher10)
      assertEvents(
        await settle(voucher10, await voucher(id, 9n), await voucher(id, 0n)),
        ['VoucherSkipped', id, 0n, outcome.nothingNew],
        ['VoucherSkipped', id, 1n, outcome.nothingNew],
        ['VoucherSkipped', id, 2n, outcome.nothingNew],
      )
      assert.equal(await balance(bob.address), 10n)
    })

    it('pays up to the deposit, and the rest after a top up', async () => {
      const { settlement } = shoal
      const id = await opened(100n)
      const big = await voucher(id, 130n)
      assertEvents(await settle(big), ['VoucherSettled', id, bob.address, 100n, 100n])
      assertEvents(await settle(big), ['VoucherSkipped', id, 0n, outcome.nothingNew])
      await settlement.send(alice, 'depositAndTopUp', id, 20n)
      assertEvents(await settle(big), ['VoucherSettled', id, bob.address, 20n, 120n])
      const huge = await voucher(id, (1n << 256n) - 1n)
      await settlement.send(alice, 'depositAndTopUp', id, 5n)
      assertEvents(await settle(huge), ['VoucherSettled', id, bob.address, 5n, 125n])
      assert.equal(await balance(bob.address), 125n)
    })

    it('skips the bad ones of a batch, says why, and pays the others', async () => {
      const { settlement } = shoal
      const id = await opened()
      const other = await opened(50n, OTHER_SALT, carol.address)
      const closed = await opened(50n, OTHER_SALT)
      const closedVoucher = await voucher(closed, 5n)
      await settlement.send(bob, 'closeByPayee', closed)
      const good = await voucher(id, 10n)
      const receipt = await settle(
        await voucher(UNKNOWN, 10n),
        { ...good, signature: '0x' },
        closedVoucher,
        { ...good, cumulativeAmount: 11n },
        good,
        await voucher(id, 20n, alice),
        good,
        await voucher(other, 7n),
        { ...good, cumulativeAmount: 12n, signature: `0x${'ff'.repeat(65)}` },
        { ...good, cumulativeAmount: 12n, signature: `0x${'00'.repeat(65)}` },
        await voucher(id, 15n),
      )
      assertEvents(
        receipt,
        ['VoucherSkipped', UNKNOWN, 0n, outcome.unknownChannel],
        ['VoucherSkipped', id, 1n, outcome.badSignature],
        ['VoucherSkipped', closed, 2n, outcome.channelClosed],
        ['VoucherSkipped', id, 3n, outcome.badSignature],
        ['VoucherSettled', id, bob.address, 10n, 10n],
        ['VoucherSkipped', id, 5n, outcome.badSignature],
        ['VoucherSkipped', id, 6n, outcome.nothingNew],
        ['VoucherSettled', other, carol.address, 7n, 7n],
        ['VoucherSkipped', id, 8n, outcome.badSignature],
        ['VoucherSkipped', id, 9n, outcome.badSignature],
        ['VoucherSettled', id, bob.address, 5n, 15n],
      )
      const [total, outcomes] = receipt.returned as [bigint, bigint[]]
      assert.equal(total, 22n)
      assert.deepEqual([...outcomes], [1n, 4n, 2n, 4n, 0n, 4n, 3n, 0n, 4n, 4n, 0n])
    })

    it('takes an empty batch', async () => {
      const receipt = await settle()
      assertEvents(receipt)
      assert.equal((receipt.returned as [bigint])[0], 0n)
    })

    it('refuses malleable and shortened signatures', async () => {
      const id = await opened()
      const good = await voucher(id, 10n)
      const compact = `0x${good.signature.slice(2, 130)}`
      assertEvents(
        await settle(
          { ...good, signature: malleated(good.signature) },
          { ...good, signature: compact },
          { ...good, signature: `${good.signature}00` },
          {
            ...good,
            signature: `${good.signature.slice(0, 130)}${good.signature.endsWith('1b') ? '00' : '01'}`,
          },
        ),
        ...[0n, 1n, 2n, 3n].map(index => ['VoucherSkipped', id, index, outcome.badSignature] as const),
      )
      assertEvents(await settle(good), ['VoucherSettled', id, bob.address, 10n, 10n])
    })

    it('refuses vouchers of other channels, contracts, chains and domains', async () => {
      const { chain, creditToken } = shoal
      const id = await opened()
      const other = await opened(DEPOSIT, OTHER_SALT)
      const second = await chain.deploy(deployer, settlementAbi, settlementBytecode, [
        creditToken.address,
        bob.address,
        ZeroAddress,
        CLOSE_DELAY,
      ])
      const foreign = [
        { ...(await voucher(other, 10n)), channelId: id },
        await signVoucher(shoal, session, id, 10n, { verifyingContract: second.address }),
        await signVoucher(shoal, session, id, 10n, { chainId: chain.chainId + 1 }),
        await signVoucher(shoal, session, id, 10n, { name: 'Other Settlement' }),
        await signVoucher(shoal, session, id, 10n, { version: '2' }),
      ]
      assertEvents(
        await settle(...foreign),
        ...foreign.map((_, index) => ['VoucherSkipped', id, BigInt(index), outcome.badSignature] as const),
      )
      const elsewhere = await second.view('channelIdOf', alice.address, bob.address, SALT)
      assert.notEqual(elsewhere, id)
    })

    it('gives equal channels on other chains other ids', async () => {
      const elsewhere = await deployShoal(8453)
      assert.equal(elsewhere.settlement.address, shoal.settlement.address)
      const there = await elsewhere.settlement.view('channelIdOf', alice.address, bob.address, SALT)
      assert.notEqual(there, await idOf())
    })
  })

  describe('closing by the payer', () => {
    it('takes the delay, during which the payee still claims', async () => {
      const { chain, settlement } = shoal
      const id = await opened()
      await settle(await voucher(id, 10n))
      const closesAt = BigInt(chain.now + CLOSE_DELAY)
      assertEvents(await settlement.send(alice, 'startClose', id), ['ChannelClosing', id, closesAt])
      assert.equal(await settlement.view('statusOf', id), status.closing)
      assert.equal(await settlement.view('closableAt', id), closesAt)
      chain.now = Number(closesAt) - 1
      await assertReverts(settlement.send(alice, 'finishClose', id), 'CloseTooEarly', closesAt)
      assertEvents(await settle(await voucher(id, 15n)), ['VoucherSettled', id, bob.address, 5n, 15n])
      chain.now = Number(closesAt)
      assertEvents(await settle(await voucher(id, 16n)), ['VoucherSettled', id, bob.address, 1n, 16n])
      const receipt = await settlement.send(alice, 'finishClose', id)
      assertEvents(receipt, ['ChannelClosed', id, 16n, DEPOSIT - 16n])
      assert.equal(receipt.returned, DEPOSIT - 16n)
      assert.equal(await balance(alice.address), DEPOSIT - 16n)
      assert.equal(await balance(bob.address), 16n)
      assert.equal(await settlement.view('statusOf', id), status.closed)
      const kept = await settlement.view<Record<string, unknown>>('channelOf', id)
      assert.deepEqual([kept.deposit, kept.claimed], [DEPOSIT, 16n])
      assert.deepEqual([kept.signer, kept.expiresAt, kept.closesAt], [ZeroAddress, 0n, 0n])
      assertEvents(await settle(await voucher(id, 20n)), ['VoucherSkipped', id, 0n, outcome.channelClosed])
    })

    it('needs no announcement and no delay once the channel has expired', async () => {
      const { chain, settlement } = shoal
      const id = await opened()
      chain.now = Number(expiresAt) - 1
      await assertReverts(settlement.send(alice, 'finishClose', id), 'CloseTooEarly', expiresAt)
      chain.now = Number(expiresAt)
      assertEvents(await settlement.send(alice, 'finishClose', id), ['ChannelClosed', id, 0n, DEPOSIT])
    })

    it('is over at the expiry when that is sooner than the delay', async () => {
      const { chain, settlement } = shoal
      const id = await opened()
      chain.now = Number(expiresAt) - 10
      assertEvents(await settlement.send(alice, 'startClose', id), ['ChannelClosing', id, expiresAt])
      assert.equal(await settlement.view('closableAt', id), expiresAt)
      chain.now = Number(expiresAt)
      await settlement.send(alice, 'finishClose', id)
    })

    it('still pays vouchers after the expiry as long as it is not closed', async () => {
      const { chain } = shoal
      const id = await opened()
      chain.now = Number(expiresAt) + DAY
      assertEvents(await settle(await voucher(id, 10n)), ['VoucherSettled', id, bob.address, 10n, 10n])
    })

    it('refuses strangers, repetition, and what is not there', async () => {
      const { chain, settlement } = shoal
      const id = await opened()
      for (const name of ['startClose', 'finishClose']) {
        await assertReverts(settlement.send(bob, name, id), 'OnlyPayer', alice.address)
        await assertReverts(settlement.send(alice, name, UNKNOWN), 'ChannelUnknown', UNKNOWN)
      }
      await assertReverts(settlement.view('closableAt', UNKNOWN), 'ChannelUnknown', UNKNOWN)
      await settlement.send(alice, 'startClose', id)
      await assertReverts(settlement.send(alice, 'startClose', id), 'ChannelAlreadyClosing', id)
      chain.now += CLOSE_DELAY
      await settlement.send(alice, 'finishClose', id)
      for (const name of ['startClose', 'finishClose']) {
        await assertReverts(settlement.send(alice, name, id), 'ChannelAlreadyClosed', id)
      }
      await assertReverts(settlement.view('closableAt', id), 'ChannelAlreadyClosed', id)
    })
  })

  describe('closing by the payee', () => {
    it('gives the rest back at once and keeps what was claimed', async () => {
      const { settlement } = shoal
      const id = await opened()
      await settle(await voucher(id, 10n))
      const receipt = await settlement.send(bob, 'closeByPayee', id)
      assertEvents(receipt, ['ChannelClosed', id, 10n, DEPOSIT - 10n])
      assert.equal(receipt.returned, DEPOSIT - 10n)
      assert.equal(await balance(alice.address), DEPOSIT - 10n)
      assert.deepEqual(await channelOf(id), {
        payer: alice.address,
        deposit: DEPOSIT,
        payee: bob.address,
        claimed: 10n,
        signer: ZeroAddress,
        expiresAt: 0n,
        closesAt: 0n,
      })
    })

    it('has nothing to give back from a used-up channel, and works while it closes', async () => {
      const { settlement } = shoal
      const id = await opened(10n)
      await settle(await voucher(id, 10n))
      await settlement.send(alice, 'startClose', id)
      assertEvents(await settlement.send(bob, 'closeByPayee', id), ['ChannelClosed', id, 10n, 0n])
      assert.equal(await balance(alice.address), 0n)
    })

    it('refuses strangers and what is not there', async () => {
      const { settlement } = shoal
      const id = await opened()
      await assertReverts(settlement.send(alice, 'closeByPayee', id), 'OnlyPayee', bob.address)
      await assertReverts(settlement.send(bob, 'closeByPayee', ZeroHash), 'ChannelUnknown', ZeroHash)
      await settlement.send(bob, 'closeByPayee', id)
      await assertReverts(settlement.send(bob, 'closeByPayee', id), 'ChannelAlreadyClosed', id)
    })
  })

  describe('closing by agreement', () => {
    const FINAL = 40n
    let id: string
    let deadline: bigint
    const offered = (finalAmount = FINAL, payee = bob, domain = {}) =>
      signClose(shoal, payee, { channelId: id, finalAmount, deadline }, domain)
    const close = (
      from: typeof alice,
      finalAmount: bigint,
      payeeSignature: string,
      voucherSignature = '0x',
    ) =>
      shoal.settlement.send(
        from,
        'closeCooperatively',
        id,
        finalAmount,
        deadline,
        payeeSignature,
        voucherSignature,
      )

    beforeEach(async () => {
      id = await opened()
      deadline = BigInt(shoal.chain.now + 60)
    })

    it('pays the payee and gives the rest back at once, when the payer calls', async () => {
      await settle(await voucher(id, 15n))
      shoal.chain.now = Number(deadline)
      const receipt = await close(alice, FINAL, await offered())
      assertEvents(
        receipt,
        ['VoucherSettled', id, bob.address, 25n, FINAL],
        ['ChannelClosed', id, FINAL, DEPOSIT - FINAL],
      )
      assert.equal(receipt.returned, DEPOSIT - FINAL)
      assert.equal(await balance(alice.address), DEPOSIT - FINAL)
      assert.equal(await balance(bob.address), FINAL)
      assert.equal(await shoal.settlement.view('statusOf', id), status.closed)
      assert.deepEqual(await channelOf(id), {
        payer: alice.address,
        deposit: DEPOSIT,
        payee: bob.address,
        claimed: FINAL,
        signer: ZeroAddress,
        expiresAt: 0n,
        closesAt: 0n,
      })
    })

    it('lets anybody else bring both signatures', async () => {
      const { signature } = await voucher(id, FINAL)
      assertEvents(
        await close(carol, FINAL, await offered(), signature),
        ['VoucherSettled', id, bob.address, FINAL, FINAL],
        ['ChannelClosed', id, FINAL, DEPOSIT - FINAL],
      )
      assert.equal(await balance(carol.address), 0n)
    })

    it('has nothing to pay or nothing to give back at the edges, and works while it closes', async () => {
      const { settlement } = shoal
      await settle(await voucher(id, FINAL))
      await settlement.send(alice, 'startClose', id)
      assertEvents(await close(alice, FINAL, await offered()), ['ChannelClosed', id, FINAL, DEPOSIT - FINAL])
      id = await opened(100n, OTHER_SALT)
      assertEvents(
        await close(alice, 100n, await offered(100n)),
        ['VoucherSettled', id, bob.address, 100n, 100n],
        ['ChannelClosed', id, 100n, 0n],
      )
    })

    it('refuses less than was paid and more than is locked', async () => {
      await settle(await voucher(id, 15n))
      for (const amount of [14n, DEPOSIT + 1n]) {
        await assertReverts(
          close(alice, amount, await offered(amount)),
          'FinalAmountOutOfRange',
          amount,
          15n,
          DEPOSIT,
        )
      }
    })

    it('refuses what the payee did not sign, or no longer stands by', async () => {
      const { chain } = shoal
      const good = await offered()
      const bad = [
        await offered(FINAL, session),
        await offered(FINAL + 1n),
        await offered(FINAL, bob, { chainId: 1 }),
        await offered(FINAL, bob, { verifyingContract: shoal.creditToken.address }),
        await signClose(shoal, bob, { channelId: UNKNOWN, finalAmount: FINAL, deadline }),
        await signClose(shoal, bob, { channelId: id, finalAmount: FINAL, deadline: deadline + 1n }),
        (await voucher(id, FINAL, bob)).signature,
        malleated(good),
        '0x',
      ]
      for (const signature of bad) await assertReverts(close(alice, FINAL, signature), 'NotSignedByPayee')
      chain.now = Number(deadline) + 1
      await assertReverts(close(alice, FINAL, good), 'CloseOfferExpired', deadline)
    })

    it('refuses others who bring no voucher for the same amount', async () => {
      const good = await offered()
      const bad = [
        (await voucher(id, FINAL + 1n)).signature,
        (await voucher(id, FINAL, alice)).signature,
        (await voucher(UNKNOWN, FINAL)).signature,
        malleated((await voucher(id, FINAL)).signature),
        good,
        '0x',
      ]
      for (const signature of bad) {
        for (const from of [bob, carol, session]) {
          await assertReverts(close(from, FINAL, good, signature), 'NotSignedBySigner')
        }
      }
    })

    it('refuses what is not there, and a second time', async () => {
      const good = await offered()
      await close(alice, FINAL, good)
      await assertReverts(close(alice, FINAL, good), 'ChannelAlreadyClosed', id)
      id = UNKNOWN
      await assertReverts(close(alice, FINAL, await offered()), 'ChannelUnknown', UNKNOWN)
    })

    it('is signed over the digest that the contract computes', async () => {
      const { settlement } = shoal
      const digest = await settlement.view<string>('closeDigest', id, FINAL, deadline)
      assert.equal(bob.signingKey.sign(digest).serialized, await offered())
    })
  })

  describe('contracts as parties', () => {
    let wallet: string

    beforeEach(async () => {
      const code = CREATION_CODE + CONFIRMING_CODE.slice(2)
      wallet = (await shoal.chain.deploy(deployer, [], code, [])).address
    })

    it('settles a voucher that the contract confirms, whatever its signature', async () => {
      const { settlement } = shoal
      await settlement.send(alice, 'depositAndOpen', bob.address, wallet, SALT, expiresAt, DEPOSIT)
      const id = await idOf()
      const confirmed = { channelId: id, cumulativeAmount: 10n, signature: '0x' }
      assert.equal(await settlement.view('isVoucherValid', id, 10n, '0x'), true)
      assertEvents(await settle(confirmed), ['VoucherSettled', id, bob.address, 10n, 10n])
    })

    it('closes by agreement with a payee that is a contract', async () => {
      const { chain, settlement } = shoal
      const id = await opened(DEPOSIT, SALT, wallet)
      const args = [id, 7n, chain.now, '0x1234', '0x']
      assertEvents(
        await settlement.send(alice, 'closeCooperatively', ...args),
        ['VoucherSettled', id, wallet, 7n, 7n],
        ['ChannelClosed', id, 7n, DEPOSIT - 7n],
      )
      assert.equal(await balance(wallet), 7n)
    })
  })

  describe('isVoucherValid', () => {
    const isValid = ({ channelId, cumulativeAmount, signature }: SignedVoucher) =>
      shoal.settlement.view<boolean>('isVoucherValid', channelId, cumulativeAmount, signature)

    it('looks at the signature and not at the amount', async () => {
      const id = await opened()
      const good = await voucher(id, 10n)
      await settle(good)
      assert.equal(await isValid(good), true)
      assert.equal(await isValid(await voucher(id, DEPOSIT + 1n)), true)
      assert.equal(await isValid(await voucher(id, 0n)), true)
      assert.equal(await isValid({ ...good, cumulativeAmount: 11n }), false)
      assert.equal(await isValid(await voucher(id, 10n, alice)), false)
      assert.equal(await isValid({ ...good, signature: malleated(good.signature) }), false)
      assert.equal(await isValid({ ...good, signature: '0x' }), false)
    })

    it('is false where there is no channel, or none any more', async () => {
      const id = await opened()
      const good = await voucher(id, 10n)
      assert.equal(await isValid(await voucher(UNKNOWN, 10n)), false)
      await shoal.settlement.send(bob, 'closeByPayee', id)
      assert.equal(await isValid(good), false)
      assert.equal(await isValid({ ...good, signature: '0x' }), false)
    })
  })

  describe('a pause of deposits', () => {
    let until: bigint
    const paused = async () => {
      const { chain, settlement } = shoal
      await settlement.send(pauser, 'pauseDeposits')
      until = BigInt(chain.now + PAUSE)
    }

    it('stops tokens from coming in, by every way', async () => {
      const { settlement } = shoal
      const id = await opened()
      await settlement.send(alice, 'deposit', alice.address, 10n)
      const permit = await signPermit(shoal, alice, settlement.address, DEPOSIT)
      await paused()
      const terms = [bob.address, session.address, OTHER_SALT, expiresAt, 11n]
      const calls: [string, ...unknown[]][] = [
        ['deposit', alice.address, 1n],
        ['depositWithPermit', alice.address, 1n, permit],
        ['depositAndOpen', ...terms],
        ['depositWithPermitAndOpen', ...terms, permit],
        ['depositAndTopUp', id, 11n],
      ]
      for (const [name, ...args] of calls) {
        await assertReverts(settlement.send(alice, name, ...args), 'DepositsPaused', until)
      }
    })

    it('stops nothing else: what is inside opens, tops up, settles, closes and leaves', async () => {
      const { chain, settlement } = shoal
      const id = await opened()
      const [byPayee, agreed] = [await opened(9n, toBeHex(7n, 32)), await opened(9n, toBeHex(8n, 32))]
      await settlement.send(alice, 'deposit', alice.address, 100n)
      await paused()
      const open = (name: string, salt: bigint) =>
        settlement.send(alice, name, bob.address, session.address, toBeHex(salt, 32), expiresAt, 10n)
      await open('open', 3n)
      await open('depositAndOpen', 4n)
      await settlement.send(alice, 'topUp', id, 10n)
      await settlement.send(alice, 'depositAndTopUp', id, 70n)
      assert.equal(await balance(alice.address), 0n)
      await settle(await voucher(id, 10n))
      await settlement.send(bob, 'withdraw', bob.address, 10n)
      assert.equal(await tokens(bob.address), 10n)
      await settlement.send(bob, 'closeByPayee', byPayee)
      const offer = { channelId: agreed, finalAmount: 4n, deadline: chain.now }
      const signature = await signClose(shoal, bob, offer)
      await settlement.send(alice, 'closeCooperatively', agreed, 4n, chain.now, signature, '0x')
      await settlement.send(alice, 'startClose', id)
      chain.now += CLOSE_DELAY
      await settlement.send(alice, 'finishClose', id)
      assert.equal(await balance(alice.address), DEPOSIT + 70n + 9n + 5n)
      await settlement.send(alice, 'withdraw', alice.address, DEPOSIT + 70n + 9n + 5n)
    })

    it('ends by itself', async () => {
      const { chain, settlement } = shoal
      await paused()
      chain.now = Number(until) - 1
      await assertReverts(settlement.send(alice, 'deposit', alice.address, 1n), 'DepositsPaused', until)
      chain.now = Number(until)
      await settlement.send(alice, 'deposit', alice.address, 1n)
    })

    it("is the pauser's alone", async () => {
      const { settlement } = shoal
      await assertReverts(settlement.send(deployer, 'pauseDeposits'), 'OnlyPauser', pauser.address)
      await settlement.send(pauser, 'pauseDeposits')
      await assertReverts(settlement.send(deployer, 'resumeDeposits'), 'OnlyPauser', pauser.address)
    })

    it('can be made again as long after its end as it lasts', async () => {
      const { chain, settlement } = shoal
      await settlement.send(pauser, 'pauseDeposits')
      const earliest = chain.now + 28 * DAY
      chain.now = earliest - 1
      await assertReverts(settlement.send(pauser, 'pauseDeposits'), 'PauseTooSoon', BigInt(earliest))
      chain.now = earliest
      assertEvents(await settlement.send(pauser, 'pauseDeposits'), [
        'DepositsPausedUntil',
        BigInt(earliest + 14 * DAY),
      ])
    })
  })
})
