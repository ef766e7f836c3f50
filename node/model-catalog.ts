import { ModelCatalog } from '../inference/models/catalog.ts'
import type { Config } from './config/settings.ts'
import type { DataDir } from './data-dir.ts'

/** The models of a node: those in its folder, and where its settings say others come from. */
export function openCatalog(dataDir: DataDir, config: Config): ModelCatalog {
  return new ModelCatalog({
    modelsFolder: dataDir.models,
    cacheFolder: dataDir.engine,
    hub: { endpoint: config['models.hubEndpoint'], token: config['models.hubToken'] },
  })
}
