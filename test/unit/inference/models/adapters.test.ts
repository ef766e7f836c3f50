import assert from 'node:assert/strict'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAdapterFile } from '../../../../inference/learning/adapter-file.ts'
import { ModelCatalog } from '../../../../inference/models/catalog.ts'
import { ModelError } from '../../../../inference/models/errors.ts'
import { writeGguf } from '../../../../inference/models/gguf-writer.ts'
import { parseModelSpec } from '../../../../inference/models/model-spec.ts'
import { adaptedModelId } from '../../../../protocol/adapted-model.ts'
import { randomAdapter, randomAdapterFile } from '../../../helpers/random-adapter.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { tinyModel } from '../../../helpers/tiny-model.ts'

const sha256 = 'ab'.repeat(32)

describe('names of models with adapters', () => {
  const adapted = (base: string, ...adapters: string[]) => ({ kind: 'adapted', base, adapters })

  it('are a base and what stands behind it', () => {
    assert.deepEqual(parseModelSpec('mini+law.gguf'), adapted('mini', 'law.gguf'))
    assert.deepEqual(parseModelSpec('a.gguf+/x/b.gguf+c.gguf'), adapted('a.gguf', '/x/b.gguf', 'c.gguf'))
    assert.deepEqual(parseModelSpec(`mini+sha256:${sha256}`), adapted('mini', `sha256:${sha256}`))
    assert.deepEqual(
      parseModelSpec(`m@sha256:${sha256}+law@sha256:${sha256}`),
      adapted(`m@sha256:${sha256}`, `law@sha256:${sha256}`),
    )
    assert.deepEqual(parseModelSpec('hf:o/r:Q8_0+law.gguf'), adapted('hf:o/r:Q8_0', 'law.gguf'))
    assert.deepEqual(
      parseModelSpec('https://x.org/a.gguf+law.gguf'),
      adapted('https://x.org/a.gguf', 'law.gguf'),
    )
  })

  it('are not seen in names that have a plus of their own', () => {
    assert.equal(parseModelSpec('https://x.org/a+b.gguf').kind, 'url')
    assert.equal(parseModelSpec('/models/c++/law').kind, 'path')
    assert.equal(parseModelSpec('./a+b').kind, 'path')
    assert.throws(() => parseModelSpec('hf:o/r/a+'), { code: 'MODEL_NAME_INVALID' })
  })
})

describe('adapters of a catalog', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let models: string
  let base: string
  let other: string
  let catalog: ModelCatalog
  let law: { id: string; path: string }

  before(async () => {
    folder = await folders.make()
    models = join(folder, 'models')
    await mkdir(join(models, 'deep'), { recursive: true })
    base = join(folder, 'base.gguf')
    other = join(folder, 'other.gguf')
    await writeGguf(base, tinyModel('F32'))
    await writeGguf(other, tinyModel('Q8_0'))
    law = await randomAdapterFile(join(folder, 'law.gguf'), base, { name: 'law', rank: 2 })
  })
  beforeEach(() => {
    catalog = new ModelCatalog({ modelsFolder: models, cacheFolder: folder })
  })
  after(() => folders.remove())

  it('make a model with their base that has a name of its own', async () => {
    const plain = await catalog.resolve(base)
    assert.deepEqual(await catalog.resolve(`${base}+${law.path}`), {
      id: adaptedModelId(plain.id, [law.id]),
      path: base,
      base: plain.id,
      adapters: [{ ...law, scale: 1 }],
    })
    const again = await catalog.resolve(`${plain.id}+${law.id}+${law.path}`)
    assert.equal(again.id, adaptedModelId(plain.id, [law.id, law.id]))
  })

  it('are found by what a receipt says, wherever they lie', async () => {
    const { id } = await catalog.resolve(`${base}+${law.path}`)
    const made = await catalog.resolveAdapted(id, law.id)
    assert.deepEqual([made.id, made.path, made.adapters], [id, base, [{ ...law, scale: 1 }]])
    const fresh = new ModelCatalog({ modelsFolder: models, cacheFolder: folder })
    const lacking = (what: string) => (error: unknown) => {
      assert.ok(error instanceof ModelError)
      assert.deepEqual([error.code, error.details.lacks], ['MODEL_NOT_FOUND', what])
      return true
    }
    await assert.rejects(fresh.resolveAdapted(id, law.id), lacking('adapter'))
    await copyFile(law.path, join(models, 'deep', 'any.gguf'))
    await assert.rejects(fresh.resolveAdapted(id, law.id), lacking('base'))
    await copyFile(base, join(models, 'base.gguf'))
    assert.equal((await fresh.resolveAdapted(id, law.id)).path, join(models, 'base.gguf'))
    await assert.rejects(fresh.resolveAdapted(`law@sha256:${sha256}`, law.id), { code: 'MODEL_INVALID' })
    await rm(models, { recursive: true })
    await mkdir(join(models, 'deep'), { recursive: true })
  })

  it('are no models, and are told from those of other bases and from what is none', async () => {
    await copyFile(law.path, join(models, 'law.gguf'))
    assert.ok((await catalog.installed()).every(({ path }) => !path.endsWith('law.gguf')))
    await assert.rejects(catalog.resolve(law.path), { code: 'MODEL_INVALID' })
    await assert.rejects(catalog.resolve(`${other}+${law.path}`), /another base/)
    await assert.rejects(catalog.resolve(`${base}+${other}`), /no adapter/)
    await assert.rejects(catalog.resolve(`${base}+${folder}/none.gguf`), { code: 'MODEL_NOT_FOUND' })
    await assert.rejects(catalog.resolve(`${base}+sha256:${sha256}`), { code: 'MODEL_NOT_FOUND' })
  })

  it('are forgotten when their file holds something else', async () => {
    const path = join(folder, 'changing.gguf')
    const adapter = await randomAdapter(base, { rank: 1 })
    await writeAdapterFile(path, adapter)
    const { id, isPrivate } = await catalog.adapters.add(path)
    assert.equal(isPrivate, false)
    assert.equal((await catalog.adapters.find(id))?.path, path)
    await writeAdapterFile(path, { ...adapter, alpha: 3, metadata: { private: 'true' } })
    assert.equal(await catalog.adapters.find(id), null)
    assert.equal((await catalog.adapters.add(path)).isPrivate, true)
  })

  it('may have a plus in the name of their file', async () => {
    const path = join(folder, 'a+b.gguf')
    await copyFile(base, path)
    assert.equal((await catalog.resolve(path)).path, path)
  })
})
