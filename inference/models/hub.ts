import { z } from 'zod'
import { ModelError } from './errors.ts'
import { displayUrl, followRedirects } from './http.ts'

export interface HubOptions {
  /** Where the hub or a mirror of it is; null for huggingface.co. */
  endpoint?: string | null
  /** For repositories that are not public. */
  token?: string | null
}

export interface HubFile {
  path: string
  bytes: number
  /** Of files kept in large-file storage, which weights are. */
  sha256: string | null
}

const DEFAULT_ENDPOINT = 'https://huggingface.co'
const REVISION = 'main'
const TIMEOUT_MS = 30_000
const MAX_PAGES = 20
/** The order of preference when a name leaves the quantisation open. */
const PREFERRED_QUANTIZATIONS = ['Q4_K_M', 'Q8_0', 'Q5_K_M', 'Q4_0', 'F16']

const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.number().nonnegative(),
    lfs: z.object({ oid: z.string(), size: z.number().nonnegative() }).optional(),
  }),
)

/** What of the Hugging Face hub is needed to find a model file. */
export class Hub {
  readonly #endpoint: string
  readonly #fetch: typeof globalThis.fetch
  readonly token: string | null

  constructor(options: HubOptions, modules: { fetch: typeof globalThis.fetch }) {
    this.#endpoint = (options.endpoint ?? DEFAULT_ENDPOINT).replace(/\/+$/, '')
    this.token = options.token ?? null
    this.#fetch = modules.fetch
  }

  /** Address of one file. */
  fileUrl(owner: string, repository: string, file: string): string {
    const path = file.split('/').map(encodeURIComponent).join('/')
    return `${this.#endpoint}/${owner}/${repository}/resolve/${REVISION}/${path}`
  }

  /**
   * The GGUF file of a quantisation; of the one most would take when null.
   * @throws {ModelError} MODEL_NOT_FOUND, DOWNLOAD_REFUSED, DOWNLOAD_FAILED, CANCELLED
   */
  async findQuantization(
    owner: string,
    repository: string,
    quantization: string | null,
    signal: AbortSignal | undefined,
  ): Promise<HubFile> {
    const files = await this.#modelFiles(owner, repository, signal)
    return chooseQuantization(files, quantization, `${owner}/${repository}`)
  }

  async #modelFiles(owner: string, repository: string, signal: AbortSignal | undefined): Promise<HubFile[]> {
    const files: HubFile[] = []
    let url: string | null =
      `${this.#endpoint}/api/models/${owner}/${repository}/tree/${REVISION}?recursive=true`
    for (let page = 0; url !== null && page < MAX_PAGES; page++) {
      const response: Response = await this.#get(url, signal)
      for (const entry of await readTree(response, url)) {
        if (entry.type !== 'file' || !/\.gguf$/i.test(entry.path)) continue
        files.push({ path: entry.path, bytes: entry.lfs?.size ?? entry.size, sha256: entry.lfs?.oid ?? null })
      }
      url = nextPage(response, url)
    }
    return files
  }

  async #get(url: string, signal: AbortSignal | undefined): Promise<Response> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    const where = displayUrl(url)
    let response: Response
    try {
      const combined = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
      response = (
        await followRedirects(this.#fetch, { url, headers: {}, token: this.token, signal: combined })
      ).response
    } catch (error) {
      if (signal?.aborted === true)
        throw new ModelError('CANCELLED', 'looking up the model was cancelled', { cause: error })
      throw new ModelError('DOWNLOAD_FAILED', `${where} cannot be reached`, {
        fix: 'Check the network, or name the model by the path of a file that is here.',
        cause: error,
      })
    }
    if (response.ok) return response
    await response.body?.cancel()
    const { status } = response
    // The hub answers 401 for what does not exist, so as not to tell what exists in private.
    if (status === 401 || status === 403) {
      throw new ModelError('DOWNLOAD_REFUSED', `${where} does not exist or is not public (${status})`, {
        fix: 'Check the spelling, or set HF_TOKEN to a token that may read it and accept its licence.',
        details: { status },
      })
    }
    if (status === 404) {
      throw new ModelError('MODEL_NOT_FOUND', `${where} does not exist`, {
        fix: 'Check the spelling of owner and repository.',
        details: { status },
      })
    }
    throw new ModelError('DOWNLOAD_FAILED', `the hub answered ${status} for ${where}`, {
      fix: 'Try again later.',
      details: { status },
    })
  }
}

async function readTree(response: Response, url: string): Promise<z.infer<typeof treeSchema>> {
  try {
    return treeSchema.parse(await response.json())
  } catch (error) {
    throw new ModelError('DOWNLOAD_FAILED', `${displayUrl(url)} does not answer as a hub does`, {
      fix: 'Check HF_ENDPOINT, or name the model by the URL of its file.',
      cause: error,
    })
  }
}

/** The next page of a listing (RFC 8288), where it is of the same origin as this one: the token goes along. */
function nextPage(response: Response, url: string): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  if (next === undefined || !URL.canParse(next, url)) return null
  const nextUrl = new URL(next, url)
  return nextUrl.origin === new URL(url).origin ? nextUrl.href : null
}

/** @throws {ModelError} MODEL_NOT_FOUND, naming what there is */
export function chooseQuantization(
  files: readonly HubFile[],
  quantization: string | null,
  repository: string,
): HubFile {
  // Projectors for images and parts of split models cannot be run by themselves.
  const whole = files.filter(file => !/mmproj/i.test(file.path) && !/-\d{5}-of-\d{5}\.gguf$/i.test(file.path))
  const matching = (wanted: string) =>
    whole
      .filter(file => hasQuantization(file.path, wanted))
      .toSorted((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1))[0]
  const wanted = quantization === null ? PREFERRED_QUANTIZATIONS : [quantization]
  for (const name of wanted) {
    const file = matching(name)
    if (file !== undefined) return file
  }
  const only = whole[0]
  if (quantization === null && only !== undefined && whole.length === 1) return only
  const known = whole.map(file => file.path)
  throw new ModelError(
    'MODEL_NOT_FOUND',
    `${repository} has no ${quantization === null ? 'usual quantisation' : `file of the quantisation ${quantization}`}`,
    {
      fix:
        known.length === 0
          ? 'Look for a repository that offers the model as whole GGUF files.'
          : `Name one of its files: hf:${repository}/${known[0]}.`,
      details: { files: known.slice(0, 20) },
    },
  )
}

function hasQuantization(path: string, quantization: string): boolean {
  const stem = path.replace(/\.gguf$/i, '').toLowerCase()
  const wanted = quantization.toLowerCase()
  const at = stem.lastIndexOf(wanted)
  if (at === -1) return false
  const before = stem[at - 1] ?? '-'
  const after = stem[at + wanted.length] ?? '-'
  return /[-./]/.test(before) && /[-./]/.test(after)
}
