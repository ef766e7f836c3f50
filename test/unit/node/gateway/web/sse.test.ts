import assert from 'node:assert/strict'
import fc from 'fast-check'
import { EventParser, readEvents } from '../../../../../node/gateway/web/src/data/sse.ts'

describe('events of a stream', () => {
  it('reads names, ids and data over several lines, and leaves comments out', () => {
    const parser = new EventParser()
    const text = ': hello\nevent: peers\nid: 7\ndata: a\ndata:b\n\ndata: c\r\n\r\nevent: none\n\n'
    assert.deepEqual(parser.push(text), [
      { id: '7', type: 'peers', data: 'a\nb' },
      { id: '7', type: 'message', data: 'c' },
    ])
  })

  it('reads the same however the stream is cut', () => {
    const line = fc.constantFrom('data: x', 'data:  y', 'id: 3', 'event: e', ': note', '', 'data', 'other: z')
    const end = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 20 }),
        end,
        fc.array(fc.nat(12), { maxLength: 40 }),
        (lines, eol, cuts) => {
          const text = [...lines, '', ''].join(eol)
          const whole = new EventParser().push(text)
          const parser = new EventParser()
          const pieces: ReturnType<EventParser['push']> = []
          let at = 0
          for (const length of cuts) {
            pieces.push(...parser.push(text.slice(at, at + length)))
            at += length
          }
          pieces.push(...parser.push(text.slice(at)))
          assert.deepEqual(pieces, whole)
        },
      ),
    )
  })

  it('refuses an event that never ends', () => {
    const parser = new EventParser()
    assert.throws(() => {
      for (let lines = 0; lines < 20; lines++) parser.push(`data: ${'x'.repeat(100_000)}\n`)
    }, /too long/)
  })

  it('ends the request with the loop', async () => {
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(new TextEncoder().encode('data: é\n\n')),
      cancel: () => {
        isCancelled = true
      },
    })
    for await (const { data } of readEvents(body)) {
      assert.equal(data, 'é')
      break
    }
    assert.equal(isCancelled, true)
  })
})
