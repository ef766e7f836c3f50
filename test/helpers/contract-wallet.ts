import { JsonRpcProvider, type Wallet } from 'ethers'

/**
 * Puts a wallet on chain that is a contract (ERC-1271): it takes what one account has signed, whose address is part of
 * its code. Written by hand, since it has one function: it copies hash, v, r and s from the call, asks ecrecover, and
 * answers the selector if the account is the owner, and zero if not.
 * @returns its address, in lower case
 */
export async function deployContractWallet(
  owner: string,
  modules: { sender: Wallet; rpcUrl: string },
): Promise<string> {
  const code = [
    '60206004600037', // memory 0..32: hash
    '600160a4603f37', // 32..64: v
    '60406064604037', // 64..128: r and s
    '602060806080600060015afa50', // 128..160: ecrecover(…)
    `60805173${owner.slice(2).toLowerCase()}14`, // is it the owner?
    '631626ba7e60e01b02', // the selector, if so
    '60005260206000f3',
  ].join('')
  const length = (code.length / 2).toString(16).padStart(2, '0')
  const provider = new JsonRpcProvider(modules.rpcUrl, undefined, { cacheTimeout: -1 })
  try {
    const sent = await modules.sender
      .connect(provider)
      .sendTransaction({ data: `0x60${length}8060093d393df3${code}` })
    const receipt = await sent.wait()
    return receipt!.contractAddress!.toLowerCase()
  } finally {
    provider.destroy()
  }
}
