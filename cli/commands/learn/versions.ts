import type { Command } from 'commander'
import {
  type CommonOptions,
  outputFrom,
  ownRunningNode,
  runningNode,
  withCommonOptions,
} from '../../context.ts'

export interface RollbackOptions extends CommonOptions {
  base?: string
  domain?: string
}

/** Commands about accepted adapters. */
export function registerLearnVersions(learn: Command): void {
  withCommonOptions(learn.command('versions'))
    .description('List the accepted adapters, and which are in use')
    .addHelpText(
      'after',
      "\nExamples:\n  $ shoal learn versions\n  $ shoal learn versions --json | jq '.[] | select(.isCurrent)'",
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const { showVersions } = await import('../../learn-versions.ts')
      await showVersions(await runningNode(options, output), output)
    })

  withCommonOptions(learn.command('lineage'))
    .summary('Show where an adapter comes from, and check it')
    .description(
      'Show where an adapter comes from, down to the base: rounds, contributors and votes, with signatures and anchors checked',
    )
    .argument('<adapter>', 'Its id, digest or version, or the beginning of one')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn lineage notes
  $ shoal learn lineage sha256:4f1c --json | jq .holds

Signatures and quorums are checked against the records that are kept here; anchors
against the contract, by an inclusion proof for each step.

Exit status: 0 all of it holds, 1 something does not, 2 usage.`,
    )
    .action(async (adapter: string, options: CommonOptions) => {
      const output = outputFrom(options)
      const { showLineage } = await import('../../learn-versions.ts')
      await showLineage(adapter, await runningNode(options, output), output)
    })

  withCommonOptions(learn.command('rollback'))
    .summary('Go back to an earlier version of an adapter')
    .description(
      'Go back to any version of an adapter, or to the base alone; running tasks end with what they began with',
    )
    .argument('<version>', 'Its id, digest or version, or the beginning of one; or: base')
    .option('--base <model>', 'Which base model; with "base", where there are several')
    .option('--domain <domain>', 'Which domain; with "base", where there are several')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn rollback sha256:4f1c
  $ shoal learn rollback base --domain notes

What is left this way, and what goes on from it, is not used by itself any more; it
stays listed, and rollback takes it back.`,
    )
    .action(async (version: string, options: RollbackOptions) => {
      const { rollBack } = await import('../../learn-versions.ts')
      await rollBack(version, options, { client: await ownRunningNode(options), output: outputFrom(options) })
    })
}
