import type { DataDir } from '../node/data-dir.ts'
import { type CommonOptions, runningNodeOrNull } from './context.ts'
import { describeFinding, examine } from './examine.ts'
import { EXIT } from './exit-codes.ts'
import { configFrom } from './setting-flags.ts'
import type { Output } from './ui/output.ts'
import { count } from './ui/readable.ts'

/** Looks at everything a node needs and tells each finding as it is made; sets the exit status. */
export async function doctor(
  node: { dataDir: DataDir; options: CommonOptions & Record<string, unknown> },
  output: Output,
): Promise<void> {
  const { dataDir, options } = node
  const { config } = await configFrom(options)
  const running = await runningNodeOrNull(options)
  const findings = await examine({ dataDir, config, running }, finding => {
    if (!output.json) output.result(null, () => output.copyable(describeFinding(finding)))
  })
  const failed = findings.filter(({ state }) => state === 'failed').length
  if (failed > 0) process.exitCode = EXIT.failed
  output.result({ ok: failed === 0, findings }, () =>
    failed === 0
      ? '\nNothing fails.'
      : `\n${count(failed, 'check')} of ${findings.length} ${failed === 1 ? 'fails' : 'fail; mend the first one first'}.`,
  )
}
