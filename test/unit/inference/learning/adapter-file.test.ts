import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Adapter, DEFAULT_ADAPTER_LIMITS } from '../../../../inference/learning/adapter.ts'
import {
  adapterDigest,
  adapterModelId,
  checkAdapter,
  decodeAdapter,
  encodeAdapter,
  importAdapter,
  readAdapterFile,
  writeAdapterFile,
} from '../../../../inference/learning/adapter-file.ts'
import { AdapterError, type AdapterErrorCode } from '../../../../inference/learning/errors.ts'
import { encodeGgufHead, type GgufValue } from '../../../../inference/models/gguf-writer.ts'

const base = `sha256:${'ab'.repeat(32)}`

function sample(changes: Partial<Adapter> = {}): Adapter {
  return {
    architecture: 'qwen3',
    name: 'facts',
    rank: 2,
    alpha: 16,
    base,
    modules: [module('blk.0.attn_q', 4, 6), module('blk.1.ffn_down', 3, 4), module('output', 4, 5)],
    metadata: { domain: 'weather', round: 'bafyreib' },
    ...changes,
  }
}

function module(name: string, inputs: number, outputs: number, rank = 2) {
  const fill = (length: number) => Float32Array.from({ length }, (_, i) => Math.fround((i - 3) / 7))
  return { name, inputs, outputs, a: fill(rank * inputs), b: fill(rank * outputs) }
}

function refusal(code: AdapterErrorCode) {
  return (error: unknown) => {
    assert(error instanceof AdapterError, String(error))
    assert.equal(error.code, code, error.message)
    assert(error.fix)
    return true
  }
}

const text = (value: string): GgufValue => ({ type: 'string', value })
const headOf: Record<string, GgufValue> = {
  'general.architecture': text('qwen3'),
  'general.type': text('adapter'),
  'general.name': text('facts'),
  'adapter.type': text('lora'),
  'adapter.lora.alpha': { type: 'float32', value: 16 },
  'shoal.base.digest': text(base),
}

/** A GGUF file as somebody else might write it. */
function gguf(
  metadata: Record<string, GgufValue | null>,
  tensors: readonly { name: string; shape: readonly number[]; values?: Float32Array }[] = [
    { name: 'output.weight.lora_a', shape: [4, 2] },
    { name: 'output.weight.lora_b', shape: [2, 5] },
  ],
): Uint8Array {
  const kept = Object.entries({ ...headOf, ...metadata }).filter(
    (entry): entry is [string, GgufValue] => entry[1] !== null,
  )
  const parts = tensors.map(tensor => ({ ...tensor, type: 'F32' as const, elements: () => [] }))
  const head = encodeGgufHead({ metadata: Object.fromEntries(kept), tensors: parts })
  const data = tensors.map(({ shape, values }) => {
    const bytes = 4 * shape.reduce((product, size) => product * size, 1)
    const block = Buffer.alloc(Math.ceil(bytes / 32) * 32)
    for (const [i, value] of (values ?? []).entries()) block.writeFloatLE(value, 4 * i)
    return block
  })
  return Buffer.concat([head, ...data])
}

const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
const adapters: fc.Arbitrary<Adapter> = fc
  .record({
    rank: fc.integer({ min: 1, max: 5 }),
    alpha: fc.float({ min: Math.fround(0.01), max: 512, noNaN: true }),
    names: fc.uniqueArray(
      fc.constantFrom(
        'output',
        'blk.0.attn_q',
        'blk.0.attn_v',
        'blk.3.ffn_up',
        'blk.12.ffn_down',
        'blk.2.attn_k',
      ),
      { minLength: 1 },
    ),
    metadata: fc.dictionary(
      fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/),
      fc.stringMatching(/^[\w ,:;+@é-]{0,20}$/),
      {
        maxKeys: 4,
      },
    ),
  })
  .chain(({ rank, alpha, names, metadata }) =>
    fc
      .tuple(
        ...names.map(name =>
          fc
            .record({ inputs: fc.integer({ min: 1, max: 6 }), outputs: fc.integer({ min: 1, max: 6 }) })
            .chain(({ inputs, outputs }) =>
              fc.record(
                {
                  name: fc.constant(name),
                  inputs: fc.constant(inputs),
                  outputs: fc.constant(outputs),
                  a: fc
                    .array(finite, { minLength: rank * inputs, maxLength: rank * inputs })
                    .map(x => Float32Array.from(x)),
                  b: fc
                    .array(finite, { minLength: rank * outputs, maxLength: rank * outputs })
                    .map(x => Float32Array.from(x)),
                },
                { noNullPrototype: true },
              ),
            ),
        ),
      )
      .map(modules =>
        sample({
          rank,
          alpha,
          modules: [...modules].sort((x, y) => (x.name < y.name ? -1 : 1)),
          metadata: { ...metadata },
        }),
      ),
  )

