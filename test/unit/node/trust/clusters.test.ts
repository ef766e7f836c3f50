import assert from 'node:assert/strict'
import fc from 'fast-check'
import { networkOf, type OperatorFacts, Operators } from '../../../../node/trust/clusters.ts'

const facts: Record<string, OperatorFacts> = {
  a: { wallet: '0xa', funder: '0xf', networks: ['5.9.1.0/24'] },
  sibling: { wallet: '0xb', funder: '0xf', networks: ['6.9.1.0/24'] },
  child: { wallet: '0xc', funder: '0xa', networks: [] },
  twin: { wallet: '0xa', funder: null, networks: [] },
  neighbour: { wallet: '0xd', funder: '0xe', networks: ['7.1.1.0/24', '5.9.1.0/24'] },
  other: { wallet: '0x1', funder: '0x2', networks: ['8.1.1.0/24'] },
  another: { wallet: '0x3', funder: null, networks: [] },
  faceless: { wallet: null, funder: null, networks: [] },
}
const operators = new Operators({ factsOf: peer => facts[peer]! })

describe('operators', () => {
  it('are distinct with other wallets, other funders and other networks', () => {
    assert.equal(operators.areDistinct('a', 'other'), true)
    assert.equal(operators.areDistinct('other', 'another'), true)
    assert.deepEqual(
      ['a', 'twin', 'sibling', 'child', 'neighbour', 'faceless', 'other'].map(peer =>
        operators.kinship('a', peer),
      ),
      ['same_node', 'same_wallet', 'same_funder', 'same_funder', 'same_network', 'wallet_unknown', null],
    )
  })

  it('are distinct or not whichever is named first, and never from themselves', () => {
    const anyone = fc.constantFrom(...Object.keys(facts))
    fc.assert(
      fc.property(anyone, anyone, (a, b) => {
        assert.equal(operators.kinship(a, b), operators.kinship(b, a))
        assert.equal(operators.areDistinct(a, a), false)
      }),
    )
  })

  it('share a cluster exactly when something says that they are one', () => {
    for (const a of Object.keys(facts)) {
      for (const b of Object.keys(facts)) {
        if (a === b || a === 'faceless' || b === 'faceless') continue
        const shared = operators.clustersOf(a).some(key => operators.clustersOf(b).includes(key))
        assert.equal(shared, operators.kinship(a, b) !== null, `${a} ${b}`)
      }
    }
  })
})

describe('networks', () => {
  it('are /24 and /48 of public addresses', () => {
    assert.equal(networkOf('5.9.1.77'), '5.9.1.0/24')
    assert.equal(networkOf('100.128.0.1'), '100.128.0.0/24')
    assert.equal(networkOf('172.32.0.1'), '172.32.0.0/24')
    assert.equal(networkOf('2001:db8:1:2::3'), '2001:db8:1::/48')
    assert.equal(networkOf('2a00::1'), '2a00:0:0::/48')
    assert.equal(networkOf('2a00:0:0:5:6:7:8:9'), networkOf('2A00::9'))
  })

  it('do not count where neighbours are strangers', () => {
    const special = [
      '127.0.0.1',
      '10.1.2.3',
      '192.168.1.1',
      '172.16.0.1',
      '172.31.9.9',
      '169.254.1.1',
      '100.64.0.1',
    ]
    for (const address of [
      ...special,
      '0.0.0.0',
      '224.0.0.1',
      '::1',
      'fe80::1',
      'fd00::1',
      '::',
      '::ffff:5.9.1.7',
    ])
      assert.equal(networkOf(address), null, address)
  })

  it('has no answer to what is no address, and never throws', () => {
    for (const text of [
      '',
      'example.org',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '2001:db8',
      '1::2::3',
      '2001:zz::1',
    ])
      assert.equal(networkOf(text), null, text)
    fc.assert(fc.property(fc.string(), text => void networkOf(text)))
  })
})
