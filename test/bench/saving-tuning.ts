/**
 * Chooses the parameters of `market.saving` on the tuning part of its workload, and never looks at the other part:
 *
 *   node test/bench/saving-tuning.ts
 *
 * Prints every trial and the choice, for `CHOSEN` of `saving-policy.ts`. Takes about four minutes on two cores.
 */
import { table } from '../../cli/ui/output.ts'
import { meanOf } from './paired-bootstrap.ts'
import { answersTo } from './saving-answers.ts'
import { chooseParameters } from './saving-policy.ts'
import { catalogueOf, type Result } from './saving-routing.ts'
import { savingWorkload } from './saving-workload.ts'

const RUNS = 2

const questions = savingWorkload('tuning')
const catalogue = catalogueOf(await answersTo(questions))
const { trials, chosen } = chooseParameters({ questions, catalogue }, { runs: RUNS })
const row = (name: string, { credits, quality }: Result) => [
  name,
  (credits * 1e6).toFixed(2),
  `${(quality * 100).toFixed(2)} %`,
]
console.log(
  table(
    ['WAY', 'CREDITS PER MILLION TASKS', 'RIGHT'],
    [
      ...catalogue.map(({ name, results }) => row(`always ${name}`, meanOf(results))),
      ...trials.map(({ parameters, ...result }) => row(JSON.stringify(parameters), result)),
    ],
  ),
)
console.log(chosen === null ? 'None is cheap enough.' : `Chosen: ${JSON.stringify(chosen.parameters)}`)
