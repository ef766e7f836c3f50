import { BaseContract, type ContractMethod } from 'ethers/contract'
import type { ContractRunner } from 'ethers/providers'
import {
  auditAnchorAbi,
  contractRegistryAbi,
  courtAbi,
  courtParametersAbi,
  creditTokenAbi,
  emergencyPauseAbi,
  emissionAbi,
  nodeRegistryAbi,
  settlementAbi,
  shoalGovernorAbi,
  stakingAbi,
  timelockAbi,
} from './abi/index.ts'
import type { KnownDeployment } from './addresses.ts'
import type { ContractKey } from './contracts.ts'

/*
 * What other programs need to talk to the contracts: `import … from 'shoal/contracts'`.
 */

export * from './abi/index.ts'
export {
  type ContractAddresses,
  type KnownDeployment,
  parseDeployment,
  readDeploymentFile,
} from './addresses.ts'
export { askDeployment } from './client.ts'
export { CONTRACT_KEYS, CONTRACT_NAMES, type ContractKey } from './contracts.ts'

/** The ABI of each contract of a deployment. */
export const abis = {
  creditToken: creditTokenAbi,
  staking: stakingAbi,
  nodeRegistry: nodeRegistryAbi,
  settlement: settlementAbi,
  auditAnchor: auditAnchorAbi,
  emission: emissionAbi,
  courtParameters: courtParametersAbi,
  court: courtAbi,
  timelock: timelockAbi,
  governor: shoalGovernorAbi,
  emergencyPause: emergencyPauseAbi,
  contractRegistry: contractRegistryAbi,
} as const satisfies Record<ContractKey, readonly unknown[]>

/** Names of a contract's functions, from its ABI. */
export type FunctionName<Key extends ContractKey> = Extract<
  (typeof abis)[Key][number],
  { type: 'function' }
>['name']

/** An ethers contract whose functions are known by name. */
export type ShoalContract<Key extends ContractKey> = BaseContract & {
  readonly [Name in FunctionName<Key>]: ContractMethod
}

/**
 * A contract of a deployment, for ethers.
 * @param runner a provider to read with, or a signer to send with
 */
export function connectContract<Key extends ContractKey>(
  deployment: KnownDeployment,
  key: Key,
  runner: ContractRunner | null = null,
): ShoalContract<Key> {
  return BaseContract.from(deployment.addresses[key], abis[key], runner) as ShoalContract<Key>
}
