import type { Logger } from '../../log.ts'
import type { PaymentAccess } from '../credit/payment-access.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayApp, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import { OWNER_TENANT, type Principal } from '../http/principal.ts'
import { CSRF_HEADER } from './account-schemas.ts'
import { type Accounts, LOOPBACK, OWNER } from './accounts.ts'
import { looksLikeKey } from './api-keys.ts'
import { addressKey, isFromThisMachine } from './client-address.ts'
import { Leases } from './leases.ts'
import type { RateLimits } from './rate-limits.ts'
import { sameSecret } from './secrets.ts'
import { readCookie } from './session-cookies.ts'
import type { Session } from './sessions.ts'
import type { Sites } from './sites.ts'
import type { Site } from './wallet-sign-in.ts'

export interface GuardOptions {
  /** What programs on this machine may do without credentials. */
  local: 'everything' | 'infer' | 'nothing'
  /** Whether only this machine can connect, and no proxy is in front. */
  isLocalOnly: boolean
  isTls: boolean
  requestsPerMinuteOfAddress: number
  /** Event streams of one tenant at once. */
  maxStreams: number
}

export interface GuardModules {
  accounts: Accounts
  sites: Sites
  rates: RateLimits
  /** Null where nobody can pay here. */
  payments: PaymentAccess | null
  log: Logger
}

/** Of callers without credentials, by address. */
const MAX_CONCURRENT_OF_ADDRESS = 64
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Headers of requests that pages of allowed sites may send: names alone, and not endless. */
const HEADER_NAMES = /^[a-z0-9-]{1,64}(?:\s*,\s*[a-z0-9-]{1,64}){0,63}$/i
const PREFLIGHT_KEPT_S = '600'
const EXPOSED_HEADERS = [
  'retry-after',
  'shoal-provider',
  'shoal-model',
  'shoal-cost',
  'shoal-receipt',
  'shoal-task',
  'payment-required',
  'payment-response',
  'x-payment-response',
  'mcp-session-id',
].join(', ')

declare module 'fastify' {
  interface FastifyRequest {
    /** By which of its names the door was reached; checked. */
    site: Site
    /** The session that the request came with, by cookie; null for others. */
    session: Session | null
    /** When that cookie ends by itself. */
    accessExpiresAtMs: number
  }
  interface FastifyContextConfig {
    /** An answer that goes on as long as the client stays: counted apart from requests that work. */
    stream?: boolean
    /** False where no session is needed, so that whoever has one need not prove to be our page: signing in. */
    csrf?: false
  }
}

/**
 * Stands before every route: is it this node that is meant, does a page elsewhere ask, who asks, may they, and not too
 * often. Sets `request.principal`.
 */
export class Guard {
  readonly #options: GuardOptions
  readonly #modules: GuardModules
  readonly #leases = new Leases()
  readonly #local: Principal | null

