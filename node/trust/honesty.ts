import type { NodeKey } from '../../protocol/ids.ts'
import type { HonestyParameters } from './components.ts'
import type { StrangerKind } from './evidence.ts'
import type { PeerRecord } from './peer-record.ts'

/**
 * Whether a peer does what it says it does; not how well. `proven`: audits of ours passed, or witnesses with a record
 * vouch for it. `unproven`: a stranger. `suspected`: witnesses with a record say it cheats. `caught`: we found it out.
 */
export const STANDINGS = ['proven', 'unproven', 'suspected', 'caught'] as const
export type Standing = (typeof STANDINGS)[number]

export interface Honesty {
  standing: Standing
  /** Whether the chain says it has something at stake. */
  hasStake: boolean
  /** Audits of ours it passed, faded; what others made alike, and what nobody checked, counts a part of one. */
  proof: number
  /** Witnesses that say it cheated, with what it answered unlike others, and that vouch for it by audits of theirs, as many as count; each by its record. */
  accused: number
  vouched: number
  /** Chance that it is honest, 0 to 1. */
  prospect: number
  /** Tasks of ours it should have at once at most. */
  tasksAtOnce: number
}

/** What a witness is worth: its agreement with our own experience, beyond what an unknown one is believed; 0 to 1. */
export interface Witnesses {
  standingOf: (witness: NodeKey) => number
  clustersOf: (peer: NodeKey) => readonly string[]
}

/** What somebody is that has not proven itself; of no meaning for others. */
export function strangerKindOf({ standing, hasStake }: Pick<Honesty, 'standing' | 'hasStake'>): StrangerKind {
  if (standing === 'suspected') return 'suspected'
  return hasStake ? 'staked' : 'unstaked'
}

/**
 * What is known of a peer's honesty. Only audits tell: a wrong answer looks as good as a right one, so that a completed
 * task nobody audited is little proof, and a failed audit is not outweighed by work that went well. Witnesses count
 * by their record alone (an unknown one for nothing, however many there are) and once for each cluster.
 */
export function honestyOf(
  record: PeerRecord | undefined,
  atMs: number,
  parameters: HonestyParameters,
  witnesses: Witnesses,
  facts: { hasStake: boolean; strangerRisk: number },
): Honesty {
  const { hasStake, strangerRisk } = facts
  const { strangers, ownAuditWeight, hearsayWeight, maxHearsay, maxAccused } = parameters
  if (record === undefined)
    return { ...STRANGER, hasStake, prospect: strangers.good / (strangers.good + strangers.bad) }
  const [passed, failed] = [record.audited.good(atMs), record.audited.bad(atMs)]
  // Each passed audit stands for three good tasks in the performance: see TASK_WEIGHTS and AUDIT_WEIGHTS.
  const unaudited = Math.max(0, record.performance.good(atMs) - 3 * passed)
  const [alike, unlike] = [record.compared.good(atMs), record.compared.bad(atMs)]
  const proof = passed + parameters.agreedWeight * alike + parameters.unauditedWeight * unaudited
  const vouchersNeeded = vouchersNeededAt(strangerRisk, parameters)
  const enough = Math.max(vouchersNeeded, maxHearsay / hearsayWeight)
  const { vouched, accused: told } = testimony(record, atMs, enough, witnesses)
  // Of two answers at least one is wrong; which, the majority only guesses. So it is no failed audit.
  const accused = told + Math.min(1, parameters.disagreedWeight * Math.max(0, unlike - alike))
  const held = Math.min(maxAccused, accused)
  const good = strangers.good + ownAuditWeight * proof + Math.min(maxHearsay, hearsayWeight * vouched)
  const bad = strangers.bad + hearsayWeight * accused
  return {
    standing: standingOf({ proof, passed, failed, vouched, held, vouchersNeeded }, parameters),
    hasStake,
    proof,
    vouched,
    accused,
    prospect: failed >= FORGIVEN ? 0 : good / (good + bad),
    tasksAtOnce: 1 + Math.floor(proof / parameters.proofPerTaskAtOnce),
  }
}

/**
 * How many witnesses with a full record prove somebody of whose kind so many cheat: as many as bring the odds of a cheat
 * down to what is borne, each by the same factor (Bayes' rule on odds). Who comes back under new names serves somebody
 * well first, to be vouched for: the more of those there are, the more must have been served.
 */
export function vouchersNeededAt(strangerRisk: number, parameters: HonestyParameters): number {
  const { vouchersNeeded, voucherOdds, cheatOddsBorne } = parameters
  const odds = strangerRisk / (1 - strangerRisk)
  return Math.max(vouchersNeeded, Math.log(odds / cheatOddsBorne) / Math.log(voucherOdds))
}

/** Failed audits count until they have faded to this. */
const FORGIVEN = 0.25

const STRANGER: Omit<Honesty, 'prospect' | 'hasStake'> = {
  standing: 'unproven',
  proof: 0,
  vouched: 0,
  accused: 0,
  tasksAtOnce: 1,
}

function standingOf(
  {
    proof,
    passed,
    failed,
    vouched,
    held,
    vouchersNeeded,
  }: Record<'proof' | 'passed' | 'failed' | 'vouched' | 'held' | 'vouchersNeeded', number>,
  parameters: HonestyParameters,
): Standing {
  // Audits err now and then: of somebody who passed many, one failure is borne.
  if (failed >= FORGIVEN && failed > parameters.toleratedShare * passed) return 'caught'
  if (held * parameters.accuserWeight > proof + parameters.provenAudits) return 'suspected'
  return proof >= parameters.provenAudits || vouched >= vouchersNeeded ? 'proven' : 'unproven'
}

/** @param enough vouchers that count: more are not listened to */
function testimony(
  { peer, witnesses }: PeerRecord,
  atMs: number,
  enough: number,
  { standingOf, clustersOf }: Witnesses,
): { vouched: number; accused: number } {
  let [vouched, accused] = [0, 0]
  if (witnesses.length === 0) return { vouched, accused }
  const heard = new Set(clustersOf(peer))
  // Whoever found it cheating once has found it cheating.
  for (const { witness, audits } of witnesses)
    if (audits?.hasBad) accused += wordOf(witness) * Math.min(1, audits.bad(atMs))
  for (const { witness, audits } of witnesses) {
    if (vouched >= enough) break
    if (audits !== null && !audits.hasBad) vouched += wordOf(witness) * Math.min(1, audits.good(atMs))
  }
  return { vouched, accused }

  /** What a witness counts; 0 when one of its cluster was heard. */
  function wordOf(witness: NodeKey): number {
    const standing = standingOf(witness)
    if (standing === 0) return 0
    const clusters = clustersOf(witness)
    if (clusters.some(cluster => heard.has(cluster))) return 0
    for (const cluster of clusters) heard.add(cluster)
    return standing
  }
}

/**
 * With what chance an answer should be audited: every one of those who have not proven themselves to us, then the
 * fewer the more audits they passed, `first ÷ (first + passed)`, and never fewer than the least. Accusations make
 * audits more frequent instead of ruining anybody: slander costs audits, truth finds the cheat at its next attempt.
 * @param least what a node can afford for those it knows best, 0 to 1
 */
export function auditProbability(honesty: Honesty, least: number, parameters: HonestyParameters): number {
  const { standing, proof, accused } = honesty
  if (standing !== 'proven' || proof < parameters.provenAudits) return 1
  const { auditedFirst, maxAccusedAudits } = parameters
  return Math.max(least, auditedFirst / (auditedFirst + proof), Math.min(maxAccusedAudits, accused))
}
