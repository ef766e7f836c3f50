import assert from 'node:assert/strict'
import { ResponseStore } from '../../../../../node/gateway/openai/response-store.ts'
import { newResponse } from '../../../../../node/gateway/openai/responses-translation.ts'

const stored = (id: string, text = '') => ({
  body: newResponse({ model: 'auto', input: '' }, { id, created: 0 }),
  messages: [{ role: 'user' as const, text }],
})

describe('responses that may be gone on from', () => {
  it('are each tenant’s own', () => {
    const store = new ResponseStore()
    store.put('a', stored('1'))
    assert.equal(store.get('b', '1'), null)
    assert.equal(store.delete('b', '1'), false)
    assert.equal(store.get('a', '1')!.body.id, '1')
    assert.equal(store.delete('a', '1'), true)
    assert.equal(store.get('a', '1'), null)
  })

  it('are so many for each tenant and so much over all, the oldest given up first', () => {
    const store = new ResponseStore({ maxPerTenant: 2, maxChars: 20_000 })
    for (const id of ['1', '2', '3']) store.put('a', stored(id))
    store.put('b', stored('4'))
    assert.deepEqual(
      ['1', '2', '3'].map(id => store.get('a', id) !== null),
      [false, true, true],
    )
    store.put('c', stored('5', 'x'.repeat(18_500)))
    assert.notEqual(store.get('c', '5'), null)
    assert.equal(store.get('a', '2'), null)
    store.put('c', stored('6', 'x'.repeat(30_000)))
    assert.equal(store.get('c', '6'), null)
  })
})
