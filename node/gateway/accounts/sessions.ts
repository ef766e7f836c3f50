import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { Clock } from '../../clock.ts'
import { LatestWriter } from '../../store/latest-writer.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { OWNER_TENANT } from '../http/principal.ts'
import { hashOf, hexOf, type RandomBytes, sameSecret } from './secrets.ts'

const sessionSchema = z.strictObject({
  id: z.string().length(32),
  subject: z.string().max(200),
  tenant: z.string().max(64),
  wallet: z.nullable(wire.address),
  via: z.enum(['session', 'owner-token']),
  createdAtMs: wire.timeMs,
  expiresAtMs: wire.timeMs,
  /** SHA-256 of what the cookie can be renewed with, hex. */
  refreshHash: z.string().length(64),
  /** The same of what it was renewed with the last time. */
  spentHash: z.nullable(z.string().length(64)),
  renewedAtMs: wire.timeMs,
})
/** Somebody signed in, on one device. */
export type Session = z.output<typeof sessionSchema>

const secretSchema = z.strictObject({ bytes: wire.bytes(32, 32) })

export interface SessionsOptions {
  /** When one signs in again at the latest, ms. */
  lifetimeMs: number
}

export interface SessionsModules {
  store: Store
  clock: Clock
  random: RandomBytes
}

/** What a browser gets; `refresh` is null where it keeps the one it has. */
export interface SessionCookies {
  session: Session
  /** A JWT for every request, good for a quarter of an hour. */
  access: string
  accessExpiresAtMs: number
  /** Renews the other, once. */
  refresh: string | null
  /** To be sent in the header of requests that change something. */
  csrf: string
}

const ISSUER = 'shoal'
const AUDIENCE = 'shoal-gateway'
const ACCESS_LIFETIME_MS = 15 * 60_000
/** Two tabs may renew at the same moment with the same cookie; later, somebody has copied it. */
const RENEWAL_GRACE_MS = 30_000
const SECRET = 'sessions'
const MAX_SESSIONS = 20_000
const MAX_SESSIONS_OF_SUBJECT = 16
const REFRESH_PATTERN = /^([0-9a-f]{32})\.([0-9a-f]{64})$/

/** Only a node that people sign in to needs it. */
const jose = () => import('jose')

