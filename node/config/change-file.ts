import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { writePrivateFile } from '../data-dir.ts'
import { ConfigError } from './errors.ts'
import { CONFIG_FILE, CONFIG_VERSION, loadConfig, parseSetting, readConfigFile } from './load.ts'
import { environmentName, type Setting, type SettingKey, settings } from './settings.ts'

/** Settings as text, as in the environment; null takes one out of the file. */
export type SettingChanges = Readonly<Partial<Record<SettingKey, string | null>>>

/**
 * Writes settings into the config file of a node, and leaves what else is in it, comments included. They take effect
 * when the node starts next. All are checked before anything is written.
 * @throws {ConfigError} CONFIG_BAD_VALUE, and whatever is wrong with the file already
 */
export async function changeConfigFile(dataDir: string, changes: SettingChanges): Promise<void> {
  const path = join(dataDir, CONFIG_FILE)
  // A file that is wrong already is not written to.
  await loadConfig({ dataDir, environment: {}, flags: {} })
  const document = parseDocument((await readConfigFile(path)) ?? `version: ${CONFIG_VERSION}\n`)
  for (const [name, value] of Object.entries(changes)) {
    const key = name as SettingKey
    if ((settings[key] as Setting<unknown>).secret === true) {
      throw new ConfigError('CONFIG_BAD_VALUE', `${key} does not belong in a file`, {
        fix: `Put it into the environment as ${environmentName(key)}.`,
        details: { key },
      })
    }
    const [room, rest] = [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)]
    // Both ways of writing are read: `room.key: value`, and `key: value` under `room:`.
    document.delete(key)
    if (document.hasIn([room, rest])) document.deleteIn([room, rest])
    if (value === null) continue
    parseSetting(key, value, 'here')
    document.set(key, value)
  }
  await writePrivateFile(path, document.toString())
}
