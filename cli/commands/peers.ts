import type { Command } from 'commander'
import type { AuditorView } from '../../node/gateway/audit-views.ts'
import type { PeerDetailView } from '../../node/gateway/trust-views.ts'
import type { PeerView } from '../../node/gateway/views.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { attestationClaims, attestationLine } from '../ui/attestation.ts'
import { modelName, type Output, paint, properties, shortPeer, table } from '../ui/output.ts'
import { count, readableTime } from '../ui/readable.ts'

/** Commands that show the nodes this one knows, and how far it trusts them. */
export function registerPeers(program: Command): void {
  const peers = withCommonOptions(program.command('peers'))
    .summary('List the nodes this node is connected to')
    .description('List the nodes this node is connected to, the most trusted first')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal peers
  $ shoal peers show 12D3KooW…x7Qa
  $ shoal peers --json | jq ".[].peerId"`,
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const views = (await (await runningNode(options, output)).call('peers', {})) as PeerView[]
      const sorted = views.toSorted((a, b) => b.reputation - a.reputation || (a.peerId < b.peerId ? -1 : 1))
      output.result(sorted, () => describePeers(sorted, output))
    })

  withCommonOptions(peers.command('show'))
    .summary('Show how far a peer is trusted, and why')
    .description('Show how far a peer is trusted, component by component, with the evidence')
    .argument('<peer>', 'A PeerId, or what lists show of one: 12D3KooW…x7Qa, or x7Qa')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal peers show 12D3KooW…x7Qa
  $ shoal peers show x7Qa --json | jq '.components[] | {component, mean}'

The score is this node's own opinion. It comes from what this node has seen,
a little from what others report of tasks they have paid for, and fades with time.`,
    )
    .action(async (peer: string, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('peer', { peer })) as PeerDetailView
      output.result(view, () => describePeer(view, output))
    })
}

function describePeers(peers: readonly PeerView[], output: Output): string {
  if (peers.length === 0) {
    return output.copyable(
      'No peers yet. Name a node to join by with --bootstrap; shoal doctor looks for problems.',
    )
  }
  return table(
    ['PEER', 'ADDRESS', 'DIRECTION', 'REPUTATION', 'TASKS', 'MODELS'],
    peers.map(peer => [
      shortPeer(peer.peerId),
      peer.address.replace(/\/p2p\/[^/]+$/, '') + (peer.relayed ? ' (relayed)' : ''),
      peer.direction,
      Math.round(peer.reputation),
      peer.tasks,
      peer.models.map(modelName).join(', ') || '-',
    ]),
    { columns: output.columns, mayLack: ['DIRECTION', 'TASKS'] },
  )
}

function describePeer(view: PeerDetailView, output: Output): string {
  const { columns } = output
  const parts = [
    properties(summaryOf(view)),
    table(
      ['COMPONENT', 'WEIGHT', 'MEAN', 'AT LEAST', 'POINTS', 'GOOD', 'BAD'],
      view.components.map(({ component, weight, mean, atLeast, points, good, bad }) => [
        component,
        `${Math.round(100 * weight)} %`,
        mean.toFixed(1),
        atLeast.toFixed(1),
        points.toFixed(1),
        good.toFixed(1),
        bad.toFixed(1),
      ]),
      { columns, mayLack: ['AT LEAST', 'WEIGHT'] },
    ),
  ]
  if (view.auditsByModel.length > 0) {
    parts.push(
      table(
        ['AUDITED MODEL', 'PASSED', 'FAILED', 'TOGETHER', 'RECEIPTS', 'TOKENS', 'AGAINST IT', 'LAST'],
        view.auditsByModel.map(({ model, passed, failed, uncalibrated, pooled, lastAt }) => [
          modelName(model),
          uncalibrated > 0 ? `${passed} (${uncalibrated} without a baseline)` : passed,
          failed,
          pooled?.decision ?? '-',
          pooled?.receipts ?? '-',
          pooled?.tokens ?? '-',
          pooled === null ? '-' : `${Math.round(100 * pooled.evidence)} %`,
          readableTime(lastAt),
        ]),
        { columns, mayLack: ['LAST', 'RECEIPTS', 'TOKENS'] },
      ),
    )
  }
  if (view.witnesses.length > 0) {
    parts.push(
      table(
        ['WITNESS', 'REPORTS', 'GOOD', 'BAD', 'AGREES', 'COUNTS', 'LAST'],
        view.witnesses.map(witness => [
          shortPeer(witness.peerId) + (witness.sameOperator ? ' (same operator)' : ''),
          witness.reports,
          witness.good.toFixed(1),
          witness.bad.toFixed(1),
          `${Math.round(100 * witness.agreement)} %`,
          witness.weight.toFixed(2),
          readableTime(witness.lastAt),
        ]),
        { columns, mayLack: ['LAST', 'GOOD', 'BAD'] },
      ),
    )
  }
  if (view.evidence.length > 0) {
    parts.push(
      table(
        ['SEEN', 'EVIDENCE', 'RESULT', 'BY'],
        view.evidence.map(({ at, kind, what, witness }) => [
          readableTime(at),
          kind,
          what.replaceAll('_', ' '),
          witness === null ? 'this node' : shortPeer(witness),
        ]),
        { columns },
      ),
    )
  }
  const claims = attestationClaims(view.attestation)
  if (claims !== null) parts.push(claims)
  return parts.join('\n\n')
}

