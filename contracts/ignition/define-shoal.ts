import type { IgnitionModuleBuilder } from '@nomicfoundation/ignition-core'
import { encodeBytes32String } from 'ethers/abi'
import { ZeroAddress, ZeroHash } from 'ethers/constants'
import { id } from 'ethers/hash'

/** What is registered as the first version of each contract. */
const VERSION = '1'

/** What a deployment is described with; Ignition's own, or another that keeps its order. */
export type DeploymentBuilder = Pick<
  IgnitionModuleBuilder,
  'contract' | 'call' | 'getAccount' | 'getParameter'
>

/**
 * All of Shoal's contracts, wired. When it is done the deploying account has no power over any of them: the timelock
 * owns what has an owner, only the governor can use the timelock, and nobody owns the rest.
 *
 * Every parameter has to be given, except `guardian` (nobody) and `genesisRecipient` (the deploying account);
 * `contracts/ignition/parameters` has those of three networks. Amounts are base units, times seconds.
 */
export function defineShoal(module: DeploymentBuilder) {
  const deployer = module.getAccount(0)
  const parameter = module.getParameter.bind(module)

  const timelock = module.contract('Timelock', [parameter('timelockDelay'), deployer])
  const emergencyPause = module.contract('EmergencyPause', [deployer, parameter('guardian', ZeroAddress)])
  const creditToken = module.contract('CreditToken', [
    parameter('epochSupply'),
    parameter('genesisRecipient', deployer),
    parameter('genesisSupply'),
  ])
  // Its owner names the first court; the timelock follows at the end.
  const staking = module.contract('Staking', [
    creditToken,
    deployer,
    emergencyPause,
    parameter('minUnbondingDelay'),
    parameter('unbondingDelay'),
    parameter('minimumStakes'),
  ])
  const nodeRegistry = module.contract('NodeRegistry', [
    staking,
    timelock,
    parameter('minHistorySeconds'),
    parameter('historySeconds'),
  ])
  const settlement = module.contract('Settlement', [
    creditToken,
    staking,
    emergencyPause,
    parameter('closeDelay'),
  ])
  const auditAnchor = module.contract('AuditAnchor')
  const emission = module.contract('Emission', [
    creditToken,
    staking,
    timelock,
    // The treasury is what governance decides on.
    timelock,
    parameter('emissionChallengeWindow'),
    parameter('emissionResolveWindow'),
    parameter('emissionProposalBond'),
    parameter('emissionShares'),
  ])
  const courtParameters = module.contract('CourtParameters', [
    timelock,
    staking,
    parameter('court'),
    parameter('courtPenalties'),
  ])
  const court = module.contract('Court', [courtParameters, settlement, auditAnchor])
  const governor = module.contract('ShoalGovernor', [
    staking,
    timelock,
    parameter('votingDelay'),
    parameter('votingPeriod'),
    parameter('proposalThreshold'),
    parameter('minQuorum'),
  ])
  const contracts = {
    creditToken,
    staking,
    nodeRegistry,
    settlement,
    auditAnchor,
    emission,
    courtParameters,
    court,
    timelock,
    governor,
    emergencyPause,
  }
  const all = Object.values(contracts)
  const contractRegistry = module.contract('ContractRegistry', [
    timelock,
    all.map(({ contractName }) => encodeBytes32String(contractName)),
    all,
    VERSION,
  ])

  const emissionSet = module.call(creditToken, 'setEmission', [emission])
  const stakingPausable = module.call(emergencyPause, 'addTarget', [staking], { id: 'pauseStaking' })
  const settlementPausable = module.call(emergencyPause, 'addTarget', [settlement], { id: 'pauseSettlement' })
  const pauseHandedOver = module.call(emergencyPause, 'transferOwnership', [timelock], {
    after: [stakingPausable, settlementPausable],
  })
  // The first court takes office at once; the next ones are announced.
  const courtSet = module.call(staking, 'announceCourt', [court])
  const stakingHandedOver = module.call(staking, 'transferOwnership', [timelock], { after: [courtSet] })
  const roles = ['PROPOSER_ROLE', 'EXECUTOR_ROLE', 'CANCELLER_ROLE'].map(role =>
    module.call(timelock, 'grantRole', [id(role), governor], { id: role }),
  )
  module.call(timelock, 'renounceRole', [ZeroHash, deployer], {
    id: 'renounceAdmin',
    after: [...roles, emissionSet, pauseHandedOver, stakingHandedOver, contractRegistry],
  })

  return { ...contracts, contractRegistry }
}
