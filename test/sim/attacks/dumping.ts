import { type AttackPlan, bait, joinAll } from '../attack.ts'

/**
 * Nodes that undercut everybody and serve well, so that all use them, then cheat. `serveFirst`: tasks each does well;
 * `together`: all begin in the same moment, when half of them have done so many. Once they cheat, they ask the usual price.
 */
export function dumping(options: { priceFactor: number; serveFirst: number; together: boolean }): AttackPlan {
  const { priceFactor, serveFirst, together } = options
  return {
    name: 'dumping',
    variant: `price x${priceFactor}, ${serveFirst} honest first${together ? ', all at once' : ''}`,
    eclipsedShare: 0,
    start(context) {
      const nodes = joinAll(context, () => bait(priceFactor))
      let turned = false
      return {
        act: provider => ((together ? turned : provider.tasks >= serveFirst) ? 'cheat' : 'serve'),
        tick() {
          if (turned || !together) return
          turned = nodes.filter(({ tasks }) => tasks >= serveFirst).length * 2 >= nodes.length
        },
      }
    },
  }
}
