import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adaptedModelId, isAdaptedModel } from '../../protocol/adapted-model.ts'
import { isShoalError } from '../../protocol/errors.ts'
import { type ModelId, parseModelId } from '../../protocol/ids.ts'
import type { ModelSource } from '../engine.ts'
import { AdapterLibrary, ggufFiles, type KnownAdapter } from './adapter-library.ts'
import { Downloader, type DownloaderModules, type DownloadOptions, systemModules } from './download.ts'
import { ModelError } from './errors.ts'
import { inspectGguf } from './gguf.ts'
import { chooseQuantization, Hub, type HubFile, type HubOptions } from './hub.ts'
import { type IdentifiedModel, ModelIdentifier } from './identity.ts'
import { parseModelSpec } from './model-spec.ts'
import { quantizationBits, withoutQuantization } from './quantization-suffix.ts'

/** The embedded model that a node runs when nobody says which. */
export const DEFAULT_MODEL = 'shoal-mini'

export interface EmbeddedModel {
  /** What it is called, as `shoal-nano`. */
  name: string
  path: string
}

export interface CatalogOptions {
  /** Where downloaded models are. */
  modelsFolder: string
  /** Where digests are remembered. */
  cacheFolder: string
  hub?: HubOptions
}

/** A model file that was read through again. */
export interface VerifiedModel {
  path: string
  sha256: string
  /** False when its content is not what it was, though size and time of change are. */
  isIntact: boolean
}

/** A name that stands for a base with adapters. */
interface AdaptedSpec {
  base: string
  adapters: readonly string[]
}

export interface CatalogModules extends Partial<Omit<DownloaderModules, 'digest' | 'check'>> {
  /** Where the embedded models are. */
  embeddedFolder?: string
}

const MAX_RESOLVED = 64
const EMBEDDED_FOLDER = fileURLToPath(new URL('./embedded/', import.meta.url))

/** Knows the models of this machine, and gets others. */
export class ModelCatalog {
  readonly #modelsFolder: string
  readonly #embeddedFolder: string
  readonly #identifier: ModelIdentifier
  readonly #downloader: Downloader
  readonly #hub: Hub
  /** Paths of the files that names stood for, by digest: they need not lie in our folders. */
  readonly #resolved = new Map<string, string>()
  /** Adapters that are here. */
  readonly adapters: AdapterLibrary

  constructor(options: CatalogOptions, modules: CatalogModules = {}) {
    this.#modelsFolder = options.modelsFolder
    this.#embeddedFolder = modules.embeddedFolder ?? EMBEDDED_FOLDER
    this.#identifier = new ModelIdentifier({ cacheFolder: options.cacheFolder })
    this.adapters = new AdapterLibrary(
      { folder: options.modelsFolder },
      { digest: path => this.#identifier.digest(path) },
    )
    // A file on its way changes its name: remembering its digest would be of no use.
    const unremembered = new ModelIdentifier({ cacheFolder: null })
    const outside = { ...systemModules, ...modules }
    this.#downloader = new Downloader(
      {},
      {
        ...outside,
        digest: (path, hashOptions) => unremembered.digest(path, hashOptions),
        check: inspectGguf,
      },
    )
    this.#hub = new Hub(options.hub ?? {}, { fetch: outside.fetch })
  }

