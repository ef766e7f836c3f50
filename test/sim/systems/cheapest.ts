import { type SimSystem, taskCost } from '../market.ts'
import { bestOf } from './best-of.ts'

/** Whoever asks least. */
export const cheapest: SimSystem = {
  name: 'cheapest',
  start:
    ({ random, auditProbability }) =>
    requester => ({
      rank: (task, tried) =>
        bestOf(requester.view.offering(task.model), tried, provider => -taskCost(task, provider), random),
      began() {},
      observe() {},
      hear() {},
      auditProbability: () => auditProbability,
    }),
}
