import { type FileHandle, open } from 'node:fs/promises'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { NodeSigner } from '../../protocol/identity.ts'
import {
  type AuditEvent,
  type AuditEventDetails,
  auditEventHash,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { createRecord, openRecordOf } from '../../protocol/signed.ts'
import type { Clock } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import { AuditLogError } from './errors.ts'
import { frameOf, LENGTH_BYTES, MAX_FRAME_BYTES, readFrames } from './frames.ts'

interface Pending {
  details: AuditEventDetails
  resolve: (sequence: number) => void
  reject: (error: unknown) => void
}

/** Appends that may wait for the disk before callers are refused. */
const MAX_PENDING = 10_000
const FIRST_PREVIOUS: Uint8Array = new Uint8Array(64)

/**
 * A node's own record of its decisions: an append-only file of signed events, each holding the SHA3-512
 * of the one before. An event is on disk (fdatasync) when `append` resolves; appends that meet share one
 * sync. A tail torn by a crash is cut at the next start: nobody was told of it.
 */
export class EventLog {
  readonly #path: string
  readonly #signer: NodeSigner
  readonly #clock: Clock
  readonly #file: FileHandle
  #size: number
  #sequence: number
  #previous: Uint8Array
  readonly #followers = new Set<(entry: AuditEvent) => void>()
  #pending: Pending[] = []
  #writing: Promise<void> | null = null
  #closed = false

  private constructor(
    options: { path: string; size: number; sequence: number; previous: Uint8Array },
    modules: { file: FileHandle; signer: NodeSigner; clock: Clock },
  ) {
    this.#path = options.path
    this.#size = options.size
    this.#sequence = options.sequence
    this.#previous = options.previous
    this.#file = modules.file
    this.#signer = modules.signer
    this.#clock = modules.clock
  }

  /**
   * Opens or begins the log of a node. Walks its frames and checks the last entry; the rest is for
   * `verifyAuditLog`.
   * @param options.knownSequence what other records say the log had at least
   * @throws {AuditLogError} AUDIT_LOG_CORRUPT, AUDIT_LOG_UNWRITABLE
   */
  static async open(
    options: { path: string; knownSequence?: number },
    modules: { signer: NodeSigner; clock: Clock },
  ): Promise<EventLog> {
    const { path, knownSequence = 0 } = options
    const file = await openFile(path)
    try {
      let size = 0
      let sequence = 0
      let last: Uint8Array | null = null
      for await (const { end, record } of readFrames(file)) {
        last = record
        size = end
        sequence++
      }
      if (last !== null) checkLast(last, sequence, bytesToHex(modules.signer.publicKey), path)
      const tail = await readTail(file, size)
      if (tail.length > 0 && !isTorn(tail)) throw corrupt(path, `it is damaged after entry ${sequence}`)
      if (sequence < knownSequence)
        throw corrupt(path, `entries ${sequence + 1} to ${knownSequence} are missing`)
      if (tail.length > 0) {
        await file.truncate(size)
        await file.datasync()
      }
      const previous = last === null ? FIRST_PREVIOUS : auditEventHash(last)
      return new EventLog({ path, size, sequence, previous }, { file, ...modules })
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Sequence of the last event on disk; 0 when there is none. */
  get lastSequence(): number {
    return this.#sequence
  }

  /**
   * Adds an event.
   * @returns its sequence, once it is on disk
   * @throws {AuditLogError} AUDIT_LOG_FULL_DISK, AUDIT_LOG_UNWRITABLE (the log is as before; try again),
   *   AUDIT_LOG_CLOSED
   */
  append(details: AuditEventDetails): Promise<number> {
    if (this.#closed) return Promise.reject(new AuditLogError('AUDIT_LOG_CLOSED', 'the audit log is closed'))
    if (this.#pending.length >= MAX_PENDING) {
      return Promise.reject(
        new AuditLogError('AUDIT_LOG_UNWRITABLE', 'the audit log does not keep up with its disk'),
      )
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ details, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  /** Records from sequence `first` to `last`, both included, as they are on disk. */
  async *read(first: number, last: number): AsyncGenerator<{ sequence: number; record: Uint8Array }> {
    let sequence = 0
    for await (const { record } of readFrames(this.#file)) {
      sequence++
      if (sequence > last) return
      if (sequence >= first) yield { sequence, record }
    }
  }

  /** Tells somebody of each entry once it is on disk, in order. @returns ends it; idempotent */
  follow(follower: (entry: AuditEvent) => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** Waits for what is being written; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#file.close()
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0)
      let sequence = this.#sequence
      let previous = this.#previous
      const frames: Buffer[] = []
      const entries: AuditEvent[] = []
      const timeMs = this.#clock.nowMs()
      try {
        for (const { details } of batch) {
          const entry = { sequence: ++sequence, previous, timeMs, event: details }
          const { bytes } = createRecord(auditEventMessage, entry, this.#signer)
          entries.push(entry)
          previous = auditEventHash(bytes)
          frames.push(frameOf(bytes))
        }
        const data = Buffer.concat(frames)
        await this.#write(data)
        this.#size += data.length
        this.#sequence = sequence
        this.#previous = previous
        for (const entry of entries) for (const follower of this.#followers) follower(entry)
        for (const [i, { resolve }] of batch.entries()) resolve(sequence - batch.length + 1 + i)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    // In one turn with the check above, or an append in between would wait for ever.
    this.#writing = null
  }

  async #write(data: Buffer): Promise<void> {
    try {
      let written = 0
      while (written < data.length) {
        const { bytesWritten } = await this.#file.write(
          data,
          written,
          data.length - written,
          this.#size + written,
        )
        written += bytesWritten
      }
      await this.#file.datasync()
    } catch (cause) {
      // A part may be on disk: the next append must not come after it.
      await this.#file.truncate(this.#size).catch(() => {})
      throw writeFailure(cause, this.#path)
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writeFailure(error, path)
  }
  try {
    return await open(path, 'wx+', 0o600)
  } catch (error) {
    throw writeFailure(error, path)
  }
}

function checkLast(record: Uint8Array, sequence: number, nodeKey: string, path: string): void {
  try {
    const { body } = openRecordOf(auditEventMessage, record, nodeKey, verifyEd25519Natively)
    if (body.sequence === sequence) return
  } catch {
    // Told below.
  }
  throw corrupt(path, `entry ${sequence} is not one of this node`)
}

function corrupt(path: string, what: string): AuditLogError {
  return new AuditLogError('AUDIT_LOG_CORRUPT', `the audit log ${path} was changed or damaged: ${what}`, {
    fix: 'Run shoal audit verify to find the first bad entry, and restore the file from a backup.',
    details: { path },
  })
}

/** What follows the last whole frame, up to a little more than a frame can be. */
async function readTail(file: FileHandle, from: number): Promise<Buffer> {
  const buffer = Buffer.alloc(MAX_FRAME_BYTES + 1)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
  return buffer.subarray(0, bytesRead)
}

/**
 * Whether a tail is what a crash in the middle of an append leaves: the beginning of one frame, or zeros
 * where the file had grown before its data came. Anything else is damage, and is left as it is.
 */
function isTorn(tail: Buffer): boolean {
  if (tail.every(byte => byte === 0)) return true
  if (tail.length < LENGTH_BYTES) return true
  const length = tail.readUInt32BE()
  return length > 0 && length <= MAX_FRAME_BYTES - LENGTH_BYTES && tail.length < LENGTH_BYTES + length
}

function writeFailure(cause: unknown, path: string): AuditLogError {
  const { code } = cause as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    ? new AuditLogError('AUDIT_LOG_FULL_DISK', 'the disk is full: decisions can no longer be logged', {
        fix: 'Free some space; the node goes on by itself, and nothing was lost.',
        details: { path },
        cause,
      })
    : new AuditLogError('AUDIT_LOG_UNWRITABLE', `the audit log ${path} cannot be written`, {
        fix: 'Check its permissions and the disk.',
        details: { path },
        cause,
      })
}
