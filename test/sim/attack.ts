import type { NodeKey } from '../../protocol/ids.ts'
import type { Act, SimProvider, SimReport, SimRequester } from './market.ts'
import type { Appearance, Population } from './population.ts'
import type { Random } from './random.ts'

/** What an attacker can do to the network. It sees the code, all gossip and its own books, not others' choices. */
export interface AttackContext {
  /** Attackers' providers there may be at once. */
  attackers: number
  population: Population
  random: Random
  nowMs(): number
  honest: readonly SimProvider[]
  join(provider: SimProvider): void
  leave(provider: SimProvider): void
  /** Its terms have changed. */
  changed(provider: SimProvider): void
  /** Tells all nodes; the report carries a receipt that was really paid, by whomever. */
  gossip(report: Omit<SimReport, 'atMs' | 'receiptId'>): void
}

/** One attack under way. */
export interface Attack {
  /** What an attacker's node does with a task it was given. */
  act(provider: SimProvider, requester: SimRequester): Act
  /** Called a hundred times while each requester does a thousand tasks. */
  tick(): void
}

/** An attack, set in one of the ways an attacker may find best. */
export interface AttackPlan {
  name: string
  variant: string
  /** Share of requesters whose view of the network the attackers control. */
  eclipsedShare: number
  start(context: AttackContext): Attack
}

/** A node that never sells anything, only tells: what a Sybil swarm mostly consists of. */
export function liars(context: AttackContext, count: number): NodeKey[] {
  return Array.from({ length: count }, () => context.population.key())
}

/** How an attacker's node looks: sound, well run, a little cheaper and quicker than most, never failing by accident. */
export function bait(priceFactor: number): Appearance {
  return {
    priceFactor,
    tokensPerSecond: 14,
    ttftMs: 250,
    slots: 3,
    failureRate: 0,
    stallRate: 0,
    isAttacker: true,
    // What it has at stake, the world gives it: the attackers' money is bounded, see `attackerStakes`.
    stake: 0,
  }
}

/** Lets all attackers there may be join at once. */
export function joinAll(context: AttackContext, appearance: (index: number) => Appearance): SimProvider[] {
  const { attackers, population, join } = context
  return Array.from({ length: attackers }, (_, index) => {
    const provider = population.provider(appearance(index))
    join(provider)
    return provider
  })
}
