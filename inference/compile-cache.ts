import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** What has a process of our own keep what it compiles where this one does, if this one does. */
export function compileCacheEnvironment(): { NODE_COMPILE_CACHE?: string } {
  // In it, Node.js has a folder for each of its versions.
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}
