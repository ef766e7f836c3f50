import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMap, isScalar, parseDocument } from 'yaml'
import { ConfigError } from './errors.ts'
import { nearest } from './nearest.ts'
import {
  type Config,
  environmentName,
  flagName,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
} from './settings.ts'

export type SettingSource = 'default' | 'file' | 'environment' | 'flag'

export interface LoadedConfig {
  config: Config
  sources: Readonly<Record<SettingKey, SettingSource>>
  /** The file read, or null when there is none. */
  file: string | null
}

export interface LoadConfigOptions {
  dataDir: string
  /** `process.env`. */
  environment: Readonly<Record<string, string | undefined>>
  /** Values given as flags, by setting key. */
  flags: Readonly<Partial<Record<SettingKey, unknown>>>
}

export const CONFIG_FILE = 'config.yaml'
export const CONFIG_VERSION = 1
const MAX_CONFIG_BYTES = 1_048_576
/** Variables of ours that are no settings. */
const OTHER_VARIABLES = new Set(['SHOAL_DATA'])

/**
 * Puts the settings together: defaults, then the config file, then the environment, then flags.
 * Whatever is not understood is an error; nothing is ignored.
 * @throws {ConfigError} CONFIG_UNKNOWN_SETTING, CONFIG_BAD_VALUE, CONFIG_UNREADABLE, CONFIG_VERSION
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const path = join(options.dataDir, CONFIG_FILE)
  const text = await readConfigFile(path)
  const values: Record<string, unknown> = {}
  const sources: Record<string, SettingSource> = {}
  for (const key of settingKeys) {
    values[key] = settings[key].default
    sources[key] = 'default'
  }
  const set = (key: SettingKey, raw: unknown, source: SettingSource, where: string) => {
    values[key] = parseSetting(key, raw, where)
    sources[key] = source
  }

  if (text !== null) {
    for (const { key, raw, line } of readYaml(text, path)) set(key, raw, 'file', `${path}:${line}`)
  }
  for (const key of settingKeys) {
    const { sharedVariable } = settings[key] as Setting<unknown>
    const raw = sharedVariable === undefined ? undefined : options.environment[sharedVariable]
    if (raw) set(key, raw, 'environment', sharedVariable!)
  }
  const variables = new Map(settingKeys.map(key => [environmentName(key), key]))
  for (const [name, raw] of Object.entries(options.environment)) {
    if (!name.startsWith('SHOAL_') || OTHER_VARIABLES.has(name) || raw === undefined) continue
    const key = variables.get(name)
    if (key === undefined)
      throw unknown(`there is no setting with the environment variable ${name}`, name, [...variables.keys()])
    set(key, raw, 'environment', name)
  }
  for (const [key, raw] of Object.entries(options.flags)) {
    if (raw !== undefined) set(key as SettingKey, raw, 'flag', `--${flagName(key as SettingKey)}`)
  }
  return {
    config: values as Config,
    sources: sources as Record<SettingKey, SettingSource>,
    file: text === null ? null : path,
  }
}

/** A setting's value for people to read; secrets are redacted. */
export function showSetting(config: Config, key: SettingKey): string {
  const { kind, secret } = settings[key] as Setting<unknown>
  const value = config[key]
  return secret === true && value !== null ? '[redacted]' : kind.show(value)
}

export function parseSetting(key: SettingKey, raw: unknown, where: string): unknown {
  const { kind, secret } = settings[key] as Setting<unknown>
  try {
    return kind.parse(raw)
  } catch (error) {
    const shown = secret === true ? '[redacted]' : JSON.stringify(raw)?.slice(0, 80)
    throw new ConfigError(
      'CONFIG_BAD_VALUE',
      `${where}: ${key} cannot be ${shown}: ${error instanceof Error ? error.message : ''}`,
      {
        fix: `Correct ${key}; shoal config check shows all settings.`,
        details: { key, where },
      },
    )
  }
}

export async function readConfigFile(path: string): Promise<string | null> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > MAX_CONFIG_BYTES) throw new RangeError('too large')
    return text
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new ConfigError('CONFIG_UNREADABLE', `the config file ${path} cannot be read`, {
      fix: 'Check that it is a file you may read.',
      details: { path },
      cause,
    })
  }
}

function readYaml(text: string, path: string): { key: SettingKey; raw: unknown; line: number }[] {
  const document = parseDocument(text)
  const broken = document.errors[0]
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line ?? 1
    const what = broken.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')
    throw new ConfigError('CONFIG_UNREADABLE', `${path}:${line}: ${what}`, {
      fix: 'Correct the YAML there.',
      details: { path, line },
    })
  }
  if (document.contents === null) return []
  if (!isMap(document.contents)) {
    throw new ConfigError('CONFIG_UNREADABLE', `${path}: expected settings, one a line`, {
      details: { path },
    })
  }
  const found: { key: SettingKey; raw: unknown; line: number }[] = []
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  let version: unknown = null
  const visit = (prefix: string, map: typeof document.contents) => {
    if (!isMap(map)) return
    for (const pair of map.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : ''
      const line = isScalar(pair.key) ? lineOf(pair.key.range?.[0] ?? 0) : 1
      const path = prefix === '' ? name : `${prefix}.${name}`
      if (path === 'version') version = isScalar(pair.value) ? pair.value.value : null
      else if (settingKeys.includes(path as SettingKey)) {
        const value = pair.value as { toJSON(): unknown } | null
        found.push({ key: path as SettingKey, raw: value === null ? null : value.toJSON(), line })
      } else if (isMap(pair.value) && settingKeys.some(key => key.startsWith(`${path}.`)))
        visit(path, pair.value as never)
      else throw unknown(`${filePlace(line)}there is no setting ${path}`, path, settingKeys)
    }
  }
  const filePlace = (line: number) => `${path}:${line}: `
  visit('', document.contents)
  const secret = found.find(({ key }) => (settings[key] as Setting<unknown>).secret === true)
  if (secret !== undefined) {
    throw new ConfigError(
      'CONFIG_BAD_VALUE',
      `${path}:${secret.line}: ${secret.key} does not belong in a file`,
      {
        fix: `Put it into the environment as ${environmentName(secret.key)}${secret.key === 'wallet.password' ? ', or its file as wallet.passwordFile' : ''}.`,
        details: { key: secret.key },
      },
    )
  }
  if (version !== CONFIG_VERSION) {
    throw new ConfigError(
      'CONFIG_VERSION',
      `${path}: this program reads version ${CONFIG_VERSION} of the config file`,
      {
        fix:
          version === null
            ? 'Add the line "version: 1".'
            : 'Use the program that wrote it, or begin anew with shoal init.',
        details: { path },
      },
    )
  }
  return found
}

function unknown(message: string, name: string, known: readonly string[]): ConfigError {
  const near = nearest(name, known)
  return new ConfigError('CONFIG_UNKNOWN_SETTING', message, {
    fix: near === null ? 'shoal config check lists all settings.' : `Did you mean ${near}?`,
    details: { name, nearest: near },
  })
}
