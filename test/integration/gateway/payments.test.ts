import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm'
import { decodePaymentResponseHeader, wrapFetchWithPayment } from '@x402/fetch'
import { Wallet } from 'ethers'
import { encodeCall } from '../../../node/chain/publisher.ts'
import { systemClock } from '../../../node/clock.ts'
import { CreditLedger } from '../../../node/gateway/credit/credit-ledger.ts'
import { Relay } from '../../../node/gateway/credit/relay.ts'
import { SessionKey } from '../../../node/payments/vouchers.ts'
import {
  channelAuthorizationNonce,
  RECEIVE_AUTHORIZATION_TYPES,
  TRANSFER_AUTHORIZATION_TYPES,
} from '../../../protocol/authorizations.ts'
import { CREDIT, parseCredits } from '../../../protocol/money.ts'
import { channelIdOf } from '../../../protocol/typed-data.ts'
import { VoucherScheme } from '../../../protocol/voucher-client.ts'
import { VOUCHER_SCHEME } from '../../../protocol/voucher-payment.ts'
import { gatewayNetwork, openGateway, type TestGateway } from '../../helpers/gateway.ts'
import { NANO, TestNetwork } from '../../helpers/nodes.ts'
import { typedDataSigner } from '../../helpers/typed-data-signer.ts'
import { waitUntil } from '../../helpers/wait.ts'

interface Required {
  error: string
  accepts: {
    scheme: string
    network: string
    asset: string
    amount: string
    payTo: string
    maxTimeoutSeconds: number
    extra: Record<string, unknown>
  }[]
}

/** Server-sent events of `/api/ask`. */
async function* eventsOf(response: Response) {
  let text = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data !== undefined) yield JSON.parse(data) as { type: string; amount?: string; cost?: string }
    }
  }
}

const QUESTION = {
  model: NANO,
  max_tokens: 8,
  temperature: 0,
  messages: [{ role: 'user', content: 'What is Shoal?' }],
}
const SPEND_FREELY = { spendControls: { allowedAssets: true } } as const

