import { Command, CommanderError } from 'commander'
import { VERSION } from '../node/version.ts'
import { registerAsk } from './commands/ask.ts'
import { registerAudit } from './commands/audit.ts'
import { registerConfig } from './commands/config.ts'
import { registerDemo } from './commands/demo.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerInit } from './commands/init.ts'
import { registerLook } from './commands/look.ts'
import { registerMoney } from './commands/money.ts'
import { registerUp } from './commands/up.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { Output } from './ui/output.ts'

/** Parses a command line and runs it; sets the exit status. Commands load what they need when they run. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const program = new Command('shoal')
    .description(
      'A peer-to-peer network for AI work: run models for others, be paid to the last token, prove it.',
    )
    .version(VERSION)
    .showHelpAfterError('(add --help for how to use it)')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Try it:
  $ shoal demo                 a whole network on this machine, from question to settlement
  $ shoal up --local           a node of your own
  $ shoal ask "What is Shoal?"

Exit status: 0 done, 1 failed, 2 usage, 3 no node runs, 4 no provider, 5 money, 130 interrupted.`,
    )
  for (const register of [
    registerDemo,
    registerInit,
    registerUp,
    registerAsk,
    registerLook,
    registerMoney,
    registerAudit,
    registerDoctor,
    registerConfig,
  ]) {
    register(program)
  }
  for (const command of everyCommand(program)) command.exitOverride()
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has said it already.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
      return
    }
    new Output({ json: argv.includes('--json') }).error(error)
    process.exitCode = exitCodeOf(error)
  }
}

function* everyCommand(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child
    yield* everyCommand(child)
  }
}
