import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { addressKey, isFromThisMachine } from '../../../../../node/gateway/accounts/client-address.ts'
import { Leases } from '../../../../../node/gateway/accounts/leases.ts'
import { Nonces } from '../../../../../node/gateway/accounts/nonces.ts'
import { requireProtection } from '../../../../../node/gateway/accounts/protection.ts'
import { RateLimits } from '../../../../../node/gateway/accounts/rate-limits.ts'
import { RecentBalances } from '../../../../../node/gateway/accounts/recent-balances.ts'
import { randomName } from '../../../../../node/gateway/accounts/secrets.ts'
import { Sites } from '../../../../../node/gateway/accounts/sites.ts'
import { UsedOnce } from '../../../../../node/gateway/accounts/used-once.ts'
import { GatewayError } from '../../../../../node/gateway/http/http-error.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

const MINUTE_MS = 60_000

describe('rate limits', () => {
  it('let no more through in a minute than may be, and say exactly when one may again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 60 }),
        (perMinute, waits) => {
          const clock = new ManualClock()
          const rates = new RateLimits({ clock })
          const passed = new Map<number, number>()
          for (const ms of waits) {
            clock.jump(ms)
            const waitMs = rates.take('a', perMinute)
            const minute = Math.floor(clock.nowMs() / MINUTE_MS)
            if (waitMs === 0) passed.set(minute, (passed.get(minute) ?? 0) + 1)
            else {
              clock.jump(waitMs)
              assert.equal(rates.take('a', perMinute), 0, 'after waiting it passes')
              const then = Math.floor(clock.nowMs() / MINUTE_MS)
              passed.set(then, (passed.get(then) ?? 0) + 1)
            }
          }
          for (const count of passed.values()) assert.ok(count <= perMinute)
        },
      ),
    )
  })

  it('do not give twice as much around the turn of a minute', () => {
    const clock = new ManualClock(Math.ceil(1_700_000_000_000 / MINUTE_MS) * MINUTE_MS - 1)
    const rates = new RateLimits({ clock })
    const passed = () =>
      Array.from({ length: 30 }, () => rates.take('a', 10)).filter(wait => wait === 0).length
    assert.equal(passed(), 10)
    clock.jump(2)
    assert.equal(passed(), 0)
    clock.jump(MINUTE_MS / 2)
    assert.equal(passed(), 5)
  })

  it('are each key’s own', () => {
    const rates = new RateLimits({ clock: new ManualClock() })
    assert.equal(rates.take('a', 1), 0)
    assert.notEqual(rates.take('a', 1), 0)
    assert.equal(rates.take('b', 1), 0)
  })
})

describe('leases', () => {
  it('are as many as may be at once, and end once', () => {
    const leases = new Leases()
    const [first, second] = [leases.take('a', 2), leases.take('a', 2)]
    assert.equal(leases.take('a', 2), null)
    first!()
    first!()
    assert.ok(leases.take('a', 2))
    assert.equal(leases.take('a', 2), null)
    second!()
    assert.equal(leases.held('a'), 1)
  })
})

describe('nonces', () => {
  it('are good once, for ten minutes, and ours alone', () => {
    const clock = new ManualClock()
    const modules = { clock, random: randomBytes }
    const nonces = new Nonces(modules)
    const { nonce } = nonces.make()
    assert.match(nonce, /^[a-z0-9]{8,}$/)
    assert.equal(new Nonces(modules).isGood(nonce), false)
    const later = (Number.parseInt(nonce.slice(32, 40), 16) + 600).toString(16)
    assert.equal(nonces.isGood(nonce.slice(0, 32) + later + nonce.slice(40)), false)
    assert.equal(nonces.isGood(nonce), true)
    assert.equal(nonces.use(nonce), true)
    assert.equal(nonces.use(nonce), false)
    const late = nonces.make().nonce
    clock.jump(10 * MINUTE_MS)
    assert.equal(nonces.use(late), false)
  })

  it('when too many were used are refused rather than forgotten', () => {
    const clock = new ManualClock()
    const used = new UsedOnce({ max: 2 }, { clock })
    const endsMs = clock.nowMs() + 10
    assert.deepEqual(
      [used.use('a', endsMs), used.use('b', endsMs), used.use('c', endsMs)],
      [true, true, false],
    )
    clock.jump(10)
    assert.equal(used.use('c', clock.nowMs() + 10), true)
  })
})

