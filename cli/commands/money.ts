import type { Command } from 'commander'
import type { ChannelView, WalletView } from '../../node/gateway/views.ts'
import { isShoalError } from '../../protocol/errors.ts'
import { creditsAmount } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { type Output, paint, properties, shortHex, table } from '../ui/output.ts'
import { count, readableCredits, readableSpan } from '../ui/readable.ts'

/** Commands that show and move the node's money. */
export function registerMoney(program: Command): void {
  const wallet = withCommonOptions(program.command('wallet'))
    .summary('Show balances, channels and what is not claimed yet')
    .description('Show balances and channels, and what of them is not claimed yet')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal wallet\n  $ shoal wallet withdraw 2.5\n  $ shoal wallet close',
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('wallet', {})) as WalletView
      output.result(view, () => describeWallet(view, output))
    })

  withCommonOptions(wallet.command('withdraw'))
    .description('Move credits from Settlement to the wallet')
    .argument('[amount]', 'Credits (default: all of them)', creditsAmount('the amount'))
    .addHelpText('after', '\nExamples:\n  $ shoal wallet withdraw\n  $ shoal wallet withdraw 2.5')
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
        () =>
          `${paint('green', '✓')} ${readableCredits(done.amount)} credits are in the wallet (transaction ${done.transaction}).`,
      )
    })

  withCommonOptions(wallet.command('close'))
    .description('Close the channels you pay from that are not in use; the rest comes back after a delay')
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
          : output.copyable(
              [
                ...closing.map(
                  ({ channelId, left }) =>
                    `${paint('green', '✓')} Channel ${shortHex(channelId)} is closing; ${readableCredits(left)} credits come back.`,
                ),
                'They come by themselves once the other side has had its time to claim; shoal wallet shows when.',
              ].join('\n'),
            ),
      )
    })

  withCommonOptions(program.command('settle'))
    .summary('Claim earnings on chain now; a node does it itself in time')
    .description('Claim on chain what was earned, now; a node does it by itself in time')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal settle\n\nExit status: 0 also when there is nothing to claim.',
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const settlements = (await client.call('settle', {}).catch((error: unknown) => {
        if (isShoalError(error, 'NOTHING_TO_SETTLE')) return []
        throw error
      })) as { transaction: string; amount: string; channels: number }[]
      output.result(settlements, () =>
        settlements.length === 0
          ? 'There is nothing to claim; earnings come from tasks done for others.'
          : settlements
              .map(
                ({ transaction, amount, channels }) =>
                  `${paint('green', '✓')} Claimed ${readableCredits(amount)} credits from ${count(channels, 'channel')} (transaction ${transaction}).`,
              )
              .join('\n'),
      )
    })
}

function describeWallet(view: WalletView, output: Output): string {
  const { spending } = view
  const amounts = [
    ['Gas money', view.gas, 'of the chain’s own coin, for transactions'],
    ['Credits', view.credits, 'in the wallet'],
    [
      'In Settlement',
      view.settlementCredits,
      'earned or refunded; shoal wallet withdraw moves them to the wallet',
    ],
    ['In channels', view.locked, 'locked, not spent; comes back when they close'],
    ['Not claimed', view.unclaimed, 'earned; the node claims it in time, shoal settle claims it now'],
    ['Stake', view.stake, 'at risk for what this node promises; shoal stake shows more'],
    ['May lock', spending.remaining, `more in channels today, of ${readableCredits(spending.limitPerDay)}`],
  ] as const
  const width = Math.max(...amounts.map(([, amount]) => readableCredits(amount).length))
  const lines = [
    properties([
      ['Wallet', view.address],
      ...amounts.map(
        ([name, amount, meaning]) =>
          [name, `${readableCredits(amount).padEnd(width)}  ${paint('dim', meaning)}`] as const,
      ),
    ]),
  ]
  if (view.channels.length > 0) {
    lines.push(
      table(
        ['CHANNEL', 'ROLE', 'WITH', 'STATE', 'DEPOSIT', 'SPENT', 'CLAIMED', 'ENDS IN'],
        view.channels.map(describeChannel),
        { columns: output.columns, mayLack: ['CLAIMED', 'CHANNEL'] },
      ),
    )
  }
  if (view.pendingTransactions > 0)
    lines.push(`${count(view.pendingTransactions, 'transaction')} on the way.`)
  return output.copyable(lines.join('\n\n'))
}

function describeChannel(channel: ChannelView): string[] {
  const leftMs = Date.parse(channel.endsAt) - Date.now()
  return [
    shortHex(channel.channelId),
    channel.role,
    shortHex(channel.with),
    channel.state,
    readableCredits(channel.deposit),
    readableCredits(channel.spent),
    readableCredits(channel.claimed),
    leftMs > 0 ? readableSpan(leftMs) : 'ended',
  ]
}
