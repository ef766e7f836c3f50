import assert from 'node:assert/strict'
import { Regions } from '../../../../node/market/regions.ts'

describe('regions', () => {
  it('are found by themselves and by what they begin with, whole words only', () => {
    const regions = new Regions()
    const [eu, de, europe, none] = ['EU', 'eu-de', 'europe', null].map(region => regions.use(region)) as [
      number,
      number,
      number,
      number,
    ]
    assert.equal(none, -1)
    const mask = regions.mask('Eu')
    assert.deepEqual([mask[eu], mask[de], mask[europe], mask[none]], [1, 1, 0, undefined])
    assert.equal(regions.mask('eu-de')[eu], 0)
  })

  it('have their number for as long as anybody uses it', () => {
    const regions = new Regions()
    const first = regions.use('eu')
    assert.equal(regions.use('eu'), first)
    regions.release(first)
    assert.equal(regions.mask('eu')[first], 1)
    regions.release(first)
    assert.equal(regions.mask('eu')[first], 0)
    for (let at = 0; at < 1_000; at++) regions.release(regions.use(`r${at}`))
    assert.equal(regions.mask('r').length, 1)
    regions.release(-1)
  })
})
