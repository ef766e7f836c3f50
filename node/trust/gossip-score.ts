import type { PeerScore } from './opinion.ts'

/** Gossipsub stops gossiping with a peer below -10, publishing to it below -50, and listening to it below -80. */
const WORST_OF_ANSWERS = -5
const BEST_OF_ANSWERS = 5
const WORST = -100
/** At the limit of being welcome, gossip has long ceased to listen. */
const PER_PENALTY_POINT = -3
/** A score that says nothing either way: a little above a newcomer's. */
const NEUTRAL = 50

/**
 * Gossipsub's application-specific score (P5 of its v1.1 specification) of a peer. How well it does tasks moves it
 * by 5 at most, which alone never reaches a threshold: a node with bad answers may be a good relay, and how it relays
 * is for gossipsub's own parameters to judge. What breaks the protocol does cut a peer off.
 */
export function gossipScore(
  penaltyPoints: number,
  { score, tasks }: Pick<PeerScore, 'score' | 'tasks'>,
): number {
  // Nobody is held to be worse than unknown for being new.
  const ofAnswers = tasks === 0 ? 0 : ((score - NEUTRAL) / NEUTRAL) * BEST_OF_ANSWERS
  const bounded = Math.min(BEST_OF_ANSWERS, Math.max(WORST_OF_ANSWERS, ofAnswers))
  return Math.max(WORST, bounded + penaltyPoints * PER_PENALTY_POINT)
}
