import { decodeCanonical, type MessageDefinition, ProtocolError } from '../../../protocol/codec.ts'
import type { VerifyEd25519 } from '../../../protocol/identity.ts'
import type { CidString } from '../../../protocol/ids.ts'
import {
  type AdapterVersion,
  adapterVersionMessage,
} from '../../../protocol/messages/learning/adapter-version.ts'
import {
  type AggregateProposal,
  aggregateProposalMessage,
} from '../../../protocol/messages/learning/aggregate-proposal.ts'
import { type RoundJoin, roundJoinMessage } from '../../../protocol/messages/learning/round-join.ts'
import {
  type RoundManifest,
  roundManifestMessage,
} from '../../../protocol/messages/learning/round-manifest.ts'
import { type RoundVote, roundVoteMessage } from '../../../protocol/messages/learning/round-vote.ts'
import {
  type UpdateCommitment,
  updateCommitmentMessage,
} from '../../../protocol/messages/learning/update-commitment.ts'
import { type UpdateReveal, updateRevealMessage } from '../../../protocol/messages/learning/update-reveal.ts'
import { type UpdateScores, updateScoresMessage } from '../../../protocol/messages/learning/update-scores.ts'
import { openRecord, type SignedRecord } from '../../../protocol/signed.ts'

const definitions = {
  manifest: roundManifestMessage,
  join: roundJoinMessage,
  commitment: updateCommitmentMessage,
  reveal: updateRevealMessage,
  scores: updateScoresMessage,
  proposal: aggregateProposalMessage,
  vote: roundVoteMessage,
  version: adapterVersionMessage,
} as const

export interface RoundBodies {
  manifest: RoundManifest
  join: RoundJoin
  commitment: UpdateCommitment
  reveal: UpdateReveal
  scores: UpdateScores
  proposal: AggregateProposal
  vote: RoundVote
  version: AdapterVersion
}
export type RoundRecordKind = keyof RoundBodies

/** A record of a round, told apart by what it is. */
export type RoundRecord = {
  [Kind in RoundRecordKind]: { kind: Kind; round: CidString; record: SignedRecord<RoundBodies[Kind]> }
}[RoundRecordKind]

/** Longest record of a round. */
export const MAX_ROUND_RECORD_BYTES = Math.max(...Object.values(definitions).map(({ maxBytes }) => maxBytes))

export function definitionOf<Kind extends RoundRecordKind>(kind: Kind): MessageDefinition<RoundBodies[Kind]> {
  return definitions[kind] as unknown as MessageDefinition<RoundBodies[Kind]>
}

/**
 * Opens any record of a round.
 * @throws {ProtocolError} as `openRecord`
 */
export function openRoundRecord(bytes: Uint8Array, verify: VerifyEd25519): RoundRecord {
  if (bytes.length > MAX_ROUND_RECORD_BYTES) {
    throw new ProtocolError('TOO_LARGE', 'longer than any record of a round')
  }
  const envelope = decodeCanonical(bytes)
  const type = typeof envelope === 'object' && envelope !== null && 'type' in envelope ? envelope.type : null
  const kind = (Object.keys(definitions) as RoundRecordKind[]).find(name => definitions[name].type === type)
  if (kind === undefined) throw new ProtocolError('WRONG_TYPE', 'no record of a round')
  const record = openRecord(definitionOf(kind), bytes, verify)
  return roundRecord(kind, record as SignedRecord<never>)
}

/** A record with what it is. */
export function roundRecord<Kind extends RoundRecordKind>(
  kind: Kind,
  record: SignedRecord<RoundBodies[Kind]>,
): RoundRecord {
  const body = record.body as { round?: CidString }
  return { kind, round: body.round ?? record.cid, record } as RoundRecord
}
