import assert from 'node:assert/strict'
import { verifyEd25519Natively } from '../../../node/ed25519.ts'
import { verifyEd25519 } from '../../../protocol/identity.ts'
import { checkVectors } from '../../vectors/check.ts'
import { committedVectorFile, generateVectors, vectorFiles } from '../../vectors/generate.ts'

describe('protocol vectors', () => {
  it('are what this implementation writes', () => {
    for (const [name, text] of vectorFiles()) {
      assert.equal(text, committedVectorFile(name), `${name} is stale: run node test/vectors/generate.ts`)
    }
  })

  it('hold with the portable verifier', () => {
    assert.deepEqual(checkVectors(generateVectors(), verifyEd25519), [])
  })

  it('hold with the native verifier, crafted signatures included', () => {
    const vectors = generateVectors()
    assert.deepEqual(checkVectors(vectors, verifyEd25519Natively), [])
    const valid = vectors.ed25519.filter(vector => vector.valid).length
    assert.ok(valid >= 10 && vectors.ed25519.length - valid >= 50, 'both answers are well represented')
  })
})
