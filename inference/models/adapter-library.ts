import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isShoalError } from '../../protocol/errors.ts'
import { type ModelId, parseModelId } from '../../protocol/ids.ts'
import { MAX_MODEL_NAME_CHARS } from '../../protocol/limits.ts'
import { PRIVATE_MARK } from '../learning/private-adapter.ts'
import { ModelError } from './errors.ts'
import { readGgufHead, textOf } from './gguf-head.ts'
import { formatModelId } from './identity.ts'

/** An adapter file of this machine. */
export interface KnownAdapter {
  id: ModelId
  path: string
  /** `sha256:…` of the base it was made for; null where it does not say. */
  base: string | null
  /** Made for its owner alone: others are not to have anything of it. */
  isPrivate: boolean
}

export interface AdapterLibraryModules {
  /** SHA-256 of a file, as 64 hex digits; remembered by whoever gives it. */
  digest: (path: string) => Promise<string>
}

const MAX_FOLDER_DEPTH = 6
/** Those that came last; older ones are found again in the folder, or added again. */
const MAX_ADDED = 1_024
const BASE_KEY = 'shoal.base.digest'

/** Knows the adapters of this machine: those in its models folder, and those that were added from elsewhere. */
export class AdapterLibrary {
  readonly #folder: string
  readonly #digest: (path: string) => Promise<string>
  /** By digest. */
  readonly #added = new Map<string, KnownAdapter>()
  readonly #listeners = new Set<() => void>()

  /** @param options.folder is looked through with all below it */
  constructor(options: { folder: string }, modules: AdapterLibraryModules) {
    this.#folder = options.folder
    this.#digest = modules.digest
  }

  /**
   * Makes a file known, wherever it is. Only its head is looked at: whether its weights are sound, who loads it sees.
   * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
   */
  async add(path: string): Promise<KnownAdapter> {
    const adapter = await this.#identify(path)
    const digest = parseModelId(adapter.id)!.sha256
    this.#added.delete(digest)
    if (this.#added.size >= MAX_ADDED) this.#added.delete(this.#added.keys().next().value!)
    this.#added.set(digest, adapter)
    for (const listener of this.#listeners) listener()
    return adapter
  }

  /** Called when a file has been added. @returns ends the calls */
  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @param wanted an id, or `sha256:…`; null where no file here has the digest */
  async find(wanted: string): Promise<KnownAdapter | null> {
    const digest = parseModelId(wanted)?.sha256 ?? /^sha256:([0-9a-f]{64})$/i.exec(wanted)?.[1]?.toLowerCase()
    if (digest === undefined) return null
    const added = this.#added.get(digest)
    if (added !== undefined && (await this.#isStill(added))) return added
    for (const path of await ggufFiles(this.#folder)) {
      const adapter = await this.#identify(path).catch((error: unknown) => {
        if (isShoalError(error)) return null
        throw error
      })
      if (adapter !== null && parseModelId(adapter.id)?.sha256 === digest) return adapter
    }
    return null
  }

  async #isStill({ id, path }: KnownAdapter): Promise<boolean> {
    const now = await this.#identify(path).catch(() => null)
    return now?.id === id
  }

  async #identify(path: string): Promise<KnownAdapter> {
    const { metadata } = await readGgufHead(path)
    if (textOf(metadata, 'general.type') !== 'adapter')
      throw new ModelError('MODEL_INVALID', `${path} is no adapter`, {
        fix: 'Name a LoRA adapter in GGUF, as shoal learn train writes it.',
        details: { path },
      })
    const name =
      nameOf(textOf(metadata, 'general.name') ?? '') || nameOf(basename(path, '.gguf')) || 'adapter'
    const base = textOf(metadata, BASE_KEY)
    const isPrivate = textOf(metadata, PRIVATE_MARK) !== null
    return { id: formatModelId(name, await this.#digest(path)), path, base, isPrivate }
  }
}

function nameOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_MODEL_NAME_CHARS)
}

/** All files below a folder that end in `.gguf`, in the order of their names. */
export async function ggufFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  const visit = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (entry.isDirectory() && depth < MAX_FOLDER_DEPTH) await visit(join(path, entry.name), depth + 1)
      else if (/\.gguf$/i.test(entry.name)) found.push(join(path, entry.name))
    }
  }
  await visit(folder, 0)
  return found.toSorted()
}
