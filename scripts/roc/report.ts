import { table } from '../../cli/ui/output.ts'
import type { Experiment } from './experiment.ts'
import type { CheatRow } from './judge.ts'
import type { Estimate } from './statistics.ts'

/** An experiment as tables for a terminal; with `isMarkdown` for a document. */
export function report(experiment: Experiment, isMarkdown = false): string {
  const { options, calibration, claimed, model, honest, cheats } = experiment
  const show = isMarkdown ? markdownTable : table
  const parts = [
    `Claimed ${claimed.id.split('@')[0]}, the other model ${model.id.split('@')[0]}. ` +
      `Calibrated with ${count(calibration.tokens)} tokens of ${calibration.prompts} prompts; played with ${options.prompts} other prompts.`,
    show(
      [
        'HONEST',
        'RECEIPTS',
        'TOKENS',
        'LOST',
        'MEAN MARGIN',
        'P < 0.001',
        'LEAST P',
        'FOUND CHEATING',
        'MOST EVIDENCE',
      ],
      honest.map(row => [
        row.title,
        count(row.scores.receipts),
        count(row.scores.tokens),
        percent(row.scores.lostShare),
        row.scores.meanMargin.toFixed(5),
        `${row.below} (≤ ${percent(row.belowBound)})`,
        row.leastPValue.toPrecision(2),
        `${row.found} of ${row.providers}`,
        percent(row.mostEvidence),
      ]),
    ),
    show(
      [
        'CHEAT',
        'LOST',
        'MEAN MARGIN',
        'AUC TOKEN',
        'AUC RECEIPT',
        'ALONE 1 %',
        'ALONE 1e-3',
        'ALONE 1e-6',
        'CONTRADICTS',
      ],
      cheats.map(row => [
        row.title,
        percent(row.cheating.lostShare),
        row.cheating.meanMargin.toFixed(4),
        fixed(row.tokenAuc),
        fixed(row.receiptAuc),
        fixed(row.batchAuc),
        percent(row.atOnePercent),
        percents(row.single[0]!),
        percents(row.single[1]!),
        percent(row.contradicted),
      ]),
    ),
    show(
      [
        'CHEAT',
        'TOKENS 1e-3',
        'TOKENS 1e-6',
        `POWER AT ${count(options.powerTokens)}, 1e-6`,
        'FIXED 1e-3',
        'FIXED 1e-6',
      ],
      cheats.map(row => [
        row.title,
        ...row.pooled.map(({ tokens }) => counts(tokens, options.maxTokens)),
        percents(row.pooled[1]!.power),
        ...row.fixed.map(({ tokens }) => limited(tokens, options.maxTokens * 100)),
      ]),
    ),
    show(
      [
        'CHEAT AT A SHARE OF TASKS, TOKENS 1e-6',
        ...[...new Set(cheats[0]?.shares.map(({ share }) => String(share)))],
      ],
      cheats.map(row => [row.title, ...row.shares.map(({ tokens }) => limited(tokens, options.maxTokens))]),
    ),
    show(
      ['CHEAT AMONG ONE KIND OF TASK, TOKENS 1e-6', ...labelsOf(cheats)],
      cheats.map(row => [
        row.title,
        ...labelsOf(cheats).map(label => {
          const slice = row.slices.find(other => other.label === label)
          return slice === undefined ? '-' : limited(slice.tokens, options.maxTokens)
        }),
      ]),
    ),
  ]
  return parts.filter(part => part !== '').join('\n\n')
}

function labelsOf(cheats: readonly CheatRow[]): string[] {
  return [...new Set(cheats.flatMap(({ slices }) => slices.map(({ label }) => label)))]
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const lower = head.map(cell =>
    cell
      .toLowerCase()
      .replace(/\bauc\b/g, 'AUC')
      .replace('p <', 'p <'),
  )
  return [line(lower), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Three digits; more would say more than was measured. */
function limited(tokens: number, most: number): string {
  return tokens > most || !Number.isFinite(tokens) ? `> ${count(most)}` : count(Number(tokens.toPrecision(3)))
}

function counts({ value, low, high }: Estimate, most: number): string {
  if (!Number.isFinite(value)) return limited(value, most)
  return `${limited(value, most)} (${limited(low, most)} to ${limited(high, most)})`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`
}

function percents({ value, low, high }: Estimate): string {
  return `${percent(value)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`
}

function fixed({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
}
