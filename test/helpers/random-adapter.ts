import { type Adapter, MODEL_DIGEST_PATTERN } from '../../inference/learning/adapter.ts'
import { adapterModelId, writeAdapterFile } from '../../inference/learning/adapter-file.ts'
import { adapterShapeOf } from '../../inference/learning/adapter-shape.ts'
import type { ModelId } from '../../protocol/ids.ts'
import { seededRandom } from './seeded-random.ts'

export interface RandomAdapterOptions {
  name?: string
  rank?: number
  alpha?: number
  /** The greatest weight of B; A's are at most 0.5. The larger, the less is left of what the base learned. */
  size?: number
  seed?: number
}

/** An adapter of random weights for all linear layers of a base's blocks. */
export async function randomAdapter(
  basePath: string,
  { name = 'random', rank = 4, alpha = 8, size = 0.05, seed = 1 }: RandomAdapterOptions = {},
): Promise<Adapter> {
  const { architecture, digest, modules } = await adapterShapeOf(basePath)
  if (!MODEL_DIGEST_PATTERN.test(digest)) throw new Error('the base has no digest')
  const random = seededRandom(seed)
  const draw = (count: number, most: number) =>
    Float32Array.from({ length: count }, () => (2 * random() - 1) * most)
  return {
    ...{ architecture, name, rank, alpha, base: digest, metadata: {} },
    modules: modules
      .filter(module => module.name !== 'output')
      .map(module => ({
        ...module,
        a: draw(rank * module.inputs, 0.5),
        b: draw(module.outputs * rank, size),
      })),
  }
}

/** The same, in a file. */
export async function randomAdapterFile(
  path: string,
  basePath: string,
  options?: RandomAdapterOptions,
): Promise<{ id: ModelId; path: string }> {
  const adapter = await randomAdapter(basePath, options)
  await writeAdapterFile(path, adapter)
  return { id: adapterModelId(adapter), path }
}
