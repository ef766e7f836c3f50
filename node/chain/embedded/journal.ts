import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { KnownDeployment } from '../addresses.ts'
import { EmbeddedChainError } from './errors.ts'

/** First record of every journal: what the chain began with. */
export interface GenesisRecord {
  type: 'genesis'
  version: 1
  chainId: number
  hardfork: string
  /** Seconds since the Unix epoch. */
  timestamp: number
  /** Decimal. */
  blockGasLimit: string
  /** Wei, decimal. */
  baseFeePerGas: string
  deployer: string
  /** Wei, decimal. */
  deployerBalance: string
}

/** A transaction that was let in, written before it is executed. */
export interface TransactionRecord {
  type: 'transaction'
  /** Hash of the block it builds on: checks all that came before. */
  parent: string
  /** Time of its block, seconds since the Unix epoch. */
  timestamp: number
  /** Signed transaction in hex. */
  raw: string
}

/** The contracts are deployed; a journal without it is of a first start that did not finish. */
export interface DeploymentRecord {
  type: 'deployment'
  /** Hash of the latest block. */
  head: string
  deployment: KnownDeployment
  /** `contractsDigest` of the generated files. */
  contractsDigest: string
}

/** Written at a clean stop: checks the last block, too. */
interface HeadRecord {
  type: 'head'
  head: string
}

/** A test changed the chain without a transaction: what follows cannot be replayed. */
interface TaintRecord {
  type: 'taint'
  method: string
}

export type JournalRecord = GenesisRecord | TransactionRecord | DeploymentRecord | HeadRecord | TaintRecord

/** A record with where it stands, for messages about it. */
export interface JournalEntry {
  record: JournalRecord
  /** From 1. */
  line: number
  /** Of its first byte. */
  offset: number
}

const READ_BYTES = 1 << 20
const NEWLINE = 0x0a
/** 8 hex digits of CRC-32 and a space. */
const CHECKSUM_BYTES = 9
/** The start of a record after the start of a torn one: the newline between them was damaged, nothing was torn. */
const SECOND_RECORD = /.[0-9a-f]{8} \{"type":/s

/**
 * An append-only file of records, one a line: CRC-32 of the JSON, the JSON. A record is on the disk when `append`
 * returns. Since only one record is ever on its way, a crash can tear only the last one: such an end is cut at
 * opening, anything else that does not check is damage.
 */
export class Journal {
  readonly #path: string
  readonly #file: FileHandle
  #bytes: number
  #lastRecordOffset: number
  #broken: EmbeddedChainError | undefined

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path
    this.#file = file
    this.#bytes = bytes
    this.#lastRecordOffset = bytes
  }

  /**
   * Opens or makes the file and hands each record to `visit`, in order. A torn end is moved to `<path>.torn`.
   * @throws {EmbeddedChainError} CHAIN_JOURNAL_CORRUPT
   */
  static async open(path: string, visit: (entry: JournalEntry) => Promise<void> | void): Promise<Journal> {
    const file = await open(path, 'a+', 0o600)
    try {
      const good = await readEntries(path, file, visit)
      await cutTornEnd(path, file, good)
      return new Journal(path, file, good.bytes)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Writes one record and waits until the disk has it. Calls must not overlap.
   * @throws {EmbeddedChainError} CHAIN_JOURNAL_UNWRITABLE; nothing was added, unless every later call fails too
   */
  async append(record: JournalRecord): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    const line = encodeLine(record)
    try {
      await writeFully(this.#file, line)
      await this.#file.datasync()
    } catch (cause) {
      throw await this.#undoFailedWrite(cause)
    }
    this.#lastRecordOffset = this.#bytes
    this.#bytes += line.length
  }

  /**
   * Takes the last appended record back; at most once an append. The next append makes it durable: if the process
   * dies first, the record is found again at the end of the file.
   */
  async takeBackLast(): Promise<void> {
    await this.dropFrom(this.#lastRecordOffset)
  }

  /** Cuts off the record that begins at an offset and all that follow; 0 empties the file. */
  async dropFrom(offset: number): Promise<void> {
    try {
      await this.#file.truncate(offset)
    } catch (cause) {
      this.#broken = unwritable(this.#path, cause)
      throw this.#broken
    }
    this.#bytes = offset
    this.#lastRecordOffset = offset
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** After a failed sync nobody knows what the disk has, so only a clean return to the old length goes on. */
  async #undoFailedWrite(cause: unknown): Promise<EmbeddedChainError> {
    const failure = unwritable(this.#path, cause)
    const failedWrite = (cause as NodeJS.ErrnoException).syscall === 'write'
    const truncated = this.#file.truncate(this.#bytes).then(
      () => true,
      () => false,
    )
    const undone = (await truncated) && failedWrite
    if (!undone) this.#broken = failure
    return failure
  }
}

/** @returns how far the good records go */
async function readEntries(
  path: string,
  file: FileHandle,
  visit: (entry: JournalEntry) => Promise<void> | void,
): Promise<{ bytes: number; lines: number }> {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let position = 0
  let offset = 0
  let line = 0
  let bad: { line: number; offset: number } | undefined
  for (;;) {
    const chunk = Buffer.allocUnsafe(READ_BYTES)
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, position)
    if (bytesRead === 0) break
    position += bytesRead
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    let start = 0
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, start)) {
      line++
      if (bad !== undefined) throw corrupt(path, bad)
      const record = decodeLine(rest.subarray(start, end))
      if (record === undefined) bad = { line, offset }
      else {
        await visit({ record, line, offset })
        offset += end + 1 - start
      }
      start = end + 1
    }
    rest = rest.subarray(start)
  }
  if (bad !== undefined && rest.length > 0) throw corrupt(path, bad)
  return { bytes: offset, lines: bad === undefined ? line : line - 1 }
}

