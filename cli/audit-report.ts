import { bytesToHex } from '@noble/hashes/utils.js'
import { chainCheck } from '../node/auditlog/chain-check.ts'
import { type InclusionProof, verifyInclusion } from '../node/auditlog/merkle.ts'
import {
  type AuditProblem,
  type AuditVerdict,
  proveEvent,
  readEvent,
  verifyAuditLog,
} from '../node/auditlog/verify.ts'
import { type KnownDeployment, readDeploymentFile } from '../node/chain/addresses.ts'
import { ChainClient } from '../node/chain/client.ts'
import { dataDirAt } from '../node/data-dir.ts'
import type { StatusView } from '../node/gateway/views.ts'
import { loadOrCreateNodeKey } from '../node/identity.ts'
import { keystoreAddress } from '../node/payments/wallet.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { createNodeSigner } from '../protocol/identity.ts'
import { type NodeKey, publicKeyFromPeerId } from '../protocol/ids.ts'
import type { AuditEventDetails } from '../protocol/messages/audit-event.ts'
import { formatCredits } from '../protocol/money.ts'
import type { VerifyOptions } from './commands/audit.ts'
import { dataDirFrom, runningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { configFrom } from './setting-flags.ts'
import { type Output, paint, properties, shortHex } from './ui/output.ts'
import { count, readableTime } from './ui/readable.ts'
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

const PROBLEMS: Record<AuditProblem | 'missing', string> = {
  unreadable: 'cannot be read: it was cut or overwritten',
  bad_signature: 'was changed: its signature does not fit',
  wrong_node: 'was signed by another node',
  wrong_sequence: 'is out of place: an entry was removed, added or moved',
  broken_chain: 'does not follow the entry before it',
  root_mismatch: 'begins a range that has another Merkle root than was anchored',
  missing: 'is missing: the chain has an anchor of it',
  not_anchored_so: 'begins a range that the chain has another anchor for, or none',
}

/** Checks the audit log of a running or stopped node and prints the verdict. */
export async function verifyLog(options: VerifyOptions, output: Output): Promise<void> {
  const place = await findLog(options, output)
  try {
    const verdict = await verdictOn(place)
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

/** How often a running node may be met while it writes an entry. */
const MAX_READS = 3

/** What was found out about a log. */
type LogVerdict = Omit<AuditVerdict, 'problem'> & {
  problem: { sequence: number; reason: AuditProblem | 'missing' } | null
}

async function verdictOn({ path, nodeKey, running, chain }: LogPlace): Promise<LogVerdict> {
  // Asked first: a running node may anchor while its log is read.
  const anchoredUpTo = chain === null ? 0 : (await chain.client.nextAnchorSequence(chain.wallet)) - 1
  for (let read = 1; ; read++) {
    const verdict = await verifyAuditLog(
      { path, ...(nodeKey === null ? {} : { nodeKey }) },
      chain === null ? {} : { checkAnchor: chainCheck(chain.client, chain.wallet) },
    )
    if (verdict.problem === null && anchoredUpTo > verdict.events)
      return { ...verdict, problem: { sequence: verdict.events + 1, reason: 'missing' } }
    // A running node may be writing the last entry just now: damage is what stays.
    const mayBeWriting = running && verdict.problem?.reason === 'unreadable'
    if (!mayBeWriting || read === MAX_READS) return verdict
  }
}

interface LogPlace {
  path: string
  /** Whose log it must be; null when the node has no key any more. */
  nodeKey: NodeKey | null
  running: boolean
  /** Null when the chain is not to be asked, or cannot be. */
  chain: { client: ChainClient; wallet: string } | null
}

/** The log of the running node, or of a stopped one's folder; with the chain that holds its anchors. */
async function findLog(options: VerifyOptions, output: Output): Promise<LogPlace> {
  const running = await runningNode(options, output).catch((error: unknown) => {
    if (isShoalError(error, 'NODE_NOT_RUNNING')) return null
    throw error
  })
  if (running !== null) {
    const status = (await running.call('status', {})) as StatusView
    const { url, deployment } = status.chain
    const chain =
      options.offline === true ? null : { client: await connect(url, deployment), wallet: status.wallet }
    const nodeKey = bytesToHex(publicKeyFromPeerId(status.peerId))
    return { path: dataDirAt(status.dataDir).auditLog, nodeKey, running: true, chain }
  }
  const dataDir = dataDirFrom(options)
  if (!(await exists(dataDir.auditLog)))
    throw usageError(`there is no audit log in ${dataDir.root}`, 'Name the folder of a node with --data.')
  const nodeKey = (await exists(dataDir.nodeKey)) ? await nodeKeyAt(dataDir.nodeKey) : null
  const place = { path: dataDir.auditLog, nodeKey, running: false }
  const { config } = await configFrom(options)
  const file = config['chain.contracts']
  const wallet = await keystoreAddress(dataDir.wallet)
  if (options.offline === true || config['chain.rpc'] === 'local' || file === null || wallet === null)
    return { ...place, chain: null }
  const client = await connect(config['chain.rpc'], await readDeploymentFile(file))
  return { ...place, chain: { client, wallet } }
}

async function nodeKeyAt(path: string): Promise<NodeKey> {
  const { seed } = await loadOrCreateNodeKey(path)
  return bytesToHex(createNodeSigner(seed).publicKey)
}

async function connect(rpcUrl: string, deployment: KnownDeployment): Promise<ChainClient> {
  try {
    return await ChainClient.connect({ rpcUrl, expectedChainId: null, deployment })
  } catch (error) {
    if (!isShoalError(error, 'CHAIN_UNREACHABLE')) throw error
    throw new ShoalError('CHAIN_UNREACHABLE', error.message, {
      fix: 'Try again when it does, or check the log alone: shoal audit verify --offline.',
      cause: error,
    })
  }
}

async function reportEvent(sequence: number, verdict: LogVerdict, place: LogPlace): Promise<EventReport> {
  const record = await readEvent(place.path, sequence)
  if (record === null) {
    throw usageError(
      `there is no event ${sequence}`,
      verdict.events === 0 ? 'The log is empty.' : `The log has events 1 to ${verdict.events}.`,
    )
  }
  const proof = await proveEvent(place.path, { ...verdict, problem: null }, sequence)
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

function describe(verdict: LogVerdict, report: EventReport | null, place: LogPlace): string {
  const { problem, events, anchors } = verdict
  if (problem !== null) {
    return `${paint('red', '✗')} Entry ${problem.sequence} of ${place.path} ${PROBLEMS[problem.reason]}.\n  ${problem.sequence === 1 ? 'R' : 'What is before it is intact; r'}estore the file from a backup to have the rest.`
  }
  const lines = [
    `${paint('green', '✓')} ${count(events, 'event')}: every signature, place and link is right.`,
    describeAnchors(verdict, place),
  ]
  const newer = events - (anchors.at(-1)?.lastSequence ?? 0)
  if (anchors.length > 0 && newer > 0)
    lines.push(
      paint('dim', `· ${count(newer, 'newer event')} ${newer === 1 ? 'is' : 'are'} not anchored yet.`),
    )
  if (report !== null) lines.push('', describeEvent(report))
  return lines.join('\n')
}

function describeAnchors({ anchors }: LogVerdict, place: LogPlace): string {
  const last = anchors.at(-1)?.lastSequence
  if (last === undefined) return paint('dim', '· Nothing is anchored yet; the node does it in time.')
  const what = count(anchors.length, 'anchor')
  return place.chain === null
    ? `${paint('yellow', '!')} ${what} up to event ${last} fit the log; the chain was not asked.`
    : `${paint('green', '✓')} ${what} on chain, as the log says, up to event ${last}.`
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
    [`Event ${sequence}`, `${event.kind} at ${readableTime(new Date(timeMs).toISOString())}`],
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
