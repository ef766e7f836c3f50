import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { nonceOfSeed, samplingSeed } from '../../../protocol/sampling-seed.ts'

const nonce = `0x${'ab'.repeat(32)}`
const sha256 = (hex: string) => `0x${createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')}`

describe('samplingSeed', () => {
  it('hashes what it says, in 70 bytes', () => {
    const head = `${Buffer.from('shoal/1/sampling-seed').toString('hex')}00${'ab'.repeat(32)}`
    assert.equal(samplingSeed(nonce, '12'.repeat(16)), sha256(head + '12'.repeat(16)))
    assert.equal(samplingSeed(nonce, null), sha256(head + '00'.repeat(16)))
  })
})

describe('nonceOfSeed', () => {
  it('has one for each whole number', () => {
    const head = `${Buffer.from('shoal/1/sampling-number').toString('hex')}00`
    assert.equal(nonceOfSeed(7), sha256(`${head}0000000000000007`))
    assert.equal(nonceOfSeed(-1), sha256(`${head}ffffffffffffffff`))
    for (const wrong of [0.5, Number.NaN, 2 ** 53]) assert.throws(() => nonceOfSeed(wrong), RangeError)
  })
})
