import { EventEmitter } from 'node:events'
import pLimit from 'p-limit'
import { cidOf } from '../../../protocol/codec.ts'
import type { CidString, ModelId } from '../../../protocol/ids.ts'
import type { AuditEventDetails } from '../../../protocol/messages/audit-event.ts'
import type { AdapterVersion } from '../../../protocol/messages/learning/adapter-version.ts'
import type { SignedRecord } from '../../../protocol/signed.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { AcceptedAdapter, RoundBlobs, RoundVersions } from '../rounds/seams.ts'
import { VersionError } from './errors.ts'
import { proveVersion, type StakeOf } from './prove-version.ts'
import type { KnownVersion, VersionBook, VersionLine } from './version-book.ts'

export interface AdapterVersionsOptions {
  /** Whether a version that goes on from the current one takes its place by itself. */
  autoload: boolean
  /** Versions of a line whose files are kept; the current one and what it goes on from always are. */
  keep?: number
}

export interface AdapterVersionsModules {
  book: VersionBook
  outbox: Pick<AuditOutbox, 'record'>
  blobs: RoundBlobs
  /** All records of a round that are here, the manifest's too. */
  roundRecords: (round: CidString) => Promise<readonly Uint8Array[]>
  stakeOf: StakeOf
  clock: Clock
  log: Logger
}

export interface AdapterVersionsEvents {
  /** What a line uses has changed. */
  current: [line: VersionLine]
  accepted: [version: KnownVersion]
}

const KEEP = 16

/**
 * The accepted adapters of this node: what was proven, which are used, and going back. A version is added with its audit event
 * in one write; its file is on disk before. Which one a line uses changes likewise, and whoever serves follows.
 */
export class AdapterVersions extends EventEmitter<AdapterVersionsEvents> implements RoundVersions {
  readonly #options: Required<AdapterVersionsOptions>
  readonly #modules: AdapterVersionsModules
  readonly #one = pLimit(1)

  constructor(options: AdapterVersionsOptions, modules: AdapterVersionsModules) {
    super()
    this.#options = { keep: KEEP, ...options }
    this.#modules = modules
  }

  /** Reads everything back, and lets peers have the files that are kept. */
  async start(): Promise<void> {
    const { book, blobs } = this.#modules
    await book.start()
    for (const { record } of book.list())
      if (blobs.path(record.body.blob) !== null) blobs.provide(record.body.blob)
  }

  /** Ends nothing that is under way; idempotent. */
  async stop(): Promise<void> {
    this.removeAllListeners()
    await this.#one(() => {})
  }

