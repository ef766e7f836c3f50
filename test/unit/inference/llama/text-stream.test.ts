import assert from 'node:assert/strict'
import fc from 'fast-check'
import { openBytes, TextStream } from '../../../../inference/llama/text-stream.ts'

/** Bytes that are likely to be parts of characters, and some that are not. */
const byte = fc.oneof(
  fc.constantFrom(
    0x41,
    0xc3,
    0xa4,
    0xe2,
    0x82,
    0xac,
    0xf0,
    0x9f,
    0x98,
    0x80,
    0xed,
    0xa0,
    0xe0,
    0xf4,
    0x90,
    0xc0,
    0xff,
  ),
  fc.integer({ min: 0, max: 255 }),
)
const bytes = fc.uint8Array({ maxLength: 6 })
const likelyBytes = fc.array(byte, { maxLength: 6 }).map(values => Uint8Array.from(values))

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap(piece => [...piece]))
}

describe('TextStream', () => {
  it('gives what a streaming decoder gives, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, likelyBytes), { maxLength: 12 }), pieces => {
        const stream = new TextStream()
        const text = pieces.map(piece => stream.push(piece)).join('')
        const reference = new TextDecoder('utf-8', { ignoreBOM: true }).decode(concat(pieces), {
          stream: true,
        })
        assert.equal(text, reference)
      }),
      { numRuns: 5_000 },
    )
  })

  it('gives whole text back from its bytes cut anywhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(64)), (text, cuts) => {
        const all = new TextEncoder().encode(text)
        const stream = new TextStream()
        let at = 0
        let shown = ''
        for (const cut of cuts) {
          shown += stream.push(all.slice(at, at + cut))
          assert.ok(!shown.includes('\ufffd') || text.includes('\ufffd'))
          at += cut
        }
        assert.equal(shown + stream.push(all.slice(at)), text)
      }),
    )
  })

  it('mixes text and bytes', () => {
    const stream = new TextStream()
    assert.equal(stream.push('a'), 'a')
    assert.equal(stream.push(Uint8Array.of(0xe2, 0x82)), '')
    assert.equal(stream.push('b'), '\ufffdb')
    assert.equal(stream.push(Uint8Array.of(0xe2, 0x82, 0xac)), '€')
  })

  it('keeps a byte order mark, which is a character like others', () => {
    assert.equal(new TextStream().push(Uint8Array.of(0xef, 0xbb, 0xbf)), '\ufeff')
  })
})

describe('openBytes', () => {
  it('counts the bytes of an unfinished character', () => {
    assert.equal(openBytes(Uint8Array.of()), 0)
    assert.equal(openBytes(Uint8Array.of(0x41, 0xe2)), 1)
    assert.equal(openBytes(Uint8Array.of(0x41, 0xf0, 0x9f, 0x98)), 3)
    assert.equal(openBytes(Uint8Array.of(0xe2, 0x82, 0xac)), 0)
  })

  it('does not wait for bytes that could not make a character', () => {
    assert.equal(openBytes(Uint8Array.of(0xc0)), 0)
    assert.equal(openBytes(Uint8Array.of(0xed, 0xa0)), 0)
    assert.equal(openBytes(Uint8Array.of(0xf5)), 0)
    assert.equal(openBytes(Uint8Array.of(0x80)), 0)
  })
})
