import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Adapter } from '../../../../inference/learning/adapter.ts'
import { adapterDigest, encodeAdapter } from '../../../../inference/learning/adapter-file.ts'
import { BitReader, BitWriter } from '../../../../inference/learning/compression/bit-stream.ts'
import { compressUpdate } from '../../../../inference/learning/compression/compress-update.ts'
import {
  type CompressionSettings,
  compressionSettingsSchema,
} from '../../../../inference/learning/compression/compression-settings.ts'
import { CompressionError } from '../../../../inference/learning/compression/errors.ts'
import { decompressUpdate, maxUpdateBytes } from '../../../../inference/learning/compression/update-format.ts'
import { initialFactors } from '../../../../inference/learning/initial-factors.ts'
import { SeededNumbers } from '../../../../inference/learning/seeded-numbers.ts'

const RANK = 4
const SHAPES = [
  { name: 'blk.0.attn_k', inputs: 48, outputs: 20 },
  { name: 'blk.0.ffn_up', inputs: 48, outputs: 100 },
  { name: 'output', inputs: 48, outputs: 70 },
]

const settingsOf = (settings: Partial<CompressionSettings>) =>
  compressionSettingsSchema.parse({ blockLength: 64, ...settings })

function parentOf(seed: number, b: 'zero' | 'some' = 'some'): Adapter {
  const numbers = new SeededNumbers(seed, 'parent')
  const modules = initialFactors(SHAPES, { rank: RANK, seed }).map(module => ({
    ...module,
    b: b === 'zero' ? module.b : module.b.map(() => numbers.symmetric() * 0.1),
  }))
  return {
    ...{ architecture: 'qwen3', name: 'shared', rank: RANK, alpha: 8, modules, metadata: {} },
    base: `sha256:${'ab'.repeat(32)}`,
  }
}

/** The parent after some learning: most changes are small, few are large. */
function learned(parent: Adapter, seed: number, options: { freezeA?: boolean } = {}): Adapter {
  const numbers = new SeededNumbers(seed, 'update')
  const change = () => 0.05 * numbers.symmetric() ** 3
  const modules = parent.modules.map(module => ({
    ...module,
    a: options.freezeA === true ? module.a : module.a.map(value => value + change()),
    b: module.b.map(value => value + change()),
  }))
  return { ...parent, name: 'mine', modules, metadata: { round: 'one' } }
}

/** ΔW of all modules, with their scales. */
function dense(adapter: Adapter): number[] {
  return adapter.modules.flatMap(({ inputs, outputs, a, b }) => {
    const { rank, alpha } = adapter
    return Array.from({ length: outputs * inputs }, (_, at) => {
      const [o, i] = [Math.floor(at / inputs), at % inputs]
      let sum = 0
      for (let r = 0; r < rank; r++) sum += b[o * rank + r]! * a[r * inputs + i]!
      return (sum * alpha) / rank
    })
  })
}

const minus = (x: number[], y: number[]) => x.map((value, i) => value - y[i]!)
const norm = (x: readonly number[]) => Math.hypot(...x)

