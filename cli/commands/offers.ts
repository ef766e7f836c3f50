import { type Command, Option } from 'commander'
import type { EntityView, OfferView } from '../../node/gateway/offer-views.ts'
import { DATA_CLASSES } from '../../protocol/data-class.ts'
import { ENTITY_KINDS } from '../../protocol/entity-kinds.ts'
import { SLA_CLASSES } from '../../protocol/sla-class.ts'
import { collected, creditsAmount, wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { modelName, type Output, shortPeer, table } from '../ui/output.ts'
import { readableCredits, readableParameters } from '../ui/readable.ts'

const KINDS = ['model', ...ENTITY_KINDS] as const
const MAX_OFFERS = 1_000

interface OffersOptions extends CommonOptions {
  kind?: (typeof KINDS)[number]
  model?: string
  tag: string[]
  region?: string
  maxPrice?: string
  dataClass?: string
  sla?: string
  limit: number
}

/** The command that shows what providers offer. */
export function registerOffers(program: Command): void {
  withCommonOptions(program.command('offers'))
    .summary('List what providers offer, the cheapest of a model first')
    .description('List what providers offer, the cheapest of each model first')
    .addOption(new Option('--kind <kind>', 'What is looked for (default: model)').choices(KINDS))
    .option('--model <name>', 'A model by its name, with or without quantisation, its id or its digest')
    .option(
      '--tag <tag>',
      'Agents, services and resources with this tag; may be given more than once',
      collected,
      [],
    )
    .option('--region <region>', 'Providers there: eu finds eu-de, too')
    .option(
      '--max-price <credits>',
      'For a million output tokens, or one unit of what is no model',
      creditsAmount('--max-price'),
    )
    .addOption(new Option('--data-class <class>', 'Declared fit for such data').choices(DATA_CLASSES))
    .addOption(new Option('--sla <class>', 'Offered under this SLA class').choices(SLA_CLASSES))
    .option('--limit <n>', 'How many', wholeNumber('--limit', 1, MAX_OFFERS), 100)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal offers
  $ shoal offers --model shoal-mini --region eu --max-price 1.5
  $ shoal offers --kind service --tag protocol:mcp
  $ shoal offers --json | jq -r '.[] | [.provider, .model, .outputPerMillion] | @tsv'

A model that wears an adapter has the adapter's name, and BASE is what it runs on.
Prices are credits for a million tokens, on demand; SPOT is the price of output for
tasks that may be pre-empted. REGISTERED: whether the provider's wallet has declared
its node key on chain. What else than models a node makes known is said in a file:
shoal up --entities FILE.`,
    )
    .action(async (options: OffersOptions) => {
      const output = outputFrom(options)
      const { kind, model, tag, region, maxPrice, dataClass, sla, limit } = options
      const isModels = kind === 'model' || (kind === undefined && tag.length === 0)
      if (isModels && tag.length > 0)
        throw usageError('models have no tags', 'Leave --kind model away, or --tag.')
      if (!isModels && model !== undefined)
        throw usageError('only models are found by --model', 'Leave --kind and --tag away, or --model.')
      const client = await runningNode(options, output)
      const offers = await client.call('offers', {
        kind: kind ?? null,
        model: model ?? null,
        tags: tag,
        region: region ?? null,
        maxPrice: maxPrice ?? null,
        dataClass: (dataClass ?? null) as null,
        slaClass: (sla ?? null) as null,
        limit,
      })
      if (isModels) {
        const sorted = (offers as OfferView[]).toSorted(byModelAndPrice)
        output.result(sorted, () => describeModels(sorted, output))
      } else output.result(offers, () => describeEntities(offers as EntityView[], output))
    })
}

function describeModels(offers: readonly OfferView[], output: Output): string {
  if (offers.length === 0)
    return 'No such offers are known. Offers come with the first peers; filters leave some out.'
  const hasAdapted = offers.some(({ adapter }) => adapter !== null)
  return table(
    [
      ...[
        'PROVIDER',
        'MODEL',
        ...(hasAdapted ? ['BASE'] : []),
        'QUANT',
        'SIZE',
        'CONTEXT',
        'INPUT/M',
        'OUTPUT/M',
        'SPOT',
        'TOKENS/S',
        'FREE',
      ],
      ...['REGION', 'REPUTATION', 'REGISTERED'],
    ],
    offers.map(offer => [
      offer.own ? 'this node' : shortPeer(offer.provider),
      modelName(offer.model),
      ...(hasAdapted ? [offer.adapter === null ? '-' : modelName(offer.adapter.base)] : []),
      offer.quantization,
      readableParameters(offer.parameters),
      offer.contextTokens,
      readableCredits(offer.inputPerMillion),
      readableCredits(offer.outputPerMillion),
      offer.spot === null ? '-' : readableCredits(offer.spot.outputPerMillion),
      Math.round(offer.tokensPerSecond),
      `${offer.freeSlots} of ${offer.slots}`,
      offer.region ?? '-',
      ...trustOf(offer),
    ]),
    {
      columns: output.columns,
      mayLack: ['REGION', 'SPOT', 'REGISTERED', 'BASE', 'SIZE', 'QUANT', 'CONTEXT', 'FREE'],
    },
  )
}

function describeEntities(entities: readonly EntityView[], output: Output): string {
  if (entities.length === 0) return 'Nothing of the kind is known.'
  return table(
    [
      'PROVIDER',
      'KIND',
      'NAME',
      'TAGS',
      'PRICE',
      'CAPACITY',
      'ENDPOINT',
      'REGION',
      'REPUTATION',
      'REGISTERED',
    ],
    entities.map(entity => [
      entity.own ? 'this node' : shortPeer(entity.provider),
      entity.kind,
      entity.name,
      entity.tags.join(' ') || '-',
      entity.price === null ? '-' : `${readableCredits(entity.price.amount)} / ${entity.price.unit}`,
      entity.capacity ?? '-',
      entity.endpoint ?? '-',
      entity.region ?? '-',
      ...trustOf(entity),
    ]),
    { columns: output.columns, mayLack: ['REGISTERED', 'CAPACITY', 'REGION', 'ENDPOINT'] },
  )
}

function trustOf({ own, reputation, bound }: OfferView | EntityView): (string | number)[] {
  if (own) return ['-', '-']
  return [Math.round(reputation), bound === null ? '?' : bound ? 'yes' : 'no']
}

function byModelAndPrice(a: OfferView, b: OfferView): number {
  return (
    compare(modelName(a.model), modelName(b.model)) ||
    Number(a.outputPerMillion) - Number(b.outputPerMillion) ||
    Number(a.inputPerMillion) - Number(b.inputPerMillion) ||
    compare(a.provider, b.provider)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
