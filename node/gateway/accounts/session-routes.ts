import { z } from 'zod'
import { formatCredits } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayApp, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import { OWNER_TENANT } from '../http/principal.ts'
import { type MeView, meView, nonceView, ownerSignIn, sessionEnd, walletSignIn } from './account-schemas.ts'
import type { Accounts } from './accounts.ts'
import { addressKey } from './client-address.ts'
import { OIDC_CALLBACK_PATH, OIDC_FLOW_LIFETIME_MS, type OidcSignIn } from './oidc-sign-in.ts'
import { policyView } from './policy.ts'
import type { RateLimits } from './rate-limits.ts'
import type { RecentBalances } from './recent-balances.ts'
import {
  clearOidcCookie,
  clearSessionCookies,
  readCookie,
  setOidcCookie,
  setSessionCookies,
} from './session-cookies.ts'
import type { Session, SessionCookies } from './sessions.ts'
import type { WalletSignIn } from './wallet-sign-in.ts'

export interface SessionRoutesModules {
  accounts: Accounts
  clock: Clock
  log: Logger
  rates: RateLimits
  wallets: WalletSignIn
  /** Null where no identity provider is set up. */
  oidc: OidcSignIn | null
  /** What people signed in by the identity provider may spend a day, base units, until told otherwise. */
  oidcBudgetPerDay: bigint
  chainId: number
  balances: RecentBalances
}

/** Sign-ins of one address in a minute, those that fail too. */
const SIGN_INS_PER_MINUTE = 30
const TAGS = ['session']

