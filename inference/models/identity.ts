import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ModelId } from '../../protocol/ids.ts'
import { MAX_MODEL_NAME_CHARS } from '../../protocol/limits.ts'
import type { ModelSource } from '../engine.ts'
import { JsonFile } from '../json-file.ts'
import { ModelError } from './errors.ts'
import { type GgufSummary, inspectGguf } from './gguf.ts'

/** A model file with what is known of it. */
export interface IdentifiedModel extends ModelSource {
  sha256: string
  summary: GgufSummary
}

const MAX_ENTRIES = 1_024
/** A file that still changes after so many readings is being written by someone. */
const MAX_READINGS = 3

const cacheSchema = z.array(
  z.strictObject({
    path: z.string(),
    bytes: z.string(),
    modifiedNs: z.string(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
)

interface HashProgress {
  hashedBytes: number
  totalBytes: number
}

export interface HashOptions {
  signal?: AbortSignal
  onProgress?: (progress: HashProgress) => void
}

/**
 * Gives model files their identity: the SHA-256 of the file and a name read from its content, so
 * that every node calls the same file the same. Digests are remembered by path, size and time of
 * change, in `digests.json` of the cache folder.
 */
export class ModelIdentifier {
  readonly #cache: JsonFile<z.infer<typeof cacheSchema>> | null

  constructor(options: { cacheFolder: string | null }) {
    this.#cache =
      options.cacheFolder === null
        ? null
        : new JsonFile({ path: join(options.cacheFolder, 'digests.json'), schema: cacheSchema, empty: [] })
  }

  /** @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND, CANCELLED */
  async identify(path: string, options: HashOptions = {}): Promise<IdentifiedModel> {
    const summary = await inspectGguf(path)
    const sha256 = await this.digest(path, options)
    return { id: formatModelId(modelName(summary), sha256), path, sha256, summary }
  }

  /** SHA-256 of a file, as 64 hex digits. @throws {ModelError} MODEL_INVALID, CANCELLED */
  async digest(path: string, options: HashOptions = {}): Promise<string> {
    const key = await realpath(path)
    for (let reading = 0; reading < MAX_READINGS; reading++) {
      const before = await fingerprint(key)
      const known = await this.#recall(key, before)
      if (known !== null) return known
      const sha256 = await hashFile(key, options)
      const after = await fingerprint(key)
      if (after.bytes !== before.bytes || after.modifiedNs !== before.modifiedNs) continue
      await this.#remember({ path: key, ...before, sha256 })
      return sha256
    }
    throw new ModelError('MODEL_INVALID', `${path} changes while it is read`, {
      fix: 'Wait until whoever writes the file is done.',
      details: { path },
    })
  }

  /**
   * Reads a file through, whatever is remembered of it.
   * @returns its digest, and the one that was remembered for this very state of it, if any: where they
   * differ, the file was damaged behind the file system's back
   */
  async verify(
    path: string,
    options: HashOptions = {},
  ): Promise<{ sha256: string; remembered: string | null }> {
    const key = await realpath(path)
    const remembered = await this.#recall(key, await fingerprint(key))
    return { sha256: await hashFile(key, options), remembered }
  }

  /** Remembers the digest of a file that was just verified, so that it need not be read again. */
  async verified(path: string, sha256: string): Promise<void> {
    const key = await realpath(path)
    await this.#remember({ path: key, ...(await fingerprint(key)), sha256 })
  }

  async #recall(path: string, state: Fingerprint): Promise<string | null> {
    const entry = (await this.#cache?.read())?.find(
      entry => entry.path === path && entry.bytes === state.bytes && entry.modifiedNs === state.modifiedNs,
    )
    return entry?.sha256 ?? null
  }

  async #remember(entry: z.infer<typeof cacheSchema>[number]): Promise<void> {
    const others = (entries: z.infer<typeof cacheSchema>) =>
      entries.filter(other => other.path !== entry.path)
    // Without a cache the file is read again the next time: slower, not wrong.
    await this.#cache?.update(entries => [...others(entries).slice(1 - MAX_ENTRIES), entry]).catch(() => {})
  }
}

/** `name@sha256:<64 hex>`. */
export function formatModelId(name: string, sha256: string): ModelId {
  return `${name}@sha256:${sha256}`
}

/**
 * The readable part of a model's id, from the file's content alone: its name, or else architecture
 * and size, with the quantisation behind.
 */
export function modelName(
  summary: Pick<GgufSummary, 'name' | 'architecture' | 'parameterCount' | 'quantization'>,
): string {
  const quantization = sanitize(summary.quantization)
  const own = sanitize(summary.name ?? '')
  const name =
    own === '' ? `${sanitize(summary.architecture) || 'model'}-${readableCount(summary.parameterCount)}` : own
  if (name.includes(quantization)) return name.slice(0, MAX_MODEL_NAME_CHARS)
  return `${name.slice(0, MAX_MODEL_NAME_CHARS - quantization.length - 1)}-${quantization}`
}

function sanitize(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/-+$/, '')
}

function readableCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)}b`
  if (count >= 1e6) return `${Math.round(count / 1e6)}m`
  return `${Math.round(count / 1e3)}k`
}

/** Another one means another content, as far as the file system tells. */
interface Fingerprint {
  bytes: string
  modifiedNs: string
}

async function fingerprint(path: string): Promise<Fingerprint> {
  const { size, mtimeNs } = await stat(path, { bigint: true })
  return { bytes: String(size), modifiedNs: String(mtimeNs) }
}

/** Hashes in pieces of 256 KiB, about 0.2 ms each, so that the event loop stays free. */
async function hashFile(path: string, options: HashOptions): Promise<string> {
  const { signal, onProgress } = options
  const totalBytes = (await stat(path)).size
  const hash = createHash('sha256')
  let hashedBytes = 0
  try {
    for await (const chunk of createReadStream(path, {
      highWaterMark: 262_144,
      ...(signal === undefined ? {} : { signal }),
    })) {
      hash.update(chunk)
      hashedBytes += chunk.length
      onProgress?.({ hashedBytes, totalBytes })
    }
  } catch (error) {
    if (signal?.aborted === true)
      throw new ModelError('CANCELLED', `reading ${path} was cancelled`, { cause: error })
    throw error
  }
  return hash.digest('hex')
}