describe('paying at the door', () => {
  const network = new TestNetwork()
  let door: TestGateway
  /** Has credits, and no account here. */
  let person: Wallet

  before(async () => {
    await network.start()
    ;({ door } = await gatewayNetwork(network, { 'gateway.loopbackAccess': 'none' }))
    person = await rich()
  })
  after(async () => {
    await door.stop()
    await network.stop()
  })

  const client = () => door.node.node.trade.economy.client
  async function rich(): Promise<Wallet> {
    const wallet = new Wallet(`0x${randomBytes(32).toString('hex')}`)
    await client().request('shoal_fund', [wallet.address.toLowerCase()])
    return wallet
  }
  const balanceOf = async (wallet: Wallet) => (await client().balances(wallet.address.toLowerCase())).credits
  const request = (headers: Record<string, string> = {}, body: object = {}) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...QUESTION, ...body }),
  })
  const ask = (headers: Record<string, string> = {}, body: object = {}) =>
    fetch(`${door.v1}/chat/completions`, request(headers, body))
  const api = async (path: string, body?: object) => {
    const response = await fetch(
      `${door.gateway.url}${path}`,
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    )
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const requiredOf = (response: Response) =>
    JSON.parse(Buffer.from(response.headers.get('payment-required')!, 'base64').toString()) as Required
  const header = (payment: object) => ({
    'payment-signature': Buffer.from(JSON.stringify({ x402Version: 2, ...payment })).toString('base64'),
  })
  const offered = async (scheme = 'exact') => {
    const { accepts } = requiredOf(await ask())
    return accepts.find(each => each.scheme === scheme)!
  }
  /** A payment as the published client makes it, but for the changes. */
  const exact = async (change: { value?: bigint; validBefore?: number } = {}) => {
    const accepted = await offered()
    const nowS = Math.floor(Date.now() / 1_000)
    const authorization = {
      from: person.address,
      to: accepted.payTo,
      value: String(change.value ?? BigInt(accepted.amount)),
      validAfter: '0',
      validBefore: String(change.validBefore ?? nowS + accepted.maxTimeoutSeconds),
      nonce: `0x${randomBytes(32).toString('hex')}`,
    }
    const domain = {
      ...{ name: accepted.extra.name as string, version: accepted.extra.version as string },
      ...{ chainId: client().chainId, verifyingContract: accepted.asset },
    }
    const signature = await person.signTypedData(domain, TRANSFER_AUTHORIZATION_TYPES, authorization)
    return { accepted, payload: { signature, authorization } }
  }

  it('tells whoever has no account what an answer costs at most, and how to pay', async () => {
    const response = await ask()
    assert.equal(response.status, 402)
    const { error } = (await response.json()) as { error: { type: string; code: string } }
    assert.deepEqual([error.type, error.code], ['insufficient_quota', 'payment_required'])
    const { error: reason, accepts } = requiredOf(response)
    assert.equal(reason, 'payment_required')
    assert.deepEqual(
      accepts.map(({ scheme }) => scheme),
      ['exact', VOUCHER_SCHEME],
    )
    for (const { network: chain, asset, payTo, amount } of accepts) {
      assert.equal(chain, `eip155:${client().chainId}`)
      assert.equal(asset, client().addresses.creditToken)
      assert.equal(payTo, door.node.wallet.address)
      assert.ok(BigInt(amount) > 0n && BigInt(amount) < CREDIT)
    }
  })

  it('is paid exactly by the published client, and gives back what was not used', async () => {
    const before = await balanceOf(person)
    const x402 = x402Client.fromConfig({
      schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(typedDataSigner(person)) }],
      ...SPEND_FREELY,
    })
    const pay = wrapFetchWithPayment(fetch, x402)
    const response = await pay(`${door.v1}/chat/completions`, request())
    const answer = (await response.json()) as {
      choices: { message: { content: string } }[]
      shoal: { cost: string }
    }
    assert.equal(response.status, 200)
    assert.ok(answer.choices[0]!.message.content.length > 0)
    const settled = decodePaymentResponseHeader(response.headers.get('payment-response')!)
    assert.equal(settled.success, true)
    assert.equal(settled.payer?.toLowerCase(), person.address.toLowerCase())
    const paid = BigInt(settled.amount!)
    assert.equal(before - (await balanceOf(person)), paid)
    assert.equal((await client().receipt(settled.transaction))?.status, 1)
    const left = paid - parseCredits(answer.shoal.cost)
    assert.ok(left > 0n)
    assert.equal(settled.extra?.credit, left.toString())
    assert.equal(parseCredits(response.headers.get('shoal-credit')!), left)
  })

  it('needs no second payment of a wallet whose credit is enough: its signature says who it is, once', async () => {
    const x402 = x402Client.fromConfig({
      schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(typedDataSigner(person)) }],
      ...SPEND_FREELY,
    })
    const sent: string[] = []
    const pay = wrapFetchWithPayment(async input => {
      sent.push((input as Request).headers.get('payment-signature') ?? '')
      return await fetch(input)
    }, x402)
    const before = await balanceOf(person)
    const named = { 'shoal-wallet': person.address }
    const response = await pay(`${door.v1}/chat/completions`, request(named))
    assert.equal(response.status, 200)
    assert.equal(await balanceOf(person), before)
    const settled = decodePaymentResponseHeader(response.headers.get('payment-response')!)
    assert.deepEqual([settled.amount, settled.transaction], ['0', ''])
    const again = await ask({ ...named, 'payment-signature': sent[1]! })
    assert.equal(again.status, 402)
    assert.equal(requiredOf(again).error, 'payment_replayed')
    // Signed in, it pays for what the wallet asks, too.
    const signedIn = await ask(await signIn())
    assert.equal(signedIn.status, 200)
    const { shoal } = (await signedIn.json()) as { shoal: { cost: string } }
    assert.ok(parseCredits(shoal.cost) > 0n)
    const poor = await ask(await signIn(await rich()))
    assert.equal(poor.status, 402)
    // A name is no proof.
    const stranger = typedDataSigner(await rich())
    const thief = x402Client.fromConfig({
      schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(stranger) }],
      ...SPEND_FREELY,
    })
    const stolen = await wrapFetchWithPayment(fetch, thief)(`${door.v1}/chat/completions`, request(named))
    assert.equal(stolen.status, 402)
    assert.equal(requiredOf(stolen).error, 'authorization_value')
  })

  it('streams an answer that was paid', async () => {
    const response = await ask(header(await exact()), { stream: true })
    assert.equal(response.status, 200)
    assert.equal(decodePaymentResponseHeader(response.headers.get('payment-response')!).success, true)
    const text = await response.text()
    assert.match(text, /"content":"\w/)
    assert.match(text, /\[DONE\]/)
    const { paid, used, credit } = JSON.parse(/"payment":(\{[^}]*\})/.exec(text)![1]!) as Record<
      string,
      string
    >
    const [brought, cost, left] = [paid!, used!, credit!].map(parseCredits) as [bigint, bigint, bigint]
    assert.ok(cost > 0n && cost < brought && left >= brought - cost)
  })

  it('takes a payment once, also when it is shown twice at once', async () => {
    const payment = header(await exact())
    const [first, second] = await Promise.all([ask(payment), ask(payment)])
    assert.deepEqual([first.status, second.status].sort(), [200, 402])
    const again = await ask(payment)
    assert.equal(again.status, 402)
    assert.equal(requiredOf(again).error, 'payment_replayed')
  })

  it('refuses what is too little, expired, unsigned, or for somebody else, and collects none of it', async () => {
    const stranger = new Wallet(`0x${randomBytes(32).toString('hex')}`)
    const refused = async (payment: object, reason: string, status = 402) => {
      const response = await ask(header(payment))
      assert.equal(response.status, status)
      if (status === 402) assert.equal(requiredOf(response).error, reason)
    }
    // What is left of former payments would count, too.
    person = await rich()
    const before = await balanceOf(person)
    await refused(await exact({ value: 1n }), 'authorization_value')
    await refused(
      await exact({ validBefore: Math.floor(Date.now() / 1_000) - 1 }),
      'authorization_valid_before',
    )
    const good = await exact()
    const { authorization, signature } = good.payload
    const forged = { ...authorization, from: stranger.address }
    await refused({ ...good, payload: { signature, authorization: forged } }, 'NotSignedByAuthorizer')
    const elsewhere = { ...authorization, to: stranger.address }
    await refused({ ...good, payload: { signature, authorization: elsewhere } }, 'recipient_mismatch')
    await refused({ ...good, accepted: { ...good.accepted, network: 'eip155:1' } }, 'requirements_mismatch')
    await refused({ ...good, accepted: { ...good.accepted, scheme: 'other' } }, 'unsupported_scheme')
    await refused({ ...good, payload: {} }, '', 400)
    assert.equal(await balanceOf(person), before)
    assert.equal((await ask(header(good))).status, 200)
    // Nothing is done for nothing.
    const free = await ask(header(await exact()), { shoal: { maxPrice: '0' } })
    assert.equal(free.status, 503)
  })

  it('collects and counts what it had taken when it died', async () => {
    person = await rich()
    const { payload } = await exact({ value: CREDIT })
    const { from, value, validBefore, nonce } = payload.authorization
    await door.stop()
    // As far as it came: on disk, and not sent.
    const { store } = door.node.node.parts
    const domain = { chainId: client().chainId, settlement: client().addresses.settlement }
    const books = new CreditLedger({ domain }, { store, clock: systemClock, window: () => 0n })
    const { payee, ...terms } = {
      payee: door.node.wallet.address,
      payer: from.toLowerCase(),
      value: BigInt(value),
      nonce,
    }
    const data = Relay.collecting({
      ...{ ...terms, payee, signature: payload.signature, validAfter: 0n, validBefore: BigInt(validBefore) },
    })
    await books.beginPayment({ ...terms, data, validBeforeMs: Number(validBefore) * 1_000 })
    const before = await balanceOf(person)
    door = await openGateway(door.node)
    await waitUntil('the payment is collected', async () => (await books.unfinishedPayments()).length === 0)
    assert.equal(await balanceOf(person), before - CREDIT)
    const sent = await api('/api/payment/refund', { wallet: person.address })
    assert.equal(sent.body.amount, '1')
    assert.equal(await balanceOf(person), before)
  })

  it('counts a payment that somebody else has submitted', async () => {
    const { accepted, payload } = await exact()
    const { from, to, value, validAfter, validBefore, nonce } = payload.authorization
    const economy = door.node.node.trade.economy
    const outcome = await economy.publisher.submit({
      id: 'raced',
      contract: 'creditToken',
      data: encodeCall(
        'creditToken',
        'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)',
        [from, to, value, validAfter, validBefore, nonce, payload.signature],
      ),
    })
    assert.equal(outcome.status, 'confirmed')
    const response = await ask(header({ accepted, payload }))
    assert.equal(response.status, 200)
    assert.equal(requiredOf(await ask(header({ accepted, payload }))).error, 'payment_replayed')
  })

  it('sends back what is left of payments ahead, once', async () => {
    person = await rich()
    const wallet = person.address
    const least = parseCredits((await api('/api/payment')).body.minRefund as string)
    assert.equal((await api('/api/payment/refund', { wallet })).status, 409)
    assert.equal((await ask(header(await exact({ value: 2n * least })))).status, 200)
    const before = await balanceOf(person)
    const [one, two] = await Promise.all([
      api('/api/payment/refund', { wallet }),
      api('/api/payment/refund', { wallet }),
    ])
    const sent = [one, two].find(({ status }) => status === 200)!
    const amount = parseCredits(sent.body.amount as string)
    assert.ok(amount > least && amount < 2n * least)
    assert.equal(await balanceOf(person), before + amount)
    assert.equal((await api('/api/payment/refund', { wallet })).status, 409)
  })

  it('is paid by vouchers through the published client: one signature opens the channel, each request pays for itself', async () => {
    person = await rich()
    const session = new Wallet(`0x${randomBytes(32).toString('hex')}`)
    let signedByPayer = 0
    const payer = typedDataSigner(person)
    const scheme = new VoucherScheme(
      { deposit: CREDIT, maxPayment: CREDIT / 2n },
      {
        payer: {
          address: payer.address,
          signTypedData: typed => {
            signedByPayer++
            return payer.signTypedData(typed)
          },
        },
        session: typedDataSigner(session),
        nowMs: Date.now,
        randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
      },
    )
    const sent: string[] = []
    const pay = wrapFetchWithPayment(
      async (input, init) => {
        const payment = (input as Request).headers.get('payment-signature')
        if (payment !== null) sent.push(payment)
        return await fetch(input, init)
      },
      x402Client.fromConfig({ schemes: [{ network: 'eip155:*', client: scheme as never }], ...SPEND_FREELY }),
    )
    const { network: chain, payTo } = await offered()
    let cost = 0n
    for (let turn = 0; turn < 3; turn++) {
      const response = await pay(`${door.v1}/chat/completions`, request())
      assert.equal(response.status, 200)
      const answer = (await response.json()) as { shoal: { cost: string } }
      cost += parseCredits(answer.shoal.cost)
      const settled = decodePaymentResponseHeader(response.headers.get('payment-response')!)
      const { channel } = settled.extra as { channel: { consumed: string } }
      assert.equal(channel.consumed, cost.toString())
      assert.equal(settled.transaction === '', turn > 0)
    }
    assert.equal(signedByPayer, 1)
    const channelId = (await scheme.channelTo(chain, payTo))!
    const { body: state } = await api(`/api/payment/channels/${channelId}`)
    assert.equal(parseCredits(state.consumed as string), cost)
    // Signed for no more than what was used and one more request.
    const covered = parseCredits(state.cumulativeAmount as string)
    assert.ok(covered <= cost + BigInt((await offered()).amount))

    const replayed = await ask({ 'payment-signature': sent.at(-1)! })
    assert.equal(replayed.status, 402)
    assert.equal(requiredOf(replayed).error, 'payment_replayed')

    const closing = (await scheme.closing(chain, payTo, parseCredits(state.finalAmount as string)))!
    const wrong = (await scheme.closing(chain, payTo, closing.cumulativeAmount - 1n))!
    const close = (voucher: typeof closing) =>
      api('/api/payment/close', { ...voucher, cumulativeAmount: credits(voucher.cumulativeAmount) })
    assert.equal((await close(wrong)).status, 409)
    const closed = await close(closing)
    assert.equal(closed.status, 200, JSON.stringify(closed.body))
    const balances = await client().balances(person.address.toLowerCase())
    assert.equal(balances.settlementCredits, CREDIT - cost)
    assert.equal((await close(closing)).status, 409)
  })

  it('is paid from the channel of a wallet that has signed in, while the answer streams', async () => {
    person = await rich()
    const terms = (await api('/api/payment')).body as Record<string, string> & { chainId: number }
    const salt = `0x${randomBytes(32).toString('hex')}` as const
    const payer = person.address.toLowerCase()
    const nowS = Math.floor(Date.now() / 1_000)
    const place = { chainId: terms.chainId, settlement: terms.settlement! }
    const channelId = channelIdOf(place, payer, terms.payee!, salt)
    const privateKey = `0x${randomBytes(32).toString('hex')}`
    const session = new SessionKey({ privateKey, channelId, domain: place })
    const opened = { payee: terms.payee!, signer: session.address, salt, expiresAt: nowS + 7 * 86_400 }
    const open = async (amount: bigint, change: object = {}) => {
      const message = {
        ...{
          from: payer,
          to: terms.settlement!,
          value: amount,
          validAfter: 0n,
          validBefore: BigInt(nowS + 3_600),
        },
        nonce: channelAuthorizationNonce({ ...opened, expiresAt: BigInt(opened.expiresAt) }),
      }
      const domain = {
        name: 'Shoal Credit',
        version: '1',
        ...{ chainId: terms.chainId, verifyingContract: terms.creditToken! },
      }
      const signature = await person.signTypedData(domain, RECEIVE_AUTHORIZATION_TYPES, message)
      const authorization = { validAfter: 0, validBefore: nowS + 3_600, signature }
      return api('/api/payment/open', { payer, ...opened, amount: credits(amount), authorization, ...change })
    }
    assert.equal((await open(1n)).status, 400)
    // Signed for another key, too much, or for nobody: the chain says so before anything is sent.
    assert.equal((await open(CREDIT, { signer: person.address })).status, 400)
    assert.equal((await open(10n ** 9n * CREDIT)).status, 400)
    const sentBefore = await client().provider.getTransactionCount(door.node.wallet.address)
    const [first, second] = await Promise.all([open(CREDIT), open(CREDIT)])
    assert.deepEqual([first.status, second.status], [200, 200], JSON.stringify(first.body))
    assert.equal(first.body.channelId, channelId)
    assert.equal((await open(CREDIT)).body.transaction, null)
    assert.equal(await client().provider.getTransactionCount(door.node.wallet.address), sentBefore + 1)

    const headers = await signIn()
    const asked = await fetch(`${door.gateway.url}/api/ask`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'shoal-channel': channelId },
      body: JSON.stringify({
        model: NANO,
        maxTokens: 200,
        messages: [{ role: 'user', text: 'fish fish fish fish' }],
      }),
    })
    assert.equal(asked.status, 200, asked.status === 200 ? '' : await asked.text())
    let vouchers = 0
    let cost = ''
    for await (const event of eventsOf(asked)) {
      if (event.type !== 'cost' && event.type !== 'done') continue
      cost = event.amount ?? event.cost!
      const cumulativeAmount = parseCredits(cost)
      const signature = session.sign(cumulativeAmount)
      const paid = await api('/api/payment/vouchers', { channelId, cumulativeAmount: cost, signature })
      assert.equal(paid.status, 200, JSON.stringify(paid.body))
      vouchers++
    }
    assert.ok(vouchers > 1)
    const state = await api(`/api/payment/channels/${channelId}`)
    assert.deepEqual([state.body.consumed, state.body.cumulativeAmount], [cost, cost])
    const stranger = await signIn(await rich())
    const theirs = await ask({ ...stranger, 'shoal-channel': channelId })
    assert.equal(theirs.status, 404)
    const mine = await fetch(`${door.gateway.url}/api/payment/channels`, { headers })
    const { channels } = (await mine.json()) as { channels: { channelId: string }[] }
    assert.deepEqual(
      channels.map(({ channelId: id }) => id),
      [channelId],
    )
    // Tasks of the network cannot use the same money.
    const { payee } = door.node.node.trade.economy
    await assert.rejects(payee.admit({ channelId, payer, requester: 'aa'.repeat(32), voucher: null }), {
      code: 'channel_unknown',
    })

    // After a restart the books are as they were.
    await door.stop()
    door = await openGateway(door.node)
    assert.deepEqual((await api(`/api/payment/channels/${channelId}`)).body, state.body)
    const unpaid = await fetch(`${door.gateway.url}/api/ask`, {
      method: 'POST',
      headers: { ...(await signIn()), 'content-type': 'application/json', 'shoal-channel': channelId },
      body: JSON.stringify({ model: NANO, maxTokens: 4, messages: [{ role: 'user', text: 'fish' }] }),
    })
    assert.equal(unpaid.status, 200)
    await unpaid.text()
    const [settlement] = await door.node.node.trade.economy.settler.settleNow()
    assert.equal(settlement!.amount, parseCredits(cost))
  })

  /** Headers of a page that a wallet has signed in to. */
  async function signIn(wallet = person): Promise<Record<string, string>> {
    const origin = door.gateway.url
    const { body } = await api('/api/session/nonce')
    const { nonce, domain, uri, chainId, statement } = body as Record<string, string>
    const message = [
      `${domain} wants you to sign in with your Ethereum account:`,
      wallet.address,
      '',
      statement,
      '',
      `URI: ${uri}`,
      'Version: 1',
      `Chain ID: ${chainId}`,
      `Nonce: ${nonce}`,
      `Issued At: ${new Date().toISOString()}`,
    ].join('\n')
    const response = await fetch(`${origin}/api/session/wallet`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ message, signature: await wallet.signMessage(message) }),
    })
    const { csrf } = (await response.json()) as { csrf: string }
    const cookie = response.headers
      .getSetCookie()
      .map(each => each.split(';')[0])
      .join('; ')
    return { origin, cookie, 'shoal-csrf': csrf }
  }

  function credits(amount: bigint): string {
    const [whole, rest] = [amount / CREDIT, (amount % CREDIT).toString().padStart(18, '0')]
    return `${whole}.${rest}`
  }
})
