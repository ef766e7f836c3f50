import { readFile, writeFile } from 'node:fs/promises'
import type { CheckedReceiptView } from '../node/gateway/dispute-views.ts'
import type { VerifyReceiptOptions } from './commands/verify.ts'
import { runningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { modelName, type Output, paint, properties, shortPeer, table } from './ui/output.ts'
import { count, inCredits, readableTime } from './ui/readable.ts'
import { exists } from './wallet-password.ts'

const EXIT_OF: Record<CheckedReceiptView['verdict'], number> = {
  honest: EXIT.ok,
  dishonest: EXIT.failed,
  altered: EXIT.failed,
  undecided: EXIT.undecided,
}

/** Has the running node check a receipt, and prints what it found. */
export async function verifyReceipt(
  name: string,
  options: VerifyReceiptOptions,
  output: Output,
): Promise<void> {
  const client = await runningNode(options, output)
  const isFile = (/[./\\]/.test(name) || !name.startsWith('baf')) && (await exists(name))
  const evidence = isFile ? (await readFile(name)).toString('base64') : null
  const parameters = { evidence, receipt: isFile ? null : name, export: options.out !== undefined }
  const answer = (await client.call('verifyReceipt', parameters)) as CheckedReceiptView
  const { evidence: whole, ...view } = answer
  if (options.out !== undefined) {
    if (whole === null) {
      throw usageError(
        'nothing is kept of the task of this receipt',
        'Without the task there is nothing to write.',
      )
    }
    await writeFile(options.out, Buffer.from(whole, 'base64'), { mode: 0o600 })
  }
  process.exitCode = EXIT_OF[view.verdict]
  output.result(view, () => describe(view, output))
}

const MARKS = { right: paint('green', '✓'), wrong: paint('red', '✗'), unknown: paint('dim', '·') }

/** What each check says, by its result. */
const CHECKS: Readonly<Record<string, Record<'right' | 'wrong' | 'unknown', string>>> = {
  provider_signature: {
    right: 'The provider signed this receipt',
    wrong: 'The provider has not signed this receipt',
    unknown: 'Whether the provider signed it is not known',
  },
  countersignature: {
    right: 'The requester signed that it took and paid this',
    wrong: 'The countersignature is not the requester’s, or of another receipt',
    unknown: 'There is no countersignature here',
  },
  request: {
    right: 'The request is the one the receipt names',
    wrong: 'The request is another one than the receipt names',
    unknown: 'The request is not kept here',
  },
  output: {
    right: 'The answer is the one the receipt names',
    wrong: 'The answer is another one than the receipt names',
    unknown: 'The answer is not kept here',
  },
  prompt: {
    right: 'The model was given the prompt that was asked',
    wrong: 'The model was given another prompt than was asked',
    unknown: 'Which prompt the model was given is not known',
  },
  template: {
    right: 'The chat template is the model’s own',
    wrong: 'Another chat template than the model’s own was used',
    unknown: 'Which chat template was used is not known',
  },
  stop: {
    right: 'The answer ended for the reason it claims',
    wrong: 'The answer did not end for the reason it claims: it was cut, or ran on',
    unknown: 'Whether it ended for the reason it claims cannot be seen',
  },
  text: {
    right: 'The tokens spell the text that was delivered',
    wrong: 'The tokens do not spell the text that was delivered',
    unknown: 'Whether the tokens spell the text cannot be seen',
  },
  tokens: {
    right: 'The tokens are what this model makes, within the noise of honest machines',
    wrong: 'The tokens are not what this model makes: no honest machine is so far off',
    unknown: 'Whether this model made the tokens is open',
  },
}

const REASONS: Readonly<Record<string, string>> = {
  contradiction: 'What the provider signed contradicts what it delivered.',
  inexplicable: 'No honest node with this model makes these tokens.',
  explained: 'An honest node with this model makes these tokens.',
  too_short: 'The answer is too short to tell an honest node from a cheat.',
  unclear: 'The tokens are odd, but not so odd that no honest node could have made them.',
  no_model: 'The model is not on this machine. Get it with shoal up --model, and ask again.',
  no_calibration:
    'There is no baseline of honest answers for this model and these engines. shoal audit calibrate makes one.',
  adapter: 'It was made with an adapter that is not on this machine.',
  engine_failed: 'The engine could not run the model now.',
  no_evidence: 'Prompt and answer are not here, or not those of the receipt: only signatures were checked.',
}

const ALTERED = 'What is here is not what was signed; that says nothing of the provider.'
const VERDICTS: Record<CheckedReceiptView['verdict'], string> = {
  honest: paint('green', 'Honest.'),
  dishonest: paint('red', 'Dishonest.'),
  altered: paint('red', 'Altered.'),
  undecided: paint('yellow', 'Undecided.'),
}

function describe(view: Omit<CheckedReceiptView, 'evidence'>, output: Output): string {
  const { tokens, pooled, checks, verdict, reason } = view
  const parts = [
    properties([
      ['Receipt', view.receipt],
      ['Provider', shortPeer(view.provider)],
      ['Requester', shortPeer(view.requester)],
      ['Model', modelName(view.model)],
      ['Ended', readableTime(view.endedAt)],
      ['Cost', inCredits(view.amount)],
    ]),
    checks.map(({ check, result }) => `${MARKS[result]} ${CHECKS[check]![result]}.`).join('\n'),
  ]
  if (tokens !== null) {
    parts.push(
      table(
        ['TOKENS', 'SAME CHOICE', 'MEAN MARGIN', 'IMPOSSIBLE', 'CHANCE IF HONEST', 'BASELINE'],
        [
          [
            tokens.count,
            percent(tokens.matchRate),
            `${tokens.meanMargin.toFixed(4)} nats`,
            percent(tokens.outsideRate),
            tokens.isCalibrated ? `at most ${chance(tokens.pValue)}` : '-',
            tokens.isCalibrated ? 'yes' : 'none',
          ],
        ],
        { columns: output.columns, mayLack: ['IMPOSSIBLE', 'BASELINE'] },
      ),
    )
  }
  if (pooled !== null) {
    const share = Math.max(0, Math.min(1, pooled.evidence / pooled.threshold))
    parts.push(
      `All ${count(pooled.receipts, 'audited receipt')} of this provider with this model (${count(pooled.tokens, 'token')}) together: ${pooled.decision}, ${percent(share)} of what would convict.`,
    )
  }
  const why = verdict === 'altered' ? ALTERED : (REASONS[reason] ?? reason)
  parts.push(output.copyable(`${VERDICTS[verdict]} ${why}`))
  if (verdict === 'dishonest')
    parts.push(
      output.copyable('A jury would find the same: shoal disputes open takes the provider to court.'),
    )
  return parts.join('\n\n')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function chance(bound: number): string {
  return bound >= 0.001 ? bound.toFixed(3) : bound.toExponential(1)
}
