import assert from 'node:assert/strict'
import { DEFAULT_PREFERENCES } from '../../../../../../node/market/preferences.ts'
import {
  type Classified,
  learnedClass,
  TASK_CLASS_PATTERN,
  taskClassOf,
} from '../../../../../../node/market/routing/learning/task-class.ts'

const classOf = (text: string, parts: Partial<Classified> = {}) =>
  taskClassOf({ kind: 'chat', text, promptTokens: 20, hasJsonSchema: false, ...parts })

describe('task class', () => {
  it('tells kinds of work apart by what can be seen', () => {
    for (const [text, parts, expected] of [
      ['Who wrote Faust?', {}, 'chat:short:text'],
      ['Sort 5, 3, 9', {}, 'chat:short:numbers'],
      ['What is 17 + 25?', {}, 'chat:short:numbers'],
      ['In 1998 she moved to Lisbon, where she met her husband.', {}, 'chat:short:text'],
      ['Why does this fail?\n```js\nfoo()\n```', {}, 'chat:short:code'],
      ['def area(r):\n  return 3 * r * r', { kind: 'completion' }, 'completion:short:code'],
      ['Sort 5, 3, 9', { hasJsonSchema: true }, 'chat:short:json'],
      ['Summarise this.', { promptTokens: 128 }, 'chat:medium:text'],
      ['Summarise this.', { promptTokens: 5_000 }, 'chat:long:text'],
      ['', {}, 'chat:short:text'],
    ] as const) {
      assert.equal(classOf(text, parts), expected)
      assert.match(expected, TASK_CLASS_PATTERN)
    }
  })

  it('is quick on long prompts', () => {
    assert.equal(classOf(' '.repeat(1_000_000), { promptTokens: 250_000 }), 'chat:long:text')
    assert.equal(classOf('1\n '.repeat(300_000), { promptTokens: 250_000 }), 'chat:long:numbers')
  })

  it('keeps apart what is learned for each strategy', () => {
    const preferences = { ...DEFAULT_PREFERENCES, strategy: 'speed' as const }
    assert.equal(learnedClass({ taskClass: 'mails', preferences }), 'mails/speed')
  })
})
