import assert from 'node:assert/strict'
import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { formatModelId, ModelIdentifier, modelName } from '../../../../inference/models/identity.ts'
import { MODEL_ID_PATTERN, parseModelId } from '../../../../protocol/ids.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { writeTinyGguf } from './fixture.ts'

describe('ModelIdentifier', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await folders.make()
    path = join(folder, 'model.gguf')
  })

  after(() => folders.remove())

  /** How often a file is read through is seen by the progress of hashing it. */
  const readings = async (identifier: ModelIdentifier): Promise<number> => {
    let count = 0
    const onProgress = ({ hashedBytes, totalBytes }: { hashedBytes: number; totalBytes: number }) => {
      if (hashedBytes === totalBytes) count += 1
    }
    await identifier.digest(path, { onProgress })
    return count
  }

  it('names a file by its content', async () => {
    const { sha256 } = await writeTinyGguf(path)
    const identifier = new ModelIdentifier({ cacheFolder: null })
    const model = await identifier.identify(path)
    assert.equal(model.id, `tiny-test-q8_0@sha256:${sha256}`)
    const elsewhere = join(folder, 'other name.gguf')
    await rename(path, elsewhere)
    assert.equal((await identifier.identify(elsewhere)).id, model.id)
  })

  it('reads a file once, over restarts too', async () => {
    await writeTinyGguf(path)
    assert.equal(await readings(new ModelIdentifier({ cacheFolder: folder })), 1)
    assert.equal(await readings(new ModelIdentifier({ cacheFolder: folder })), 0)
  })

  it('reads a file again when its size or time changed, or its cache is damaged', async () => {
    const { bytes } = await writeTinyGguf(path)
    const identifier = new ModelIdentifier({ cacheFolder: folder })
    const before = await identifier.digest(path)
    await writeFile(path, Buffer.concat([bytes, Buffer.of(0)]))
    assert.notEqual(await identifier.digest(path), before)
    await utimes(path, new Date(1_000), new Date(1_000))
    assert.equal(await readings(identifier), 1)
    await writeFile(join(folder, 'digests.json'), 'no json')
    assert.equal(await readings(identifier), 1)
  })

  it('believes a digest that was verified elsewhere', async () => {
    await writeTinyGguf(path)
    const identifier = new ModelIdentifier({ cacheFolder: folder })
    await identifier.verified(path, 'c'.repeat(64))
    assert.equal(await identifier.digest(path), 'c'.repeat(64))
  })

  it('can be cancelled', async () => {
    await writeTinyGguf(path)
    const identifier = new ModelIdentifier({ cacheFolder: null })
    await assert.rejects(identifier.digest(path, { signal: AbortSignal.abort() }), { code: 'CANCELLED' })
  })
})

describe('modelName', () => {
  const summary = { name: null, architecture: 'qwen3', parameterCount: 596_000_000, quantization: 'Q8_0' }

  it('says what the model is', () => {
    assert.equal(modelName({ ...summary, name: 'Qwen3 0.6B' }), 'qwen3-0.6b-q8_0')
    assert.equal(modelName({ ...summary, name: 'shoal-nano-q8_0' }), 'shoal-nano-q8_0')
    assert.equal(modelName(summary), 'qwen3-596m-q8_0')
    assert.equal(modelName({ ...summary, parameterCount: 7_240_000_000 }), 'qwen3-7.2b-q8_0')
    assert.equal(modelName({ ...summary, parameterCount: 919_000 }), 'qwen3-919k-q8_0')
  })

  it('always makes a valid id', () => {
    const name = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.string({ minLength: 60, maxLength: 90 }),
    )
    fc.assert(
      fc.property(
        name,
        fc.string(),
        fc.constantFrom('Q8_0', 'F32', 'type 41'),
        (name, architecture, quantization) => {
          const id = formatModelId(
            modelName({ ...summary, name, architecture, quantization }),
            'f'.repeat(64),
          )
          assert.match(id, MODEL_ID_PATTERN)
          assert.equal(parseModelId(id)?.sha256, 'f'.repeat(64))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
