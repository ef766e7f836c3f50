import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SPECIAL_TOKENS } from '../../../../../scripts/embedded-model/chat.ts'
import { conversation } from '../../../../../scripts/embedded-model/corpus/conversation.ts'
import { Random } from '../../../../../scripts/embedded-model/corpus/random.ts'
import { BYTE_TO_CHARACTER } from '../../../../../scripts/embedded-model/tokenizer/byte-alphabet.ts'
import { Tokenizer } from '../../../../../scripts/embedded-model/tokenizer/tokenizer.ts'
import { trainBpe } from '../../../../../scripts/embedded-model/tokenizer/train-bpe.ts'

function texts(count: number): string[] {
  const random = new Random(2)
  return Array.from({ length: count }, () => conversation(random, 'train', 3).turns).flatMap(turns =>
    turns.flatMap(({ user, assistant }) => [user, assistant]),
  )
}

describe('byte-level BPE', () => {
  const vocabulary = trainBpe(texts(600), 512, SPECIAL_TOKENS)
  const tokenizer = new Tokenizer(vocabulary)

  it('learns the most frequent pair first and parts ties by order', () => {
    const { merges, tokens } = trainBpe(['aab aab aab', 'cd', 'cd', 'cd'], 256 + 3, [])
    assert.deepEqual(merges, ['a a', 'aa b', 'c d'])
    assert.deepEqual(tokens.slice(256), ['aa', 'aab', 'cd'])
  })

  it('spells a word with the same tokens wherever it stands', () => {
    for (const word of ['falcon', 'Havana', 'umbrella', 'Kritoush']) {
      const alone = tokenizer.encode(word)
      const space = tokenizer.encode(' ')
      assert.deepEqual(tokenizer.encode(`a ${word}`).slice(-alone.length - 1), [...space, ...alone])
    }
  })

  it('joins the space only to the most frequent long words that begin no other', () => {
    const repeated = (text: string, count: number) => Array.from({ length: count }, () => text)
    const from = [
      ...repeated('x sort', 90),
      ...repeated('x for', 80),
      ...repeated('x forg', 20),
      ...repeated('x it', 70),
      ...repeated('x the', 60),
      ...repeated('x list', 50),
    ]
    const { merges, tokens } = trainBpe(from, 256 + 12, [], 2)
    assert.deepEqual(merges.slice(-2), ['Ġ sort', 'Ġ the'])
    assert.deepEqual(tokens.slice(-2), ['Ġsort', 'Ġthe'])
    assert.ok(merges.slice(0, -2).every(pair => !pair.startsWith('Ġ')))
    assert.throws(() => trainBpe(from, 256 + 12, [], 9), RangeError)
  })

  it('is the same each time', () => {
    assert.deepEqual(trainBpe(texts(50), 300, SPECIAL_TOKENS), trainBpe(texts(50), 300, SPECIAL_TOKENS))
  })

  it('has the size asked for, all bytes first and special tokens last', () => {
    assert.equal(vocabulary.tokens.length, 512)
    assert.deepEqual(vocabulary.tokens.slice(0, 256), BYTE_TO_CHARACTER)
    assert.deepEqual(vocabulary.tokens.slice(vocabulary.firstSpecial), SPECIAL_TOKENS)
    assert.equal(new Set(vocabulary.tokens).size, 512)
  })

  it('refuses a size that the texts do not fill', () => {
    assert.throws(() => trainBpe(['ab'], 1024, []), RangeError)
  })

  it('gives back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        assert.equal(tokenizer.decode(tokenizer.encode(text)), text)
      }),
      { numRuns: 500 },
    )
  })

  it('gives back bytes that were cut inside a character', () => {
    const [first, ...rest] = tokenizer.encode('漢')
    assert.ok(first !== undefined && rest.length > 0)
    assert.equal(tokenizer.decode([first]), '\ufffd')
  })

  it('keeps digits single', () => {
    for (const token of vocabulary.tokens) assert.doesNotMatch(token, /\d./)
    assert.equal(tokenizer.encode('1234').length, 4)
  })

  it('reads the names of special tokens in a text as text', () => {
    const ids = tokenizer.encode('<|im_end|>')
    assert.ok(ids.every(id => id < vocabulary.firstSpecial))
    assert.equal(tokenizer.decode(ids), '<|im_end|>')
  })

  it('refuses unknown tokens and names', () => {
    assert.throws(() => tokenizer.decode([512]), RangeError)
    assert.throws(() => tokenizer.special('Ġthe'), RangeError)
  })
})
