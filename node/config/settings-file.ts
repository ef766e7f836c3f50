import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { parse } from 'yaml'
import { ConfigError } from './errors.ts'

/** A file that a setting names. */
export interface SettingsFile {
  path: string
  /** The setting, as `cloud.services`. */
  setting: string
  /** What is in it, as `cloud services`. */
  content: string
  /** Where people find an example. */
  example: string
  maxChars: number
}

/**
 * Reads a file of YAML or JSON.
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
 */
export async function readSettingsFile(file: SettingsFile): Promise<unknown> {
  const { path, setting, content, maxChars } = file
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `the file of ${content} ${path} cannot be read`, {
      fix: `Correct ${setting}, or check that it is a file you may read.`,
      details: { path },
      cause,
    })
  }
  if (text.length > maxChars) throw badSettingsFile(file, 'it is too long')
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch {
    // What the parser says may show what is in the file.
    throw badSettingsFile(file, 'it is neither YAML nor JSON')
  }
}

/** Why a file cannot be taken. */
export function badSettingsFile(
  { path, setting, example }: Omit<SettingsFile, 'content' | 'maxChars'>,
  what: string,
): ConfigError {
  return new ConfigError('CONFIG_BAD_VALUE', `${path}: ${what}`, {
    fix: `Correct the file that ${setting} names; ${example} shows one.`,
    details: { path },
  })
}

/** Whether a URL's host is this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
