import type { Eip1193Provider, RpcRequest } from './eip1193.ts'
import { shortText } from './eip1193.ts'
import { WalletPageError } from './errors.ts'

const TIMEOUT_MS = 15_000
const MAX_RESPONSE_CHARS = 8_388_608

/** Reads a chain through the wallet: its own node, not ours. */
export function walletRpc(provider: Eip1193Provider): RpcRequest {
  return async (method, params) => {
    try {
      return await provider.request({ method, params })
    } catch (cause) {
      throw unreachable(`the wallet's node: ${shortText(cause)}`, cause)
    }
  }
}

/** Reads a chain from an RPC endpoint the person has named. @throws {WalletPageError} CHAIN_UNREACHABLE */
export function httpRpc(url: string, fetchIt: typeof fetch = fetch): RpcRequest {
  let id = 0
  return async (method, params) => {
    let answer: { result?: unknown; error?: { message?: string } }
    try {
      const response = await fetchIt(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        // Whoever runs it learns neither who asks nor from which page.
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      })
      const text = await response.text()
      if (text.length > MAX_RESPONSE_CHARS) throw new RangeError('the answer is too long')
      answer = JSON.parse(text) as typeof answer
    } catch (cause) {
      throw unreachable(`${url}: ${shortText(cause)}`, cause)
    }
    if (answer.error !== undefined) throw unreachable(`${url}: ${shortText(answer.error)}`, answer.error)
    return answer.result
  }
}

function unreachable(what: string, cause: unknown): WalletPageError {
  return new WalletPageError('CHAIN_UNREACHABLE', `the chain did not answer, through ${what}`, {
    fix: 'Check the connection of the wallet, or give another RPC address.',
    cause,
  })
}
