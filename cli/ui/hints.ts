import { basename, relative } from 'node:path'

/** How this program was called. */
export interface Caller {
  /** What a person types before a command's name. */
  program: string
  /** The folder given as `--data`; null for the default one. */
  data: string | null
}

const COMMANDS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a command may be painted
  /(?<=\b|\u001b\[\d+m)shoal (--help|(?:wallet (?:withdraw|close)|stake (?:add|roles|unbond|cancel|withdraw)|audit (?:verify|anchor)|config check|demo|init|up|ask|status|models|peers|offers|market|receipts|stop|wallet|stake|settle|doctor))(?![\w-])/g

/** A text with its commands as this person has to type them: the same program, the same node. */
export function copyable(text: string, { program, data }: Caller): string {
  const folder = data === null ? '' : ` --data ${quoted(data)}`
  return text.replace(COMMANDS, (_, command: string, at: number, whole: string) => {
    const namesFolder = command === '--help' || whole.slice(at).startsWith(`shoal ${command} --data`)
    return `${program} ${command}${namesFolder ? '' : folder}`
  })
}

/** What was typed before the command: `shoal` where it is installed, else what runs it from a checkout. */
export function invocation(
  how: {
    script: string | undefined
    folder: string
    environment: Readonly<Record<string, string | undefined>>
  } = {
    script: process.argv[1],
    folder: process.cwd(),
    environment: process.env,
  },
): string {
  const { script, folder, environment } = how
  const lifecycle = environment.npm_lifecycle_event
  if (lifecycle === 'npx') return 'npx shoal'
  if (lifecycle !== undefined) return 'npm run -s shoal --'
  if (script === undefined || !script.endsWith('.ts')) return 'shoal'
  const near = relative(folder, script)
  return basename(script) === 'main.ts' ? `node ${quoted(near.startsWith('..') ? script : near)}` : 'shoal'
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}
