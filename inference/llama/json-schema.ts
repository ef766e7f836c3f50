import { EngineError } from '../engine.ts'

type Json = null | boolean | number | string | readonly Json[] | JsonObject
interface JsonObject {
  readonly [key: string]: Json
}

/** Deeper schemas than this make grammars too large to be useful. */
const MAX_DEPTH = 32
const MAX_NODES = 2_000
/** llama.cpp's grammars refuse more repetitions of one rule. */
const MAX_REPETITIONS = 2_000

const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
])
const SCALAR_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'null'])
const STRING_FORMATS = new Set(['date', 'time', 'date-time'])

/** Keywords that mean something for each kind of schema, besides annotations and `$defs`. */
const KEYWORDS = {
  ref: ['$ref'],
  choice: ['oneOf', 'anyOf'],
  const: ['const', 'type'],
  enum: ['enum', 'type'],
  object: ['type', 'properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['type', 'items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['type', 'minLength', 'maxLength', 'format'],
  scalar: ['type'],
} as const
type Kind = keyof typeof KEYWORDS

/**
 * Checks a JSON Schema against the subset that a grammar can enforce and rewrites it into what
 * node-llama-cpp's generator reads. A keyword the grammar would silently ignore is refused, so that
 * whatever comes out satisfies the schema that went in: every property of an object is always
 * written, and objects are closed unless `additionalProperties` says otherwise.
 * @throws {EngineError} SCHEMA_INVALID, naming the place as a JSON pointer
 */
export function toGrammarSchema(schema: unknown): JsonObject {
  return new SchemaReader(schema).read()
}

class SchemaReader {
  readonly #root: unknown
  #nodes = 0

  constructor(root: unknown) {
    this.#root = root
  }

  read(): JsonObject {
    const definitions = this.#definitions()
    const root = this.#schema(this.#root, '#', 0)
    return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
  }

  #definitions(): JsonObject {
    const definitions = isObject(this.#root) ? (this.#root.$defs ?? {}) : {}
    if (!isObject(definitions)) throw invalid('#/$defs', 'must be an object')
    return this.#schemas(definitions, '#/$defs', 1)
  }

  /** `Object.fromEntries`, because a name may be `__proto__`. */
  #schemas(schemas: Record<string, unknown>, at: string, depth: number): JsonObject {
    return Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, this.#schema(schema, `${at}/${name}`, depth)]),
    )
  }

  #schema(value: unknown, at: string, depth: number): JsonObject {
    if (depth > MAX_DEPTH) throw invalid(at, `nests deeper than ${MAX_DEPTH} levels`)
    if (++this.#nodes > MAX_NODES) throw invalid(at, `has more than ${MAX_NODES} subschemas`)
    if (!isObject(value)) throw invalid(at, 'must be an object')
    const kind = kindOf(value, at)
    for (const keyword of Object.keys(value)) {
      if (ANNOTATIONS.has(keyword)) continue
      if (keyword === '$defs' && at === '#') continue
      if (!(KEYWORDS[kind] as readonly string[]).includes(keyword)) {
        throw invalid(`${at}/${keyword}`, 'is a keyword that cannot be enforced here')
      }
    }
    switch (kind) {
      case 'ref':
        return { $ref: this.#reference(value.$ref, `${at}/$ref`) }
      case 'choice':
        return { oneOf: this.#choices(value, at, depth) }
      case 'const':
        return { const: literal(value.const, `${at}/const`) }
      case 'enum':
        return { enum: literals(value.enum, `${at}/enum`) }
      case 'object':
        return this.#object(value, at, depth)
      case 'array':
        return this.#array(value, at, depth)
      case 'string':
        return stringSchema(value, at)
      case 'scalar':
        return { type: value.type as Json }
    }
  }

  #reference(reference: unknown, at: string): string {
    const name = typeof reference === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(reference)?.[1] : undefined
    const definitions = isObject(this.#root) ? this.#root.$defs : undefined
    if (name === undefined || !isObject(definitions) || !Object.hasOwn(definitions, name)) {
      throw invalid(at, 'must name one of the definitions in the root: "#/$defs/…"')
    }
    return `#/$defs/${name}`
  }

  #choices(value: Record<string, unknown>, at: string, depth: number): Json {
    if (value.oneOf !== undefined && value.anyOf !== undefined) {
      throw invalid(at, 'must have only one of oneOf and anyOf')
    }
    const keyword = value.oneOf === undefined ? 'anyOf' : 'oneOf'
    const choices = value[keyword]
    if (!Array.isArray(choices) || choices.length === 0)
      throw invalid(`${at}/${keyword}`, 'must be a non-empty array')
    return choices.map((choice, i) => this.#schema(choice, `${at}/${keyword}/${i}`, depth + 1))
  }

  #object(value: Record<string, unknown>, at: string, depth: number): JsonObject {
    const properties = value.properties ?? {}
    if (!isObject(properties)) throw invalid(`${at}/properties`, 'must be an object')
    const result = this.#schemas(properties, `${at}/properties`, depth + 1)
    const required = value.required ?? []
    if (!Array.isArray(required) || required.some(name => typeof name !== 'string')) {
      throw invalid(`${at}/required`, 'must be an array of strings')
    }
    const unknown = required.find(name => !Object.hasOwn(properties, name))
    if (unknown !== undefined)
      throw invalid(`${at}/required`, `names "${unknown}", which is not among the properties`)
    const additional = value.additionalProperties
    const extra: Record<string, Json> = {}
    if (additional !== undefined && additional !== false) {
      extra.additionalProperties =
        additional === true ? true : this.#schema(additional, `${at}/additionalProperties`, depth + 1)
    }
    const count = Object.keys(result).length
    const bounds = range(value, 'minProperties', 'maxProperties', at)
    if ((bounds.maxProperties ?? count) < count)
      throw invalid(`${at}/maxProperties`, 'is below the number of properties')
    if ((bounds.minProperties ?? 0) > count && extra.additionalProperties === undefined) {
      throw invalid(`${at}/minProperties`, 'is above the number of properties of a closed object')
    }
    return {
      type: 'object',
      properties: result,
      ...extra,
      ...(extra.additionalProperties === undefined ? {} : bounds),
    }
  }

  #array(value: Record<string, unknown>, at: string, depth: number): JsonObject {
    const bounds = range(value, 'minItems', 'maxItems', at)
    const result: Record<string, Json> = { type: 'array', ...bounds }
    if (value.items !== undefined) result.items = this.#schema(value.items, `${at}/items`, depth + 1)
    if (value.prefixItems !== undefined) {
      if (!Array.isArray(value.prefixItems) || value.prefixItems.length === 0) {
        throw invalid(`${at}/prefixItems`, 'must be a non-empty array')
      }
      if ((bounds.maxItems ?? value.prefixItems.length) < value.prefixItems.length) {
        throw invalid(`${at}/maxItems`, 'is below the number of prefixItems')
      }
      result.prefixItems = value.prefixItems.map((item, i) =>
        this.#schema(item, `${at}/prefixItems/${i}`, depth + 1),
      )
    }
    return result
  }
}

