import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { BodyParts } from '../../../../inference/remote/body-parts.ts'

const textOf = (part: Uint8Array | undefined) => (part === undefined ? null : Buffer.from(part).toString())

describe('the parts of a body', () => {
  it('come in order, whoever is first, and end', async () => {
    const stream = new PassThrough()
    const parts = new BodyParts(stream)
    stream.write('a')
    await turn()
    stream.write('b')
    await turn()
    assert.equal(textOf((await parts.next()).value), 'a')
    assert.equal(textOf((await parts.next()).value), 'b')
    const next = parts.next()
    stream.end('c')
    assert.equal(textOf((await next).value), 'c')
    assert.equal((await parts.next()).done, true)
    assert.equal((await parts.next()).done, true)
  })

  it('are all told before the failure is, also that of a stream that breaks off', async () => {
    for (const [error, message] of [
      [new Error('reset'), /reset/],
      [undefined, /broke off/],
    ] as const) {
      const stream = new PassThrough()
      const parts = new BodyParts(stream)
      stream.write('a')
      await turn()
      stream.destroy(error)
      await turn()
      assert.equal(textOf((await parts.next()).value), 'a')
      await assert.rejects(parts.next(), message)
    }
    const stream = new PassThrough()
    const waiting = new BodyParts(stream).next()
    stream.destroy()
    await assert.rejects(waiting, /broke off/)
  })

  it('hold a writer that is quicker than the reader, and let it go on', async () => {
    const stream = new PassThrough({ highWaterMark: 65_536 })
    const parts = new BodyParts(stream)
    const part = Buffer.alloc(65_536)
    let written = 0
    while (written < 100 && stream.write(part)) {
      written++
      await turn()
    }
    assert.ok(written < 10, `${written} parts were taken that nobody had read`)
    let read = 0
    stream.end()
    for await (const { length } of parts) read += length
    assert.equal(read, (written + 1) * part.length)
  })

  it('leave the stream as it is when the reader goes', async () => {
    const stream = new PassThrough()
    stream.write('a')
    for await (const _ of new BodyParts(stream)) break
    assert.equal(stream.destroyed, false)
    assert.equal(stream.listenerCount('data'), 0)
    stream.destroy(new Error('nobody needs to know'))
    await turn()
  })
})