describe('compressed updates', () => {
  it('decode to what the sender says they do, whatever the settings', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(64, 256, 4_096),
        fc.boolean(),
        async (seed, density, bits, blockLength, isFirst) => {
          const parent = parentOf(seed, isFirst ? 'zero' : 'some')
          const update = learned(parent, seed)
          const settings = settingsOf({ density, bits, blockLength })
          const { bytes, decoded } = await compressUpdate(update, { parent, settings, residual: null })
          const read = await decompressUpdate(bytes, { parent, parentDigest: adapterDigest(parent) })
          assert.deepEqual(encodeAdapter(read), encodeAdapter(decoded))
          const again = await compressUpdate(update, { parent, settings, residual: null })
          assert.deepEqual(again.bytes, bytes, 'equal updates have equal bytes')
          const changed = read.modules.flatMap((module, m) =>
            (['a', 'b'] as const).flatMap(f =>
              [...module[f]].filter((value, i) => value !== parent.modules[m]![f][i]),
            ),
          ).length
          const total = parent.modules.reduce((sum, { a, b }) => sum + a.length + b.length, 0)
          assert.ok(changed <= Math.max(1, Math.round(density * total)), 'no more than was asked for')
          assert.ok(bytes.length <= maxUpdateBytes(parent, { bits, length: blockLength }))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('come nearer to the update with every bit and every weight', async () => {
    const parent = parentOf(1)
    const update = learned(parent, 2)
    const error = async (settings: Partial<CompressionSettings>) => {
      const options = { parent, settings: settingsOf(settings), residual: null }
      const { decoded } = await compressUpdate(update, options)
      return norm(minus(dense(decoded), dense(update))) / norm(minus(dense(parent), dense(update)))
    }
    const byBits = await Promise.all([2, 4, 8].map(bits => error({ bits, density: 1 })))
    assert.ok(byBits[0]! < 0.6 && byBits[1]! < byBits[0]! / 3 && byBits[2]! < 0.01, byBits.join(' '))
    const byDensity = await Promise.all([0.02, 0.1, 0.5].map(density => error({ bits: 8, density })))
    assert.ok(byDensity[0]! < 0.95 && byDensity[1]! < 0.75 && byDensity[2]! < 0.1, byDensity.join(' '))
  })

  it('take few bits: what is kept costs about the entropy of its place, and its own bits', async () => {
    const parent = parentOf(1)
    const update = learned(parent, 2)
    const total = parent.modules.reduce((sum, { a, b }) => sum + a.length + b.length, 0)
    const settings = settingsOf({ density: 0.1, bits: 2, blockLength: 4_096 })
    const { bytes } = await compressUpdate(update, { parent, settings, residual: null })
    const entropy = -(0.1 * Math.log2(0.1) + 0.9 * Math.log2(0.9)) / 0.1
    const bitsEach = (8 * (bytes.length - 40)) / (0.1 * total)
    assert.ok(
      bitsEach < entropy + 2 + 1.5,
      `${bitsEach.toFixed(2)} bits, ${entropy.toFixed(2)} of them for the place`,
    )
  })

  it('leave nothing out for ever: what is not sent comes with later updates, in whatever factors', async () => {
    const parent = parentOf(1)
    const update = learned(parent, 2)
    const settings = settingsOf({ density: 0.15, bits: 3, residualShare: 1 })
    const first = await compressUpdate(update, { parent, settings, residual: null })
    // It says itself what it fell short by.
    const gap = minus(dense(update), dense(first.decoded))
    assert.ok(norm(minus(dense(first.residual), gap)) < 1e-5 * norm(gap))

    const rounds = async (turn: (adapter: Adapter) => Adapter) => {
      let { decoded, residual } = first
      const errors = [norm(gap)]
      for (let round = 0; round < 6; round++) {
        const next = turn(decoded)
        const sent = await compressUpdate({ ...next }, { parent: next, settings, residual })
        ;({ decoded, residual } = sent)
        errors.push(norm(minus(dense(update), dense(decoded))))
      }
      return errors
    }
    const same = await rounds(adapter => adapter)
    assert.ok(same.at(-1)! < 0.1 * same[0]!, same.join(' '))
    // The same ΔW in other factors, as singular value decomposition gives them: A doubled and turned, B the other way round.
    const turned = await rounds(adapter => ({
      ...adapter,
      modules: adapter.modules.map(({ a, b, ...module }) => ({
        ...module,
        a: a.map((_, i) => 2 * a[(i + module.inputs) % a.length]!),
        b: b.map((_, i) => b[Math.floor(i / RANK) * RANK + (((i % RANK) + 1) % RANK)]! / 2),
      })),
    }))
    assert.ok(turned.at(-1)! < 0.1 * turned[0]!, turned.join(' '))
  })

  it('leave a frozen A alone', async () => {
    const parent = parentOf(1)
    const options = { parent, settings: settingsOf({ density: 0.2 }), freezeA: true }
    const first = await compressUpdate(learned(parent, 2, options), { ...options, residual: null })
    const { decoded } = await compressUpdate(learned(parent, 3, options), {
      ...options,
      residual: first.residual,
    })
    for (const [m, { a }] of decoded.modules.entries()) assert.deepEqual(a, parent.modules[m]!.a)
  })

  it('of nothing new are almost nothing', async () => {
    const parent = parentOf(1)
    const { bytes, decoded } = await compressUpdate(parent, {
      parent,
      settings: settingsOf({}),
      residual: null,
    })
    assert.deepEqual(encodeAdapter(decoded), encodeAdapter(parent))
    assert.ok(bytes.length < 80)
    await assert.rejects(
      compressUpdate({ ...parent, rank: 8 }, { parent, settings: settingsOf({}), residual: null }),
      { code: 'WRONG_RANK' },
    )
  })

  it('refuse with a code what no sender of ours has made', async () => {
    const parent = parentOf(1)
    const settings = settingsOf({ density: 0.3, bits: 3 })
    const { bytes } = await compressUpdate(learned(parent, 2), { parent, settings, residual: null })
    const refuses = async (made: Uint8Array, code: string) =>
      assert.rejects(decompressUpdate(made, { parent }), { name: 'CompressionError', code })
    const changed = (at: number, value: number) => {
      const copy = bytes.slice()
      copy[at] = value
      return copy
    }
    await refuses(new Uint8Array(0), 'NOT_AN_UPDATE')
    await refuses(Buffer.from('GGUF, says somebody, and is forty bytes long'), 'NOT_AN_UPDATE')
    await refuses(bytes.subarray(0, 20), 'TRUNCATED')
    await refuses(bytes.subarray(0, -1), 'TRUNCATED')
    await refuses(Buffer.concat([bytes, Buffer.alloc(1)]), 'NOT_CANONICAL')
    await refuses(Buffer.concat([bytes, Buffer.alloc(1_000_000)]), 'OVERSIZE')
    await refuses(changed(4, 2), 'NOT_AN_UPDATE')
    await refuses(changed(5, 9), 'NOT_AN_UPDATE')
    await refuses(changed(6, 31), 'NOT_AN_UPDATE')
    await refuses(changed(7, 1), 'NOT_AN_UPDATE')
    await refuses(changed(20, bytes[20]! ^ 1), 'WRONG_PARENT')
    await assert.rejects(decompressUpdate(bytes, { parent: parentOf(2) }), { code: 'WRONG_PARENT' })

    const stream = (write: (writer: BitWriter) => void) => {
      const writer = new BitWriter()
      write(writer)
      return Buffer.concat([bytes.subarray(0, 40), writer.finish(), Buffer.alloc(64)])
    }
    const head = (writer: BitWriter, count: number, high: number, parameter: number) => {
      writer.write(count, 7)
      writer.write(high, 16)
      writer.write(0, 8)
      writer.write(parameter, 4)
    }
    const ONE = 0x3f80
    await refuses(
      stream(writer => writer.write(65, 7)),
      'OUT_OF_RANGE',
    )
    for (const notANumber of [0x7f80, 0x7fc0, 0xff80, 0, 0x8000, 0xbf80])
      await refuses(
        stream(writer => head(writer, 1, notANumber, 0)),
        'NOT_FINITE',
      )
    await refuses(
      stream(writer => {
        head(writer, 1, ONE, 3)
        writer.writeRice(64, 3)
      }),
      'OUT_OF_RANGE',
    )
    // Two weights of which the first takes the last place.
    await refuses(
      stream(writer => {
        head(writer, 2, ONE, 3)
        writer.writeRice(63, 3)
      }),
      'OUT_OF_RANGE',
    )
    const large = {
      ...parent,
      modules: parent.modules.map(module => ({ ...module, a: module.a.map(() => 3e38) })),
    }
    const overflow = stream(writer => {
      head(writer, 1, 0x7f7f, 3)
      writer.writeRice(0, 3)
      writer.write(0b011, 3)
    })
    const parentDigest = adapterDigest(parent)
    await assert.rejects(decompressUpdate(overflow, { parent: large, parentDigest }), { code: 'NOT_FINITE' })
  })

  it('never bring a reader down, nor make it give what is not finite', async () => {
    const parent = parentOf(1)
    const parentDigest = adapterDigest(parent)
    const settings = settingsOf({ density: 0.3, bits: 3 })
    const { bytes } = await compressUpdate(learned(parent, 2), { parent, settings, residual: null })
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map(tail => Buffer.concat([bytes.subarray(0, 40), tail])),
      fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
        const copy = bytes.slice()
        copy[at]! ^= flip
        return copy
      }),
      fc.nat({ max: bytes.length }).map(length => bytes.slice(0, length)),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async made => {
        try {
          const { modules } = await decompressUpdate(made, { parent, parentDigest })
          for (const { a, b } of modules) assert.ok([...a, ...b].every(Number.isFinite))
        } catch (error) {
          assert.ok(error instanceof CompressionError, String(error))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('are made of bits that come back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.nat({ max: 5_000 }), fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 32 })),
        ),
        numbers => {
          const writer = new BitWriter()
          for (const [value, parameter, bits] of numbers) {
            writer.writeRice(value, parameter)
            writer.write(value % 2 ** bits, bits)
          }
          const reader = new BitReader(writer.finish())
          for (const [value, parameter, bits] of numbers) {
            assert.equal(reader.readRice(parameter, 5_000), value)
            assert.equal(reader.read(bits), value % 2 ** bits)
          }
          reader.finish()
        },
      ),
    )
  })
})