function kindOf(value: Record<string, unknown>, at: string): Kind {
  if (value.$ref !== undefined) return 'ref'
  if (value.oneOf !== undefined || value.anyOf !== undefined) return 'choice'
  if (value.const !== undefined) return 'const'
  if (value.enum !== undefined) return 'enum'
  const { type } = value
  if (type === 'object' || type === 'array' || type === 'string') return type
  if (typeof type === 'string' && SCALAR_TYPES.has(type)) return 'scalar'
  if (Array.isArray(type) && type.length > 0 && type.every(item => SCALAR_TYPES.has(item))) return 'scalar'
  throw invalid(at, 'needs a known type, or one of enum, const, oneOf, anyOf, $ref')
}

function stringSchema(value: Record<string, unknown>, at: string): JsonObject {
  if (value.format === undefined) return { type: 'string', ...range(value, 'minLength', 'maxLength', at) }
  if (typeof value.format !== 'string' || !STRING_FORMATS.has(value.format)) {
    throw invalid(`${at}/format`, `must be one of ${[...STRING_FORMATS].join(', ')}`)
  }
  if (value.minLength !== undefined || value.maxLength !== undefined) {
    throw invalid(at, 'must not have both a format and a length')
  }
  return { type: 'string', format: value.format }
}

function range<Min extends string, Max extends string>(
  value: Record<string, unknown>,
  minKey: Min,
  maxKey: Max,
  at: string,
): { [Key in Min | Max]?: number } {
  const result: Partial<Record<Min | Max, number>> = {}
  for (const key of [minKey, maxKey]) {
    const bound = value[key]
    if (bound === undefined) continue
    if (typeof bound !== 'number' || !Number.isInteger(bound) || bound < 0 || bound > MAX_REPETITIONS) {
      throw invalid(`${at}/${key}`, `must be a whole number from 0 to ${MAX_REPETITIONS}`)
    }
    result[key] = bound
  }
  const min = result[minKey]
  const max = result[maxKey]
  if (min !== undefined && max !== undefined && min > max)
    throw invalid(`${at}/${minKey}`, `is above ${maxKey}`)
  return result
}

function literals(value: unknown, at: string): Json {
  if (!Array.isArray(value) || value.length === 0) throw invalid(at, 'must be a non-empty array')
  return value.map((item, i) => literal(item, `${at}/${i}`))
}

function literal(value: unknown, at: string): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(at, 'must be a string, a number, true, false or null')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(at: string, problem: string): EngineError {
  return new EngineError('SCHEMA_INVALID', `${at} ${problem}`, {
    fix: 'Use only type, properties, required, additionalProperties, items, prefixItems, enum, const, oneOf, anyOf, $ref, date formats, lengths and counts.',
    details: { at },
  })
}

/** What node-llama-cpp appends so that text generators notice the end; end-of-generation tells us. */
const FORCED_TAIL = ' "\\n\\n\\n\\n" [\\n]*'
/** Its rule for integers lets through `1e-5`; its exponents let through numbers JSON.parse makes infinite. */
const INTEGER_RULE = /^(integer-number-rule ::= .*?) \(\[eE\].*$/m
const EXPONENT = /\(\[eE\] \[-\+\]\? \("0" \| \[1-9\] \[0-9\]\{0,15\}\)\)\?/g

/** Makes the generator's grammar end with the JSON value and produce only numbers of the asked kind. */
export function tightenGrammar(grammar: string): string {
  const [root, ...rules] = grammar.split('\n')
  const end = root?.endsWith(FORCED_TAIL) ? root.slice(0, -FORCED_TAIL.length) : root
  return [end, ...rules]
    .join('\n')
    .replace(INTEGER_RULE, '$1')
    .replace(EXPONENT, '([eE] [-+]? [1-9] [0-9]?)?')
}
