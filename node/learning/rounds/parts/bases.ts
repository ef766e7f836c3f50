import type { ExpectedAdapter } from '../../../../inference/learning/adapter.ts'
import { adapterShapeOf, layersOf } from '../../../../inference/learning/adapter-shape.ts'
import { type ModuleKind, trainingSettingsSchema } from '../../../../inference/learning/training-settings.ts'
import type { ModelCatalog } from '../../../../inference/models/catalog.ts'
import { type ModelId, parseModelId } from '../../../../protocol/ids.ts'
import type { RoundManifest } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { BaseModels, RoundBase } from '../../scoring/round-base.ts'

/** Base models among the files that are here; none is downloaded for a round. */
export class CatalogBases implements BaseModels {
  readonly #catalog: Pick<ModelCatalog, 'resolve'>
  /** By path: reading the shapes of a large file takes a while. */
  readonly #shapes = new Map<string, ReturnType<typeof adapterShapeOf>>()

  constructor(modules: { catalog: Pick<ModelCatalog, 'resolve'> }) {
    this.#catalog = modules.catalog
  }

  async find(base: ModelId): Promise<RoundBase> {
    const { path } = await this.#catalog.resolve(base)
    return { id: base, path }
  }

  async expected({ id, path }: RoundBase, manifest: RoundManifest): Promise<ExpectedAdapter> {
    let shape = this.#shapes.get(path)
    if (shape === undefined) {
      shape = adapterShapeOf(path)
      this.#shapes.set(path, shape)
      shape.catch(() => this.#shapes.delete(path))
    }
    const { rank, alpha } = manifest
    const read = await shape
    return {
      architecture: read.architecture,
      base: `sha256:${parseModelId(id)!.sha256}`,
      ...{ rank, alpha, modules: layersOf(read, moduleKinds(manifest)) },
    }
  }
}

/**
 * The kinds of layers that a round changes.
 * @throws {ZodError} when one is unknown here
 */
export function moduleKinds({ modules }: Pick<RoundManifest, 'modules'>): ModuleKind[] {
  return trainingSettingsSchema.shape.modules.parse(modules)
}
