import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import type { LossRow } from '../../../../../inference/engine.ts'
import { meanByAuthor } from '../../../../../node/learning/acceptance/aggregate-judge.ts'
import {
  readGeneralRows,
  SHIPPED_GENERAL_TEXT,
} from '../../../../../node/learning/acceptance/general-text.ts'
import { charsOf, sampleRows } from '../../../../../node/learning/scoring/row-sample.ts'
import { sampleTexts } from '../../../../../node/learning/scoring/text-samples.ts'
import {
  MAX_TEXT_FILE_BYTES,
  parseValidationText,
  readValidationText,
} from '../../../../../node/learning/scoring/validation-text.ts'
import { generalText } from '../../../../../scripts/embedded-model/general-text.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const rows = (count: number): LossRow[] =>
  Array.from({ length: count }, (_, i) => ({ prompt: `What is ${i}?`, completion: `It is the number ${i}.` }))
const jsonl = (all: readonly unknown[]) => all.map(row => JSON.stringify(row)).join('\n')

describe('texts to measure with', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('are read in all forms of training data, each row once', () => {
    const chat = {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello!' },
      ],
    }
    const all = [chat, chat, { text: 'Once upon a time there was a net.' }, ...rows(3)]
    assert.equal(parseValidationText(jsonl(all)).length, 5)
  })

  it('are refused with a code when nobody can measure with them', async () => {
    const refused = (text: string) => {
      try {
        parseValidationText(text)
        return null
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    assert.equal(refused(''), 'TEXT_TOO_SHORT')
    assert.equal(refused(jsonl(Array.from({ length: 50 }, () => rows(1)[0]))), 'TEXT_TOO_SHORT')
    assert.equal(refused(jsonl([...rows(5), { question: 1 }])), 'TEXT_INVALID')
    assert.equal(refused(`${jsonl(rows(5))}\n{`), 'TEXT_INVALID')
    assert.equal(refused(jsonl(rows(5).map(row => ({ ...row, completion: '' })))), 'TEXT_INVALID')
    assert.equal(
      refused(jsonl(rows(5).map(() => ({ messages: [{ role: 'user', content: 'no answer' }] })))),
      'TEXT_INVALID',
    )
    assert.equal(refused(jsonl(rows(20_001))), 'TEXT_TOO_LARGE')
    const large = join(await folders.make(), 'large.jsonl')
    await writeFile(large, 'x'.repeat(MAX_TEXT_FILE_BYTES + 1))
    await assert.rejects(readValidationText(large), { code: 'TEXT_TOO_LARGE' })
  })

  it('are sampled within their limits, whatever order they are in', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 1, max: 40 }), fc.string(), (count, maxRows, seed) => {
        const all = rows(count)
        const limits = { maxRows, maxChars: 400 }
        const sample = sampleRows(all, seed, limits)
        assert.deepEqual(sampleRows(all.toReversed(), seed, limits), sample)
        assert.ok(sample.length <= maxRows)
        assert.ok(sample.reduce((sum, row) => sum + charsOf(row), 0) <= 400)
      }),
    )
    const all = rows(60)
    const limits = { maxRows: 10, maxChars: 10_000 }
    assert.notDeepEqual(sampleRows(all, 'a', limits), sampleRows(all, 'b', limits))
  })

  it('count once when several give the same, and not at all when they are none', async () => {
    const folder = await folders.make()
    const text = async (name: string, content: string, author: string, domain: string) => {
      const path = join(folder, name)
      await writeFile(path, content)
      return { path, author, domain, blob: { digest: `sha256:${name}`, bytes: 1, root: '0x' } }
    }
    const bad: string[] = []
    const good = await text('one', jsonl(rows(8)), 'ann', 'notes')
    const samples = await sampleTexts(
      [
        good,
        { ...good, author: 'bob' },
        { ...good, author: 'cid', domain: 'legal' },
        await text('two', 'rubbish', 'eve', 'notes'),
      ],
      { seed: 'x', maxRows: 5, maxChars: 10_000 },
      (author, { code }) => bad.push(`${author} ${code}`),
    )
    assert.deepEqual(bad, ['eve TEXT_INVALID'])
    assert.deepEqual(
      samples.map(({ authors, domain, rows: { length } }) => [[...authors], domain, length]),
      [
        [['ann', 'bob'], 'notes', 5],
        [['cid'], 'legal', 5],
      ],
    )
  })

  it('of several members weigh by member, not by text', () => {
    const of = (author: string, after: number) => ({
      authors: new Set([author]),
      pair: { before: 100, after },
    })
    assert.deepEqual(meanByAuthor([of('a', 0), of('a', 0), of('a', 0), of('b', 100)]), {
      before: 100,
      after: 50,
    })
    assert.equal(meanByAuthor([]), null)
  })

  it('that are general come with the program, as the corpus makes them', async () => {
    assert.equal((await readGeneralRows(SHIPPED_GENERAL_TEXT)).length, 96)
    assert.equal(parseValidationText(generalText()).length, 96)
    assert.equal(await readFile(SHIPPED_GENERAL_TEXT, 'utf8'), generalText())
  })
})
