import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { LinkedAbort } from '../../../inference/linked-abort.ts'

describe('a linked abort', () => {
  it('aborts with any of its parents, for the same reason, and by itself', () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const linked = new LinkedAbort(first.signal, undefined, second.signal)
    assert.equal(linked.signal.aborted, false)
    second.abort('enough')
    assert.equal(linked.signal.reason, 'enough')
    first.abort('later')
    assert.equal(linked.signal.reason, 'enough')
    assert.equal(new LinkedAbort(first.signal).signal.reason, 'later', 'a parent that has aborted before')
    const alone = new LinkedAbort()
    alone.abort('mine')
    assert.equal(alone.signal.reason, 'mine')
  })

  it('leaves nothing with a parent that lives on', () => {
    const parent = new AbortController()
    const linked = new LinkedAbort(parent.signal)
    assert.equal(getEventListeners(parent.signal, 'abort').length, 1)
    linked.unlink()
    linked.unlink()
    assert.equal(getEventListeners(parent.signal, 'abort').length, 0)
    parent.abort()
    assert.equal(linked.signal.aborted, false)
  })
})
