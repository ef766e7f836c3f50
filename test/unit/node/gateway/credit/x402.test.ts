import assert from 'node:assert/strict'
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http'
import { validatePaymentRequired } from '@x402/core/schemas'
import {
  type PaymentPlace,
  paymentRequiredHeader,
  paymentResponseHeader,
  readPayment,
} from '../../../../../node/gateway/credit/x402.ts'
import { GatewayError } from '../../../../../node/gateway/http/http-error.ts'
import { VOUCHER_SCHEME } from '../../../../../protocol/voucher-payment.ts'

const place: PaymentPlace = {
  chainId: 31337,
  creditToken: `0x${'c0'.repeat(20)}`,
  settlement: `0x${'5e'.repeat(20)}`,
  payee: `0x${'9a'.repeat(20)}`,
  closeDelaySeconds: 3_600,
  minDeposit: 100n,
}
const NONCE = `0x${'01'.repeat(32)}`
const accepted = {
  scheme: 'exact',
  network: 'eip155:31337',
  asset: place.creditToken,
  amount: '7',
  payTo: place.payee,
  maxTimeoutSeconds: 300,
  extra: {},
}
const exact = {
  signature: `0x${'Ab'.repeat(65)}`,
  authorization: {
    from: `0x${'AA'.repeat(20)}`,
    to: place.payee,
    value: '7',
    validAfter: '0',
    validBefore: '1900000000',
    nonce: NONCE,
  },
}
const header = (payment: unknown) => Buffer.from(JSON.stringify(payment)).toString('base64')
const refused = (payment: string, code: string, reason?: string) =>
  assert.throws(
    () => readPayment(payment, place),
    (error: unknown) => {
      assert.ok(error instanceof GatewayError)
      assert.equal(error.code, code)
      if (reason !== undefined) assert.equal(error.details.reason, reason)
      return true
    },
  )

describe('x402 headers', () => {
  it('offer what the published library reads', () => {
    const channel = { channelId: NONCE, deposit: 9n, covered: 5n, consumed: 4n, reserved: 1n }
    const offer = {
      amount: 7n,
      exact: 8n,
      url: 'http://127.0.0.1/v1/models',
      error: 'payment_required',
      channel,
    }
    const required = validatePaymentRequired(decodePaymentRequiredHeader(paymentRequiredHeader(place, offer)))
    assert.equal(required.x402Version, 2)
    assert.deepEqual(
      required.accepts.map(({ scheme, network, amount }) => [scheme, network, amount]),
      [
        ['exact', 'eip155:31337', '8'],
        [VOUCHER_SCHEME, 'eip155:31337', '7'],
      ],
    )
    assert.deepEqual(required.accepts[1]!.extra, {
      settlement: place.settlement,
      closeDelaySeconds: 3_600,
      minDeposit: '100',
      channel: { channelId: NONCE, deposit: '9', covered: '5', consumed: '4', reserved: '1' },
    })
    const settled = { payer: exact.authorization.from, transaction: null, amount: 7n, extra: { used: '3' } }
    const response = decodePaymentResponseHeader(paymentResponseHeader(place, settled))
    assert.deepEqual([response.success, response.amount, response.transaction], [true, '7', ''])
  })

  it('are read as they were meant', () => {
    const read = readPayment(header({ x402Version: 2, accepted, payload: exact }), place)
    assert.equal(read.scheme, 'exact')
    if (read.scheme !== 'exact') return
    assert.equal(read.payment.authorization.from, exact.authorization.from.toLowerCase())
    assert.equal(read.payment.authorization.validBefore, 1_900_000_000n)
  })

  it('are refused when they are anything else', () => {
    const payment = { x402Version: 2, accepted, payload: exact }
    refused('', 'REQUEST_INVALID')
    refused('not base64 !', 'REQUEST_INVALID')
    refused(header('text'), 'REQUEST_INVALID')
    refused(header(null), 'REQUEST_INVALID')
    refused(header({ ...payment, x402Version: 1 }), 'REQUEST_INVALID')
    refused(header({ ...payment, padding: 'x'.repeat(9_000) }), 'REQUEST_INVALID')
    refused(header({ ...payment, payload: { ...exact, signature: '0xzz' } }), 'REQUEST_INVALID')
    const authorization = { ...exact.authorization, value: `${'9'.repeat(40)}` }
    refused(header({ ...payment, payload: { ...exact, authorization } }), 'REQUEST_INVALID')
    const voucher = { ...accepted, scheme: VOUCHER_SCHEME }
    refused(header({ ...payment, accepted: voucher }), 'REQUEST_INVALID')
    const mismatches = [{ network: 'eip155:1' }, { asset: place.payee }, { payTo: place.creditToken }]
    for (const change of mismatches) {
      const other = { ...payment, accepted: { ...accepted, ...change } }
      refused(header(other), 'PAYMENT_REQUIRED', 'requirements_mismatch')
    }
    const upto = { ...payment, accepted: { ...accepted, scheme: 'upto' } }
    refused(header(upto), 'PAYMENT_REQUIRED', 'unsupported_scheme')
  })
})
