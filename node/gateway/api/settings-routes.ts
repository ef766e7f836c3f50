import pLimit from 'p-limit'
import { z } from 'zod'
import { changeConfigFile, type SettingChanges } from '../../config/change-file.ts'
import { loadConfig, showSetting } from '../../config/load.ts'
import {
  environmentName,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
} from '../../config/settings.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'

/** A setting, as `shoal config check --json` tells it. */
export interface SettingView {
  key: string
  /** In effect since the node started; empty for none. */
  value: string
  /** In the config file, for the next start; null where the file does not say. */
  filed: string | null
  default: string
  help: string
  /** What kind of value it takes: `a|b|c` for a choice, empty for yes or no. */
  kind: string
  environment: string
  /** Read from the environment only. */
  isSecret: boolean
}

export interface SettingsView {
  file: string | null
  settings: SettingView[]
}

/** Programs that the node runs: who can write the file names them, so that no session over HTTP ever runs anything. */
const RUN_PROGRAMS: ReadonlySet<SettingKey> = new Set([
  'attestation.command',
  'learning.trainer',
  'mcp.servers',
])
const MAX_CHANGES = 64
const MAX_VALUE = 4_096

const changesBody = z.strictObject({
  changes: z
    .partialRecord(z.enum(settingKeys), z.nullable(z.string().max(MAX_VALUE)))
    .refine(changes => Object.keys(changes).length <= MAX_CHANGES, `has more than ${MAX_CHANGES} settings`)
    .describe('Text as in the environment; null takes a setting out of the file.'),
})

/** `/api/settings`: what is set, and the config file for the next start. */
export const settingsRoutes: GatewayPlugin = (app, { node, config }) => {
  const dataDir = node.dataDir.root
  const oneAtATime = pLimit(1)
  const view = async (): Promise<SettingsView> => {
    const loaded = await loadConfig({ dataDir, environment: {}, flags: {} })
    return {
      file: loaded.file,
      settings: settingKeys.map(key => {
        const { kind, help, secret = false, default: preset } = settings[key] as Setting<unknown>
        return {
          ...{ key, help, isSecret: secret, kind: kind.placeholder, environment: environmentName(key) },
          value: showSetting(config, key),
          filed: loaded.sources[key] === 'file' ? showSetting(loaded.config, key) : null,
          default: kind.show(preset),
        }
      }),
    }
  }
  app.get(
    '/api/settings',
    { config: { needs: 'administer' }, schema: { tags: ['node'], summary: 'All settings' } },
    view,
  )
  app.patch(
    '/api/settings',
    {
      config: { needs: 'administer' },
      schema: { tags: ['node'], summary: 'Change the config file, for the next start', body: changesBody },
    },
    request =>
      oneAtATime(async () => {
        const changes = request.body.changes as SettingChanges
        const refused = settingKeys.find(key => RUN_PROGRAMS.has(key) && changes[key] !== undefined)
        if (refused !== undefined) {
          throw new GatewayError('FORBIDDEN', `${refused} names programs to be run`, {
            fix: 'Write it into the config file on the machine.',
          })
        }
        await changeConfigFile(dataDir, changes)
        return view()
      }),
  )
}
