import type { AdapterShape, ExpectedAdapter } from '../../../inference/learning/adapter.ts'
import { adapterShapeOf, layersOf } from '../../../inference/learning/adapter-shape.ts'
import type { ModuleKind } from '../../../inference/learning/training-settings.ts'
import type { ModelCatalog } from '../../../inference/models/catalog.ts'
import { ModelError } from '../../../inference/models/errors.ts'
import { type ModelId, parseModelId } from '../../../protocol/ids.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import type { BaseModels, RoundBase } from './round-base.ts'

/** Bases among the models of this machine. Nothing is downloaded for strangers. */
export class CatalogBases implements BaseModels {
  readonly #catalog: Pick<ModelCatalog, 'installed'>
  readonly #shapes = new Map<string, Promise<AdapterShape>>()

  constructor(modules: { catalog: Pick<ModelCatalog, 'installed'> }) {
    this.#catalog = modules.catalog
  }

  async find(base: ModelId): Promise<RoundBase> {
    const sha256 = parseModelId(base)?.sha256
    const found = (await this.#catalog.installed()).find(model => model.sha256 === sha256)
    if (found !== undefined) return { id: base, path: found.path }
    throw new ModelError('MODEL_NOT_FOUND', `the base ${base} is not on this machine`, {
      fix: 'Serve it, or load it into the models folder, to take part in its rounds.',
      details: { base },
    })
  }

  async expected({ id, path }: RoundBase, manifest: RoundManifest): Promise<ExpectedAdapter> {
    const shape = await this.shape({ path })
    const { rank, alpha, modules } = manifest
    return {
      architecture: shape.architecture,
      base: `sha256:${parseModelId(id)!.sha256}`,
      ...{ rank, alpha, modules: layersOf(shape, modules as ModuleKind[]) },
    }
  }

  /** Read once. @throws {ModelError} MODEL_INVALID */
  shape({ path }: { path: string }): Promise<AdapterShape> {
    const shape = this.#shapes.get(path) ?? adapterShapeOf(path)
    this.#shapes.set(path, shape)
    shape.catch(() => this.#shapes.delete(path))
    return shape
  }
}
