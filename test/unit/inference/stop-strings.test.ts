import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StopStrings } from '../../../inference/stop-strings.ts'

/** The definition, on the whole text: the stop string completed first ends it. */
function whole(text: string, stops: readonly string[]): { text: string; stop: string | null } {
  for (let end = 1; end <= text.length; end++) {
    const completed = stops
      .filter(stop => stop !== '' && text.slice(0, end).endsWith(stop))
      .toSorted((a, b) => b.length - a.length)[0]
    if (completed !== undefined) return { text: text.slice(0, end - completed.length), stop: completed }
  }
  return { text, stop: null }
}

function streamed(
  pieces: readonly string[],
  stops: readonly string[],
): { text: string; stop: string | null } {
  const matcher = new StopStrings(stops)
  let text = ''
  for (const piece of pieces) {
    const result = matcher.push(piece)
    text += result.text
    if (result.stop !== null) return { text, stop: result.stop }
  }
  return { text: text + matcher.flush(), stop: null }
}

const letters = (maxLength: number) =>
  fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength }).map(characters => characters.join(''))

describe('StopStrings', () => {
  it('gives the same text and stop string wherever the text is cut', () => {
    const pieces = fc.array(letters(4), { maxLength: 12 })
    const stops = fc.array(letters(4), { maxLength: 3 })
    fc.assert(
      fc.property(pieces, stops, (pieces, stops) => {
        assert.deepEqual(streamed(pieces, stops), whole(pieces.join(''), stops))
      }),
      { numRuns: 2_000 },
    )
  })

  it('never lets a part of a stop string through', () => {
    fc.assert(
      fc.property(fc.array(letters(3), { maxLength: 12 }), letters(4), (pieces, stop) => {
        fc.pre(stop !== '')
        const matcher = new StopStrings([stop])
        let shown = ''
        for (const piece of pieces) {
          const result = matcher.push(piece)
          shown += result.text
          if (result.stop !== null) break
        }
        assert.ok(!shown.includes(stop))
      }),
    )
  })

  it('holds back no more than could become a stop string', () => {
    const matcher = new StopStrings(['</answer>'])
    assert.deepEqual(matcher.push('yes </ans'), { text: 'yes ', stop: null })
    assert.deepEqual(matcher.push('wer '), { text: '</answer ', stop: null })
    assert.equal(matcher.flush(), '')
  })

  it('ignores empty stop strings', () => {
    assert.deepEqual(new StopStrings(['']).push('text'), { text: 'text', stop: null })
  })
})
