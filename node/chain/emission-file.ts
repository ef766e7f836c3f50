import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { z } from 'zod'
import { ADDRESS_PATTERN } from '../../protocol/ids.ts'
import { EmissionError } from './emission.ts'
import { type Distribution, distributionOf, EMISSION_POOLS } from './emission-allocation.ts'

const decimal = z.string().regex(/^\d{1,78}$/)

const fileSchema = z.object({
  epoch: decimal,
  pool: z.enum(EMISSION_POOLS),
  root: z.string(),
  total: decimal,
  values: z
    .array(z.object({ value: z.tuple([z.string(), z.string(), z.string().regex(ADDRESS_PATTERN), decimal]) }))
    .min(1),
})

/**
 * A distribution as a file: the dump that `StandardMerkleTree.load` takes, and in front of it what it is of. Amounts
 * are decimal strings in base units.
 */
export function encodeDistribution(distribution: Distribution): string {
  const { epoch, pool, root, total, contentHash, json } = distribution
  const about = { epoch: String(epoch), pool, root, total: String(total), contentHash }
  return `${JSON.stringify({ ...about, ...(JSON.parse(json) as object) }, null, 2)}\n`
}

/**
 * Reads such a file and makes the tree anew, so that nothing in it is believed.
 * @throws {EmissionError} EMISSION_FILE_INVALID
 */
export function decodeDistribution(text: string, path: string): Distribution {
  let file: z.infer<typeof fileSchema>
  let rootOfFile: string
  try {
    const value: unknown = JSON.parse(text)
    file = fileSchema.parse(value)
    const tree = StandardMerkleTree.load(value as Parameters<typeof StandardMerkleTree.load>[0])
    tree.validate()
    rootOfFile = tree.root
  } catch (cause) {
    throw invalid(path, 'is no tree of claims', cause)
  }
  const allocations = file.values.map(({ value }) => ({ account: value[2], amount: BigInt(value[3]) }))
  const distribution = distributionOf(BigInt(file.epoch), file.pool, allocations)
  const agrees =
    distribution !== null &&
    distribution.root === file.root &&
    distribution.root === rootOfFile &&
    distribution.total === BigInt(file.total)
  if (!agrees) throw invalid(path, 'is not what its root says')
  return distribution
}

function invalid(path: string, what: string, cause?: unknown): EmissionError {
  return new EmissionError('EMISSION_FILE_INVALID', `${path} ${what}`, {
    fix: 'Give a file as shoal contracts emission --out writes it.',
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  })
}
