import { type SimProvider, type SimSystem, taskCost } from '../market.ts'
import { bestOf } from './best-of.ts'

const K = +(process.env.K ?? 3)
const BUDGET = +(process.env.BUDGET ?? 0.01)
const EMAX = +(process.env.EMAX ?? 0.1)
const PMIN_K = +(process.env.PK ?? 5)
const UNIFORM = process.env.UNIFORM === '1'
const SUSPECT = +(process.env.SUSPECT ?? 0.5)
const V = +(process.env.V ?? 1)
const VOUCH = +(process.env.VOUCH ?? 1)

interface Rec {
  pass: number
  fail: number
  done: number
  broke: number
  accused: Set<string>
  vouched: Map<string, number>
  tried: number
}

export const proto: SimSystem = {
  name: 'Proto',
  start:
    ({ random, auditProbability }) =>
    requester => {
      const recs = new Map<SimProvider, Rec>()
      const agree = new Map<string, { good: number; bad: number }>()
      let newGood = 1.4
      let newBad = 0.6
      const rec = (p: SimProvider) => {
        let r = recs.get(p)
        if (r === undefined)
          recs.set(
            p,
            (r = { pass: 0, fail: 0, done: 0, broke: 0, accused: new Set(), vouched: new Map(), tried: 0 }),
          )
        return r
      }
      const witnessWeight = (w: string) => {
        const a = agree.get(w)
        return a === undefined ? 0.2 : (a.good + 1) / (a.good + 3 * a.bad + 5)
      }
      const condemned = (r: Rec) => r.fail > 0 && r.pass < 50 * r.fail
      const standing = (w: string) => {
        const a = agree.get(w)
        return a === undefined ? 0 : Math.max(0, (a.good - 3 * a.bad) / (a.good + 3 * a.bad + 3))
      }
      const vouchOf = (r: Rec) => {
        let x = 0
        for (const [w] of r.vouched) {
          x += standing(w)
          if (x >= V) return x
        }
        return x
      }
      const proven = (r: Rec | undefined) =>
        r !== undefined && !condemned(r) && (r.pass >= K || (V > 0 && r.vouched.size > 0 && vouchOf(r) >= V))
      const reliability = (r: Rec | undefined) =>
        r === undefined ? 0.95 : (19 + r.done) / (20 + r.done + r.broke)
      let alert = 0
      const inFlight = new Map<SimProvider, number>()
      const suspicionOf = (r: Rec) => {
        let x = 0
        for (const w of r.accused) x += witnessWeight(w)
        return x
      }
      const suspended = (r: Rec | undefined) =>
        r !== undefined && r.accused.size > 0 && suspicionOf(r) * +(process.env.SUSP ?? 10) > r.pass + 2
      const tooBusy = (p: SimProvider) => {
        const r = recs.get(p)
        return (inFlight.get(p) ?? 0) >= 1 + (r?.pass ?? 0) / +(process.env.RAMP ?? 3)
      }
      const prospect = (p: SimProvider) => {
        const r = recs.get(p)
        let good = 2.3
        let bad = 1
        if (r !== undefined) {
          if (condemned(r)) return 0
          for (const w of r.accused) bad += 3 * witnessWeight(w)
          let vouch = 0
          for (const [w] of r.vouched) vouch += witnessWeight(w)
          good += VOUCH * Math.min(10, 3 * vouch) + 3 * r.pass
        }
        return good / (good + bad)
      }
      return {
        began(p) {
          inFlight.set(p, (inFlight.get(p) ?? 0) + 1)
        },
        rank(task, tried) {
          const offering = requester.view.offering(task.model).filter(p => !tried.has(p))
          const known = offering.filter(p => proven(recs.get(p)) && !suspended(recs.get(p)) && !tooBusy(p))
          const best = bestOf(known, tried, p => reliability(recs.get(p)) / taskCost(task, p), random)
          const strangers = offering.filter(p => {
            const r = recs.get(p)
            return r === undefined || (!condemned(r) && (!proven(r) || suspended(r)) && !tooBusy(p))
          })
          const badRate = newBad / (newGood + newBad)
          const epsilon = Math.min(EMAX, BUDGET / badRate)
          const anyFree = best.some(p => p.knownFreeSlots > 0)
          if (strangers.length > 0 && (!anyFree || random.chance(epsilon))) {
            const bestCost = best.length > 0 ? taskCost(task, best[0]!) : Infinity
            const fit = strangers.filter(p => taskCost(task, p) < 2 * bestCost && p.knownFreeSlots > 0)
            const weights = fit.map(p => {
              const q = prospect(p)
              return (
                q ** 4 *
                (best.length > 0 ? Math.min(2, bestCost / taskCost(task, p)) ** +(process.env.GAMMA ?? 2) : 1)
              )
            })
            const at = random.weighted(weights)
            if (at >= 0) return [fit[at]!, ...best]
          }
          if (best.length > 0) return best
          return random.sample(strangers, 4)
        },
        observe({ provider, status, audited }) {
          if (status === 'refused') return
          inFlight.set(provider, (inFlight.get(provider) ?? 1) - 1)
          alert *= 0.97
          const r = rec(provider)
          const wasNew = !proven(r)
          if (status === 'failed' || status === 'stalled') r.broke++
          if (status === 'completed') r.done++
          if (audited && status === 'completed') {
            r.pass++
            for (const w of r.accused) {
              const a = agree.get(w) ?? { good: 0, bad: 0 }
              agree.set(w, a)
              a.bad += 0.3
            }
            for (const [w, n] of r.vouched)
              if (n > 0) {
                const a = agree.get(w) ?? { good: 0, bad: 0 }
                agree.set(w, a)
                a.good++
                r.vouched.set(w, 0)
              }
          }
          if (status === 'dishonest') {
            if (r.pass >= K && r.fail === 0) alert += +(process.env.ALERT ?? 1)
            for (const [w] of r.vouched) {
              const a = agree.get(w) ?? { good: 0, bad: 0 }
              agree.set(w, a)
              a.bad++
            }
            for (const w of r.accused) {
              const a = agree.get(w) ?? { good: 0, bad: 0 }
              agree.set(w, a)
              a.good++
            }
          }
          if (status === 'dishonest') r.fail++
          if (wasNew && audited) {
            if (status === 'dishonest') newBad++
            else newGood++
            if (newGood + newBad > 40) {
              newGood *= 0.97
              newBad *= 0.97
            }
          }
        },
        hear({ witness, subject, status, audited }) {
          const r = rec(subject)
          if (status === 'dishonest') r.accused.add(witness)
          else if (status === 'completed' && audited && !r.vouched.has(witness) && r.vouched.size < 64)
            r.vouched.set(witness, 1)
        },
        auditProbability(provider) {
          if (UNIFORM) return auditProbability
          const r = recs.get(provider)
          if (!proven(r) || r!.pass < K) return 1
          let p = Math.max(auditProbability, PMIN_K / (PMIN_K + r!.pass))
          let suspicion = 0
          for (const w of r!.accused) suspicion += witnessWeight(w)
          if (suspicion > 0) p = Math.max(p, Math.min(SUSPECT, 3 * suspicion))
          p = Math.max(p, Math.min(1, alert))
          return p
        },
      }
    },
}
