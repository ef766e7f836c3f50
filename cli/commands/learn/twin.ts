import type { Command } from 'commander'
import { wholeNumber } from '../../arguments.ts'
import { type CommonOptions, withCommonOptions } from '../../context.ts'

export interface TrainTwinOptions extends CommonOptions {
  base?: string
  domain?: string
  steps?: number
}

const MAX_STEPS = 100_000

/** Commands about the adapter that is the owner's own. */
export function registerTwin(learn: Command): void {
  const twin = learn
    .command('twin')
    .summary('An adapter of your own that never leaves this machine')
    .description('Train, show and forget an adapter of your own text that never leaves this machine')
    .addHelpText('after', '\nExamples:\n  $ shoal learn twin train\n  $ shoal learn twin status')

  withCommonOptions(twin.command('train'))
    .summary('Train it on what was added')
    .description('Train it on what was added (shoal learn add), more often on what surprised the model')
    .option('--base <model>', 'The model to adapt (default: the one that is served, or shoal-mini)')
    .option('--domain <domain>', 'Only data of this domain (default: all)')
    .option(
      '--steps <n>',
      'Steps (default: a few passes over the text)',
      wholeNumber('--steps', 1, MAX_STEPS),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn twin train
  $ shoal learn twin train --base shoal-mini --domain notes --steps 200 --json

A running node trains it when tasks and limits allow, and then does your own tasks
with it, on top of the adapter of accepted rounds where one is served. It has at most
10 MB, and is kept only if it foretells your held-out text better. It is offered to
nobody: blobs and offers refuse it by a mark in its file.

Exit status: 0 trained, 1 no better or too little data, 130 cancelled.`,
    )
    .action(async (options: TrainTwinOptions) => {
      const { trainTwin } = await import('../../learn/twin.ts')
      await trainTwin(options)
    })

  withCommonOptions(twin.command('status'))
    .description('Show what it was trained on and what it is good for')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal learn twin status\n  $ shoal learn twin status --json | jq .twin.heldOut',
    )
    .action(async (options: CommonOptions) => {
      const { showTwin } = await import('../../learn/twin.ts')
      await showTwin(options)
    })

  withCommonOptions(twin.command('forget'))
    .description('Remove it and all that was made on the way')
    .addHelpText('after', '\nExample:\n  $ shoal learn twin forget')
    .action(async (options: CommonOptions) => {
      const { forgetTwin } = await import('../../learn/twin.ts')
      await forgetTwin(options)
    })
}
