import type { SimSystem } from '../market.ts'

/** Anybody who has the model. */
export const randomChoice: SimSystem = {
  name: 'random',
  start:
    ({ random, auditProbability }) =>
    requester => ({
      rank: (task, tried) =>
        random.sample(
          requester.view.offering(task.model).filter(provider => !tried.has(provider)),
          MAX_RANKED,
        ),
      began() {},
      observe() {},
      hear() {},
      auditProbability: () => auditProbability,
    }),
}

const MAX_RANKED = 8
