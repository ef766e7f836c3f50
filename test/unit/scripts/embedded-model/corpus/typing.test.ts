import assert from 'node:assert/strict'
import { Random } from '../../../../../scripts/embedded-model/corpus/random.ts'
import { retype, withoutPoliteness } from '../../../../../scripts/embedded-model/corpus/typing.ts'

const never = { lowerCase: 0, noFinalMark: 0, noApostrophes: 0, typo: 0, politeness: 0 }
const pieces = [
  { text: "What's the meaning of ", literal: true },
  { text: 'Some Value.', literal: false },
  { text: ', Sir?', literal: true },
]

describe('retype', () => {
  it('changes nothing without habits', () => {
    assert.equal(retype(pieces, new Random(1), never), "What's the meaning of Some Value., Sir?")
  })

  it('applies each habit to the template and never to a value', () => {
    const typed = (habit: Partial<typeof never>) => retype(pieces, new Random(1), { ...never, ...habit })
    assert.equal(typed({ lowerCase: 1 }), "what's the meaning of Some Value., sir?")
    assert.equal(typed({ noFinalMark: 1 }), "What's the meaning of Some Value., Sir")
    assert.equal(typed({ noApostrophes: 1 }), 'Whats the meaning of Some Value., Sir?')
    for (let seed = 0; seed < 200; seed++) {
      const all = { lowerCase: 0.5, noFinalMark: 0.5, noApostrophes: 0.5, typo: 1, politeness: 0.5 }
      assert.ok(retype(pieces, new Random(seed), all).includes('Some Value.'))
    }
  })

  it('slips once, inside a word of five letters or more', () => {
    for (let seed = 0; seed < 100; seed++) {
      const words = retype([{ text: 'to be able', literal: true }], new Random(seed), { ...never, typo: 1 })
      assert.equal(words, 'to be able')
      const slipped = retype([{ text: 'meaning', literal: true }], new Random(seed), { ...never, typo: 1 })
      assert.ok(Math.abs(slipped.length - 7) <= 1)
      assert.equal(slipped[0], 'm')
    }
  })

  it('never gives an empty message', () => {
    assert.equal(retype([{ text: '?', literal: true }], new Random(1), { ...never, noFinalMark: 1 }), '?')
  })

  it('adds politeness that withoutPoliteness takes away', () => {
    for (let seed = 0; seed < 200; seed++) {
      const asked = retype([{ text: 'Sort it', literal: true }], new Random(seed), {
        ...never,
        politeness: 1,
      })
      const plain = asked
        .toLowerCase()
        .replace(/[^a-z]+/g, ' ')
        .trim()
      assert.equal(withoutPoliteness(plain), 'sort it', asked)
    }
  })
})
