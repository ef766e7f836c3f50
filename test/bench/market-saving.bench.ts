import { type Comparison, compare, type Interval, meanOf } from './paired-bootstrap.ts'
import { type Bench, type BenchRow, ratioRow } from './row.ts'
import { answersTo } from './saving-answers.ts'
import { CHOSEN, foldsOf, partOf, runsOf } from './saving-policy.ts'
import { catalogueOf, type Priced, type Workload } from './saving-routing.ts'
import { savingWorkload } from './saving-workload.ts'

const ROW = 'market.saving'
/** The order of questions and the lots that are drawn differ: the mean of several runs counts. */
const RUNS = 8
/** Quality counts as equal within so much, or where the interval of the difference has 0 in it. */
const TOLERANCE = 0.005
const GOAL = 0.6

/**
 * What learned routing costs on the held-out part of a fixed mixed workload (`saving-workload.ts`), beside the one model
 * that is best, at the same quality. Every model really answers every question, through the engine; what routing then
 * chooses is paid and judged by that. Its parameters were chosen on the tuning part alone (`saving-tuning.ts`), on a
 * third of which it is calibrated: each model is asked these questions by name, and its answers are rated. Then it is
 * asked each held-out question once, and goes on trying and learning. The note tells what calibration costs, and what
 * routing comes to without it.
 */
export const marketSavingBench: Bench = {
  rows: [ROW],
  async run(wanted) {
    if (!wanted(ROW)) return []
    const { calibration, heldOut } = await answeredWorkloads()
    const { questions, catalogue } = heldOut
    const options = { parameters: CHOSEN, runs: RUNS }
    const runs = runsOf(heldOut, { ...options, calibration })
    const cold = runsOf(heldOut, { ...options, calibration: null })
    const learned = meanOf(runs.flat())
    const singles = catalogue.map(model => ({ model, ...meanOf(model.results) }))
    const best = singles.reduce((better, one) => (one.quality > better.quality ? one : better))
    const cheapest = singles.reduce((cheaper, one) => (one.credits < cheaper.credits ? one : cheaper))
    // The harder comparison: who knew beforehand which single model is good enough would take this one.
    const equal = singles
      .filter(({ quality }) => quality >= learned.quality - TOLERANCE)
      .reduce((cheaper, one) => (one.credits < cheaper.credits ? one : cheaper), best)
    const against = (model: Priced, of = runs) => compare(of, model.results)
    const spent = calibration.catalogue.flatMap(({ results }) => results.map(({ credits }) => credits))
    const calibrating = spent.reduce((sum, credits) => sum + credits, 0)
    const earnedBackBy = Math.ceil(calibrating / (best.credits - learned.credits))
    const { costRatio, qualityDifference } = against(best.model)
    const isEqual = qualityDifference.value >= -TOLERANCE || qualityDifference.high >= 0
    const row: BenchRow = ratioRow(
      {
        name: ROW,
        unit: 'credits per million tasks',
        value: learned.credits * 1e6,
        baseline: best.credits * 1e6,
        note: [
          `learned routing over ${questions.length} held-out questions, all it tried included, with ${share(learned.quality)} right answers; 95 % intervals by paired bootstrap`,
          `calibrated by ${spent.length} rated answers to other questions, whose cost is saved after ${earnedBackBy} tasks`,
          `beside always the best, ${best.model.name} (${share(best.quality)}): ${inWords({ costRatio, qualityDifference })}`,
          `always the cheapest of quality within half a point of routing's, ${equal.model.name} (${share(equal.quality)}): ${inWords(against(equal.model))}`,
          `always the cheapest, ${cheapest.model.name} (${share(cheapest.quality)}): ${inWords(against(cheapest.model))}`,
          `not calibrated, it is beside always the best: ${inWords(against(best.model, cold))}`,
        ].join('; '),
      },
      { atMost: GOAL },
    )
    return [
      {
        ...row,
        goal: `${row.goal} with quality at most half a point less, or not shown to be less`,
        ok: row.ok && isEqual,
      },
    ]
  },
}

/** What routing is calibrated by, of the tuning part, and the held-out part. */
async function answeredWorkloads(): Promise<{ calibration: Workload; heldOut: Workload }> {
  const tuning = savingWorkload('tuning')
  const folds = foldsOf(tuning)
  const known = tuning.filter((_, at) => folds[at] === 0)
  const questions = [...known, ...savingWorkload('held-out')]
  const all = { questions, catalogue: catalogueOf(await answersTo(questions)) }
  return {
    calibration: partOf(all, at => at < known.length),
    heldOut: partOf(all, at => at >= known.length),
  }
}

function inWords({ costRatio, qualityDifference }: Comparison): string {
  return `cost × ${interval(costRatio, value => value.toFixed(3))}, quality ${interval(qualityDifference, points)} points`
}

function interval({ value, low, high }: Interval, show: (value: number) => string): string {
  return `${show(value)} [${show(low)}, ${show(high)}]`
}

function points(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(2)}`
}

function share(quality: number): string {
  return `${(quality * 100).toFixed(1)} %`
}
