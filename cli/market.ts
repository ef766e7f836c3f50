import type {
  MarketModelView,
  MarketOfferView,
  MarketView,
  OwnModelView,
  SpreadView,
} from '../node/gateway/market-views.ts'
import type { HistorySpan } from '../node/market/history-spans.ts'
import type { MarketFinding } from '../node/market/market-report.ts'
import type { MarketOptions } from './commands/market.ts'
import { outputFrom, runningNode } from './context.ts'
import { modelName, paint, shortPeer, table } from './ui/output.ts'
import { count, inCredits, readableCredits, readableSpan } from './ui/readable.ts'
import { scaleBar, sparkline, thinned } from './ui/sparkline.ts'

/** Shows the market through the running node. */
export async function market(model: string | null, options: MarketOptions): Promise<void> {
  const output = outputFrom(options)
  const client = await runningNode(options, output)
  const view = (await client.call('market', { model, span: options.span ?? null })) as MarketView
  const shown = { isOne: model !== null, verbose: options.verbose === true, columns: output.columns }
  output.result(view, () => output.copyable(describeMarket(view, shown)))
}

/** @param shown.isOne one model was asked about */
export function describeMarket(
  view: MarketView,
  shown: { isOne: boolean; verbose: boolean; columns: number },
): string {
  const { isOne, verbose, columns } = shown
  const parts = isOne
    ? [
        describeModel(view.models[0]!),
        describeOffers(view.offers, columns),
        describeHistory(view.models, columns),
      ]
    : [
        describeEarning(view),
        describeOwn(view, columns),
        describeModels(view, columns),
        describeHistory(
          view.models.filter(({ own }) => own.length > 0),
          columns,
        ),
        describeAudits(view),
        describeFindings(view.findings, verbose),
      ]
  return parts.filter(part => part !== '').join('\n\n')
}

function describeEarning({ earning, cause, findings }: MarketView): string {
  const { credits, tasks, requesters, unclaimed, lastTaskAt } = earning
  const isEarning = tasks > 0 && credits !== '0'
  const lines = isEarning
    ? [
        `${paint('green', '●')} Earned ${paint('bold', inCredits(credits))} with ${count(tasks, 'task')} for ${count(requesters, 'requester')} in the last 24 hours.`,
      ]
    : [
        `${paint('yellow', '●')} ${tasks > 0 ? `${count(tasks, 'task')}, but nothing earned` : 'Nothing earned'} in the last 24 hours${lastTaskAt === null ? '' : `; the last task was ${readableSpan(Date.now() - Date.parse(lastTaskAt))} ago`}.`,
      ]
  if (unclaimed !== null && unclaimed !== '0')
    lines.push(`  ${inCredits(unclaimed)} signed for and not claimed yet; shoal settle claims at once.`)
  if (!isEarning && cause !== null) {
    lines.push(`  Most likely because ${cause.evidence}.`)
    if (cause.fix !== null) lines.push(`  ${paint('yellow', 'Fix')} ${cause.fix}`)
  } else if (!isEarning) {
    const hints = findings.filter(({ verdict }) => verdict === 'hint').length
    lines.push(
      hints === 0
        ? '  Nothing is wrong here: tasks come when somebody asks.'
        : `  Nothing keeps tasks away; ${count(hints, 'thing')} could be better, see below.`,
    )
  }
  return lines.join('\n')
}

const BAR_WIDTH = 21

/** Our prices, each where it lies among those of others. */
function describeOwn({ models, dynamic }: MarketView, columns: number): string {
  const rows = models.flatMap(market =>
    market.own.map(own => [
      modelName(own.model),
      readableCredits(own.price.input),
      readableCredits(own.price.output),
      dynamic ? movedBy(own.multiplier) : 'fixed',
      own.spot === null ? '-' : readableCredits(own.spot.output),
      market.output === null ? 'nobody else offers it' : placeBar(market.output, own, BAR_WIDTH),
      market.output === null ? '-' : `${own.rank} of ${market.offers + 1}`,
    ]),
  )
  if (rows.length === 0) return ''
  const drawn = table(
    ['YOUR MODEL', 'INPUT/M', 'OUTPUT/M', 'BY DEMAND', 'SPOT/M', 'OUTPUT/M AMONG OTHERS', 'PLACE'],
    rows,
    { columns, mayLack: ['SPOT/M', 'BY DEMAND', 'INPUT/M'] },
  )
  const hasBars = models.some(({ own, offers }) => own.length > 0 && offers > 0)
  return hasBars
    ? `${drawn}\n${paint('dim', '◆ you   ┼ the median of others   place 1 is the cheapest')}`
    : drawn
}

function placeBar(spread: SpreadView, { price }: OwnModelView, width: number): string {
  const { low, bar, high } = scaleBar({ ...spread, middle: spread.median }, Number(price.output), width)
  return `${short(low)} ${bar} ${short(high)}`
}

/** `+19 %` of output; of both sides where they differ. */
function movedBy({ input, output }: OwnModelView['multiplier']): string {
  const percent = (multiplier: number) => {
    const change = Math.round((multiplier - 1) * 100)
    return change === 0 ? '±0 %' : `${change > 0 ? '+' : '−'}${Math.abs(change)} %`
  }
  return input === output ? percent(output) : `${percent(input)} in, ${percent(output)} out`
}

