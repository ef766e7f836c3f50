import { GapBench, type GapResults } from './learning/gap.ts'
import { draw, markdownTable, writeResult } from './learning/plot.ts'
import { measureRounds, type RoundCost } from './learning/round-costs.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

const CLOSED_GOAL = 0.95

/**
 * Eight members with domains of their own learn by rounds over sockets: how much of what centralised training gains over
 * training alone they gain, and what a round costs.
 */
export const learningGapBench: Bench = {
  rows: ['learn.gap.closed', 'learn.gap.naive', 'learn.round.time'],
  async run(wanted) {
    const rows: BenchRow[] = []
    const say = (what: string) => console.error(`  ${what} …`)
    if (wanted('learn.gap.closed') || wanted('learn.gap.naive')) {
      const results = await GapBench.run(say)
      await writeResult('gap.md', gapReport(results))
      await writeResult('gap.svg', draw([lossPanel(results)]))
      rows.push(...gapRows(results).filter(({ name }) => wanted(name)))
    }
    if (wanted('learn.round.time')) {
      const costs = await measureRounds(say)
      await writeResult('rounds.md', costReport(costs))
      await writeResult('rounds.svg', draw(costPanels(costs)))
      rows.push(timeRow(costs))
    }
    return rows
  },
}

/** Share of the way from training alone to training on everything that a loss has gone. */
function closed({ local, central }: GapResults, loss: number): number {
  return (local - loss) / (local - central.at(-1)!.loss)
}

function gapRows(results: GapResults): BenchRow[] {
  const { base, local, central, federated, naive, steps } = results
  const [fed, plain] = [closed(results, federated.at(-1)!.loss), closed(results, naive.at(-1)!.loss)]
  const losses = `held-out nats/token: base ${show(base)}, alone ${show(local)}, federated ${show(federated.at(-1)!.loss)}, naive ${show(naive.at(-1)!.loss)}, centralised ${show(central.at(-1)!.loss)}`
  return [
    valueRow(
      {
        ...{ name: 'learn.gap.closed', unit: 'of the gap', value: fed, baseline: plain },
        note: `eight members with a domain each, ${federated.length} rounds, ${steps} steps each and centralised; ${losses}; baseline: factors averaged one by one`,
      },
      { atLeast: CLOSED_GOAL },
    ),
    valueRow(
      {
        ...{ name: 'learn.gap.naive', unit: 'of the gap', value: plain, baseline: fed },
        note: 'factors averaged one by one, in the same rounds and steps; baseline: the sum of the products, exactly; beside, no goal',
      },
      { atMost: 1 },
    ),
  ]
}

function gapReport(results: GapResults): string {
  const { base, local, central, federated, naive, steps } = results
  const curve = federated.map(({ step, loss, elapsedMs, bytes }, i) => [
    ...[String(i + 1), String(step), show(loss), show(naive[i]!.loss)],
    ...[showOrNothing(central.find(point => point.step === step)?.loss)],
    ...[(elapsedMs! / 1_000).toFixed(1), (bytes! / 1e6).toFixed(2)],
  ])
  return [
    '# Federated against alone and centralised\n',
    `Written by \`npm run -s bench -- --only 'learn.gap.*'\`. Eight members, each with made-up facts of a domain of its own, train the embedded nano model; each member does ${steps} steps, centralised training as many on all data. Held-out wordings of all domains, nats per answer token.\n`,
    markdownTable(
      ['', 'loss', 'gap closed'],
      [
        ['base model', show(base), ''],
        ['alone, mean of the members', show(local), '0 %'],
        ['naive averaging', show(naive.at(-1)!.loss), percent(closed(results, naive.at(-1)!.loss))],
        ['federated', show(federated.at(-1)!.loss), percent(closed(results, federated.at(-1)!.loss))],
        ['centralised', show(central.at(-1)!.loss), '100 %'],
      ],
    ),
    `By round:\n\n${markdownTable(['round', 'steps', 'federated', 'naive', 'centralised', 'seconds', 'MB written by all'], curve)}`,
  ].join('\n')
}

function lossPanel({ federated, naive, central, local }: GapResults) {
  const points = (curve: readonly { step: number; loss: number }[]) =>
    curve.map(({ step, loss }) => [step, loss] as const)
  return {
    ...{ title: 'held-out loss of all domains', xName: 'steps of each member', yName: 'nats per token' },
    series: [
      { name: 'alone', points: central.map(({ step }) => [step, local] as const) },
      { name: 'federated', points: points(federated) },
      { name: 'naive averaging', points: points(naive) },
      { name: 'centralised', points: points(central) },
    ],
  }
}

function timeRow(costs: readonly RoundCost[]): BenchRow {
  const { members, rank, elapsedMs, bytes } = costs.find(({ isReference }) => isReference)!
  return valueRow(
    {
      ...{ name: 'learn.round.time', unit: 's', value: elapsedMs / 1_000, baseline: null },
      note: `from the proposal to the last member that has the new adapter; ${members} members, rank ${rank} (${(bytes / 1_000).toFixed(0)} kB an update), one step of training each`,
    },
    { atMost: 60 },
  )
}

function costReport(costs: readonly RoundCost[]): string {
  return [
    '# What a round costs\n',
    'Written by `npm run -s bench -- --only learn.round.time`. Members in one process on loopback, each with a trainer process of its own, one step of training each; all members score all updates. Time from the proposal to the last member that has the new adapter.\n',
    markdownTable(
      ['members', 'rank', 'update, kB', 'seconds', 'MB written by all', 'MB by each'],
      costs.map(({ members, rank, bytes, elapsedMs, wireBytes }) => [
        ...[String(members), String(rank), (bytes / 1e3).toFixed(0), (elapsedMs / 1e3).toFixed(1)],
        ...[(wireBytes / 1e6).toFixed(2), (wireBytes / members / 1e6).toFixed(2)],
      ]),
    ),
  ].join('\n')
}

function costPanels(costs: readonly RoundCost[]) {
  const byMembers = costs.filter(({ rank }) => rank === costs[0]!.rank)
  const bySize = costs.filter(({ members }) => members === costs.at(-1)!.members)
  return [
    {
      ...{ title: 'time by members', xName: 'members', yName: 'seconds' },
      series: [
        { name: 'rank 8', points: byMembers.map(cost => [cost.members, cost.elapsedMs / 1e3] as const) },
      ],
    },
    {
      ...{ title: 'bytes by members', xName: 'members', yName: 'MB written by all' },
      series: [
        { name: 'rank 8', points: byMembers.map(cost => [cost.members, cost.wireBytes / 1e6] as const) },
      ],
    },
    {
      ...{ title: 'bytes by size', xName: 'kB of an update', yName: 'MB written by all' },
      series: [
        {
          name: `${costs.at(-1)!.members} members`,
          points: bySize.map(cost => [cost.bytes / 1e3, cost.wireBytes / 1e6] as const),
        },
      ],
    },
  ]
}

function show(value: number): string {
  return value.toFixed(3)
}

function showOrNothing(value: number | undefined): string {
  return value === undefined ? '' : show(value)
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`
}
