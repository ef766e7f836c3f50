import { WalletPageError } from './errors.ts'

/** What a wallet puts into the page (EIP-1193), as far as it is used here. */
export interface Eip1193Provider {
  request(call: { method: string; params?: readonly unknown[] | object }): Promise<unknown>
  on?(event: string, listener: (...values: never[]) => void): unknown
  removeListener?(event: string, listener: (...values: never[]) => void): unknown
}

/** Reads a chain; a wallet's provider or an RPC endpoint. */
export type RpcRequest = (method: string, params: readonly unknown[]) => Promise<unknown>

/** Of EIP-1193 and EIP-3326. */
const USER_REJECTED = 4001
const UNAUTHORIZED = 4100
export const CHAIN_NOT_ADDED = 4902

/** The code of a wallet's error, also where a library has wrapped it. */
export function walletErrorCode(error: unknown): number | null {
  for (let at: unknown = error, depth = 0; depth < 4; depth++) {
    if (typeof at !== 'object' || at === null) return null
    const { code, data, cause } = at as {
      code?: unknown
      data?: { originalError?: unknown }
      cause?: unknown
    }
    if (code === USER_REJECTED || code === UNAUTHORIZED || code === CHAIN_NOT_ADDED) return code
    at = data?.originalError ?? cause
  }
  return null
}

/**
 * Asks a wallet, and names what went wrong.
 * @throws {WalletPageError} REJECTED, NO_ACCOUNT, WALLET_FAILED
 */
export async function askWallet(
  provider: Eip1193Provider,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  try {
    return await provider.request({ method, params })
  } catch (cause) {
    if (cause instanceof WalletPageError) throw cause
    const code = walletErrorCode(cause)
    if (code === USER_REJECTED) {
      throw new WalletPageError('REJECTED', 'you said no in your wallet; nothing has happened', {
        fix: 'Try again when you want to.',
        cause,
      })
    }
    if (code === UNAUTHORIZED) {
      throw new WalletPageError('NO_ACCOUNT', 'the wallet has not given this page an account', {
        fix: 'Connect it again.',
        cause,
      })
    }
    throw new WalletPageError('WALLET_FAILED', `the wallet could not do this: ${shortText(cause)}`, {
      fix: 'Open the wallet and see what it says, then try again.',
      details: { method, ...(code === null ? {} : { walletCode: code }) },
      cause,
    })
  }
}

/** What an error of a wallet says of itself, short. */
export function shortText(error: unknown): string {
  const { message, shortMessage } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown
    shortMessage?: unknown
  }
  const text = typeof shortMessage === 'string' ? shortMessage : typeof message === 'string' ? message : ''
  return text === '' ? 'it gave no reason' : text.length > 160 ? `${text.slice(0, 159)}…` : text
}
