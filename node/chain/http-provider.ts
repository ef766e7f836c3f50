import type { Eip1193Provider } from './deploy-signer.ts'
import { ChainError } from './errors.ts'

const REQUEST_TIMEOUT_MS = 30_000

/**
 * The JSON-RPC of a chain. A refusal is thrown with the chain's message, code and data.
 * @throws {ChainError} CHAIN_UNREACHABLE
 */
export function httpProvider(rpcUrl: string): Eip1193Provider {
  return {
    async request({ method, params = [] }) {
      const { result, error } = await post(rpcUrl, { jsonrpc: '2.0', id: 1, method, params })
      if (error !== undefined) throw Object.assign(new Error(error.message), error)
      return result
    },
  }
}

async function post(
  rpcUrl: string,
  body: unknown,
): Promise<{ result?: unknown; error?: { message: string; code?: number; data?: unknown } }> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    return (await response.json()) as Awaited<ReturnType<typeof post>>
  } catch (cause) {
    throw new ChainError('CHAIN_UNREACHABLE', `the chain at ${rpcUrl} does not answer`, {
      fix: 'Check --rpc and your connection.',
      cause,
    })
  }
}
