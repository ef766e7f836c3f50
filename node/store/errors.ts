import { ShoalError } from '../../protocol/errors.ts'

export type StoreErrorCode = 'DATA_IN_USE' | 'STORE_UNREADABLE' | 'STORE_CORRUPT' | 'DISK_FULL'

export class StoreError extends ShoalError<StoreErrorCode> {
  override readonly name = 'StoreError'
}

/** What a failed write means for an operator. */
export function writeError(cause: unknown): StoreError {
  const full = /No space left|ENOSPC/i.test(String(cause) + String((cause as Error | undefined)?.cause))
  return full
    ? new StoreError('DISK_FULL', 'the disk is full', { fix: 'Free some space; nothing was lost.', cause })
    : new StoreError('STORE_UNREADABLE', 'the database cannot be written', { fix: 'Check the disk.', cause })
}
