import { chainCheck } from '../../node/auditlog/chain-check.ts'
import { type AuditVerdict, verifyAuditLog } from '../../node/auditlog/verify.ts'
import { type ChannelEvent, parseLog } from '../../node/chain/channel-watcher.ts'
import { contractInterfaces } from '../../node/chain/client.ts'
import type { BookedReceipt } from '../../node/tasks/receipt-book.ts'
import {
  type AuditEventDetails,
  type AuditEventKind,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { TestNode } from '../helpers/nodes.ts'

type EventOf<K extends AuditEventKind> = Extract<AuditEventDetails, { kind: K }>

/** What a node has written down, read back for comparison. */
export interface Books {
  receipts: BookedReceipt[]
  events: AuditEventDetails[]
  verdict: AuditVerdict
}

/** Reads a node's receipts and audit log, and verifies the log against the chain. */
export async function readBooks({ node, wallet }: TestNode): Promise<Books> {
  const receipts: BookedReceipt[] = []
  for await (const receipt of node.parts.receipts.list()) receipts.push(receipt)
  const events: AuditEventDetails[] = []
  const { eventLog } = node.parts
  for await (const { record } of eventLog.read(1, eventLog.lastSequence))
    events.push(openRecord(auditEventMessage, record).body.event)
  const verdict = await verifyAuditLog(
    { path: node.dataDir.auditLog, nodeKey: node.parts.host.nodeKey },
    { checkAnchor: chainCheck(node.trade.economy.client, wallet.address) },
  )
  return { receipts, events, verdict }
}

export function eventsOf<K extends AuditEventKind>({ events }: Books, kind: K): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind)
}

/** Everything Settlement has told of channels since its deployment. */
export async function chainHistory({ node }: TestNode): Promise<ChannelEvent[]> {
  const { client } = node.trade.economy
  const logs = (await client.request('eth_getLogs', [
    { address: client.addresses.settlement, fromBlock: '0x0', toBlock: 'latest' },
  ])) as { topics: string[]; data: string; transactionHash: string }[]
  return logs.flatMap(({ topics, data, transactionHash }) => {
    return parseLog({ topics, data, transaction: transactionHash }) ?? []
  })
}

/** Credits of an address in the token, base units. */
export async function tokensOf({ node }: TestNode, address: string): Promise<bigint> {
  const { client } = node.trade.economy
  const abi = contractInterfaces.creditToken
  const data = abi.encodeFunctionData('balanceOf', [address])
  const result = await client.request('eth_call', [{ to: client.addresses.creditToken, data }, 'latest'])
  return abi.decodeFunctionResult('balanceOf', result as string)[0] as bigint
}

/** What an address was given out of the genesis supply, as the token says. */
export async function givenTo(node: TestNode, address: string): Promise<bigint> {
  const none = '0x'
  const [genesis] = await transfers(node, none, null)
  const gifts = await transfers(node, `0x${genesis!.topics[2]!.slice(-40)}`, address)
  return gifts.reduce((sum, { data }) => sum + BigInt(data), 0n)
}

async function transfers({ node }: TestNode, from: string, to: string | null) {
  const { client } = node.trade.economy
  const word = (hex: string) => `0x${hex.slice(2).padStart(64, '0')}`
  const topics = [contractInterfaces.creditToken.getEvent('Transfer')!.topicHash, word(from)]
  return (await client.request('eth_getLogs', [
    {
      address: client.addresses.creditToken,
      fromBlock: '0x0',
      toBlock: 'latest',
      topics: to === null ? topics : [...topics, word(to)],
    },
  ])) as { topics: string[]; data: string }[]
}
