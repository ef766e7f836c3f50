import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ModelError } from '../../../../inference/models/errors.ts'
import { parseModelSpec } from '../../../../inference/models/model-spec.ts'

const digest = 'AB'.repeat(32)
const sha256 = digest.toLowerCase()

describe('parseModelSpec', () => {
  it('reads every kind of name', () => {
    const hub = { owner: 'Qwen', repository: 'Qwen3-0.6B-GGUF' }
    assert.deepEqual(parseModelSpec('shoal-nano'), { kind: 'name', name: 'shoal-nano' })
    assert.deepEqual(parseModelSpec('./a.gguf'), { kind: 'path', path: './a.gguf' })
    assert.deepEqual(parseModelSpec('a.gguf'), { kind: 'path', path: 'a.gguf' })
    assert.deepEqual(parseModelSpec('/models/my model'), { kind: 'path', path: '/models/my model' })
    assert.deepEqual(parseModelSpec('C:\\models\\a.gguf'), { kind: 'path', path: 'C:\\models\\a.gguf' })
    assert.deepEqual(parseModelSpec(`m@sha256:${sha256}`), { kind: 'digest', sha256 })
    assert.deepEqual(parseModelSpec(`sha256:${digest}`), { kind: 'digest', sha256 })
    assert.deepEqual(parseModelSpec('https://example.org/a.gguf?x=1'), {
      kind: 'url',
      url: 'https://example.org/a.gguf?x=1',
      sha256: null,
    })
    for (const suffix of [`#sha256=${digest}`, `@sha256:${digest}`]) {
      assert.deepEqual(parseModelSpec(`https://example.org/a.gguf${suffix}`), {
        kind: 'url',
        url: 'https://example.org/a.gguf',
        sha256,
      })
      assert.deepEqual(parseModelSpec(`hf:Qwen/Qwen3-0.6B-GGUF/q/a.gguf${suffix}`), {
        kind: 'hub-file',
        ...hub,
        file: 'q/a.gguf',
        sha256,
      })
    }
    assert.deepEqual(parseModelSpec('hf:Qwen/Qwen3-0.6B-GGUF:Q8_0'), {
      kind: 'hub-quantization',
      ...hub,
      quantization: 'Q8_0',
    })
    assert.deepEqual(parseModelSpec('hf://Qwen/Qwen3-0.6B-GGUF'), {
      kind: 'hub-quantization',
      ...hub,
      quantization: null,
    })
  })

  it('refuses names that mean nothing, with a way out', () => {
    const wrong = [
      '',
      '  ',
      'hf:',
      'hf:owner',
      'hf:owner/',
      'hf:owner/repo/file.bin',
      'hf:owner/repo/../../etc/passwd.gguf',
      'hf:owner/repo//a.gguf',
      'hf:owner/repo:Q8_0:Q4_0',
      'hf:../repo:Q8_0',
      `hf:owner/repo:Q8_0@sha256:${sha256}`,
      'https://example.org/a.gguf#sha256=abc',
      'https://',
      'ftp://example.org/a.gguf',
      'ollama://llama3',
    ]
    for (const name of wrong) {
      assert.throws(
        () => parseModelSpec(name),
        error =>
          error instanceof ModelError && error.code === 'MODEL_NAME_INVALID' && error.fix !== undefined,
        name,
      )
    }
  })

  it('reads or refuses anything', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map(text => `hf:${text}`),
          fc.webUrl(),
        ),
        name => {
          try {
            parseModelSpec(name)
          } catch (error) {
            assert.ok(error instanceof ModelError)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