async function cutTornEnd(
  path: string,
  file: FileHandle,
  good: { bytes: number; lines: number },
): Promise<void> {
  const { size } = await file.stat()
  if (size === good.bytes) return
  const torn = Buffer.alloc(size - good.bytes)
  await file.read(torn, 0, torn.length, good.bytes)
  if (SECOND_RECORD.test(torn.toString('latin1'))) {
    throw corrupt(path, { line: good.lines + 1, offset: good.bytes })
  }
  const aside = await open(`${path}.torn`, 'w', 0o600)
  await writeFully(aside, torn).finally(() => aside.close())
  await file.truncate(good.bytes)
  await file.sync()
}

function encodeLine(record: JournalRecord): Buffer {
  const json = JSON.stringify(record)
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`)
}

function decodeLine(line: Buffer): JournalRecord | undefined {
  const json = line.subarray(CHECKSUM_BYTES)
  const checksum = line.toString('latin1', 0, CHECKSUM_BYTES)
  if (checksum !== `${crc32(json).toString(16).padStart(8, '0')} `) return undefined
  return JSON.parse(json.toString('utf8')) as JournalRecord
}

async function writeFully(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written)).bytesWritten
  }
}

function unwritable(path: string, cause: unknown): EmbeddedChainError {
  return new EmbeddedChainError(
    'CHAIN_JOURNAL_UNWRITABLE',
    `The chain's journal ${path} cannot be written: ${(cause as Error).message}`,
    {
      fix: 'Free space on that disk, or make the file writable, and send the transaction again.',
      details: { journal: path },
      cause,
    },
  )
}

function corrupt(path: string, at: { line: number; offset: number }): EmbeddedChainError {
  return new EmbeddedChainError(
    'CHAIN_JOURNAL_CORRUPT',
    `The chain's journal ${path} is damaged at line ${at.line} (byte ${at.offset}), and more follows.`,
    {
      fix: 'Restore the file from a backup, or move the folder away to begin a new chain.',
      details: { journal: path, line: at.line, offset: at.offset },
    },
  )
}
