import { sha3_512 } from '@noble/hashes/sha3.js'
import { z } from 'zod'
import { ATTESTATION_KINDS } from '../attestation.ts'
import { type MessageDefinition, wire } from '../codec.ts'
import type { Bytes32 } from '../ids.ts'
import { ROLES } from '../roles.ts'
import { blobDigestSchema } from './learning/blob-ref.ts'
import { domainSchema } from './learning/common.ts'
import { END_REASONS } from './receipt.ts'

/** How a juror votes; `abstain`: it cannot be decided. */
export const VOTES = ['guilty', 'innocent', 'abstain'] as const
export type Vote = (typeof VOTES)[number]

/**
 * Why a provider is kept out of what relies on its honesty. `audits`: several receipts of its do not hold. `cheating`:
 * all its receipts together do not. `proof_withheld`: it did not show where its receipts stand in its log. `convicted`:
 * a court has found so.
 */
export const EXCLUSION_REASONS = ['audits', 'cheating', 'proof_withheld', 'convicted'] as const
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number]

/**
 * What an auditor's word was worth. `passed_bad`: it passed an output that was known not to be the model's. `failed_good`: it
 * spoke against one that was known to be. `outvoted`: two others, each another operator, found the opposite.
 */
export const AUDITOR_FAULTS = ['passed_bad', 'failed_good', 'outvoted'] as const
export type AuditorFault = (typeof AUDITOR_FAULTS)[number]

const transaction = wire.bytes32
const channelId = wire.bytes32

/** One kind of event each, with its own versioned fields; a closed set. */
const eventSchemas = [
  z.strictObject({ kind: z.literal('node.started'), v: z.literal(1), software: z.string().max(32) }),
  z.strictObject({ kind: z.literal('model.loaded'), v: z.literal(1), model: wire.modelId }),
  z.strictObject({
    kind: z.literal('wallet.bound'),
    v: z.literal(1),
    wallet: wire.address,
    chainId: wire.count,
    transaction,
  }),
  z.strictObject({
    kind: z.literal('channel.opening'),
    v: z.literal(1),
    channelId,
    payee: wire.address,
    signer: wire.address,
    amount: wire.amount,
    expiresAtMs: wire.timeMs,
  }),
  z.strictObject({ kind: z.literal('channel.opened'), v: z.literal(1), channelId, transaction }),
  z.strictObject({ kind: z.literal('channel.toppingUp'), v: z.literal(1), channelId, amount: wire.amount }),
  z.strictObject({ kind: z.literal('channel.closed'), v: z.literal(1), channelId, transaction }),
  z.strictObject({
    kind: z.literal('receipt.issued'),
    v: z.literal(1),
    receipt: wire.cid,
    /** `receiptClaim` of it. */
    claim: wire.bytes32,
    taskId: wire.taskId,
    amount: wire.amount,
    reason: z.enum(END_REASONS),
  }),
  z.strictObject({
    kind: z.literal('receipt.countersigned'),
    v: z.literal(1),
    receipt: wire.cid,
    /** `receiptClaim` of it. */
    claim: wire.bytes32,
    taskId: wire.taskId,
    amount: wire.amount,
    reason: z.enum(END_REASONS),
  }),
  z.strictObject({
    kind: z.literal('settlement.confirmed'),
    v: z.literal(1),
    transaction,
    amount: wire.amount,
    channels: z.array(channelId).max(256),
  }),
  z.strictObject({
    kind: z.literal('withdrawal.confirmed'),
    v: z.literal(1),
    transaction,
    amount: wire.amount,
  }),
  z.strictObject({ kind: z.literal('stake.added'), v: z.literal(1), transaction, amount: wire.amount }),
  z.strictObject({
    kind: z.literal('stake.rolesSet'),
    v: z.literal(1),
    transaction,
    roles: z.array(z.enum(ROLES)).max(ROLES.length),
  }),
  z.strictObject({ kind: z.literal('stake.unbonding'), v: z.literal(1), transaction, amount: wire.amount }),
  // How much these move is the chain's to say, when they are executed: the transaction tells it.
  z.strictObject({ kind: z.literal('stake.unbondingCancelled'), v: z.literal(1), transaction }),
  z.strictObject({ kind: z.literal('stake.withdrawn'), v: z.literal(1), transaction }),
  z.strictObject({ kind: z.literal('stake.bountyWithdrawn'), v: z.literal(1), transaction }),
  z.strictObject({
    kind: z.literal('anchor.confirmed'),
    v: z.literal(1),
    transaction,
    root: wire.bytes32,
    firstSequence: wire.count,
    lastSequence: wire.count,
  }),
  // Answers of several operators were compared: it moves trust in all of them. By how much is this node's own opinion.
  z.strictObject({
    kind: z.literal('answers.compared'),
    v: z.literal(1),
    taskId: wire.taskId,
    /** Who made what the majority did, and who did not. */
    agreed: z.array(wire.nodeKey).max(16),
    differed: z.array(wire.nodeKey).max(16),
    /** Tokens agreed on. */
    tokens: wire.count,
  }),
  z.strictObject({
    kind: z.literal('peer.penalised'),
    v: z.literal(1),
    peer: wire.nodeKey,
    reason: z.string().max(64),
  }),
  // From then on it may have PRIVATE content.
  z.strictObject({
    kind: z.literal('peer.attested'),
    v: z.literal(1),
    peer: wire.nodeKey,
    hardware: z.enum(ATTESTATION_KINDS),
    /** SHA-256 of the evidence. */
    evidence: wire.bytes32,
    nonce: wire.bytes32,
    validUntilMs: wire.timeMs,
  }),
  // A receipt is named by its CID here: a `claim` would be a statement of ours, as in the events of receipts.
  z.strictObject({
    kind: z.literal('dispute.opened'),
    v: z.literal(1),
    transaction,
    receipt: wire.cid,
    respondent: wire.address,
    bond: wire.amount,
  }),
  z.strictObject({
    kind: z.literal('dispute.appealed'),
    v: z.literal(1),
    transaction,
    dispute: wire.count,
    bond: wire.amount,
  }),
  // How much is owed is the court's to say, when it is executed.
  z.strictObject({ kind: z.literal('court.withdrawn'), v: z.literal(1), transaction }),
  z.strictObject({
    kind: z.literal('jury.committed'),
    v: z.literal(1),
    transaction,
    dispute: wire.count,
    round: z.int().min(0).max(1),
    commitment: wire.bytes32,
  }),
  z.strictObject({
    kind: z.literal('jury.revealed'),
    v: z.literal(1),
    transaction,
    dispute: wire.count,
    round: z.int().min(0).max(1),
    vote: z.enum(VOTES),
  }),
  z.strictObject({
    kind: z.literal('evidence.given'),
    v: z.literal(1),
    dispute: wire.count,
    juror: wire.nodeKey,
  }),
  // Until when a provider gets no tasks of the SLA classes A and S, and no answer of its is taken on its word.
  z.strictObject({
    kind: z.literal('provider.excluded'),
    v: z.literal(1),
    peer: wire.nodeKey,
    reason: z.enum(EXCLUSION_REASONS),
    untilMs: wire.timeMs,
  }),
  // An auditor's word was wrong; from then on it is asked no more where it is excluded.
  z.strictObject({
    kind: z.literal('auditor.failed'),
    v: z.literal(1),
    peer: wire.nodeKey,
    fault: z.enum(AUDITOR_FAULTS),
    excluded: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('task.audited'),
    v: z.literal(1),
    receipt: wire.cid,
    provider: wire.nodeKey,
    model: wire.modelId,
    result: z.enum(['passed', 'failed', 'cheating']),
    reasons: z.array(z.string().max(16)).max(8),
    tokens: wire.count,
    /** Whether there was an honest baseline for the two engines. */
    calibrated: z.boolean(),
  }),
  // What this node did in a round of learning, each once; the round is named by the CID of its manifest.
  z.strictObject({ kind: z.literal('round.proposed'), v: z.literal(1), round: wire.cid }),
  z.strictObject({ kind: z.literal('round.joined'), v: z.literal(1), round: wire.cid, stake: wire.amount }),
  z.strictObject({
    kind: z.literal('round.committed'),
    v: z.literal(1),
    round: wire.cid,
    commitment: wire.bytes32,
  }),
  z.strictObject({
    kind: z.literal('round.revealed'),
    v: z.literal(1),
    round: wire.cid,
    update: blobDigestSchema,
  }),
  z.strictObject({
    kind: z.literal('round.voted'),
    v: z.literal(1),
    round: wire.cid,
    adapter: blobDigestSchema,
    accept: z.boolean(),
  }),
  // A quorum found it better; from then on it may be served.
  z.strictObject({
    kind: z.literal('adapter.accepted'),
    v: z.literal(1),
    /** CID of the `adapter-version` record. */
    version: wire.cid,
    adapter: wire.modelId,
    base: wire.modelId,
    round: wire.cid,
    domain: domainSchema,
  }),
  // Which adapter a base wears for a domain, by the owner's word; null for none.
  z.strictObject({
    kind: z.literal('adapter.rolledBack'),
    v: z.literal(1),
    base: wire.modelId,
    domain: domainSchema,
    from: z.nullable(wire.modelId),
    to: z.nullable(wire.modelId),
  }),
] as const