describe('balances', () => {
  const told = { gas: 1n, credits: 2n * CREDIT, settlementCredits: 0n, stake: 0n }

  it('are asked for once in a few seconds', async () => {
    const clock = new ManualClock()
    let asked = 0
    const client = { balances: async () => ({ ...told, credits: BigInt(++asked) * CREDIT }) }
    const balances = new RecentBalances({ clock, client: () => client })
    assert.equal((await balances.of('0xa'))!.credits, '1')
    assert.equal((await balances.of('0xa'))!.credits, '1')
    assert.equal((await balances.of('0xb'))!.credits, '2')
    clock.jump(5_000)
    assert.equal((await balances.of('0xa'))!.credits, '3')
  })

  it('are not waited for long, and unknown without a chain', async () => {
    const clock = new ManualClock()
    const slow = new RecentBalances({ clock, client: () => ({ balances: () => new Promise(() => {}) }) })
    const answer = slow.of('0xa')
    await clock.advance(2_000)
    assert.equal(await answer, null)
    const broken = { balances: () => Promise.reject(new Error('unreachable')) }
    assert.equal(await new RecentBalances({ clock, client: () => broken }).of('0xa'), null)
    assert.equal(await new RecentBalances({ clock, client: () => null }).of('0xa'), null)
    assert.deepEqual(clock.pendingMs(), [])
  })
})

describe('addresses', () => {
  it('of IPv6 count by half, however they are written', () => {
    assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
    assert.equal(addressKey('2001:0db8:0001:0002::1'), '2001:db8:1:2::/64')
    assert.equal(addressKey('2001:db8::1'), '2001:db8:0:0::/64')
    assert.equal(addressKey('::1'), '0:0:0:0::/64')
    assert.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64')
    assert.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(addressKey('192.0.2.1'), '192.0.2.1')
  })

  it('of this machine are not those that a proxy speaks for', () => {
    const request = (remoteAddress: string, headers = {}) => ({ socket: { remoteAddress }, headers }) as never
    assert.equal(isFromThisMachine(request('127.0.0.1')), true)
    assert.equal(isFromThisMachine(request('::1')), true)
    assert.equal(isFromThisMachine(request('::ffff:127.0.0.1')), true)
    assert.equal(isFromThisMachine(request('192.0.2.1')), false)
    assert.equal(isFromThisMachine(request('127.0.0.1', { 'x-forwarded-for': '192.0.2.1' })), false)
    assert.equal(isFromThisMachine(request('127.0.0.1', { forwarded: 'for=192.0.2.1' })), false)
  })
})

