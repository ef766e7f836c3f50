import { formatCredits } from '../../protocol/money.ts'
import type { AcceptedRound } from '../chain/emission-allocation.ts'
import type { Acceptance } from '../learning/acceptance.ts'
import type { Anchoring, LineageStep } from '../learning/versions/lineage.ts'
import type { KnownVersion } from '../learning/versions/version-book.ts'
import { peerIdOf } from './views.ts'

export interface LossPairView {
  /** Nats per token. */
  before: number
  after: number
}

export interface VersionView {
  /** CID of its record. */
  version: string
  adapter: string
  base: string
  domain: string
  /** The version it goes on from; null for none, or where that is not known here. */
  parent: string | null
  round: string
  /** Domains of the data it was made from. */
  dataDomains: string[]
  contributors: { node: string; wallet: string; sharePercent: number }[]
  votes: number
  /** Decimal credits. */
  stakeFor: string
  participating: string
  loss: LossPairView
  general: LossPairView | null
  acceptedAt: string
  bytes: number
  /** Whether the base wears it for this domain. */
  isCurrent: boolean
  /** What it is offered as; null while it is not served. */
  model: string | null
}

export interface LineageStepView extends VersionView {
  /** Who signed the record that is kept here. */
  signer: string
  /** Whether all its signatures are right and its votes are a quorum of what was at stake then. */
  isProven: boolean
  problem: { code: string; message: string } | null
  signatures: number
  anchoring: Anchoring
  /** Of the event in this node's audit log. */
  sequence: number | null
  transaction: string | null
  anchoredAt: string | null
}

export interface LineageView {
  /** The version first, then what it goes on from, down to the base. */
  steps: LineageStepView[]
  base: string
  /** Whether the line is known down to the base. */
  reachesBase: boolean
  /** Whether everything of every step holds. */
  holds: boolean
  /** What is not right with the contracts that anchors are asked of; null where they were not looked at. */
  contractProblems: string[] | null
}

export interface RollbackView {
  base: string
  domain: string
  from: string | null
  to: string | null
}

/** An accepted round as `shoal contracts emission --rounds` takes it. */
export interface AcceptedRoundView {
  round: string
  learners: { account: string; weight: string }[]
}

export function versionView(acceptance: Acceptance, version: KnownVersion): VersionView {
  const { cid, record, domain, acceptedAtMs, stakeFor, participating, parent } = version
  const { adapter, base, round, domains, contributors, votes, loss, general, blob } = record.body
  return {
    ...{ version: cid, adapter, base, domain, parent, round, dataDomains: domains },
    contributors: contributors.map(({ node, wallet, weight }) => ({
      ...{ node: peerIdOf(node), wallet, sharePercent: weight / 10_000 },
    })),
    ...{
      votes: votes.length,
      stakeFor: formatCredits(stakeFor),
      participating: formatCredits(participating),
    },
    ...{ loss: inNats(loss), general: general === null ? null : inNats(general) },
    ...{ acceptedAt: new Date(acceptedAtMs).toISOString(), bytes: blob.bytes },
    isCurrent: acceptance.versions.current(base, domain)?.cid === cid,
    model: acceptance.serving.modelOf(cid),
  }
}

export function lineageStepView(acceptance: Acceptance, step: LineageStep): LineageStepView {
  const { version, problem, signatures, anchoring, sequence, transaction, anchoredAt } = step
  return {
    ...versionView(acceptance, version),
    ...{ signer: peerIdOf(version.record.signer), isProven: problem === null, problem, signatures },
    ...{ anchoring, sequence, transaction },
    anchoredAt: anchoredAt === null ? null : new Date(anchoredAt * 1_000).toISOString(),
  }
}

export function acceptedRoundView({ round, learners }: AcceptedRound): AcceptedRoundView {
  return { round, learners: learners.map(({ account, weight }) => ({ account, weight: String(weight) })) }
}

function inNats({ before, after }: { before: number; after: number }): LossPairView {
  return { before: before / 1_000_000, after: after / 1_000_000 }
}
