import assert from 'node:assert/strict'
import fc from 'fast-check'
import { medianText, microNats, relativeGain } from '../../../../../node/learning/scoring/gain.ts'
import {
  capAuthorsAlone,
  type MeasuredVerdict,
  verdictOf,
} from '../../../../../node/learning/scoring/verdict.ts'

const own = (before: number, after: number, isAuthors = false) => ({ before, after, isAuthors })
const anyLoss = fc.integer({ min: 0, max: 16_000_000 })
const anyPair = fc.record({ before: anyLoss, after: anyLoss })

describe('what an update’s losses say', () => {
  it('accepts what gains more on its own domain than on random data', () => {
    const gain = verdictOf({
      own: [own(2_000_000, 1_000_000)],
      random: [{ before: 3_000_000, after: 2_900_000 }],
    })
    assert.equal(gain?.verdict, 'accepted')
    const everywhere = verdictOf({
      own: [own(2_000_000, 1_900_000)],
      random: [{ before: 3_000_000, after: 2_000_000 }],
    })
    assert.equal(everywhere?.verdict, 'not_own')
    assert.equal(verdictOf({ own: [own(2_000_000, 1_999_999)], random: [] })?.verdict, 'no_gain')
    assert.equal(verdictOf({ own: [own(2_000_000, 3_000_000)], random: [] })?.verdict, 'no_gain')
  })

  it('is not moved by fewer than half of the texts, whatever is in them', () => {
    const honest = fc.array(
      fc.tuple(fc.integer({ min: 1_000_000, max: 9_000_000 }), fc.integer({ min: 40, max: 60 })),
      {
        minLength: 3,
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(honest, fc.array(anyPair, { maxLength: 2 }), (texts, lies) => {
        const verdict = verdictOf({
          own: [
            ...texts.map(([before, percent]) => own(before, Math.round((before * percent) / 100))),
            ...lies.map(({ before, after }) => own(before, after)),
          ],
          random: [],
        })!
        const gain = relativeGain(verdict.ownDomain)
        assert.ok(gain >= 0.399 && gain <= 0.601, `${gain}`)
      }),
    )
  })

  it('takes the author’s own text only where nobody else gave one', () => {
    const both = verdictOf({ own: [own(2_000_000, 1, true), own(2_000_000, 1_999_000)], random: [] })
    assert.equal(both?.verdict, 'no_gain')
    const alone = verdictOf({ own: [own(2_000_000, 1_000_000, true)], random: [] })
    assert.ok(alone?.verdict === 'accepted' && alone.isAuthorsAlone)
    assert.equal(verdictOf({ own: [], random: [] }), null)
  })

  it('pays authors alone with their domain no more than others are shown to gain', () => {
    const shown = (after: number): MeasuredVerdict => ({
      ...{
        verdict: 'accepted',
        ownDomain: { before: 1_000_000, after },
        random: null,
        isAuthorsAlone: false,
      },
    })
    const invented = { ...shown(0), isAuthorsAlone: true }
    const [, , , capped] = capAuthorsAlone([shown(700_000), shown(600_000), shown(500_000), invented])
    assert.equal(capped!.ownDomain.after, 600_000)
    assert.deepEqual(capAuthorsAlone([invented]), [invented])
    const little = { ...shown(900_000), isAuthorsAlone: true }
    assert.deepEqual(capAuthorsAlone([shown(700_000), little])[1], little)
  })

  it('reckons with any numbers an engine may give', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double(), fc.double()), { minLength: 1, maxLength: 5 }), losses => {
        const pairs = losses.map(([before, after]) => own(microNats(before), microNats(after)))
        const verdict = verdictOf({ own: pairs, random: pairs.slice(1) })!
        assert.ok(Number.isSafeInteger(verdict.ownDomain.after) && verdict.ownDomain.after <= 16_000_000)
        assert.ok(Math.abs(relativeGain(verdict.ownDomain)) <= 1)
      }),
    )
    assert.equal(microNats(Number.NaN), 16_000_000)
    // Nothing is left to be learned: no share of nothing.
    assert.equal(relativeGain({ before: 0, after: 0 }), 0)
    assert.equal(medianText([], 'lower'), null)
  })
})
