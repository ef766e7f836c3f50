import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { ModelError, type ModelErrorCode } from '../../../../inference/models/errors.ts'
import { inspectGguf } from '../../../../inference/models/gguf.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { tensor, writeTinyGguf } from './fixture.ts'

describe('inspectGguf', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await folders.make()
    path = join(folder, 'model.gguf')
  })

  after(() => folders.remove())

  const refuses = async (bytes: Uint8Array, message: RegExp, code: ModelErrorCode = 'MODEL_INVALID') => {
    await writeFile(path, bytes)
    await assert.rejects(inspectGguf(path), error => {
      assert.ok(error instanceof ModelError)
      assert.equal(error.code, code)
      assert.match(error.message, message)
      assert.ok(error.fix)
      return true
    })
  }

  it('tells what a file says of itself', async () => {
    const template = '{{ messages }}'
    const { bytes } = await writeTinyGguf(path, {
      metadata: {
        'general.license': { type: 'string', value: 'apache-2.0' },
        'tokenizer.chat_template': { type: 'string', value: template },
        'tokenizer.ggml.tokens': {
          type: 'array',
          of: 'string',
          value: Array.from({ length: 70_000 }, (_, i) => `t${i}`),
        },
        'tokenizer.ggml.scores': { type: 'array', of: 'float32', value: [1, 2, 3] },
        'qwen3.pooling_type': { type: 'uint32', value: 3 },
      },
    })
    assert.deepEqual(await inspectGguf(path), {
      version: 3,
      architecture: 'qwen3',
      name: 'Tiny Test',
      license: 'apache-2.0',
      parameterCount: 64 * 16 + 64,
      quantization: 'Q8_0',
      trainContextTokens: 512,
      embeddingLength: 64,
      poolingType: 3,
      chatTemplateDigest: `sha256:${createHash('sha256').update(template).digest('hex')}`,
      fileBytes: bytes.length,
    })
  })

  it('has nothing to tell where the file says nothing', async () => {
    await writeTinyGguf(path, { metadata: { 'qwen3.context_length': { type: 'string', value: 'many' } } })
    const summary = await inspectGguf(path)
    assert.deepEqual(
      [summary.license, summary.poolingType, summary.chatTemplateDigest, summary.trainContextTokens],
      [null, null, null, null],
    )
  })

  it('names the type that holds most parameters', async () => {
    await writeTinyGguf(path, {
      tensors: [tensor('a', [64, 4], 'Q4_0'), tensor('b', [64, 8], 'F16'), tensor('c', [8], 'F32')],
    })
    assert.equal((await inspectGguf(path)).quantization, 'F16')
  })

  it('refuses what is not there or cannot be read', async () => {
    await assert.rejects(inspectGguf(join(folder, 'none.gguf')), { code: 'MODEL_NOT_FOUND' })
    await assert.rejects(inspectGguf(folder), { code: 'MODEL_INVALID' })
  })

  it('refuses what is no GGUF file', async () => {
    await refuses(new Uint8Array(), /is empty/)
    await refuses(Buffer.from('GG'), /not a GGUF file/)
    await refuses(Buffer.from('<!doctype html><title>Not found</title>'), /not a GGUF file/)
  })

  it('refuses versions and byte orders it does not know', async () => {
    const { bytes } = await writeTinyGguf(path)
    for (const version of [
      [1, 0, 0, 0],
      [0, 0, 0, 3],
      [99, 0, 0, 0],
    ]) {
      await refuses(Buffer.concat([bytes.subarray(0, 4), Buffer.from(version), bytes.subarray(8)]), /version/)
    }
  })

  it('refuses a file cut off anywhere, and says how much is missing', async () => {
    const { bytes } = await writeTinyGguf(path)
    for (let length = 4; length < bytes.length; length += 37) {
      await refuses(bytes.subarray(0, length), /cut off: it has \d+ bytes and needs \d+/)
    }
    await refuses(bytes.subarray(0, bytes.length - 32), new RegExp(`needs ${bytes.length}`))
  })

  it('refuses one part of a split model, and a file without weights', async () => {
    const { bytes } = await writeTinyGguf(path, { metadata: { 'split.count': { type: 'uint16', value: 3 } } })
    await refuses(bytes, /one part of a split model/)
    const empty = await writeTinyGguf(path, { tensors: [] })
    await refuses(empty.bytes, /holds no weights/)
    const nameless = await writeTinyGguf(path, {
      metadata: { 'general.architecture': { type: 'string', value: '' } },
    })
    await refuses(nameless.bytes, /architecture/)
  })

  it('answers a damaged file with an answer or an error, and soon', async () => {
    const { bytes } = await writeTinyGguf(path)
    const head = Math.min(bytes.length, 600)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(head - 9),
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        async (at, damage) => {
          const damaged = Buffer.from(bytes)
          damaged.set(damage, at)
          await writeFile(path, damaged)
          try {
            await inspectGguf(path)
          } catch (error) {
            assert.ok(error instanceof ModelError, String(error))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
