import { Interface } from 'ethers/abi'
import { Wallet } from 'ethers/wallet'
import type { Address } from '../../protocol/ids.ts'
import { artifacts } from './abi/bytecode/index.ts'
import type { ContractAddresses } from './addresses.ts'
import { deployingAccount } from './deploy.ts'
import { type Eip1193Provider, signingProvider } from './deploy-signer.ts'
import type { DeploymentParameters } from './deployment-parameters.ts'
import { type PlannedTransaction, planDeployment } from './deployment-plan.ts'
import { createEvmRuntime, Evm, TRANSACTION_GAS_CAP } from './embedded/evm.ts'
import { RpcError } from './embedded/json-rpc.ts'
import type { Check } from './verification.ts'

export interface DryRun {
  chainId: number
  account: Address
  transactions: (PlannedTransaction & { gas: bigint })[]
  /** Where the contracts would be, if the account sends nothing else before. */
  addresses: ContractAddresses
  gas: bigint
  /** Wei per gas, as the chain asks now. */
  gasPrice: bigint
  /** Wei. */
  cost: bigint
  /** Wei. */
  balance: bigint
  checks: Check[]
}

const SIMULATION_HARDFORK = 'osaka'
const SIMULATION_BALANCE = 10n ** 27n

/**
 * What a deployment would do, with nothing sent: its transactions run on a chain of their own in this process, with
 * this chain's id, and cost what this chain asks now. A constructor that refuses its arguments is a check that fails.
 * @throws {DeploymentError} DEPLOYMENT_NO_ACCOUNT; {ChainError} CHAIN_UNREACHABLE
 */
export async function dryRunDeployment(
  options: { parameters: DeploymentParameters; privateKey?: string },
  modules: { provider: Eip1193Provider },
): Promise<DryRun> {
  const provider =
    options.privateKey === undefined
      ? modules.provider
      : signingProvider(options.privateKey, modules.provider)
  const account = (await deployingAccount(provider, { mayBeEmpty: true })).toLowerCase()
  const ask = async (method: string, ...params: unknown[]) =>
    BigInt((await provider.request({ method, params })) as string)
  const [chainId, balance, gasPrice, nonce] = await Promise.all([
    ask('eth_chainId'),
    ask('eth_getBalance', account, 'latest'),
    ask('eth_gasPrice'),
    ask('eth_getTransactionCount', account, 'latest'),
  ])
  const block = (await provider.request({
    method: 'eth_getBlockByNumber',
    params: ['latest', false],
  })) as { gasLimit: string }
  const parameters = { genesisRecipient: account, ...options.parameters }
  const plan = planDeployment({ parameters, account, nonce: Number(nonce) })
  const simulated = await simulate(parameters, Number(chainId))
  const transactions = plan.transactions.map((transaction, i) => ({
    ...transaction,
    gas: simulated.gas[i] ?? 0n,
  }))
  const gas = simulated.gas.reduce((sum, each) => sum + each, 0n)
  const largest = BigInt(Math.max(0, ...simulated.gas.map(Number)))
  const cost = gas * gasPrice
  return {
    chainId: Number(chainId),
    account,
    transactions,
    addresses: plan.addresses,
    gas,
    gasPrice,
    cost,
    balance,
    checks: [
      simulated.refused === null
        ? { check: 'parameters', ok: true, detail: 'every contract takes them' }
        : {
            check: 'parameters',
            ok: false,
            detail: simulated.refused,
            fix: 'Correct the parameter; the contract’s documentation has its bounds.',
          },
      {
        check: 'gas limit of a block',
        ok: largest <= BigInt(block.gasLimit),
        detail: `the largest transaction takes ${largest} of ${BigInt(block.gasLimit)} gas`,
        ...(largest <= BigInt(block.gasLimit) ? {} : { fix: 'Choose a chain with larger blocks.' }),
      },
      {
        check: 'balance',
        ok: balance >= cost,
        detail: `${account} has ${balance} wei of the ${cost} it takes now`,
        ...(balance >= cost ? {} : { fix: `Send at least ${cost - balance} wei to ${account}.` }),
      },
    ],
  }
}

/** Runs the deployment from another account, whose addresses cost the same but for a few bytes of call data. */
async function simulate(
  parameters: DeploymentParameters,
  chainId: number,
): Promise<{ gas: bigint[]; refused: string | null }> {
  const wallet = Wallet.createRandom()
  const account = wallet.address.toLowerCase()
  const timestamp = Math.floor(Date.now() / 1_000)
  const evm = await Evm.create(
    {
      chainId,
      hardfork: SIMULATION_HARDFORK,
      timestamp,
      blockGasLimit: 60_000_000n,
      baseFeePerGas: 1n,
      balances: [{ address: account, balance: SIMULATION_BALANCE }],
    },
    { runtime: await createEvmRuntime() },
  )
  const { transactions } = planDeployment({ parameters, account, nonce: 0 })
  const gas: bigint[] = []
  for (const [nonce, { contract, method, address, data }] of transactions.entries()) {
    const to = method === null ? {} : { to: address }
    try {
      await evm.request('eth_call', [{ from: account, data, ...to }, 'latest'])
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      return {
        gas,
        refused: `${contract}${method === null ? '' : `.${method}`}: ${reasonOf(contract, error)}`,
      }
    }
    const raw = await wallet.signTransaction({
      ...to,
      data,
      nonce,
      chainId,
      type: 2,
      gasLimit: TRANSACTION_GAS_CAP,
      maxFeePerGas: 10n ** 9n,
      maxPriorityFeePerGas: 0n,
    })
    const { hash } = await evm.mine(raw, timestamp)
    const receipt = (await evm.request('eth_getTransactionReceipt', [hash])) as { gasUsed: string }
    gas.push(BigInt(receipt.gasUsed))
  }
  return { gas, refused: null }
}

function reasonOf(contract: keyof typeof artifacts, error: RpcError): string {
  const parsed =
    typeof error.data === 'string' ? new Interface(artifacts[contract].abi).parseError(error.data) : null
  return parsed === null ? error.message : `${parsed.name}(${[...parsed.args].map(String).join(', ')})`
}
