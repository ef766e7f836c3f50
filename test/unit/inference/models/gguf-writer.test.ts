import assert from 'node:assert/strict'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { getLlama, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp'
import { type GgufTensor, type GgufValue, writeGguf } from '../../../../inference/models/gguf-writer.ts'
import { quantize, type WritableType } from '../../../../inference/models/quantize.ts'
import { Random } from '../../../../scripts/embedded-model/corpus/random.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { tinyModel } from '../../../helpers/tiny-model.ts'

const architecture: GgufValue = { type: 'string', value: 'qwen3' }

function tensor(name: string, shape: number[], type: WritableType, pieces: Float32Array[]): GgufTensor {
  return { name, shape, type, elements: () => pieces }
}

describe('writeGguf', () => {
  const folders = new TemporaryFolders()
  let folder: string
  beforeEach(async () => {
    folder = await folders.make()
  })
  after(() => folders.remove())

  it('writes what readGgufFileInfo reads back', async () => {
    const path = join(folder, 'a.gguf')
    const metadata: Record<string, GgufValue> = {
      'general.architecture': architecture,
      'general.name': { type: 'string', value: 'tiny ñ 🐟' },
      'qwen3.context_length': { type: 'uint32', value: 4_000_000_000 },
      'test.small': { type: 'int8', value: -5 },
      'test.big': { type: 'uint64', value: 1n << 40n },
      'test.real': { type: 'float64', value: 0.1 },
      'test.flag': { type: 'bool', value: true },
      'test.list': { type: 'array', of: 'string', value: ['a', '', 'ç'] },
      'test.numbers': { type: 'array', of: 'int32', value: [-1, 0, 1] },
    }
    const bytes = await writeGguf(path, {
      metadata,
      tensors: [
        tensor('first', [32, 3], 'Q8_0', [new Float32Array(96).fill(1)]),
        tensor('second', [5], 'F32', [Float32Array.of(1, 2, 3, 4, 5)]),
        tensor('third', [64, 2], 'Q4_0', [new Float32Array(128)]),
        tensor('fourth', [3, 1, 2], 'F16', [new Float32Array(6)]),
      ],
    })
    assert.equal((await stat(path)).size, bytes)
    const info = await readGgufFileInfo(path)
    assert.equal(info.version, 3)
    assert.deepEqual(info.metadata.general, { architecture: 'qwen3', name: 'tiny ñ 🐟' })
    assert.deepEqual((info.metadata as unknown as { test: unknown }).test, {
      small: -5,
      big: 1n << 40n,
      real: 0.1,
      flag: true,
      list: ['a', '', 'ç'],
      numbers: [-1, 0, 1],
    })
    assert.deepEqual(
      info.tensorInfo?.map(({ name, dimensions, ggmlType, offset }) => [
        name,
        dimensions,
        ggmlType,
        Number(offset),
      ]),
      [
        ['first', [32, 3], 8, 0],
        ['second', [5], 0, 128],
        ['third', [64, 2], 2, 160],
        ['fourth', [3, 1, 2], 1, 256],
      ],
    )
  })

  it('writes tensors that are packed already, and refuses more bytes than their shape has', async () => {
    const path = join(folder, 'packed.gguf')
    const bytes = Uint8Array.from({ length: 288 }, (_, i) => i % 251)
    const write = (pieces: Uint8Array[]) =>
      writeGguf(path, {
        metadata: { 'general.architecture': architecture },
        tensors: [{ name: 'a', shape: [256, 2], packed: 'Q4_K', bytes: () => pieces }],
      })
    await write([bytes.subarray(0, 100), bytes.subarray(100)])
    const written = await readFile(path)
    assert.deepEqual(new Uint8Array(written.subarray(-288)), bytes)
    await assert.rejects(write([bytes, bytes]), RangeError)
  })

  it('gives the same bytes however the elements are cut into pieces', async () => {
    const random = new Random(1)
    const all = Float32Array.from({ length: 32 * 48 }, () => random.below(1000) / 500 - 1)
    const expected = Buffer.from(quantize('Q8_0', all))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: all.length }), { maxLength: 12 }), async cuts => {
        const edges = [0, ...cuts.sort((a, b) => a - b), all.length]
        const pieces = edges.slice(1).map((edge, i) => all.subarray(edges[i], edge))
        const path = join(folder, 'pieces.gguf')
        await writeGguf(path, {
          metadata: { 'general.architecture': architecture },
          tensors: [tensor('t', [32, 48], 'Q8_0', pieces)],
        })
        assert.deepEqual((await readFile(path)).subarray(-expected.length), expected)
      }),
      { numRuns: 30 },
    )
  })

  it('asks for a tensor only when its turn comes and keeps none', async () => {
    const order: string[] = []
    const slow = (name: string): GgufTensor => ({
      name,
      shape: [32, 64],
      type: 'F16',
      async *elements() {
        for (let row = 0; row < 64; row++) {
          order.push(`${name}${row}`)
          yield await Promise.resolve(new Float32Array(32).fill(row))
        }
      },
    })
    await writeGguf(join(folder, 'b.gguf'), {
      metadata: { 'general.architecture': architecture },
      tensors: [slow('x'), slow('y')],
    })
    assert.deepEqual(
      order,
      ['x', 'y'].flatMap(name => Array.from({ length: 64 }, (_, row) => `${name}${row}`)),
    )
  })

  it('refuses what cannot be written and leaves nothing behind', async () => {
    const one = (t: GgufTensor) => [t]
    const zeros = [new Float32Array(32)]
    const cases: [GgufTensor[], RegExp][] = [
      [one(tensor('t', [33], 'Q8_0', [new Float32Array(33)])), /multiples of 32/],
      [one(tensor('t', [32, 2], 'F32', zeros)), /has 32 elements/],
      [one(tensor('t', [16], 'F32', zeros)), /has 32 elements/],
      [one(tensor('', [32], 'F32', zeros)), /1 to 63 bytes/],
      [one(tensor('t', [32, 0], 'F32', [])), /impossible shape/],
      [one(tensor('t', [32], 'F32', [new Float32Array(32).fill(Number.NaN)])), /not finite/],
      [[tensor('t', [32], 'F32', zeros), tensor('t', [32], 'F32', zeros)], /two tensors/],
    ]
    for (const [tensors, message] of cases) {
      await assert.rejects(
        writeGguf(join(folder, 'bad.gguf'), { metadata: { 'general.architecture': architecture }, tensors }),
        error => error instanceof RangeError && message.test(error.message),
      )
    }
    await assert.rejects(
      writeGguf(join(folder, 'bad.gguf'), { metadata: { a: { type: 'uint8', value: 256 } }, tensors: [] }),
      RangeError,
    )
    assert.deepEqual(await readdir(folder), [])
  })

  it('honours another alignment', async () => {
    const path = join(folder, 'c.gguf')
    await writeGguf(path, {
      metadata: { 'general.architecture': architecture },
      tensors: [tensor('a', [1], 'F32', [Float32Array.of(7)]), tensor('b', [1], 'F32', [Float32Array.of(9)])],
      alignment: 64,
    })
    const handle = await open(path)
    const { size } = await handle.stat()
    const last = Buffer.alloc(64)
    await handle.read(last, 0, 64, size - 64)
    await handle.close()
    assert.equal(size % 64, 0)
    assert.equal(last.readFloatLE(0), 9)
    const info = await readGgufFileInfo(path)
    assert.equal((info.metadata.general as { alignment?: number }).alignment, 64)
  })

  for (const type of ['F32', 'F16', 'Q8_0', 'Q4_0'] as const) {
    it(`writes a ${type} model that llama.cpp loads and runs`, async () => {
      const path = join(folder, `${type}.gguf`)
      await writeGguf(path, tinyModel(type))
      const llama = await getLlama({
        gpu: false,
        build: 'never',
        maxThreads: 0,
        logLevel: LlamaLogLevel.error,
      })
      try {
        const model = await llama.loadModel({ modelPath: path })
        const context = await model.createContext({ contextSize: 64, threads: 1 })
        const sequence = context.getSequence()
        const tokens = []
        const prompt = model.tokenize('abc')
        assert.equal(prompt.length, 3)
        for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
          tokens.push(token)
          if (tokens.length === 5) break
        }
        assert.equal(tokens.length, 5)
      } finally {
        await llama.dispose()
      }
    })
  }
})
