import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { DataDir } from '../data-dir.ts'

/** Longest path a Unix socket may have on every system. */
const MAX_SOCKET_PATH = 100

/**
 * Where a node listens for its owner's commands: a Unix socket in the data folder, which only its owner can
 * open; in a private folder of the system's temporary one where the path would be too long; a named pipe
 * on Windows.
 */
export function controlEndpoint(dataDir: DataDir): string {
  const name = createHash('sha256').update(dataDir.root).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\shoal-${name}`
  if (Buffer.byteLength(dataDir.controlSocket) <= MAX_SOCKET_PATH) return dataDir.controlSocket
  return join(tmpdir(), `shoal-${userInfo().uid}`, `${name}.sock`)
}
