import type { TypedDataField, Wallet } from 'ethers'

/** An ethers wallet as viem's accounts and x402's clients sign. */
export function typedDataSigner(wallet: Wallet) {
  return {
    address: wallet.address as `0x${string}`,
    async signTypedData({
      domain,
      types,
      message,
    }: {
      domain: Record<string, unknown>
      types: Record<string, unknown>
      message: Record<string, unknown>
    }): Promise<`0x${string}`> {
      const { EIP712Domain: _, ...own } = types as Record<string, TypedDataField[]>
      return (await wallet.signTypedData(domain, own, message)) as `0x${string}`
    },
  }
}
