import { Command, CommanderError } from 'commander'
import { VERSION } from '../node/version.ts'
import { registerAsk } from './commands/ask.ts'
import { registerAttest } from './commands/attest.ts'
import { registerAudit } from './commands/audit.ts'
import { registerBatch } from './commands/batch.ts'
import { registerConfig } from './commands/config.ts'
import { registerContracts } from './commands/contracts.ts'
import { registerDemo } from './commands/demo.ts'
import { registerDisputes } from './commands/disputes.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerEvents } from './commands/events.ts'
import { registerInit } from './commands/init.ts'
import { registerKeys } from './commands/keys.ts'
import { registerLearn } from './commands/learn.ts'
import { registerLook } from './commands/look.ts'
import { registerMarket } from './commands/market.ts'
import { registerMcp } from './commands/mcp.ts'
import { registerMoney } from './commands/money.ts'
import { registerOffers } from './commands/offers.ts'
import { registerPeers } from './commands/peers.ts'
import { registerRoute } from './commands/route.ts'
import { registerServe } from './commands/serve.ts'
import { registerStake } from './commands/stake.ts'
import { registerStop } from './commands/stop.ts'
import { registerTenants } from './commands/tenants.ts'
import { registerUp } from './commands/up.ts'
import { registerVerify } from './commands/verify.ts'
import { invocation, outputFrom } from './context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { endWithoutReader } from './no-reader.ts'
import { usageErrorOf } from './usage.ts'

/** Parses a command line and runs it; sets the exit status. Commands load what they need when they run. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endWithoutReader)
  // Nobody reads what is said on the way: that is no reason to stop.
  process.stderr.on('error', () => {})
  const program = makeProgram()
  const words = argv.slice(2)
  try {
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync([...argv])
  } catch (error) {
    const output = outputFrom(commonOptionsIn(words))
    if (!(error instanceof CommanderError)) {
      output.error(error)
      process.exitCode = exitCodeOf(error)
    } else if (error.exitCode !== 0) {
      process.exitCode = EXIT.usage
      // A group of commands without one has shown its help already.
      if (error.code !== 'commander.help') output.error(await usageErrorOf(error, program, words))
    }
  }
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Begin:': ['demo', 'init', 'up', 'serve', 'mcp', 'stop', 'ask', 'batch'],
  'Look:': ['status', 'models', 'offers', 'market', 'peers', 'receipts', 'events', 'route'],
  'Money and proof:': ['wallet', 'stake', 'settle', 'audit', 'verify', 'disputes', 'attest'],
  'Access:': ['keys', 'tenants'],
  'Learn:': ['learn'],
  'Contracts:': ['contracts'],
  'Help:': ['doctor', 'config'],
}

function makeProgram(): Command {
  const program = new Command('shoal')
    .description(
      'A peer-to-peer network for AI work: run models for others, be paid to the last token, prove it.',
    )
    .version(VERSION, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .addHelpCommand(
      new Command('help').argument('[command]').description('Print the help of a command').helpGroup('Help:'),
    )
    .configureHelp({ subcommandTerm: command => command.name() })
    .addHelpText(
      'after',
      `
Examples:
  $ shoal demo
  $ shoal ask "What is Shoal?"
  $ shoal up --local --detach

Without a node of your own, commands ask the running demo. Every command explains
itself with --help, and prints JSON for scripts with --json.

Exit status: 0 done, 1 failed, 2 usage, 3 no node runs, 4 no provider, 5 money,
6 undecided, 130 interrupted.`,
    )
  for (const register of [
    registerDemo,
    registerInit,
    registerUp,
    registerServe,
    registerStop,
    registerAsk,
    registerBatch,
    registerMcp,
    registerLook,
    registerEvents,
    registerOffers,
    registerRoute,
    registerPeers,
    registerMarket,
    registerMoney,
    registerStake,
    registerAudit,
    registerAttest,
    registerVerify,
    registerDisputes,
    registerLearn,
    registerContracts,
    registerKeys,
    registerTenants,
    registerDoctor,
    registerConfig,
  ]) {
    register(program)
  }
  for (const [group, names] of Object.entries(GROUPS)) {
    for (const command of program.commands) if (names.includes(command.name())) command.helpGroup(group)
  }
  for (const command of everyCommand(program)) {
    command.helpOption('-h, --help', 'Print this help')
    command.exitOverride().configureOutput({
      writeOut: text => process.stdout.write(withRealProgram(text)),
      writeErr: text => process.stderr.write(withRealProgram(text)),
      // What is wrong is said by us, in the same form as any other error.
      outputError: () => {},
    })
  }
  return program
}

/** Examples can be copied from a checkout too. */
function withRealProgram(help: string): string {
  return help.replace(/^( {2}\$ (?:\w+=\S+ |cat .*? \| )?)shoal(?= )/gm, `$1${invocation()}`)
}

/** Of a command line that was not understood. */
function commonOptionsIn(words: readonly string[]): { data?: string; json: boolean } {
  const end = words.indexOf('--')
  const flags = end < 0 ? words : words.slice(0, end)
  // There --data names the text that is learned from.
  if (words[0] === 'learn' && (words[1] === 'train' || words[1] === 'eval'))
    return { json: flags.includes('--json') }
  const at = flags.findIndex(word => word === '--data' || word.startsWith('--data='))
  const data =
    at < 0 ? undefined : flags[at]!.includes('=') ? flags[at]!.slice('--data='.length) : flags[at + 1]
  return { json: flags.includes('--json'), ...(data === undefined ? {} : { data }) }
}

function* everyCommand(command: Command): Generator<Command> {
  yield command
  for (const child of command.commands) yield* everyCommand(child)
}
