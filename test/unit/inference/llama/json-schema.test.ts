import assert from 'node:assert/strict'
import fc from 'fast-check'
import { EngineError } from '../../../../inference/engine.ts'
import { tightenGrammar, toGrammarSchema } from '../../../../inference/llama/json-schema.ts'

/** Where a schema is refused; null when it is taken. */
function refusedAt(schema: unknown): unknown {
  try {
    toGrammarSchema(schema)
    return null
  } catch (error) {
    assert.ok(error instanceof EngineError)
    assert.equal(error.code, 'SCHEMA_INVALID')
    assert.ok(error.fix)
    return error.details.at
  }
}

describe('toGrammarSchema', () => {
  it('takes what a grammar can enforce', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Person',
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 40, description: 'as spoken' },
        born: { type: 'string', format: 'date' },
        role: { enum: ['user', 'admin', null, 3] },
        kind: { const: 'person', type: 'string' },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 3 },
        pair: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'boolean' }], maxItems: 2 },
        parent: { anyOf: [{ $ref: '#/$defs/person' }, { type: 'null' }] },
        extra: { type: 'object', additionalProperties: { type: ['number', 'null'] }, maxProperties: 2 },
      },
      required: ['name'],
      additionalProperties: false,
      $defs: { person: { type: 'object', properties: { name: { type: 'string' } } } },
    }
    assert.equal(refusedAt(schema), null)
  })

  it('refuses what a grammar would ignore, and says where', () => {
    assert.equal(refusedAt({ type: 'integer', minimum: 3 }), '#/minimum')
    assert.equal(
      refusedAt({ type: 'object', properties: { a: { type: 'string', pattern: '^a' } } }),
      '#/properties/a/pattern',
    )
    assert.equal(refusedAt({ type: 'array', items: { type: 'number' }, uniqueItems: true }), '#/uniqueItems')
    assert.equal(refusedAt({ allOf: [{ type: 'string' }] }), '#')
    assert.equal(refusedAt({ type: 'string', format: 'email' }), '#/format')
    assert.equal(refusedAt({ type: 'object', required: ['missing'] }), '#/required')
  })

  it('refuses what contradicts itself', () => {
    assert.equal(refusedAt({ type: 'string', minLength: 3, maxLength: 2 }), '#/minLength')
    assert.equal(
      refusedAt({ type: 'array', prefixItems: [{ type: 'null' }, { type: 'null' }], maxItems: 1 }),
      '#/maxItems',
    )
    assert.equal(
      refusedAt({ type: 'object', properties: { a: { type: 'null' } }, minProperties: 2 }),
      '#/minProperties',
    )
    assert.equal(refusedAt({ type: 'array', maxItems: 1e9 }), '#/maxItems')
    assert.equal(refusedAt({ enum: [] }), '#/enum')
  })

  it('refuses what is no schema', () => {
    for (const value of [null, 'string', 3, [], {}, { type: 'text' }, { type: [] }, { const: {} }]) {
      assert.notEqual(refusedAt(value), null, JSON.stringify(value))
    }
    assert.equal(refusedAt({ $ref: '#/$defs/none' }), '#/$ref')
    assert.equal(refusedAt({ $ref: 'https://example.org' }), '#/$ref')
  })

  it('refuses schemas too deep or too large', () => {
    let deep: Record<string, unknown> = { type: 'null' }
    for (let level = 0; level < 40; level++) deep = { type: 'array', items: deep }
    assert.notEqual(refusedAt(deep), null)
    const wide = { oneOf: Array.from({ length: 3_000 }, () => ({ type: 'null' })) }
    assert.notEqual(refusedAt(wide), null)
  })

  it('keeps a property called __proto__ as a property', () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"null"}}}')
    const { properties } = toGrammarSchema(schema) as { properties: object }
    assert.deepEqual(Object.keys(properties), ['__proto__'])
  })

  it('gives an answer or a refusal to anything', () => {
    fc.assert(
      fc.property(fc.anything(), value => refusedAt(value) !== undefined),
      { numRuns: 500 },
    )
    const nearly = fc.letrec(tie => {
      const scalars = {
        type: fc.constantFrom('object', 'array', 'string', 'number', 'null', 'integer', ['string', 'null']),
        minItems: fc.oneof(fc.integer(), fc.string()),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }),
        $ref: fc.string(),
      }
      const nested = {
        properties: fc.dictionary(fc.string(), tie('schema'), { maxKeys: 2 }),
        items: tie('schema'),
        oneOf: fc.array(tie('schema'), { maxLength: 2 }),
      }
      const optional = { requiredKeys: [] as [] }
      return {
        schema: fc.oneof(
          { maxDepth: 3 },
          fc.record(scalars, optional),
          fc.record({ ...scalars, ...nested }, optional),
        ),
      }
    }).schema
    fc.assert(
      fc.property(nearly, value => refusedAt(value) !== undefined),
      { numRuns: 500 },
    )
  })
})

describe('tightenGrammar', () => {
  it('ends with the value and keeps integers whole', () => {
    const generated = [
      'root ::= integer-number-rule "\\n\\n\\n\\n" [\\n]*',
      'integer-number-rule ::= "-"? ("0" | [1-9] [0-9]{0,15}) ([eE] [-+]? ("0" | [1-9] [0-9]{0,15}))?',
      'fractional-number-rule ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? ("0" | [1-9] [0-9]{0,15}))?',
    ].join('\n')
    assert.equal(
      tightenGrammar(generated),
      [
        'root ::= integer-number-rule',
        'integer-number-rule ::= "-"? ("0" | [1-9] [0-9]{0,15})',
        'fractional-number-rule ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [1-9] [0-9]?)?',
      ].join('\n'),
    )
  })
})
