import type { Address } from '../../protocol/ids.ts'
import { type ChainClient, contractInterfaces } from '../chain/client.ts'
import { topicOf } from '../chain/court.ts'
import type { LogIndex } from './log-index.ts'
import type { AuditOutbox } from './outbox.ts'

export interface AdoptAnchorsModules {
  client: ChainClient
  index: LogIndex
  outbox: AuditOutbox
  wallet: Address
}

const { auditAnchor } = contractInterfaces

/**
 * Logs anchors of our log that others brought to the chain: whoever has a root that we signed may do so. Without
 * this, our own account of our anchors would have a gap. Not to be called while an anchor of ours is under way.
 * @returns how many there were
 * @throws {ChainError} CHAIN_UNREACHABLE
 */
export async function adoptAnchors(modules: AdoptAnchorsModules): Promise<number> {
  const { client, index, outbox, wallet } = modules
  const known = await index.anchors()
  const [count] = await client.read('auditAnchor', 'anchorCount', [wallet])
  let adopted = 0
  for (let number = known.length; number < Number(count); number++) {
    const [log] = (await client.request('eth_getLogs', [
      {
        address: client.addresses.auditAnchor,
        fromBlock: `0x${client.deployment.deploymentBlock.toString(16)}`,
        toBlock: 'latest',
        topics: [
          auditAnchor.getEvent('Anchored')!.topicHash,
          `0x${wallet.slice(2).padStart(64, '0')}`,
          topicOf(number),
        ],
      },
    ])) as { topics: string[]; data: string; transactionHash: string }[]
    if (log === undefined) break
    const { root, firstSequence, lastSequence } = auditAnchor.parseLog(log)!.args
    await outbox.record(
      [],
      [
        {
          kind: 'anchor.confirmed',
          v: 1,
          root: (root as string).toLowerCase(),
          firstSequence: Number(firstSequence),
          lastSequence: Number(lastSequence),
          transaction: log.transactionHash,
        },
      ],
    )
    adopted++
  }
  return adopted
}
