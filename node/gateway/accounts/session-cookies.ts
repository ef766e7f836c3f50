import type { GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { SessionCookies } from './sessions.ts'
import type { Site } from './wallet-sign-in.ts'

/** Where the cookie that renews the other is sent. */
const RENEWAL_PATH = '/api/session'

/**
 * Names of cookies. Those of one host are shared by all its ports, so that each has its own; the prefixes have browsers
 * refuse cookies that a neighbouring site or a plain connection would set (RFC 6265bis, section 4.1.3).
 */
function nameOf(kind: 'access' | 'renewal' | 'oidc', { origin, host }: Site): string {
  const port = /:(\d+)$/.exec(host)?.[1] ?? ''
  const prefix = !origin.startsWith('https://') ? '' : kind === 'access' ? '__Host-' : '__Secure-'
  return `${prefix}shoal-${kind}${port === '' ? '' : `-${port}`}`
}

/** What a browser has sent; null where it has sent nothing. */
export function readCookie(
  request: GatewayRequest,
  kind: 'access' | 'renewal' | 'oidc',
  site: Site,
): string | null {
  return request.cookies[nameOf(kind, site)] ?? null
}

/** Scripts cannot read them, and pages of other sites cannot have them sent. */
export function setSessionCookies(
  reply: GatewayReply,
  cookies: SessionCookies,
  about: { site: Site; nowMs: number },
): void {
  const { site, nowMs } = about
  const options = { httpOnly: true, sameSite: 'strict', secure: isSecure(site) } as const
  reply.setCookie(nameOf('access', site), cookies.access, {
    ...options,
    path: '/',
    maxAge: seconds(cookies.accessExpiresAtMs - nowMs),
  })
  if (cookies.refresh === null) return
  reply.setCookie(nameOf('renewal', site), cookies.refresh, {
    ...options,
    path: RENEWAL_PATH,
    maxAge: seconds(cookies.session.expiresAtMs - nowMs),
  })
}

export function clearSessionCookies(reply: GatewayReply, site: Site): void {
  const options = { httpOnly: true, sameSite: 'strict', secure: isSecure(site) } as const
  reply.clearCookie(nameOf('access', site), { ...options, path: '/' })
  reply.clearCookie(nameOf('renewal', site), { ...options, path: RENEWAL_PATH })
}

/** Lax: the browser comes back with it from the identity provider, which is another site. */
export function setOidcCookie(
  reply: GatewayReply,
  value: string,
  about: { site: Site; lifetimeMs: number },
): void {
  reply.setCookie(nameOf('oidc', about.site), value, {
    ...{ httpOnly: true, sameSite: 'lax', secure: isSecure(about.site), path: `${RENEWAL_PATH}/oidc` },
    maxAge: seconds(about.lifetimeMs),
  })
}

export function clearOidcCookie(reply: GatewayReply, site: Site): void {
  reply.clearCookie(nameOf('oidc', site), {
    ...{ httpOnly: true, sameSite: 'lax', secure: isSecure(site), path: `${RENEWAL_PATH}/oidc` },
  })
}

function isSecure({ origin }: Site): boolean {
  return origin.startsWith('https://')
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000))
}