/**
 * Sessions of people with browsers. The cookie is a short-lived JWT; it counts only while its session is known here,
 * so that signing out holds at once. A second cookie renews it, each time by another one: one that comes back when it
 * was spent means that somebody has copied it, and ends the session (RFC 9700, section 4.14.2).
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #modules: SessionsModules
  readonly #table: Table<Session>
  readonly #secrets: Table<z.output<typeof secretSchema>>
  /** The oldest first. */
  readonly #sessions = new Map<string, Session>()
  /** One change at a time, in order. */
  readonly #changes = new LatestWriter(async () => {})
  #secret: Uint8Array = new Uint8Array()

  constructor(options: SessionsOptions, modules: SessionsModules) {
    this.#options = options
    this.#modules = modules
    this.#table = modules.store.table('gatewaySessions', sessionSchema)
    this.#secrets = modules.store.table('gatewaySecrets', secretSchema)
  }

  /** @throws {StoreError} */
  async start(): Promise<void> {
    const { store, clock, random } = this.#modules
    const kept = await this.#secrets.get(SECRET)
    this.#secret = kept?.bytes ?? new Uint8Array(random(32))
    if (kept === undefined) await this.#secrets.put(SECRET, { bytes: this.#secret })
    const sessions: Session[] = []
    const ended: string[] = []
    for await (const session of this.#table.values()) {
      if (session.expiresAtMs <= clock.nowMs()) ended.push(session.id)
      else sessions.push(session)
    }
    sessions.sort((a, b) => a.createdAtMs - b.createdAtMs)
    for (const session of sessions) this.#sessions.set(session.id, session)
    if (ended.length > 0) await store.batch(ended.map(id => this.#table.deleteOperation(id)))
  }

  /** Signs somebody in. @throws {StoreError} */
  async begin(who: Pick<Session, 'subject' | 'tenant' | 'wallet' | 'via'>): Promise<SessionCookies> {
    const { clock, random } = this.#modules
    const nowMs = clock.nowMs()
    const id = hexOf(random(16))
    const refresh = hexOf(random(32))
    const session: Session = {
      ...who,
      id,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + this.#options.lifetimeMs,
      refreshHash: hashOf(refresh),
      spentHash: null,
      renewedAtMs: nowMs,
    }
    await this.#changes.change(async () => {
      const leaving = this.#leaving(who)
      for (const old of leaving) this.#sessions.delete(old)
      await this.#modules.store.batch([
        ...leaving.map(old => this.#table.deleteOperation(old)),
        this.#table.putOperation(id, session),
      ])
      this.#sessions.set(id, session)
    })
    return this.#cookies(session, `${id}.${refresh}`)
  }

  /** The session of a cookie; null when it is none of ours, has expired, or was ended. */
  async verify(access: string): Promise<{ session: Session; accessExpiresAtMs: number } | null> {
    try {
      const { jwtVerify } = await jose()
      const { payload } = await jwtVerify(access, this.#secret, {
        ...{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256'] },
        currentDate: new Date(this.#modules.clock.nowMs()),
        requiredClaims: ['sid', 'exp'],
      })
      const session = typeof payload.sid === 'string' ? this.#current(payload.sid) : null
      return session === null ? null : { session, accessExpiresAtMs: (payload.exp ?? 0) * 1_000 }
    } catch {
      return null
    }
  }

  /** A later cookie for a session that is in use; null while the one it has is good for long enough. */
  async prolong(session: Session, accessExpiresAtMs: number): Promise<SessionCookies | null> {
    const leftMs = Math.min(accessExpiresAtMs, session.expiresAtMs) - this.#modules.clock.nowMs()
    const isLate = leftMs < ACCESS_LIFETIME_MS / 2 && accessExpiresAtMs + 1_000 < session.expiresAtMs
    return isLate ? this.#cookies(session, null) : null
  }

  /**
   * Renews the cookies of a session.
   * @returns null when they cannot be; the session then has ended or never was
   * @throws {StoreError}
   */
  async renew(refresh: string): Promise<SessionCookies | null> {
    const [, id, secret] = REFRESH_PATTERN.exec(refresh) ?? []
    if (id === undefined || secret === undefined) return null
    const hash = hashOf(secret)
    let cookies: Promise<SessionCookies> | null = null
    await this.#changes.change(async () => {
      const session = this.#current(id)
      if (session === null) return
      const nowMs = this.#modules.clock.nowMs()
      if (sameSecret(hash, session.refreshHash)) {
        const next = hexOf(this.#modules.random(32))
        const renewed = {
          ...session,
          refreshHash: hashOf(next),
          spentHash: session.refreshHash,
          renewedAtMs: nowMs,
        }
        await this.#table.put(id, renewed)
        this.#sessions.set(id, renewed)
        cookies = this.#cookies(renewed, `${id}.${next}`)
      } else if (session.spentHash !== null && sameSecret(hash, session.spentHash)) {
        if (nowMs - session.renewedAtMs <= RENEWAL_GRACE_MS) cookies = this.#cookies(session, null)
        else await this.#end([id])
      }
    })
    return cookies
  }

  /** Signs out: one session, or all of its subject. Idempotent. @throws {StoreError} */
  async end(session: Pick<Session, 'id' | 'subject' | 'tenant'>, everywhere = false): Promise<void> {
    await this.#changes.change(() => this.#end(everywhere ? this.#of(session) : [session.id]))
  }

  /** What proves that a request comes from a page that may read our answers. */
  csrfOf(session: Pick<Session, 'id'>): string {
    return createHmac('sha256', this.#secret).update(`csrf/${session.id}`).digest('base64url')
  }

  async #cookies(session: Session, refresh: string | null): Promise<SessionCookies> {
    const nowMs = this.#modules.clock.nowMs()
    const expiresAtMs = Math.min(nowMs + ACCESS_LIFETIME_MS, session.expiresAtMs)
    const { SignJWT } = await jose()
    const access = await new SignJWT({ sid: session.id, tenant: session.tenant })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(session.subject)
      .setIssuedAt(Math.floor(nowMs / 1_000))
      .setExpirationTime(Math.floor(expiresAtMs / 1_000))
      .sign(this.#secret)
    return { session, access, accessExpiresAtMs: expiresAtMs, refresh, csrf: this.csrfOf(session) }
  }

  #current(id: string): Session | null {
    const session = this.#sessions.get(id)
    return session === undefined || session.expiresAtMs <= this.#modules.clock.nowMs() ? null : session
  }

  #of({ subject, tenant }: Pick<Session, 'subject' | 'tenant'>): string[] {
    return [...this.#sessions.values()]
      .filter(other => other.subject === subject && other.tenant === tenant)
      .map(({ id }) => id)
  }

  /** Who must go for one more to fit: what has expired, the subject's oldest, strangers' oldest. */
  #leaving(who: Pick<Session, 'subject' | 'tenant'>): string[] {
    const nowMs = this.#modules.clock.nowMs()
    const all = [...this.#sessions.values()]
    const gone = all.filter(({ expiresAtMs }) => expiresAtMs <= nowMs).map(({ id }) => id)
    const own = this.#of(who).slice(0, -(MAX_SESSIONS_OF_SUBJECT - 1))
    const isFull = all.length - gone.length >= MAX_SESSIONS
    const stranger = isFull ? all.find(({ tenant }) => tenant !== OWNER_TENANT) : undefined
    return [...new Set([...gone, ...own, ...(stranger === undefined ? [] : [stranger.id])])]
  }

  async #end(ids: readonly string[]): Promise<void> {
    // Holds at once, also should the disk be full.
    for (const id of ids) this.#sessions.delete(id)
    await this.#modules.store.batch(ids.map(id => this.#table.deleteOperation(id)))
  }
}
