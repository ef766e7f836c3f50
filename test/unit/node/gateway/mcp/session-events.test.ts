import assert from 'node:assert/strict'
import { SessionEvents } from '../../../../../node/gateway/mcp/session-events.ts'

describe('what an MCP session keeps for clients that come back', () => {
  const message = (n: number) => ({ jsonrpc: '2.0' as const, method: 'notifications/x', params: { n } })

  it('is told again from where a client was, each stream by itself', async () => {
    const events = new SessionEvents({ maxEvents: 10, maxBytes: 10_000 })
    const first = await events.storeEvent('a', message(1))
    await events.storeEvent('b', message(2))
    await events.storeEvent('a', message(3))
    const told: unknown[] = []
    const send = async (_id: string, sent: unknown) => void told.push(sent)
    assert.equal(await events.replayEventsAfter(first, { send }), 'a')
    assert.deepEqual(told, [message(3)])
    assert.equal(await events.getStreamIdForEventId(first), 'a')
  })

  it('is bounded in number and bytes', async () => {
    const few = new SessionEvents({ maxEvents: 2, maxBytes: 10_000 })
    const ids = [await few.storeEvent('a', message(1)), await few.storeEvent('a', message(2))]
    await few.storeEvent('a', message(3))
    assert.equal(await few.getStreamIdForEventId(ids[0]!), undefined)
    assert.equal(await few.getStreamIdForEventId(ids[1]!), 'a')
    await assert.rejects(few.replayEventsAfter(ids[0]!, { send: async () => {} }), RangeError)

    const small = new SessionEvents({ maxEvents: 100, maxBytes: 100 })
    const id = await small.storeEvent('a', message(1))
    await small.storeEvent('a', message(2))
    assert.equal(await small.getStreamIdForEventId(id), undefined)
  })
})
