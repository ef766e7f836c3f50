// Made by `npm run generate` from contracts/. Do not edit.

import { creditTokenAbi } from '../credit-token.ts'
import { creditTokenBytecode, creditTokenImmutables, creditTokenRuntimeBytecode } from './credit-token.ts'
import { stakingAbi } from '../staking.ts'
import { stakingBytecode, stakingImmutables, stakingRuntimeBytecode } from './staking.ts'
import { nodeRegistryAbi } from '../node-registry.ts'
import { nodeRegistryBytecode, nodeRegistryImmutables, nodeRegistryRuntimeBytecode } from './node-registry.ts'
import { settlementAbi } from '../settlement.ts'
import { settlementBytecode, settlementImmutables, settlementRuntimeBytecode } from './settlement.ts'
import { auditAnchorAbi } from '../audit-anchor.ts'
import { auditAnchorBytecode, auditAnchorImmutables, auditAnchorRuntimeBytecode } from './audit-anchor.ts'
import { courtParametersAbi } from '../court-parameters.ts'
import { courtParametersBytecode, courtParametersImmutables, courtParametersRuntimeBytecode } from './court-parameters.ts'
import { courtAbi } from '../court.ts'
import { courtBytecode, courtImmutables, courtRuntimeBytecode } from './court.ts'
import { juryAbi } from '../jury.ts'
import { juryBytecode, juryImmutables, juryRuntimeBytecode } from './jury.ts'
import { emissionAbi } from '../emission.ts'
import { emissionBytecode, emissionImmutables, emissionRuntimeBytecode } from './emission.ts'
import { timelockAbi } from '../timelock.ts'
import { timelockBytecode, timelockImmutables, timelockRuntimeBytecode } from './timelock.ts'
import { shoalGovernorAbi } from '../shoal-governor.ts'
import { shoalGovernorBytecode, shoalGovernorImmutables, shoalGovernorRuntimeBytecode } from './shoal-governor.ts'
import { emergencyPauseAbi } from '../emergency-pause.ts'
import { emergencyPauseBytecode, emergencyPauseImmutables, emergencyPauseRuntimeBytecode } from './emergency-pause.ts'
import { contractRegistryAbi } from '../contract-registry.ts'
import { contractRegistryBytecode, contractRegistryImmutables, contractRegistryRuntimeBytecode } from './contract-registry.ts'
import { answerOracleAbi } from '../answer-oracle.ts'
import { answerOracleBytecode, answerOracleImmutables, answerOracleRuntimeBytecode } from './answer-oracle.ts'
import { receiptVerifierAbi } from '../receipt-verifier.ts'
import { receiptVerifierBytecode, receiptVerifierImmutables, receiptVerifierRuntimeBytecode } from './receipt-verifier.ts'

/** By the contract's name in Solidity. */
export const artifacts = {
  CreditToken: {
    sourceName: 'contracts/core/CreditToken.sol',
    abi: creditTokenAbi,
    bytecode: creditTokenBytecode,
    runtimeBytecode: creditTokenRuntimeBytecode,
    immutables: creditTokenImmutables,
  },
  Staking: {
    sourceName: 'contracts/core/Staking.sol',
    abi: stakingAbi,
    bytecode: stakingBytecode,
    runtimeBytecode: stakingRuntimeBytecode,
    immutables: stakingImmutables,
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
  AuditAnchor: {
    sourceName: 'contracts/core/AuditAnchor.sol',
    abi: auditAnchorAbi,
    bytecode: auditAnchorBytecode,
    runtimeBytecode: auditAnchorRuntimeBytecode,
    immutables: auditAnchorImmutables,
  },
  CourtParameters: {
    sourceName: 'contracts/core/CourtParameters.sol',
    abi: courtParametersAbi,
    bytecode: courtParametersBytecode,
    runtimeBytecode: courtParametersRuntimeBytecode,
    immutables: courtParametersImmutables,
  },
  Court: {
    sourceName: 'contracts/core/Court.sol',
    abi: courtAbi,
    bytecode: courtBytecode,
    runtimeBytecode: courtRuntimeBytecode,
    immutables: courtImmutables,
  },
  Jury: {
    sourceName: 'contracts/core/Jury.sol',
    abi: juryAbi,
    bytecode: juryBytecode,
    runtimeBytecode: juryRuntimeBytecode,
    immutables: juryImmutables,
  },
  Emission: {
    sourceName: 'contracts/core/Emission.sol',
    abi: emissionAbi,
    bytecode: emissionBytecode,
    runtimeBytecode: emissionRuntimeBytecode,
    immutables: emissionImmutables,
  },
  Timelock: {
    sourceName: 'contracts/governance/Timelock.sol',
    abi: timelockAbi,
    bytecode: timelockBytecode,
    runtimeBytecode: timelockRuntimeBytecode,
    immutables: timelockImmutables,
  },
  ShoalGovernor: {
    sourceName: 'contracts/governance/ShoalGovernor.sol',
    abi: shoalGovernorAbi,
    bytecode: shoalGovernorBytecode,
    runtimeBytecode: shoalGovernorRuntimeBytecode,
    immutables: shoalGovernorImmutables,
  },
  EmergencyPause: {
    sourceName: 'contracts/governance/EmergencyPause.sol',
    abi: emergencyPauseAbi,
    bytecode: emergencyPauseBytecode,
    runtimeBytecode: emergencyPauseRuntimeBytecode,
    immutables: emergencyPauseImmutables,
  },
  ContractRegistry: {
    sourceName: 'contracts/governance/ContractRegistry.sol',
    abi: contractRegistryAbi,
    bytecode: contractRegistryBytecode,
    runtimeBytecode: contractRegistryRuntimeBytecode,
    immutables: contractRegistryImmutables,
  },
  AnswerOracle: {
    sourceName: 'contracts/periphery/AnswerOracle.sol',
    abi: answerOracleAbi,
    bytecode: answerOracleBytecode,
    runtimeBytecode: answerOracleRuntimeBytecode,
    immutables: answerOracleImmutables,
  },
  ReceiptVerifier: {
    sourceName: 'contracts/periphery/ReceiptVerifier.sol',
    abi: receiptVerifierAbi,
    bytecode: receiptVerifierBytecode,
    runtimeBytecode: receiptVerifierRuntimeBytecode,
    immutables: receiptVerifierImmutables,
  },
} as const
