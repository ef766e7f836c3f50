import type { Command } from 'commander'
import { showSetting } from '../../node/config/load.ts'
import { environmentName, flagName, settingKeys, settings } from '../../node/config/settings.ts'
import {
  type CommonOptions,
  configFrom,
  dataDirFrom,
  outputFrom,
  withCommonOptions,
  withSettings,
} from '../context.ts'
import { paint, table } from '../ui/output.ts'

export function registerConfig(program: Command): void {
  const config = program.command('config').description('look at the settings of a node')
  withSettings(withCommonOptions(config.command('check')))
    .description('check the settings and show what is in effect, without starting anything')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal config check\n  $ SHOAL_PRICE_OUTPUT=2 shoal config check --json',
    )
    .action(async (options: CommonOptions & Record<string, unknown>) => {
      const output = outputFrom(options)
      const loaded = await configFrom(options)
      const rows = settingKeys.map(key => ({
        key,
        value: showSetting(loaded.config, key),
        source: loaded.sources[key],
        environment: environmentName(key),
        flag: 'secret' in settings[key] ? null : `--${flagName(key)}`,
        help: settings[key].help,
      }))
      output.result({ ok: true, file: loaded.file, settings: rows }, () =>
        [
          table(
            ['SETTING', 'VALUE', 'FROM', 'ENVIRONMENT', 'FLAG'],
            rows.map(({ key, value, source, environment, flag }) => [
              key,
              value || '-',
              source,
              environment,
              flag ?? '-',
            ]),
          ),
          '',
          `${paint('green', '✓')} All settings are understood. File: ${loaded.file ?? `none (${dataDirFrom(options).root}/config.yaml would be read)`}`,
        ].join('\n'),
      )
    })
}
