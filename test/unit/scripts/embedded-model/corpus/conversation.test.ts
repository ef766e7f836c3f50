import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { conversation, single } from '../../../../../scripts/embedded-model/corpus/conversation.ts'
import { KINDS } from '../../../../../scripts/embedded-model/corpus/example.ts'
import { Random } from '../../../../../scripts/embedded-model/corpus/random.ts'

function digest(seed: number): string {
  const random = new Random(seed)
  const hash = createHash('sha256')
  for (let i = 0; i < 2000; i++) {
    const { system, turns } = conversation(random, i % 2 === 0 ? 'train' : 'test', 6)
    hash.update(JSON.stringify([system, turns.map(({ user, assistant }) => [user, assistant])]))
  }
  return hash.digest('hex')
}

const drawn = (kind: (typeof KINDS)[number], count: number) => {
  const random = new Random(17)
  return Array.from({ length: count }, () => single(random, 'train', kind))
}

describe('the corpus', () => {
  it('is a pure function of its seed', () => {
    assert.equal(digest(1), digest(1))
    assert.notEqual(digest(1), digest(2))
  })

  it('is the one the shipped models were trained on', () => {
    assert.equal(digest(1), '816f85fc79b60c156949e4c195f5778852c16387d25dfb6b6e97ee40b205db5e')
  })

  it('leaves no slot open and no text untrimmed', () => {
    for (const kind of KINDS) {
      for (const { user, assistant } of drawn(kind, 1500)) {
        assert.doesNotMatch(`${user}${assistant}`, /\{[A-Za-z]\w*\}|undefined|NaN/)
        assert.equal(user, user.trim())
        assert.equal(assistant, assistant.trim())
        assert.ok(user.length > 0 && assistant.length > 0)
      }
    }
  })

  it('calculates right', () => {
    for (const { assistant } of drawn('arithmetic', 2000)) {
      const match = /^(\d+) ([+\-x]) (\d+) = (-?\d+)$/.exec(assistant)
      if (!match) {
        assert.match(assistant, /^That is too hard for me/)
        continue
      }
      const [a, b] = [Number(match[1]), Number(match[3])]
      const result = match[2] === '+' ? a + b : match[2] === '-' ? a - b : a * b
      assert.equal(result, Number(match[4]), assistant)
    }
  })

  it('answers extraction with JSON whose keys were asked for and whose values are in the text', () => {
    for (const { user, assistant } of drawn('extract', 2000)) {
      for (const [key, value] of Object.entries(JSON.parse(assistant) as Record<string, unknown>)) {
        assert.ok(user.toLowerCase().includes(key), `${key} in ${user}`)
        assert.ok(user.includes(String(value)), `${value} in ${user}`)
      }
    }
  })

  it('answers sorting with the items of the question', () => {
    for (const { user, assistant, template } of drawn('sorting', 2000)) {
      const items = assistant.split(', ')
      for (const item of items) assert.ok(user.includes(item), `${item} in ${user}`)
      if (/ascending|smallest to/.test(template) && items.every(item => /^\d+$/.test(item))) {
        assert.deepEqual(
          items.map(Number),
          items.map(Number).sort((a, b) => a - b),
        )
      }
    }
  })

  it('gives one wording one answer', () => {
    const answers = new Map<string, string>()
    for (const kind of ['greeting', 'shoal', 'unknown', 'sentiment'] as const) {
      for (const { user, assistant } of drawn(kind, 6000)) {
        const key = user
          .toLowerCase()
          .replace(/[^\p{L}\p{N}]+/gu, ' ')
          .trim()
        if (key === '') continue
        assert.equal(answers.get(key) ?? assistant, assistant, `two answers to "${user}"`)
        answers.set(key, assistant)
      }
    }
  })
})
