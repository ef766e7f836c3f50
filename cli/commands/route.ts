import type { Command } from 'commander'
import { decimalNumber, taskIdArgument } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'

/** Commands that show how providers are chosen, and change it. */
export function registerRoute(program: Command): void {
  const route = program
    .command('route')
    .summary('See why a task went where it did, and improve the choice')
    .description(
      'See why tasks went where they did, compare policies on what happened, and change the policy',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ shoal route explain 5f3c2a…
  $ shoal route replay --policy frugal.json
  $ shoal route policy`,
    )

  withCommonOptions(route.command('explain'))
    .summary('Tell why a task went to its provider')
    .description(
      'Tell why a task went to its provider: what was expected of each candidate, what ruled others out, what was learned or left to chance, and how it turned out',
    )
    .argument('<task>', 'Id of a task that this node asked for', taskIdArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal route explain "$(shoal ask --json "What is Shoal?" | jq -r .taskId)"
  $ shoal route explain 5f3c… --json | jq '.[0].candidates[0]'

Ids of tasks are in shoal receipts --json. The log keeps the latest few thousand
decisions; prompts and answers are never in it.`,
    )
    .action(async (taskId: string, options: CommonOptions) => {
      const output = outputFrom(options)
      const [{ describeDecisions }, client] = await Promise.all([
        import('../route-report.ts'),
        runningNode(options, output),
      ])
      const decisions = (await client.call('routeExplain', { taskId })) as Parameters<
        typeof describeDecisions
      >[0]
      output.result(decisions, () => describeDecisions(decisions, output.columns))
    })

  withCommonOptions(route.command('replay'))
    .summary('Estimate what another policy would have been worth')
    .description(
      'Estimate from the log of decisions what policies would have been worth: the strategies alone, the policy in use, and one of a file',
    )
    .option('--policy <file>', 'A policy file to compare')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal route replay
  $ shoal route replay --policy frugal.json
  $ shoal route replay --json | jq '.[] | [.policy, .doublyRobust.value]'

WORTH is the mean of the rewards, 0 to 1, with its 95 % interval: what a task's
strategy makes of the real cost, time and end. Each estimate is made three ways
(IPS, self-normalised IPS, doubly robust); the last is the one to go by. BETTER is
what a policy gains over what was done.`,
    )
    .action(async (options: CommonOptions & { policy?: string }) => {
      const output = outputFrom(options)
      const [{ describeReplays, policyFrom }, client] = await Promise.all([
        import('../route-report.ts'),
        runningNode(options, output),
      ])
      const policy = options.policy === undefined ? null : await policyFrom(options.policy)
      const replays = (await client.call('routeReplay', { policy })) as Parameters<typeof describeReplays>[0]
      output.result(replays, () => describeReplays(replays, output.columns))
    })

  withCommonOptions(route.command('policy'))
    .summary('Show the policy in use and what it has learned')
    .description('Show the policy in use and what it has learned; or check a policy file')
    .option('--check <file>', 'Only look whether a file is a valid policy; no node is needed')
    .option('--forget', 'Forget what was learned; the log is kept')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal route policy
  $ shoal route policy --check frugal.json
  $ shoal route policy --json | jq .settings > ~/.shoal/policy.json

The policy file is policy.json in the data folder, or what --routing-policy of
shoal up names. A change takes effect within seconds, without a restart; a file
that is not valid changes nothing.

  {"name": "frugal", "explorationRate": 0.05, "floors": {"quality": 0.3},
   "weights": {"balanced": {"cost": 0.6, "time": 0.2, "quality": 0.2, "privacy": 0, "nearness": 0}}}`,
    )
    .action(async (options: CommonOptions & { check?: string; forget?: boolean }) => {
      const output = outputFrom(options)
      const { describePolicy, policyFrom } = await import('../route-report.ts')
      if (options.check !== undefined) {
        const settings = await policyFrom(options.check)
        output.result(settings, () => `${options.check} is a valid policy, named ${settings.name}.`)
        return
      }
      const client = await runningNode(options, output)
      const policy = (await client.call('routePolicy', {
        forget: options.forget === true,
      })) as Parameters<typeof describePolicy>[0]
      output.result(policy, () => describePolicy(policy, output.columns))
    })

  withCommonOptions(route.command('rate'))
    .summary('Say how good an answer was, so that routing learns from it')
    .description(
      'Say how good the answer of a task was, so that routing learns from it: how much more or less such tasks are given to the model that made it',
    )
    .argument('<task>', 'Id of a task that this node asked for', taskIdArgument)
    .argument('<quality>', 'good, bad, or a number from 0 to 1', qualityFrom)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal route rate 5f3c… good
  $ shoal route rate 5f3c… 0.4

Only the owner of this node can rate, and only tasks that this node asked for and
that were completed; answers that were never rated count as good as their model is
expected to be. A later word replaces an earlier one. What you say stays on this
node: it changes neither its peers' reputation nor what others are told.`,
    )
    .action(async (taskId: string, quality: number, options: CommonOptions) => {
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const rated = (await client.call('routeRate', { taskId, quality })) as { reward: number }
      output.result(rated, () => `Taken in: the task was worth ${rated.reward.toFixed(2)} of 1.`)
    })
}

const WORDS: Readonly<Record<string, number>> = { good: 1, bad: 0 }

function qualityFrom(value: string): number {
  return WORDS[value] ?? decimalNumber('<quality>', 0, 1)(value)
}