/** What is on the market; a model that nobody but us offers is told of above. */
function describeModels({ models, more }: MarketView, columns: number): string {
  const offered = models.filter(({ offers }) => offers > 0)
  if (offered.length === 0) return 'No offers of others are known yet; they come with the first peers.'
  const drawn = table(
    ['MARKET', 'OFFERS', 'LOW', 'MEDIAN', 'HIGH', 'INPUT/M', 'TOKENS/S', 'IN USE', 'WAITING', 'SPOT'],
    offered.map(model => [
      model.name,
      model.offers,
      short(model.output!.low),
      short(model.output!.median),
      short(model.output!.high),
      short(model.input!.median),
      Math.round(model.tokensPerSecond!.median),
      `${model.slots - model.freeSlots} of ${model.slots}`,
      model.queued,
      model.spotOffers,
    ]),
    { columns, mayLack: ['SPOT', 'WAITING', 'INPUT/M', 'TOKENS/S'] },
  )
  const notes = [
    'output prices, credits for a million tokens',
    ...(more === 0 ? [] : [`${count(more, 'more model')} not shown`]),
  ]
  return `${drawn}\n${paint('dim', notes.join('; '))}`
}

function describeModel(model: MarketModelView): string {
  const { name, offers, slots, freeSlots, queued, own } = model
  const busy = slots - freeSlots
  const parts = [
    `${paint('bold', name)}: ${count(offers, 'offer')} of others, ${busy} of ${count(slots, 'slot')} in use${queued === 0 ? '' : `, ${queued} waiting`}`,
  ]
  const { output } = model
  if (output !== null) {
    for (const one of own)
      parts.push(
        `${placeBar(output, one, BAR_WIDTH * 2)}   ◆ you: ${readableCredits(one.price.output)}, place ${one.rank} of ${offers + 1}`,
      )
  }
  return parts.join('\n')
}

function describeOffers(offers: readonly MarketOfferView[], columns: number): string {
  if (offers.length === 0) return ''
  return table(
    ['PROVIDER', 'MODEL', 'INPUT/M', 'OUTPUT/M', 'SPOT/M', 'TOKENS/S', 'FREE', 'WAITING', 'REPUTATION'],
    offers.map(offer => [
      offer.own ? 'this node' : shortPeer(offer.provider),
      modelName(offer.model),
      readableCredits(offer.price.input),
      readableCredits(offer.price.output),
      offer.spot === null ? '-' : readableCredits(offer.spot.output),
      offer.tokensPerSecond,
      `${offer.freeSlots} of ${offer.slots}`,
      offer.queued,
      offer.reputation === null ? '-' : Math.round(offer.reputation),
    ]),
    { columns, mayLack: ['WAITING', 'TOKENS/S', 'SPOT/M', 'MODEL'] },
  )
}

const SPARK_WIDTH = 48
const SPAN_NAMES: Record<HistorySpan, string> = {
  '1h': 'the last hour',
  '24h': 'the last 24 hours',
  '7d': 'the last 7 days',
}

/** Output prices over time: ours above the median of others, on one scale. */
function describeHistory(models: readonly MarketModelView[], columns: number): string {
  const width = Math.max(8, Math.min(SPARK_WIDTH, columns - 44))
  const blocks = models.flatMap(({ name, span, history }) => {
    const own = history.map(bucket => bucket.own?.output ?? null)
    const median = history.map(bucket => bucket.output?.median ?? null)
    const known = [...own, ...median].filter(value => value !== null)
    // One bar tells nothing.
    if (history.length < 2 || known.length === 0) return []
    const range = { low: Math.min(...known), high: Math.max(...known) }
    const line = (title: string, values: readonly (number | null)[]) => {
      const told = values.filter(value => value !== null)
      if (told.length === 0) return []
      const [first, last] = [told[0]!, told.at(-1)!]
      const change = short(first) === short(last) ? short(last) : `${short(first)} → ${short(last)}`
      return [`  ${title.padEnd(8)}${paint('cyan', sparkline(thinned(values, width), range))}  ${change}`]
    }
    return [
      `${paint('bold', name)} ${paint('dim', `output price, ${SPAN_NAMES[span]}`)}`,
      ...line('you', own),
      ...line('median', median),
    ]
  })
  return blocks.join('\n')
}

const MARKS = {
  ok: ['green', '✓'],
  hint: ['yellow', '!'],
  problem: ['red', '✗'],
  unknown: ['dim', '-'],
} as const

const NAME_WIDTH = 10

/** What requesters need of a provider; what is well in one line, unless all is to be told. */
function describeFindings(findings: readonly MarketFinding[], all: boolean): string {
  const shown = all ? findings : findings.filter(({ verdict }) => verdict !== 'ok')
  const told = new Set(shown.map(({ check }) => check))
  const well = [...new Set(findings.map(({ check }) => check))].filter(check => !told.has(check))
  return [
    paint('bold', 'What a provider needs'),
    ...shown.map(describeFinding),
    ...(well.length === 0
      ? []
      : [
          `${paint('green', '✓')} ${paint('dim', `well: ${well.join(', ')}${all ? '' : ' (-v tells more)'}`)}`,
        ]),
  ].join('\n')
}

/** How answers were checked that this node bought; nothing where none was. */
function describeAudits({ audits }: MarketView): string {
  const { passed, failed, waiting } = audits
  if (passed + failed + waiting === 0) return ''
  const bad = failed === 0 ? 'none was wrong' : paint('red', `${failed} not what they said`)
  return `Answers bought: ${passed} right, ${bad}, ${waiting} not checked yet.`
}

function describeFinding({ check, verdict, evidence, fix }: MarketFinding): string {
  const [colour, mark] = MARKS[verdict]
  const line = `${paint(colour, mark)} ${check.padEnd(NAME_WIDTH)}  ${evidence}`
  return fix === null ? line : `${line}\n${' '.repeat(NAME_WIDTH + 4)}${paint('yellow', 'Fix')} ${fix}`
}

/** An average in few digits. */
function short(credits: number): string {
  return String(Number(credits.toPrecision(3)))
}
