import { type AttackPlan, bait, joinAll } from '../attack.ts'
import type { SimProvider } from '../market.ts'

/** Nodes that serve well for so many tasks, then cheat for so many, and so on: what they earn in one they spend in the other. */
export function onOff(options: { serve: number; cheat: number; priceFactor: number }): AttackPlan {
  const { serve, cheat, priceFactor } = options
  return {
    name: 'on-off',
    variant: `${serve} on, ${cheat} off, price x${priceFactor}`,
    eclipsedShare: 0,
    start(context) {
      const done = new Map<SimProvider, number>()
      joinAll(context, () => bait(priceFactor))
      return {
        act(provider) {
          const number = done.get(provider) ?? 0
          done.set(provider, number + 1)
          return number % (serve + cheat) < serve ? 'serve' : 'cheat'
        },
        tick() {},
      }
    },
  }
}
