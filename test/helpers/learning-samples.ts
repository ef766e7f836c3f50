import type { MessageDefinition } from '../../protocol/codec.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import { adapterVersionMessage } from '../../protocol/messages/learning/adapter-version.ts'
import {
  type AggregateProposal,
  aggregateProposalMessage,
  rosterDigest,
} from '../../protocol/messages/learning/aggregate-proposal.ts'
import { blobDownMessage, blobUpMessage } from '../../protocol/messages/learning/blob-frame.ts'
import type { BlobRef } from '../../protocol/messages/learning/blob-ref.ts'
import {
  learningSyncRequestMessage,
  learningSyncResponseMessage,
} from '../../protocol/messages/learning/learning-sync.ts'
import { type RoundJoin, roundJoinMessage } from '../../protocol/messages/learning/round-join.ts'
import { type RoundManifest, roundManifestMessage } from '../../protocol/messages/learning/round-manifest.ts'
import { type RoundVote, roundVoteMessage } from '../../protocol/messages/learning/round-vote.ts'
import {
  updateCommitment,
  updateCommitmentMessage,
} from '../../protocol/messages/learning/update-commitment.ts'
import { type UpdateReveal, updateRevealMessage } from '../../protocol/messages/learning/update-reveal.ts'
import { type UpdateScores, updateScoresMessage } from '../../protocol/messages/learning/update-scores.ts'
import { CREDIT } from '../../protocol/money.ts'
import { createRecord } from '../../protocol/signed.ts'

const hex = (byte: string, length: number) => byte.repeat(length)

export const blobOf = (byte: string, bytes = 1_048_576): BlobRef => ({
  digest: `sha256:${hex(byte, 32)}`,
  bytes,
  root: `0x${hex(byte, 32)}`,
})

export const sampleManifest: RoundManifest = {
  version: 1,
  wallet: `0x${hex('11', 20)}`,
  base: `shoal-nano@sha256:${hex('ab', 32)}`,
  parent: null,
  name: 'notes',
  rank: 8,
  alpha: 16,
  modules: ['attn_q', 'attn_v'],
  freezeA: false,
  domain: 'notes',
  format: 'any',
  training: { steps: 100, batchRows: 4, rowTokens: 256, accumulation: 1, learningRate: 0.003, seed: 42 },
  validation: [{ digest: `0x${hex('5a', 32)}`, domain: 'notes' }],
  general: blobOf('6e', 4_096),
  deadlines: {
    joinMs: 1_700_000_060_000,
    trainMs: 1_700_000_600_000,
    commitMs: 1_700_000_660_000,
    revealMs: 1_700_000_720_000,
    scoreMs: 1_700_000_900_000,
    aggregateMs: 1_700_001_080_000,
    voteMs: 1_700_001_200_000,
    publishMs: 1_700_001_260_000,
  },
  minimumUpdates: 2,
  maximumMembers: 16,
  leastStake: CREDIT,
  quorumStake: 0n,
  aggregateAttempts: 4,
  rule: 'default',
  trusted: null,
  outerLearningRate: 1,
  encoding: 'gguf',
  privacy: null,
  lossTolerance: 50_000,
  regressionTolerance: 20_000,
  reward: 0n,
}

