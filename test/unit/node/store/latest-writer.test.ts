import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LatestWriter } from '../../../../node/store/latest-writer.ts'

describe('latest writer', () => {
  it('writes the newest, one at a time, and nothing between a change and what belongs to it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ kind: fc.constantFrom('write', 'change'), fails: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (scheduler, calls) => {
          let record = 0
          let disk = 0
          let busy = false
          let failNext = false
          /** Reads the record when it begins, and reaches the disk when the scheduler says so. */
          const put = async () => {
            assert.equal(busy, false, 'one at a time')
            busy = true
            const [value, fails] = [record, failNext]
            failNext = false
            await scheduler.schedule(Promise.resolve())
            busy = false
            if (fails) throw new Error('disk')
            disk = value
          }
          const writer = new LatestWriter(put)
          const ends = calls.map(({ kind, fails }) => {
            if (kind === 'change')
              return writer
                .change(() => {
                  assert.equal(busy, false, 'a change waits for its turn')
                  record++
                  failNext = fails
                  return put()
                })
                .catch(() => {})
            const wanted = ++record
            return writer.write().then(
              () => assert.ok(disk >= wanted, 'what is promised is on disk'),
              () => {},
            )
          })
          await scheduler.waitFor(Promise.all(ends))
          await scheduler.waitFor(writer.write())
          assert.equal(disk, record)
        },
      ),
    )
  })

  it('shares one write among those who come during another', async () => {
    let writes = 0
    const writer = new LatestWriter(async () => {
      writes++
      await new Promise(resolve => setImmediate(resolve))
    })
    await Promise.all(Array.from({ length: 10 }, () => writer.write()))
    assert.equal(writes, 2)
  })

  it('goes on after a write that failed', async () => {
    const fates = [true, false]
    const writer = new LatestWriter(() =>
      fates.shift() === true ? Promise.reject(new Error('disk')) : Promise.resolve(),
    )
    await assert.rejects(writer.write(), /disk/)
    await writer.write()
  })
})
