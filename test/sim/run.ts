import { parseArgs } from 'node:util'
import { table } from '../../cli/ui/output.ts'
import type { AttackPlan } from './attack.ts'
import { ATTACKS, HARDEST, NO_ATTACK } from './attacks/index.ts'
import { BASELINE_AUDITS, confront, FULL_WORLD, MILESTONES, SMALL_WORLD, type Verdict } from './experiment.ts'
import type { SimSystem } from './market.ts'
import { BASELINES, SYSTEMS } from './systems/index.ts'
import { shoalWith } from './systems/shoal.ts'

const HELP = `Simulates attacks on the market and what ways of choosing a provider make of them.

  node test/sim/run.ts                          all attacks, all ways of choosing, each attack in its worst variant
  node test/sim/run.ts --attack on-off,sybil    some attacks
  node test/sim/run.ts --system Shoal           one way of choosing
  node test/sim/run.ts --full                   2,000 providers and 240 requesters instead of 257 and 30
  node test/sim/run.ts --audits                 what audits do: other probabilities, and no adapting
  node test/sim/run.ts --hardest                each attack only in the variant that harms Shoal most
  node test/sim/run.ts --stakes Infinity        names attackers can stake for, as a multiple of their nodes; 1 unless told
  node test/sim/run.ts --seed 2 --tasks 500 --json

See README.md beside this file for what is modelled and what is not.`

const { values } = parseArgs({
  options: {
    attack: { type: 'string', default: '' },
    system: { type: 'string', default: '' },
    full: { type: 'boolean', default: false },
    audits: { type: 'boolean', default: false },
    hardest: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    stakes: { type: 'string', default: '1' },
    tasks: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const tasks = Number(values.tasks)
const world = {
  ...(values.full ? FULL_WORLD : SMALL_WORLD),
  seed: Number(values.seed),
  tasks,
  attackerStakes: Number(values.stakes),
  newcomersJoinAt: Math.max(0, tasks - 300),
}
const chosen = (list: string, name: string) => list === '' || list.split(',').includes(name)
const plans = [NO_ATTACK, ...(values.hardest ? HARDEST : ATTACKS)].filter(({ name }) =>
  chosen(values.attack, name),
)
const byName = Map.groupBy(plans, ({ name }) => name)
const verdicts: Verdict[] = []

if (values.audits) {
  for (const least of [0.02, 0.05, 0.1, 0.2]) await tryAudits(`adaptive, at least ${least}`, least, false)
  for (const always of [0.1, 0.3, 1]) await tryAudits(`always ${always}`, always, true)
} else {
  const systems = SYSTEMS.filter(({ name }) => chosen(values.system, name))
  const baseline = { ...world, auditProbability: BASELINE_AUDITS }
  for (const [name, variants] of byName)
    for (const system of systems)
      measure(name, system, variants, BASELINES.includes(system) ? baseline : world)
}
if (values.json) console.log(JSON.stringify(verdicts))
else console.log(show(verdicts))

function measure(name: string, system: SimSystem, variants: AttackPlan[], options: typeof world): void {
  console.error(`${name}: ${system.name} …`)
  verdicts.push(confront(options, system, variants))
}

async function tryAudits(name: string, auditProbability: number, uniformAudits: boolean): Promise<void> {
  const system = shoalWith({ name, uniformAudits })
  for (const [attack, variants] of byName) measure(attack, system, variants, { ...world, auditProbability })
}

function show(rows: readonly Verdict[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const milestones = MILESTONES.filter(milestone => milestone <= tasks)
  const last = milestones.at(-1)!
  return table(
    [
      ...['ATTACK', 'CHOICE', ...milestones.map(milestone => `BAD AT ${milestone}`), `ALL TO ${last}`],
      ...[
        'TO ATTACKERS',
        'NET 1000',
        'AUDITED',
        'LOST',
        'NEW, STAKED',
        'NEW, UNSTAKED',
        'STAKED ÷ GAINED',
        'WORST VARIANT',
      ],
    ],
    rows.map(row => [
      ...[row.attack, row.system],
      ...milestones.map(milestone => percent(row.window[milestone]!.badWork)),
      ...[percent(row.upTo[last]!.badWork), percent(row.window[last]!.toAttackers)],
      ...[percent(row.networkFirst), percent(row.auditShare), percent(row.lostShare)],
      ...[row.stakedNewcomers.toFixed(2), row.unstakedNewcomers.toFixed(2)],
      ...[row.stakedPerGain.toFixed(0), row.worstVariant],
    ]),
  )
}
