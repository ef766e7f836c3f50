import { Interface } from 'ethers/abi'
import { artifacts } from './abi/bytecode/index.ts'
import type { KnownDeployment } from './addresses.ts'
import { CONTRACT_NAMES, type ContractKey } from './contracts.ts'
import type { Eip1193Provider } from './deploy-signer.ts'
import type { ArtifactName } from './deployment-plan.ts'

/** Calls views of any of a deployment's contracts, at the latest block. */
export class ContractReader {
  readonly #provider: Eip1193Provider
  readonly #deployment: KnownDeployment
  readonly #interfaces = new Map<ArtifactName, Interface>()

  constructor(options: { deployment: KnownDeployment }, modules: { provider: Eip1193Provider }) {
    this.#deployment = options.deployment
    this.#provider = modules.provider
  }

  interfaceOf(name: ArtifactName): Interface {
    const known = this.#interfaces.get(name) ?? new Interface(artifacts[name].abi)
    this.#interfaces.set(name, known)
    return known
  }

  /** @throws the chain's refusal; ethers' error when the answer is not of such a contract */
  read<Value>(key: ContractKey, method: string, ...args: readonly unknown[]): Promise<Value> {
    return this.readAt(CONTRACT_NAMES[key], this.#deployment.addresses[key], method, ...args)
  }

  /** Of a contract that is not one of the deployment's own addresses. */
  async readAt<Value>(
    name: ArtifactName,
    to: string,
    method: string,
    ...args: readonly unknown[]
  ): Promise<Value> {
    const abi = this.interfaceOf(name)
    const call = { to, data: abi.encodeFunctionData(method, [...args]) }
    const answer = await this.#provider.request({ method: 'eth_call', params: [call, 'latest'] })
    const values = abi.decodeFunctionResult(method, answer as string)
    return (values.length === 1 ? values[0] : values) as Value
  }
}
