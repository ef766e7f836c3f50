import type { ExpectedAdapter } from '../../../inference/learning/adapter.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'

/** A base model as it lies on this machine. */
export interface RoundBase {
  id: ModelId
  path: string
}

/** Finds base models. */
export interface BaseModels {
  /** @throws {ModelError} MODEL_NOT_FOUND */
  find(base: ModelId): Promise<RoundBase>
  /** What an adapter of a round has to fit. @throws {ModelError} MODEL_INVALID */
  expected(base: RoundBase, manifest: RoundManifest): Promise<ExpectedAdapter>
}
