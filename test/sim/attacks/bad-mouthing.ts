import { type AttackPlan, bait, joinAll, liars } from '../attack.ts'

/** Slander told in each tick. */
const SLANDERS_PER_TICK = 40

/**
 * Nodes that cheat, and liars who really buy small tasks of honest providers, for the receipts, to tell of each that
 * it cheated. They slander the cheapest first: those are in their way.
 */
export function badMouthing(options: { priceFactor: number; status: 'dishonest' | 'failed' }): AttackPlan {
  return {
    name: 'bad-mouthing',
    variant: `${options.status}, price x${options.priceFactor}`,
    eclipsedShare: 0,
    start(context) {
      const { random } = context
      const slanderers = liars(context, 2 * context.attackers)
      joinAll(context, () => bait(options.priceFactor))
      return {
        act: () => 'cheat',
        tick() {
          const victims = context.honest
            .toSorted((a, b) => a.outputPerMillion - b.outputPerMillion)
            .slice(0, context.honest.length / 2)
          for (let i = 0; i < SLANDERS_PER_TICK; i++)
            context.gossip({
              ...{ witness: random.pick(slanderers), subject: random.pick(victims), status: options.status },
              ...{ audited: true, paid: 0.001 },
            })
        },
      }
    },
  }
}
