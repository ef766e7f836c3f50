import { backoffMs, pause } from './backoff.ts'
import { getJson, postJson, setCsrf } from './http.ts'
import { Store, useStore } from './store.ts'
import type { MeView } from './views.ts'

export type Scope = MeView['scopes'][number]

/** Who the node takes this browser for: `/api/me`. */
export type Me = MeView

export type ConnectionState = 'connecting' | 'connected' | 'lost'

interface Session {
  connection: ConnectionState
  /** Null until the node has said, and where it wants to know first who is there. */
  me: Me | null
  /** Why the link with which the owner came did not do. */
  ownerError: unknown
}

const session = new Store<Session>({ connection: 'connecting', me: null, ownerError: null })

/** How often it is looked whether the node is there. */
const LOOK_EVERY_MS = 10_000
/** A session is renewed when so little of it is left. */
const RENEW_BEFORE_MS = 3 * 60_000
/** Says that there may be a session to renew; the session itself no script can read. */
const SIGNED_IN = 'shoal.signedIn'

/** Trades the owner's one-time link, learns who we are, and keeps watching whether the node answers. */
export function startSession(): () => void {
  const over = new AbortController()
  void watch(over.signal)
  return () => over.abort()
}

export function useConnection(): ConnectionState {
  return useStore(session).connection
}

/** Who we are to the node; null until it is known. */
export function useMe(): Me | null {
  return useStore(session).me
}

export function useSession(): Session {
  return useStore(session)
}

export function can(me: Me | null, scope: Scope): boolean {
  return me?.scopes.includes(scope) === true
}

/** Asks the node again who we are: after signing in or out. */
export async function refreshMe(): Promise<Me> {
  const me = await renewed(await getJson<Me>('/api/me'))
  setCsrf(me.csrf)
  remember(me.csrf !== null)
  const before = session.get()
  const isSame = JSON.stringify(me) === JSON.stringify(before.me)
  if (!isSame || before.connection !== 'connected')
    session.set({ ...before, connection: 'connected', me: isSame ? before.me : me })
  return me
}

/** @throws {ApiError} */
export async function signInAsOwner(token: string): Promise<void> {
  await postJson('/api/session/owner', { token })
  session.set({ ...session.get(), ownerError: null })
  await refreshMe()
}

/** Signs out, here or everywhere. @throws {ApiError} */
export async function signOut(everywhere: boolean): Promise<void> {
  await postJson('/api/session/end', { everywhere })
  remember(false)
  await refreshMe()
}

/** A session near its end, or just past it, is renewed, as long as the node lets it. */
async function renewed(me: Me): Promise<Me> {
  const isEnding =
    me.sessionExpiresAt !== null && Date.parse(me.sessionExpiresAt) - Date.now() < RENEW_BEFORE_MS
  if (!isEnding && (me.csrf !== null || !mayBeSignedIn())) return me
  setCsrf(me.csrf)
  return postJson<Me>('/api/session/refresh').catch(() => me)
}

function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(SIGNED_IN) !== null
  } catch {
    return false
  }
}

function remember(isSignedIn: boolean): void {
  try {
    if (isSignedIn) localStorage.setItem(SIGNED_IN, '1')
    else localStorage.removeItem(SIGNED_IN)
  } catch {
    // Then one signs in again after a quarter of an hour.
  }
}

async function watch(signal: AbortSignal): Promise<void> {
  await becomeOwner()
  for (let attempt = 0; !signal.aborted; ) {
    try {
      await refreshMe()
      attempt = 0
      await pause(LOOK_EVERY_MS, signal)
    } catch {
      session.set({ ...session.get(), connection: 'lost' })
      await pause(backoffMs(attempt++), signal)
    }
  }
}

/** `#owner=…`, as `shoal serve` prints it: used once, and gone from the address before anything else happens. */
async function becomeOwner(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('owner')
  if (token === null) return
  history.replaceState(null, '', location.pathname + location.search)
  try {
    await postJson('/api/session/owner', { token })
  } catch (error) {
    session.set({ ...session.get(), ownerError: error })
  }
}
