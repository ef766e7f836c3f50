import type { Command } from 'commander'
import { environmentName, flagName, settingKeys, settings } from '../../node/config/settings.ts'
import { type CommonOptions, dataDirFrom, outputFrom, withCommonOptions } from '../context.ts'
import { configFrom, withSettings } from '../setting-flags.ts'
import { paint, table } from '../ui/output.ts'

export function registerConfig(program: Command): void {
  const config = program
    .command('config')
    .description('Look at the settings of a node')
    .addHelpText('after', '\nExamples:\n  $ shoal config check\n  $ shoal config check --json')
  withSettings(withCommonOptions(config.command('check')), { hidden: true })
    .description('Check the settings and show what is in effect, without starting anything')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal config check
  $ shoal config check --price-output 2 --listen /ip4/0.0.0.0/tcp/5000
  $ SHOAL_PRICE_OUTPUT=2 shoal config check --json

Flags win over the environment, that over the config file, that over defaults.
All flags of shoal up may be given. With --json, each setting is told with its
flag, environment variable and meaning.

Exit status: 0 all understood, 2 not.`,
    )
    .action(async (options: CommonOptions & Record<string, unknown>) => {
      const output = outputFrom(options)
      const loaded = await configFrom(options)
      const { showSetting } = await import('../../node/config/load.ts')
      const rows = settingKeys.map(key => ({
        key,
        value: showSetting(loaded.config, key),
        source: loaded.sources[key],
        environment: environmentName(key),
        flag: 'secret' in settings[key] ? null : flagOf(key),
        help: settings[key].help,
      }))
      output.result({ ok: true, file: loaded.file, settings: rows }, () =>
        [
          table(
            ['SETTING', 'VALUE', 'FROM', 'FLAG OF SHOAL UP'],
            rows.map(({ key, value, source, flag }) => [key, value || '-', source, flag ?? '-']),
            { columns: output.columns, mayLack: ['FLAG OF SHOAL UP', 'FROM'] },
          ),
          '',
          `${paint('green', '✓')} All settings are understood. File: ${loaded.file ?? `none (${dataDirFrom(options).root}/config.yaml would be read)`}`,
        ].join('\n'),
      )
    })
}

function flagOf(key: (typeof settingKeys)[number]): string {
  return `--${settings[key].default === true ? 'no-' : ''}${flagName(key)}`
}
