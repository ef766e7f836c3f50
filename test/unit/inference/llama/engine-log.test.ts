import assert from 'node:assert/strict'
import { LogTail } from '../../../../inference/llama/engine-log.ts'

describe('LogTail', () => {
  it('keeps the last lines, and no more than it may', () => {
    const tail = new LogTail({ maxChars: 20 })
    assert.equal(tail.toString(), '')
    for (let line = 0; line < 100; line++) tail.add(`line ${line}`)
    assert.match(tail.toString(), /line 98\nline 99$/)
    assert.ok(tail.toString().length <= 20)
    tail.add('x'.repeat(1_000))
    assert.ok(tail.toString().length <= 20)
    tail.clear()
    assert.equal(tail.toString(), '')
  })
})
