import { ShoalError } from '../../protocol/errors.ts'

export type StoreErrorCode = 'DATA_IN_USE' | 'STORE_UNREADABLE' | 'STORE_CORRUPT' | 'DISK_FULL'

export class StoreError extends ShoalError<StoreErrorCode> {
  override readonly name = 'StoreError'
}

/** LevelDB tells it in words only. */
export function isDiskFull(error: unknown): boolean {
  return /No space left|ENOSPC/i.test(String(error) + String((error as Error | undefined)?.cause))
}

/** What a failed write means for an operator. */
export function writeError(cause: unknown): StoreError {
  return isDiskFull(cause)
    ? new StoreError('DISK_FULL', 'the disk is full', { fix: 'Free some space; nothing was lost.', cause })
    : new StoreError('STORE_UNREADABLE', 'the database cannot be written', { fix: 'Check the disk.', cause })
}
