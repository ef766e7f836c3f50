import { createHash } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { Configuration } from 'openid-client'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { GatewayError } from '../http/http-error.ts'
import { isLoopback } from '../http/listen-address.ts'
import { hexOf, type RandomBytes } from './secrets.ts'
import { UsedOnce } from './used-once.ts'
import type { Site } from './wallet-sign-in.ts'

export interface OidcSignInOptions {
  /** URL of the identity provider. */
  issuer: string
  clientId: string
  /** Null for a public client. */
  clientSecret: string | null
}

/** Who the identity provider says somebody is. */
export interface OidcIdentity {
  /** `oidc-…`, the same at each sign-in and made from nothing but issuer and subject. */
  tenant: string
  subject: string
  /** For people to read; as the provider tells it. */
  name: string
}

/** What the browser keeps for us while it is at the provider, encrypted. */
const flowSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  origin: z.string(),
})

export const OIDC_FLOW_LIFETIME_MS = 10 * 60_000
export const OIDC_CALLBACK_PATH = '/api/session/oidc/callback'
const PROVIDER_TIMEOUT_S = 10
const MAX_USED = 10_000
const MAX_NAME_CHARS = 80

/**
 * Sign-in by an identity provider: OpenID Connect's authorization code flow with PKCE (RFC 7636), state and nonce. What
 * ties the way back to the way there lies in a cookie of that browser, encrypted, and counts once.
 */
export class OidcSignIn {
  readonly #options: OidcSignInOptions
  readonly #clock: Clock
  readonly #key: Uint8Array
  readonly #used: UsedOnce
  #provider: Promise<Configuration> | null = null

  constructor(options: OidcSignInOptions, modules: { clock: Clock; random: RandomBytes }) {
    this.#options = options
    this.#clock = modules.clock
    this.#key = new Uint8Array(modules.random(32))
    this.#used = new UsedOnce({ max: MAX_USED }, modules)
  }

  /**
   * @returns where to send the browser, and what it is to keep as a cookie
   * @throws {GatewayError} GATEWAY_BUSY while the provider does not answer
   */
  async begin(site: Site): Promise<{ url: string; cookie: string }> {
    const oidc = await import('openid-client')
    const provider = await this.#discover()
    const verifier = oidc.randomPKCECodeVerifier()
    const flow = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier, origin: site.origin }
    const url = oidc.buildAuthorizationUrl(provider, {
      redirect_uri: `${site.origin}${OIDC_CALLBACK_PATH}`,
      scope: 'openid profile email',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: flow.state,
      nonce: flow.nonce,
    })
    const nowMs = this.#clock.nowMs()
    const cookie = await new EncryptJWT(flow)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setExpirationTime(Math.floor((nowMs + OIDC_FLOW_LIFETIME_MS) / 1_000))
      .encrypt(this.#key)
    return { url: url.href, cookie }
  }

  /**
   * Who came back.
   * @param path of the request, with what the provider has added
   * @throws {GatewayError} UNAUTHENTICATED, GATEWAY_BUSY
   */
  async finish(path: string, cookie: string | null, site: Site): Promise<OidcIdentity> {
    const flow = await this.#flowOf(cookie)
    if (flow === null || flow.origin !== site.origin) throw refused('it was not begun in this browser')
    const isFirst = this.#used.use(flow.state, this.#clock.nowMs() + OIDC_FLOW_LIFETIME_MS)
    if (!isFirst) throw refused('it was used already')
    const oidc = await import('openid-client')
    const provider = await this.#discover()
    try {
      const tokens = await oidc.authorizationCodeGrant(provider, new URL(path, site.origin), {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new Error('there are no claims')
      // Some tell no more than who it is unless they are asked.
      const more =
        nameIn(claims) !== null || provider.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await oidc.fetchUserInfo(provider, tokens.access_token, claims.sub)
      return identityOf(claims, nameIn({ ...more, ...claims }) ?? claims.sub)
    } catch (cause) {
      throw refused('the identity provider does not confirm it', cause)
    }
  }

  async #flowOf(cookie: string | null): Promise<z.output<typeof flowSchema> | null> {
    if (cookie === null) return null
    try {
      const { payload } = await jwtDecrypt(cookie, this.#key, { currentDate: new Date(this.#clock.nowMs()) })
      return flowSchema.parse(payload)
    } catch {
      return null
    }
  }

  /** Asked once, and again after it failed. */
  #discover(): Promise<Configuration> {
    this.#provider ??= this.#ask().catch(cause => {
      this.#provider = null
      throw new GatewayError('GATEWAY_BUSY', 'the identity provider does not answer as it should', {
        fix: 'Check gateway.oidcIssuer, or sign in another way.',
        cause,
      })
    })
    return this.#provider
  }

  async #ask(): Promise<Configuration> {
    const oidc = await import('openid-client')
    const { issuer, clientId, clientSecret } = this.#options
    const url = new URL(issuer)
    // Only a provider on this machine may do without TLS.
    const execute = url.protocol === 'http:' && isLoopback(url.hostname) ? [oidc.allowInsecureRequests] : []
    return oidc.discovery(
      url,
      clientId,
      clientSecret ?? undefined,
      clientSecret === null ? oidc.None() : oidc.ClientSecretPost(clientSecret),
      { execute, timeout: PROVIDER_TIMEOUT_S },
    )
  }
}

function nameIn(claims: Readonly<Record<string, unknown>>): string | null {
  const told = [claims.email, claims.preferred_username, claims.name]
  return (told.find(claim => typeof claim === 'string' && claim !== '') as string | null | undefined) ?? null
}

function identityOf({ iss, sub }: { iss: string; sub: string }, name: string): OidcIdentity {
  const hash = createHash('sha256').update(`${iss}\n${sub}`).digest()
  return {
    tenant: `oidc-${hexOf(hash).slice(0, 32)}`,
    subject: `oidc:${hexOf(hash).slice(0, 32)}`,
    name: cleanName(name),
  }
}

/** Names are shown in terminals and on pages. */
function cleanName(text: string): string {
  const clean = text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '').trim()
  return clean.slice(0, MAX_NAME_CHARS).toWellFormed() || 'somebody'
}

function refused(why: string, cause?: unknown): GatewayError {
  return new GatewayError('UNAUTHENTICATED', `the sign-in is not taken: ${why}`, {
    fix: 'Begin again at /api/session/oidc.',
    ...(cause === undefined ? {} : { cause }),
  })
}
