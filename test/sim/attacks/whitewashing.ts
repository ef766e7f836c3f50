import { type AttackPlan, bait, joinAll } from '../attack.ts'
import type { SimProvider } from '../market.ts'

/** Ticks without work after which a node takes another name. */
const IDLE_TICKS = 20

/**
 * Nodes that cheat until they are found out, or until nobody gives them work, and come back at once under new names,
 * wallets and networks, as often as it takes. `serveFirst`: tasks each name does well before it begins.
 */
export function whitewashing(options: { priceFactor: number; serveFirst: number }): AttackPlan {
  return {
    name: 'whitewashing',
    variant: `price x${options.priceFactor}, ${options.serveFirst} honest first`,
    eclipsedShare: 0,
    start(context) {
      const idle = new Map<SimProvider, { tasks: number; ticks: number }>()
      const known = (provider: SimProvider) => idle.set(provider, { tasks: 0, ticks: 0 })
      joinAll(context, () => bait(options.priceFactor)).forEach(known)
      return {
        act: provider => (provider.tasks < options.serveFirst ? 'serve' : 'cheat'),
        tick() {
          for (const [provider, since] of [...idle]) {
            if (provider.tasks > since.tasks) idle.set(provider, { tasks: provider.tasks, ticks: 0 })
            else since.ticks++
            if (provider.exposed === 0 && since.ticks < IDLE_TICKS) continue
            idle.delete(provider)
            context.leave(provider)
            const reborn = context.population.provider({
              ...bait(options.priceFactor),
              model: provider.model,
            })
            context.join(reborn)
            known(reborn)
          }
        },
      }
    },
  }
}