/** The wire form of `AuditEventDetails`. */
export const auditEventDetailsSchema = z.discriminatedUnion('kind', eventSchemas)

/** A decision that moved money, trust or models. */
export type AuditEventDetails = z.infer<typeof auditEventDetailsSchema>
export type AuditEventKind = AuditEventDetails['kind']

/** One entry of a node's audit log: signed by the node key, chained to the entry before it. */
export interface AuditEvent {
  /** From 1, without gaps. */
  sequence: number
  /** `auditEventHash` of the entry before; 64 zero bytes in the first. */
  previous: Uint8Array
  timeMs: number
  event: AuditEventDetails
}

export const auditEventMessage: MessageDefinition<AuditEvent> = {
  type: 'audit-event',
  maxBytes: 16_384,
  schema: z.strictObject({
    sequence: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
    previous: z
      .instanceof(Uint8Array)
      .refine(bytes => bytes.length === 64, { message: 'must have 64 bytes' }),
    timeMs: wire.timeMs,
    event: auditEventDetailsSchema,
  }),
}

/** SHA3-512 (FIPS 202) of a signed audit-event record's bytes. */
export function auditEventHash(recordBytes: Uint8Array): Uint8Array {
  return sha3_512(recordBytes)
}

/** What contracts can read of an event: the claim of a receipt, zero for all others. */
export function auditEventClaim(event: AuditEventDetails): Bytes32 {
  return 'claim' in event ? event.claim : NO_CLAIM
}

const NO_CLAIM: Bytes32 = `0x${'00'.repeat(32)}`

/** A leaf of the anchored Merkle tree, as `@openzeppelin/merkle-tree` takes it: sequence, event hash, claim. */
export const AUDIT_LEAF_TYPES = ['uint64', 'bytes', 'bytes32'] as const
