import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AdapterVersion } from '../../../protocol/messages/learning/adapter-version.ts'
import { rosterDigest } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { LossPair } from '../../../protocol/messages/learning/common.ts'
import type { RoundJoin } from '../../../protocol/messages/learning/round-join.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import type { RoundVote } from '../../../protocol/messages/learning/round-vote.ts'
import { minAmount } from '../../../protocol/money.ts'
import type { SignedRecord } from '../../../protocol/signed.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import { lossAllowance, tallyVotes } from '../acceptance/quorum.ts'
import { openRoundRecord, type RoundBodies, type RoundRecordKind } from '../rounds/round-record.ts'
import { VersionError } from './errors.ts'

/** What a version rests on, opened. */
export interface VersionEvidence {
  manifest: SignedRecord<RoundManifest>
  /** The joins of the roster that its quorum is reckoned of. */
  joins: readonly SignedRecord<RoundJoin>[]
  votes: readonly SignedRecord<RoundVote>[]
  /** All of these with the proposal and the contributions. */
  records: readonly SignedRecord<unknown>[]
}

/** A version whose quorum holds. */
export interface ProvenVersion extends VersionEvidence {
  /** Base units. */
  stakeFor: bigint
  participating: bigint
}

/**
 * Base units that a wallet has at stake, as far as the chain binds it to the node: 0 where it does not, null while the chain has
 * not told.
 */
export type StakeOf = (node: NodeKey, join: RoundJoin) => bigint | null

/** The records that a version rests on directly; its proposal names the joins beside. */
export function namedRecords(version: AdapterVersion): CidString[] {
  return [
    version.round,
    version.proposal,
    ...version.votes,
    ...version.contributors.map(({ update }) => update),
  ]
}

/**
 * Checks that a version is what its round came to: that each record it rests on is signed by whom it should be and is
 * of the round; that contributors are those of the proposal; and that the votes, reckoned of the stake that the chain shows of the
 * proposal's roster, are a quorum for just this adapter. Nothing is taken on the word of who signed the version.
 * @param records bytes by CID
 * @throws {VersionError} EVIDENCE_MISSING, STAKE_UNKNOWN, VERSION_FORGED, NO_QUORUM
 */
export function proveVersion(
  { body, signer }: SignedRecord<AdapterVersion>,
  records: (cid: CidString) => Uint8Array | null,
  stakeOf: StakeOf,
): ProvenVersion {
  const opened = new Map<CidString, SignedRecord<unknown>>()
  const open = <Kind extends RoundRecordKind>(kind: Kind, cid: CidString) => {
    const record = openNamed(kind, cid, { round: body.round, bytes: records(cid) })
    opened.set(cid, record)
    return record
  }
  const manifest = open('manifest', body.round)
  const proposal = open('proposal', body.proposal)
  demand(manifest.body.base === body.base, 'it is of another base than its round')
  demand((manifest.body.parent?.version ?? null) === body.parent, 'it goes on from another version')
  demand(proposal.body.adapter.digest === body.blob.digest, 'its proposal is of another adapter')
  demand(body.adapter.endsWith(`@${body.blob.digest}`), 'its name is of another adapter')

  const joins = proposal.body.roster.map(cid => open('join', cid))
  const members = new Map(joins.map(join => [join.signer, join]))
  demand(members.size === joins.length, 'a node stands in the roster twice')
  demand(members.has(signer), 'whoever signed it took no part in its round')
  checkContributors(body, { inputs: proposal.body.inputs, members, open })

  const stakes = new Map<NodeKey, bigint>()
  for (const { signer: node, body: join } of joins) {
    const staked = stakeOf(node, join)
    if (staked === null)
      throw new VersionError('STAKE_UNKNOWN', 'the chain has not told what the voters have at stake', {
        fix: 'It is tried again when the chain answers.',
      })
    // Whoever said to have more than it has counts as taking part with what it said, and for the adapter with what it has.
    stakes.set(node, minAmount(staked, join.stake))
  }
  const votes = body.votes.map(cid => open('vote', cid))
  const roster = { digest: rosterDigest(proposal.body.roster), stakes }
  const quorum = tallyVotes(
    votes.map(vote => ({ voter: vote.signer, vote: vote.body })),
    roster,
    manifest.body,
  )
  const claimed = joins.reduce((sum, { body: join }) => sum + join.stake, 0n)
  const isQuorum =
    quorum.state === 'accepted' && quorum.adapter === body.blob.digest && quorum.stakeFor * 3n >= claimed * 2n
  if (!isQuorum)
    throw new VersionError('NO_QUORUM', 'its votes are not those of two thirds of the stake', {
      fix: 'Nothing is to be done: it is not used.',
      details: { stakeFor: String(quorum.stakeFor), participating: String(claimed) },
    })
  const terms = manifest.body
  demand(isNear(body.loss, quorum.losses.loss, terms), 'it claims another loss than its voters measured')
  return {
    ...{ manifest, joins, votes, records: [...opened.values()] },
    ...{ stakeFor: quorum.stakeFor, participating: claimed },
  }
}

/** Contributors are the authors of the updates that went in. */
function checkContributors(
  { contributors, domains }: AdapterVersion,
  modules: {
    inputs: readonly { update: CidString }[]
    members: ReadonlyMap<NodeKey, SignedRecord<RoundJoin>>
    open: (kind: 'reveal', cid: CidString) => SignedRecord<RoundBodies['reveal']>
  },
): void {
  const inputs = new Set(modules.inputs.map(({ update }) => update))
  const seen = new Set<string>()
  for (const { node, wallet, update } of contributors) {
    const reveal = modules.open('reveal', update)
    demand(inputs.has(update), 'a contribution did not go into the adapter')
    demand(reveal.signer === node, 'a contribution is of another node')
    const join = modules.members.get(node)
    demand(join === undefined || join.body.wallet === wallet, 'a contributor has another wallet')
    seen.add(reveal.body.domain)
  }
  demand(
    domains.length === seen.size && domains.every(domain => seen.has(domain)),
    'it names other domains than its contributions',
  )
}

/** @throws {VersionError} EVIDENCE_MISSING, VERSION_FORGED */
function openNamed<Kind extends RoundRecordKind>(
  kind: Kind,
  cid: CidString,
  { round, bytes }: { round: CidString; bytes: Uint8Array | null },
): SignedRecord<RoundBodies[Kind]> {
  if (bytes === null)
    throw new VersionError('EVIDENCE_MISSING', `the ${kind} ${cid} that it rests on is not known`, {
      fix: 'It is asked for; try again when members of the round are connected.',
      details: { kind, cid },
    })
  try {
    const opened = openRoundRecord(bytes, verifyEd25519Natively)
    demand(opened.kind === kind, `what it names as a ${kind} is none`)
    demand(opened.record.cid === cid && opened.round === round, `a ${kind} is of another round`)
    return opened.record as unknown as SignedRecord<RoundBodies[Kind]>
  } catch (cause) {
    if (cause instanceof VersionError) throw cause
    throw new VersionError('VERSION_FORGED', `a ${kind} that it rests on is not right`, { cause })
  }
}

function isNear(claimed: LossPair, measured: LossPair, terms: RoundManifest): boolean {
  return (['before', 'after'] as const).every(
    part => Math.abs(claimed[part] - measured[part]) <= lossAllowance(measured[part], terms),
  )
}

/** @throws {VersionError} VERSION_FORGED */
function demand(holds: boolean, otherwise: string): void {
  if (!holds)
    throw new VersionError('VERSION_FORGED', otherwise, { fix: 'Nothing is to be done: it is not used.' })
}