  /** The models that came with the program: the default one first, of each the most exact file first. */
  async embedded(): Promise<EmbeddedModel[]> {
    const files = await ggufFiles(this.#embeddedFolder)
    return files
      .map(path => ({ name: embeddedName(path), path }))
      .toSorted(
        (a, b) =>
          Number(b.name === DEFAULT_MODEL) - Number(a.name === DEFAULT_MODEL) ||
          (a.name === b.name ? bitsOf(b.path) - bitsOf(a.path) : a.name < b.name ? -1 : 1),
      )
  }

  /** Every model file that is here. Files that are no models are left out. */
  async installed(): Promise<IdentifiedModel[]> {
    const models: IdentifiedModel[] = []
    for (const path of [
      ...(await ggufFiles(this.#embeddedFolder)),
      ...(await ggufFiles(this.#modelsFolder)),
    ]) {
      try {
        models.push(await this.#identifier.identify(path))
      } catch (error) {
        if (!isShoalError(error, 'MODEL_INVALID', 'MODEL_NOT_FOUND')) throw error
      }
    }
    return models
  }

  /** Reads every model file that is here through again, whatever is remembered of it. */
  async verify(): Promise<VerifiedModel[]> {
    const verified: VerifiedModel[] = []
    for (const { path } of await this.installed()) {
      const { sha256, remembered } = await this.#identifier.verify(path)
      verified.push({ path, sha256, isIntact: remembered === null || remembered === sha256 })
    }
    return verified
  }

  /**
   * The file a name stands for, downloaded if need be. See `parseModelSpec` for the names.
   * @throws {ModelError}
   */
  async resolve(name: string, options: DownloadOptions = {}): Promise<ModelSource> {
    const spec = parseModelSpec(name)
    // A file may have a plus in its name.
    if (spec.kind === 'adapted' && (await isFile(name.trim())))
      return this.#source(name.trim(), null, options)
    switch (spec.kind) {
      case 'path':
        return this.#source(spec.path, null, options)
      case 'name':
        return this.#source(await this.#embeddedPath(spec.name), null, options)
      case 'digest':
        return this.#byDigest(spec.sha256)
      case 'adapted':
        return this.#adapted(spec, options)
      case 'url':
        return this.#download(
          spec.url,
          join(this.#modelsFolder, 'url', urlFileName(spec.url)),
          spec.sha256,
          null,
          options,
        )
      case 'hub-file':
        return this.#downloadFromHub(spec.owner, spec.repository, spec.file, spec.sha256, options)
      case 'hub-quantization': {
        const { owner, repository, quantization } = spec
        const file = await this.#findQuantization(owner, repository, quantization, options.signal)
        return this.#downloadFromHub(owner, repository, file.path, file.sha256, options)
      }
    }
  }

  /**
   * A base with the adapter that a receipt names, both here.
   * @param model what the two are called together
   * @throws {ModelError} MODEL_NOT_FOUND, `details.lacks` with `adapter` or `base`; MODEL_INVALID where they are not `model`
   */
  async resolveAdapted(model: ModelId, adapter: ModelId): Promise<ModelSource> {
    const worn = await this.adapters.find(adapter)
    if (worn === null) throw lacking('adapter', adapter)
    if (worn.base === null)
      throw new ModelError(
        'MODEL_INVALID',
        `the adapter ${worn.path} does not say for which base it was made`,
        {
          fix: 'Use an adapter that was written by Shoal.',
          details: { path: worn.path },
        },
      )
    const base = await this.#byDigest(worn.base.slice('sha256:'.length)).catch(() => null)
    if (base === null) throw lacking('base', worn.base)
    if (!isAdaptedModel(model, { base: base.id, adapter: worn.id }))
      throw new ModelError('MODEL_INVALID', `${model} is not what ${adapter} makes of its base`, {
        details: { model, adapter },
      })
    return { ...wearing(base, [worn]), id: model }
  }

  async #adapted(spec: AdaptedSpec, options: DownloadOptions): Promise<ModelSource> {
    const worn: KnownAdapter[] = []
    for (const text of spec.adapters) worn.push(await this.#adapter(text))
    const base = await this.resolve(spec.base, options)
    const digest = `sha256:${parseModelId(base.id)!.sha256}`
    const stranger = worn.find(adapter => adapter.base !== null && adapter.base !== digest)
    if (stranger !== undefined)
      throw new ModelError('MODEL_INVALID', `the adapter ${stranger.path} was made for another base`, {
        fix: `Name it behind the model with the digest ${stranger.base}.`,
        details: { path: stranger.path, expected: digest, actual: stranger.base },
      })
    return wearing(base, worn)
  }

  async #adapter(text: string): Promise<KnownAdapter> {
    if (/\.gguf$/i.test(text)) return this.adapters.add(text)
    const found = await this.adapters.find(text)
    if (found === null) throw lacking('adapter', text)
    return found
  }

  /** Asks the hub; without a network, what was downloaded from the repository before. */
  async #findQuantization(
    owner: string,
    repository: string,
    quantization: string | null,
    signal: AbortSignal | undefined,
  ): Promise<HubFile> {
    try {
      return await this.#hub.findQuantization(owner, repository, quantization, signal)
    } catch (error) {
      if (!isShoalError(error, 'DOWNLOAD_FAILED')) throw error
      const folder = join(this.#modelsFolder, 'hf', owner, repository)
      const here = (await ggufFiles(folder)).map(path => ({
        path: relative(folder, path).replaceAll(sep, '/'),
        bytes: 0,
        sha256: null,
      }))
      if (here.length === 0) throw error
      return chooseQuantization(here, quantization, `${owner}/${repository}`)
    }
  }

  async #embeddedPath(name: string): Promise<string> {
    const models = await this.embedded()
    const found = models.find(model => model.name === name || basename(model.path, '.gguf') === name)
    if (found !== undefined) return found.path
    const names = [...new Set(models.map(model => model.name))]
    throw new ModelError('MODEL_NOT_FOUND', `there is no model called ${name}`, {
      fix: `Use ${names.length === 0 ? 'a path, a URL or an hf: name' : `${names.join(', ')}, a path, a URL or an hf: name`}.`,
      details: { embedded: names },
    })
  }

  async #byDigest(sha256: string): Promise<ModelSource> {
    const path = this.#resolved.get(sha256)
    const known = path === undefined ? null : await this.#identifier.identify(path).catch(() => null)
    if (known?.sha256 === sha256) return { id: known.id, path: known.path }
    const found = (await this.installed()).find(model => model.sha256 === sha256)
    if (found !== undefined) return { id: found.id, path: found.path }
    throw new ModelError('MODEL_NOT_FOUND', `no model here has the digest ${sha256}`, {
      fix: 'Name it by URL or hf: name, so that it can be downloaded.',
      details: { sha256 },
    })
  }

  #downloadFromHub(
    owner: string,
    repository: string,
    file: string,
    sha256: string | null,
    options: DownloadOptions,
  ): Promise<ModelSource> {
    const target = join(this.#modelsFolder, 'hf', owner, repository, ...file.split('/'))
    return this.#download(
      this.#hub.fileUrl(owner, repository, file),
      target,
      sha256,
      this.#hub.token,
      options,
    )
  }

  async #download(
    url: string,
    target: string,
    sha256: string | null,
    token: string | null,
    options: DownloadOptions,
  ): Promise<ModelSource> {
    const verified = await this.#downloader.download({ url, target, sha256, token }, options)
    if (verified !== null) await this.#identifier.verified(target, verified)
    return this.#source(target, sha256, options)
  }

  async #source(path: string, sha256: string | null, options: DownloadOptions): Promise<ModelSource> {
    const model = await this.#identifier.identify(path, {
      onProgress: ({ hashedBytes, totalBytes }) =>
        options.onProgress?.({ phase: 'verifying', bytes: hashedBytes, totalBytes, bytesPerSecond: 0 }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    if (sha256 !== null && model.sha256 !== sha256) {
      throw new ModelError('MODEL_DIGEST_MISMATCH', `${path} is not the file that was asked for`, {
        fix: 'Delete it and ask again, or correct the digest.',
        details: { expected: sha256, actual: model.sha256 },
      })
    }
    this.#resolved.delete(model.sha256)
    if (this.#resolved.size >= MAX_RESOLVED) this.#resolved.delete(this.#resolved.keys().next().value!)
    this.#resolved.set(model.sha256, model.path)
    return { id: model.id, path: model.path }
  }
}

function wearing(base: ModelSource, adapters: readonly KnownAdapter[]): ModelSource {
  return {
    id: adaptedModelId(
      base.id,
      adapters.map(({ id }) => id),
    ),
    path: base.path,
    base: base.id,
    adapters: adapters.map(({ id, path }) => ({ id, path, scale: 1 })),
  }
}

function lacking(lacks: 'adapter' | 'base', wanted: string): ModelError {
  return new ModelError('MODEL_NOT_FOUND', `the ${lacks} ${wanted} is not on this machine`, {
    fix: `Put its file into the models folder.`,
    details: { lacks, wanted },
  })
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isFile(),
    () => false,
  )
}

function embeddedName(path: string): string {
  return withoutQuantization(basename(path, '.gguf'))
}

function bitsOf(path: string): number {
  return quantizationBits(basename(path, '.gguf'))
}

/** Readable and different for different addresses: two hosts may both have a `model.gguf`. */
function urlFileName(url: string): string {
  const { hostname, pathname, origin } = new URL(url)
  const stem = basename(pathname)
    .replace(/\.gguf$/i, '')
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 80)
  const digest = createHash('sha256')
    .update(origin + pathname)
    .digest('hex')
    .slice(0, 8)
  return join(hostname, `${stem === '' ? 'model' : stem}-${digest}.gguf`)
}
