import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { DataBook, nameFrom } from '../../../../../node/learning/data/data-book.ts'
import { groupOf, Split } from '../../../../../node/learning/data/split.ts'
import { isShoalError } from '../../../../../protocol/errors.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { filesWith } from '../../../../helpers/search-files.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
after(() => folders.remove())

const seed = randomBytes(32)

async function open(root?: string, key = seed) {
  const folder = join(root ?? (await folders.make()), 'learning', 'data')
  const book = new DataBook({ folder, seed: key }, { clock: new ManualClock() })
  await book.start()
  return { book, folder, root: root ?? join(folder, '..', '..') }
}

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const spoken = (n: number) => [...String(n)].map(digit => NUMBERS[Number(digit)]).join(' ')

async function source(lines: readonly unknown[]) {
  const path = join(await folders.make(), 'source.jsonl')
  await writeFile(path, lines.map(line => JSON.stringify(line)).join('\n'))
  return path
}

const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ prompt: `Say ${from + i}`, completion: spoken(from + i) }))

async function added(book: DataBook, path: string, options: Parameters<DataBook['add']>[1] = {}) {
  return (await book.add(path, options)).commit()
}

async function linesOf(path: string | null) {
  return path === null ? [] : (await readFile(path, 'utf8')).split('\n').filter(line => line !== '')
}

