import type { Adapter } from '../../../../inference/learning/adapter.ts'
import { readAdapterFile } from '../../../../inference/learning/adapter-file.ts'
import { initialFactors } from '../../../../inference/learning/initial-factors.ts'
import type { BaseModels } from '../../scoring/round-base.ts'
import type { RoundContext } from '../seams.ts'

/**
 * What all members of a round begin training from: the parent, or where there is none the factors that the round's seed gives, with
 * which nothing is changed yet.
 * @throws {ModelError} {AdapterError}
 */
export async function roundFactors(
  { manifest, parentPath }: RoundContext,
  modules: { bases: BaseModels },
): Promise<Adapter> {
  if (parentPath !== null) return readAdapterFile(parentPath)
  const base = await modules.bases.find(manifest.base)
  const expected = await modules.bases.expected(base, manifest)
  const { rank, alpha, name, training } = manifest
  return {
    ...{ architecture: expected.architecture, base: expected.base, name, rank, alpha, metadata: {} },
    modules: initialFactors(expected.modules!, { rank, seed: training.seed }),
  }
}
