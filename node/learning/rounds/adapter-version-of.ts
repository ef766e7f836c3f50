import type { AdapterVersion } from '../../../protocol/messages/learning/adapter-version.ts'
import { PARTS_PER_MILLION } from '../../../protocol/messages/learning/common.ts'
import { revealOf } from './proposal-check.ts'
import type { ProposalState, RoundOutcome, RoundState } from './round-state.ts'

/**
 * What there is to say of an accepted adapter; the same on all nodes but for which votes they counted. Null while it is not known
 * whose updates it is made of.
 */
export function adapterVersionOf(
  state: RoundState,
  outcome: RoundOutcome,
  { cid, body }: ProposalState,
): AdapterVersion | null {
  const { manifest, round } = state
  const total = body.inputs.reduce((sum, { weight }) => sum + weight, 0)
  const contributors: AdapterVersion['contributors'] = []
  const domains = new Set<string>()
  for (const { update, weight } of body.inputs) {
    const reveal = revealOf(state, update)
    const member = reveal === null ? undefined : state.members.get(reveal.signer)
    if (reveal === null || member === undefined) return null
    domains.add(reveal.body.domain)
    contributors.push({
      node: reveal.signer,
      wallet: member.join.body.wallet,
      update,
      weight: Math.floor((weight * PARTS_PER_MILLION) / total),
    })
  }
  return {
    version: 1,
    adapter: `${manifest.name}@${body.adapter.digest}`,
    blob: body.adapter,
    base: manifest.base,
    parent: manifest.parent?.version ?? null,
    round,
    proposal: cid,
    domains: [...domains].sort(),
    contributors,
    votes: outcome.votes,
    loss: outcome.loss,
    general: outcome.general,
  }
}