/** Signing in and out, and who one is. */
export function sessionRoutes(app: GatewayApp, modules: SessionRoutesModules): void {
  const { accounts, clock, rates, wallets, oidc } = modules
  const config = { needs: 'public', dialect: 'api' } as const
  const signInConfig = { ...config, csrf: false } as const

  const limit = (request: GatewayRequest) => {
    const waitMs = rates.take(`sign-in:${addressKey(request.ip)}`, SIGN_INS_PER_MINUTE)
    if (waitMs === 0) return
    throw new GatewayError('RATE_LIMITED', 'too many sign-ins come from this address', {
      fix: 'Wait a little.',
      headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
    })
  }
  const begin = async (
    request: GatewayRequest,
    reply: GatewayReply,
    who: Pick<Session, 'subject' | 'tenant' | 'wallet' | 'via'>,
  ) => {
    const tenant = accounts.tenants.get(who.tenant)
    if (tenant === null || tenant.disabled) {
      throw new GatewayError('FORBIDDEN', 'this account is disabled', { fix: 'Ask the owner of the node.' })
    }
    // Whoever had signed in on this browser before has not any more.
    if (request.session !== null) await accounts.sessions.end(request.session)
    welcome(request, reply, await accounts.sessions.begin(who))
    modules.log.info({ tenant: who.tenant, via: who.via }, 'somebody has signed in')
  }
  const welcome = (request: GatewayRequest, reply: GatewayReply, cookies: SessionCookies) => {
    setSessionCookies(reply, cookies, { site: request.site, nowMs: clock.nowMs() })
    request.session = cookies.session
    request.principal = accounts.principalOfSession(cookies.session)
  }

  app.route({
    method: 'GET',
    url: '/api/me',
    config,
    schema: {
      summary: 'Who you are, what you may, and how to sign in',
      tags: TAGS,
      response: { 200: meView },
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { session, accessExpiresAtMs } = request
      // Pages ask this again and again: who has one open stays signed in.
      const later = session === null ? null : await accounts.sessions.prolong(session, accessExpiresAtMs)
      if (later !== null) setSessionCookies(reply, later, { site: request.site, nowMs: clock.nowMs() })
      return me(request, modules)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/session/nonce',
    config,
    schema: {
      summary: 'What a Sign-In with Ethereum message (ERC-4361) must hold',
      tags: TAGS,
      response: { 200: nonceView },
    },
    handler: (request, reply) => {
      reply.header('cache-control', 'no-store')
      return wallets.challenge(request.site)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/session/wallet',
    config: signInConfig,
    schema: {
      summary: 'Sign in with a wallet: an account, or a contract (ERC-1271)',
      tags: TAGS,
      body: walletSignIn,
      response: { 200: meView },
    },
    handler: async (request, reply) => {
      limit(request)
      const wallet = await wallets.verify(request.body, request.site)
      await begin(request, reply, { subject: wallet, tenant: wallet, wallet, via: 'session' })
      return me(request, modules)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/session/owner',
    config: signInConfig,
    schema: {
      summary: 'Trade the token that shoal serve prints for a session as the owner',
      tags: TAGS,
      body: ownerSignIn,
      response: { 200: meView },
    },
    handler: async (request, reply) => {
      limit(request)
      if (!accounts.ownerTokens.take(request.body.token)) {
        throw new GatewayError('UNAUTHENTICATED', 'the token was used already, or has expired', {
          fix: 'Get a new link: shoal keys owner',
        })
      }
      await begin(request, reply, {
        subject: 'owner',
        tenant: OWNER_TENANT,
        wallet: null,
        via: 'owner-token',
      })
      return me(request, modules)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/session/refresh',
    config: signInConfig,
    schema: {
      summary: 'Renew the session’s cookie, which is good for a quarter of an hour; who has none is told so',
      tags: TAGS,
      response: { 200: meView },
    },
    handler: async (request, reply) => {
      limit(request)
      const sent = readCookie(request, 'renewal', request.site)
      // Nothing to renew is an answer as well: pages begin with this.
      if (sent === null) return me(request, modules)
      const cookies = await accounts.sessions.renew(sent)
      if (cookies === null) {
        clearSessionCookies(reply, request.site)
        throw new GatewayError('UNAUTHENTICATED', 'the session has ended', { fix: 'Sign in again.' })
      }
      welcome(request, reply, cookies)
      return me(request, modules)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/session/end',
    config,
    schema: {
      summary: 'Sign out, here or everywhere',
      tags: TAGS,
      body: sessionEnd,
      response: { 200: z.object({ ended: z.boolean() }) },
    },
    handler: async (request, reply) => {
      const { session } = request
      clearSessionCookies(reply, request.site)
      if (session === null) return { ended: false }
      await accounts.sessions.end(session, request.body.everywhere)
      return { ended: true }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/session/oidc',
    config,
    schema: { summary: 'Go and sign in at the identity provider', tags: TAGS },
    handler: async (request, reply) => {
      limit(request)
      const { url, cookie } = await theProvider(oidc).begin(request.site)
      setOidcCookie(reply, cookie, { site: request.site, lifetimeMs: OIDC_FLOW_LIFETIME_MS })
      return reply.header('cache-control', 'no-store').redirect(url, 302)
    },
  })

  app.route({
    method: 'GET',
    url: OIDC_CALLBACK_PATH,
    config,
    schema: { summary: 'Where the identity provider sends people back to', tags: TAGS },
    handler: async (request, reply) => {
      limit(request)
      const cookie = readCookie(request, 'oidc', request.site)
      clearOidcCookie(reply, request.site)
      const { tenant, subject, name } = await theProvider(oidc).finish(request.url, cookie, request.site)
      if (accounts.tenants.get(tenant) === null) {
        const budget = { amount: formatCredits(modules.oidcBudgetPerDay), per: 'day' as const }
        await accounts.tenants.create({ id: tenant, name, role: 'user', policy: { budget } })
      }
      await begin(request, reply, { subject, tenant, wallet: null, via: 'session' })
      return reply.header('cache-control', 'no-store').redirect('/', 302)
    },
  })
}

function theProvider(oidc: OidcSignIn | null): OidcSignIn {
  if (oidc !== null) return oidc
  throw new GatewayError('NOT_FOUND', 'this node has no identity provider', {
    fix: 'Sign in with a wallet, or have gateway.oidcIssuer set.',
  })
}

async function me(request: GatewayRequest, modules: SessionRoutesModules): Promise<MeView> {
  const { accounts, oidc, chainId } = modules
  const { principal, session, site } = request
  const wallet = principal?.wallet ?? null
  const line =
    principal === null ? undefined : accounts.linesOf(principal).find(({ budget }) => budget !== null)
  return {
    subject: principal?.subject ?? null,
    tenant: principal?.tenant ?? null,
    name: principal === null ? null : (accounts.tenants.get(principal.tenant)?.name ?? null),
    role: principal?.role ?? null,
    scopes: principal === null ? [] : [...principal.scopes],
    via: principal?.via ?? null,
    wallet,
    csrf: session === null ? null : accounts.sessions.csrfOf(session),
    sessionExpiresAt: session === null ? null : new Date(session.expiresAtMs).toISOString(),
    policy: principal === null ? null : policyView(principal.policy),
    budget: line === undefined ? null : accounts.budgets.view(line.account, line.budget!),
    balances: wallet === null ? null : await modules.balances.of(wallet),
    signIn: {
      owner: true,
      wallet: { domain: site.host, uri: site.origin, chainId, statement: modules.wallets.statement },
      oidc: oidc === null ? null : '/api/session/oidc',
    },
  }
}
