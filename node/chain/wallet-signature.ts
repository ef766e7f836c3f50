import { Interface } from 'ethers/abi'
import { hashMessage, verifyMessage } from 'ethers/hash'
import type { Address } from '../../protocol/ids.ts'
import type { ChainClient } from './client.ts'
import { ChainError } from './errors.ts'

const contractWallet = new Interface([
  'function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)',
])
/** What the function answers for a signature that holds (ERC-1271). */
const HOLDS = '0x1626ba7e'

/**
 * Whether a wallet has signed a text (EIP-191): an account by its key, a contract by what it says itself (ERC-1271).
 * @param modules.client null where no chain answers: then accounts only
 * @throws {ChainError} CHAIN_UNREACHABLE when a contract would have to be asked
 */
export async function isSignedBy(
  wallet: Address,
  signed: { text: string; signature: string },
  modules: { client: ChainClient | null },
): Promise<boolean> {
  if (signerOf(signed) === wallet) return true
  const { client } = modules
  if (client === null) return false
  const data = contractWallet.encodeFunctionData('isValidSignature', [
    hashMessage(signed.text),
    signed.signature,
  ])
  try {
    const answer = await client.request('eth_call', [{ to: wallet, data }, 'latest'])
    // One word, the four bytes at its beginning; an address without code answers nothing.
    return typeof answer === 'string' && answer.length === 66 && answer.startsWith(HOLDS)
  } catch (error) {
    // A contract that reverts says no.
    if (error instanceof ChainError && error.code === 'TRANSACTION_REJECTED') return false
    throw error
  }
}

/** Null where it is no signature of an account. */
function signerOf({ text, signature }: { text: string; signature: string }): Address | null {
  try {
    return verifyMessage(text, signature).toLowerCase()
  } catch {
    return null
  }
}
