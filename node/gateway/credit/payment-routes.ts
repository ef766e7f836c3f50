import { formatCredits } from '../../../protocol/money.ts'
import { addressKey } from '../accounts/client-address.ts'
import { RateLimits } from '../accounts/rate-limits.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import type { ChannelState } from './payment-desk.ts'
import {
  type ChannelView,
  channelParams,
  channelView,
  closedView,
  openBody,
  openedView,
  payerView,
  refundBody,
  refundView,
  termsView,
  voucherBody,
} from './payment-schemas.ts'
import { placeOf } from './x402-purse.ts'

/** Transactions that the node sends for others, in a minute: of one address, and of all. */
const RELAYED_OF_ADDRESS = 20
const RELAYED_OF_ALL = 120
/** Vouchers take a signature check each. */
const VOUCHERS_OF_ADDRESS = 6_000
const tags = ['Payment']
const open = { needs: 'public' } as const

/** How wallets pay this node, and get back what they did not use. */
export const paymentRoutes: GatewayPlugin = (app, { payments, node, config, clock, log }) => {
  if (payments === null) return
  const rates = new RateLimits({ clock })
  const limit = (key: string, perMinute: number) => {
    const waitMs = rates.take(key, perMinute)
    if (waitMs === 0) return
    throw new GatewayError('RATE_LIMITED', 'too much is asked of this node for others', {
      headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
      fix: 'Wait, or send the transaction from your own wallet.',
    })
  }
  const limitRelayed = (ip: string) => {
    limit(`relayed:${addressKey(ip)}`, RELAYED_OF_ADDRESS)
    limit('relayed', RELAYED_OF_ALL)
  }

  const begin = () =>
    payments.start().catch(error => log.warn({ err: error }, 'payments could not begin; it is tried again'))
  const onEvent = ({ type, ...event }: { type: string }) => {
    if (type === 'chain' && 'state' in event && event.state === 'connected') void begin()
  }
  app.addHook('onReady', async () => {
    node.events.on('event', onEvent)
    // A chain that is slow holds nothing else up.
    void begin()
  })
  app.addHook('onClose', async () => {
    node.events.off('event', onEvent)
    await payments.stop()
  })

  app.route({
    method: 'GET',
    url: '/api/payment',
    config: open,
    schema: { summary: 'How this node is paid', tags, response: { 200: termsView } },
    handler: async () => {
      const desk = await payments.desk()
      const { minDeposit, ...place } = placeOf(desk)
      return {
        ...place,
        minDeposit: formatCredits(minDeposit),
        minRefund: formatCredits(desk.minRefund),
        creditWindow: formatCredits(desk.window),
        markup: config['gateway.markup'],
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/payment/channels',
    config: { needs: 'spend' },
    schema: { summary: 'Channels and credit of the wallet signed in', tags, response: { 200: payerView } },
    handler: async ({ principal }) => {
      const wallet = principal?.wallet ?? null
      if (wallet === null) {
        throw new GatewayError('FORBIDDEN', 'no wallet is signed in', { fix: 'Sign in with a wallet.' })
      }
      const { channels, credit } = (await payments.desk()).ofPayer(wallet)
      return { channels: channels.map(viewOf), credit: formatCredits(credit) }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/payment/channels/:channelId',
    config: open,
    schema: {
      summary: 'What a channel holds',
      tags,
      params: channelParams,
      response: { 200: channelView },
    },
    handler: async ({ params, ip }) => {
      limit(`channels:${addressKey(ip)}`, VOUCHERS_OF_ADDRESS)
      return viewOf(await (await payments.desk()).channel(params.channelId))
    },
  })

  app.route({
    method: 'POST',
    url: '/api/payment/open',
    config: open,
    schema: {
      summary: 'Open a channel that its payer has signed; the node pays the gas',
      tags,
      body: openBody,
      response: { 200: openedView },
    },
    handler: async ({ body, ip }) => {
      limitRelayed(ip)
      return (await payments.desk()).open(body)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/payment/vouchers',
    config: open,
    schema: { summary: 'Pay by a voucher', tags, body: voucherBody, response: { 200: channelView } },
    handler: async ({ body, ip }) => {
      limit(`vouchers:${addressKey(ip)}`, VOUCHERS_OF_ADDRESS)
      const { channelId, ...voucher } = body
      return viewOf(await (await payments.desk()).takeVoucher(channelId, voucher))
    },
  })

  app.route({
    method: 'POST',
    url: '/api/payment/close',
    config: open,
    schema: {
      summary: 'Close a channel at once; the node pays the gas',
      tags,
      body: voucherBody,
      response: { 200: closedView },
    },
    handler: async ({ body, ip }) => {
      limitRelayed(ip)
      const { channelId, ...voucher } = body
      return { transaction: await (await payments.desk()).close(channelId, voucher) }
    },
  })

  app.route({
    method: 'POST',
    url: '/api/payment/refund',
    config: open,
    schema: {
      summary: 'Send a wallet what is left of its payments ahead',
      tags,
      body: refundBody,
      response: { 200: refundView },
    },
    handler: async ({ body, ip }) => {
      limitRelayed(ip)
      const { amount, transaction } = await (await payments.desk()).refund(body.wallet)
      return { amount: formatCredits(amount), transaction }
    },
  })
}

function viewOf(channel: ChannelState): ChannelView {
  const { deposit, covered, consumed, reserved, claimed, finalAmount, expiresAtMs, closesAtMs, ...rest } =
    channel
  return {
    ...rest,
    deposit: formatCredits(deposit),
    cumulativeAmount: formatCredits(covered),
    consumed: formatCredits(consumed),
    reserved: formatCredits(reserved),
    claimed: formatCredits(claimed),
    finalAmount: formatCredits(finalAmount),
    expiresAt: new Date(expiresAtMs).toISOString(),
    closesAt: closesAtMs === null ? null : new Date(closesAtMs).toISOString(),
  }
}
