import { type AttackPlan, bait, joinAll, liars } from '../attack.ts'

/** Praise told in each tick, per attacker's node. */
const PRAISE_PER_TICK = 0.5

/**
 * A swarm: nodes that always cheat, and three times as many that do nothing but praise them, with receipts they pay
 * to themselves (which costs them fees, no more). `hidden`: every identity has a wallet, funder and network of its own.
 */
export function sybil(options: { priceFactor: number; hidden: boolean }): AttackPlan {
  return {
    name: 'sybil',
    variant: `price x${options.priceFactor}${options.hidden ? '' : ', one network'}`,
    eclipsedShare: 0,
    start(context) {
      const { random } = context
      const funder = context.population.wallet()
      const shown = options.hidden ? {} : { funder, network: '203.0.113' }
      const swarm = joinAll(context, () => ({ ...bait(options.priceFactor), ...shown }))
      const praisers = liars(context, 3 * swarm.length)
      return {
        act: () => 'cheat',
        tick() {
          for (const subject of swarm) {
            if (!random.chance(PRAISE_PER_TICK)) continue
            context.gossip({
              ...{ witness: random.pick(praisers), subject, status: 'completed', audited: true, paid: 0.001 },
            })
          }
        },
      }
    },
  }
}
