import { ApiError } from './api-error.ts'
import { backoffMs, pause } from './backoff.ts'
import { getJson, postJson, setCsrf } from './http.ts'
import { Store, useStore } from './store.ts'

export type Role = 'observer' | 'user' | 'operator' | 'admin'
export type Scope = 'look' | 'infer' | 'spend' | 'operate' | 'administer'

/** Who the node takes this browser for: `/api/me`. */
export interface Me {
  subject: string
  tenant: string
  role: Role
  scopes: readonly Scope[]
  via: 'loopback' | 'owner-token' | 'api-key' | 'session' | 'payment'
  wallet: string | null
  csrf: string | null
}

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
const UNAUTHORISED = 401

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
export async function refreshMe(): Promise<Me | null> {
  const me = await getJson<Me>('/api/me').catch((error: unknown) => {
    // Nobody is signed in: an answer as well.
    if (error instanceof ApiError && error.status === UNAUTHORISED) return null
    throw error
  })
  setCsrf(me?.csrf ?? null)
  const before = session.get()
  const isSame = JSON.stringify(me) === JSON.stringify(before.me)
  if (!isSame || before.connection !== 'connected')
    session.set({ ...before, connection: 'connected', me: isSame ? before.me : me })
  return me
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
