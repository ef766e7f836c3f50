import type { Address, CidString, NodeKey } from '../../../protocol/ids.ts'
import { PARTS_PER_MILLION } from '../../../protocol/messages/learning/common.ts'
import type { AcceptedRound } from '../../chain/emission-allocation.ts'

/** A proven version, as far as the learners' pool goes by it. */
export interface RewardedVersion {
  round: CidString
  /** Of its round, by the manifest: the same for everybody. */
  endedAtMs: number
  /** Shares in millionths. */
  contributors: readonly { node: NodeKey; wallet: Address; weight: number }[]
  /** Whose stake took part, base units. */
  roster: readonly { node: NodeKey; stake: bigint }[]
}

/**
 * What an epoch's accepted rounds count in the learners' pool. A round counts as much as the stake behind it, spread over all
 * rounds of the epoch that the same stake was behind: to hold more rounds brings a group of members no more, and what nobody
 * has at stake counts nothing. Within a round contributors count by their shares of the adapter. Everything in it is in
 * records that all members of the round hold, so that all come to the same.
 * @param fromMs when the epoch began; @param toMs when it ended, not included
 * @param isBound whether the chain binds a wallet to a node; who is not bound gets nothing
 */
export function acceptedRounds(
  versions: readonly RewardedVersion[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  isBound: (node: NodeKey, wallet: Address) => boolean,
): AcceptedRound[] {
  const byRound = new Map(
    versions
      .filter(({ endedAtMs }) => endedAtMs >= fromMs && endedAtMs < toMs)
      .map(version => [version.round, version]),
  )
  const rounds = [...byRound.values()].sort((a, b) => (a.round < b.round ? -1 : 1))
  const times = new Map<NodeKey, bigint>()
  for (const { roster } of rounds)
    for (const { node } of roster) times.set(node, (times.get(node) ?? 0n) + 1n)
  return rounds.map(({ round, contributors, roster }) => {
    const stake = roster.reduce((sum, member) => sum + member.stake / times.get(member.node)!, 0n)
    return {
      round,
      learners: contributors
        .filter(({ node, wallet }) => isBound(node, wallet))
        .map(({ wallet, weight }) => ({
          account: wallet,
          weight: (stake * BigInt(weight)) / BigInt(PARTS_PER_MILLION),
        }))
        .filter(({ weight }) => weight > 0n),
    }
  })
}
