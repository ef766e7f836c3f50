import { createHash } from 'node:crypto'
import { z } from 'zod'
import { CONTINUATIONS, OPTIONAL_FIELDS, type RemoteService } from '../../../inference/remote/service.ts'
import { DATA_CLASSES, type DataClass } from '../../../protocol/data-class.ts'
import { MAX_MODEL_NAME_CHARS } from '../../../protocol/limits.ts'
import { TASK_KINDS, type TaskKind } from '../../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import type { ConfigError } from '../../config/errors.ts'
import { credits, duration, type Kind } from '../../config/kinds.ts'
import { badSettingsFile, isLoopback, readSettingsFile } from '../../config/settings-file.ts'

/** A cloud service as its operator describes it. */
export interface CloudService {
  service: RemoteService
  /** Where its key is; null for one that wants none. */
  key: { variable: string } | { file: string } | null
  region: string | null
  /** The most guarded class of data that may go there. */
  dataClass: DataClass
  /** By model id. */
  terms: ReadonlyMap<string, CloudTerms>
}

/** What the operator says of one model of a service. */
export interface CloudTerms {
  kinds: TaskKind[]
  /** What the service bills, in credits at the operator's own rate, base units per million tokens. */
  price: TokenPrice
  /** 0 to 1; null where the operator does not say. */
  quality: number | null
  /** Until the first token, ms; 0 where it is not known. */
  ttftMs: number
}

const SECOND = 1_000
const FILE = {
  setting: 'cloud.services',
  content: 'cloud services',
  example: 'docs/cloud-services.md',
  maxChars: 1_048_576,
}
const MAX_SERVICES = 64
const MAX_MODELS = 64
const SERVICE_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
const MODEL_NAME = new RegExp(`^[a-z0-9][a-z0-9._-]{0,${MAX_MODEL_NAME_CHARS - 1}}$`)

/** What a setting of that kind could be. */
const like = <T>(kind: Kind<T>) =>
  z.unknown().transform((raw, context): T => {
    try {
      return kind.parse(raw)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not understood' })
      return z.NEVER
    }
  })

const modelSchema = z.strictObject({
  model: z.string().min(1).max(256),
  name: z
    .string()
    .regex(MODEL_NAME, 'expected lower-case letters, digits, dots, dashes and underscores')
    .optional(),
  kinds: z.array(z.enum(TASK_KINDS)).min(1).default(['chat']),
  input: like(credits(0n)),
  output: like(credits(0n)),
  contextTokens: z.int().min(64).max(16_777_216),
  quality: z.number().min(0).max(1).nullable().default(null),
  parameters: z.int().min(0).default(0),
  tokensPerSecond: z.number().min(0).max(1_000_000).default(0),
  ttft: like(duration(0, 600 * SECOND)).default(0),
  maxTokensField: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
  continues: z.enum(CONTINUATIONS).default('never'),
  omit: z.array(z.enum(OPTIONAL_FIELDS)).default([]),
})

const serviceSchema = z.strictObject({
  name: z.string().regex(SERVICE_NAME, 'expected lower-case letters, digits and dashes'),
  url: z.string().max(1_024),
  keyEnv: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]{0,127}$/, 'expected the name of an environment variable in capitals, not a key')
    // Such a variable is a setting, and an unknown one stops the node.
    .refine(name => !name.startsWith('SHOAL_'), 'expected a name that does not begin with SHOAL_')
    .optional(),
  keyFile: z.string().max(1_024).optional(),
  keyHeader: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'expected the name of a header')
    .nullable()
    .default(null),
  allowHttp: z.boolean().default(false),
  region: z.string().min(1).max(16).nullable().default(null),
  dataClass: z.enum(DATA_CLASSES).default('PUBLIC'),
  maxConcurrent: z.int().min(1).max(1_024).default(8),
  answerTimeout: like(duration(SECOND, 3_600 * SECOND)).default(30 * SECOND),
  stallTimeout: like(duration(SECOND, 3_600 * SECOND)).default(20 * SECOND),
  models: z.array(modelSchema).min(1).max(MAX_MODELS),
})

const fileSchema = z.strictObject({ services: z.array(serviceSchema).max(MAX_SERVICES) })

/**
 * Reads the file of `cloud.services` (YAML or JSON). Keys are not in it, and what it has in a key's place is not
 * told on.
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
 */
export async function readServicesFile(path: string): Promise<CloudService[]> {
  const value = await readSettingsFile({ ...FILE, path })
  const parsed = fileSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw bad(path, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not understood'}`)
  }
  const services = parsed.data.services.map((entry, place) => cloudService(entry, path, place))
  const names = new Set<string>()
  for (const { service } of services) {
    if (names.has(service.name)) throw bad(path, `there are two services ${service.name}`)
    names.add(service.name)
  }
  return services
}

function cloudService(entry: z.output<typeof serviceSchema>, path: string, place: number): CloudService {
  const url = readUrl(entry, path, place)
  if (entry.keyEnv !== undefined && entry.keyFile !== undefined)
    throw bad(path, `services.${place}: keyEnv and keyFile exclude each other`)
  const terms = new Map<string, CloudTerms>()
  const models = entry.models.map(model => {
    const id = modelId(url, model.model, model.name)
    if (terms.has(id)) throw bad(path, `services.${place}: the model ${model.model} is there twice`)
    terms.set(id, {
      kinds: model.kinds,
      price: { inputPerMillion: model.input, outputPerMillion: model.output },
      quality: model.quality,
      ttftMs: model.ttft,
    })
    return {
      id,
      upstream: model.model,
      contextTokens: model.contextTokens,
      parameterCount: model.parameters,
      tokensPerSecond: model.tokensPerSecond,
      maxTokensField: model.maxTokensField,
      continuation: model.continues,
      omit: model.omit,
    }
  })
  return {
    service: {
      name: entry.name,
      url,
      keyHeader: entry.keyHeader,
      models,
      maxConcurrent: entry.maxConcurrent,
      answerTimeoutMs: entry.answerTimeout,
      stallTimeoutMs: entry.stallTimeout,
    },
    key:
      entry.keyEnv !== undefined
        ? { variable: entry.keyEnv }
        : entry.keyFile !== undefined
          ? { file: entry.keyFile }
          : null,
    region: entry.region,
    dataClass: entry.dataClass,
    terms,
  }
}

/** @returns the address without a slash at its end */
function readUrl(entry: z.output<typeof serviceSchema>, path: string, place: number): string {
  const refuse = (what: string) => bad(path, `services.${place}.url: ${what}`)
  if (!URL.canParse(entry.url)) throw refuse('expected a URL such as https://api.example.com/v1')
  const url = new URL(entry.url)
  // Such a part could be a key, and would be told in errors and logs.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw refuse('expected a URL without user, query and fragment')
  const isHere = isLoopback(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (isHere || entry.allowHttp)))
    throw refuse('expected https; allowHttp: true lets prompts and key travel in the open')
  if (entry.dataClass === 'PRIVATE' && !isHere)
    throw bad(path, `services.${place}.dataClass: only a service on this machine may have PRIVATE data`)
  return url.href.replace(/\/+$/, '')
}

/** A name as others have for the model, and a digest that no file has: of where it is. */
function modelId(url: string, upstream: string, given: string | undefined): string {
  const own = upstream
    .slice(upstream.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_MODEL_NAME_CHARS)
  const digest = createHash('sha256').update(`shoal/1/cloud\0${url}\0${upstream}`).digest('hex')
  return `${given ?? (own || 'model')}@sha256:${digest}`
}

function bad(path: string, what: string): ConfigError {
  return badSettingsFile({ ...FILE, path }, what)
}
