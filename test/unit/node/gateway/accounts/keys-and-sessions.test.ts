import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { loadConfig } from '../../../../../node/config/load.ts'
import { AccountDesk } from '../../../../../node/gateway/accounts/account-desk.ts'
import { AccountPurses } from '../../../../../node/gateway/accounts/account-purses.ts'
import { type KeyInput, keyInput, tenantInput } from '../../../../../node/gateway/accounts/account-schemas.ts'
import { Accounts, LOOPBACK, OWNER } from '../../../../../node/gateway/accounts/accounts.ts'
import type { PaymentAccess } from '../../../../../node/gateway/credit/payment-access.ts'
import { GatewayError, type GatewayErrorCode } from '../../../../../node/gateway/http/http-error.ts'
import type { Principal } from '../../../../../node/gateway/http/principal.ts'
import { OWNER_PURSE, type Purse } from '../../../../../node/gateway/http/purse.ts'
import { Store } from '../../../../../node/store/store.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const HOUR_MS = 3_600_000
const WALLET = `0x${'ab'.repeat(20)}`

const failsWith = (code: GatewayErrorCode) => (error: unknown) =>
  error instanceof GatewayError && error.code === code

describe('accounts', () => {
  const folders = new TemporaryFolders()
  let path: string
  let store: Store
  let clock: ManualClock
  let accounts: Accounts
  let desk: AccountDesk

  async function open(): Promise<void> {
    const { config } = await loadConfig({ dataDir: path, environment: {}, flags: {} })
    store = await Store.open(path)
    accounts = new Accounts(config, { store, clock, log: silentLog, random: randomBytes })
    await accounts.start()
    desk = new AccountDesk({ accounts, clock, log: silentLog })
  }

  async function restart(): Promise<void> {
    await accounts.stop()
    await store.close()
    await open()
  }

  /** Somebody of a tenant who has signed in. */
  async function person(tenant: string): Promise<Principal> {
    const { session } = await accounts.sessions.begin({
      ...{ subject: `${tenant}-person`, tenant, wallet: null, via: 'session' },
    })
    return accounts.principalOfSession(session)!
  }

  const makeKey = (by: Principal, input: Partial<KeyInput> = {}) =>
    desk.createKey(by, keyInput.parse({ name: 'key', ...input }))
  const makeTenant = (id: string, input: object = {}) =>
    desk.createTenant(tenantInput.parse({ id, ...input }))

  beforeEach(async () => {
    path = join(await folders.make(), 'store')
    clock = new ManualClock()
    await open()
  })
  afterEach(async () => {
    await accounts.stop()
    await store.close()
    await folders.remove()
  })

  describe('keys', () => {
    it('say who comes and what it may, after a restart too', async () => {
      await makeTenant('acme', { policy: { requestsPerMinute: 5, maxPricePerRequest: '0.5' } })
      const { key, id } = await makeKey(OWNER, { tenant: 'acme', role: 'user', scopes: ['infer'] })
      await restart()
      const principal = accounts.principalOfKey(key)
      assert.ok(principal)
      assert.equal(principal.subject, `key:${id}`)
      assert.equal(principal.tenant, 'acme')
      assert.deepEqual([...principal.scopes], ['infer'])
      assert.equal(principal.policy.requestsPerMinute, 5)
      assert.equal(principal.policy.maxPricePerRequest, CREDIT / 2n)
      assert.equal(accounts.principalOfKey(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`), null)
      assert.equal(accounts.principalOfKey('shoal_nonsense'), null)
    })

    it('are kept as hashes alone', async () => {
      const { key, id } = await makeKey(OWNER)
      const [, , secret] = key.split('_')
      const kept = JSON.stringify(accounts.keys.get(id))
      assert.ok(!kept.includes(secret!))
      assert.match(kept, /"hash":"[0-9a-f]{64}"/)
    })

    it('are taken beside their successors for the overlap, and not longer', async () => {
      const first = await makeKey(OWNER)
      const second = await desk.rotateKey(OWNER, first.id, HOUR_MS)
      assert.ok(accounts.principalOfKey(first.key))
      assert.ok(accounts.principalOfKey(second.key))
      assert.equal(desk.keys(OWNER)[0]!.oldSecretUntil, new Date(clock.nowMs() + HOUR_MS).toISOString())
      await clock.advance(HOUR_MS)
      assert.equal(accounts.principalOfKey(first.key), null)
      const third = await desk.rotateKey(OWNER, first.id, HOUR_MS)
      const fourth = await desk.rotateKey(OWNER, first.id, 0)
      assert.deepEqual(
        [second, third, fourth].map(({ key }) => accounts.principalOfKey(key) !== null),
        [false, false, true],
      )
    })

    it('end when they expire or are revoked, and are not rotated then', async () => {
      const { key, id } = await makeKey(OWNER, { expiresInSeconds: 60 })
      const other = await makeKey(OWNER)
      await clock.advance(60_000)
      assert.equal(accounts.principalOfKey(key), null)
      await assert.rejects(desk.rotateKey(OWNER, id, HOUR_MS), failsWith('CONFLICT'))
      // Whichever comes first, a revoked key stays revoked.
      const rotated = desk.rotateKey(OWNER, other.id, HOUR_MS)
      await desk.revokeKey(OWNER, other.id)
      const { key: newer } = await rotated
      await restart()
      assert.equal(accounts.principalOfKey(other.key), null)
      assert.equal(accounts.principalOfKey(newer), null)
      assert.deepEqual(
        desk
          .keys(OWNER)
          .map(({ state }) => state)
          .sort(),
        ['expired', 'revoked'],
      )
    })

    it('are told to have been used, to the minute', async () => {
      const { key, id } = await makeKey(OWNER)
      assert.equal(desk.keys(OWNER)[0]!.lastUsedAt, null)
      accounts.principalOfKey(key)
      const usedAt = new Date(clock.nowMs()).toISOString()
      await clock.advance(59_000)
      accounts.principalOfKey(key)
      await restart()
      assert.equal(desk.keys(OWNER).find(one => one.id === id)!.lastUsedAt, usedAt)
    })

    it('never may more than their makers and tenants', async () => {
      await makeTenant('acme')
      const acme = await person('acme')
      await assert.rejects(makeKey(acme, { role: 'operator' }), failsWith('FORBIDDEN'))
      await assert.rejects(makeKey(acme, { scopes: ['administer'] }), failsWith('FORBIDDEN'))
      await assert.rejects(makeKey(OWNER, { tenant: 'acme', role: 'admin' }), failsWith('FORBIDDEN'))
      await desk.changeTenant('acme', { role: 'operator' })
      const { key } = await makeKey(OWNER, { tenant: 'acme', role: 'operator' })
      assert.equal(accounts.principalOfKey(key)!.role, 'operator')
      await desk.changeTenant('acme', { role: 'observer' })
      assert.deepEqual([...accounts.principalOfKey(key)!.scopes], ['look'])
      await desk.changeTenant('acme', { disabled: true })
      assert.equal(accounts.principalOfKey(key), null)
    })

    it('are not made by keys, nor by programs on the machine', async () => {
      const { key } = await makeKey(OWNER, { role: 'operator' })
      await assert.rejects(makeKey(accounts.principalOfKey(key)!), failsWith('FORBIDDEN'))
      await assert.rejects(makeKey(LOOPBACK), failsWith('FORBIDDEN'))
      assert.throws(() => desk.keys(LOOPBACK), failsWith('FORBIDDEN'))
    })

    it('of one tenant do not exist for another', async () => {
      await makeTenant('acme')
      await makeTenant('rival')
      const [acme, rival] = [await person('acme'), await person('rival')]
      const { id } = await makeKey(acme)
      assert.deepEqual(desk.keys(rival), [])
      assert.deepEqual(desk.keys(rival, 'acme'), [])
      await assert.rejects(desk.rotateKey(rival, id, 0), failsWith('NOT_FOUND'))
      await assert.rejects(desk.revokeKey(rival, id), failsWith('NOT_FOUND'))
      await assert.rejects(makeKey(rival, { tenant: 'acme' }), failsWith('NOT_FOUND'))
      assert.deepEqual(
        desk.keys(OWNER).map(key => key.id),
        [id],
      )
    })

    it('of an admin in the same tenant are out of a person’s reach', async () => {
      await makeTenant('acme', { role: 'admin' })
      const { id } = await makeKey(OWNER, { tenant: 'acme', role: 'admin' })
      await desk.changeTenant('acme', { role: 'user' })
      await assert.rejects(desk.rotateKey(await person('acme'), id, 0), failsWith('FORBIDDEN'))
    })
  })

  describe('tenants', () => {
    it('keep what is not changed', async () => {
      await makeTenant('acme', {
        name: 'Acme',
        policy: { budget: { amount: '2.5', per: 'day' }, models: ['a'] },
      })
      await desk.changeTenant('acme', { policy: { concurrent: 3 } })
      await restart()
      const { name, policy } = desk.tenant('acme')
      assert.equal(name, 'Acme')
      assert.deepEqual(policy.budget, { amount: '2.5', per: 'day' })
      assert.deepEqual(policy.models, ['a'])
      assert.equal(policy.concurrent, 3)
    })

    it('refuse names that are taken, owners’ limits, and amounts beyond all', async () => {
      await makeTenant('acme')
      await assert.rejects(makeTenant('acme'), failsWith('CONFLICT'))
      await assert.rejects(makeTenant('owner'), failsWith('CONFLICT'))
      await assert.rejects(makeTenant('guest'), failsWith('CONFLICT'))
      await assert.rejects(desk.changeTenant('owner', { role: 'user' }), failsWith('FORBIDDEN'))
      await assert.rejects(desk.changeTenant('nobody', {}), failsWith('NOT_FOUND'))
      assert.equal(tenantInput.safeParse({ id: '../acme' }).success, false)
      assert.equal(tenantInput.safeParse({ id: 'a', name: 'a\u001b[2J' }).success, false)
    })
  })

  describe('sessions', () => {
    const WHO = { subject: WALLET, tenant: WALLET, wallet: WALLET, via: 'session' } as const

    it('last a quarter of an hour unless renewed, over a restart too', async () => {
      const { access, refresh } = await accounts.sessions.begin(WHO)
      await restart()
      assert.equal((await accounts.sessions.verify(access))?.session.subject, WALLET)
      await clock.advance(15 * 60_000 + 1_000)
      assert.equal(await accounts.sessions.verify(access), null)
      const renewed = await accounts.sessions.renew(refresh!)
      assert.ok(renewed)
      assert.ok(await accounts.sessions.verify(renewed.access))
      await clock.advance(12 * HOUR_MS)
      assert.equal(await accounts.sessions.renew(renewed.refresh!), null)
    })

    it('are prolonged by who keeps a page open, and no further than they last', async () => {
      const { access, session } = await accounts.sessions.begin(WHO)
      const { accessExpiresAtMs } = (await accounts.sessions.verify(access))!
      assert.equal(await accounts.sessions.prolong(session, accessExpiresAtMs), null)
      await clock.advance(8 * 60_000)
      const later = await accounts.sessions.prolong(session, accessExpiresAtMs)
      assert.equal(later!.refresh, null)
      await clock.advance(8 * 60_000)
      assert.equal(await accounts.sessions.verify(access), null)
      assert.ok(await accounts.sessions.verify(later!.access))
      await clock.advance(12 * HOUR_MS)
      assert.equal(await accounts.sessions.verify(later!.access), null)
    })

    it('end at once, here or everywhere', async () => {
      const [here, there, other] = [
        await accounts.sessions.begin(WHO),
        await accounts.sessions.begin(WHO),
        await accounts.sessions.begin({ ...WHO, subject: 'somebody else' }),
      ]
      await accounts.sessions.end(here.session)
      assert.equal(await accounts.sessions.verify(here.access), null)
      assert.equal(await accounts.sessions.renew(here.refresh!), null)
      assert.ok(await accounts.sessions.verify(there.access))
      await accounts.sessions.end(there.session, true)
      await restart()
      assert.equal(await accounts.sessions.verify(there.access), null)
      assert.ok(await accounts.sessions.verify(other.access))
    })

    it('end when a renewal comes back that was spent', async () => {
      const { refresh } = await accounts.sessions.begin(WHO)
      const second = await accounts.sessions.renew(refresh!)
      // Two tabs at the same moment.
      const other = await accounts.sessions.renew(refresh!)
      assert.ok(other)
      assert.equal(other.refresh, null)
      await clock.advance(31_000)
      assert.equal(await accounts.sessions.renew(refresh!), null)
      assert.equal(await accounts.sessions.verify(second!.access), null)
      assert.equal(await accounts.sessions.renew(second!.refresh!), null)
    })

    it('are taken from nobody else', async () => {
      const { access, session } = await accounts.sessions.begin(WHO)
      const [header, payload, signature] = access.split('.')
      const forged = Buffer.from(
        JSON.stringify({ ...JSON.parse(Buffer.from(payload!, 'base64url').toString()), sub: 'owner' }),
      ).toString('base64url')
      const none = Buffer.from('{"alg":"none"}').toString('base64url')
      for (const token of [`${header}.${forged}.${signature}`, `${none}.${payload}.`, '', 'x', `${access}x`])
        assert.equal(await accounts.sessions.verify(token), null)
      assert.equal(await accounts.sessions.renew(`${session.id}.${'0'.repeat(64)}`), null)
      assert.ok(await accounts.sessions.verify(access))
    })

    it('of one person are sixteen at most; the oldest goes', async () => {
      const first = await accounts.sessions.begin(WHO)
      for (let i = 0; i < 16; i++) await accounts.sessions.begin(WHO)
      assert.equal(await accounts.sessions.verify(first.access), null)
    })
  })

  it('trade an owner’s token once, and not late', async () => {
    const { token } = accounts.ownerTokens.make()
    assert.equal(accounts.ownerTokens.take('0'.repeat(64)), false)
    assert.equal(accounts.ownerTokens.take(token), true)
    assert.equal(accounts.ownerTokens.take(token), false)
    const late = accounts.ownerTokens.make()
    await clock.advance(15 * 60_000)
    assert.equal(accounts.ownerTokens.take(late.token), false)
  })

  describe('who pays', () => {
    const NO_CHANNEL = { channelId: null }
    const signal = new AbortController().signal
    const credit: Purse = {
      reserve: async limit => ({ limit, spent: async () => {}, settle: async () => {} }),
    }
    const asked: [string | null, string][] = []
    const payments: PaymentAccess = {
      guest: () => null,
      purse: async (channelId, { wallet }) => {
        asked.push([channelId, wallet!])
        return credit
      },
    }

    it('is the owner for itself, and its keys with a budget by that', async () => {
      const purses = new AccountPurses({ accounts, payments })
      assert.equal(await purses.purseOf(LOOPBACK, NO_CHANNEL), OWNER_PURSE)
      const { key } = await makeKey(OWNER, { budget: { amount: '1', per: 'ever' } })
      const purse = await purses.purseOf(accounts.principalOfKey(key)!, NO_CHANNEL)
      const reservation = await purse.reserve(CREDIT, { signal })
      await assert.rejects(purse.reserve(1n, { signal }), failsWith('BUDGET_EXCEEDED'))
      await reservation.settle(CREDIT / 4n)
      assert.equal(desk.keys(OWNER)[0]!.budget!.remaining, '0.75')
    })

    it('is the budget of the tenant and of the key, whichever is less', async () => {
      await makeTenant('acme', { policy: { budget: { amount: '1', per: 'day' } } })
      const input = { tenant: 'acme', budget: { amount: '0.75', per: 'ever' as const } }
      const [one, two] = [await makeKey(OWNER, input), await makeKey(OWNER, input)]
      const purses = new AccountPurses({ accounts, payments })
      const purseOf = ({ key }: { key: string }) => purses.purseOf(accounts.principalOfKey(key)!, NO_CHANNEL)
      await assert.rejects((await purseOf(one)).reserve(CREDIT, { signal }), failsWith('BUDGET_EXCEEDED'))
      await (await purseOf(one)).reserve((CREDIT * 3n) / 4n, { signal })
      await assert.rejects(
        (await purseOf(two)).reserve(CREDIT / 2n, { signal }),
        failsWith('BUDGET_EXCEEDED'),
      )
      await (await purseOf(two)).reserve(CREDIT / 4n, { signal })
    })

    it('is the wallet’s credit here for wallets, unless they have a budget', async () => {
      const purses = new AccountPurses({ accounts, payments })
      const { session } = await accounts.sessions.begin({
        ...{ subject: WALLET, tenant: WALLET, wallet: WALLET, via: 'session' },
      })
      assert.equal(await purses.purseOf(accounts.principalOfSession(session)!, NO_CHANNEL), credit)
      assert.deepEqual(asked.at(-1), [null, WALLET])
      await desk.changeTenant(WALLET, { policy: { budget: { amount: '1', per: 'day' } } })
      const sponsored = accounts.principalOfSession(session)!
      assert.notEqual(await purses.purseOf(sponsored, NO_CHANNEL), credit)
      assert.equal(await purses.purseOf(sponsored, { channelId: '0xc4' }), credit)
      assert.deepEqual(asked.at(-1), ['0xc4', WALLET])
    })

    it('is nobody for a channel without its wallet', async () => {
      const purses = new AccountPurses({ accounts, payments })
      await assert.rejects(purses.purseOf(LOOPBACK, { channelId: '0xc4' }), failsWith('PAYMENT_REQUIRED'))
    })
  })
})
