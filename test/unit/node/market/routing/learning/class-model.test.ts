import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FEATURE_NAMES } from '../../../../../../node/market/routing/features.ts'
import { ClassModel } from '../../../../../../node/market/routing/learning/class-model.ts'

const OPTIONS = { ridge: 0.25, memory: 1_000 }
const middling = FEATURE_NAMES.map(() => 0.5)
const share = fc.integer({ min: 0, max: 1_000 }).map(value => value / 1_000)
const anyFeatures = fc.array(share, { minLength: FEATURE_NAMES.length, maxLength: FEATURE_NAMES.length })

describe('what is learned of a class', () => {
  it('is nothing at first, and equally uncertain of all', () => {
    fc.assert(
      fc.property(anyFeatures, fc.string(), (features, model) => {
        const { value, width } = new ClassModel(OPTIONS).estimate({ features, model })
        assert.equal(value, 0)
        assert.ok(Math.abs(width - ClassModel.initialWidth(OPTIONS.ridge)) < 1e-12)
      }),
    )
  })

  it('tells models apart that look the same, and stays curious of one it has not seen', () => {
    const learned = new ClassModel(OPTIONS)
    for (let i = 0; i < 200; i++) {
      learned.update({ features: middling, model: 'a' }, 0.3)
      learned.update({ features: middling, model: 'b' }, -0.3)
    }
    const a = learned.estimate({ features: middling, model: 'a' })
    const b = learned.estimate({ features: middling, model: 'b' })
    const unseen = learned.estimate({ features: middling, model: 'c' })
    assert.ok(a.value > 0.25 && b.value < -0.25, `${a.value} ${b.value}`)
    assert.ok(Math.abs(unseen.value) < 0.05)
    assert.ok(unseen.width > 5 * a.width)
  })

  it('judges models beyond its bound by their features alone', () => {
    const learned = new ClassModel(OPTIONS)
    for (let i = 0; i < 40; i++) learned.update({ features: middling, model: `m${i}` }, 1)
    assert.equal(learned.state.models.length, 16)
    assert.ok(learned.estimate({ features: middling, model: 'm39' }).value > 0.5)
  })

  it('goes on from its state, and knows a state that cannot be', () => {
    const learned = new ClassModel(OPTIONS)
    const subject = { features: middling, model: 'a' }
    for (let i = 0; i < 5; i++) learned.update(subject, 0.5)
    const { state } = learned
    assert.ok(ClassModel.isState(state))
    assert.deepEqual(
      new ClassModel({ ...OPTIONS, state: structuredClone(state) }).estimate(subject),
      learned.estimate(subject),
    )
    assert.ok(!ClassModel.isState({ ...state, moments: state.moments.slice(1) }))
    assert.ok(!ClassModel.isState({ ...state, inverse: state.inverse.map(() => Number.NaN) }))
  })

  it('takes in what is said later as if it had been known', () => {
    const [late, known] = [new ClassModel(OPTIONS), new ClassModel(OPTIONS)]
    const subject = { features: middling, model: 'a' }
    late.update(subject, 0.1)
    late.correct(subject, 0.4)
    known.update(subject, 0.5)
    assert.ok(Math.abs(late.estimate(subject).value - known.estimate(subject).value) < 1e-12)
  })
})
