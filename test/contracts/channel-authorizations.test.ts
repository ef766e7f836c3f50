import assert from 'node:assert/strict'
import { toBeHex, ZeroAddress } from 'ethers'
import { channelAuthorizationNonce } from '../../protocol/authorizations.ts'
import { assertReverts } from './assertions.ts'
import {
  authorization,
  signAuthorization,
  signCancellation,
  signedOpening,
  type Terms,
} from './authorizations.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  carol,
  DAY,
  deployer,
  deployShoal,
  HOUR,
  pauser,
  type Shoal,
  session,
} from './test-chain.ts'
import { signVoucher } from './vouchers.ts'

const FUNDS = 1_000n * CREDIT
const DEPOSIT = 100n * CREDIT
const OPEN = 'depositWithAuthorizationAndOpen'

describe('Settlement.depositWithAuthorizationAndOpen', () => {
  let shoal: Shoal
  let terms: Terms

  beforeEach(async () => {
    shoal = await deployShoal()
    terms = {
      payee: bob.address,
      signer: session.address,
      salt: toBeHex(5n, 32),
      expiresAt: BigInt(shoal.chain.now + 10 * DAY),
    }
    await shoal.creditToken.send(deployer, 'transfer', alice.address, FUNDS)
  })

  const tokens = (account: string) => shoal.creditToken.view('balanceOf', account)
  const balance = (account: string) => shoal.settlement.view('balanceOf', account)

  it('opens the channel of who signed; who submits it needs no credits', async () => {
    const { settlement, creditToken, chain } = shoal
    const args = await signedOpening(shoal, alice, terms, DEPOSIT)
    const receipt = await settlement.send(carol, OPEN, ...args)
    const id = await settlement.view('channelIdOf', alice.address, bob.address, terms.salt)
    assert.equal(receipt.returned, id)
    assert.deepEqual(
      settlement.eventsIn(receipt).map(({ name, args: values }) => [name, ...values]),
      [
        [
          'ChannelOpened',
          id,
          alice.address,
          bob.address,
          session.address,
          terms.salt,
          terms.expiresAt,
          DEPOSIT,
        ],
        ['Deposited', alice.address, alice.address, DEPOSIT],
      ],
    )
    assert.equal(await tokens(alice.address), FUNDS - DEPOSIT)
    assert.equal(await tokens(settlement.address), DEPOSIT)
    const voucher = await signVoucher(shoal, session, String(receipt.returned), 30n * CREDIT)
    await settlement.send(bob, 'settleMany', [voucher])
    assert.equal(await balance(bob.address), 30n * CREDIT)
    // The refund is the payer's, not the sender's.
    await settlement.send(bob, 'closeByPayee', id)
    assert.equal(await balance(alice.address), 70n * CREDIT)
    await assertReverts(settlement.send(carol, OPEN, ...args), 'ChannelExists', id)
    const nonce = channelAuthorizationNonce(terms as Parameters<typeof channelAuthorizationNonce>[0])
    assert.equal(await creditToken.view('authorizationState', alice.address, nonce), true)
    assert.ok(chain.now > 0)
  })

  it('leaves the internal balance of the payer alone', async () => {
    const { settlement, creditToken } = shoal
    await creditToken.send(alice, 'approve', settlement.address, CREDIT)
    await settlement.send(alice, 'deposit', alice.address, CREDIT)
    await settlement.send(carol, OPEN, ...(await signedOpening(shoal, alice, terms, DEPOSIT)))
    assert.equal(await balance(alice.address), CREDIT)
    assert.equal(await tokens(settlement.address), DEPOSIT + CREDIT)
  })

  it('changes nothing of what was signed for whoever submits it', async () => {
    const { settlement } = shoal
    const [payer, payee, signer, salt, expiresAt, amount, signed] = await signedOpening(
      shoal,
      alice,
      terms,
      DEPOSIT,
    )
    const refused = (...args: unknown[]) =>
      assertReverts(settlement.send(carol, OPEN, ...args), 'NotSignedByAuthorizer', alice.address)
    await refused(payer, carol.address, signer, salt, expiresAt, amount, signed)
    await refused(payer, payee, carol.address, salt, expiresAt, amount, signed)
    await refused(payer, payee, signer, toBeHex(6n, 32), expiresAt, amount, signed)
    await refused(payer, payee, signer, salt, (expiresAt as bigint) + 1n, amount, signed)
    await refused(payer, payee, signer, salt, expiresAt, DEPOSIT - 1n, signed)
    await refused(payer, payee, signer, salt, expiresAt, DEPOSIT + 1n, signed)
    const call = settlement.send(carol, OPEN, carol.address, payee, signer, salt, expiresAt, amount, signed)
    await assertReverts(call, 'NotSignedByAuthorizer', carol.address)
    assert.equal(await tokens(settlement.address), 0n)
  })

  it('takes no authorisation of another kind, to another account, or with another nonce', async () => {
    const { settlement } = shoal
    const args = await signedOpening(shoal, alice, terms, DEPOSIT)
    const nonce = channelAuthorizationNonce(terms as Parameters<typeof channelAuthorizationNonce>[0])
    const good = authorization(shoal, alice.address, settlement.address, DEPOSIT, nonce)
    const wrong = [
      ['transfer', good],
      ['receive', { ...good, to: bob.address as `0x${string}` }],
      ['receive', { ...good, nonce: toBeHex(1n, 32) as `0x${string}` }],
    ] as const
    for (const [kind, message] of wrong) {
      const signature = await signAuthorization(shoal, alice, kind, message)
      const { validAfter, validBefore } = message
      await assertReverts(
        settlement.send(carol, OPEN, ...args.slice(0, 6), { validAfter, validBefore, signature }),
        'NotSignedByAuthorizer',
        alice.address,
      )
    }
    // Nor can the credits be taken without a channel: only Settlement can submit what is for it.
    const { signature } = args.at(-1) as { signature: string }
    await assertReverts(
      shoal.creditToken.send(
        carol,
        'receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)',
        ...[good.from, good.to, good.value, good.validAfter, good.validBefore, good.nonce, signature],
      ),
      'OnlyReceiver',
      settlement.address,
    )
  })

  it('has the limits of every channel, and of the authorisation', async () => {
    const { settlement, creditToken, chain } = shoal
    const open = async (change: Partial<Terms>, amount = DEPOSIT) =>
      settlement.send(carol, OPEN, ...(await signedOpening(shoal, alice, { ...terms, ...change }, amount)))
    await assertReverts(open({ payee: ZeroAddress }), 'ZeroAddress')
    await assertReverts(open({ signer: ZeroAddress }), 'ZeroAddress')
    await assertReverts(open({}, 0n), 'ZeroAmount')
    const early = BigInt(chain.now + CLOSE_DELAY - 1)
    await assertReverts(open({ expiresAt: early }), 'ExpiryTooEarly', early + 1n, early)
    await assertReverts(open({}, FUNDS + 1n), 'ERC20InsufficientBalance', alice.address, FUNDS, FUNDS + 1n)
    const late = await signedOpening(shoal, alice, terms, DEPOSIT)
    chain.now += HOUR
    await assertReverts(settlement.send(carol, OPEN, ...late), 'AuthorizationExpired', BigInt(chain.now))
    const args = await signedOpening(shoal, alice, terms, DEPOSIT)
    const nonce = channelAuthorizationNonce(terms as Parameters<typeof channelAuthorizationNonce>[0])
    await creditToken.send(
      carol,
      'cancelAuthorization(address,bytes32,bytes)',
      ...[alice.address, nonce, await signCancellation(shoal, alice, alice.address, nonce)],
    )
    await assertReverts(settlement.send(carol, OPEN, ...args), 'AuthorizationSpent', alice.address, nonce)
  })

  it('stops while deposits are paused', async () => {
    const { settlement, chain } = shoal
    const args = await signedOpening(shoal, alice, terms, DEPOSIT)
    await settlement.send(pauser, 'pauseDeposits')
    await assertReverts(settlement.send(carol, OPEN, ...args), 'DepositsPaused', BigInt(chain.now + 14 * DAY))
    await settlement.send(pauser, 'resumeDeposits')
    await settlement.send(carol, OPEN, ...args)
  })
})
