import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeGguf } from '../../../../inference/models/gguf-writer.ts'
import { readModel } from '../../../../scripts/gguf/read-model.ts'
import { requantize, unpackedWithin, withDelta } from '../../../../scripts/gguf/variants.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { tinyModel } from '../../../helpers/tiny-model.ts'

describe('variants of models', () => {
  const folders = new TemporaryFolders()
  let original: string
  let to: string

  before(async () => {
    const folder = await folders.make()
    original = join(folder, 'original.gguf')
    to = join(folder, 'variant.gguf')
    await writeGguf(original, tinyModel('Q8_0'))
  })
  after(() => folders.remove())

  /** Elements of a matrix in both files. */
  async function both(name: string): Promise<[Float32Array, Float32Array]> {
    const [before, after] = [await readModel(original), await readModel(to)]
    const of = (model: typeof before) => model.tensors.find(tensor => tensor.name === name)!.elements()
    assert.deepEqual(
      { ...after.metadata, 'general.file_type': null },
      { ...before.metadata, 'general.file_type': null },
    )
    return [of(before), of(after)]
  }
  const norm = (elements: Float32Array) => Math.sqrt(elements.reduce((sum, x) => sum + x * x, 0))
  const distance = ([a, b]: [Float32Array, Float32Array]) => norm(a.map((x, at) => x - b[at]!)) / norm(a)

  it('are the same where nothing is changed', async () => {
    await requantize(original, to, 'Q8_0')
    assert.equal(distance(await both('blk.0.ffn_up.weight')), 0)
  })

  it('lie within what rounds to the original', async () => {
    await unpackedWithin(original, to, 5)
    const [packed, unpacked] = await both('blk.0.ffn_up.weight')
    assert.ok(distance([packed, unpacked]) > 1e-4)
    await requantize(to, `${to}.again`, 'Q8_0')
    const again = (await readModel(`${to}.again`)).tensors.find(({ name }) => name === 'blk.0.ffn_up.weight')!
    const back = again.elements()
    const others = packed.filter((x, at) => x !== back[at]).length
    // What F16 rounds away is seldom more than what was left to the edge.
    assert.ok(others / packed.length < 0.05, String(others / packed.length))
  })

  it('stray by the share that was asked, at low rank', async () => {
    await withDelta(original, to, { rank: 2, size: 0.1, seed: 5 })
    assert.ok(Math.abs(distance(await both('blk.1.attn_q.weight')) - 0.1) < 0.01)
    assert.equal(distance(await both('token_embd.weight')), 0)
    assert.equal(distance(await both('blk.1.attn_norm.weight')), 0)
  })
})
