/** Shoal's contracts: under which name a program has them, and what they are called in Solidity, in order. */
export const CONTRACT_NAMES = {
  creditToken: 'CreditToken',
  staking: 'Staking',
  nodeRegistry: 'NodeRegistry',
  settlement: 'Settlement',
  auditAnchor: 'AuditAnchor',
  emission: 'Emission',
  courtParameters: 'CourtParameters',
  court: 'Court',
  timelock: 'Timelock',
  governor: 'ShoalGovernor',
  emergencyPause: 'EmergencyPause',
  contractRegistry: 'ContractRegistry',
} as const

export type ContractKey = keyof typeof CONTRACT_NAMES

export const CONTRACT_KEYS = Object.keys(CONTRACT_NAMES) as readonly ContractKey[]
