import assert from 'node:assert/strict'
import { chooseQuantization, Hub, type HubFile } from '../../../../inference/models/hub.ts'

const file = (path: string): HubFile => ({ path, bytes: 1, sha256: null })
const choose = (paths: string[], quantization: string | null) =>
  chooseQuantization(paths.map(file), quantization, 'o/r').path

describe('chooseQuantization', () => {
  const files = [
    'Qwen3-0.6B-Q4_K_M.gguf',
    'Qwen3-0.6B-Q8_0.gguf',
    'Qwen3-0.6B-IQ4_XS.gguf',
    'Qwen3-0.6B-F16.gguf',
    'mmproj-Q8_0.gguf',
    'big-Q4_0-00001-of-00003.gguf',
  ]

  it('finds the file of a quantisation, however it is written', () => {
    assert.equal(choose(files, 'Q8_0'), 'Qwen3-0.6B-Q8_0.gguf')
    assert.equal(choose(files, 'q8_0'), 'Qwen3-0.6B-Q8_0.gguf')
    assert.equal(choose(['Q8_0/model.gguf'], 'Q8_0'), 'Q8_0/model.gguf')
    assert.equal(choose(['model.Q8_0.gguf'], 'Q8_0'), 'model.Q8_0.gguf')
  })

  it('does not take one quantisation for another', () => {
    assert.equal(choose(['m-Q4_K_M.gguf', 'm-Q4_K.gguf'], 'Q4_K'), 'm-Q4_K.gguf')
    assert.throws(() => choose(['m-IQ4_XS.gguf'], 'Q4_XS'), { code: 'MODEL_NOT_FOUND' })
  })

  it('takes the usual one when none is named', () => {
    assert.equal(choose(files, null), 'Qwen3-0.6B-Q4_K_M.gguf')
    assert.equal(choose(['m-Q2_K.gguf'], null), 'm-Q2_K.gguf')
  })

  it('says what there is when it finds nothing', () => {
    assert.throws(
      () => choose(['a-Q2_K.gguf', 'b-Q3_K.gguf'], 'Q8_0'),
      error => {
        const { code, fix, details } = error as { code: string; fix: string; details: { files: string[] } }
        assert.equal(code, 'MODEL_NOT_FOUND')
        assert.match(fix, /hf:o\/r\/a-Q2_K.gguf/)
        assert.deepEqual(details.files, ['a-Q2_K.gguf', 'b-Q3_K.gguf'])
        return true
      },
    )
    assert.throws(() => choose(['big-Q4_0-00001-of-00003.gguf'], 'Q4_0'), { code: 'MODEL_NOT_FOUND' })
  })
})

describe('Hub', () => {
  it('writes addresses of files', () => {
    const hub = new Hub({ endpoint: 'https://mirror.example/' }, { fetch })
    assert.equal(
      hub.fileUrl('o', 'r', 'a b/c#1.gguf'),
      'https://mirror.example/o/r/resolve/main/a%20b/c%231.gguf',
    )
    assert.match(new Hub({}, { fetch }).fileUrl('o', 'r', 'a.gguf'), /^https:\/\/huggingface\.co\//)
  })

  it('reads all pages of a listing', async () => {
    const entry = (path: string) => ({ type: 'file', path, size: 5, lfs: { oid: 'a'.repeat(64), size: 7 } })
    const pages: Record<string, Response> = {
      'https://hub.example/api/models/o/r/tree/main?recursive=true': Response.json(
        [entry('readme.md'), { ...entry('x'), type: 'directory' }],
        {
          headers: { link: '<https://hub.example/page2>; rel="next"' },
        },
      ),
      'https://hub.example/page2': Response.json([entry('m-Q8_0.gguf')]),
    }
    const hub = new Hub(
      { endpoint: 'https://hub.example', token: 't' },
      { fetch: url => Promise.resolve(pages[String(url)] as Response) },
    )
    assert.deepEqual(await hub.findQuantization('o', 'r', 'Q8_0', undefined), {
      path: 'm-Q8_0.gguf',
      bytes: 7,
      sha256: 'a'.repeat(64),
    })
  })

  it('says what is wrong', async () => {
    const answering = (answer: () => Promise<Response>) =>
      new Hub({}, { fetch: answer }).findQuantization('o', 'r', null, undefined)
    const status = (code: number) => answering(() => Promise.resolve(new Response('', { status: code })))
    await assert.rejects(status(401), { code: 'DOWNLOAD_REFUSED' })
    await assert.rejects(status(404), { code: 'MODEL_NOT_FOUND' })
    await assert.rejects(status(500), { code: 'DOWNLOAD_FAILED' })
    await assert.rejects(
      answering(() => Promise.reject(new TypeError('fetch failed'))),
      { code: 'DOWNLOAD_FAILED' },
    )
    await assert.rejects(
      answering(() => Promise.resolve(Response.json({ unexpected: true }))),
      { code: 'DOWNLOAD_FAILED' },
    )
  })
})
