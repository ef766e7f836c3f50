import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { DataDir } from '../data-dir.ts'
import { ControlError } from './control-error.ts'

/** Longest path a Unix socket may have on every system. */
const MAX_SOCKET_PATH = 100
/** Not the environment's: the node and who calls it need not share one. */
const SOCKETS_PARENT = '/tmp'

/**
 * Where a node listens for its owner's commands: a Unix socket in the data folder, which only its owner can
 * open; in a private folder of the system's temporary one where the path would be too long; a named pipe
 * on Windows. The same for every way of writing the folder's path.
 * @throws {ControlError} CONTROL_FOLDER_UNSAFE when others have a hand in that private folder
 */
export function controlEndpoint(dataDir: DataDir): string {
  const root = realPath(dataDir.root)
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\shoal-${name}`
  const inside = join(root, basename(dataDir.controlSocket))
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside
  return join(privateFolder(), `${name}.sock`)
}

/** Without links, also of a folder that is not made yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}

/** Anybody may write where this folder lies: whoever made it first could have answered in our place. */
function privateFolder(): string {
  const { uid } = userInfo()
  const folder = join(SOCKETS_PARENT, `shoal-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const made = lstatSync(folder)
  if (made.isDirectory() && made.uid === uid && (made.mode & 0o077) === 0) return folder
  throw new ControlError('CONTROL_FOLDER_UNSAFE', `others have a hand in ${folder}`, {
    fix: 'Remove it, or choose a data folder with a shorter path: sockets of long ones are kept there.',
    details: { folder },
  })
}
