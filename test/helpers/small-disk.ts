import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** A namespace of mounts, in which also other users than root may mount. */
const PRIVATE = ['unshare', '--map-root-user', '--mount'] as const
const MOUNT = 'mount -t tmpfs -o "size=$1,mode=700" none "$0"'

/**
 * Why no small disk can be made here; null where it can.
 * @param folder an empty one
 */
export async function whyNoSmallDisk(folder: string): Promise<string | null> {
  try {
    await run(PRIVATE[0], [...PRIVATE.slice(1), 'sh', '-c', MOUNT, folder, '1m'])
    return null
  } catch (error) {
    return `no file system can be mounted here: ${(error as Error).message.split('\n').at(-2)}`
  }
}

/** What starts a program that sees, in place of a folder, an empty file system of that size: `8m`. */
export function onSmallDisk(folder: string, size: string): string[] {
  return [...PRIVATE, 'sh', '-c', `${MOUNT} && shift && exec "$@"`, folder, size]
}

/** What starts a program that sees the file systems a process sees. */
export function beside(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--user', '--preserve-credentials', '--mount']
}

/** Takes all the room there is; once more, what has become free since. */
export async function fill(pid: number, folder: string): Promise<void> {
  const [command, ...args] = beside(pid)
  await run(command!, [...args, 'sh', '-c', 'cat /dev/zero >> "$0/filler" || true', folder])
}

export async function makeRoom(pid: number, folder: string): Promise<void> {
  const [command, ...args] = beside(pid)
  await run(command!, [...args, 'rm', `${folder}/filler`])
}
