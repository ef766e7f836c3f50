import assert from 'node:assert/strict'
import { TypedDataEncoder, Wallet } from 'ethers'
import { channelAuthorizationNonce, RECEIVE_AUTHORIZATION_TYPES } from '../../../protocol/authorizations.ts'
import { channelIdOf, VOUCHER_TYPES } from '../../../protocol/typed-data.ts'
import { VoucherScheme, type VoucherSchemeOptions } from '../../../protocol/voucher-client.ts'
import {
  VOUCHER_SCHEME,
  type VoucherPayment,
  voucherPaymentSchema,
} from '../../../protocol/voucher-payment.ts'
import { typedDataSigner } from '../../helpers/typed-data-signer.ts'

const payer = new Wallet(`0x${'11'.repeat(32)}`)
const session = new Wallet(`0x${'22'.repeat(32)}`)
const SETTLEMENT = `0x${'5e'.repeat(20)}`
const PAYEE = `0x${'9a'.repeat(20)}`
const ASSET = `0x${'c0'.repeat(20)}`
const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000

describe('VoucherScheme', () => {
  let nowMs: number
  let salts: number

  beforeEach(() => {
    nowMs = NOW_MS
    salts = 0
  })

  const scheme = (options: Partial<VoucherSchemeOptions> = {}) =>
    new VoucherScheme(
      { deposit: 1_000n, maxPayment: 500n, ...options },
      {
        payer: typedDataSigner(payer),
        session: typedDataSigner(session),
        nowMs: () => nowMs,
        randomSalt: () => `0x${(++salts).toString(16).padStart(64, '0')}`,
      },
    )
  const requirements = (amount: bigint, channel?: object) => ({
    scheme: VOUCHER_SCHEME,
    network: 'eip155:31337',
    asset: ASSET,
    amount: amount.toString(),
    payTo: PAYEE,
    maxTimeoutSeconds: 300,
    extra: {
      settlement: SETTLEMENT,
      closeDelaySeconds: 3_600,
      minDeposit: '100',
      ...(channel === undefined ? {} : { channel }),
    },
  })
  const pay = async (client: VoucherScheme, amount: bigint, channel?: object): Promise<VoucherPayment> => {
    const { x402Version, payload } = await client.createPaymentPayload(2, requirements(amount, channel))
    assert.equal(x402Version, 2)
    return voucherPaymentSchema.parse(payload)
  }
  const state = (channelId: string, consumed: bigint, reserved = 0n) => ({
    channelId,
    deposit: '1000',
    covered: '0',
    consumed: consumed.toString(),
    reserved: reserved.toString(),
  })
  const answered = (client: VoucherScheme, channel: object) =>
    client.schemeHooks.onPaymentResponse({
      requirements: requirements(0n),
      settleResponse: { extra: { channel } },
    })

  it('opens a channel by one signature of the payer, which binds all its terms', async () => {
    const { channelId, cumulativeAmount, signature, opening } = await pay(scheme(), 70n)
    assert.equal(cumulativeAmount, 70n)
    const { payee, signer, salt, expiresAt, amount, authorization } = opening!
    assert.equal(signer, session.address.toLowerCase())
    assert.equal(amount, 1_000n)
    const place = { chainId: 31337, settlement: SETTLEMENT }
    assert.equal(channelId, channelIdOf(place, payer.address.toLowerCase(), payee, salt))
    const nonce = channelAuthorizationNonce({ payee, signer, salt, expiresAt: BigInt(expiresAt) })
    const message = { from: payer.address, to: SETTLEMENT, value: amount, ...authorization, nonce }
    const domain = { name: 'Shoal Credit', version: '1', chainId: 31337, verifyingContract: ASSET }
    const { signature: signed, ...terms } = message as typeof message & { signature: string }
    assert.equal(signed, await payer.signTypedData(domain, RECEIVE_AUTHORIZATION_TYPES, terms))
    const voucher = { channelId, cumulativeAmount }
    const settlement = {
      name: 'Shoal Settlement',
      version: '1',
      chainId: 31337,
      verifyingContract: SETTLEMENT,
    }
    assert.equal(signature, await session.signTypedData(settlement, VOUCHER_TYPES, voucher))
    assert.ok(TypedDataEncoder.hash(settlement, VOUCHER_TYPES, voucher).length === 66)
  })

  it('signs for what was used and one more request, each time for more', async () => {
    const client = scheme()
    const first = await pay(client, 70n)
    assert.equal(await client.channelTo('eip155:31337', PAYEE), first.channelId)
    await answered(client, state(first.channelId, 30n))
    const second = await pay(client, 70n)
    assert.equal(second.opening, undefined)
    assert.equal(second.cumulativeAmount, 100n)
    // Nothing was used: the same cover, and one base unit, so that no voucher is shown twice.
    const third = await pay(client, 70n, state(first.channelId, 30n))
    assert.equal(third.cumulativeAmount, 101n)
  })

  it('does not believe that more was used than it has signed for', async () => {
    const client = scheme()
    const { channelId } = await pay(client, 70n)
    await answered(client, state(channelId, 900n))
    assert.equal((await pay(client, 70n)).cumulativeAmount, 140n)
    await answered(client, state(`0x${'ff'.repeat(32)}`, 0n))
    assert.equal((await pay(client, 70n, { channelId: 'junk' }).catch(() => null)) === null, true)
  })

  it('pays nothing above its limits', async () => {
    await assert.rejects(pay(scheme(), 501n), /more than may be paid/)
    await assert.rejects(pay(scheme({ deposit: 300n }), 301n), /more than a channel holds/)
    await assert.rejects(pay(scheme({ deposit: 50n }), 10n), /so small/)
  })

  it('opens another channel when one is used up, or about to end', async () => {
    const client = scheme()
    const channels = new Set<string>()
    for (const _ of [1, 2, 3]) channels.add((await pay(client, 400n)).channelId)
    assert.equal(channels.size, 2)
    nowMs += 7 * 24 * HOUR_MS
    assert.ok(!channels.has((await pay(client, 1n)).channelId))
  })

  it('has a refused request sent again once it knows better, and not for ever', async () => {
    const client = scheme()
    const { channelId } = await pay(client, 70n)
    await answered(client, state(channelId, 10n))
    await pay(client, 70n)
    const refusedWith = (channel: object) =>
      client.schemeHooks.onPaymentResponse({
        requirements: requirements(0n),
        paymentRequired: { accepts: [{ scheme: VOUCHER_SCHEME, extra: { channel } }] },
      })
    assert.deepEqual(await refusedWith(state(channelId, 20n, 30n)), { recovered: true })
    assert.equal(await refusedWith(state(channelId, 20n, 30n)), undefined)
    const other = { ...requirements(0n), scheme: 'exact' }
    assert.equal(await client.schemeHooks.onPaymentResponse({ requirements: other }), undefined)
  })

  it('signs for closing no more than it has signed for', async () => {
    const client = scheme()
    assert.equal(await client.closing('eip155:31337', PAYEE, 1n), null)
    await pay(client, 70n)
    assert.equal((await client.closing('eip155:31337', PAYEE, 40n))!.cumulativeAmount, 40n)
    assert.equal((await client.closing('eip155:31337', PAYEE, 400n))!.cumulativeAmount, 70n)
  })
})
