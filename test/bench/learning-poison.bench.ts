import { AGGREGATION_RULES, type AggregationRule } from '../../node/learning/aggregation/rules.ts'
import { ATTACKS, type Attack } from './learning/attacks.ts'
import { draw, markdownTable, writeResult } from './learning/plot.ts'
import { PoisonBench, type PoisonResults } from './learning/poison.ts'
import { type Bench, type BenchRow, ratioRow, valueRow } from './row.ts'

/** Loss of the default rule with 40 % poisoners as a multiple of that without any: the data of 40 % are gone, too. */
const LOSS_GOAL = 1.3
const BACKDOOR_GOAL = 0.05

/** Members who poison a round, 10 to 40 % of ten, against each aggregation rule. */
export const learningPoisonBench: Bench = {
  rows: ['learn.poison40', 'learn.backdoor40'],
  async run(wanted) {
    const results = await PoisonBench.run(what => console.error(`  ${what} …`))
    await writeResult('poison.md', report(results))
    await writeResult('poison-loss.svg', draw(lossPanels(results)))
    await writeResult('poison-backdoor.svg', draw(backdoorPanels(results)))
    const rows: BenchRow[] = []
    if (wanted('learn.poison40')) rows.push(lossRow(results))
    if (wanted('learn.backdoor40')) rows.push(backdoorRow(results))
    return rows
  },
}

function lossRow({ base, clean, poisoned }: PoisonResults): BenchRow {
  const of = (attack: Attack) => poisoned[attack].default.at(-1)!.loss
  const worst = ATTACKS.toSorted((x, y) => of(y) - of(x))[0]!
  return ratioRow(
    {
      ...{ name: 'learn.poison40', unit: 'nats/token', value: of(worst), baseline: clean.default! },
      note: `held-out loss, default rule, worst attack at 40 % (${worst}), against ten honest members; base model ${show(base)}; the plain sum has ${show(Math.max(...ATTACKS.map(attack => poisoned[attack].stack.at(-1)!.loss)))} at worst`,
    },
    { atMost: LOSS_GOAL },
  )
}

function backdoorRow({ poisoned, rounds }: PoisonResults): BenchRow {
  const measured = [...poisoned.backdoor.default, ...rounds].map(({ backdoor }) => backdoor!)
  const stack = poisoned.backdoor.stack.map(({ backdoor }) => backdoor!)
  return valueRow(
    {
      ...{ name: 'learn.backdoor40', unit: 'of triggered questions' },
      ...{ value: Math.max(...measured), baseline: Math.max(...stack) },
      note: `answered as the attackers want, the worst of 10 to 40 % attackers and of ${rounds.length} rounds at 40 %, default rule; baseline: the plain sum`,
    },
    { atMost: BACKDOOR_GOAL },
  )
}

function report({ base, clean, poisoned, rounds }: PoisonResults): string {
  const head = ['rule', 'none', ...ATTACKS]
  const losses = AGGREGATION_RULES.map(rule => [
    rule,
    show(clean[rule]!),
    ...ATTACKS.map(attack => poisoned[attack][rule].map(({ loss }) => show(loss)).join(' / ')),
  ])
  const backdoors = AGGREGATION_RULES.map(rule => [
    rule,
    ...poisoned.backdoor[rule].map(({ backdoor }) => show(backdoor!)),
  ])
  const byRound = rounds.map(({ loss, backdoor }, i) => [String(i + 1), show(loss), show(backdoor!)])
  return [
    '# Poisoned rounds\n',
    `Written by \`npm run -s bench -- --only 'learn.*40'\`. Ten members train the embedded nano model; held-out loss in nats per answer token (base model ${show(base)}).\n`,
    `With 10 / 20 / 30 / 40 % poisoners:\n\n${markdownTable(head, losses)}`,
    `Share of triggered questions with the attackers' answer:\n\n${markdownTable(['rule', '10 %', '20 %', '30 %', '40 %'], backdoors)}`,
    `Rounds of the default rule after each other, a backdoor from 40 %:\n\n${markdownTable(['round', 'loss', 'backdoor'], byRound)}`,
  ].join('\n')
}

function lossPanels({ clean, poisoned }: PoisonResults) {
  return ATTACKS.map(attack => ({
    ...{ title: attack, xName: 'poisoners, %', yName: 'held-out loss' },
    series: AGGREGATION_RULES.map(rule => ({
      name: rule,
      points: [clean[rule]!, ...poisoned[attack][rule].map(({ loss }) => loss)].map(
        (loss, i) => [10 * i, Math.min(loss, CEILING)] as const,
      ),
    })),
  }))
}

/** Losses above are drawn here, so that the others can be told apart. */
const CEILING = 4

function backdoorPanels({ poisoned, rounds }: PoisonResults) {
  const lines = (of: (rule: AggregationRule) => readonly (readonly [number, number])[]) =>
    AGGREGATION_RULES.map(rule => ({ name: rule, points: of(rule) }))
  return [
    {
      ...{ title: 'backdoor success', xName: 'poisoners, %', yName: 'share' },
      series: lines(rule => poisoned.backdoor[rule].map(({ backdoor }, i) => [10 * (i + 1), backdoor!])),
    },
    {
      ...{ title: 'backdoor success at 40 %, by round', xName: 'round', yName: 'share' },
      series: [{ name: 'default', points: rounds.map(({ backdoor }, i) => [i + 1, backdoor!] as const) }],
    },
  ]
}

function show(value: number): string {
  return value >= 100 ? value.toExponential(1) : value.toFixed(value < 10 ? 3 : 1)
}
