import assert from 'node:assert/strict'
import { GENERATORS, single } from '../../../../../scripts/embedded-model/corpus/conversation.ts'
import { KINDS, type Kind } from '../../../../../scripts/embedded-model/corpus/example.ts'
import { lexicon } from '../../../../../scripts/embedded-model/corpus/lexicon.ts'
import { normalise, skeletons } from '../../../../../scripts/embedded-model/corpus/phrase.ts'
import { Random } from '../../../../../scripts/embedded-model/corpus/random.ts'
import {
  entitySplit,
  SPLITS,
  type Split,
  splitPool,
  templatesOf,
} from '../../../../../scripts/embedded-model/corpus/split.ts'
import { withoutPoliteness } from '../../../../../scripts/embedded-model/corpus/typing.ts'

const pairs: [Split, Split][] = [
  ['train', 'validation'],
  ['train', 'test'],
  ['validation', 'test'],
]

function common<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): T[] {
  return [...a].filter(element => b.has(element))
}

/** What a question asks with: no case, marks or polite words, except where these are all there is. */
const core = (kind: Kind, text: string) =>
  kind === 'greeting' ? normalise(text) : withoutPoliteness(normalise(text))

describe('the split of the corpus', () => {
  for (const kind of KINDS) {
    for (const [name, templates] of Object.entries(GENERATORS[kind].templates)) {
      it(`keeps the wordings of ${kind}.${name} apart`, () => {
        const wordings = (split: Split) =>
          new Set(
            templatesOf(templates, split)
              .flatMap(skeletons)
              .map(text => core(kind, text))
              .filter(text => text !== ''),
          )
        for (const split of SPLITS) assert.ok(wordings(split).size > 0, `${split} has none`)
        for (const [a, b] of pairs) assert.deepEqual(common(wordings(a), wordings(b)), [], `${a} and ${b}`)
      })
    }
  }

  it('keeps words apart, whatever list they are on', () => {
    const words = (split: Split) =>
      new Set(
        Object.values(lexicon(split)).flatMap((list: readonly string[]) =>
          list.map(word => word.toLowerCase()),
        ),
      )
    for (const [a, b] of pairs) assert.deepEqual(common(words(a), words(b)), [], `${a} and ${b}`)
  })

  for (const kind of KINDS) {
    it(`asks nothing of ${kind} that was trained, neither entity nor question`, () => {
      const drawn = (split: Split, count: number) => {
        const random = new Random(3)
        return Array.from({ length: count }, () => single(random, split, kind))
      }
      const trained = drawn('train', 6000)
      const entities = new Set(
        trained.flatMap(example => example.entities).map(entity => entity.toLowerCase()),
      )
      // Products are facts that must all be learned; so are those of Shoal and of greetings.
      const isFact = (entity: string) =>
        /^\d+x\d+$/.test(entity) || (kind === 'arithmetic' && /\/|\d{3}/.test(entity))
      for (const split of ['validation', 'test'] as const) {
        const asked = drawn(split, 600)
        const known = asked
          .flatMap(example => example.entities)
          .filter(entity => !isFact(entity) && entities.has(entity.toLowerCase()))
        assert.deepEqual([...new Set(known)], [], `entities of ${split} that were trained`)
        const questions = new Set(trained.map(example => core(kind, example.user)))
        const repeated = asked.filter(
          example => questions.has(core(kind, example.user)) && !example.entities.some(isFact),
        )
        assert.deepEqual(
          repeated.map(example => example.user),
          [],
          `questions of ${split} that were trained`,
        )
      }
    })
  }

  it('puts about nine of a hundred entities into each held-out part', () => {
    const counts = { train: 0, validation: 0, test: 0 }
    for (let i = 0; i < 20_000; i++) counts[entitySplit(`entity ${i}`)]++
    for (const split of ['validation', 'test'] as const) {
      assert.ok(counts[split] > 1600 && counts[split] < 2000, `${split} has ${counts[split]}`)
    }
  })

  it('does not look at letter case', () => {
    assert.equal(entitySplit('Lisbon'), entitySplit('LISBON'))
  })

  it('refuses a pool too small to be parted', () => {
    assert.throws(() => splitPool(['a', 'b', 'c']), RangeError)
  })
})
