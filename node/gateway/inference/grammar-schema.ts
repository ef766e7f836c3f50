import { GatewayError } from '../http/http-error.ts'
import type { CanonicalTool, ResponseFormat, ToolChoice } from './canonical-request.ts'

type Schema = Record<string, unknown>

/** Keywords that engines cannot hold an answer to; without them a schema allows more. */
const UNENFORCEABLE = new Set([
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'propertyNames',
  'patternProperties',
  'unevaluatedProperties',
  'dependentRequired',
  'contentEncoding',
  'contentMediaType',
  'not',
  'if',
  'then',
  'else',
])
const ENFORCEABLE_FORMATS = new Set(['date', 'time', 'date-time'])
const MAX_DEPTH = 32

/** Any JSON object, for `json_object`. */
const ANY_OBJECT: Schema = { type: 'object', properties: {}, additionalProperties: true }

/**
 * The JSON Schema an answer is held to, as JSON text; null for free text.
 * @throws {GatewayError} REQUEST_INVALID for a strict schema that cannot be enforced whole
 */
export function constraintOf(request: {
  tools: readonly CanonicalTool[]
  toolChoice: ToolChoice
  responseFormat: ResponseFormat
}): string | null {
  const { tools, toolChoice, responseFormat } = request
  if (toolChoice !== 'auto' && toolChoice !== 'none') return JSON.stringify(callSchema(tools, toolChoice))
  if (responseFormat.type === 'text') return null
  if (responseFormat.type === 'json_object') return JSON.stringify(ANY_OBJECT)
  const { schema, strict } = responseFormat
  return JSON.stringify(enforceable(schema, { strict, at: 'response_format.json_schema.schema' }))
}

function callSchema(tools: readonly CanonicalTool[], toolChoice: 'required' | { name: string }): Schema {
  const allowed = toolChoice === 'required' ? tools : tools.filter(({ name }) => name === toolChoice.name)
  if (allowed.length === 0) {
    throw new GatewayError('REQUEST_INVALID', 'the tool to be called is not among the tools', {
      param: 'tool_choice',
      fix: 'Name one of the tools, or leave the choice to the model.',
    })
  }
  const calls = allowed.map(({ name, parameters }) => ({
    type: 'object',
    properties: {
      name: { const: name },
      arguments: argumentsSchema(parameters),
    },
    required: ['name', 'arguments'],
  }))
  const definitions = Object.assign(
    {},
    ...calls.map(({ properties }) => takeDefinitions(properties.arguments)),
  )
  const root: Schema = calls.length === 1 ? calls[0]! : { anyOf: calls }
  return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
}

function argumentsSchema(parameters: Readonly<Record<string, unknown>>): Schema {
  const schema = enforceable({ type: 'object', ...parameters }, { strict: false, at: 'tools' })
  return schema.type === 'object' && schema.properties === undefined ? { ...schema, properties: {} } : schema
}

/** Definitions stand at the root of a schema only. */
function takeDefinitions(schema: Schema): Schema {
  const { $defs } = schema
  delete schema.$defs
  return ($defs ?? {}) as Schema
}

/**
 * A schema in the words that engines can enforce: `definitions` become `$defs`, a lone `allOf` what is in it, and what
 * cannot be enforced is left out.
 * @throws {GatewayError} REQUEST_INVALID where that is to be strict and something would be left out
 */
export function enforceable(
  schema: Readonly<Record<string, unknown>>,
  options: { strict: boolean; at: string },
): Schema {
  return rewrite(schema, options, 0) as Schema
}

function rewrite(value: unknown, options: { strict: boolean; at: string }, depth: number): unknown {
  const { strict, at } = options
  if (depth > MAX_DEPTH) throw invalid(at, `nests deeper than ${MAX_DEPTH} levels`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    // Where anything goes, JSON of any kind does.
    if (value === true) return {}
    throw invalid(at, 'is no schema')
  }
  const into = (inside: unknown, key: string) => rewrite(inside, { strict, at: `${at}.${key}` }, depth + 1)
  const result: Schema = {}
  for (const [keyword, given] of Object.entries(value)) {
    if (UNENFORCEABLE.has(keyword) || (keyword === 'format' && !ENFORCEABLE_FORMATS.has(String(given)))) {
      if (strict) throw invalid(`${at}.${keyword}`, 'is a keyword that cannot be enforced')
    } else if (keyword === 'definitions' || keyword === '$defs') result.$defs = mapped(given, into, keyword)
    else if (keyword === 'properties') result.properties = mapped(given, into, keyword)
    else if (keyword === '$ref') result.$ref = String(given).replace(/^#\/definitions\//, '#/$defs/')
    else if (keyword === 'items' && !Array.isArray(given)) result.items = into(given, keyword)
    else if (keyword === 'additionalProperties')
      result.additionalProperties = typeof given === 'boolean' ? given : into(given, keyword)
    else if (
      (keyword === 'anyOf' || keyword === 'oneOf' || keyword === 'prefixItems') &&
      Array.isArray(given)
    )
      result[keyword] = given.map((each, i) => into(each, `${keyword}.${i}`))
    else if (keyword === 'allOf' && Array.isArray(given) && given.length === 1)
      Object.assign(result, into(given[0], 'allOf.0'))
    else result[keyword] = given
  }
  // A reference stands alone where engines read it.
  if (result.$ref !== undefined) {
    const { $ref, $defs } = result
    return $defs === undefined ? { $ref } : { $ref, $defs }
  }
  return withoutTypeLists(result)
}

/** `["object", "null"]` as a choice: lists of types may name scalars only. */
function withoutTypeLists(schema: Schema): Schema {
  const { type, $defs, ...rest } = schema
  if (!Array.isArray(type)) return schema
  if (type.length === 1) return { ...schema, type: type[0] }
  const isPlain = type.every(each =>
    ['string', 'number', 'integer', 'boolean', 'null'].includes(String(each)),
  )
  if (isPlain && Object.keys(rest).every(key => ANNOTATIONS.has(key))) return schema
  if (schema.enum !== undefined) {
    const { type: _, ...withEnum } = schema
    return withEnum
  }
  const choices = type.map(each => (each === 'null' ? { type: 'null' } : { ...rest, type: each }))
  return { anyOf: choices, ...($defs === undefined ? {} : { $defs }) }
}

const ANNOTATIONS = new Set(['title', 'description', 'default', 'examples'])

function mapped(given: unknown, into: (inside: unknown, key: string) => unknown, keyword: string): Schema {
  if (typeof given !== 'object' || given === null) return {}
  return Object.fromEntries(
    Object.entries(given).map(([name, each]) => [name, into(each, `${keyword}.${name}`)]),
  )
}

function invalid(at: string, what: string): GatewayError {
  return new GatewayError('REQUEST_INVALID', `${at}: ${what}`, {
    param: at,
    fix: 'Leave it out, or set strict to false: then the answer is held to the rest of the schema.',
  })
}
