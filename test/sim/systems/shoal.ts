import { TrustModel } from '../../../node/trust/trust-model.ts'
import { type Observation, type SimProvider, type SimSystem, taskCost } from '../market.ts'
import { bestOf } from './best-of.ts'

export const shoal: SimSystem = {
  name: 'Shoal',
  start:
    ({ random, auditProbability, clock }) =>
    requester => {
      const trust = new TrustModel({ secret: requester.key })
      return {
        rank(task, tried) {
          const nowMs = clock.nowMs()
          const offering = requester.view.offering(task.model).filter(p => trust.isWelcome(p.key, nowMs))
          const best = bestOf(
            offering,
            tried,
            provider => Math.max(0.05, trust.lowerBound(provider.key, nowMs)) / taskCost(task, provider),
            random,
          )
          if (!random.chance(0.05)) return best
          const other = random.pick(offering)
          return tried.has(other) ? best : [other, ...best.filter(provider => provider !== other)]
        },
        observe({ provider, status, audited, atMs }: Observation) {
          if (status === 'refused') return
          trust.add({ kind: 'task', peer: provider.key, atMs, result: status, pace: 1 })
          if (audited && status === 'completed') trust.add({ kind: 'audit', peer: provider.key, atMs, passed: true })
        },
        hear: ({ witness, subject, status, receiptId, atMs }) =>
          void trust.add({ kind: 'report', peer: subject.key, witness, receipt: receiptId, result: status, atMs }),
        auditProbability: (_: SimProvider) => auditProbability,
      }
    },
}
