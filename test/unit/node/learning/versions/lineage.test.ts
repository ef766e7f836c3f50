import assert from 'node:assert/strict'
import { join } from 'node:path'
import { EventLog } from '../../../../../node/auditlog/event-log.ts'
import { LogIndex } from '../../../../../node/auditlog/log-index.ts'
import { auditEntry, auditTree, verifyInclusion } from '../../../../../node/auditlog/merkle.ts'
import { Lineage } from '../../../../../node/learning/versions/lineage.ts'
import type { KnownVersion } from '../../../../../node/learning/versions/version-book.ts'
import { Store } from '../../../../../node/store/store.ts'
import {
  type LearnedVersion,
  learnedVersion,
  memberSigner,
} from '../../../../helpers/learning/learned-version.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const WALLET = `0x${'1'.repeat(40)}`
const TRANSACTION = `0x${'7'.repeat(64)}`

const known = ({ record, manifest }: LearnedVersion, parent: string | null): KnownVersion => ({
  ...{ cid: record.cid, record, parent, domain: manifest.body.domain },
  ...{ endedAtMs: 1, acceptedAtMs: 2, stakeFor: 30n, participating: 30n },
})

describe('the lineage of an adapter', () => {
  const folders = new TemporaryFolders()
  const first = learnedVersion({ number: 1 })
  const second = learnedVersion({ number: 2, parent: first.asParent })
  let records: Map<string, Uint8Array>
  let log: EventLog
  let store: Store
  let index: LogIndex
  let lineage: Lineage
  /** Roots that the chain has. */
  let anchored: Set<string>
  let answers: boolean

  beforeEach(async () => {
    const folder = await folders.make()
    records = new Map([...first.records, ...second.records])
    anchored = new Set()
    answers = true
    store = await Store.open(join(folder, 'store'))
    log = await EventLog.open(
      { path: join(folder, 'log') },
      { signer: memberSigner(0), clock: new ManualClock() },
    )
    index = new LogIndex({ log, store })
    lineage = new Lineage({
      versions: {
        ancestry: () => [known(second, first.record.cid), known(first, null)],
        evidence: async cid => records.get(cid) ?? null,
      },
      log,
      chain: () =>
        answers
          ? {
              client: {
                anchoredAt: async () => 1_700_000_000,
                verifyInclusion: async (_wallet, proof) =>
                  anchored.has(proof.root) && verifyInclusion({ ...proof, proof: [...proof.proof] }),
              },
              ...{ wallet: WALLET, index },
            }
          : null,
    })
  })
  afterEach(async () => {
    await log.close()
    await store.close()
  })
  after(() => folders.remove())

  const accept = ({ record }: LearnedVersion) => {
    const { adapter, base, round } = record.body
    return log.append({
      kind: 'adapter.accepted',
      v: 1,
      version: record.cid,
      adapter,
      base,
      round,
      domain: 'notes',
    })
  }
  /** Anchors all there is; the chain may have another root than the log says. */
  const anchor = async (isTrue = true) => {
    const entries = []
    for await (const { record } of log.read(1, log.lastSequence)) entries.push(auditEntry(record))
    const { root } = auditTree(1, entries)
    if (isTrue) anchored.add(root)
    const range = { firstSequence: 1, lastSequence: entries.length }
    await log.append({ kind: 'anchor.confirmed', v: 1, root, transaction: TRANSACTION, ...range })
  }
  const steps = async () =>
    (await lineage.of(second.record.cid)).map(({ problem, anchoring }) => [
      problem?.code ?? 'holds',
      anchoring,
    ])

  it('says of each step whether its signatures, votes and anchor hold', async () => {
    await accept(first)
    await anchor()
    await accept(second)
    assert.deepEqual(await steps(), [
      ['holds', 'waiting'],
      ['holds', 'anchored'],
    ])
    const [, oldest] = await lineage.of(second.record.cid)
    assert.deepEqual([oldest!.sequence, oldest!.transaction, oldest!.signatures], [1, TRANSACTION, 12])
  })

  it('tells what is wrong: other anchors, no event, records that were changed or lost', async () => {
    await accept(first)
    await anchor(false)
    const vote = first.votes[0]!.cid
    const bytes = records.get(vote)!.slice()
    bytes[bytes.length - 1]! ^= 1
    records.set(vote, bytes)
    records.delete(second.joins[0]!.cid)
    assert.deepEqual(await steps(), [
      ['EVIDENCE_MISSING', 'missing'],
      ['VERSION_FORGED', 'wrong'],
    ])
    answers = false
    assert.deepEqual((await steps())[1], ['VERSION_FORGED', 'unasked'])
  })
})
