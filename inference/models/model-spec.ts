import { parseModelId } from '../../protocol/ids.ts'
import { ModelError } from './errors.ts'

/** How a person names a model. */
export type ModelSpec =
  /** A file of this machine. */
  | { kind: 'path'; path: string }
  | { kind: 'url'; url: string; sha256: string | null }
  /** A file of a repository on the Hugging Face hub. */
  | { kind: 'hub-file'; owner: string; repository: string; file: string; sha256: string | null }
  /** The file of a quantisation in a repository; null leaves the choice to us. */
  | { kind: 'hub-quantization'; owner: string; repository: string; quantization: string | null }
  /** A model that is here already, by the digest of its file. */
  | { kind: 'digest'; sha256: string }
  /** A model that came with the program. */
  | { kind: 'name'; name: string }
  /** A base, by any of these names, that wears adapters: files, or digests of those that are here. */
  | { kind: 'adapted'; base: string; adapters: string[] }

const DIGEST = '[0-9a-fA-F]{64}'
const DIGEST_SUFFIX = new RegExp(`(?:@sha256:|#sha256=)(${DIGEST})$`)
const HUB_SEGMENT = /^[\w][\w.-]*$/
const ADAPTERS = new RegExp(`^(.*?[^+])((?:\\+(?:[^+]+\\.gguf|(?:[^+@/\\\\]+@)?sha256:${DIGEST}))+)$`, 'i')
const NAME = /^[a-z0-9][a-z0-9._-]*$/i

/**
 * Reads a model name: a path, a URL, `hf:owner/repository/file.gguf`, `hf:owner/repository:QUANT`,
 * `name@sha256:…`, or the name of an embedded model. URLs and hub files may end in `#sha256=…` or
 * `@sha256:…`, which the download must then match. Behind any of them may stand adapters: `shoal-mini+law.gguf`.
 * @throws {ModelError} MODEL_NAME_INVALID
 */
export function parseModelSpec(text: string): ModelSpec {
  const spec = text.trim()
  if (spec === '') throw invalid(text, 'is empty')
  const adapted = adaptedSpec(spec)
  if (adapted !== null) return adapted
  const id = parseModelId(spec)
  if (id !== null) return { kind: 'digest', sha256: id.sha256 }
  const bare = new RegExp(`^sha256:(${DIGEST})$`).exec(spec)?.[1]
  if (bare !== undefined) return { kind: 'digest', sha256: bare.toLowerCase() }
  if (/^https?:\/\//i.test(spec)) return urlSpec(spec)
  if (spec.startsWith('hf:')) return hubSpec(spec)
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(spec)?.[1]
  if (scheme !== undefined && scheme !== 'file')
    throw invalid(spec, `has the scheme ${scheme}:, which is not known`)
  if (/[/\\]/.test(spec) || /\.gguf$/i.test(spec) || !NAME.test(spec)) return { kind: 'path', path: spec }
  return { kind: 'name', name: spec }
}

/** Null for a name without adapters, such as one of an address that has a plus in it. */
function adaptedSpec(spec: string): ModelSpec | null {
  const [, base, adapters] = ADAPTERS.exec(spec) ?? []
  if (base === undefined || adapters === undefined) return null
  if (/^https?:/i.test(base) && !/\.gguf(?:[?#@]|$)/i.test(base)) return null
  if (base.startsWith('hf:') && !isHubName(base)) return null
  return { kind: 'adapted', base, adapters: adapters.slice(1).split('+') }
}

function isHubName(spec: string): boolean {
  try {
    hubSpec(spec)
    return true
  } catch {
    return false
  }
}

function urlSpec(spec: string): ModelSpec {
  const { rest, sha256 } = splitDigest(spec)
  if (!URL.canParse(rest)) throw invalid(spec, 'is not a URL')
  return { kind: 'url', url: new URL(rest).href, sha256 }
}

function hubSpec(spec: string): ModelSpec {
  const { rest, sha256 } = splitDigest(spec.slice('hf:'.length).replace(/^\/\//, ''))
  const [owner, repositoryPart, ...path] = rest.split('/')
  const [repository, quantization, ...more] = (repositoryPart ?? '').split(':')
  const isNamed =
    owner !== undefined && repository !== undefined && HUB_SEGMENT.test(owner) && HUB_SEGMENT.test(repository)
  if (!isNamed || more.length > 0)
    throw invalid(spec, 'is not hf:owner/repository/file.gguf or hf:owner/repository:QUANT')
  if (path.length === 0) {
    if (sha256 !== null) throw invalid(spec, 'has a digest but names no file')
    return { kind: 'hub-quantization', owner, repository, quantization: quantization ?? null }
  }
  const isFile =
    quantization === undefined && path.every(part => part !== '' && part !== '.' && part !== '..')
  if (!isFile || !/\.gguf$/i.test(rest)) throw invalid(spec, 'does not end in the path of a .gguf file')
  return { kind: 'hub-file', owner, repository, file: path.join('/'), sha256 }
}

function splitDigest(spec: string): { rest: string; sha256: string | null } {
  const match = DIGEST_SUFFIX.exec(spec)
  if (match !== null) return { rest: spec.slice(0, match.index), sha256: (match[1] as string).toLowerCase() }
  if (/[@#]sha256[:=]/.test(spec)) throw invalid(spec, 'has a digest that is not 64 hexadecimal digits')
  return { rest: spec, sha256: null }
}

function invalid(spec: string, problem: string): ModelError {
  return new ModelError('MODEL_NAME_INVALID', `the model name "${spec}" ${problem}`, {
    fix: 'Name a model by path, URL, hf:owner/repository/file.gguf, hf:owner/repository:QUANT, name@sha256:…, and adapters behind it: BASE+ADAPTER.gguf.',
    details: { model: spec },
  })
}
