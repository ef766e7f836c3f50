import assert from 'node:assert/strict'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adapter } from '../../../../../inference/learning/adapter.ts'
import { readAdapterFile, writeAdapterFile } from '../../../../../inference/learning/adapter-file.ts'
import { initialFactors } from '../../../../../inference/learning/initial-factors.ts'
import { SeededNumbers } from '../../../../../inference/learning/seeded-numbers.ts'
import { PackedCodec } from '../../../../../node/learning/rounds/parts/packed-codec.ts'
import type { RoundContext } from '../../../../../node/learning/rounds/seams.ts'
import type { RoundManifest } from '../../../../../protocol/messages/learning/round-manifest.ts'
import { sampleManifest } from '../../../../helpers/learning-samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
const SHAPES = [{ name: 'blk.0.attn_q', inputs: 64, outputs: 300 }]
const base = `sha256:${'cd'.repeat(32)}`
const bases = {
  find: async (id: string) => ({ id, path: '' }),
  expected: async (_: unknown, { rank, alpha }: RoundManifest) => ({
    ...{ architecture: 'qwen3', base, rank, alpha, modules: SHAPES },
  }),
}

function contextOf(round: string, manifest: Partial<RoundManifest>): RoundContext {
  return {
    ...{ round, proposer: '00'.repeat(32), parentPath: null, trustedPath: null },
    manifest: { ...sampleManifest, rank: 4, alpha: 8, privacy: null, freezeA: false, ...manifest },
  }
}

function trained(manifest: RoundManifest): Adapter {
  const numbers = new SeededNumbers(1, 'trained')
  const { rank, alpha, name, training } = manifest
  const modules = initialFactors(SHAPES, { rank, seed: training.seed }).map(module => ({
    ...module,
    a: module.a.map(value => value + 0.01 * numbers.symmetric()),
    b: module.b.map(() => 0.05 * numbers.symmetric()),
  }))
  return { architecture: 'qwen3', name, rank, alpha, base, modules, metadata: {} }
}

describe('packed updates of rounds', () => {
  afterEach(() => folders.remove())

  async function setUp() {
    const folder = await folders.make()
    const codec = new PackedCodec({ folder: join(folder, 'packed') }, { bases })
    const path = join(folder, 'update.gguf')
    const encode = async (round: string, manifest: Partial<RoundManifest>) => {
      const context = contextOf(round, manifest)
      await writeAdapterFile(path, trained(context.manifest))
      const sent = await codec.encode(context, path, folder)
      const read = await readAdapterFile(await codec.decode(context, sent.path))
      const { size } = await stat(sent.path)
      await codec.release(round)
      const b = (adapter: Adapter) => adapter.modules[0]!.b
      const error = Math.hypot(...b(read).map((value, i) => value - b(trained(context.manifest))[i]!))
      return { sent, size, error, whole: (await stat(path)).size }
    }
    return { folder, codec, encode }
  }

  it('travel as the manifest says', async () => {
    const { encode } = await setUp()
    const gguf = await encode('one', { encoding: 'gguf' })
    assert.deepEqual([gguf.sent.encoding, gguf.size, gguf.error], ['gguf', gguf.whole, 0])
    const int8 = await encode('one', { encoding: 'int8', name: 'eight' })
    const sparse = await encode('one', { encoding: 'sparse', name: 'few' })
    assert.ok(int8.size < gguf.size / 3 && int8.error < 0.02, `${int8.size} ${int8.error}`)
    assert.ok(sparse.size < gguf.size / 12 && sparse.error > int8.error, `${sparse.size} ${sparse.error}`)
  })

  it('bring what earlier ones left out, once for each round, and none where noise is added', async () => {
    const { folder, encode } = await setUp()
    const first = await encode('one', { encoding: 'sparse' })
    const again = await encode('one', { encoding: 'sparse' })
    assert.equal(again.error, first.error, 'a round that is begun again after a crash adds nothing of itself')
    const privacy = { clipNorm: 1, noiseMultiplier: 1, deltaExponent: 5 }
    assert.equal((await encode('noisy', { encoding: 'sparse', privacy })).error, first.error)
    const second = await encode('two', { encoding: 'sparse' })
    assert.notEqual(second.error, first.error)
    await encode('three', { encoding: 'sparse' })
    const lines = await readdir(join(folder, 'packed', 'left-out'))
    assert.equal(lines.length, 1)
    const line = join(folder, 'packed', 'left-out', lines[0]!)
    assert.deepEqual((await readdir(line)).toSorted(), ['three.gguf', 'two.gguf'])
    // A damaged one is no reason to fail.
    for (const name of await readdir(line)) await writeFile(join(line, name), 'GGUF?')
    assert.equal((await encode('four', { encoding: 'sparse' })).error, first.error)
  })

  it('are refused with a code when they are none', async () => {
    const { folder, codec } = await setUp()
    const context = contextOf('one', { encoding: 'sparse' })
    const path = join(folder, 'false')
    await writeFile(path, 'not what was promised')
    await assert.rejects(codec.decode(context, path), { code: 'NOT_AN_UPDATE' })
    await writeFile(path, new Uint8Array(100_000))
    await assert.rejects(codec.decode(context, path), { code: 'OVERSIZE' })
  })
})
