import { type AttackPlan, bait, joinAll } from '../attack.ts'

const LIES_PER_TICK = 60

/**
 * The attackers surround a fifth of the requesters: those know all attackers, one in five honest providers, and hear no
 * report but the attackers', who praise themselves and slander the rest. Shares are of the eclipsed and the others together.
 */
export function eclipse(options: { priceFactor: number; serveFirst: number }): AttackPlan {
  const { priceFactor, serveFirst } = options
  return {
    name: 'eclipse',
    variant: `price x${priceFactor}, ${serveFirst} honest first`,
    eclipsedShare: 0.2,
    start(context) {
      const { random } = context
      const nodes = joinAll(context, () => bait(priceFactor))
      const witnesses = nodes.map(({ key }) => key)
      return {
        act: provider => (provider.tasks < serveFirst ? 'serve' : 'cheat'),
        tick() {
          for (let i = 0; i < LIES_PER_TICK; i++) {
            const slanders = random.chance(0.5)
            context.gossip({
              witness: random.pick(witnesses),
              subject: random.pick(slanders ? context.honest : nodes),
              status: slanders ? 'dishonest' : 'completed',
              ...{ audited: true, paid: 0.001 },
            })
          }
        },
      }
    },
  }
}
