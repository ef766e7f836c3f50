import assert from 'node:assert/strict'
import {
  contentLength,
  displayUrl,
  parseContentRange,
  retryAfterMs,
  validatorOf,
} from '../../../../inference/models/http.ts'

describe('HTTP headers', () => {
  it('reads content ranges', () => {
    assert.deepEqual(parseContentRange('bytes 10-99/100'), { first: 10, total: 100 })
    assert.deepEqual(parseContentRange('bytes 10-99/*'), { first: 10, total: null })
    for (const wrong of [null, '', 'bytes */100', 'items 1-2/3', 'bytes 1-/3'])
      assert.equal(parseContentRange(wrong), null)
  })

  it('takes only what identifies a file exactly for a validator', () => {
    assert.equal(validatorOf(new Headers({ etag: '"abc"', 'last-modified': 'x' })), '"abc"')
    assert.equal(validatorOf(new Headers({ etag: 'W/"abc"', 'last-modified': 'x' })), 'x')
    assert.equal(validatorOf(new Headers({ etag: 'W/"abc"' })), null)
  })

  it('knows the length only of bodies that come as they are', () => {
    assert.equal(contentLength(new Headers({ 'content-length': '12' })), 12)
    assert.equal(contentLength(new Headers({ 'content-length': '12', 'content-encoding': 'gzip' })), null)
    assert.equal(contentLength(new Headers()), null)
  })

  it('reads how long to wait', () => {
    assert.equal(retryAfterMs(new Headers({ 'retry-after': '3' })), 3_000)
    assert.equal(retryAfterMs(new Headers({ 'retry-after': 'soon' })), null)
  })

  it('shows no secrets of a URL', () => {
    assert.equal(
      displayUrl('https://user:pass@example.org/a.gguf?signature=s#x'),
      'https://example.org/a.gguf',
    )
  })
})
