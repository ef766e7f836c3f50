import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ADDRESS_PATTERN, type Address } from '../../protocol/ids.ts'
import { CONTRACT_KEYS, type ContractKey } from './contracts.ts'
import { ChainError } from './errors.ts'

/** Shoal's contracts on one chain. */
export type ContractAddresses = Readonly<Record<ContractKey, Address>>

export interface KnownDeployment {
  chainId: number
  addresses: ContractAddresses
  /** First block that has one of the contracts: where reading events begins. */
  deploymentBlock: number
}

const address = z
  .string()
  .transform(text => text.toLowerCase())
  .pipe(z.string().regex(ADDRESS_PATTERN))

const deploymentSchema = z.object({
  chainId: z.int().min(1),
  deploymentBlock: z.int().min(0).default(0),
  addresses: z.object(
    Object.fromEntries(CONTRACT_KEYS.map(key => [key, address])) as Record<ContractKey, typeof address>,
  ),
})

/**
 * Validates what an embedded chain, or a file, says of a deployment.
 * @returns null when it is something else
 */
export function parseDeployment(value: unknown): KnownDeployment | null {
  const parsed = deploymentSchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

/**
 * Reads the file of `chain.contracts`: `{chainId, addresses: {creditToken, staking, nodeRegistry, settlement, auditAnchor}}`.
 * @throws {ChainError} CONTRACTS_FILE_INVALID
 */
export async function readDeploymentFile(path: string): Promise<KnownDeployment> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw invalid(path, 'cannot be read as JSON', cause)
  }
  const deployment = parseDeployment(value)
  if (deployment === null) throw invalid(path, 'does not name the contracts and their chain')
  return deployment
}

function invalid(path: string, what: string, cause?: unknown): ChainError {
  return new ChainError('CONTRACTS_FILE_INVALID', `the contracts file ${path} ${what}`, {
    fix: 'shoal contracts deploy writes such a file; ask whoever deployed the contracts for theirs.',
    details: { path },
    cause,
  })
}
