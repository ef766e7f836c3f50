import assert from 'node:assert/strict'
import fc from 'fast-check'
import { EventStream, type EventStreamError } from '../../../../inference/remote/event-stream.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => new EventStream().push(bytes(text))

describe('a stream of events', () => {
  it('joins data lines, and skips comments, other fields and events without data', () => {
    assert.deepEqual(read('data: a\ndata:b\ndata:  c\n\n: alive\n\nevent: x\nid: 1\nretry: 5\n\ndata\n\n'), [
      'a\nb\n c',
      '',
    ])
  })

  it('takes LF, CR and CRLF, and a byte order mark', () => {
    assert.deepEqual(read('\ufeffdata: a\r\ndata: b\r\r\ndata: c\n\ndata: d\r\n\r\n'), ['a\nb', 'c', 'd'])
  })

  it('takes off one byte order mark only, however its bytes come', () => {
    const whole = bytes('\ufeff\ufeffdata: a\n\ndata: b\n\n')
    for (let cut = 0; cut < 6; cut++) {
      const stream = new EventStream()
      assert.deepEqual([...stream.push(whole.subarray(0, cut)), ...stream.push(whole.subarray(cut))], ['b'])
    }
  })

  it('drops what no empty line has ended', () => {
    assert.deepEqual(read('data: a\n\ndata: b\n'), ['a'])
  })

  it('reads the same wherever the bytes are cut', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data',
      ':',
      ' ',
      '\r',
      '\n',
      '\r\n',
      '\n\n',
      'é',
      '🐟',
      '\ufeff',
      'x',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(fc.nat(6), { maxLength: 80 }),
        (pieces, cuts) => {
          const whole = bytes(pieces.join(''))
          const stream = new EventStream()
          const events: string[] = []
          let at = 0
          for (const length of cuts) {
            events.push(...stream.push(whole.subarray(at, at + length)))
            at += length
          }
          events.push(...stream.push(whole.subarray(at)))
          assert.deepEqual(events, new EventStream().push(whole))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('has bounds, and refuses what is not UTF-8', () => {
    const fault = (act: (stream: EventStream) => void) => {
      try {
        act(new EventStream({ maxLineChars: 16, maxEventChars: 16 }))
      } catch (error) {
        return (error as EventStreamError).fault
      }
      return null
    }
    assert.equal(
      fault(stream => stream.push(bytes('data: 0123456789'))),
      null,
    )
    const parts = (part: string) => (stream: EventStream) => {
      for (let i = 0; i < 100; i++) stream.push(bytes(part))
    }
    assert.equal(fault(parts('x')), 'line_too_long')
    assert.equal(fault(parts('data: 12\n')), 'event_too_long')
    assert.equal(
      fault(stream => stream.push(Uint8Array.of(0x64, 0xff, 0x0a))),
      'not_utf8',
    )
  })
})
