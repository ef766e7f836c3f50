import type { ControlClient } from '../node/gateway/control-client.ts'
import type {
  LineageStepView,
  LineageView,
  LossPairView,
  RollbackView,
  VersionView,
} from '../node/gateway/version-views.ts'
import type { RollbackOptions } from './commands/learn/versions.ts'
import { EXIT } from './exit-codes.ts'
import { modelName, type Output, paint, shortHex, shortPeer, table } from './ui/output.ts'
import { count, readableCredits, readableTime } from './ui/readable.ts'

/** What stands for the base in place of a version. */
const BASE = 'base'

/** Prints all accepted adapters. */
export async function showVersions(client: ControlClient, output: Output): Promise<void> {
  const versions = (await client.call('learnVersions', {})) as VersionView[]
  output.result(versions, () =>
    versions.length === 0
      ? 'No adapters were accepted yet; they come of rounds: shoal learn rounds.'
      : table(
          ['ADAPTER', 'BASE', 'DOMAIN', 'LOSS', 'FROM', 'STAKE', 'ACCEPTED', 'USED'],
          versions.map(version => [
            shortAdapter(version.adapter),
            modelName(version.base),
            version.domain,
            describeLoss(version.loss),
            count(version.contributors.length, 'node'),
            readableCredits(version.stakeFor),
            readableTime(version.acceptedAt),
            version.isCurrent ? (version.model === null ? 'yes' : 'yes, served') : 'no',
          ]),
          { columns: output.columns, mayLack: ['ACCEPTED', 'STAKE', 'FROM'] },
        ),
  )
}

/** Prints an adapter's line down to its base with what was checked. */
export async function showLineage(name: string, client: ControlClient, output: Output): Promise<void> {
  const lineage = (await client.call('learnLineage', { version: name })) as LineageView
  if (!lineage.holds) process.exitCode = EXIT.failed
  output.result(lineage, () => output.copyable(describeLineage(lineage)))
}

/** Makes a line use another version. */
export async function rollBack(
  version: string,
  options: RollbackOptions,
  { client, output }: { client: ControlClient; output: Output },
): Promise<void> {
  const { base = null, domain = null } = options
  const parameters = { version: version === BASE ? null : version, base, domain }
  const done = (await client.call('learnRollback', parameters)) as RollbackView
  output.result(done, () => {
    const to = done.to === null ? 'nothing but itself' : shortAdapter(done.to)
    const from = done.from === null ? 'nothing' : shortAdapter(done.from)
    return `${paint('green', '✓')} ${modelName(done.base)} now wears ${to} for ${done.domain}, in place of ${from}.`
  })
}

function describeLineage({ steps, base, reachesBase, contractProblems, holds }: LineageView): string {
  const lines = steps.flatMap((step, depth) => describeStep(step, '   '.repeat(depth)))
  const end = '   '.repeat(steps.length)
  lines.push(
    reachesBase
      ? `${end}└─ ${modelName(base)} ${paint('dim', shortHex(base.split('@')[1] ?? ''))}`
      : `${end}└─ ${paint('yellow', '!')} what it goes on from is not known here`,
  )
  if (contractProblems === null)
    lines.push('', `${paint('yellow', '!')} The chain did not answer: the contracts were not looked at.`)
  else if (contractProblems.length > 0)
    lines.push(
      '',
      `${paint('red', '✗')} The contracts that hold the anchors are not right: ${contractProblems.join('; ')}.`,
    )
  lines.push(
    '',
    holds ? `${paint('green', '✓')} All of it holds.` : `${paint('red', '✗')} Not all of it holds.`,
  )
  return lines.join('\n')
}

function describeStep(step: LineageStepView, indent: string): string[] {
  const { adapter, domain, loss, general, round, dataDomains, isCurrent, participating, stakeFor, votes } =
    step
  const rest = `${indent}│  `
  return [
    `${indent}${indent === '' ? '' : '└─ '}${paint('bold', shortAdapter(adapter))}${isCurrent ? paint('green', ' in use') : ''}`,
    `${rest}round ${shortHex(round)} on ${domain}, ended ${readableTime(step.acceptedAt)}: loss ${describeLoss(loss)}${general === null ? '' : `, general ${describeLoss(general)}`}`,
    `${rest}data of ${dataDomains.join(', ')}`,
    ...step.contributors.map(
      ({ node, sharePercent }) =>
        `${rest}${paint('dim', '·')} ${shortPeer(node)} ${sharePercent.toFixed(1)} %`,
    ),
    `${rest}${describeProof(step)}: ${count(votes, 'vote')}, ${readableCredits(stakeFor)} of ${readableCredits(participating)} credits at stake for it`,
    `${rest}${describeAnchoring(step)}`,
  ]
}

function describeProof({ problem, signatures }: LineageStepView): string {
  return problem === null
    ? `${paint('green', '✓')} ${count(signatures, 'signature')} right`
    : `${paint('red', '✗')} ${problem.code}: ${problem.message}`
}

function describeAnchoring({ anchoring, sequence, transaction, anchoredAt }: LineageStepView): string {
  switch (anchoring) {
    case 'anchored':
      return `${paint('green', '✓')} event ${sequence} anchored ${readableTime(anchoredAt!)} in ${shortHex(transaction!)}`
    case 'waiting':
      return paint('dim', `· event ${sequence} is not anchored yet; the node does it in time`)
    case 'unasked':
      return `${paint('yellow', '!')} event ${sequence} fits its anchor; the chain was not asked`
    case 'wrong':
      return `${paint('red', '✗')} event ${sequence} is not under the anchor that the chain has`
    case 'missing':
      return `${paint('red', '✗')} this node's audit log has no event of it`
  }
}

function describeLoss({ before, after }: LossPairView): string {
  return `${before.toFixed(3)} → ${after.toFixed(3)}`
}

function shortAdapter(id: string): string {
  const [name, digest = ''] = id.split('@')
  return `${name}@${shortHex(digest)}`
}
