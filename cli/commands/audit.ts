import type { Command } from 'commander'
import { isShoalError } from '../../protocol/errors.ts'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { paint } from '../ui/output.ts'

export interface VerifyOptions extends CommonOptions, Record<string, unknown> {
  event?: number
  offline?: boolean
}

export interface CalibrateOptions extends CommonOptions, Record<string, unknown> {
  model: string
  prompts: number
  samples: number
  outputsTo?: string
  outputsFrom?: string
  out?: string
}

const DEFAULT_PROMPTS = 150
const DEFAULT_SAMPLES = 4
const MAX_PROMPTS = 512
const MAX_SAMPLES = 64

export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('Check or anchor the record of this node’s decisions, and calibrate audits of others’ work')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal audit verify --json\n  $ shoal audit calibrate --model shoal-mini',
    )
  registerCalibrate(audit)
  withCommonOptions(audit.command('verify'))
    .description('Replay the audit log, check its anchors with the chain, and name the first bad entry')
    .option(
      '--event <n>',
      'Also prove that this event is in its anchored range',
      wholeNumber('--event', 1, Number.MAX_SAFE_INTEGER),
    )
    .option('--offline', 'Do not ask the chain')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal audit verify
  $ shoal audit verify --event 12 --json

The node need not run. A stopped node's embedded chain does not run either: its
anchors are then checked against the log alone.

Exit status: 0 intact, 1 changed or damaged, or the chain does not answer.`,
    )
    .action(async (options: VerifyOptions) => {
      const { verifyLog } = await import('../audit-report.ts')
      await verifyLog(options, outputFrom(options))
    })

  withCommonOptions(audit.command('anchor'))
    .description('Anchor on chain what is new in the audit log, now; a node does it by itself')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal audit anchor\n\nExit status: 0 also when all is anchored already.',
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const anchor = (await client.call('anchor', {}).catch((error: unknown) => {
        if (isShoalError(error, 'NOTHING_TO_ANCHOR')) return null
        throw error
      })) as { firstSequence: number; lastSequence: number; transaction: string } | null
      output.result(anchor, () =>
        anchor === null
          ? 'All events are anchored already.'
          : `${paint('green', '✓')} Events ${anchor.firstSequence} to ${anchor.lastSequence} are anchored (transaction ${anchor.transaction}).`,
      )
    })
}

function registerCalibrate(audit: Command): void {
  withCommonOptions(audit.command('calibrate'))
    .summary('Measure what honest outputs of a model look like')
    .description('Measure what honest outputs of a model look like to an audit on this machine')
    .option(
      '--model <model>',
      'A name, path, URL or hf: name; of a running node one that it serves',
      'shoal-mini',
    )
    .option(
      '--prompts <n>',
      'How many of the built-in prompts',
      wholeNumber('--prompts', 1, MAX_PROMPTS),
      DEFAULT_PROMPTS,
    )
    .option(
      '--samples <n>',
      'Outputs of each prompt, with other temperatures, filters and lengths',
      wholeNumber('--samples', 1, MAX_SAMPLES),
      DEFAULT_SAMPLES,
    )
    .option('--outputs-to <file>', 'Only make the outputs, to be audited on another machine')
    .option('--outputs-from <file>', 'Audit outputs that a machine of your own made, instead of making them')
    .option('--out <file>', 'Also write there what was counted, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal audit calibrate --model shoal-mini
  $ shoal audit calibrate --model ./model.gguf --prompts 300 --samples 8 --json
  gpu$ shoal audit calibrate --model ./model.gguf --outputs-to outputs.json
  cpu$ shoal audit calibrate --model ./model.gguf --outputs-from outputs.json

Audits judge others' outputs by what honest ones look like on the same model and
engines, never by a guess: without a calibration nobody is judged by statistics. Own
ones come first, then those that come with Shoal (of the embedded models), then those
of others, where at least three distinct operators measured the same. A node tells
others its own. The more samples, the fewer tokens an audit needs.

Exit status: 0 kept, 1 too few or absurd samples, 130 cancelled.`,
    )
    .action(async (options: CalibrateOptions) => {
      const { calibrate } = await import('../calibrate.ts')
      await calibrate(options)
    })

  withCommonOptions(audit.command('calibrations'))
    .description('List what is known of honest outputs, model by model')
    .addHelpText(
      'after',
      "\nExamples:\n  $ shoal audit calibrations\n  $ shoal audit calibrations --json | jq '.[].source'",
    )
    .action(async (options: CommonOptions) => {
      const { listCalibrations } = await import('../calibrate.ts')
      await listCalibrations(options)
    })
}
