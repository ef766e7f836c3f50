import assert from 'node:assert/strict'
import { modelPrices } from '../../../../node/config/model-prices.ts'
import { CREDIT } from '../../../../protocol/money.ts'

describe('prices of single models', () => {
  it('are read from text and from lists, and shown as they were written', () => {
    const text = 'shoal-mini=0.25/1,qwen3-0.6b=1/4.5'
    const prices = modelPrices.parse(text)
    assert.deepEqual(prices[0], {
      model: 'shoal-mini',
      inputPerMillion: CREDIT / 4n,
      outputPerMillion: CREDIT,
    })
    assert.deepEqual(modelPrices.parse(text.split(',')), prices)
    assert.equal(modelPrices.show(prices), text)
    assert.deepEqual(modelPrices.parse(''), [])
  })

  it('are refused where they are anything else', () => {
    for (const raw of ['shoal-mini', 'shoal-mini=1', 'shoal-mini=1/x', 'a b=1/1', '=1/1', 'm=-1/1', 7, null])
      assert.throws(() => modelPrices.parse(raw), /expected prices such as/, String(raw))
  })
})
