import { Transaction, Wallet } from 'ethers'

/** The part of EIP-1193 that is used here. */
export interface Eip1193Provider {
  request(request: { method: string; params?: readonly unknown[] | object }): Promise<unknown>
}

/** Transaction as `eth_sendTransaction` takes it, with everything filled in. */
interface TransactionRequest {
  to?: string
  data?: string
  value?: string
  nonce: string
  gas: string
  gasPrice?: string
  maxFeePerGas?: string
  maxPriorityFeePerGas?: string
}

/**
 * A provider whose one account is the given key: it signs what is sent by `eth_sendTransaction`.
 * @param privateKey hex
 */
export function signingProvider(privateKey: string, provider: Eip1193Provider): Eip1193Provider {
  const wallet = new Wallet(privateKey)
  return {
    async request({ method, params }) {
      if (method === 'eth_accounts') return [wallet.address]
      if (method !== 'eth_sendTransaction')
        return await provider.request({ method, ...(params && { params }) })
      const [request] = params as readonly [TransactionRequest]
      const chainId = BigInt((await provider.request({ method: 'eth_chainId' })) as string)
      const transaction = unsigned(request, chainId)
      transaction.signature = wallet.signingKey.sign(transaction.unsignedHash)
      return await provider.request({ method: 'eth_sendRawTransaction', params: [transaction.serialized] })
    },
  }
}

/** A provider that remembers the hashes of the transactions sent through it. */
export function recordingProvider(
  provider: Eip1193Provider,
  onSent: (hash: string) => void = () => {},
): {
  provider: Eip1193Provider
  sentHashes: string[]
} {
  const sentHashes: string[] = []
  return {
    sentHashes,
    provider: {
      async request(request) {
        const result = await provider.request(request)
        if (request.method === 'eth_sendTransaction') {
          sentHashes.push(result as string)
          onSent(result as string)
        }
        return result
      },
    },
  }
}

function unsigned(request: TransactionRequest, chainId: bigint): Transaction {
  const transaction = new Transaction()
  transaction.chainId = chainId
  transaction.to = request.to ?? null
  transaction.data = request.data ?? '0x'
  transaction.value = BigInt(request.value ?? 0)
  transaction.nonce = Number(request.nonce)
  transaction.gasLimit = BigInt(request.gas)
  if (request.gasPrice !== undefined) {
    transaction.type = 0
    transaction.gasPrice = BigInt(request.gasPrice)
  } else {
    transaction.type = 2
    transaction.maxFeePerGas = BigInt(request.maxFeePerGas ?? 0)
    transaction.maxPriorityFeePerGas = BigInt(request.maxPriorityFeePerGas ?? 0)
  }
  return transaction
}
