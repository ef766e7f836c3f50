import assert from 'node:assert/strict'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { EmbeddedChainError } from '../../../../../node/chain/embedded/errors.ts'
import { Journal, type JournalEntry, type JournalRecord } from '../../../../../node/chain/embedded/journal.ts'
import { useTemporaryFolder } from './temporary-folder.ts'

const record = (timestamp: number, rawBytes = 40): JournalRecord => ({
  type: 'transaction',
  parent: `0x${'ab'.repeat(32)}`,
  timestamp,
  raw: `0x${'5f'.repeat(rawBytes)}`,
})
const RECORDS = [1, 2, 3, 4, 5].map(timestamp => record(timestamp))

describe('Journal', () => {
  const folder = useTemporaryFolder()
  const path = () => join(folder.path, 'journal')

  async function read(): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = []
    const journal = await Journal.open(path(), entry => void entries.push(entry))
    await journal.close()
    return entries
  }

  async function write(records: readonly JournalRecord[]): Promise<void> {
    const journal = await Journal.open(path(), () => {})
    for (const one of records) await journal.append(one)
    await journal.close()
  }

  it('gives back what was appended, in order, with its place', async () => {
    await write(RECORDS.slice(0, 3))
    await write(RECORDS.slice(3))
    const entries = await read()
    assert.deepEqual(
      entries.map(entry => entry.record),
      RECORDS,
    )
    assert.deepEqual(
      entries.map(({ line }) => line),
      [1, 2, 3, 4, 5],
    )
    const text = await readFile(path(), 'utf8')
    for (const { offset, record } of entries)
      assert.ok(text.slice(offset + 9).startsWith(JSON.stringify(record)))
  })

  it('reads records longer than what is read at once', async () => {
    const long = [record(1, 700_000), record(2), record(3, 1_500_000)]
    await write(long)
    assert.deepEqual(
      (await read()).map(entry => entry.record),
      long,
    )
  })

  it('begins empty', async () => {
    assert.deepEqual(await read(), [])
  })

  it('cuts a torn end wherever it is torn, keeps it aside, and goes on', async () => {
    await write(RECORDS)
    const whole = await readFile(path())
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1
    for (let length = lastLine; length < whole.length; length += 7) {
      await writeFile(path(), whole.subarray(0, length))
      assert.equal((await read()).length, 4)
      assert.equal((await readFile(path())).length, lastLine)
      if (length > lastLine) {
        assert.deepEqual(await readFile(`${path()}.torn`), whole.subarray(lastLine, length))
      }
      await write([record(9)])
      assert.deepEqual((await read()).at(-1)?.record, record(9))
    }
  })

  it('cuts an end of zeros, which a power failure can leave', async () => {
    await write(RECORDS)
    const whole = await readFile(path())
    await writeFile(path(), Buffer.concat([whole, Buffer.alloc(5_000)]))
    assert.equal((await read()).length, 5)
  })

  it('says where it is damaged when more follows, whatever byte has changed', async () => {
    await write(RECORDS)
    const whole = await readFile(path())
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: lastLine - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = Buffer.from(whole)
          damaged[at]! ^= change
          await writeFile(path(), damaged)
          await assert.rejects(read(), (error: unknown) => {
            assert.ok(error instanceof EmbeddedChainError)
            assert.equal(error.code, 'CHAIN_JOURNAL_CORRUPT')
            assert.ok(error.fix)
            const lineStart = at === 0 ? 0 : whole.lastIndexOf('\n', at - 1) + 1
            assert.equal(error.details.offset, lineStart)
            return true
          })
          assert.deepEqual(await readFile(path()), damaged)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('takes the last record back', async () => {
    const journal = await Journal.open(path(), () => {})
    await journal.append(RECORDS[0]!)
    await journal.append(RECORDS[1]!)
    await journal.takeBackLast()
    await journal.append(RECORDS[2]!)
    await journal.close()
    assert.deepEqual(
      (await read()).map(entry => entry.record),
      [RECORDS[0], RECORDS[2]],
    )
  })

  it('is emptied from an offset on', async () => {
    await write(RECORDS)
    const { offset } = (await read())[2]!
    const journal = await Journal.open(path(), () => {})
    await journal.dropFrom(offset)
    assert.equal(journal.bytes, offset)
    await journal.append(record(8))
    await journal.close()
    assert.deepEqual(
      (await read()).map(entry => entry.record),
      [RECORDS[0], RECORDS[1], record(8)],
    )
  })

  it('is not there for others', async () => {
    await write(RECORDS)
    const { mode } = await import('node:fs/promises').then(({ stat }) => stat(path()))
    assert.equal(mode & 0o077, 0)
  })

  it('reports a visitor that fails and leaves the file alone', async () => {
    await write(RECORDS)
    await truncate(path(), (await readFile(path())).length - 3)
    const before = await readFile(path())
    await assert.rejects(
      Journal.open(path(), () => {
        throw new Error('no')
      }),
      /^Error: no$/,
    )
    assert.deepEqual(await readFile(path()), before)
  })
})
