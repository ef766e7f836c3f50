import type { ModelSource } from '../../inference/engine.ts'
import type { Config } from '../../node/config/settings.ts'
import type { DataDir } from '../../node/data-dir.ts'
import { openCatalog } from '../../node/model-catalog.ts'
import { dataDirFrom } from '../context.ts'
import { configFrom } from '../setting-flags.ts'

/** A model as a person named it, with the settings that say how it is run. */
export interface BaseModel {
  source: ModelSource
  dataDir: DataDir
  config: Config
}

/** Finds a model; one that is named by URL or hub name is downloaded. @throws {ModelError} */
export async function findBase(name: string, signal: AbortSignal): Promise<BaseModel> {
  const dataDir = dataDirFrom({})
  const { config } = await configFrom({})
  return { source: await openCatalog(dataDir, config).resolve(name, { signal }), dataDir, config }
}
