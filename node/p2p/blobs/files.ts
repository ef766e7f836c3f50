import { type FileHandle, statfs } from 'node:fs/promises'
import { isShoalError } from '../../../protocol/errors.ts'
import { BlobError } from './errors.ts'

/** Bytes free in the file system of a folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Reads exactly `buffer.length` bytes; false where the file ends before. */
export async function readFully(file: FileHandle, buffer: Uint8Array, position: number): Promise<boolean> {
  let done = 0
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) return false
    done += bytesRead
  }
  return true
}

export async function writeFully(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done)
    done += bytesWritten
  }
}

/** Runs file operations; what they throw becomes what an operator can act on. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (isShoalError(cause)) throw cause
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw diskFull(cause)
    if (code === undefined) throw cause
    throw new BlobError('STORE_UNREADABLE', 'the folder of blobs cannot be read or written', {
      fix: 'Check the disk and the permissions of the folder.',
      details: { code },
      cause,
    })
  }
}

export function diskFull(cause?: unknown): BlobError {
  return new BlobError('DISK_FULL', 'the disk is full', {
    fix: 'Free some space; what has arrived is kept and gone on with.',
    cause,
  })
}
