import type { Command, CommanderError } from 'commander'
import type { ShoalError } from '../protocol/errors.ts'
import { usageError } from './context.ts'

/** What was wrong with a command line, with the nearest right thing. */
export async function usageErrorOf(
  error: CommanderError,
  program: Command,
  words: readonly string[],
): Promise<ShoalError> {
  const command = commandOf(program, words)
  const { nearest } = await import('../node/config/nearest.ts')
  const name = fullName(command)
  const help = `${name} --help shows how it is used.`
  const mistaken = (what: string, near: string | null) =>
    usageError(what, near === null ? help : `Did you mean ${near}?`)

  if (error.code === 'commander.unknownOption') {
    const flag = /'(.*?)'/.exec(error.message)?.[1] ?? ''
    const flags = command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long]))
    return mistaken(`${name} has no flag ${flag}`, nearest(flag, flags))
  }
  const word = command.args[0] ?? /unknown command '(.*?)'/.exec(error.message)?.[1]
  const isExcess = error.code === 'commander.excessArguments'
  if (error.code === 'commander.unknownCommand' || (isExcess && command.commands.length > 0)) {
    const near = nearest(
      word ?? '',
      command.commands.map(child => child.name()),
    )
    return mistaken(`${name} has no command ${word}`, near === null ? null : `${name} ${near}`)
  }
  if (isExcess) {
    const extra = command.args.slice(command.registeredArguments.length).join(' ')
    return usageError(`${name} does not take ${JSON.stringify(extra)}`, help)
  }
  return usageError(error.message.replace(/^error: /, ''), help)
}

/** The command that a command line names, as far as it is understood. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    if (word.startsWith('-')) continue
    const child = command.commands.find(each => each.name() === word)
    if (child === undefined) break
    command = child
  }
  return command
}

function fullName(command: Command): string {
  const parent = command.parent
  return parent === null ? command.name() : `${fullName(parent)} ${command.name()}`
}
