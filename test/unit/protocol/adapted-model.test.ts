import assert from 'node:assert/strict'
import { adaptedModelId, isAdaptedModel } from '../../../protocol/adapted-model.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { offerMessage } from '../../../protocol/messages/offer.ts'
import { sampleOffer } from '../../helpers/samples.ts'

const id = (name: string, digit: string) => `${name}@sha256:${digit.repeat(64)}`
const base = id('mini', '1')
const law = id('law', '2')
const own = id('own', '3')

describe('adaptedModelId', () => {
  it('is another one for each base, adapter, order and scale', () => {
    const ids = [
      adaptedModelId(base, [law]),
      adaptedModelId(law, [base]),
      adaptedModelId(base, [own]),
      adaptedModelId(base, [law, own]),
      adaptedModelId(base, [own, law]),
      adaptedModelId(base, [{ id: law, scale: 0.5 }]),
      adaptedModelId(base, [{ id: law, scale: -0.5 }]),
    ]
    assert.equal(new Set(ids.map(id => id.split('@')[1])).size, ids.length)
    assert.equal(adaptedModelId(base, [{ id: law, scale: 1 }]), ids[0])
  })

  it('goes by digests alone', () => {
    const [, digest] = adaptedModelId(base, [law]).split('@')
    assert.equal(adaptedModelId(id('other', '1'), [id('name', '2')]).split('@')[1], digest)
    assert.ok(isAdaptedModel(`called-otherwise@${digest}`, { base, adapter: law }))
    assert.ok(!isAdaptedModel(`law@${digest}`, { base, adapter: own }))
    assert.ok(!isAdaptedModel('law', { base, adapter: law }))
  })

  it('refuses what names nothing', () => {
    assert.throws(() => adaptedModelId(base, []), RangeError)
    assert.throws(() => adaptedModelId('mini', [law]), RangeError)
    assert.throws(() => adaptedModelId(base, ['law']), RangeError)
    assert.throws(() => adaptedModelId(base, [{ id: law, scale: Number.NaN }]), RangeError)
  })

  it('has to be that of what an offer says', () => {
    const offer = (model: string) => ({
      ...sampleOffer,
      models: [{ ...sampleOffer.models[0]!, model, adapter: { base, adapter: law } }],
    })
    const right = offer(adaptedModelId(base, [law]))
    assert.deepEqual(decodeMessage(offerMessage, encodeMessage(offerMessage, right)), right)
    assert.throws(() => encodeMessage(offerMessage, offer(adaptedModelId(base, [own]))), {
      code: 'SCHEMA_MISMATCH',
    })
  })
})
