import assert from 'node:assert/strict'
import fc from 'fast-check'
import { OutputText } from '../../../../inference/llama/output-text.ts'
import { TextStream } from '../../../../inference/llama/text-stream.ts'
import { TokenPieces } from '../../../../inference/llama/token-pieces.ts'

/** One token for each byte, as byte-level BPE has, and one that ends the turn. */
const END = 256
const byteTokens = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).padStart(2, '0')}>`)
const pieces = new TokenPieces(
  { model: 'llama', tokens: [...byteTokens, '<end>'], types: [...byteTokens.map(() => 6), 3] },
  () => '',
)

function output(stop: readonly string[], stopTexts: readonly string[] = []): OutputText {
  return new OutputText(
    { stop, stopTexts },
    { pieces, stream: new TextStream(), isEndToken: token => token === END },
  )
}

function run(text: OutputText, tokens: Iterable<number>): { text: string; reason: string | null } {
  let shown = ''
  for (const token of tokens) {
    const step = text.push(token)
    shown += step.text
    if (step.reason !== null) return { text: shown, reason: step.reason }
  }
  return { text: shown + text.flush(), reason: null }
}

describe('OutputText', () => {
  it('gives the text of any tokens back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        assert.deepEqual(run(output(['\u0000never\u0000']), new TextEncoder().encode(text)), {
          text,
          reason: null,
        })
      }),
    )
  })

  it('ends before a stop string that spans tokens', () => {
    const result = run(output(['END']), new TextEncoder().encode('häppy ENDing'))
    assert.deepEqual(result, { text: 'häppy ', reason: 'stop_string' })
  })

  it('ends with the model, giving out what was held back', () => {
    const result = run(output(['END']), [...new TextEncoder().encode('the EN'), END])
    assert.deepEqual(result, { text: 'the EN', reason: 'stop' })
  })

  it("tells a template's end of turn from a stop string", () => {
    const result = run(output([], ['### Human']), new TextEncoder().encode('hi ### Human: you'))
    assert.deepEqual(result, { text: 'hi ', reason: 'stop' })
  })

  it('drops half a character at the end', () => {
    assert.deepEqual(run(output([]), [0x61, 0xe2, 0x82, END]), { text: 'a', reason: 'stop' })
    assert.deepEqual(run(output([]), [0x61, 0xe2, 0x82]), { text: 'a', reason: null })
  })
})
