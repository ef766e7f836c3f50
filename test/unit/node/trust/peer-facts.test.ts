import assert from 'node:assert/strict'
import { TrustError } from '../../../../node/trust/errors.ts'
import { PeerFacts } from '../../../../node/trust/peer-facts.ts'
import { peerNamed } from '../../../../node/trust/peer-names.ts'
import { peerIdFromPublicKey } from '../../../../protocol/ids.ts'

const wallets: Record<string, string> = { local: '0xa', a: '0xa', b: '0xb', c: '0xc' }

function makeFacts(): PeerFacts {
  return new PeerFacts({
    walletOf: peer => wallets[peer] ?? null,
    funderOf: wallet => (wallet === '0xc' ? '0xb' : null),
    rolesOf: (wallet, peer) => (wallet === '0xb' && peer === 'b' ? ['orchestrator'] : null),
  })
}

describe('facts about peers', () => {
  it('tell operators apart, ourselves and cloud services too', () => {
    const { operators } = makeFacts()
    assert.equal(operators.areDistinct('a', 'b'), true)
    assert.equal(operators.areDistinct('b', 'c'), false, 'one has funded the other')
    assert.equal(operators.areDistinct('local', 'a'), false, 'our own wallet')
    assert.equal(operators.areDistinct('local', 'b'), true)
    assert.equal(operators.areDistinct('cloud:one', 'b'), true)
    assert.equal(operators.areDistinct('cloud:one', 'cloud:two'), true)
    assert.equal(operators.areDistinct('cloud:one', 'cloud:one'), false)
    assert.equal(operators.areDistinct('nobody', 'b'), false)
  })

  it('come from where peers were seen, and not from private networks', () => {
    const facts = makeFacts()
    facts.seenAt('a', '/ip4/5.9.1.1/tcp/4150/p2p/x')
    facts.seenAt('b', '/ip4/5.9.1.200/tcp/4150')
    assert.equal(facts.operators.kinship('a', 'b'), 'same_network')
    const home = makeFacts()
    for (const peer of ['a', 'b']) home.seenAt(peer, '/ip4/192.168.1.1/tcp/4150')
    home.seenAt('a', '/dns4/example.org/tcp/1')
    assert.equal(home.operators.areDistinct('a', 'b'), true)
    for (let i = 0; i < 10; i++) facts.seenAt('a', `/ip4/6.0.${i}.1/tcp/1`)
    assert.equal(facts.operators.areDistinct('a', 'b'), true, 'only the latest networks are kept')
  })

  it('take a wallet from what a requester has paid', () => {
    const facts = makeFacts()
    assert.deepEqual(facts.clustersOf('payer'), [])
    facts.paidFrom('payer', '0xc')
    assert.deepEqual(facts.clustersOf('payer'), ['wallet:0xc', 'wallet:0xb'])
    assert.deepEqual(
      ['b', 'c', 'payer', 'nobody'].map(peer => facts.isOrchestrator(peer)),
      [true, false, false, false],
    )
  })
})

describe('names of peers', () => {
  const keys = Array.from({ length: 40 }, (_, i) => (i * 6 + 3).toString(16).padStart(2, '0').repeat(32))
  const idOf = (key: string) => peerIdFromPublicKey(new Uint8Array(Buffer.from(key, 'hex')))

  it('are whole PeerIds, what lists show of them, or their ends', () => {
    for (const key of keys) {
      const id = idOf(key)
      assert.equal(peerNamed(id, []), key)
      const mark = id.slice(-6)
      assert.equal(peerNamed(`${id.slice(0, 8)}…${mark}`, keys), key)
      assert.equal(peerNamed(`${id.slice(0, 8)}...${mark}`, [...keys, ...keys]), key)
      assert.equal(peerNamed(mark, keys), key)
      assert.equal(peerNamed(id.slice(0, -1), keys), key)
    }
  })

  it('are refused with a way out when nobody or several go by them', () => {
    const code = (expected: string) => (error: unknown) => {
      assert.ok(error instanceof TrustError && error.fix !== undefined)
      return error.code === expected
    }
    assert.throws(() => peerNamed('nobody', keys), code('PEER_UNKNOWN'))
    assert.throws(() => peerNamed('12D3KooW', []), code('PEER_UNKNOWN'))
    assert.throws(() => peerNamed('12D3KooW…', keys), code('PEER_AMBIGUOUS'))
  })
})
