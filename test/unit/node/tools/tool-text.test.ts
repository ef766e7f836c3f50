import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cutTo, harmless, toolText } from '../../../../node/tools/tool-text.ts'

describe('text of tools', () => {
  it('never has what is taken for a turn, a call or a result, nor control characters', () => {
    const bits = fc.constantFrom(
      '<',
      '/',
      'tool_call',
      'tool_response',
      'tools',
      '>',
      '|',
      'im_end',
      ' ',
      '\u0000',
      '\u001b',
      'x',
    )
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 20 }), parts => {
        const text = harmless(parts.join(''))
        assert.doesNotMatch(text, /<\/?tool_(call|response)\s*>|<\/?tools\s*>|<\||(?![\n\t])\p{Cc}/iu)
      }),
    )
    assert.equal(harmless('a < b, <b>c</b>\n\td'), 'a < b, <b>c</b>\n\td')
  })

  it('is cut between characters, never longer than it may be', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 16, max: 120 }),
        (text, max) => {
          const cut = cutTo(text, max)
          assert.ok(Buffer.byteLength(cut.text) <= max)
          assert.equal(cut.isCut, Buffer.byteLength(text) > max)
          if (cut.isCut) assert.ok(text.startsWith(cut.text.slice(0, -'\n[cut]'.length)))
          else assert.equal(cut.text, text)
        },
      ),
    )
  })

  it('says what kinds of content are left out', () => {
    const content = [
      { type: 'text' as const, text: 'a' },
      { type: 'image' as const, data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource_link' as const, uri: 'file:///x', name: 'x' },
    ]
    assert.equal(toolText({ content }, 1_000).text, 'a\n[image left out]\nfile:///x')
    assert.equal(toolText({ content: [], structuredContent: { a: 1 } }, 1_000).text, '{"a":1}')
  })
})
