import { type Command, Option } from 'commander'
import { HISTORY_SPANS, type HistorySpan } from '../../node/market/history-spans.ts'
import { type CommonOptions, withCommonOptions } from '../context.ts'

export interface MarketOptions extends CommonOptions {
  span?: HistorySpan
  verbose?: boolean
}

export function registerMarket(program: Command): void {
  withCommonOptions(program.command('market'))
    .summary("Show prices, yours against the market's, and why you earn or do not")
    .description(
      "Show what models cost, your prices against the market's, and why this node earns or does not",
    )
    .argument('[model]', 'Show the offers of this model, the cheapest first')
    .addOption(
      new Option(
        '--span <span>',
        'How far back prices are shown (default: as far as they are known)',
      ).choices(HISTORY_SPANS),
    )
    .option('-v, --verbose', 'Tell about what is well, too')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal market
  $ shoal market shoal-mini --span 7d
  $ shoal market --json | jq '.findings[] | select(.verdict == "problem")'

Prices are credits for a million tokens. Models compete by their name without
quantisation, offers by three prompt tokens to one of the answer. What demand
moves a price by is said beside it; --price-floor, --price-ceiling and
--no-price-dynamic of shoal up bound or end that.`,
    )
    .action(async (model: string | undefined, options: MarketOptions) => {
      const { market } = await import('../market.ts')
      await market(model ?? null, options)
    })
}
