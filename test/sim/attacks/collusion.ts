import { type AttackPlan, bait, joinAll } from '../attack.ts'
import type { SimProvider } from '../market.ts'

const STATEMENTS_PER_TICK = 60
/** Of what the ring tells, how much is true and about honest nodes: it makes its witnesses believed. */
const TRUE_SHARE = 0.6

/**
 * A ring: some of its nodes serve well and are its face; the others cheat. Its witnesses tell the truth about honest
 * nodes most of the time (each statement with a task really bought), and lie about the ring and its rivals.
 */
export function collusion(options: { priceFactor: number; spyShare: number }): AttackPlan {
  return {
    name: 'collusion',
    variant: `price x${options.priceFactor}, ${options.spyShare * 100} % spies`,
    eclipsedShare: 0,
    start(context) {
      const { random } = context
      const ring = joinAll(context, () => bait(options.priceFactor))
      const spies = new Set(ring.filter(() => random.chance(options.spyShare)))
      const cheats = ring.filter(provider => !spies.has(provider))
      const witnesses = ring.map(({ key }) => key)
      return {
        act: provider => (spies.has(provider) ? 'serve' : 'cheat'),
        tick() {
          for (let i = 0; i < STATEMENTS_PER_TICK; i++) {
            const witness = random.pick(witnesses)
            const praise = (subject: SimProvider) =>
              context.gossip({ witness, subject, status: 'completed', audited: true, paid: 0.001 })
            if (random.chance(TRUE_SHARE)) praise(random.pick(context.honest))
            else if (cheats.length > 0 && random.chance(0.7)) praise(random.pick(cheats))
            else
              context.gossip({
                ...{
                  witness,
                  subject: random.pick(context.honest),
                  status: 'dishonest',
                  audited: true,
                  paid: 0.001,
                },
              })
          }
        },
      }
    },
  }
}
