import { type Command, Option } from 'commander'
import type { LoadedConfig } from '../node/config/load.ts'
import { flagName, type Setting, type SettingKey, settingKeys, settings } from '../node/config/settings.ts'
import { type CommonOptions, dataDirFrom, usageError } from './context.ts'

/** Longer placeholders would push the explanations out of the terminal. */
const MAX_PLACEHOLDER = 20

/** What the flags of a part of the settings are for, by the beginning of their keys. */
const GROUPS: Readonly<Record<string, string>> = {
  models: 'Models:',
  engine: 'Models:',
  price: 'Offers:',
  offer: 'Offers:',
  p2p: 'Network:',
  trust: 'Network:',
  chain: 'Chain:',
  wallet: 'Wallet:',
  spending: 'Spending:',
  earning: 'Earning:',
  task: 'Tasks:',
  auction: 'Tasks:',
  gateway: 'Gateway:',
  mcp: 'Gateway:',
  audit: 'Records:',
  log: 'Records:',
}
const GROUP_ORDER = Object.keys(GROUPS)

/** Adds a flag for each setting; hidden where they are not what the command is about. */
export function withSettings(command: Command, options: { hidden?: boolean } = {}): Command {
  const shorthands = [
    new Option('--local', 'Use a chain of your own inside this node (the default)'),
    new Option('--no-serve', 'Offer no models; only ask others'),
  ]
  for (const option of shorthands) command.addOption(options.hidden === true ? option.hideHelp() : option)
  const keys = settingKeys.toSorted((a, b) => GROUP_ORDER.indexOf(roomOf(a)) - GROUP_ORDER.indexOf(roomOf(b)))
  for (const key of keys) {
    const option = flagOf(key)
    if (option === null) continue
    option.helpGroup(GROUPS[roomOf(key)] ?? 'Settings:')
    if (options.hidden === true) option.hideHelp()
    command.addOption(option)
  }
  return command
}

/**
 * The settings among parsed options, as given.
 * @throws {ShoalError} USAGE for flags that exclude each other
 */
function settingsFrom(options: Record<string, unknown>): Partial<Record<SettingKey, unknown>> {
  const { local, serve, rpc, model } = options
  if (local === true && rpc !== undefined)
    throw usageError('--local and --rpc exclude each other', 'Give only one of them.')
  if (serve === false && model !== undefined)
    throw usageError('--no-serve and --model exclude each other', 'Give only one of them.')
  const flags: Partial<Record<SettingKey, unknown>> = {}
  if (local === true) flags['chain.rpc'] = 'local'
  if (serve === false) flags['models.serve'] = ''
  for (const key of settingKeys) {
    const { default: preset } = settings[key] as Setting<unknown>
    const value = options[camelCase(flagName(key))]
    // commander fills in true for every --no-x that was not given.
    if (value === undefined || (preset === true && value === true)) continue
    flags[key] = value
  }
  return flags
}

/** @throws {ConfigError} */
export async function configFrom(options: CommonOptions & Record<string, unknown>): Promise<LoadedConfig> {
  // Reading YAML takes longer to load than most commands take to run.
  const { loadConfig } = await import('../node/config/load.ts')
  return loadConfig({
    dataDir: dataDirFrom(options).root,
    environment: process.env,
    flags: settingsFrom(options),
  })
}

/** Null for a secret: what is on the command line, every user of the machine can read. */
function flagOf(key: SettingKey): Option | null {
  const { kind, help, secret, default: preset } = settings[key] as Setting<unknown>
  if (secret === true) return null
  const name = flagName(key)
  const sentence = help.replace(/\.$/, '')
  if (preset === true) return new Option(`--no-${name}`, `Switch off: ${sentence}`)
  if (preset === false) return new Option(`--${name}`, sentence)
  const isShort = kind.placeholder.length <= MAX_PLACEHOLDER
  const shown = kind.show(preset)
  const notes = [
    ...(isShort ? [] : [kind.placeholder.replaceAll('|', ', ')]),
    ...(shown === '' ? [] : [`default: ${shown}`]),
  ]
  const placeholder = isShort ? kind.placeholder : name.split('-').at(-1)
  const option = new Option(
    `--${name} <${placeholder}>`,
    notes.length === 0 ? sentence : `${sentence} (${notes.join('; ')})`,
  )
  return Array.isArray(preset) ? option.argParser(collect) : option
}

function roomOf(key: SettingKey): string {
  return key.slice(0, key.indexOf('.'))
}

function collect(value: string, previous: unknown): string[] {
  return [...((previous as string[] | undefined) ?? []), ...value.split(',')]
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