  /**
   * Takes what a round of this node came to. The quorum is reckoned again from the votes.
   * @throws {VersionError} EVIDENCE_MISSING, STAKE_UNKNOWN, VERSION_FORGED, NO_QUORUM
   */
  async accept({ record, path }: AcceptedAdapter): Promise<void> {
    await this.#one(async () => {
      if (this.#known(record.body) !== null) return
      const { blobs, roundRecords, stakeOf } = this.#modules
      const records = byCid(await roundRecords(record.body.round))
      const proven = proveVersion(record, cid => records.get(cid) ?? null, stakeOf)
      await blobs.keep(path, { holder: holderOf(record.cid), provided: true })
      await this.#add(record, proven)
    })
  }

  list(): KnownVersion[] {
    return this.#modules.book.list()
  }

  lines(): VersionLine[] {
    return this.#modules.book.lines()
  }

  /** What a base wears for a domain; null for nothing. */
  current(base: ModelId, domain: string): KnownVersion | null {
    const { current } = this.#modules.book.line({ base, domain })
    return current === null ? null : this.#modules.book.get(current)
  }

  /** Where a version's file lies; null while it is not here. */
  path({ record }: KnownVersion): string | null {
    return this.#modules.blobs.path(record.body.blob)
  }

  /** From a version back to the base. */
  ancestry(cid: CidString): KnownVersion[] {
    return this.#modules.book.ancestry(cid)
  }

  /** Bytes of a record that a version rests on; null where it is not here. */
  evidence(cid: CidString): Promise<Uint8Array | null> {
    return this.#modules.book.evidence(cid)
  }

  /**
   * A version by the CID of its record, its adapter's id, name or digest, or the beginning of any.
   * @throws {VersionError} VERSION_UNKNOWN, VERSION_AMBIGUOUS
   */
  find(name: string): KnownVersion {
    const all = this.list()
    const fits = all.filter(({ cid, record }) => {
      const { adapter, blob } = record.body
      return [cid, adapter, blob.digest, blob.digest.slice('sha256:'.length)].some(each =>
        each.startsWith(name),
      )
    })
    if (fits.length === 1) return fits[0]!
    const exact = fits.find(({ cid, record }) => cid === name || record.body.adapter === name)
    if (exact !== undefined) return exact
    if (fits.length === 0)
      throw new VersionError('VERSION_UNKNOWN', `there is no version ${name}`, {
        fix: 'shoal learn lineage lists all.',
      })
    throw new VersionError('VERSION_AMBIGUOUS', `${name} may be any of ${fits.length} versions`, {
      fix: 'Give more of the digest.',
      details: { versions: fits.map(({ record }) => record.body.adapter) },
    })
  }

  /**
   * Makes a line use a version, or the base alone. Tasks that run go on with what they began with. What the line leaves by going
   * back, and whatever goes on from it, is not used by itself any more.
   * @throws {VersionError} ALREADY_CURRENT, ADAPTER_MISSING
   */
  async rollBack(
    to: { version: KnownVersion } | { base: ModelId; domain: string },
    signal: AbortSignal,
  ): Promise<VersionLine> {
    return this.#one(async () => {
      const { book, outbox } = this.#modules
      const target = 'version' in to ? to.version : null
      const line = book.line('version' in to ? lineOf(to.version) : to)
      if (line.current === (target?.cid ?? null))
        throw new VersionError('ALREADY_CURRENT', 'it is in use already', { fix: 'Nothing is to be done.' })
      if (target !== null) await this.#fetch(target.record, signal)
      const left = line.current === null ? [] : book.ancestry(line.current).map(({ cid }) => cid)
      const kept = target === null ? [] : book.ancestry(target.cid).map(({ cid }) => cid)
      const refused = [...new Set([...line.refused, ...left])].filter(cid => !kept.includes(cid))
      const changed: VersionLine = {
        ...line,
        current: target?.cid ?? null,
        refused: refused.slice(-MAX_REFUSED),
      }
      const from = line.current === null ? null : (book.get(line.current)?.record.body.adapter ?? null)
      const event: AuditEventDetails = {
        ...{ kind: 'adapter.rolledBack', v: 1, base: line.base, domain: line.domain },
        ...{ from, to: target?.record.body.adapter ?? null },
      }
      await outbox.record([book.lineOperation(changed)], [event])
      book.changed(changed)
      this.emit('current', changed)
      return changed
    })
  }

  #known({ base, blob }: AdapterVersion): KnownVersion | null {
    return this.#modules.book.withAdapter({ base, digest: blob.digest })
  }

  /** @throws {VersionError} ADAPTER_MISSING */
  async #fetch({ body, cid }: SignedRecord<AdapterVersion>, signal: AbortSignal): Promise<string> {
    const { blobs } = this.#modules
    const path = blobs.path(body.blob)
    if (path !== null) return path
    const holders = body.contributors.map(({ node }) => node)
    try {
      return await blobs.fetch(body.blob, { holder: holderOf(cid), holders, signal })
    } catch (cause) {
      throw new VersionError('ADAPTER_MISSING', `nobody gives the file of ${body.adapter}`, {
        fix: 'Try again when members of its round are connected.',
        cause,
      })
    }
  }

  async #add(
    record: SignedRecord<AdapterVersion>,
    proven: ReturnType<typeof proveVersion>,
  ): Promise<KnownVersion> {
    const { book, outbox, clock } = this.#modules
    const { base, adapter, round } = record.body
    const { domain, deadlines, parent } = proven.manifest.body
    const known: KnownVersion = {
      ...{ cid: record.cid, record, domain, endedAtMs: deadlines.publishMs, acceptedAtMs: clock.nowMs() },
      ...{ stakeFor: proven.stakeFor, participating: proven.participating },
      parent:
        parent === null ? null : (book.withAdapter({ base, digest: parent.adapter.digest })?.cid ?? null),
    }
    const line = book.line({ base, domain })
    const isNext = this.#options.autoload && this.#goesOnFrom(known, line)
    const changed = isNext ? { ...line, current: known.cid } : line
    await outbox.record(book.addOperations(known, proven.records, changed), [
      { ...{ kind: 'adapter.accepted', v: 1, version: record.cid, adapter, base, round, domain } },
    ])
    book.added(known, changed)
    this.emit('accepted', known)
    if (isNext) this.emit('current', changed)
    await this.#letGo(changed)
    return known
  }

  /** Whether a line may use a new version by itself: it goes on from what is used, and from nothing that was left. */
  #goesOnFrom({ parent }: KnownVersion, { current, refused }: VersionLine): boolean {
    const chain = parent === null ? [] : this.#modules.book.ancestry(parent).map(({ cid }) => cid)
    if (chain.some(cid => refused.includes(cid))) return false
    return current === null || chain.includes(current)
  }

  /** Lets go of the files of old versions that nothing in use goes on from; their records stay. */
  async #letGo({ base, domain, current }: VersionLine): Promise<void> {
    const { book, blobs, log } = this.#modules
    const used = new Set(current === null ? [] : book.ancestry(current).map(({ cid }) => cid))
    const old = book
      .list()
      .filter(version => version.record.body.base === base && version.domain === domain)
      .slice(0, -this.#options.keep)
      .filter(({ cid }) => !used.has(cid))
    for (const { cid } of old)
      await blobs
        .release(holderOf(cid))
        .catch(error => log.warn({ err: error, cid }, 'an old adapter was kept'))
  }
}

const MAX_REFUSED = 1_024

/** Records by what they are called. */
function byCid(records: readonly Uint8Array[]): Map<CidString, Uint8Array> {
  return new Map(records.map(bytes => [cidOf(bytes).toString(), bytes]))
}

/** What pins a version's file. */
function holderOf(cid: CidString): string {
  return `version:${cid}`
}

function lineOf({ record, domain }: KnownVersion): { base: ModelId; domain: string } {
  return { base: record.body.base, domain }
}
