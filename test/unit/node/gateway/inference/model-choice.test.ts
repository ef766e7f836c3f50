import assert from 'node:assert/strict'
import { chosenModel } from '../../../../../node/gateway/inference/model-choice.ts'
import { shoalOptionsFrom } from '../../../../../node/gateway/inference/shoal-options.ts'
import { isNamed } from '../../../../../node/market/model-names.ts'
import { CREDIT } from '../../../../../protocol/money.ts'

const id = (name: string, digit: string) => `${name}@sha256:${digit.repeat(64)}`
const IDS = [
  id('qwen3-0.6b-q8_0', 'a'),
  id('qwen3-0.6b-q4_0', 'b'),
  id('qwen3-8b-q8_0', 'c'),
  id('llama-3-q8_0', 'd'),
]
const models = {
  models: () => IDS,
  match: ({ model }: { model: string | null }) =>
    IDS.filter(each => model !== null && isNamed(model, each)).map(each => ({
      model: each,
      start: 0,
      end: 1,
    })),
}
const choose = (wanted: string | null, allowed: string[] | null = null) =>
  chosenModel(wanted, { models, policy: { models: allowed } })

describe('the model that a request means', () => {
  it('is any where clients leave it to the node', () => {
    for (const name of [null, '', 'auto', 'default']) assert.equal(choose(name), null)
  })

  it('is found by id, name, and the beginning of one name', () => {
    for (const name of [IDS[0]!, 'qwen3-0.6b', 'qwen3-0.6b-q4_0', `sha256:${'a'.repeat(64)}`])
      assert.equal(choose(name), name)
    assert.equal(choose('Llama-3'), 'llama-3')
    assert.equal(choose('llama'), 'llama-3')
    assert.throws(() => choose('qwen'), { code: 'REQUEST_INVALID', fix: /qwen3-0\.6b, qwen3-8b/ })
    assert.equal(choose('gpt-4o'), 'gpt-4o')
  })

  it('keeps to what the tenant may use, by whatever name', () => {
    assert.equal(choose('auto', ['nobody-has-it', 'llama-3']), 'llama-3')
    assert.equal(choose(IDS[3]!, ['llama-3']), IDS[3])
    // Not all files of the name are allowed.
    assert.throws(() => choose('qwen3-0.6b', [IDS[0]!]), { code: 'FORBIDDEN' })
    assert.throws(() => choose('gpt-4o', ['llama-3']), { code: 'FORBIDDEN' })
    assert.throws(() => choose('auto', []), { code: 'FORBIDDEN' })
  })
})

describe('how a task is to be done', () => {
  it('is said by the body, else by headers', () => {
    const headers = {
      'shoal-strategy': 'speed',
      'shoal-max-price': '0.5',
      'shoal-deadline-ms': '2000',
      'shoal-region': 'eu',
    }
    const options = shoalOptionsFrom({ strategy: 'cost' }, headers)
    assert.deepEqual(
      [options.strategy, options.maxPrice, options.deadlineMs, options.region, options.minStake],
      ['cost', CREDIT / 2n, 2_000, 'eu', null],
    )
    assert.throws(() => shoalOptionsFrom(undefined, { 'shoal-max-price': 'much' }), {
      code: 'REQUEST_INVALID',
      param: 'shoal-max-price',
    })
  })
})
