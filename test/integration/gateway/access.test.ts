import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Wallet as EthersWallet, getAddress, JsonRpcProvider } from 'ethers'
import { SiweMessage } from 'siwe'
import { systemClock } from '../../../node/clock.ts'
import { loadConfig } from '../../../node/config/load.ts'
import type { SettingKey } from '../../../node/config/settings.ts'
import { accountHandlers } from '../../../node/gateway/account-handlers.ts'
import { accountMethods } from '../../../node/gateway/account-methods.ts'
import { AccountDesk } from '../../../node/gateway/accounts/account-desk.ts'
import {
  type KeyView,
  keyInput,
  type MeView,
  type NewKeyView,
  type NonceView,
  tenantInput,
} from '../../../node/gateway/accounts/account-schemas.ts'
import { OWNER } from '../../../node/gateway/accounts/accounts.ts'
import { Door } from '../../../node/gateway/http/door.ts'
import { Gateway } from '../../../node/gateway/http/gateway.ts'
import { GatewayError } from '../../../node/gateway/http/http-error.ts'
import { ServedModels } from '../../../node/gateway/served-models.ts'
import { parseCredits } from '../../../protocol/money.ts'
import { issue } from '../../helpers/attestation/authority.ts'
import { element, sequence } from '../../helpers/attestation/der-writer.ts'
import { type Answer, Browser, send } from '../../helpers/browser.ts'
import { deployContractWallet } from '../../helpers/contract-wallet.ts'
import { startIdentityProvider } from '../../helpers/identity-provider.ts'
import { NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

describe('access over HTTP', () => {
  const network = new TestNetwork()
  let node: TestNode
  let url: string
  let served: ServedModels
  const doors: Gateway[] = []

  before(async () => {
    await network.start()
    node = await network.node({ 'local.use': true, 'models.slots': 2 })
    served = new ServedModels(node.node.events)
    url = await openDoor()
  })
  afterEach(async () => {
    await Promise.all(doors.splice(1).map(door => door.stop()))
  })
  after(async () => {
    await Promise.all(doors.map(door => door.stop()))
    await network.stop()
  })

  /** Another door of the same node, as if it had these settings. */
  async function openDoor(
    flags: Partial<Record<SettingKey, unknown>> = {},
    listen = '127.0.0.1:0',
  ): Promise<string> {
    const { config } = await loadConfig({ dataDir: node.root, environment: {}, flags })
    const changed = Object.fromEntries((Object.keys(flags) as SettingKey[]).map(key => [key, config[key]]))
    const seen = new Proxy(node.node, {
      get: (target, name) =>
        name === 'config' ? { ...target.config, ...changed } : Reflect.get(target, name, target),
    })
    const door = new Gateway({ listen }, { node: seen, served, shutDown: () => {}, clock: systemClock })
    await door.start()
    doors.push(door)
    return door.url
  }

  const codeOf = (answer: Answer) => {
    const body = answer.json() as { error: { code: string } }
    return [answer.status, body.error.code]
  }
  const desk = () =>
    new AccountDesk({ accounts: node.node.parts.accounts, clock: systemClock, log: node.node.log })
  const keyFor = (input: object) => desk().createKey(OWNER, keyInput.parse({ name: 'test', ...input }))
  const bearer = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` })

  it('opens no door to others that is not protected', async () => {
    const isRefused = (error: unknown) =>
      error instanceof GatewayError && error.code === 'GATEWAY_UNPROTECTED'
    await assert.rejects(openDoor({}, '0.0.0.0:0'), isRefused)
    await assert.rejects(
      openDoor({ 'gateway.behindProxy': true, 'gateway.auth': false }, '0.0.0.0:0'),
      isRefused,
    )
    await assert.rejects(
      openDoor({ 'gateway.tlsCert': '/nowhere.pem', 'gateway.tlsKey': '/nowhere.pem' }),
      isRefused,
    )
  })
  describe('from other sites', () => {
    it('is refused to a name that somebody else points here', async () => {
      const { port } = new URL(url)
      const asked = (host: string) => send(`${url}/v1/models`, { headers: { host } })
      assert.deepEqual((await asked('evil.example')).status, 403)
      assert.equal((await asked(`evil.example:${port}`)).status, 403)
      assert.equal((await asked(`localhost:${port}`)).status, 200)
      for (const head of [
        'GET /healthz HTTP/1.0',
        'GET http://evil.example/healthz HTTP/1.0',
        `GET /healthz HTTP/1.1\r\nHost: [::1`,
      ]) {
        const socket = await connect(url)
        socket.write(`${head}\r\nConnection: close\r\n\r\n`)
        assert.match(await everything(socket), /^HTTP\/1.1 403 /)
      }
      assert.deepEqual(codeOf(await send(`${url}/api/me`, { headers: { host: 'evil.example' } })), [
        403,
        'HOST_REFUSED',
      ])
    })

    it('is refused to pages, whatever they send, and what they would read is not told', async () => {
      for (const origin of ['https://evil.example', 'null', 'http://localhost:3000']) {
        const simple = await send(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { origin, 'content-type': 'text/plain' },
          body: '{"messages":[]}',
        })
        assert.equal(simple.status, 403)
        assert.equal(simple.headers['access-control-allow-origin'], undefined)
        const preflight = await send(`${url}/v1/chat/completions`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        })
        assert.equal(preflight.status, 403)
        assert.equal(preflight.headers['access-control-allow-origin'], undefined)
      }
      // What needs no script: an image, a script, a frame.
      const embedded = await send(`${url}/v1/models`, { headers: { 'sec-fetch-site': 'cross-site' } })
      assert.equal(embedded.status, 403)
      const link = await send(`${url}/healthz`, { headers: { 'sec-fetch-site': 'cross-site' } })
      assert.equal(link.status, 200)
      assert.equal(link.headers['cross-origin-resource-policy'], 'same-origin')
    })

    it('is given to pages that the owner allows, without cookies', async () => {
      const origin = 'https://chat.example'
      const open = await openDoor({ 'gateway.origins': origin })
      const preflight = await send(`${open}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,x-stainless-os',
        },
      })
      assert.equal(preflight.status, 204)
      assert.equal(preflight.headers['access-control-allow-origin'], origin)
      assert.equal(preflight.headers['access-control-allow-headers'], 'authorization,x-stainless-os')
      assert.equal(preflight.headers['access-control-allow-credentials'], undefined)
      const key = await keyFor({ role: 'operator' })
      const me = await send(`${open}/api/me`, { headers: { origin, ...bearer(key) } })
      assert.equal(me.headers['access-control-allow-origin'], origin)
      assert.equal((me.json() as MeView).subject, `key:${key.id}`)
      // A cookie that comes along all the same counts for nothing.
      const browser = await ownersBrowser(open)
      const crossed = (await browser.send(`${open}/api/me`, { origin })).json() as MeView
      assert.equal(crossed.via, 'loopback')
    })

    it('is refused to requests with a cookie and without what our own page knows', async () => {
      const browser = await ownersBrowser(url)
      const make = (headers: Record<string, string>, origin?: string) =>
        browser.send(`${url}/api/keys`, {
          ...{ method: 'POST', headers, body: { name: 'x' } },
          ...(origin === undefined ? {} : { origin }),
        })
      const { csrf } = (await browser.send(`${url}/api/me`)).json() as MeView
      const { csrf: other } = (await (await ownersBrowser(url)).send(`${url}/api/me`)).json() as MeView
      assert.deepEqual(codeOf(await make({})), [403, 'CSRF_MISSING'])
      assert.deepEqual(codeOf(await make({ 'shoal-csrf': other! })), [403, 'CSRF_MISSING'])
      assert.deepEqual(codeOf(await make({ 'shoal-csrf': csrf! }, 'http://localhost:1')), [
        403,
        'ORIGIN_REFUSED',
      ])
      assert.equal((await make({ 'shoal-csrf': csrf! })).status, 200)
    })

    it('lets nobody name programs to be run, not even the owner', async () => {
      const browser = await ownersBrowser(url)
      const { csrf } = (await browser.send(`${url}/api/me`)).json() as MeView
      const changes = { 'learning.trainer': '/bin/sh -c id', 'log.level': 'warn' }
      const change = await browser.send(`${url}/api/settings`, {
        ...{ method: 'PATCH', headers: { 'shoal-csrf': csrf! }, body: { changes } },
      })
      assert.deepEqual(codeOf(change), [403, 'FORBIDDEN'])
    })
  })

  describe('of programs', () => {
    it('is what the door gives this machine, and no more', async () => {
      const me = (await send(`${url}/api/me`)).json() as MeView
      assert.deepEqual([me.via, me.role, me.tenant, me.csrf], ['loopback', 'user', 'owner', null])
      assert.deepEqual(codeOf(await send(`${url}/api/tenants`)), [403, 'FORBIDDEN'])
      assert.deepEqual(codeOf(await send(`${url}/api/keys`)), [403, 'FORBIDDEN'])
      // Clients of other services send some key, since they must.
      assert.equal(
        (await send(`${url}/v1/models`, { headers: { authorization: 'Bearer sk-any' } })).status,
        200,
      )
      assert.equal((await send(`${url}/v1/models`, { headers: { 'x-api-key': 'ollama' } })).status, 200)
      const forwarded = await send(`${url}/v1/models`, { headers: { 'x-forwarded-for': '192.0.2.1' } })
      assert.equal(forwarded.status, 401)
    })

    it('takes a key where the door is not for this machine alone', async () => {
      for (const flags of [{ 'gateway.loopbackAccess': 'none' }, { 'gateway.behindProxy': true }]) {
        const closed = await openDoor(flags)
        const refused = await send(`${closed}/v1/models`)
        assert.equal(refused.status, 401)
        assert.equal((refused.json() as { error: { code: string } }).error.code, 'invalid_api_key')
        assert.equal((await send(`${closed}/v1/models`, { headers: bearer(await keyFor({})) })).status, 200)
        assert.equal((await send(`${closed}/v1/models`, { headers: bearer({ key: 'sk-any' }) })).status, 401)
        assert.equal((await send(`${closed}/healthz`)).status, 200)
      }
    })

    it('is everything for the owner where it is not asked who is there', async () => {
      const open = await openDoor({ 'gateway.auth': false })
      assert.equal((await send(`${open}/api/tenants`)).status, 200)
      assert.equal((await send(`${open}/api/tenants`, { headers: { host: 'evil.example' } })).status, 403)
    })

    it('goes on with a rotated key until the overlap ends', async () => {
      const first = await keyFor({ role: 'admin' })
      const rotate = (key: NewKeyView, overlapSeconds: number) =>
        send(`${url}/api/keys/${first.id}/rotate`, {
          method: 'POST',
          headers: bearer(key),
          body: { overlapSeconds },
        })
      const second = (await rotate(first, 60)).json() as NewKeyView
      const status = async (key: NewKeyView) => (await send(`${url}/api/me`, { headers: bearer(key) })).status
      assert.deepEqual([await status(first), await status(second)], [200, 200])
      const third = (await rotate(second, 0)).json() as NewKeyView
      assert.deepEqual([await status(first), await status(second), await status(third)], [401, 401, 200])
      const gone = await send(`${url}/api/keys/${first.id}`, { method: 'DELETE', headers: bearer(third) })
      assert.equal((gone.json() as KeyView).state, 'revoked')
      assert.equal(await status(third), 401)
    })

    it('spends the budget of its tenant, to the last request that fits', async () => {
      const policy = { budget: { amount: '0.01', per: 'day' } }
      await desk().createTenant(tenantInput.parse({ id: 'spender', policy }))
      const headers = bearer(await keyFor({ tenant: 'spender' }))
      const ask = () =>
        send(`${url}/v1/chat/completions`, {
          ...{ method: 'POST', headers },
          body: { model: NANO, max_tokens: 4, messages: [{ role: 'user', content: 'Hello' }] },
        })
      const answer = await ask()
      assert.equal(answer.status, 200, answer.text)
      const { cost } = (answer.json() as { shoal: { cost: string } }).shoal
      assert.ok(parseCredits(cost) > 0n)
      const { budget } = (await send(`${url}/api/me`, { headers })).json() as MeView
      assert.deepEqual([budget!.spent, budget!.reserved], [cost, '0'])
      await desk().changeTenant('spender', { policy: { budget: { amount: cost, per: 'day' } } })
      const refused = await ask()
      assert.equal(refused.status, 429)
      assert.equal((refused.json() as { error: { code: string } }).error.code, 'insufficient_quota')
      assert.equal(desk().tenant('spender').spent.ever, cost)
    })

    it('shows a tenant nothing of another', async () => {
      const wallets = [EthersWallet.createRandom(), EthersWallet.createRandom()]
      const [one, two] = await Promise.all(wallets.map(wallet => signedIn(url, wallet)))
      const make = await one!.browser.send(`${url}/api/keys`, {
        ...{ method: 'POST', headers: { 'shoal-csrf': one!.me.csrf! }, body: { name: 'mine' } },
      })
      const { id, tenant } = make.json() as NewKeyView
      assert.equal(tenant, wallets[0]!.address.toLowerCase())
      assert.deepEqual((await two!.browser.send(`${url}/api/keys`)).json(), [])
      assert.deepEqual((await two!.browser.send(`${url}/api/keys?tenant=${tenant}`)).json(), [])
      const stolen = await two!.browser.send(`${url}/api/keys/${id}/rotate`, {
        ...{ method: 'POST', headers: { 'shoal-csrf': two!.me.csrf! }, body: {} },
      })
      assert.deepEqual(codeOf(stolen), [404, 'NOT_FOUND'])
      assert.equal((await two!.browser.send(`${url}/api/tenants`)).status, 403)
      const owners = await send(`${url}/api/keys`, { headers: bearer(await keyFor({ role: 'admin' })) })
      assert.ok((owners.json() as KeyView[]).some(key => key.id === id))
    })
  })

  describe('is limited', () => {
    it('in how often a tenant and an address ask', async () => {
      await desk().createTenant(tenantInput.parse({ id: 'seldom', policy: { requestsPerMinute: 3 } }))
      const headers = bearer(await keyFor({ tenant: 'seldom' }))
      const statuses: number[] = []
      let last: Answer | null = null
      for (let i = 0; i < 4; i++) {
        last = await send(`${url}/v1/models`, { headers })
        statuses.push(last.status)
      }
      assert.deepEqual(statuses, [200, 200, 200, 429])
      assert.ok(Number(last!.headers['retry-after']) >= 1)
      const others = await openDoor({ 'gateway.behindProxy': true, 'gateway.addressRequestsPerMinute': 2 })
      // The proxy says who asks; what came before that, anybody can have written.
      const from = async (address: string) =>
        (await send(`${others}/healthz`, { headers: { 'x-forwarded-for': `192.0.2.99, ${address}` } })).status
      assert.deepEqual(
        [await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')],
        [200, 200, 429],
      )
      assert.equal(await from('192.0.2.2'), 200)
    })

    it('in requests at once, from their first byte to their last', async () => {
      await desk().createTenant(tenantInput.parse({ id: 'single', policy: { concurrent: 1 } }))
      const key = await keyFor({ tenant: 'single' })
      const asked = async () => (await send(`${url}/v1/models`, { headers: bearer(key) })).status
      const first = await connect(url)
      first.write(
        [
          'POST /v1/chat/completions HTTP/1.1',
          `Host: ${new URL(url).host}`,
          `Authorization: Bearer ${key.key}`,
          'Content-Type: application/json',
          'Content-Length: 100',
          'Expect: 100-continue',
          '\r\n',
        ].join('\r\n'),
      )
      await once(first, 'data')
      assert.equal(await asked(), 429)
      first.destroy()
      await waitUntil('the place is free', async () => (await asked()) === 200)
    })

    it('in what its tenant may have', async () => {
      const policy = { models: ['another-model'], strategies: ['privacy' as const] }
      await desk().createTenant(tenantInput.parse({ id: 'narrow', policy }))
      const headers = bearer(await keyFor({ tenant: 'narrow' }))
      const ask = (body: object) =>
        send(`${url}/v1/chat/completions`, {
          ...{ method: 'POST', headers },
          body: { messages: [{ role: 'user', content: 'Hello' }], ...body },
        })
      assert.equal((await ask({ model: NANO })).status, 403)
      await desk().changeTenant('narrow', { policy: { models: null } })
      assert.equal((await ask({ model: NANO, shoal: { strategy: 'cost' } })).status, 403)
      await desk().changeTenant('narrow', {
        policy: { strategies: null, maxPricePerRequest: '0.000000000001' },
      })
      const dear = await ask({ model: NANO })
      assert.equal(dear.status, 402, dear.text)
    })

    it('in streams at once, which count until they end', async () => {
      await desk().createTenant(tenantInput.parse({ id: 'listener' }))
      const headers = bearer(await keyFor({ tenant: 'listener' }))
      const few = await openDoor({ 'gateway.maxStreams': 2 })
      const open = () =>
        new Promise<{ status: number; end: () => Promise<void> }>((resolve, reject) => {
          const request = httpGet(`${few}/api/events`, { headers, agent: false }, response => {
            response.on('error', () => {})
            const end = () =>
              new Promise<void>(ended => {
                response.once('close', ended)
                request.destroy()
              })
            resolve({ status: response.statusCode ?? 0, end })
          })
          request.once('error', reject)
        })
      const streams = [await open(), await open()]
      assert.deepEqual(
        streams.map(({ status }) => status),
        [200, 200],
      )
      const third = await send(`${few}/api/events`, { headers })
      assert.deepEqual(codeOf(third), [429, 'TOO_MANY_REQUESTS_AT_ONCE'])
      // Other requests are not held up by streams.
      assert.equal((await send(`${few}/v1/models`, { headers })).status, 200)
      await streams[0]!.end()
      await waitUntil('the place is free', async () => {
        const again = await open()
        if (again.status === 200) streams.push(again)
        else await again.end()
        return again.status === 200
      })
      await Promise.all(streams.slice(1).map(({ end }) => end()))
    })

    it('in how much a request holds', async () => {
      const small = await openDoor({ 'gateway.maxBodyBytes': 2_048 })
      const answer = await send(`${small}/api/session/owner`, {
        method: 'POST',
        body: { token: 'x'.repeat(4_096) },
      })
      assert.deepEqual(codeOf(answer), [413, 'REQUEST_TOO_LARGE'])
      const socket = await connect(small)
      socket.write(
        `POST /api/session/owner HTTP/1.1\r\nHost: ${new URL(small).host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      )
      for (let i = 0; i < 8; i++) socket.write(`200\r\n${'x'.repeat(512)}\r\n`)
      assert.match(await everything(socket), /^HTTP\/1.1 413 /)
      const heads = await connect(small)
      heads.write(
        `GET /healthz HTTP/1.1\r\nHost: ${new URL(small).host}\r\nX-Long: ${'x'.repeat(32_768)}\r\n\r\n`,
      )
      assert.match(await everything(heads), /^HTTP\/1.1 431 /)
    })

    it('in how slowly it may come: heads, bodies, and nothing at all', async () => {
      const quick = await openDoor({ 'gateway.requestTimeout': '300ms' })
      const { host } = new URL(quick)
      const [head, body, nothing] = await Promise.all([connect(quick), connect(quick), connect(quick)])
      head.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nX-`)
      body.write(
        `POST /api/session/owner HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      )
      const answers = await Promise.all([everything(head), everything(body), everything(nothing)])
      assert.match(answers[0]!, /^HTTP\/1.1 408 /)
      assert.match(answers[1]!, /^HTTP\/1.1 408 /)
      // Who is quick enough is served meanwhile and afterwards.
      assert.equal((await send(`${quick}/healthz`)).status, 200)
    })
  })

  describe('by signing in', () => {
    it('is the owner’s who has the link, once', async () => {
      const { token } = node.node.parts.accounts.ownerTokens.make()
      const browser = new Browser()
      const trade = () => browser.send(`${url}/api/session/owner`, { method: 'POST', body: { token } })
      const first = await trade()
      const me = first.json() as MeView
      assert.deepEqual([me.tenant, me.role, me.via], ['owner', 'admin', 'owner-token'])
      for (const cookie of first.headers['set-cookie'] ?? [])
        assert.match(cookie, /HttpOnly; SameSite=Strict/)
      assert.equal((await browser.send(`${url}/api/tenants`)).status, 200)
      assert.deepEqual(codeOf(await send(`${url}/api/session/owner`, { method: 'POST', body: { token } })), [
        401,
        'UNAUTHENTICATED',
      ])
      const end = await browser.send(`${url}/api/session/end`, {
        ...{ method: 'POST', headers: { 'shoal-csrf': me.csrf! }, body: {} },
      })
      assert.deepEqual(end.json(), { ended: true })
      assert.equal(browser.cookiesFor(url), '')
      assert.equal((await browser.send(`${url}/api/tenants`)).status, 403)
    })

    it('is an account’s that signs for this site, this chain and this moment, once', async () => {
      const wallet = EthersWallet.createRandom()
      const { me, message, signature } = await signedIn(url, wallet)
      assert.equal(me.wallet, wallet.address.toLowerCase())
      assert.equal(me.tenant, me.wallet)
      assert.equal(me.role, 'user')
      assert.deepEqual(me.balances, { gas: '0', credits: '0', settlementCredits: '0' })
      const refused = async (text: string, signed: string) =>
        assert.deepEqual(
          codeOf(
            await send(`${url}/api/session/wallet`, {
              method: 'POST',
              body: { message: text, signature: signed },
            }),
          ),
          [401, 'UNAUTHENTICATED'],
        )
      await refused(message, signature)
      const other = EthersWallet.createRandom()
      const changes: Partial<SiweMessage>[] = [
        { domain: 'evil.example' },
        { uri: 'https://evil.example' },
        { chainId: 1 },
        { nonce: 'abcdefgh12345678' },
        { issuedAt: new Date(Date.now() - 3_600_000).toISOString() },
        { expirationTime: new Date(Date.now() - 1_000).toISOString() },
        { notBefore: new Date(Date.now() + 3_600_000).toISOString() },
        { address: other.address },
      ]
      for (const change of changes) {
        const text = await siweText(url, wallet.address, change)
        await refused(text, await wallet.signMessage(text))
      }
      const text = await siweText(url, wallet.address)
      await refused(text, await other.signMessage(text))
      await refused(text.replace('Version: 1', 'Version: 2'), await wallet.signMessage(text))
      await refused('Let me in', await wallet.signMessage('Let me in'))
      const browser = new Browser()
      const elsewhere = await browser.send(`${url}/api/session/wallet`, {
        ...{ method: 'POST', origin: 'https://evil.example', body: { message: text, signature } },
      })
      assert.deepEqual(codeOf(elsewhere), [403, 'ORIGIN_REFUSED'])
    })

    it('is a contract’s that says so itself (ERC-1271)', async () => {
      const owner = EthersWallet.createRandom()
      const sender = EthersWallet.createRandom()
      const provider = new JsonRpcProvider(network.chain.rpcUrl)
      await provider.send('shoal_fund', [sender.address.toLowerCase()])
      provider.destroy()
      const contract = await deployContractWallet(owner.address, {
        ...{ sender: new EthersWallet(sender.privateKey), rpcUrl: network.chain.rpcUrl },
      })
      const { me } = await signedIn(url, owner, getAddress(contract))
      assert.equal(me.wallet, contract)
      const stranger = EthersWallet.createRandom()
      const text = await siweText(url, getAddress(contract))
      const body = { message: text, signature: await stranger.signMessage(text) }
      assert.deepEqual(codeOf(await send(`${url}/api/session/wallet`, { method: 'POST', body })), [
        401,
        'UNAUTHENTICATED',
      ])
    })

    it('lasts by renewal', async () => {
      const { browser } = await signedIn(url, EthersWallet.createRandom())
      const renewed = await browser.send(`${url}/api/session/refresh`, { method: 'POST', body: {} })
      assert.equal(renewed.status, 200)
      assert.equal((renewed.json() as MeView).via, 'session')
      const nobody = await new Browser().send(`${url}/api/session/refresh`, { method: 'POST', body: {} })
      assert.equal((nobody.json() as MeView).via, 'loopback')
      const ended = new Browser()
      const cookie = `shoal-renewal-${new URL(url).port}=${'0'.repeat(32)}.${'0'.repeat(64)}`
      const refused = await ended.send(`${url}/api/session/refresh`, {
        ...{ method: 'POST', body: {}, headers: { cookie } },
      })
      assert.deepEqual(codeOf(refused), [401, 'UNAUTHENTICATED'])
    })

    it('is somebody’s whom an identity provider knows (OpenID Connect with PKCE)', async () => {
      const client = { id: 'shoal', secret: 'a secret between the two' }
      // The provider must know the address before the door knows the provider.
      const port = await freePort()
      const site = `http://127.0.0.1:${port}`
      const provider = await startIdentityProvider({
        ...client,
        redirectUri: `${site}/api/session/oidc/callback`,
      })
      try {
        await openDoor(
          {
            'gateway.oidcIssuer': provider.issuer,
            'gateway.oidcClient': client.id,
            'gateway.oidcSecret': client.secret,
            'gateway.oidcBudget': '0.5',
          },
          `127.0.0.1:${port}`,
        )
        const browser = new Browser()
        const back = await provider.signIn(browser, `${site}/api/session/oidc`, 'alice')
        assert.match(back, /[?&]code=/)
        const cookies = browser.cookiesFor(back)
        const { url: page } = await browser.open(back, { stopAt: at => at === `${site}/` })
        assert.equal(page, `${site}/`)
        const me = (await browser.send(`${site}/api/me`)).json() as MeView
        assert.match(me.tenant!, /^oidc-[0-9a-f]{32}$/)
        assert.deepEqual(
          [me.name, me.role, me.via, me.wallet],
          ['alice@provider.example', 'user', 'session', null],
        )
        assert.equal(me.budget!.remaining, '0.5')
        // What came back counts once, in the browser that was sent, with the state it was sent with.
        const again = await send(back, { headers: { cookie: cookies } })
        assert.deepEqual(codeOf(again), [401, 'UNAUTHENTICATED'])
        // Not for the provider's saying so: some take a code twice.
        assert.match((again.json() as { error: { message: string } }).error.message, /used already/)
        // Nor at the door's other name, though the browser sends the cookie there, too.
        const named = new Browser()
        const meant = await provider.signIn(named, `${site}/api/session/oidc`, 'alice')
        const elsewhere = await send(meant.replace('127.0.0.1', 'localhost'), {
          headers: { cookie: named.cookiesFor(`${site}/api/session/oidc/callback`) },
        })
        assert.deepEqual(codeOf(elsewhere), [401, 'UNAUTHENTICATED'])
        const other = new Browser()
        const others = await provider.signIn(other, `${site}/api/session/oidc`, 'mallory')
        assert.deepEqual(codeOf(await new Browser().send(others)), [401, 'UNAUTHENTICATED'])
        const wrong = new URL(others)
        wrong.searchParams.set('state', 'another')
        assert.deepEqual(codeOf(await other.send(wrong.href)), [401, 'UNAUTHENTICATED'])
        // The same person is the same tenant.
        const later = new Browser()
        await later.open(await provider.signIn(later, `${site}/api/session/oidc`, 'alice'), {
          stopAt: at => at === `${site}/`,
        })
        assert.equal(((await later.send(`${site}/api/me`)).json() as MeView).tenant, me.tenant)
      } finally {
        await provider.stop()
      }
    })
  })

  it('is the owner’s at the command line, which makes links to sign in by', async () => {
    const door = new Door({ node: node.node, served, shutDown: () => {}, clock: systemClock })
    const handlers = accountHandlers(node.node, door)
    const call = async (method: keyof typeof handlers, input: object) =>
      (await handlers[method](
        accountMethods[method].parse(input) as never,
        () => {},
        new AbortController().signal,
      )) as never
    assert.throws(() => handlers.ownerLink({}, () => {}, new AbortController().signal), GatewayError)
    await door.open('127.0.0.1:0')
    try {
      assert.equal(door.view!.ownerLink, null)
      const { link } = (await call('ownerLink', {})) as { link: string }
      const [site, token] = link.split('/#owner=')
      const signIn = await send(`${site}/api/session/owner`, { method: 'POST', body: { token } })
      assert.equal((signIn.json() as MeView).role, 'admin')
      await call('createTenant', { id: 'cli', policy: { budget: { amount: '1', per: 'day' } } })
      const { key, id } = (await call('createKey', { name: 'a key', tenant: 'cli' })) as NewKeyView
      assert.equal(
        ((await send(`${site}/api/me`, { headers: bearer({ key }) })).json() as MeView).tenant,
        'cli',
      )
      await call('changeTenant', { id: 'cli', disabled: true })
      assert.equal((await send(`${site}/api/me`, { headers: bearer({ key }) })).status, 401)
      await call('changeTenant', { id: 'cli', disabled: false })
      const rotated = (await call('rotateKey', { id, overlapSeconds: 0 })) as NewKeyView
      assert.equal((await send(`${site}/api/me`, { headers: bearer(rotated) })).status, 200)
      assert.equal(((await call('revokeKey', { id })) as KeyView).state, 'revoked')
      assert.deepEqual(
        ((await call('keys', { tenant: 'cli' })) as KeyView[]).map(one => one.id),
        [id],
      )
    } finally {
      await door.stop()
    }
  })

  it('comes by TLS where the door has a certificate', async () => {
    const name = sequence(element(0x87, Buffer.from([127, 0, 0, 1])))
    const { der, privateKey } = issue('p384', null, {
      ...{ name: '127.0.0.1', extensions: { [SUBJECT_ALTERNATIVE_NAME]: name } },
    })
    const ca = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
    const folder = await network.folder()
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    await writeFile(cert, ca)
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const secure = await openDoor({ 'gateway.tlsCert': cert, 'gateway.tlsKey': key }, '0.0.0.0:0')
    const at = `https://127.0.0.1:${new URL(secure).port}`
    const health = await send(`${at}/healthz`, { ca })
    assert.equal(health.status, 200)
    assert.match(String(health.headers['strict-transport-security']), /max-age/)
    // Others can connect here: this machine gets nothing without a key, either.
    assert.equal((await send(`${at}/v1/models`, { ca })).status, 401)
    const { token } = node.node.parts.accounts.ownerTokens.make()
    const signIn = await send(`${at}/api/session/owner`, {
      ...{ method: 'POST', body: { token }, ca, headers: { origin: at } },
    })
    const cookies = signIn.headers['set-cookie'] ?? []
    assert.equal(cookies.length, 2)
    assert.match(
      cookies[0]!,
      /^__Host-shoal-access-\d+=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    assert.match(cookies[1]!, /^__Secure-shoal-renewal-/)
  })

  /** Signed in as the owner. */
  async function ownersBrowser(site: string): Promise<Browser> {
    const { token } = node.node.parts.accounts.ownerTokens.make()
    const browser = new Browser()
    const answer = await browser.send(`${site}/api/session/owner`, { method: 'POST', body: { token } })
    assert.equal(answer.status, 200)
    return browser
  }
})

/** An ERC-4361 text as a wallet would be given, with a fresh nonce. */
async function siweText(site: string, address: string, change: Partial<SiweMessage> = {}): Promise<string> {
  const challenge = (await send(`${site}/api/session/nonce`)).json() as NonceView
  const { nonce, domain, uri, chainId, statement } = challenge
  const issuedAt = new Date().toISOString()
  return new SiweMessage({
    ...{ version: '1', address, nonce, domain, uri, chainId, statement, issuedAt },
    ...change,
  }).prepareMessage()
}

/** Signs in with a wallet, or with a contract that the wallet owns. */
async function signedIn(
  site: string,
  wallet: { address: string; signMessage: (text: string) => Promise<string> },
  address = wallet.address,
): Promise<{ browser: Browser; me: MeView; message: string; signature: string }> {
  const message = await siweText(site, address)
  const signature = await wallet.signMessage(message)
  const browser = new Browser()
  const answer = await browser.send(`${site}/api/session/wallet`, {
    method: 'POST',
    body: { message, signature },
  })
  assert.equal(answer.status, 200, answer.text)
  return { browser, me: answer.json() as MeView, message, signature }
}

function connect(site: string): Promise<Socket> {
  const { hostname, port } = new URL(site)
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port) }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** What comes until the other side closes. */
function everything(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(text))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