describe('adapter files', () => {
  it('come back as they were written, whatever the order they were given in', () => {
    fc.assert(
      fc.property(adapters, adapter => {
        const bytes = encodeAdapter(adapter)
        assert.deepEqual(decodeAdapter(bytes), adapter)
        const reversed = { ...adapter, modules: [...adapter.modules].reverse() }
        assert.equal(adapterDigest(reversed), adapterDigest(bytes))
      }),
      { numRuns: 60 },
    )
  })

  it('are refused or have another digest when any byte is another: no two files are one adapter', () => {
    const bytes = encodeAdapter(sample())
    const original = adapterDigest(bytes)
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 1 << (at % 8)
      try {
        const adapter = decodeAdapter(changed)
        assert.notEqual(adapterDigest(adapter), original)
        assert.equal(adapterDigest(adapter), adapterDigest(changed))
      } catch (error) {
        assert(error instanceof AdapterError, String(error))
        refused++
      }
    }
    assert(refused > bytes.length / 3)
  })

  it('are refused when cut off or when noise is put in', () => {
    const bytes = encodeAdapter(sample())
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeAdapter(bytes.subarray(0, length)), AdapterError)
    }
    assert.throws(() => decodeAdapter(Buffer.concat([bytes, Buffer.alloc(32)])), refusal('NOT_CANONICAL'))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 40 }), (at, noise) => {
        const changed = bytes.slice()
        changed.set(noise.subarray(0, bytes.length - at), at)
        try {
          assert.equal(adapterDigest(decodeAdapter(changed)), adapterDigest(changed))
        } catch (error) {
          assert(error instanceof AdapterError, String(error))
        }
      }),
      { numRuns: 400 },
    )
  })

  for (const [what, code, bytes] of [
    ['nothing', 'NOT_GGUF', () => new Uint8Array()],
    ['some other file', 'NOT_GGUF', () => Buffer.from('PK\u0003\u0004 and so on')],
    ['an old version', 'NOT_GGUF', () => Buffer.from([0x47, 0x47, 0x55, 0x46, 1, 0, 0, 0])],
    ['a file cut off', 'TRUNCATED', () => encodeAdapter(sample()).subarray(0, -40)],
    ['only its magic', 'TRUNCATED', () => Buffer.from('GGUF')],
    ['a model', 'WRONG_TYPE', () => gguf({ 'general.type': text('model') })],
    ['another kind of adapter', 'WRONG_TYPE', () => gguf({ 'adapter.type': text('control') })],
    ['no alpha', 'BAD_METADATA', () => gguf({ 'adapter.lora.alpha': null })],
    ['alpha 0', 'WRONG_ALPHA', () => gguf({ 'adapter.lora.alpha': { type: 'float32', value: 0 } })],
    ['no base', 'BAD_METADATA', () => gguf({ 'shoal.base.digest': null })],
    ['an unknown key', 'BAD_METADATA', () => gguf({ 'tokenizer.chat_template': text('{{ evil }}') })],
    [
      'an array',
      'BAD_METADATA',
      () =>
        gguf({
          'shoal.meta.x': { type: 'array', of: 'uint8', value: [1] },
          'general.tags': { type: 'array', of: 'uint8', value: [1] },
        }),
    ],
    ['control characters', 'BAD_METADATA', () => gguf({ 'shoal.meta.x': text('a\u001b[2Jb') })],
    ['reversed text', 'BAD_METADATA', () => gguf({ 'shoal.meta.x': text('a\u202eb') })],
    ['a path', 'BAD_METADATA', () => gguf({ 'shoal.meta.x': text('../../etc/passwd') })],
    ['an absolute path', 'BAD_METADATA', () => gguf({ 'shoal.meta.x': text('/etc/passwd') })],
    ['a path for a name', 'BAD_METADATA', () => gguf({ 'general.name': text('../facts') })],
    ['a huge text', 'BAD_METADATA', () => gguf({ 'shoal.meta.x': text('x'.repeat(1_025)) })],
    ['a huge key', 'BAD_METADATA', () => gguf({ [`shoal.meta.${'x'.repeat(200)}`]: text('x') })],
    ['a prototype for a key', 'BAD_METADATA', () => gguf({ 'shoal.meta.__proto__': text('x') })],
    ['a number for a text', 'BAD_METADATA', () => gguf({ 'general.name': { type: 'uint32', value: 1 } })],
    [
      'other order',
      'NOT_CANONICAL',
      () =>
        gguf({}, [
          { name: 'output.weight.lora_b', shape: [2, 5] },
          { name: 'output.weight.lora_a', shape: [4, 2] },
        ]),
    ],
    ['no tensors', 'WRONG_MODULES', () => gguf({}, [])],
    ['half a pair', 'WRONG_MODULES', () => gguf({}, [{ name: 'output.weight.lora_a', shape: [4, 2] }])],
    [
      'an unknown tensor',
      'WRONG_MODULES',
      () => gguf({}, [{ name: 'output_norm.weight.lora_a', shape: [4, 2] }]),
    ],
    [
      'a tensor that is no part of a pair',
      'WRONG_MODULES',
      () => gguf({}, [{ name: 'output.weight', shape: [4, 2] }]),
    ],
    ['a vector', 'WRONG_SHAPE', () => gguf({}, [{ name: 'output.weight.lora_a', shape: [4] }])],
    [
      'halves that do not fit',
      'WRONG_SHAPE',
      () =>
        gguf({}, [
          { name: 'output.weight.lora_a', shape: [4, 2] },
          { name: 'output.weight.lora_b', shape: [3, 5] },
        ]),
    ],
    [
      'two ranks',
      'WRONG_SHAPE',
      () =>
        gguf({}, [
          { name: 'blk.0.attn_q.weight.lora_a', shape: [4, 2] },
          { name: 'blk.0.attn_q.weight.lora_b', shape: [2, 4] },
          { name: 'output.weight.lora_a', shape: [4, 3] },
          { name: 'output.weight.lora_b', shape: [3, 5] },
        ]),
    ],
    [
      'a rank of 257',
      'OVERSIZE',
      () =>
        gguf({}, [
          { name: 'output.weight.lora_a', shape: [4, 257] },
          { name: 'output.weight.lora_b', shape: [257, 5] },
        ]),
    ],
    [
      'NaN',
      'NOT_FINITE',
      () =>
        gguf({}, [
          { name: 'output.weight.lora_a', shape: [4, 2], values: Float32Array.of(0, Number.NaN) },
          { name: 'output.weight.lora_b', shape: [2, 5] },
        ]),
    ],
    [
      'an infinity',
      'NOT_FINITE',
      () =>
        gguf({}, [
          { name: 'output.weight.lora_a', shape: [4, 2] },
          { name: 'output.weight.lora_b', shape: [2, 5], values: Float32Array.of(Number.NEGATIVE_INFINITY) },
        ]),
    ],
  ] as const satisfies readonly (readonly [string, AdapterErrorCode, () => Uint8Array])[]) {
    it(`are refused as ${code}: ${what}`, () => {
      assert.throws(() => decodeAdapter(bytes()), refusal(code))
    })
  }

  it('are refused with a key or a tensor twice', () => {
    const bytes = Buffer.from(gguf({ 'shoal.meta.a': text('x'), 'shoal.meta.b': text('x') }))
    bytes.write('shoal.meta.a', bytes.indexOf('shoal.meta.b'), 'latin1')
    assert.throws(() => decodeAdapter(bytes), refusal('BAD_METADATA'))
    const tensors = Buffer.from(gguf({}))
    tensors.write('lora_a', tensors.indexOf('lora_b'), 'latin1')
    assert.throws(() => decodeAdapter(tensors), refusal('WRONG_MODULES'))
  })

  it('are refused for what they claim before memory is taken for it', () => {
    const bytes = Buffer.from(gguf({}))
    const claim = (at: number, value: bigint) => {
      const changed = Buffer.from(bytes)
      changed.writeBigUInt64LE(value, at)
      return changed
    }
    assert.throws(() => decodeAdapter(claim(8, 2n ** 62n)), refusal('OVERSIZE'), 'tensors')
    assert.throws(() => decodeAdapter(claim(16, 2n ** 62n)), refusal('BAD_METADATA'), 'entries')
    assert.throws(() => decodeAdapter(claim(24, 2n ** 62n)), refusal('BAD_METADATA'), 'bytes of a key')
    const shape = bytes.indexOf('output.weight.lora_a') + 'output.weight.lora_a'.length + 4
    assert.throws(() => decodeAdapter(claim(shape, 2n ** 40n)), refusal('OVERSIZE'), 'columns')
    assert.throws(() => decodeAdapter(claim(shape, 2n ** 19n)), refusal('TRUNCATED'), 'elements')
    assert.throws(
      () => decodeAdapter(bytes, { ...DEFAULT_ADAPTER_LIMITS, maxBytes: bytes.length - 1 }),
      refusal('OVERSIZE'),
    )
  })

  it('of other programs are taken in, whatever their order, but not for another base', () => {
    const bytes = gguf(
      { 'general.name': text('My Fine Tune'), 'general.tags': text('x'), 'shoal.base.digest': null },
      [
        { name: 'output.weight.lora_b', shape: [2, 5], values: Float32Array.of(0.5) },
        { name: 'output.weight.lora_a', shape: [4, 2], values: Float32Array.of(0, 0.25) },
      ],
    )
    const adapter = importAdapter(bytes, { base, name: 'taken-in' })
    assert.deepEqual([adapter.name, adapter.rank, adapter.modules[0]?.b[0]], ['taken-in', 2, 0.5])
    assert.deepEqual(decodeAdapter(encodeAdapter(adapter)), adapter)
    assert.throws(
      () => importAdapter(encodeAdapter(adapter), { base: `sha256:${'0'.repeat(64)}`, name: 'x' }),
      refusal('WRONG_BASE'),
    )
  })

  it('are checked against what is expected', () => {
    const adapter = sample()
    const { architecture, rank, alpha } = adapter
    const modules = adapter.modules.map(({ name, inputs, outputs }) => ({ name, inputs, outputs }))
    const expected = { architecture, base, rank, alpha, modules }
    checkAdapter(adapter, expected)
    const cases: [AdapterErrorCode, Partial<typeof expected>][] = [
      ['WRONG_BASE', { base: `sha256:${'0'.repeat(64)}` }],
      ['WRONG_ARCHITECTURE', { architecture: 'llama' }],
      ['WRONG_RANK', { rank: 4 }],
      ['WRONG_ALPHA', { alpha: 8 }],
      ['WRONG_MODULES', { modules: modules.slice(1) }],
      ['WRONG_MODULES', { modules: [...modules, { name: 'blk.1.ffn_up', inputs: 4, outputs: 3 }] }],
      ['WRONG_SHAPE', { modules: modules.map(module => ({ ...module, inputs: module.inputs + 1 })) }],
    ]
    for (const [code, change] of cases) {
      assert.throws(() => checkAdapter(adapter, { ...expected, ...change }), refusal(code))
    }
  })

  it('are written whole, read within bounds, and called by their digest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-adapter-'))
    try {
      const path = join(folder, 'new', 'a.gguf')
      const written = await writeAdapterFile(path, sample())
      assert.equal(written.digest, adapterDigest(sample()))
      assert.equal(adapterModelId(await readAdapterFile(path)), `facts@${written.digest}`)
      const huge = join(folder, 'huge.gguf')
      await writeFile(huge, 'GGUF')
      await truncate(huge, 2 ** 40)
      await assert.rejects(readAdapterFile(huge), refusal('OVERSIZE'))
      await assert.rejects(readAdapterFile(join(folder, 'none.gguf')), refusal('NOT_FOUND'))
      await assert.rejects(readAdapterFile(folder), refusal('NOT_GGUF'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('cannot be written from what could not be read', () => {
    const nan = sample()
    nan.modules[0]!.b[3] = Number.NaN
    assert.throws(() => encodeAdapter(nan), refusal('NOT_FINITE'))
    assert.throws(() => encodeAdapter(sample({ rank: 3 })), refusal('WRONG_SHAPE'))
    assert.throws(() => encodeAdapter(sample({ name: 'A' })), refusal('BAD_METADATA'))
  })
})
