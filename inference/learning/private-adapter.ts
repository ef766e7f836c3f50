import type { Adapter } from './adapter.ts'
import { AdapterError } from './errors.ts'

/** Metadata of an adapter that is for its owner alone. It is in the file itself, so that it goes wherever that goes. */
const PRIVATE_KEY = 'private'
/** The same as it stands in a file's head, before any weight. */
export const PRIVATE_MARK = `shoal.meta.${PRIVATE_KEY}`
/** More than the head of an adapter's file can take. */
const HEAD_BYTES = 262_144

/** An adapter that never leaves this machine. Nothing that gives files to others takes one. */
export interface PrivateAdapter extends Adapter {
  readonly metadata: Readonly<Record<string, string>> & { readonly [PRIVATE_KEY]: 'true' }
}

/** Marks an adapter as for its owner alone, for good. */
export function asPrivate(adapter: Adapter): PrivateAdapter {
  return { ...adapter, metadata: { ...adapter.metadata, [PRIVATE_KEY]: 'true' } }
}

/** @param head the first 256 KiB of a file, or all of it */
export function isPrivateHead(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES)).includes(
    PRIVATE_MARK,
  )
}

/**
 * What stands at every door through which files go to others.
 * @throws {AdapterError} PRIVATE
 */
export function refusePrivate(isPrivate: boolean): void {
  if (isPrivate)
    throw new AdapterError('PRIVATE', 'this adapter is for its owner alone and never leaves this machine', {
      fix: 'Train another one for others, without the personal twin.',
    })
}
