import type { Command } from 'commander'
import {
  type CommonOptions,
  configFrom,
  dataDirFrom,
  outputFrom,
  runningNodeOrNull,
  withCommonOptions,
  withSettings,
} from '../context.ts'
import { EXIT } from '../exit-codes.ts'

export function registerDoctor(program: Command): void {
  withSettings(withCommonOptions(program.command('doctor')))
    .description('look for what keeps this node from working, and say how to mend it')
    .addHelpText('after', '\nExample:\n  $ shoal doctor\n\nExit status: 0 nothing fails, 1 something does.')
    .action(async (options: CommonOptions & Record<string, unknown>) => {
      const { describeFinding, examine } = await import('../examine.ts')
      const output = outputFrom(options)
      const { config } = await configFrom(options)
      const running = await runningNodeOrNull(options)
      const findings = await examine({ dataDir: dataDirFrom(options), config, running }, finding =>
        output.note(describeFinding(finding)),
      )
      const failed = findings.filter(({ state }) => state === 'failed').length
      if (failed > 0) process.exitCode = EXIT.failed
      if (output.json) output.result({ ok: failed === 0, findings }, () => '')
      else
        output.note(
          failed === 0
            ? '\nNothing fails.'
            : `\n${failed} of ${findings.length} checks fail; mend the first one first.`,
        )
    })
}
