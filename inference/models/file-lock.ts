import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface FileLockOptions {
  /** The lock file; its folder must exist. */
  path: string
  signal?: AbortSignal
  /** Called once when somebody else holds the lock. */
  onWait?: () => void
}

const POLL_MS = 200
/** The holder shows that often that it lives. */
const BEAT_MS = 5_000
/** A holder that has not for so long is gone, even where its process id lives on in another process. */
const STALE_MS = 30_000

/**
 * Runs `work` while this process alone holds a lock file, waiting for whoever has it. A holder that
 * was killed is recognised at once by its process id.
 * @throws the signal's reason when aborted while waiting
 */
export async function withFileLock<T>(options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  const { path, signal, onWait } = options
  const owner = randomUUID()
  let hasWaited = false
  while (!(await tryLock(path, owner))) {
    const abandoned = await findAbandoned(path)
    if (abandoned !== null) {
      await breakLock(path, abandoned.owner)
      continue
    }
    if (!hasWaited) onWait?.()
    hasWaited = true
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal })
  }
  const beat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, BEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if ((await readLock(path))?.owner === owner) await rm(path, { force: true })
  }
}

async function tryLock(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ pid: process.pid, owner }), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readLock(path: string): Promise<{ pid: number; owner: string } | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('owner' in value)) return null
    return typeof value.pid === 'number' && typeof value.owner === 'string'
      ? { pid: value.pid, owner: value.owner }
      : null
  } catch {
    return null
  }
}

/** The lock, if whoever took it is gone. */
async function findAbandoned(path: string): Promise<{ owner: string | null } | null> {
  let ageMs: number
  try {
    ageMs = Date.now() - (await stat(path)).mtimeMs
  } catch {
    return null
  }
  const lock = await readLock(path)
  if (ageMs > STALE_MS) return { owner: lock?.owner ?? null }
  // A lock that cannot be read yet is being written.
  return lock !== null && !isAlive(lock.pid) ? lock : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Moves an abandoned lock away; puts it back when meanwhile somebody else has taken it. */
async function breakLock(path: string, owner: string | null): Promise<void> {
  const moved = `${path}.${randomUUID()}`
  try {
    await rename(path, moved)
  } catch {
    return
  }
  if (((await readLock(moved))?.owner ?? null) !== owner) await link(moved, path).catch(() => {})
  await rm(moved, { force: true })
}
