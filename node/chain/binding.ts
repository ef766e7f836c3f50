import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { ChainClient } from './client.ts'
import { encodeCall } from './publisher.ts'
import type { RecordedCalls } from './recorded-calls.ts'

/**
 * Declares our node key in the registry, as the wallet's half of their binding (the node key's half is its
 * signature under our offers). Does nothing when it is declared already.
 * @returns whether the wallet now says so
 */
export async function bindNodeKey(
  options: { nodeKey: NodeKey; wallet: Address },
  modules: { client: ChainClient; calls: RecordedCalls },
): Promise<boolean> {
  const { nodeKey, wallet } = options
  const { client, calls } = modules
  const declared = await client.nodeKeyOf(wallet)
  if (declared === nodeKey) return true
  const outcome = await calls.run({
    // A key that comes back, after another or after none, needs a transaction of its own.
    id: `bind:${nodeKey}:nonce:${await client.bindingNonce(wallet)}`,
    contract: 'nodeRegistry',
    data: encodeCall('nodeRegistry', 'bind', [`0x${nodeKey}`]),
    event: { kind: 'wallet.bound', v: 1, wallet, chainId: client.chainId },
  })
  return outcome.status === 'confirmed'
}
