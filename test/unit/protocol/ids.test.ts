import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { parseCid, parseModelId, peerIdFromPublicKey, publicKeyFromPeerId } from '../../../protocol/ids.ts'
import { sampleOfferRecord } from '../../helpers/samples.ts'

describe('ids', () => {
  it('give a node key the PeerId libp2p gives it', async () => {
    for (let i = 0; i < 5; i++) {
      const key = await generateKeyPair('Ed25519')
      assert.equal(peerIdFromPublicKey(key.publicKey.raw), peerIdFromPrivateKey(key).toString())
    }
  })

  it('read node keys back from PeerIds, and only from those of Ed25519 keys', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), key => {
        assert.deepEqual(publicKeyFromPeerId(peerIdFromPublicKey(key)), key)
      }),
    )
    const other = peerIdFromPrivateKey(await generateKeyPair('secp256k1')).toString()
    for (const text of [other, '', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', '0OIl']) {
      assert.throws(() => publicKeyFromPeerId(text), RangeError)
    }
    assert.throws(() => peerIdFromPublicKey(new Uint8Array(31)), RangeError)
  })

  it('split model ids', () => {
    const sha256 = 'ab'.repeat(32)
    assert.deepEqual(parseModelId(`shoal-nano@sha256:${sha256}`), { name: 'shoal-nano', sha256 })
    for (const bad of [
      'shoal-nano',
      `@sha256:${sha256}`,
      `Shoal@sha256:${sha256}`,
      `a@sha256:${sha256}0`,
      `a b@sha256:${sha256}`,
    ]) {
      assert.equal(parseModelId(bad), null)
    }
  })

  it('parse CIDs in their one base32 form only', () => {
    assert.equal(parseCid(sampleOfferRecord.cid)?.toString(), sampleOfferRecord.cid)
    for (const bad of [
      '',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      `${sampleOfferRecord.cid}a`,
      'bafy',
    ]) {
      assert.equal(parseCid(bad), null)
    }
  })
})
