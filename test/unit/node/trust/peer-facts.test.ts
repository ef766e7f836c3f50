import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Store } from '../../../../node/store/store.ts'
import { TrustError } from '../../../../node/trust/errors.ts'
import { PeerFacts } from '../../../../node/trust/peer-facts.ts'
import { peerNamed } from '../../../../node/trust/peer-names.ts'
import { peerIdFromPublicKey } from '../../../../protocol/ids.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const wallets: Record<string, string> = {
  local: walletOf('a'),
  a: walletOf('a'),
  b: walletOf('b'),
  c: walletOf('c'),
}

describe('facts about peers', () => {
  const folders = new TemporaryFolders()
  let path: string
  let store: Store
  let facts: PeerFacts
  let stakers: Set<string>

  async function open(): Promise<void> {
    store = await Store.open(path)
    facts = new PeerFacts({
      store,
      walletOf: peer => wallets[peer] ?? null,
      funderOf: wallet => (wallet === walletOf('c') ? walletOf('b') : null),
      rolesOf: (wallet, peer) => (wallet === walletOf('b') && peer === 'b' ? ['orchestrator'] : null),
      stakeOf: (wallet, peer) => (wallet === walletOf('b') && stakers.has(peer) ? CREDIT : CREDIT - 1n),
    })
    await facts.start()
  }

  beforeEach(async () => {
    path = join(await folders.make(), 'store')
    stakers = new Set(['b'])
    await open()
  })
  afterEach(async () => {
    await store.close()
    await folders.remove()
  })

  it('tell operators apart, ourselves and cloud services too', () => {
    const { operators } = facts
    assert.equal(operators.areDistinct('a', 'b'), true)
    assert.equal(operators.areDistinct('b', 'c'), false, 'one has funded the other')
    assert.equal(operators.areDistinct('local', 'a'), false, 'our own wallet')
    assert.equal(operators.areDistinct('local', 'b'), true)
    assert.equal(operators.areDistinct('cloud:one', 'b'), true)
    assert.equal(operators.areDistinct('cloud:one', 'cloud:two'), true)
    assert.equal(operators.areDistinct('cloud:one', 'cloud:one'), false)
    assert.equal(operators.areDistinct('nobody', 'b'), false)
  })

  it('count a stake for the first key it was seen with, and for no other after it', async () => {
    assert.deepEqual(
      ['a', 'b', 'nobody', 'cloud:one'].map(peer => facts.hasStake(peer)),
      [false, true, false, false],
    )
    await facts.paidFrom('reborn', walletOf('b'))
    stakers = new Set(['reborn'])
    assert.deepEqual([facts.hasStake('b'), facts.hasStake('reborn')], [false, false])
    stakers = new Set(['b'])
    assert.equal(facts.hasStake('b'), true)
  })

  it('come from where peers were seen, and not from private networks', async () => {
    await facts.seenAt('a', '/ip4/192.168.1.1/tcp/4150')
    await facts.seenAt('b', '/ip4/192.168.1.1/tcp/4150')
    await facts.seenAt('a', '/dns4/example.org/tcp/1')
    assert.equal(facts.operators.areDistinct('a', 'b'), true)
    await facts.seenAt('a', '/ip4/5.9.1.1/tcp/4150/p2p/x')
    await facts.seenAt('b', '/ip4/5.9.1.200/tcp/4150')
    assert.equal(facts.operators.kinship('a', 'b'), 'same_network')
    for (let i = 0; i < 10; i++) await facts.seenAt('a', `/ip4/6.0.${i}.1/tcp/1`)
    assert.equal(facts.operators.areDistinct('a', 'b'), true, 'only the latest networks are kept')
  })

  it('take a wallet from what a requester has paid, and outlive restarts', async () => {
    assert.deepEqual(facts.clustersOf('payer'), [])
    await facts.paidFrom('payer', walletOf('c'))
    await facts.seenAt('payer', '/ip6/2001:db8::1/tcp/1')
    await store.close()
    await open()
    assert.deepEqual(facts.clustersOf('payer'), [
      `wallet:${walletOf('c')}`,
      `wallet:${walletOf('b')}`,
      'network:2001:db8:0::/48',
    ])
    assert.deepEqual(
      ['b', 'c', 'payer', 'nobody'].map(peer => facts.isOrchestrator(peer)),
      [true, false, false, false],
    )
  })
})

function walletOf(letter: string): string {
  return `0x${letter.repeat(40)}`
}

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
