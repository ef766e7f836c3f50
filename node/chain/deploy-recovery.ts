// biome-ignore-all lint/style/noRestrictedImports: the deployment is where Ignition is used
import { type ArtifactResolver, trackTransaction, wipe } from '@nomicfoundation/ignition-core'
import type { Eip1193Provider } from './deploy-signer.ts'

/** A transaction Ignition was about to send when it was interrupted. */
export interface LostTransaction {
  futureId: string
  sender: string
  nonce: number
}

interface Context {
  provider: Eip1193Provider
  journalDir: string
  confirmations: number
  artifactResolver: ArtifactResolver
}

/**
 * Finds out whether a lost transaction reached the chain, and tells Ignition's journal.
 * @returns `tracked`: it was mined and is now known; `wiped`: it never arrived, its step will be done anew;
 *   `pending`: it is waiting to be mined
 */
export async function recoverLostTransaction(
  lost: LostTransaction,
  context: Context,
): Promise<'tracked' | 'wiped' | 'pending'> {
  const { provider, journalDir, confirmations, artifactResolver } = context
  const count = async (block: string) =>
    Number(await provider.request({ method: 'eth_getTransactionCount', params: [lost.sender, block] }))
  if ((await count('latest')) > lost.nonce) {
    const hash = await findMined(lost, count, provider)
    await trackTransaction(journalDir, hash, provider, confirmations)
    return 'tracked'
  }
  if ((await count('pending')) > lost.nonce) return 'pending'
  await wipe(journalDir, artifactResolver, lost.futureId)
  return 'wiped'
}

/** Halves the range of blocks until it is the one in which the sender's count passes the nonce. */
async function findMined(
  lost: LostTransaction,
  count: (block: string) => Promise<number>,
  provider: Eip1193Provider,
): Promise<string> {
  let low = 0
  let high = Number(await provider.request({ method: 'eth_blockNumber' }))
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((await count(quantity(middle))) > lost.nonce) high = middle
    else low = middle + 1
  }
  const block = (await provider.request({
    method: 'eth_getBlockByNumber',
    params: [quantity(high), true],
  })) as { transactions: { hash: string; from: string; nonce: string }[] }
  const found = block.transactions.find(
    ({ from, nonce }) => from.toLowerCase() === lost.sender.toLowerCase() && Number(nonce) === lost.nonce,
  )
  if (found === undefined) throw new Error(`block ${high} lacks transaction ${lost.nonce} of ${lost.sender}`)
  return found.hash
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`
}
