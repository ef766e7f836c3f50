import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { type EventLine, Narrator } from '../../../../cli/ui/narrate.ts'

describe('Narrator', () => {
  const told = (narrator: Narrator, event: EventLine) => {
    const words = narrator.narrate(event)
    return words === null ? null : stripVTControlCharacters(words)
  }

  it('tells a download once for each tenth of it', () => {
    const narrator = new Narrator()
    const at = (bytes: number, bytesPerSecond = 2_000_000) =>
      told(narrator, {
        type: 'model',
        spec: 'hf:a/b',
        state: 'downloading',
        progress: { bytes, totalBytes: 10_000_000, bytesPerSecond },
      })
    assert.equal(at(10, 0), '· Downloading the model hf:a/b: 0 % of 10.0 MB')
    assert.equal(at(900_000), null)
    assert.equal(at(3_100_000), '· Downloading the model hf:a/b: 30 % of 10.0 MB, 2.0 MB/s')
    assert.equal(at(3_900_000), null)
    assert.match(at(10_000_000)!, /: 100 % of/)
  })

  it('joins what is wrong and what to do into sentences', () => {
    const narrator = new Narrator()
    const warning = { type: 'warning', message: 'the disk is full', fix: 'Free some space.' }
    assert.equal(told(narrator, warning), '! the disk is full. Free some space.')
    assert.match(
      told(narrator, {
        type: 'model',
        spec: 'x.gguf',
        state: 'failed',
        error: 'x.gguf is not a GGUF file. Name another.',
      })!,
      /^! The model x\.gguf could not be loaded: x\.gguf is not a GGUF file\. Name another\. The node runs without it/,
    )
  })

  it('keeps quiet about what nobody needs to read', () => {
    const narrator = new Narrator()
    assert.equal(told(narrator, { type: 'engine', state: 'starting', backend: null }), null)
    assert.equal(told(narrator, { type: 'of another version' }), null)
  })
})
