import type { Command } from 'commander'
import { type LoadedConfig, loadConfig } from '../node/config/load.ts'
import { flagName, type Setting, type SettingKey, settingKeys, settings } from '../node/config/settings.ts'
import { type DataDir, dataDirAt, defaultDataRoot } from '../node/data-dir.ts'
import { ControlClient } from '../node/gateway/control-client.ts'
import { controlEndpoint } from '../node/gateway/control-endpoint.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { Output } from './ui/output.ts'

export interface CommonOptions {
  data?: string
  json?: boolean
}

/** Adds the options every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the node (default: SHOAL_DATA, or ~/.shoal)')
    .option('--json', 'print JSON for scripts')
}

/** Adds a flag for each setting a person may give on the command line. */
export function withSettings(command: Command, only: (key: SettingKey) => boolean = () => true): Command {
  for (const key of settingKeys) {
    const { kind, help, secret, default: preset } = settings[key] as Setting<unknown>
    if (secret === true || !only(key)) continue
    const name = flagName(key)
    const shown = kind.show(preset)
    const description = `${help}${shown === '' ? '' : ` (default: ${shown})`}`
    if (preset === true) command.option(`--no-${name}`, `not: ${help}`)
    else if (preset === false) command.option(`--${name}`, help)
    else if (Array.isArray(preset)) command.option(`--${name} <${kind.placeholder}>`, description, collect)
    else command.option(`--${name} <${kind.placeholder}>`, description)
  }
  return command
}

/** The settings among parsed options, as given. */
export function settingsFrom(options: Record<string, unknown>): Partial<Record<SettingKey, unknown>> {
  const flags: Partial<Record<SettingKey, unknown>> = {}
  for (const key of settingKeys) {
    const { default: preset } = settings[key] as Setting<unknown>
    const value = options[camelCase(flagName(key))]
    // commander fills in true for every --no-x that was not given.
    if (value === undefined || (preset === true && value === true)) continue
    flags[key] = value
  }
  return flags
}

export function dataDirFrom(options: CommonOptions): DataDir {
  return dataDirAt(options.data ?? defaultDataRoot(process.env))
}

export function outputFrom(options: CommonOptions): Output {
  return new Output({ json: options.json === true })
}

/** @throws {ConfigError} */
export function configFrom(options: CommonOptions & Record<string, unknown>): Promise<LoadedConfig> {
  return loadConfig({
    dataDir: dataDirFrom(options).root,
    environment: process.env,
    flags: settingsFrom(options),
  })
}

/** The running node of a data folder; without one named, that of a running demo will do. */
export async function runningNode(options: CommonOptions, output: Output): Promise<ControlClient> {
  const dataDir = dataDirFrom(options)
  const client = new ControlClient(controlEndpoint(dataDir))
  if (await client.isRunning()) return client
  if (options.data === undefined && process.env.SHOAL_DATA === undefined) {
    const demo = new ControlClient(controlEndpoint(demoNodeDir(demoRoot(), 'alice')))
    if (await demo.isRunning()) {
      output.note('(asking the running demo, since no node of your own runs)')
      return demo
    }
  }
  // Says what is wrong and what to do.
  await client.call('status', {})
  return client
}

/** Like `runningNode`, or null when there is none. */
export async function runningNodeOrNull(options: CommonOptions): Promise<ControlClient | null> {
  try {
    const client = new ControlClient(controlEndpoint(dataDirFrom(options)))
    return (await client.isRunning()) ? client : null
  } catch (error) {
    if (isShoalError(error, 'CONTROL_BROKEN')) return null
    throw error
  }
}

/** Where the demo lives. */
export function demoRoot(): string {
  return `${defaultDataRoot({ ...process.env, SHOAL_DATA: undefined })}-demo`
}

export function demoNodeDir(root: string, name: string): DataDir {
  return dataDirAt(`${root}/${name}`)
}

/** How the person called us, for hints that can be copied. */
export function invocation(): string {
  return process.env.npm_lifecycle_event === undefined ? 'shoal' : 'npm run -s shoal --'
}

/** @throws {ShoalError} USAGE */
export function usageError(message: string, fix?: string): ShoalError {
  return new ShoalError('USAGE', message, fix === undefined ? {} : { fix })
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...value.split(',')]
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