  constructor(options: GuardOptions, modules: GuardModules) {
    this.#options = options
    this.#modules = modules
    this.#local = { everything: { ...OWNER, subject: 'loopback' }, infer: LOOPBACK, nothing: null }[
      options.local
    ]
  }

  install(app: GatewayApp): void {
    app.decorateRequest('session', null)
    app.decorateRequest('accessExpiresAtMs', 0)
    app.decorateRequest('site')
    app.addHook('onRequest', async (request, reply) => {
      this.#protectAnswer(reply)
      const site = this.#modules.sites.site(request)
      request.site = site
      const from = this.#modules.sites.from(request.headers, site)
      const isPublic = request.is404 || request.routeOptions.config.needs === 'public'
      if (from === 'elsewhere' && !(isPublic && request.headers.origin === undefined)) throw originRefused()
      this.#limitAddress(request)
      if (from === 'allowed') {
        this.#allowOrigin(request, reply)
        if (isPreflight(request)) return reply.code(204).send()
      }
      const principal = await this.#authenticate(request, from === 'here')
      request.principal = principal
      this.#requireOwnPage(request)
      if (!isPublic) this.#authorize(request, reply)
      this.#limitPrincipal(request, reply)
      return
    })
  }

  #protectAnswer(reply: GatewayReply): void {
    reply.header('x-content-type-options', 'nosniff')
    reply.header('referrer-policy', 'no-referrer')
    reply.header('cross-origin-resource-policy', 'same-origin')
    if (this.#options.isTls) reply.header('strict-transport-security', 'max-age=31536000')
  }

  #allowOrigin(request: GatewayRequest, reply: GatewayReply): void {
    // Without allow-credentials: cookies are for our own page.
    reply.header('access-control-allow-origin', request.headers.origin)
    reply.header('access-control-expose-headers', EXPOSED_HEADERS)
    reply.header('vary', 'origin')
    if (!isPreflight(request)) return
    const wanted = request.headers['access-control-request-headers']
    reply.header('access-control-allow-methods', 'GET, HEAD, POST, PATCH, PUT, DELETE')
    if (wanted !== undefined && HEADER_NAMES.test(wanted))
      reply.header('access-control-allow-headers', wanted)
    reply.header('access-control-max-age', PREFLIGHT_KEPT_S)
  }

  /** @throws {GatewayError} UNAUTHENTICATED for credentials that are not good */
  async #authenticate(request: GatewayRequest, isFromHere: boolean): Promise<Principal | null> {
    const { accounts } = this.#modules
    const local = this.#local !== null && isFromThisMachine(request) ? this.#local : null
    const key = keyOf(request)
    if (key !== null) {
      const principal = accounts.principalOfKey(key)
      if (principal !== null) return principal
      // Clients of other services must be given some key, and send it where none is asked for.
      if (local !== null && !looksLikeKey(key)) return local
      throw new GatewayError('UNAUTHENTICATED', 'the API key is not known, has expired, or was revoked', {
        fix: 'Use a key that shoal keys create has made.',
        headers: { 'www-authenticate': 'Bearer' },
      })
    }
    const cookie = isFromHere ? readCookie(request, 'access', request.site) : null
    const found = cookie === null ? null : await accounts.sessions.verify(cookie)
    const principal = found === null ? null : accounts.principalOfSession(found.session)
    if (found === null || principal === null) return local
    request.session = found.session
    request.accessExpiresAtMs = found.accessExpiresAtMs
    return principal
  }

  /**
   * What changes something by a cookie comes from a page that could read our answers, or not at all.
   * @throws {GatewayError} CSRF_MISSING
   */
  #requireOwnPage({ session, method, headers, routeOptions }: GatewayRequest): void {
    if (session === null || SAFE_METHODS.has(method) || routeOptions.config.csrf === false) return
    const sent = headers[CSRF_HEADER]
    if (typeof sent === 'string' && sameSecret(sent, this.#modules.accounts.sessions.csrfOf(session))) return
    throw new GatewayError('CSRF_MISSING', `the header ${CSRF_HEADER} is missing or wrong`, {
      fix: 'Send what /api/me tells as csrf.',
    })
  }

  /** @throws {GatewayError} UNAUTHENTICATED, FORBIDDEN */
  #authorize(request: GatewayRequest, reply: GatewayReply): void {
    const { needs } = request.routeOptions.config
    if (needs === undefined || needs === 'public') throw new Error('a route without needs was registered')
    if (request.principal === null && needs === 'infer') {
      const guest = this.#modules.payments?.guest(request, reply) ?? null
      request.principal = guest?.principal ?? null
      request.purse = guest?.purse ?? null
    }
    if (request.principal === null) {
      throw new GatewayError('UNAUTHENTICATED', 'this takes an API key or a sign-in', {
        fix: 'Send a key as Authorization: Bearer shoal_…, or sign in on the page.',
        headers: { 'www-authenticate': 'Bearer' },
      })
    }
    if (request.principal.scopes.has(needs)) return
    throw new GatewayError('FORBIDDEN', `this takes the right to ${needs}`, {
      fix: 'Sign in as somebody who may, or use another key.',
    })
  }

  #limitAddress(request: GatewayRequest): void {
    if (this.#options.isLocalOnly) return
    const perMinute = this.#options.requestsPerMinuteOfAddress
    const waitMs = this.#modules.rates.take(`address:${addressKey(request.ip)}`, perMinute)
    if (waitMs > 0) throw tooMany('this address', waitMs)
  }

  #limitPrincipal(request: GatewayRequest, reply: GatewayReply): void {
    const { principal } = request
    const isStream = request.routeOptions.config.stream === true
    if (principal === null || principal.via === 'payment') {
      // What only this machine can reach is its owner's, whom nothing here limits.
      if (!this.#options.isLocalOnly)
        this.#hold(reply, `address:${addressKey(request.ip)}`, MAX_CONCURRENT_OF_ADDRESS)
      return
    }
    const { tenant, policy } = principal
    if (tenant === OWNER_TENANT) return
    if (isStream) this.#hold(reply, `streams:${tenant}`, this.#options.maxStreams)
    const waitMs = this.#modules.rates.take(`tenant:${tenant}`, policy.requestsPerMinute)
    if (waitMs > 0) throw tooMany('this tenant', waitMs)
    if (!isStream) this.#hold(reply, `tenant:${tenant}`, policy.concurrent)
  }

  /** Until the answer has ended, however it does. */
  #hold(reply: GatewayReply, key: string, max: number): void {
    const release = this.#leases.take(key, max)
    if (release === null) {
      throw new GatewayError('TOO_MANY_REQUESTS_AT_ONCE', `more than ${max} requests at once`, {
        fix: 'Wait until one has ended.',
        headers: { 'retry-after': '1' },
      })
    }
    reply.raw.once('close', release)
    // While we found out who asks, the client may have gone.
    if (reply.raw.closed || reply.raw.destroyed) release()
  }
}

/** `Authorization: Bearer`, or as Anthropic's clients send it. */
function keyOf({ headers }: GatewayRequest): string | null {
  const bearer = /^Bearer +(\S{1,512})$/i.exec(headers.authorization ?? '')?.[1]
  const other = headers['x-api-key']
  return bearer ?? (typeof other === 'string' && other !== '' ? other : null)
}

function isPreflight({ method, headers }: GatewayRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

function originRefused(): GatewayError {
  return new GatewayError('ORIGIN_REFUSED', 'a page of another site may not use this node', {
    fix: 'Allow it by gateway.origins (--gateway-origins), if it is yours.',
  })
}

function tooMany(who: string, waitMs: number): GatewayError {
  return new GatewayError('RATE_LIMITED', `${who} asks too often`, {
    fix: 'Slow down; retry-after says when to try again.',
    headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
  })
}
