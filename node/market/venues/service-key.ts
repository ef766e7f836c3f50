import { readFile } from 'node:fs/promises'
import { Secret } from '../../../inference/remote/secret.ts'
import { ConfigError } from '../../config/errors.ts'
import type { CloudService } from './services-file.ts'

/**
 * The key of a service, from where its operator says it is.
 * @param environment `process.env`
 * @returns null for a service that wants none
 * @throws {ConfigError} CONFIG_BAD_VALUE when it is not there or is none; never with any of it
 */
export async function readServiceKey(
  { service, key }: CloudService,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Secret | null> {
  if (key === null) return null
  const where = 'variable' in key ? `the environment variable ${key.variable}` : `the file ${key.file}`
  const value =
    'variable' in key ? environment[key.variable] : await readFile(key.file, 'utf8').catch(() => undefined)
  const refuse = (what: string) =>
    new ConfigError('CONFIG_BAD_VALUE', `${where}, with the key of ${service.name}, ${what}`, {
      fix: 'Put the key there, or take the service out of the file of cloud.services.',
      details: { service: service.name },
    })
  if (value === undefined || value.trim() === '') throw refuse('is missing or empty')
  try {
    return new Secret(value)
  } catch {
    throw refuse('holds something that is no key')
  }
}
