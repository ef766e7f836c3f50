import { buildModule } from '@nomicfoundation/ignition-core'

const DAY_SECONDS = 24 * 60 * 60
const BASE_UNITS_PER_CREDIT = 10n ** 18n

/**
 * All of Shoal's contracts. The deploying account becomes the owner of the credit token; nothing else is owned.
 *
 * Parameters: `epochSupply` and `initialMint` in base units, `unbondingDelay` and `closeDelay` in seconds.
 * `initialMint` goes to the deploying account and is part of the first epoch's supply.
 */
export default buildModule('Shoal', module => {
  const deployer = module.getAccount(0)
  const epochSupply = module.getParameter('epochSupply', 100_000n * BASE_UNITS_PER_CREDIT)
  const initialMint = module.getParameter('initialMint', 0n)
  const unbondingDelay = module.getParameter('unbondingDelay', 14 * DAY_SECONDS)
  const closeDelay = module.getParameter('closeDelay', DAY_SECONDS)

  const creditToken = module.contract('CreditToken', [deployer, epochSupply])
  const nodeRegistry = module.contract('NodeRegistry', [creditToken, unbondingDelay])
  const settlement = module.contract('Settlement', [creditToken, closeDelay])
  const auditAnchor = module.contract('AuditAnchor')
  module.call(creditToken, 'mint', [deployer, initialMint])

  return { creditToken, nodeRegistry, settlement, auditAnchor }
})
