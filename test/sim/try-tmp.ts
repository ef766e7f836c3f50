import { DEFAULT_PARAMETERS } from '../../node/trust/components.ts'
import { ATTACKS, NO_ATTACK } from './attacks/index.ts'
import { averageRating } from './systems/average-rating.ts'
import { cheapest } from './systems/cheapest.ts'
import { eigenTrust } from './systems/eigentrust.ts'
import { randomChoice } from './systems/random.ts'
import { shoalWith } from './systems/shoal.ts'
import { World } from './world.ts'

const e = (name: string, fallback: number) => +(process.env[name] ?? fallback)
const h = DEFAULT_PARAMETERS.honesty
const shoal = shoalWith({
  uniformAudits: process.env.UNIFORM === '1',
  trust: {
    honesty: {
      ...h,
      provenAudits: e('K', h.provenAudits),
      ownAuditWeight: e('OA', h.ownAuditWeight),
      auditedFirst: e('AF', h.auditedFirst),
      vouchersNeeded: e('V', h.vouchersNeeded),
      proofPerTaskAtOnce: e('RAMP', h.proofPerTaskAtOnce),
      accuserWeight: e('SUSP', h.accuserWeight),
    },
  },
  tuning: {
    maxTrials: e('EMAX', 0.1),
    trialRisk: e('RISK', 0.01),
  },
})
const options = {
  seed: +(process.env.SEED ?? 1),
  honestProviders: +(process.env.H ?? 350),
  attackerShare: 0.3,
  requesters: +(process.env.R ?? 30),
  models: e('M', 6),
  tasks: +(process.argv[4] ?? 600),
  inFlight: e('FLY', 4),
  newcomers: e('NEW', 30),
  newcomersJoinAt: +(process.env.JOIN ?? 500),
  auditProbability: +(process.argv[2] ?? 0.1),
  auditPower: 0.99,
  auditFalseAlarm: 0.001,
}
const systems = [randomChoice, cheapest, averageRating, eigenTrust, shoal].filter(
  s => (process.argv[3] ?? '').length === 0 || s.name.match(process.argv[3]!),
)
for (const plan of [NO_ATTACK, ...ATTACKS].filter(p =>
  new RegExp(process.env.ONLY ?? '.').test(p.name + p.variant),
))
  for (const system of systems) {
    const t = process.cpuUsage().user / 1000
    const r = new World(options, { system, plan }).run()
    const pc = (x: number) => (100 * x).toFixed(1).padStart(6)
    console.log(
      plan.name.padEnd(13),
      plan.variant.padEnd(28),
      system.name.padEnd(15),
      'cum',
      pc(r.tally.ofRequesters(0, options.tasks).badWork),
      'last100',
      pc(r.tally.ofRequesters(options.tasks - 100, options.tasks).badWork),
      'tasks',
      pc(r.tally.ofRequesters(0, options.tasks).badTasks),
      'toAtt',
      pc(r.tally.ofRequesters(options.tasks - 100, options.tasks).toAttackers),
      'aud',
      pc(r.auditShare),
      'lost',
      pc(r.lostShare),
      'new',
      r.newcomerShare(0, 100).toFixed(2),
      r.newcomerShare(100, 200).toFixed(2),
      r.newcomerShare(200, 300).toFixed(2),
      'newtasks',
      r.newcomerTasks(200).toFixed(1),
      Math.round(process.cpuUsage().user / 1000 - t),
      'ms',
    )
  }
