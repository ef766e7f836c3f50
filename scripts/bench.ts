import { writeFileSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../cli/ui/output.ts'
import { gasBench } from '../test/bench/gas.bench.ts'
import { nodeBench } from '../test/bench/node.bench.ts'
import type { BenchRow } from '../test/bench/row.ts'
import { tasksBench } from '../test/bench/tasks.bench.ts'

const HELP = `Measures Shoal beside what a user would otherwise use, each row in one run.

  npm run -s bench                                 all rows, as a table
  npm run -s bench -- --only 'task.*'              rows whose names match
  npm run -s bench -- --json results.json          also as JSON: [{name, unit, value, baseline, ratio, goal, ok, note}]

Exit status: 0 all goals are reached, 1 some are not.`

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
const rows: BenchRow[] = []
for (const bench of [gasBench, nodeBench, tasksBench]) {
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
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
process.exit(rows.every(({ ok }) => ok) ? 0 : 1)
