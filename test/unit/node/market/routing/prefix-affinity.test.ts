import assert from 'node:assert/strict'
import { PrefixAffinity, prefixesOf } from '../../../../../node/market/routing/prefix-affinity.ts'
import type { TaskInput } from '../../../../../protocol/messages/task-request.ts'

type Message = Extract<TaskInput, { kind: 'chat' }>['messages'][number]
const MODEL = `m@sha256:${'ab'.repeat(32)}`
const system: Message = { role: 'system', content: 'You are terse.' }
const user = (content: string): Message => ({ role: 'user', content })
const assistant = (content: string): Message => ({ role: 'assistant', content })
const chat = (...messages: Message[]) => prefixesOf({ kind: 'chat', messages })

describe('prefix affinity', () => {
  it('finds the turn before in the next one, and the system prompt in other conversations', () => {
    const first = chat(system, user('a'))
    const second = chat(system, user('a'), assistant('b'), user('c'))
    assert.equal(second.length, 4)
    assert.equal(second[2], first[0])
    assert.equal(chat(system, user('other')).at(-1), first.at(-1))
    assert.equal(new Set([...second, ...chat(user('c'))]).size, 5)
    assert.notEqual(chat(user('a'), user('b'))[0], chat(user('ab'))[0], 'where messages end counts')
  })

  it('keeps of a long chat the longest beginnings and the first', () => {
    const messages = Array.from({ length: 50 }, (_, index) => user(`message ${index}`))
    const prefixes = chat(...messages)
    assert.equal(prefixes.length, 8)
    assert.equal(prefixes.at(-1), chat(messages[0]!)[0])
    assert.equal(prefixes[1], chat(...messages.slice(0, 49))[0])
  })

  it('cuts a completion at growing lengths', () => {
    const prompt = 'x'.repeat(3_000)
    const prefixes = prefixesOf({ kind: 'completion', prompt })
    assert.equal(prefixes.length, 3)
    const other = prefixesOf({ kind: 'completion', prompt: `${prompt.slice(0, 2_500)}y` })
    assert.deepEqual(other.slice(1), prefixes.slice(1))
    assert.equal(prefixesOf({ kind: 'completion', prompt: '' }).length, 1)
  })

  it('remembers a few holders of each beginning, the newest for longest', () => {
    const affinity = new PrefixAffinity()
    const prefixes = chat(system, user('a'))
    for (let provider = 0; provider < 9; provider++)
      affinity.observe(prefixes, `p${provider}`, MODEL, provider)
    affinity.observe(prefixes, 'p8', MODEL, 9)
    const warm = affinity.warm(prefixes, 9)
    assert.deepEqual(
      warm.map(({ provider }) => provider),
      ['p8', 'p7', 'p6', 'p5'],
    )
    assert.equal(warm[0]!.share, 1)
    assert.deepEqual(affinity.warm(prefixes, 24 * 3_600_000), [], 'long gone')
    assert.deepEqual(affinity.warm([], 0), [])
  })
})
