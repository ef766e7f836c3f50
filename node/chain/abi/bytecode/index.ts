// Made by `npm run generate` from contracts/. Do not edit.

import { auditAnchorAbi } from '../audit-anchor.ts'
import { auditAnchorBytecode, auditAnchorImmutables, auditAnchorRuntimeBytecode } from './audit-anchor.ts'
import { courtAbi } from '../court.ts'
import { courtBytecode, courtImmutables, courtRuntimeBytecode } from './court.ts'
import { courtParametersAbi } from '../court-parameters.ts'
import { courtParametersBytecode, courtParametersImmutables, courtParametersRuntimeBytecode } from './court-parameters.ts'
import { creditTokenAbi } from '../credit-token.ts'
import { creditTokenBytecode, creditTokenImmutables, creditTokenRuntimeBytecode } from './credit-token.ts'
import { emissionAbi } from '../emission.ts'
import { emissionBytecode, emissionImmutables, emissionRuntimeBytecode } from './emission.ts'
import { juryAbi } from '../jury.ts'
import { juryBytecode, juryImmutables, juryRuntimeBytecode } from './jury.ts'
import { nodeRegistryAbi } from '../node-registry.ts'
import { nodeRegistryBytecode, nodeRegistryImmutables, nodeRegistryRuntimeBytecode } from './node-registry.ts'
import { settlementAbi } from '../settlement.ts'
import { settlementBytecode, settlementImmutables, settlementRuntimeBytecode } from './settlement.ts'
import { stakingAbi } from '../staking.ts'
import { stakingBytecode, stakingImmutables, stakingRuntimeBytecode } from './staking.ts'
import { contractRegistryAbi } from '../contract-registry.ts'
import { contractRegistryBytecode, contractRegistryImmutables, contractRegistryRuntimeBytecode } from './contract-registry.ts'
import { emergencyPauseAbi } from '../emergency-pause.ts'
import { emergencyPauseBytecode, emergencyPauseImmutables, emergencyPauseRuntimeBytecode } from './emergency-pause.ts'
import { shoalGovernorAbi } from '../shoal-governor.ts'
import { shoalGovernorBytecode, shoalGovernorImmutables, shoalGovernorRuntimeBytecode } from './shoal-governor.ts'
import { timelockAbi } from '../timelock.ts'
import { timelockBytecode, timelockImmutables, timelockRuntimeBytecode } from './timelock.ts'

/** By the contract's name in Solidity. */
export const artifacts = {
  AuditAnchor: {
    sourceName: 'contracts/core/AuditAnchor.sol',
    abi: auditAnchorAbi,
    bytecode: auditAnchorBytecode,
    runtimeBytecode: auditAnchorRuntimeBytecode,
    immutables: auditAnchorImmutables,
  },
  Court: {
    sourceName: 'contracts/core/Court.sol',
    abi: courtAbi,
    bytecode: courtBytecode,
    runtimeBytecode: courtRuntimeBytecode,
    immutables: courtImmutables,
  },
  CourtParameters: {
    sourceName: 'contracts/core/CourtParameters.sol',
    abi: courtParametersAbi,
    bytecode: courtParametersBytecode,
    runtimeBytecode: courtParametersRuntimeBytecode,
    immutables: courtParametersImmutables,
  },
  CreditToken: {
    sourceName: 'contracts/core/CreditToken.sol',
    abi: creditTokenAbi,
    bytecode: creditTokenBytecode,
    runtimeBytecode: creditTokenRuntimeBytecode,
    immutables: creditTokenImmutables,
  },
  Emission: {
    sourceName: 'contracts/core/Emission.sol',
    abi: emissionAbi,
    bytecode: emissionBytecode,
    runtimeBytecode: emissionRuntimeBytecode,
    immutables: emissionImmutables,
  },
  Jury: {
    sourceName: 'contracts/core/Jury.sol',
    abi: juryAbi,
    bytecode: juryBytecode,
    runtimeBytecode: juryRuntimeBytecode,
    immutables: juryImmutables,
  },
  NodeRegistry: {
    sourceName: 'contracts/core/NodeRegistry.sol',
    abi: nodeRegistryAbi,
    bytecode: nodeRegistryBytecode,
    runtimeBytecode: nodeRegistryRuntimeBytecode,
    immutables: nodeRegistryImmutables,
  },
  Settlement: {
    sourceName: 'contracts/core/Settlement.sol',
    abi: settlementAbi,
    bytecode: settlementBytecode,
    runtimeBytecode: settlementRuntimeBytecode,
    immutables: settlementImmutables,
  },
  Staking: {
    sourceName: 'contracts/core/Staking.sol',
    abi: stakingAbi,
    bytecode: stakingBytecode,
    runtimeBytecode: stakingRuntimeBytecode,
    immutables: stakingImmutables,
  },
  ContractRegistry: {
    sourceName: 'contracts/governance/ContractRegistry.sol',
    abi: contractRegistryAbi,
    bytecode: contractRegistryBytecode,
    runtimeBytecode: contractRegistryRuntimeBytecode,
    immutables: contractRegistryImmutables,
  },
  EmergencyPause: {
    sourceName: 'contracts/governance/EmergencyPause.sol',
    abi: emergencyPauseAbi,
    bytecode: emergencyPauseBytecode,
    runtimeBytecode: emergencyPauseRuntimeBytecode,
    immutables: emergencyPauseImmutables,
  },
  ShoalGovernor: {
    sourceName: 'contracts/governance/ShoalGovernor.sol',
    abi: shoalGovernorAbi,
    bytecode: shoalGovernorBytecode,
    runtimeBytecode: shoalGovernorRuntimeBytecode,
    immutables: shoalGovernorImmutables,
  },
  Timelock: {
    sourceName: 'contracts/governance/Timelock.sol',
    abi: timelockAbi,
    bytecode: timelockBytecode,
    runtimeBytecode: timelockRuntimeBytecode,
    immutables: timelockImmutables,
  },
} as const