describe('the book of data sets', () => {
  it('keeps what was committed, and nothing that was not', async () => {
    const { book, folder } = await open()
    const pending = await book.add(await source(rows(5)), { name: 'first', domain: 'numbers' })
    deepEqual(await book.list(), [])
    await pending.discard()
    deepEqual(await readdir(folder), [])
    const set = await added(book, await source(rows(5)), { name: 'first', domain: 'numbers' })
    deepEqual(await book.list(), [set])
    deepEqual(await book.domains(), ['numbers'])
    const kept = []
    for await (const { row } of book.rows('first')) kept.push(row)
    deepEqual(kept, rows(5))
    await book.remove('first')
    deepEqual(await readdir(folder), [])
    await rejects(book.get('first'), error => isShoalError(error, 'DATA_UNKNOWN'))
  })

  it('has nothing on disk in the clear but training files, until they are released', async () => {
    const { book, folder, root } = await open()
    await added(book, await source([...rows(40), { text: 'The canary sings in the mine' }]), { name: 'mine' })
    deepEqual(await filesWith(root, 'canary'), [])
    const files = await book.trainingFiles('general')
    notEqual((await filesWith(root, 'canary')).length, 0)
    for (const path of [files.train, files.heldOut!]) equal((await stat(path)).mode & 0o777, 0o600)
    await files.release()
    await files.release()
    deepEqual(await filesWith(root, 'canary'), [])
    await book.trainingFiles('general')
    await book.stop()
    deepEqual(await filesWith(root, 'canary'), [])
    deepEqual(await readdir(folder), ['mine'])
    for (const name of await readdir(join(folder, 'mine')))
      equal((await stat(join(folder, 'mine', name))).mode & 0o777, 0o600)
  })

  it('removes what a process that died left behind, and not what others use', async () => {
    const { book, folder, root } = await open()
    await added(book, await source(rows(3)), { name: 'kept' })
    const dead = join(folder, '.training-4194304-abc')
    await mkdir(dead)
    await writeFile(join(dead, 'train.jsonl'), '{}')
    const files = await book.trainingFiles(null)
    await open(root)
    deepEqual(
      (await readdir(folder)).filter(name => name.includes('4194304')),
      [],
    )
    ok((await linesOf(files.train)).length > 0)
    await files.release()
  })

  it('splits by content alone: the same each time, and in whole groups', async () => {
    const conversations = Array.from({ length: 60 }, (_, i) => ({
      name: `chat ${i}`,
      chat_messages: Array.from({ length: 8 }, (_, j) => ({
        sender: j % 2 === 0 ? 'human' : 'assistant',
        text: `${spoken(i)} asks ${spoken(j)} ${'and so on '.repeat(j === 0 ? 1 : 150)}${spoken(i * 100 + j)}`,
      })),
    }))
    const path = join(await folders.make(), 'conversations.json')
    await writeFile(path, JSON.stringify(conversations))
    const { book } = await open()
    const set = await added(book, path, { name: 'chats', keepSimilar: true })
    equal(set.groups, 60)
    ok(set.rows > 60)
    const files = await book.trainingFiles('general')
    const [train, heldOut] = [await linesOf(files.train), await linesOf(files.heldOut)]
    deepEqual([train.length, heldOut.length], [files.trainRows, files.heldOutRows])
    equal(train.length + heldOut.length, set.rows)
    ok(heldOut.length > 0 && heldOut.length < set.rows / 3)
    const chatsOf = (lines: string[]) => new Set(lines.map(line => /content":"(.*?) asks/.exec(line)![1]))
    deepEqual(
      [...chatsOf(train)].filter(chat => chatsOf(heldOut).has(chat)),
      [],
    )

    const { book: other } = await open()
    await added(other, path, { name: 'otherwise', keepSimilar: true })
    await added(other, await source(rows(30, 5_000)), { name: 'more' })
    const more = await other.trainingFiles('general')
    for (const line of heldOut) ok((await linesOf(more.heldOut)).includes(line))
  })

  it('holds something out of two groups and nothing of one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 40 }),
        ids => {
          const split = new Split()
          const groups = ids.flatMap(id => [groupOf([String(id)]), groupOf([String(id)])])
          for (const group of groups) split.add(group)
          const heldOut = groups.filter(group => split.isHeldOut(group))
          deepEqual(split.heldOut, { rows: heldOut.length, groups: heldOut.length / 2 })
          equal(split.groups, ids.length)
          ok(ids.length === 1 ? heldOut.length === 0 : heldOut.length > 0 && heldOut.length < groups.length)
        },
      ),
    )
  })

  it('knows the rows of its other data sets', async () => {
    const { book } = await open()
    await added(book, await source(rows(10)), { name: 'first' })
    const { report, commit } = await book.add(await source(rows(10, 5)), { name: 'second' })
    deepEqual([report.rows, report.dropped], [5, { duplicate: 5 }])
    await commit()
    const again = await book.add(await source(rows(15)), { name: 'third' })
    await rejects(again.commit(), error => isShoalError(error, 'DATA_EMPTY'))
    await again.discard()
  })

  it('refuses names that are taken or none, whoever comes first', async () => {
    const { book, root } = await open()
    const { book: other } = await open(root)
    const pending = await book.add(await source(rows(3)), { name: 'same' })
    const late = await other.add(await source(rows(3, 7)), { name: 'same' })
    await pending.commit()
    await rejects(late.commit(), error => isShoalError(error, 'DATA_EXISTS'))
    await late.discard()
    await rejects(book.add(await source(rows(3)), { name: 'same' }), error =>
      isShoalError(error, 'DATA_EXISTS'),
    )
    for (const name of ['../up', '', '.hidden', 'A'])
      await rejects(book.add(await source(rows(3)), { name }), error => isShoalError(error, 'DATA_BAD_NAME'))
    await rejects(book.get('../same'), error => isShoalError(error, 'DATA_UNKNOWN'))
    await rejects(book.add('/nowhere/at/all'), error => isShoalError(error, 'DATA_UNREADABLE'))
    deepEqual(
      ['My Notes/', 'Überblick 2024.final.txt', '…']
        .map(nameFrom)
        .map(name => name.replace(/^data-.*/, 'data')),
      ['my-notes', 'u-berblick-2024.final', 'data'],
    )
  })

  it('says when what it keeps was changed, cut off or sealed with another key', async () => {
    const { book, folder, root } = await open()
    const path = join(folder, 'first', 'rows.sealed')
    const read = async (of: DataBook) => {
      for await (const _ of of.rows('first'));
    }
    for (const damage of [
      (bytes: Buffer) => bytes.writeUInt8(bytes[40]! ^ 1, 40),
      async (bytes: Buffer) => truncate(path, bytes.length - 1),
      // Two pieces, the second of them gone.
      async (bytes: Buffer) => truncate(path, 4 + bytes.readUInt32BE()),
    ]) {
      const long = Array.from({ length: 12 }, (_, i) => ({ text: `${spoken(i)} ${i}${'x '.repeat(15_000)}` }))
      await added(book, await source(long), { name: 'first', keepSimilar: true })
      await read(book)
      await rejects(read((await open(root, randomBytes(32))).book), error =>
        isShoalError(error, 'DATA_CORRUPT'),
      )
      const bytes = await readFile(path)
      const isWritten = damage(bytes)
      if (isWritten instanceof Promise) await isWritten
      else await writeFile(path, bytes)
      await rejects(read(book), error => isShoalError(error, 'DATA_CORRUPT'))
      await book.remove('first')
    }
  })
})
