import { type Wallet as EthersWallet, HDNodeWallet, Interface, JsonRpcProvider, Mnemonic } from 'ethers'
import hre from 'hardhat'
import { creditTokenAbi } from '../../node/chain/abi/credit-token.ts'
import type { KnownDeployment } from '../../node/chain/addresses.ts'
import { parseDeployment } from '../../node/chain/addresses.ts'
import { ChainClient } from '../../node/chain/client.ts'
import { deployContracts } from '../../node/chain/deploy.ts'
import { networkParameters } from '../../node/chain/deployment-parameters.ts'
import { Wallet } from '../../node/payments/wallet.ts'
import { CREDIT } from '../../protocol/money.ts'

const MNEMONIC = 'test test test test test test test test test test test junk'
const token = new Interface(creditTokenAbi)

/**
 * Hardhat's network over JSON-RPC with our contracts, under the test's control: it can stop mining, drop
 * transactions and take blocks back.
 */
export class HardhatChain {
  readonly rpcUrl: string
  readonly deployment: KnownDeployment
  readonly provider: JsonRpcProvider
  readonly #close: () => Promise<void>
  #nextAccount = 1

  private constructor(rpcUrl: string, deployment: KnownDeployment, close: () => Promise<void>) {
    this.rpcUrl = rpcUrl
    this.deployment = deployment
    this.provider = new JsonRpcProvider(rpcUrl, deployment.chainId, { staticNetwork: true, cacheTimeout: -1 })
    this.#close = close
  }

  static async start(): Promise<HardhatChain> {
    const server = await hre.network.createServer({ network: 'default', chainType: 'l1' }, '127.0.0.1', 0)
    const { port } = await server.listen()
    const rpcUrl = `http://127.0.0.1:${port}`
    const provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 })
    const deployed = await deployContracts(
      {
        privateKey: accountAt(0).privateKey,
        pollIntervalMs: 20,
        parameters: networkParameters('local'),
      },
      {
        provider: {
          request: ({ method, params }) => provider.send(method, (params as unknown[] | undefined) ?? []),
        },
      },
    )
    provider.destroy()
    return new HardhatChain(rpcUrl, parseDeployment(deployed)!, () => server.close())
  }

  client(): Promise<ChainClient> {
    return ChainClient.connect({ rpcUrl: this.rpcUrl, expectedChainId: null, deployment: this.deployment })
  }

  /** A wallet with gas money and credits that no other test uses. */
  async wallet(credits = 100n * CREDIT): Promise<Wallet> {
    const account = accountAt(this.#nextAccount++)
    if (credits > 0n) await this.giveCredits(account.address, credits)
    return new Wallet(account.privateKey)
  }

  async giveCredits(to: string, amount: bigint): Promise<void> {
    const owner = accountAt(0).connect(this.provider) as unknown as EthersWallet
    const sent = await owner.sendTransaction({
      to: this.deployment.addresses.creditToken,
      data: token.encodeFunctionData('transfer', [to, amount]),
    })
    await sent.wait()
  }

  send(method: string, ...params: unknown[]): Promise<unknown> {
    return this.provider.send(method, params)
  }

  async stop(): Promise<void> {
    this.provider.destroy()
    await this.#close()
  }
}

function accountAt(index: number): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`)
}
