import assert from 'node:assert/strict'
import { hexToBytes } from '@noble/hashes/utils.js'
import { nodeKeyFrom } from '../../../../node/config/node-key.ts'
import { peerIdFromPublicKey } from '../../../../protocol/ids.ts'

const KEY = 'ab'.repeat(32)

describe('a node named in a setting', () => {
  it('is its key, whichever way it is written', () => {
    assert.equal(nodeKeyFrom(KEY, 'privacy.allow'), KEY)
    assert.equal(nodeKeyFrom(peerIdFromPublicKey(hexToBytes(KEY)), 'privacy.allow'), KEY)
  })

  it('is refused where it is neither', () => {
    assert.throws(() => nodeKeyFrom(`12D3Koo${'z'.repeat(45)}`, 'privacy.allow'), {
      code: 'CONFIG_BAD_VALUE',
      message: /privacy\.allow: 12D3Koo/,
    })
  })
})
