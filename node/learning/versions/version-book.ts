import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { CidString, ModelId } from '../../../protocol/ids.ts'
import {
  type AdapterVersion,
  adapterVersionMessage,
} from '../../../protocol/messages/learning/adapter-version.ts'
import type { BlobDigest } from '../../../protocol/messages/learning/blob-ref.ts'
import { domainSchema } from '../../../protocol/messages/learning/common.ts'
import type { RoundParent } from '../../../protocol/messages/learning/round-manifest.ts'
import { openRecord, type SignedRecord } from '../../../protocol/signed.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'

/** A version whose quorum this node has reckoned itself. */
export interface KnownVersion {
  /** Of its record; what it is called. */
  cid: CidString
  record: SignedRecord<AdapterVersion>
  /** The version that it goes on from, as it is called here; null for none, and where that is not known here. */
  parent: CidString | null
  /** Of its round; versions of one base and domain make a line. */
  domain: string
  /** When its round ended by its manifest: the same for all, ms since the epoch. */
  endedAtMs: number
  /** When this node accepted it. */
  acceptedAtMs: number
  /** Base units that were for it, and that took part. */
  stakeFor: bigint
  participating: bigint
}

/** Versions of a base for a domain. */
export interface VersionLine {
  base: ModelId
  domain: string
  /** What is used; null for the base alone. */
  current: CidString | null
  /** What the owner went back from; what goes on from these is not used by itself. */
  refused: CidString[]
}

const knownSchema = z.strictObject({
  record: wire.bytes(adapterVersionMessage.maxBytes + 512),
  parent: z.nullable(wire.cid),
  domain: domainSchema,
  endedAtMs: wire.timeMs,
  acceptedAtMs: wire.timeMs,
  stakeFor: wire.amount,
  participating: wire.amount,
})
const MAX_REFUSED = 1_024
const lineSchema = z.strictObject({
  base: wire.modelId,
  domain: domainSchema,
  current: z.nullable(wire.cid),
  refused: z.array(wire.cid).max(MAX_REFUSED),
})
/** As long as any record of a round. */
const MAX_RECORD_BYTES = 65_536

/** The versions that this node has accepted, with what they rest on; on disk. */
export class VersionBook {
  readonly #table: Table<z.infer<typeof knownSchema>>
  readonly #evidence: Table<Uint8Array>
  readonly #lineTable: Table<VersionLine>
  readonly #versions = new Map<CidString, KnownVersion>()
  readonly #lines = new Map<string, VersionLine>()

  constructor(modules: { store: Store }) {
    const { store } = modules
    this.#table = store.table('adapter-versions', knownSchema)
    this.#evidence = store.table('adapter-evidence', wire.bytes(MAX_RECORD_BYTES))
    this.#lineTable = store.table('adapter-lines', lineSchema)
  }

  /** Reads everything back. */
  async start(): Promise<void> {
    for await (const [cid, { record, ...known }] of this.#table.entries()) {
      // It was opened before it was written.
      const opened = openRecord(adapterVersionMessage, record, () => true)
      this.#versions.set(cid, { cid, record: opened, ...known })
    }
    for await (const line of this.#lineTable.values()) this.#lines.set(lineKey(line), line)
  }

  get(cid: CidString): KnownVersion | null {
    return this.#versions.get(cid) ?? null
  }

  /** The version with an adapter of a base; every member of its round signs a record of its own about it. */
  withAdapter(of: { base: ModelId; digest: BlobDigest }): KnownVersion | null {
    for (const known of this.#versions.values()) {
      const { base, blob } = known.record.body
      if (base === of.base && blob.digest === of.digest) return known
    }
    return null
  }

  /** All, the first accepted first. */
  list(): KnownVersion[] {
    return [...this.#versions.values()].sort(
      (a, b) => a.acceptedAtMs - b.acceptedAtMs || (a.cid < b.cid ? -1 : 1),
    )
  }

  lines(): VersionLine[] {
    return [...this.#lines.values()]
  }

  line(of: { base: ModelId; domain: string }): VersionLine {
    const { base, domain } = of
    return this.#lines.get(lineKey(of)) ?? { base, domain, current: null, refused: [] }
  }

  /** From a version back to the base: itself, its parent, and so on. */
  ancestry(cid: CidString): KnownVersion[] {
    const chain: KnownVersion[] = []
    let next = this.get(cid)
    // A parent is older than what goes on from it; a circle would need a collision of hashes.
    while (next !== null && !chain.includes(next)) {
      chain.push(next)
      next = next.parent === null ? null : this.get(next.parent)
    }
    return chain
  }

  /** Bytes of a record that versions rest on. */
  async evidence(cid: CidString): Promise<Uint8Array | null> {
    return (await this.#evidence.get(cid)) ?? null
  }

  /** For one batch with what else is to be done; then `added`. */
  addOperations(
    known: KnownVersion,
    evidence: readonly SignedRecord<unknown>[],
    line: VersionLine,
  ): BatchOperation[] {
    const { parent, domain, endedAtMs, acceptedAtMs, stakeFor, participating } = known
    const { bytes } = known.record
    return [
      ...evidence.map(({ cid, bytes: record }) => this.#evidence.putOperation(cid, record)),
      this.#table.putOperation(known.cid, {
        ...{ record: bytes, parent, domain, endedAtMs, acceptedAtMs, stakeFor, participating },
      }),
      this.#lineTable.putOperation(lineKey(line), line),
    ]
  }

  added(known: KnownVersion, line: VersionLine): void {
    this.#versions.set(known.cid, known)
    this.#lines.set(lineKey(line), line)
  }

  /** For one batch with what else is to be done; then `changed`. */
  lineOperation(line: VersionLine): BatchOperation {
    return this.#lineTable.putOperation(lineKey(line), line)
  }

  changed(line: VersionLine): void {
    this.#lines.set(lineKey(line), line)
  }
}

/** What a round says that goes on from a version. */
export function asParent({ cid, record }: KnownVersion): RoundParent {
  return { version: cid, model: record.body.adapter, adapter: record.body.blob }
}

function lineKey({ base, domain }: { base: ModelId; domain: string }): string {
  return `${base}|${domain}`
}
