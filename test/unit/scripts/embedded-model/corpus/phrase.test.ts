import assert from 'node:assert/strict'
import {
  expand,
  framed,
  normalise,
  skeletons,
  textOf,
} from '../../../../../scripts/embedded-model/corpus/phrase.ts'
import { Random } from '../../../../../scripts/embedded-model/corpus/random.ts'

describe('templates', () => {
  it('expand to every alternative, nested ones too', () => {
    const random = new Random(1)
    const drawn = new Set<string>()
    for (let i = 0; i < 200; i++) drawn.add(textOf(expand('[a|b[c|]|] {x}!', { x: 'y' }, random)))
    assert.deepEqual([...drawn].sort(), [' y!', 'a y!', 'b y!', 'bc y!'])
    assert.deepEqual(skeletons('[a|b[c|]|] {x}!').sort(), [' {x}!', 'a {x}!', 'b {x}!', 'bc {x}!'])
  })

  it('keep what comes from a slot apart from what comes from the template', () => {
    const pieces = expand('Say {x} now', { x: '[not|me]' }, new Random(1))
    assert.deepEqual(pieces, [
      { text: 'Say ', literal: true },
      { text: '[not|me]', literal: false },
      { text: ' now', literal: true },
    ])
  })

  it('refuse unknown slots and unclosed brackets', () => {
    assert.throws(() => expand('{x}', {}, new Random(1)), RangeError)
    assert.throws(() => expand('[a|b', {}, new Random(1)), RangeError)
    assert.throws(() => skeletons('[a|b'), RangeError)
  })

  it('take braces that name nothing as text', () => {
    assert.equal(textOf(expand('{{ }', {}, new Random(1))), '{{ }')
  })

  it('are compared by letters, digits and slots alone', () => {
    assert.equal(normalise('  Hello, {Name}!! it’s "2+2" '), 'hello {name} it s 2 2')
  })

  it('frame a text in quotes or on a line of its own, never lose it', () => {
    const random = new Random(3)
    const drawn = new Set(Array.from({ length: 300 }, () => framed('Read: {s}', random)))
    assert.deepEqual([...drawn].sort(), ['Read:\n"{s}"', 'Read:\n{s}', 'Read: "{s}"', 'Read: {s}'])
  })
})