/** Valid values of the messages of a round. */
export function learningSamples(
  signer: NodeSigner,
): { name: string; definition: MessageDefinition<never>; value: never }[] {
  const sample = <T>(name: string, definition: MessageDefinition<T>, value: T) =>
    ({ name, definition, value }) as never
  const manifest = createRecord(roundManifestMessage, sampleManifest, signer)
  const round = manifest.cid
  const join: RoundJoin = {
    ...{ version: 1, round, wallet: sampleManifest.wallet, stake: 10n * CREDIT, domain: 'notes' },
    validation: [{ digest: `0x${hex('5a', 32)}`, domain: 'notes' }],
  }
  const joined = createRecord(roundJoinMessage, join, signer)
  const update = blobOf('c3')
  const salt = `0x${hex('5a', 32)}`
  const commitment = {
    ...{ version: 1 as const, round },
    commitment: updateCommitment({ round, update: update.digest, salt, author: manifest.signer }),
  }
  const committed = createRecord(updateCommitmentMessage, commitment, signer)
  const reveal: UpdateReveal = {
    ...{ version: 1, round, commitment: committed.cid, update, encoding: 'gguf', salt, domain: 'notes' },
    validation: [{ blob: blobOf('5a', 2_048), domain: 'notes' }],
    privacy: { epsilon: 4.5, delta: 1e-6, clipNorm: 1, noiseMultiplier: 0.8 },
    tokens: 123_456,
  }
  const revealed = createRecord(updateRevealMessage, reveal, signer)
  const scores: UpdateScores = {
    ...{ version: 1, round },
    entries: [
      {
        ...{ update: revealed.cid, verdict: 'accepted', code: null, similarTo: null },
        ownDomain: { before: 3_200_000, after: 1_600_000 },
        random: { before: 4_100_000, after: 4_000_000 },
      },
      {
        ...{ update: committed.cid, verdict: 'invalid', code: 'WRONG_RANK', similarTo: null },
        ...{ ownDomain: null, random: null },
      },
    ],
  }
  const scored = createRecord(updateScoresMessage, scores, signer)
  const proposal: AggregateProposal = {
    ...{ version: 1, round, attempt: 0, roster: [joined.cid], scores: [scored.cid] },
    inputs: [{ update: revealed.cid, weight: 500_000 }],
    ...{ adapter: blobOf('ad'), discardedEnergy: 0.0125 },
  }
  const proposed = createRecord(aggregateProposalMessage, proposal, signer)
  const vote: RoundVote = {
    ...{ version: 1, round, proposal: proposed.cid, adapter: proposal.adapter.digest },
    ...{ roster: rosterDigest(proposal.roster), accept: true, reason: 'better' },
    loss: { before: 3_650_000, after: 2_100_000 },
    general: { before: 2_000_000, after: 2_010_000 },
  }
  const voted = createRecord(roundVoteMessage, vote, signer)
  return [
    sample('round-manifest', roundManifestMessage, sampleManifest),
    sample('round-manifest, on a parent and private', roundManifestMessage, {
      ...sampleManifest,
      parent: { version: proposed.cid, model: `notes@sha256:${hex('ad', 32)}`, adapter: blobOf('ad') },
      freezeA: true,
      privacy: { clipNorm: 1, noiseMultiplier: 0.8, deltaExponent: 6 },
      encoding: 'sparse',
      reward: 5n * CREDIT,
    }),
    sample('round-join', roundJoinMessage, join),
    sample('update-commitment', updateCommitmentMessage, commitment),
    sample('update-reveal', updateRevealMessage, reveal),
    sample('update-scores', updateScoresMessage, scores),
    sample('aggregate-proposal', aggregateProposalMessage, proposal),
    sample('round-vote', roundVoteMessage, vote),
    sample('adapter-version', adapterVersionMessage, {
      ...{ version: 1, adapter: `notes@sha256:${hex('ad', 32)}`, blob: proposal.adapter },
      ...{ base: sampleManifest.base, parent: null, round, proposal: proposed.cid, domains: ['notes'] },
      contributors: [{ node: manifest.signer, wallet: join.wallet, update: revealed.cid, weight: 1_000_000 }],
      ...{ votes: [voted.cid], loss: vote.loss!, general: vote.general },
    }),
    sample('learning-sync-request', learningSyncRequestMessage, { kind: 'records', round, records: [round] }),
    sample('learning-sync-request, rounds', learningSyncRequestMessage, { kind: 'rounds' }),
    sample('learning-sync-response', learningSyncResponseMessage, {
      kind: 'records',
      records: [manifest.bytes],
    }),
    sample('learning-sync-response, list', learningSyncResponseMessage, { kind: 'list', records: [round] }),
    sample('blob-request, open', blobUpMessage, { kind: 'open', blob: blobOf('ad'), list: true }),
    sample('blob-request, get', blobUpMessage, { kind: 'get', first: 3, count: 4 }),
    sample('blob-request, ask', blobUpMessage, { kind: 'ask' }),
    sample('blob-answer, have', blobDownMessage, {
      ...{ kind: 'have', chunks: Uint8Array.of(0b101) },
      list: new Uint8Array(128).fill(7),
    }),
    sample('blob-answer, have all', blobDownMessage, { kind: 'have', chunks: null, list: null }),
    sample('blob-answer, chunk', blobDownMessage, { kind: 'chunk', index: 3 }),
    sample('blob-answer, missing', blobDownMessage, { kind: 'missing', index: 4 }),
    sample('blob-answer, refused', blobDownMessage, { kind: 'refused', code: 'busy' }),
  ]
}
