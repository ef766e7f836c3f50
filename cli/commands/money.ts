import type { Command } from 'commander'
import type { WalletView } from '../../node/gateway/views.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { paint, properties, shortHex, table } from '../ui/output.ts'

/** Commands that show and move the node's money. */
export function registerMoney(program: Command): void {
  const wallet = withCommonOptions(program.command('wallet'))
    .description('show balances and channels, and what of them is not claimed yet')
    .addHelpText('after', '\nExamples:\n  $ shoal wallet\n  $ shoal wallet withdraw\n  $ shoal wallet close')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('wallet', {})) as WalletView
      output.result(view, () => describeWallet(view))
    })

  withCommonOptions(wallet.command('withdraw'))
    .description('move credits from Settlement to the wallet')
    .argument('[amount]', 'credits (default: all of them)')
    .addHelpText('after', '\nExample:\n  $ shoal wallet withdraw 2.5')
    .action(async (amount: string | undefined, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const done = (await client.call('withdraw', { amount: amount ?? null })) as {
        transaction: string
        amount: string
      }
      output.result(
        done,
        () => `${paint('green', '✓')} ${done.amount} credits are in the wallet (${done.transaction}).`,
      )
    })

  withCommonOptions(wallet.command('close'))
    .description('close all channels you pay from that are not in use; the rest comes back after a delay')
    .addHelpText('after', '\nExample:\n  $ shoal wallet close')
    .action(async (_options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const closing = (await (await runningNode(options, output)).call('closeChannels', {})) as {
        channelId: string
        left: string
        status: string
      }[]
      output.result(closing, () =>
        closing.length === 0
          ? 'There is no idle channel to close.'
          : closing
              .map(
                ({ channelId, left, status }) =>
                  `${shortHex(channelId)}: ${left} credits come back (${status})`,
              )
              .join('\n'),
      )
    })

  withCommonOptions(program.command('settle'))
    .description('claim on chain what was earned, now; a node does it by itself in time')
    .addHelpText('after', '\nExample:\n  $ shoal settle')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const settlements = (await (await runningNode(options, output)).call('settle', {})) as {
        transaction: string
        amount: string
        channels: number
      }[]
      output.result(settlements, () =>
        settlements
          .map(
            ({ transaction, amount, channels }) =>
              `${paint('green', '✓')} ${amount} credits from ${channels} channels (${transaction}).`,
          )
          .join('\n'),
      )
    })
}

function describeWallet(view: WalletView): string {
  const lines = [
    properties([
      ['Wallet', view.address],
      ['Gas money', `${view.gas}`],
      ['Credits', view.credits],
      [
        'In Settlement',
        `${view.settlementCredits}  (earned or refunded; shoal wallet withdraw moves them to the wallet)`,
      ],
      ['In channels', `${view.locked}  (locked, not spent; comes back when they close)`],
      ['Not claimed', `${view.unclaimed}  (earned; the node claims it in time, shoal settle at once)`],
      ['Stake', view.stake],
      ['May spend', `${view.spending.remaining} more of ${view.spending.limitPerDay} today`],
    ]),
  ]
  if (view.channels.length > 0) {
    lines.push(
      '',
      table(
        ['CHANNEL', 'ROLE', 'WITH', 'STATE', 'DEPOSIT', 'SPENT', 'CLAIMED', 'ENDS'],
        view.channels.map(channel => [
          shortHex(channel.channelId),
          channel.role,
          shortHex(channel.with),
          channel.state,
          channel.deposit,
          channel.spent,
          channel.claimed,
          channel.endsAt.slice(0, 16).replace('T', ' '),
        ]),
      ),
    )
  }
  if (view.pendingTransactions > 0)
    lines.push('', `${view.pendingTransactions} transactions are on their way.`)
  return lines.join('\n')
}
