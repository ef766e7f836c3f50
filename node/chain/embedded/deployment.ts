import { Wallet } from 'ethers/wallet'
import type { KnownDeployment } from '../addresses.ts'
import { type EncodedParameters, parseParameters } from '../deployment-parameters.ts'
import { planDeployment } from '../deployment-plan.ts'
import type { JournaledChain } from './chain.ts'
import { TRANSACTION_GAS_CAP } from './evm.ts'

const MAX_FEE_PER_GAS = 100n * 10n ** 9n

/**
 * Deploys the contracts on a chain that nobody else uses yet: as Ignition would, without what it takes to go on after
 * an interruption, since such a chain is begun anew.
 * @throws {RpcError | Error} what the chain or a constructor refused
 */
export async function deployOnNewChain(
  options: { parameters: EncodedParameters; privateKey: string },
  modules: { chain: JournaledChain },
): Promise<KnownDeployment> {
  const { chain } = modules
  const wallet = new Wallet(options.privateKey)
  const account = wallet.address.toLowerCase()
  const chainId = Number(await chain.read('eth_chainId', []))
  const plan = planDeployment({ parameters: parseParameters(options.parameters), account, nonce: 0 })
  const deploymentBlock = chain.head.number + 1
  for (const [nonce, { contract, method, address, data }] of plan.transactions.entries()) {
    const to = method === null ? null : address
    const raw = await wallet.signTransaction({
      to,
      data,
      nonce,
      chainId,
      type: 2,
      gasLimit: TRANSACTION_GAS_CAP,
      maxFeePerGas: MAX_FEE_PER_GAS,
      maxPriorityFeePerGas: 0n,
    })
    const hash = await chain.sendRawTransaction(raw)
    const receipt = (await chain.read('eth_getTransactionReceipt', [hash])) as { status: string }
    if (receipt.status === '0x1') continue
    // The call that failed says why.
    await chain.call('eth_estimateGas', [{ from: account, data, ...(to === null ? {} : { to }) }])
    throw new Error(`${contract}${method === null ? '' : `.${method}`} was refused`)
  }
  return { chainId, addresses: plan.addresses, deploymentBlock }
}
