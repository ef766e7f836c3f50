import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { CidString, ModelId } from '../../../protocol/ids.ts'
import {
  type AdapterVersion,
  adapterVersionMessage,
} from '../../../protocol/messages/learning/adapter-version.ts'
import {
  type AggregateProposal,
  aggregateProposalMessage,
  rosterDigest,
} from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import { type RoundJoin, roundJoinMessage } from '../../../protocol/messages/learning/round-join.ts'
import {
  type RoundManifest,
  type RoundParent,
  roundManifestMessage,
} from '../../../protocol/messages/learning/round-manifest.ts'
import { type RoundVote, roundVoteMessage } from '../../../protocol/messages/learning/round-vote.ts'
import { updateRevealMessage } from '../../../protocol/messages/learning/update-reveal.ts'
import { createRecord, type SignedRecord } from '../../../protocol/signed.ts'

export const BASE: ModelId = `nano@sha256:${'b'.repeat(64)}`
const START_MS = 1_700_000_000_000
const HOUR_MS = 3_600_000

export interface LearnedVersionOptions {
  members?: number
  /** Base units of each member. */
  stakes?: readonly bigint[]
  /** Told apart from other rounds by it. */
  number?: number
  base?: ModelId
  domain?: string
  parent?: RoundParent | null
  /** The adapter's file; made up by default. */
  adapter?: BlobRef
  /** What a member votes otherwise; null: it does not vote. */
  vote?: (member: number) => Partial<RoundVote> | null
  manifest?: Partial<RoundManifest>
  proposal?: Partial<AggregateProposal>
  version?: Partial<AdapterVersion>
}

/** Records of a round that came to a version, rightly signed. */
export interface LearnedVersion {
  record: SignedRecord<AdapterVersion>
  records: Map<CidString, Uint8Array>
  manifest: SignedRecord<RoundManifest>
  joins: SignedRecord<RoundJoin>[]
  votes: SignedRecord<RoundVote>[]
  /** What a round that goes on from it says. */
  asParent: RoundParent
}

export function memberSigner(member: number): NodeSigner {
  return createNativeNodeSigner(new Uint8Array(32).fill(member + 1))
}

export function memberWallet(member: number): string {
  return `0x${(member + 1).toString(16).padStart(40, '0')}`
}

/** The round that it is in the ordinary case: every member trains, reveals and votes. */
export function learnedVersion(options: LearnedVersionOptions = {}): LearnedVersion {
  const { members = 3, number = 1, base = BASE, domain = 'notes', parent = null } = options
  const hex = number.toString(16).padStart(4, '0').repeat(16)
  const adapter = options.adapter ?? { digest: `sha256:${hex}`, bytes: 1_000, root: `0x${hex}` }
  const records = new Map<CidString, Uint8Array>()
  const keep = <T>(record: SignedRecord<T>) => {
    records.set(record.cid, record.bytes)
    return record
  }
  const all = Array.from({ length: members }, (_, i) => i)
  const stakeOf = (member: number) => options.stakes?.[member] ?? 10n
  const at = (hours: number) => START_MS + number * 100 * HOUR_MS + hours * HOUR_MS
  const manifest = keep(
    createRecord<RoundManifest>(
      roundManifestMessage,
      {
        ...{ version: 1, wallet: memberWallet(0), base, parent, name: 'notes', rank: 4, alpha: 8 },
        ...{ modules: ['attn_q'], freezeA: false, domain, format: 'any' },
        training: { steps: 10, batchRows: 2, rowTokens: 64, accumulation: 1, learningRate: 0.003, seed: 1 },
        ...{ validation: [], general: null, trusted: null },
        deadlines: {
          ...{ joinMs: at(1), trainMs: at(2), commitMs: at(3), revealMs: at(4) },
          ...{ scoreMs: at(5), aggregateMs: at(6), voteMs: at(7), publishMs: at(8) },
        },
        ...{ minimumUpdates: 1, maximumMembers: 64, leastStake: 0n, quorumStake: 0n, aggregateAttempts: 3 },
        ...{ rule: 'default', outerLearningRate: 1, encoding: 'gguf', privacy: null },
        ...{ lossTolerance: 20_000, regressionTolerance: 20_000, reward: 0n },
        ...options.manifest,
      },
      memberSigner(0),
    ),
  )
  const round = manifest.cid
  const joins = all.map(member =>
    keep(
      createRecord(
        roundJoinMessage,
        { version: 1, round, wallet: memberWallet(member), stake: stakeOf(member), domain, validation: [] },
        memberSigner(member),
      ),
    ),
  )
  const reveals = all.map(member =>
    keep(
      createRecord(
        updateRevealMessage,
        {
          ...{
            version: 1,
            round,
            commitment: joins[member]!.cid,
            encoding: 'gguf',
            domain: `${domain}-${member}`,
          },
          update: {
            ...adapter,
            digest: `sha256:${String(member + 1)
              .repeat(64)
              .slice(0, 64)}`,
          },
          ...{ salt: `0x${'0'.repeat(64)}`, validation: [], privacy: null, tokens: 100 },
        },
        memberSigner(member),
      ),
    ),
  )
  const roster = joins.map(({ cid }) => cid).sort()
  const inputs = reveals.map(({ cid }) => ({ update: cid, weight: 500_000 })).sort(byUpdate)
  const proposal = keep(
    createRecord(
      aggregateProposalMessage,
      {
        ...{ version: 1, round, attempt: 0, roster, scores: [joins[0]!.cid], inputs, adapter },
        discardedEnergy: 0,
        ...options.proposal,
      },
      memberSigner(0),
    ),
  )
  const votes = all.flatMap(member => {
    const changes = options.vote?.(member)
    if (changes === null) return []
    const vote: RoundVote = {
      ...{ version: 1, round, proposal: proposal.cid, adapter: adapter.digest, roster: rosterDigest(roster) },
      ...{ accept: true, reason: 'better', loss: { before: 2_000_000, after: 1_000_000 } },
      general: { before: 1_000_000, after: 1_000_000 },
      ...changes,
    }
    return [keep(createRecord(roundVoteMessage, vote, memberSigner(member)))]
  })
  const weight = Math.floor(1_000_000 / members)
  const record = createRecord<AdapterVersion>(
    adapterVersionMessage,
    {
      ...{ version: 1, adapter: `notes@${adapter.digest}`, blob: adapter, base },
      ...{ parent: parent?.version ?? null, round, proposal: proposal.cid },
      domains: all.map(member => `${domain}-${member}`),
      contributors: all.map(member => ({
        node: joins[member]!.signer,
        ...{ wallet: memberWallet(member), update: reveals[member]!.cid, weight },
      })),
      votes: votes.map(({ cid }) => cid).sort(),
      loss: { before: 2_000_000, after: 1_000_000 },
      general: { before: 1_000_000, after: 1_000_000 },
      ...options.version,
    },
    memberSigner(0),
  )
  const asParent = { version: record.cid, model: record.body.adapter, adapter }
  return { record, records, manifest, joins, votes, asParent }
}

const byUpdate = (a: { update: string }, b: { update: string }) => (a.update < b.update ? -1 : 1)
