import { Wallet } from 'ethers'
import {
  type DeploymentParameters,
  encodeParameters,
  networkParameters,
} from '../../../../../node/chain/deployment-parameters.ts'
import { type OpenedChain, openChainFolder } from '../../../../../node/chain/embedded/folder.ts'
import { evmRuntime } from '../../../../helpers/evm-runtime.ts'

const CHAIN_ID = 31337

export interface OpenOptions {
  chainId?: number
  deployment?: Partial<DeploymentParameters>
  now?: () => number
  onProgress?: (transactions: number) => void
}

/** Opens the chain of a folder in this process. */
export async function openChain(folder: string, options: OpenOptions = {}): Promise<OpenedChain> {
  return await openChainFolder(
    {
      folder,
      chainId: options.chainId ?? CHAIN_ID,
      deployment: encodeParameters({ ...networkParameters('local'), ...options.deployment }),
    },
    {
      runtime: await evmRuntime(),
      now: options.now ?? Date.now,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
  )
}

/** A wallet that signs transfers without asking the chain anything but, at first, its nonce. */
export class Sender {
  readonly wallet: Wallet
  nonce: number

  constructor(privateKey: string, nonce: number) {
    this.wallet = new Wallet(privateKey)
    this.nonce = nonce
  }

  static async ofDeployer(opened: OpenedChain): Promise<Sender> {
    const { address } = new Wallet(opened.deployerKey)
    const count = await opened.chain.read('eth_getTransactionCount', [address, 'latest'])
    return new Sender(opened.deployerKey, Number(count))
  }

  /** @returns a signed transfer in hex */
  async transfer(to = `0x${'77'.repeat(20)}`, value = 1n): Promise<string> {
    return await this.wallet.signTransaction({
      to,
      value,
      type: 2,
      chainId: CHAIN_ID,
      nonce: this.nonce++,
      gasLimit: 21_000,
      maxFeePerGas: 10n ** 12n,
      maxPriorityFeePerGas: 0n,
    })
  }
}
