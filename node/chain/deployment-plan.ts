import { Interface } from 'ethers/abi'
import { getAddress, getCreateAddress } from 'ethers/address'
import { type DeploymentBuilder, defineShoal } from '../../contracts/ignition/define-shoal.ts'
import type { Address } from '../../protocol/ids.ts'
import { artifacts } from './abi/bytecode/index.ts'
import type { ContractAddresses } from './addresses.ts'
import { CONTRACT_NAMES } from './contracts.ts'
import type { DeploymentParameters } from './deployment-parameters.ts'

export type ArtifactName = keyof typeof artifacts

/** One transaction of a deployment. */
export interface PlannedTransaction {
  contract: ArtifactName
  /** The function that is called; null when the contract is created. */
  method: string | null
  /** By the names of the parameters. */
  args: Readonly<Record<string, unknown>>
  /** Where the contract is, or will be. */
  address: Address
  data: string
}

export interface DeploymentPlan {
  /** In the order they have to be sent, with consecutive nonces. */
  transactions: readonly PlannedTransaction[]
  addresses: ContractAddresses
}

interface PlannedContract {
  contractName: ArtifactName
  address: Address
}

/**
 * What a deployment would send, without Ignition: its transactions in order, with the addresses that follow from the
 * account and its nonce.
 * @param options.nonce of the first transaction
 */
export function planDeployment(options: {
  parameters: DeploymentParameters
  account: Address
  nonce: number
}): DeploymentPlan {
  const { parameters, account } = options
  const transactions: PlannedTransaction[] = []
  const interfaces = new Map<ArtifactName, Interface>()
  const interfaceOf = (name: ArtifactName): Interface => {
    const known = interfaces.get(name) ?? new Interface(artifacts[name].abi)
    interfaces.set(name, known)
    return known
  }
  const add = (transaction: PlannedTransaction) => {
    transactions.push(transaction)
    return { contractName: transaction.contract, address: transaction.address }
  }
  const builder = {
    getAccount: () => account,
    getParameter: (name: string, fallback?: unknown) =>
      parameters[name as keyof DeploymentParameters] ?? fallback,
    contract(name: ArtifactName, given: readonly unknown[] = []): PlannedContract {
      const abi = interfaceOf(name)
      const values = given.map(resolved)
      return add({
        contract: name,
        method: null,
        args: named(abi.deploy.inputs, values),
        address: getCreateAddress({
          from: account,
          nonce: options.nonce + transactions.length,
        }).toLowerCase(),
        data: artifacts[name].bytecode + abi.encodeDeploy(values).slice(2),
      })
    },
    call({ contractName, address }: PlannedContract, method: string, given: readonly unknown[] = []) {
      const abi = interfaceOf(contractName)
      const values = given.map(resolved)
      return add({
        contract: contractName,
        method,
        args: named(abi.getFunction(method)!.inputs, values),
        address,
        data: abi.encodeFunctionData(method, values),
      })
    },
  }
  const contracts = defineShoal(builder as unknown as DeploymentBuilder) as unknown as Record<
    string,
    PlannedContract
  >
  const entries = Object.keys(CONTRACT_NAMES).map(key => [key, contracts[key]!.address])
  return { transactions, addresses: Object.fromEntries(entries) as ContractAddresses }
}

/** Contracts become their addresses. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved)
  return typeof value === 'object' && value !== null && 'contractName' in value
    ? getAddress((value as PlannedContract).address)
    : value
}

function named(
  inputs: readonly { name: string }[],
  values: readonly unknown[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(inputs.map(({ name }, place) => [name.replace(/_$/, ''), values[place]]))
}
