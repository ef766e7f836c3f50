import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AggregateInput } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import { PARTS_PER_MILLION } from '../../../protocol/messages/learning/common.ts'
import type { UpdateScore, UpdateScores } from '../../../protocol/messages/learning/update-scores.ts'
import { maxAmount } from '../../../protocol/money.ts'
import { stakeMedian } from '../acceptance/stake-median.ts'

/** A report that an aggregate rests on. */
export interface StakedScores {
  scorer: NodeKey
  /** Base units. */
  stake: bigint
  scores: UpdateScores
}

/**
 * What goes into an aggregate: follows from score reports alone, whatever order they are in, so that all who have them come to the
 * same. An update goes in when more than half of the stake that reports, its author's aside, accepts it. It counts with the
 * stake-weighted lower median of the share of loss that it removes, 0 for whoever does not accept it: liars with less than half of
 * that stake can neither bring it in nor move it beyond what honest scorers measured.
 * @param authorOf null for a reveal that is not known
 * @returns inputs sorted by update, or the CIDs of the reveals that must be known first
 */
export function aggregateInputs(
  reports: readonly StakedScores[],
  authorOf: (update: CidString) => NodeKey | null,
): { inputs: AggregateInput[] } | { missing: CidString[] } {
  const total = reports.reduce((sum, { stake }) => sum + stake, 0n)
  const greatest = reports.reduce((most, { stake }) => maxAmount(most, stake), 0n)
  const updates = new Set(reports.flatMap(({ scores }) => scores.entries.map(({ update }) => update)))
  const inputs: AggregateInput[] = []
  const missing: CidString[] = []
  for (const update of [...updates].sort()) {
    const said = reports.map(({ scorer, stake, scores }) => ({
      ...{ scorer, stake },
      entry: scores.entries.find(entry => entry.update === update) ?? null,
    }))
    const acceptedOf = (of: typeof said) =>
      of.reduce((sum, { stake, entry }) => (entry?.verdict === 'accepted' ? sum + stake : sum), 0n)
    // Whoever the author is, this is not enough: what nobody can ever resolve does no harm.
    if (acceptedOf(said) * 2n <= total - greatest) continue
    const author = authorOf(update)
    if (author === null) {
      missing.push(update)
      continue
    }
    const others = said.filter(({ scorer }) => scorer !== author)
    const reporting = others.reduce((sum, { stake }) => sum + stake, 0n)
    if (acceptedOf(others) * 2n <= reporting) continue
    const removed = stakeMedian(
      others.map(({ stake, entry }) => ({ value: entry === null ? 0 : lossRemoved(entry), stake })),
    )
    inputs.push({ update, weight: Math.max(1, removed ?? 0) })
  }
  return missing.length > 0 ? { missing } : { inputs }
}

/** Share of the loss on its own domain that an update removes, whole millionths; 0 for one that is not accepted. */
function lossRemoved({ verdict, ownDomain }: UpdateScore): number {
  if (verdict !== 'accepted' || ownDomain === null || ownDomain.before <= 0) return 0
  const removed = ownDomain.before - ownDomain.after
  if (removed <= 0) return 0
  return Number((BigInt(removed) * BigInt(PARTS_PER_MILLION)) / BigInt(ownDomain.before))
}
