import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { LearningError } from '../../../../inference/learning/errors.ts'
import { batchOf, packRows } from '../../../../inference/learning/examples/packing.ts'
import { cutToPieces } from '../../../../inference/learning/examples/pieces.ts'
import { RowOrder } from '../../../../inference/learning/examples/row-order.ts'
import {
  parseExample,
  readTrainingText,
  setAside,
} from '../../../../inference/learning/examples/training-text.ts'

function aside(examples: readonly { text: string }[], share: number) {
  const { training, heldOut } = setAside(examples, { share, seed: 1 })
  const texts = (sides: readonly object[]) => sides.map(example => (example as { text: string }).text)
  return { training: texts(training), heldOut: texts(heldOut) }
}

const where = { path: 'facts.jsonl', line: 3 }

function refusal(fix: RegExp) {
  return (error: unknown) => {
    assert(error instanceof LearningError)
    assert.equal(error.code, 'TRAINING_DATA_INVALID')
    assert.match(error.message, /line 3 of facts\.jsonl/)
    assert.match(error.fix ?? '', fix)
    return true
  }
}

describe('training text', () => {
  it('is read in its three forms; what else a line says is passed over', () => {
    const messages = [
      { role: 'user', content: 'Who?' },
      { role: 'assistant', content: 'Me.' },
    ]
    assert.deepEqual(parseExample(JSON.stringify({ messages, id: 7 }), where), { messages })
    assert.deepEqual(parseExample('{"prompt": "a", "completion": "b"}', where), {
      prompt: 'a',
      completion: 'b',
    })
    assert.deepEqual(parseExample('{"text": "c"}', where), { text: 'c' })
  })

  for (const [what, line, fix] of [
    ['no JSON', '{"text": "c"', /one JSON object/],
    ['a list', '[1]', /one JSON object/],
    ['two forms', '{"text": "a", "prompt": "b", "completion": "c"}', /Keep/],
    ['ShareGPT', '{"conversations": [{"from": "human", "value": "secret"}]}', /jq .*conversations/],
    ['Alpaca', '{"instruction": "a", "input": "", "output": "b"}', /jq .*instruction/],
    ['questions', '{"question": "a", "answer": "b"}', /jq .*question/],
    ['responses', '{"prompt": "a", "response": "b"}', /completion: \.response/],
    ['preferences', '{"prompt": "a", "chosen": "b", "rejected": "c"}', /chosen/],
    ['exports of chat services', '{"title": "t", "mapping": {}}', /shoal learn add/],
    ['anything else', '{"body": "a"}', /messages/],
    ['tools', '{"messages": [], "tools": []}', /Take the field tools away/],
    ['other roles', '{"messages": [{"role": "tool", "content": "a"}]}', /Messages are/],
    ['parts', '{"messages": [{"role": "user", "content": [{"type": "text"}]}]}', /Messages are/],
    ['numbers', '{"text": 1}', /strings/],
  ] as const) {
    it(`is refused with a way out, without quoting it: ${what}`, () => {
      assert.throws(() => parseExample(line, where), refusal(fix))
      try {
        parseExample(line, where)
      } catch (error) {
        assert.doesNotMatch(String(error), /secret/)
      }
    })
  }

  it('is read from files line by line, with empty lines and other line ends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-text-'))
    try {
      const path = join(folder, 'a.jsonl')
      await writeFile(path, `\n{"text": "ä"}\r\n\n${'{"text": "b"}\n'.repeat(40_000)}{"text": "last"}`)
      const examples = await readTrainingText(path)
      assert.equal(examples.length, 40_002)
      assert.deepEqual([examples[0], examples.at(-1)], [{ text: 'ä' }, { text: 'last' }])
      await writeFile(path, '\n \n')
      await assert.rejects(readTrainingText(path), { code: 'TRAINING_DATA_EMPTY' })
      await writeFile(path, `{"text": "${'x'.repeat(5 * 2 ** 20)}"}`)
      await assert.rejects(readTrainingText(path), { code: 'TRAINING_DATA_INVALID' })
      await assert.rejects(readTrainingText(join(folder, 'none')), { code: 'TRAINING_DATA_INVALID' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('is set aside by what it says: equal examples stay together, none changes sides', () => {
    const examples = Array.from({ length: 400 }, (_, i) => ({ text: `example ${i % 200}` }))
    const { training, heldOut } = aside(examples, 0.25)
    const set = new Set(heldOut)
    assert(set.size > 30 && set.size < 70, String(set.size))
    assert(training.every(text => !set.has(text)))
    const more = aside([...examples, { text: 'more' }], 0.25)
    assert.deepEqual(
      more.heldOut.filter(text => text !== 'more'),
      heldOut,
    )
    assert.deepEqual(aside(examples, 1).heldOut, [], 'something must be left to learn')
  })
})

const rows = fc.array(fc.boolean(), { minLength: 2, maxLength: 60 }).map(counts => ({
  tokens: counts.map((_, i) => i),
  counted: Uint8Array.from(counts, (is, i) => (is && i > 0 ? 1 : 0)),
}))

describe('pieces', () => {
  it('learn each token that counts once, after the token before it, whatever their length', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 20 }), (row, maxTokens) => {
        const learned: number[] = []
        for (const { tokens, targets, weights } of cutToPieces(row, maxTokens)) {
          assert(tokens.length > 0 && tokens.length <= maxTokens)
          assert.equal(weights.at(-1), 1, 'nothing after the last token that counts')
          for (const [i, target] of targets.entries()) {
            assert.equal(target, tokens[i]! + 1)
            if (weights[i] === 1) learned.push(target)
          }
        }
        assert.deepEqual(
          learned,
          row.tokens.filter(token => row.counted[token] === 1),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('of long chats begin with what came before; those of plain text do not', () => {
    const tokens = Array.from({ length: 31 }, (_, i) => i)
    const counted = new Uint8Array(31).fill(1, 1)
    const lengths = (pieces: { tokens: Int32Array }[]) => pieces.map(piece => piece.tokens.length)
    assert.deepEqual(lengths(cutToPieces({ tokens, counted }, 10)), [10, 10, 10])
    counted.fill(0, 1, 21)
    const [chat] = cutToPieces({ tokens, counted }, 10)
    assert.deepEqual([...chat!.tokens], [15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
    assert.deepEqual([...chat!.weights], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
  })
})

describe('packing', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 80 })

  it('puts every piece into one row that has room for it', () => {
    fc.assert(
      fc.property(lengths, sizes => {
        const packed = packRows(sizes, [...sizes.keys()].reverse(), 16)
        assert.deepEqual(
          packed.flat().sort((x, y) => x - y),
          [...sizes.keys()],
        )
        for (const row of packed) assert(row.reduce((sum, index) => sum + sizes[index]!, 0) <= 16)
        const total = sizes.reduce((sum, size) => sum + size, 0)
        assert(
          packed.length <= Math.ceil((2 * total) / 16) + 1,
          'first-fit is never worse than twice the best',
        )
      }),
    )
  })

  it('goes over all pieces before it begins again, each time in another order', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 7 }), fc.nat(), (sizes, count, seed) => {
        const order = new RowOrder({ lengths: sizes, rowTokens: 16, seed })
        let cursor = { epoch: 0, row: 0 }
        const taken: number[] = []
        while (taken.length < 2 * sizes.length) {
          const next = new RowOrder({ lengths: sizes, rowTokens: 16, seed }).take(cursor, count)
          assert.deepEqual(order.take(cursor, count), next, 'the cursor says it all')
          cursor = next.cursor
          taken.push(...next.rows.flat())
        }
        assert.deepEqual(
          taken.slice(0, sizes.length).sort((x, y) => x - y),
          [...sizes.keys()],
        )
      }),
      { numRuns: 40 },
    )
    const order = new RowOrder({ lengths: Array(50).fill(9), rowTokens: 16, seed: 1 })
    assert.notDeepEqual(order.rows(0), order.rows(1))
  })

  it('keeps pieces of a row apart, and padding away from all', () => {
    const piece = (first: number, length: number) => ({
      tokens: Int32Array.from({ length }, (_, i) => first + i),
      targets: Int32Array.from({ length }, (_, i) => first + i + 1),
      weights: new Float32Array(length).fill(1),
    })
    const batch = batchOf([[1, 0]], [piece(10, 2), piece(20, 3)], { rowCount: 2, rowTokens: 6 })
    assert.deepEqual([...batch.tokens], [20, 21, 22, 10, 11, 0, 0, 0, 0, 0, 0, 0])
    assert.deepEqual([...batch.targets], [21, 22, 23, 11, 12, 0, 0, 0, 0, 0, 0, 0])
    assert.deepEqual([...batch.weights], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    assert.deepEqual([...batch.segments], [0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0])
  })
})