describe('sites', () => {
  const isRefused = (error: unknown) => error instanceof GatewayError && error.code === 'HOST_REFUSED'
  const local = { listenHost: '127.0.0.1', isTls: false, isBehindProxy: false, hosts: [], origins: [] }
  const siteOf = (sites: Sites, host: string, headers: Record<string, string> = {}) =>
    sites.site({ host, headers })

  it('of a node for this machine are its own addresses and localhost', () => {
    const sites = new Sites(local)
    assert.deepEqual(siteOf(sites, 'LOCALHOST:4114'), {
      host: 'localhost:4114',
      origin: 'http://localhost:4114',
    })
    siteOf(sites, '127.0.0.1:4114')
    siteOf(sites, '[::1]:4114')
    for (const host of [
      'evil.example',
      'localhost.evil.example:4114',
      '192.0.2.1:4114',
      '',
      'localhost:4114.evil',
    ])
      assert.throws(() => siteOf(sites, host), isRefused)
  })

  it('of a node for others are addresses and the names that were given', () => {
    const sites = new Sites({ ...local, listenHost: '0.0.0.0', isTls: true, hosts: ['Shoal.example'] })
    assert.equal(siteOf(sites, 'shoal.example').origin, 'https://shoal.example')
    siteOf(sites, '192.0.2.1:4114')
    assert.throws(() => siteOf(sites, 'evil.example'), isRefused)
    // What nobody's proxy says counts for nothing.
    const plain = new Sites({ ...local, hosts: ['shoal.example'] })
    assert.equal(
      siteOf(plain, 'shoal.example', { 'x-forwarded-proto': 'https' }).origin,
      'http://shoal.example',
    )
    const proxied = new Sites({ ...local, isBehindProxy: true, hosts: ['shoal.example'] })
    assert.equal(siteOf(proxied, 'shoal.example').origin, 'https://shoal.example')
    assert.equal(
      siteOf(proxied, 'shoal.example', { 'x-forwarded-proto': 'https, http' }).origin,
      'http://shoal.example',
    )
  })

  it('tell pages of other sites by what browsers say', () => {
    const sites = new Sites({ ...local, origins: ['https://chat.example'] })
    const site = siteOf(sites, 'localhost:4114')
    const from = (headers: Record<string, string>) => sites.from(headers, site)
    assert.equal(from({}), 'here')
    assert.equal(from({ origin: 'http://localhost:4114' }), 'here')
    assert.equal(from({ origin: 'https://chat.example' }), 'allowed')
    for (const origin of ['null', 'http://localhost:3000', 'https://localhost:4114', 'http://127.0.0.1:4114'])
      assert.equal(from({ origin }), 'elsewhere')
    assert.equal(from({ 'sec-fetch-site': 'same-origin' }), 'here')
    assert.equal(from({ 'sec-fetch-site': 'none' }), 'here')
    assert.equal(from({ 'sec-fetch-site': 'cross-site' }), 'elsewhere')
    assert.equal(from({ 'sec-fetch-site': 'same-site' }), 'elsewhere')
  })
})

describe('a door without protection', () => {
  const config = {
    'gateway.auth': true,
    'gateway.tlsCert': null,
    'gateway.tlsKey': null,
    'gateway.behindProxy': false,
  }
  const tls = { 'gateway.tlsCert': 'cert.pem', 'gateway.tlsKey': 'key.pem' }
  const isRefused = (error: unknown) =>
    error instanceof GatewayError && error.code === 'GATEWAY_UNPROTECTED' && error.fix !== undefined
  const refuses = (listen: string, change: object) =>
    assert.throws(() => requireProtection(listen, { ...config, ...change }), isRefused)

  it('is not opened where others can connect', () => {
    for (const listen of ['0.0.0.0:4114', '[::]:4114', '192.0.2.1:4114', 'shoal.example:4114']) {
      refuses(listen, {})
      refuses(listen, { ...tls, 'gateway.auth': false })
      refuses(listen, { 'gateway.tlsCert': 'cert.pem' })
      requireProtection(listen, { ...config, ...tls })
      requireProtection(listen, { ...config, 'gateway.behindProxy': true })
    }
  })

  it('is on loopback, but for others’ proxies', () => {
    for (const listen of ['127.0.0.1:4114', '127.1.2.3:0', '[::1]:4114', 'localhost:4114']) {
      requireProtection(listen, config)
      requireProtection(listen, { ...config, 'gateway.auth': false })
      refuses(listen, { 'gateway.auth': false, 'gateway.behindProxy': true })
    }
  })
})

describe('names of keys', () => {
  it('have each letter about as often', () => {
    const counts = new Map<string, number>()
    for (const letter of randomName(36_000, randomBytes)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    assert.equal(counts.size, 36)
    for (const count of counts.values()) assert.ok(count > 800 && count < 1_200)
  })
})
