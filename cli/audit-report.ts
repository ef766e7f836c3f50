import { chainCheck } from '../node/auditlog/chain-check.ts'
import { type InclusionProof, verifyInclusion } from '../node/auditlog/merkle.ts'
import {
  type AuditProblem,
  type AuditVerdict,
  proveEvent,
  readEvent,
  verifyAuditLog,
} from '../node/auditlog/verify.ts'
import { readDeploymentFile } from '../node/chain/addresses.ts'
import { ChainClient } from '../node/chain/client.ts'
import { dataDirAt } from '../node/data-dir.ts'
import type { StatusView } from '../node/gateway/views.ts'
import { keystoreAddress } from '../node/payments/wallet.ts'
import type { AuditEventDetails } from '../protocol/messages/audit-event.ts'
import { formatCredits } from '../protocol/money.ts'
import type { VerifyOptions } from './commands/audit.ts'
import { configFrom, dataDirFrom, runningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { type Output, paint, properties, shortHex } from './ui/output.ts'
import { exists } from './wallet-password.ts'

/** What was found out about one event. */
interface EventReport {
  sequence: number
  timeMs: number
  event: AuditEventDetails
  proof: InclusionProof | null
  includedOffline: boolean | null
  includedByContract: boolean | null
}

const PROBLEMS: Record<AuditProblem, string> = {
  unreadable: 'cannot be read: it was cut or overwritten',
  bad_signature: 'was changed: its signature does not fit',
  wrong_node: 'was signed by another node',
  wrong_sequence: 'is out of place: an entry was removed, added or moved',
  broken_chain: 'does not follow the entry before it',
  root_mismatch: 'begins a range that has another Merkle root than was anchored',
  not_anchored_so: 'begins a range that the chain has another anchor for, or none',
}

/** Checks the audit log of a running or stopped node and prints the verdict. */
export async function verifyLog(options: VerifyOptions, output: Output): Promise<void> {
  const place = await findLog(options, output)
  try {
    const verdict = await verifyAuditLog(
      { path: place.path },
      place.chain === null ? {} : { checkAnchor: chainCheck(place.chain.client, place.chain.wallet) },
    )
    const event =
      options.event === undefined || verdict.problem !== null
        ? null
        : await reportEvent(options.event, verdict, place)
    if (verdict.problem !== null) process.exitCode = EXIT.failed
    output.result(
      { ok: verdict.problem === null, checkedWithChain: place.chain !== null, ...verdict, event },
      () => describe(verdict, event, place),
    )
  } finally {
    place.chain?.client.stop()
  }
}

interface LogPlace {
  path: string
  /** Null when the chain is not to be asked, or cannot be. */
  chain: { client: ChainClient; wallet: string } | null
}

/** The log of the running node, or of a stopped one's folder; with the chain that holds its anchors. */
async function findLog(options: VerifyOptions, output: Output): Promise<LogPlace> {
  const running = await runningNode(options, output).catch(() => null)
  if (running !== null) {
    const status = (await running.call('status', {})) as StatusView
    const { url, deployment } = status.chain
    const chain =
      options.offline === true
        ? null
        : {
            client: await ChainClient.connect({ rpcUrl: url, expectedChainId: null, deployment }),
            wallet: status.wallet,
          }
    return { path: dataDirAt(status.dataDir).auditLog, chain }
  }
  const dataDir = dataDirFrom(options)
  if (!(await exists(dataDir.auditLog)))
    throw usageError(`there is no audit log in ${dataDir.root}`, 'Name the folder of a node with --data.')
  const { config } = await configFrom(options)
  const file = config['chain.contracts']
  const wallet = await keystoreAddress(dataDir.wallet)
  if (options.offline === true || config['chain.rpc'] === 'local' || file === null || wallet === null)
    return { path: dataDir.auditLog, chain: null }
  const deployment = await readDeploymentFile(file)
  const client = await ChainClient.connect({ rpcUrl: config['chain.rpc'], expectedChainId: null, deployment })
  return { path: dataDir.auditLog, chain: { client, wallet } }
}

async function reportEvent(text: string, verdict: AuditVerdict, place: LogPlace): Promise<EventReport> {
  const sequence = Number(text)
  const record = Number.isSafeInteger(sequence) && sequence > 0 ? await readEvent(place.path, sequence) : null
  if (record === null) throw usageError(`there is no event ${text}; the log has 1 to ${verdict.events}`)
  const proof = await proveEvent(place.path, verdict, sequence)
  return {
    sequence,
    timeMs: record.body.timeMs,
    event: jsonable(record.body.event),
    proof,
    includedOffline: proof === null ? null : verifyInclusion(proof),
    includedByContract:
      proof === null || place.chain === null
        ? null
        : await place.chain.client.verifyInclusion(place.chain.wallet, proof),
  }
}

function jsonable(event: AuditEventDetails): AuditEventDetails {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? formatCredits(value) : value,
    ]),
  ) as unknown as AuditEventDetails
}

function describe(verdict: AuditVerdict, report: EventReport | null, place: LogPlace): string {
  const { problem, events, anchors } = verdict
  if (problem !== null) {
    return `${paint('red', '✗')} Entry ${problem.sequence} of ${place.path} ${PROBLEMS[problem.reason]}.\n  Everything before it is intact; restore the file from a backup to have the rest.`
  }
  const anchored = anchors.at(-1)?.lastSequence ?? 0
  const lines = [
    `${paint('green', '✓')} ${events} events: every signature, place and link is right.`,
    place.chain === null
      ? `${paint('yellow', '!')} ${anchors.length} anchors fit the log; the chain was not asked.`
      : `${paint('green', '✓')} ${anchors.length} anchors are on chain as the log says, up to event ${anchored}.`,
  ]
  if (events > anchored) lines.push(paint('dim', `· ${events - anchored} newer events are not anchored yet.`))
  if (report !== null) lines.push('', describeEvent(report))
  return lines.join('\n')
}

function describeEvent({
  sequence,
  timeMs,
  event,
  proof,
  includedOffline,
  includedByContract,
}: EventReport): string {
  const verdict = (included: boolean | null, unknown: string) =>
    included === null ? unknown : included ? paint('green', 'yes') : paint('red', 'no')
  return properties([
    [`Event ${sequence}`, `${event.kind} at ${new Date(timeMs).toISOString()}`],
    ...Object.entries(event)
      .filter(([key]) => key !== 'kind' && key !== 'v')
      .map(
        ([key, value]) =>
          [
            key,
            Array.isArray(value) ? value.map(item => shortHex(String(item))).join(', ') : String(value),
          ] as const,
      ),
    [
      'Anchored in',
      proof === null
        ? 'no range yet'
        : `events ${proof.firstSequence} to ${proof.lastSequence}, root ${shortHex(proof.root)}`,
    ],
    ['By the proof', verdict(includedOffline, 'not anchored yet')],
    ['By the contract', verdict(includedByContract, 'not asked')],
  ])
}
