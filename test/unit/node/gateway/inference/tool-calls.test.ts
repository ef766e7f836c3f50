import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type AnswerPart,
  type AnswerReader,
  CallReader,
  PlainReader,
  TaggedReader,
} from '../../../../../node/gateway/inference/tool-calls.ts'
import { wireMessages } from '../../../../../node/gateway/inference/tool-prompt.ts'

/** What a reader makes of a text that comes in these pieces, with neighbours put together. */
function read(reader: AnswerReader, pieces: readonly string[]): AnswerPart[] {
  const parts: AnswerPart[] = []
  for (const part of [...pieces.flatMap(piece => reader.take(piece)), ...reader.end()]) {
    const last = parts.at(-1)
    if (
      part.type !== 'call' &&
      last?.type === part.type &&
      (part.type === 'text' || last.type !== 'arguments' || last.index === part.index)
    )
      parts[parts.length - 1] = { ...last, text: (last as { text: string }).text + part.text } as AnswerPart
    else parts.push(part)
  }
  return parts
}

/** A text cut anywhere. */
const cut = (text: string) =>
  fc.array(fc.nat(text.length), { maxLength: 8 }).map(places => {
    const sorted = [0, ...places.toSorted((a, b) => a - b), text.length]
    return sorted.slice(1).map((end, i) => text.slice(sorted[i]!, end))
  })

const NAMES = new Set(['weather', 'time'])
const call = (name: string, given: unknown) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`

describe('calls in what a model writes', () => {
  it('are found wherever the text is cut, and everything else is text', () => {
    const text = `Let <me> see.\n${call('weather', { city: 'a"<tool_call>"b' })}\n${call('time', {})}`
    fc.assert(
      fc.property(cut(text), pieces => {
        assert.deepEqual(read(new TaggedReader(NAMES), pieces), [
          { type: 'text', text: 'Let <me> see.\n' },
          { type: 'call', index: 0, name: 'weather' },
          { type: 'arguments', index: 0, text: '{"city":"a\\"<tool_call>\\"b"}' },
          { type: 'call', index: 1, name: 'time' },
          { type: 'arguments', index: 1, text: '{}' },
        ])
      }),
    )
  })

  it('without their closing tag at the end are calls, too', () => {
    const parts = read(new TaggedReader(NAMES), ['<tool_call>{"name": "time", "arguments": {}}'])
    assert.deepEqual(
      parts.map(({ type }) => type),
      ['call', 'arguments'],
    )
  })

  it('of tools that are not there, or that are no JSON, stay text', () => {
    for (const text of [
      call('rm', {}),
      '<tool_call>what?</tool_call>',
      '<tool_call>[1]</tool_call>',
      'a <tool_',
      '<tool_call>',
    ]) {
      const parts = read(new TaggedReader(NAMES), [text])
      assert.ok(
        parts.every(({ type }) => type === 'text'),
        text,
      )
    }
  })

  it('lose nothing of any text', () => {
    const texts = fc.array(
      fc.constantFrom('<tool_call>', '</tool_call>', 'fish', '<', '{"name": "x"}', '\n'),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(texts, pieces => {
        const text = read(new TaggedReader(new Set()), pieces)
          .map(part => (part.type === 'text' ? part.text : ''))
          .join('')
        const plain = read(new PlainReader(), pieces)
          .map(part => (part.type === 'text' ? part.text : ''))
          .join('')
        assert.equal(plain, pieces.join(''))
        // What was begun and not ended may get the tag it lacks.
        assert.ok(text === plain || text === `${plain}</tool_call>`)
      }),
    )
  })

  it('that a grammar enforces are told argument by argument', () => {
    const json = fc.json({ maxDepth: 2 }).map(text => ({ a: JSON.parse(text) as unknown, 'q"}': '}\\' }))
    fc.assert(
      fc.property(
        json.chain(given => {
          const text = ` { "name": "we\\"ather" , "arguments": ${JSON.stringify(given)} } `
          return fc.record({ given: fc.constant(given), pieces: cut(text) })
        }),
        ({ given, pieces }) => {
          const [named, told, ...rest] = read(new CallReader(), pieces)
          assert.deepEqual(named, { type: 'call', index: 0, name: 'we"ather' })
          assert.ok(told?.type === 'arguments')
          assert.deepEqual(JSON.parse(told.text), given)
          assert.deepEqual(rest, [])
        },
      ),
    )
  })

  it('that came to nothing are the text they are', () => {
    assert.deepEqual(read(new CallReader(), ['four ', 'fish']), [{ type: 'text', text: 'four fish' }])
  })
})

describe('messages with tools', () => {
  const tools = [{ name: 'weather', description: 'Says it.', parameters: { type: 'object' } }]

  it('show calls and results as models have learnt to read them', () => {
    const messages = wireMessages(
      [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'And?' },
        {
          role: 'assistant',
          text: '',
          toolCalls: [
            { id: '1', name: 'weather', arguments: '{"city":"Rome"}' },
            { id: '2', name: 'weather', arguments: '' },
          ],
        },
        { role: 'tool', toolCallId: '1', text: 'rain' },
        { role: 'tool', toolCallId: '2', text: 'sun' },
      ],
      tools,
      'auto',
    )
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['system', 'user', 'assistant', 'user'],
    )
    assert.match(
      messages[0]!.content,
      /^Be brief\.\n\n# Tools\n[\s\S]*<tools>\n\{"type":"function","function":\{"name":"weather","description":"Says it\."/,
    )
    assert.equal(
      messages[2]!.content,
      '<tool_call>\n{"name": "weather", "arguments": {"city":"Rome"}}\n</tool_call>\n<tool_call>\n{"name": "weather", "arguments": {}}\n</tool_call>',
    )
    assert.equal(
      messages[3]!.content,
      '<tool_response>\nrain\n</tool_response>\n<tool_response>\nsun\n</tool_response>',
    )
  })

  it('are left alone where no tool may be called', () => {
    const asked = [{ role: 'user' as const, text: 'And?' }]
    assert.deepEqual(wireMessages(asked, tools, 'none'), [{ role: 'user', content: 'And?' }])
    assert.equal(wireMessages(asked, tools, { name: 'weather' })[0]!.role, 'system')
  })
})