function summaryOf(view: PeerDetailView): [string, string][] {
  const { results, audits, contacts } = view
  const happened = Object.entries(results).flatMap(([result, n]) => (n > 0 ? [`${n} ${result}`] : []))
  const sum = view.components.reduce((points, component) => points + component.points, 0)
  return [
    ['Peer', view.peerId],
    [
      'Reputation',
      `${paint('bold', String(view.reputation))} of 100, at least ${Math.round(view.reputationAtLeast)}${view.welcome ? '' : paint('red', ', not talked to for now')}`,
    ],
    ...(view.restraint < 1 || view.inheritedPoints > 0 ? [['', sumOf(view, sum)] as [string, string]] : []),
    ['Honesty', honestyOf(view)],
    ['Reliability', `${Math.round(100 * view.reliability)} % of its tasks are expected to end well`],
    ['Tasks', view.tasks === 0 ? 'none of ours' : `${view.tasks}: ${happened.join(', ')}`],
    ['Audits', `${audits.passed} passed, ${audits.failed} failed`],
    ...(view.auditor === null ? [] : [['As an auditor', auditorLine(view.auditor)] as [string, string]]),
    ['Contacts', `${contacts.reached} reached, ${contacts.missed} missed`],
    [
      'Rules broken',
      `${count(view.violations, 'time')}; ${view.penaltyPoints.toFixed(0)} penalty points now, more than 30 end all contact`,
    ],
    ['Hardware', attestationLine(view.attestation)],
    ['Operator', view.operator.join(', ') || 'nothing is known'],
    ['Known since', view.firstSeen === null ? 'never seen' : readableTime(view.firstSeen)],
    ['Connected', view.connected ? 'yes' : 'no'],
  ]
}

function auditorLine({ canariesRight, canariesWrong, weight, excluded }: AuditorView): string {
  const tested = `right about ${canariesRight.toFixed(1)} known answers, wrong about ${canariesWrong.toFixed(1)}`
  return `${tested}; ${excluded ? paint('red', 'asked no more') : `its word counts ${weight.toFixed(2)} of an own audit`}`
}

/** What it has shown, and what follows from it. */
function honestyOf({ honesty }: PeerDetailView): string {
  const { standing, hasStake, proof, vouched, accused, prospect } = honesty
  const shown = `${proof.toFixed(1)} of proof, ${vouched.toFixed(1)} witnesses for it, ${accused.toFixed(1)} against`
  const chance = `${Math.round(100 * prospect)} % likely to be honest`
  const meaning = {
    proven: 'proven; chosen for what it offers',
    unproven: `not proven yet, ${hasStake ? 'with' : 'without'} a stake; tried out, ${chance}`,
    suspected: `suspected; tried out at most, ${chance}`,
    caught: 'caught cheating; given nothing',
  }[standing]
  return `${meaning} (${shown})`
}

/** How the score comes from the components where it is not their sum. */
function sumOf(view: PeerDetailView, sum: number): string {
  const restrained = view.restraint < 1 ? ` × ${view.restraint.toFixed(2)} for failing or cheating` : ''
  const patrons = view.inheritedFrom.map(
    ({ peerId, points }) => `${points.toFixed(1)} from ${shortPeer(peerId)}`,
  )
  const inherited =
    view.inheritedPoints > 0 ? ` + ${view.inheritedPoints.toFixed(1)} inherited (${patrons.join(', ')})` : ''
  return `${sum.toFixed(1)} of the components${restrained}${inherited}`
}
