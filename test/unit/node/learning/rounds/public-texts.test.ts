import { deepEqual, equal } from 'node:assert/strict'
import { PublicTexts, publicTextsFrom } from '../../../../../node/learning/rounds/parts/validation.ts'
import { sampleManifest } from '../../../../helpers/learning-samples.ts'

describe('public texts', () => {
  it('are named with their domain or without', () => {
    deepEqual(publicTextsFrom(['a.jsonl', 'law=b.jsonl', './c=d.jsonl']), [
      { path: 'a.jsonl', domain: 'general' },
      { path: 'b.jsonl', domain: 'law' },
      { path: './c=d.jsonl', domain: 'general' },
    ])
    deepEqual(publicTextsFrom(['a.jsonl'], 'law'), [{ path: 'a.jsonl', domain: 'law' }])
  })

  it('are those of the settings and those given with a proposal, of the domain first', async () => {
    const texts = new PublicTexts(publicTextsFrom(['a', 'law=b']))
    equal(texts.isEmpty, false)
    equal(new PublicTexts([]).isEmpty, true)
    texts.give('law', publicTextsFrom(['c'], 'law'))
    const law = { ...sampleManifest, domain: 'law' }
    deepEqual(
      (await texts.sets(law)).map(({ path }) => path),
      ['c', 'b', 'a'],
    )
    texts.give('law', [])
    deepEqual(
      (await texts.sets(law)).map(({ path }) => path),
      ['b', 'a'],
    )
  })
})
