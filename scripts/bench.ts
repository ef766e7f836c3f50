import { writeFileSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../cli/ui/output.ts'
import { attackBench } from '../test/bench/attack.bench.ts'
import { auditRocBench } from '../test/bench/audit-roc.bench.ts'
import { cheatsBench } from '../test/bench/cheats.bench.ts'
import { eventsBench } from '../test/bench/events.bench.ts'
import { failoverBench } from '../test/bench/failover.bench.ts'
import { gasBench } from '../test/bench/gas.bench.ts'
import { gatewayBench } from '../test/bench/gateway.bench.ts'
import { learningBytesBench } from '../test/bench/learning-bytes.bench.ts'
import { learningGapBench } from '../test/bench/learning-gap.bench.ts'
import { learningPoisonBench } from '../test/bench/learning-poison.bench.ts'
import { learningPrivacyBench } from '../test/bench/learning-privacy.bench.ts'
import { learningStepBench } from '../test/bench/learning-step.bench.ts'
import { marketBench } from '../test/bench/market.bench.ts'
import { marketSavingBench } from '../test/bench/market-saving.bench.ts'
import { nodeBench } from '../test/bench/node.bench.ts'
import { offersBench } from '../test/bench/offers.bench.ts'
import { routeBench } from '../test/bench/route.bench.ts'
import type { BenchRow } from '../test/bench/row.ts'
import { samplingBench } from '../test/bench/sampling.bench.ts'
import { schedulingBench } from '../test/bench/scheduling.bench.ts'
import { tasksBench } from '../test/bench/tasks.bench.ts'
import { webBench } from '../test/bench/web.bench.ts'

const HELP = `Measures Shoal beside what a user would otherwise use, each row in one run.

  npm run -s bench                                 all rows: a table, then a line of JSON
  npm run -s bench -- --only 'task.*'              rows whose names match
  npm run -s bench -- --json results.json          the JSON into a file: [{name, unit, value, baseline, ratio, goal, ok, note}]

Exit status: 0 all goals are reached, 1 some are not, 2 no row has such a name.`

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '*' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const wanted = (name: string) => matchesGlob(name, values.only)
const benches = [
  attackBench,
  auditRocBench,
  cheatsBench,
  eventsBench,
  failoverBench,
  gasBench,
  gatewayBench,
  learningBytesBench,
  learningStepBench,
  learningGapBench,
  learningPoisonBench,
  learningPrivacyBench,
  marketBench,
  marketSavingBench,
  nodeBench,
  offersBench,
  routeBench,
  samplingBench,
  schedulingBench,
  tasksBench,
  webBench,
]
const names = benches.flatMap(bench => bench.rows)
if (!names.some(wanted)) {
  console.error(`No row is called ${values.only}. There are: ${names.join(', ')}.`)
  process.exit(2)
}
const rows: BenchRow[] = []
for (const bench of benches) {
  if (!bench.rows.some(wanted)) continue
  console.error(`Measuring ${bench.rows.filter(wanted).join(', ')} …`)
  rows.push(...(await bench.run(wanted)).filter(({ name }) => wanted(name)))
}
const show = (value: number | null) => (value === null ? '-' : String(value))
console.log(
  table(
    ['ROW', 'VALUE', 'BASELINE', 'RATIO', 'UNIT', 'GOAL', 'OK'],
    rows.map(row => [
      row.name,
      show(row.value),
      show(row.baseline),
      show(row.ratio),
      row.unit,
      row.goal,
      row.ok ? 'yes' : 'NO',
    ]),
  ),
)
if (values.json === undefined) console.log(JSON.stringify(rows))
else writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
process.exit(rows.every(({ ok }) => ok) ? 0 : 1)
