import assert from 'node:assert/strict'
import { toGrammarSchema } from '../../../../../inference/llama/json-schema.ts'
import { constraintOf, enforceable } from '../../../../../node/gateway/inference/grammar-schema.ts'

const LOOSE = { strict: false, at: 'schema' }
const tool = (name: string, parameters: Record<string, unknown>) => ({ name, description: null, parameters })
const TEXT = { type: 'text' as const }

describe('what an answer is held to', () => {
  it('is nothing for text, and an object for json_object', () => {
    const plain = { tools: [], toolChoice: 'none' as const }
    assert.equal(constraintOf({ ...plain, responseFormat: TEXT }), null)
    const object = constraintOf({ ...plain, responseFormat: { type: 'json_object' } })
    assert.doesNotThrow(() => toGrammarSchema(JSON.parse(object!)))
  })

  it('is a schema in words that engines can enforce', () => {
    // As zod and others write them.
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, pattern: '^a' },
        age: { type: ['integer', 'null'], minimum: 0 },
        place: { $ref: '#/definitions/place', description: 'Where.' },
        kind: { allOf: [{ enum: ['a', 'b'] }] },
        when: { type: 'string', format: 'date-time' },
        mail: { type: 'string', format: 'email' },
        tags: { type: ['array', 'null'], items: { type: 'string' }, uniqueItems: true },
      },
      required: ['name'],
      additionalProperties: false,
      definitions: { place: { type: 'object', properties: { city: { type: 'string' } } } },
    }
    const made = enforceable(schema, LOOSE)
    assert.doesNotThrow(() => toGrammarSchema(made))
    assert.deepEqual((made.properties as Record<string, unknown>).place, { $ref: '#/$defs/place' })
    assert.deepEqual((made.properties as Record<string, unknown>).age, { type: ['integer', 'null'] })
    assert.deepEqual((made.properties as Record<string, unknown>).tags, {
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    })
  })

  it('is refused where it is to be strict and cannot be', () => {
    const format = (schema: Record<string, unknown>, strict: boolean) =>
      constraintOf({
        tools: [],
        toolChoice: 'none',
        responseFormat: { type: 'json_schema', name: 'a', schema, strict },
      })
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^a' } } }
    assert.throws(() => format(schema, true), {
      code: 'REQUEST_INVALID',
      param: 'response_format.json_schema.schema.properties.a.pattern',
    })
    assert.notEqual(format(schema, false), null)
    let deep: Record<string, unknown> = { type: 'string' }
    for (let depth = 0; depth < 40; depth++) deep = { type: 'array', items: deep }
    assert.throws(() => format(deep, false), { code: 'REQUEST_INVALID' })
    assert.throws(() => format({ type: 'array', items: 'text' }, false), { code: 'REQUEST_INVALID' })
  })

  it('is a call where one must be made', () => {
    const tools = [
      tool('weather', {
        type: 'object',
        properties: { city: { $ref: '#/$defs/city' } },
        $defs: { city: { enum: ['Rome'] } },
      }),
      tool('time', {}),
    ]
    const any = JSON.parse(constraintOf({ tools, toolChoice: 'required', responseFormat: TEXT })!)
    assert.equal(any.anyOf.length, 2)
    assert.deepEqual(any.$defs, { city: { enum: ['Rome'] } })
    assert.doesNotThrow(() => toGrammarSchema(any))
    const one = JSON.parse(constraintOf({ tools, toolChoice: { name: 'time' }, responseFormat: TEXT })!)
    assert.deepEqual(one.properties.name, { const: 'time' })
    assert.doesNotThrow(() => toGrammarSchema(one))
    assert.throws(() => constraintOf({ tools, toolChoice: { name: 'rm' }, responseFormat: TEXT }), {
      code: 'REQUEST_INVALID',
    })
  })
})
